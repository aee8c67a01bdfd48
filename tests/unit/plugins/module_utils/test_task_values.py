# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client's data become JSON: nothing is lost, and no two keys get the same name."""

from __future__ import annotations

import json
import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import (
    numbered,
    to_json,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    OtherKey,
    Symbol,
)


@pytest.mark.parametrize(
    "value,plain",
    [
        (Symbol("ok"), "ok"),
        (Symbol(""), ""),
        (":a string", ":a string"),
        ({Symbol("a"): [Symbol("b"), {"c": Symbol("d")}]}, {"a": ["b", {"c": "d"}]}),
        (b"\xff", {"content": "/w==", "encoding": "base64"}),
        ([b"a"], [{"content": "YQ==", "encoding": "base64"}]),
        ({None: 1, 2: 3, 1.5: 4, b"\xffk": 5}, {"": 1, "2": 3, "1.5": 4, "\\xffk": 5}),
        (
            {True: 1, False: 2, "True": 3, Symbol("x"): 4},
            {"true": 1, "false": 2, "True": 3, "x": 4},
        ),
        ({Symbol("a"): 1, "a": 2, Symbol("b"): 3}, {":a": 1, "a": 2, "b": 3}),
        ({"a": 1, Symbol("a"): {"b": 2, Symbol("b"): 3}}, {"a": 1, ":a": {"b": 2, ":b": 3}}),
        ({Symbol("true"): 1, True: 2}, {":true": 1, "true": 2}),
        ({Symbol("5"): 1, 5: 2, Symbol(""): 3, None: 4}, {":5": 1, "5": 2, ":": 3, "": 4}),
        ([None, True, 2**70, 1.5, "\u00e9"], [None, True, 2**70, 1.5, "\u00e9"]),
        ("{{ lookup('pipe', 'id') }}", "{{ lookup('pipe', 'id') }}"),
    ],
)
def test_data_become_what_json_can_carry(value: t.Any, plain: t.Any) -> None:
    assert to_json(value) == plain
    assert json.loads(json.dumps(to_json(value))) == plain


@pytest.mark.parametrize(
    "value,plain",
    [
        ({1: "i", OtherKey(1.0): "f", OtherKey(True): "t"}, {"1": "i", "1.0": "f", "true": "t"}),
        ({1: "i", "1": "s", "os": "x"}, {"1": "i", '"1"': "s", "os": "x"}),
        ({None: "nil", "": "s", "a": 1}, {"nil": "nil", "": "s", "a": 1}),
        ({None: 1, "": 2, "nil": 3}, {"nil": 1, "": 2, '"nil"': 3}),
        ({True: 1, "true": 2, Symbol("true"): 3}, {"true": 1, '"true"': 2, ":true": 3}),
        ({Symbol("a"): 1, OtherKey(":a"): 2, "a": 3}, {":a": 1, '":a"': 2, "a": 3}),
        ({Symbol("a"): 1, OtherKey(":a"): 2}, {"a": 1, ":a": 2}),
        ({b"\xc3\xa9": 1, "\u00e9": 2}, {'"\\xC3\\xA9"': 1, "\u00e9": 2}),
        ({b"\xff": 1, "\\xff": 2}, {'"\\xFF"': 1, "\\xff": 2}),
        ({1: 1, "1": 2, '"1"': 3}, {"1": 1, '"1"': 2, '"\\"1\\""': 3}),
        ({Symbol("5"): 1, 5: 2, "5": 3}, {":5": 1, "5": 2, '"5"': 3}),
        (
            {Symbol("1"): 0, 1: 1, "1": 2, '"1"': 3, OtherKey(":1"): 4, OtherKey(":1"): 5},
            {':"1"': 0, "1": 1, '"1"': 2, '"\\"1\\""': 3, '":1"': 4, '":1" (2)': 5},
        ),
        ({"é": 1, OtherKey("é"): 2}, {'"é"': 1, '"é" (2)': 2}),
        ([{"a": {1: {2: 3, "2": 4}}}], [{"a": {"1": {"2": 3, '"2"': 4}}}]),
        ([math.nan, math.inf, -math.inf, 1.5], ["NaN", "Infinity", "-Infinity", 1.5]),
        ({math.nan: 1, math.inf: 2, "NaN": 3}, {"NaN": 1, "Infinity": 2, '"NaN"': 3}),
        ({math.nan: 1, float("nan"): 2}, {"NaN": 1, "NaN (2)": 2}),
        ({"__ansible_type": "x", "a": 1}, {'"__ansible_type"': "x", "a": 1}),
        ({Symbol("__ansible_unsafe"): "x", Symbol("a"): 1}, {":__ansible_unsafe": "x", "a": 1}),
        ({b"__ansible_vault": "x"}, {'"__ansible_vault"': "x"}),
        (
            {"__ansible_type": 1, '"__ansible_type"': 2, Symbol("__ansible_type"): 3},
            {'"__ansible_type"': 1, '"\\"__ansible_type\\""': 2, ":__ansible_type": 3},
        ),
    ],
)
def test_what_json_has_no_form_for_is_not_lost(value: t.Any, plain: t.Any) -> None:
    assert to_json(value) == plain
    assert json.loads(json.dumps(to_json(value), allow_nan=False)) == plain


KEYS = st.one_of(
    st.sampled_from([None, True, False, 0, 1, 1.0, 0.0, math.nan, math.inf, b"\xff", b"\xc3\xa9"]),
    *(
        strategy(
            [
                *("", "1", ":1", '"1"', "nil", "true", "1.0", "NaN", "\\xff", "é", '":1"', "1 (2)"),
                *("__ansible_type", '"__ansible_type"'),
            ]
        )
        for strategy in (st.sampled_from, lambda names: st.sampled_from(names).map(Symbol))
    ),
)


@given(st.lists(KEYS, max_size=8))
def test_no_keys_of_a_hash_ever_get_the_same_name(keys: list[t.Any]) -> None:
    # OtherKey equals nothing, as any key may that the first one of a dict is not.
    found = to_json({OtherKey(key): number for number, key in enumerate(keys)})
    assert sorted(found.values()) == list(range(len(keys)))
    assert "__ansible_type" not in found
    # Which is which does not hang on their order.
    again = to_json({OtherKey(key): number for number, key in reversed([*enumerate(keys)])})
    if len({(type(key), repr(key)) for key in keys}) == len(keys):
        assert again == found


@given(st.lists(st.sampled_from(["{a}", "{a} (2)", "{a} (3)", "{a} (2) (2)"]), max_size=8))
def test_names_with_numbers_all_differ(names: list[str]) -> None:
    found = numbered(names)
    assert len(set(found)) == len(names)
    assert set(names) <= set(found)


def test_no_symbol_is_left_anywhere() -> None:
    def types(value: t.Any) -> t.Iterator[type]:
        yield type(value)
        for item in [*value, *value.values()] if isinstance(value, dict) else []:
            yield from types(item)

    converted = to_json({Symbol("a"): Symbol("b"), "c": {Symbol("d"): Symbol("e")}})
    assert set(types(converted)) == {dict, str}
