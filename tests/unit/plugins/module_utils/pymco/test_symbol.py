# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ruby Symbols on Python's side."""

from __future__ import annotations

import copy
import pickle

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
    symbolize,
)


def test_a_symbol_equals_the_spelling_of_python_mcollective() -> None:
    assert {Symbol("body"): 1}[":body"] == 1
    assert Symbol("body").name == "body"


@pytest.mark.parametrize("name", ["a", "", ":a"])
def test_a_symbol_stays_itself_when_copied_or_pickled(name: str) -> None:
    symbol = Symbol(name)
    for twin in (copy.copy(symbol), copy.deepcopy(symbol), pickle.loads(pickle.dumps(symbol))):
        assert (type(twin), twin.name) == (Symbol, name)


def test_symbolize_gives_the_type_to_the_outer_keys_only() -> None:
    symbolized = symbolize({"a": {"b": 1}, ":c": 2})
    assert symbolized == {":a": {"b": 1}, ":c": 2}
    assert [type(key) for key in symbolized] == [Symbol, Symbol]
    assert [type(key) for key in symbolized[":a"]] == [str]
