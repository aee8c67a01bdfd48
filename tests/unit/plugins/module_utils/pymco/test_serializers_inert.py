# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Payloads that are made to run something run nothing."""

from __future__ import annotations

import contextlib
import encodings
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    marshal_count,
)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['echo pwned > {}']",
        "!!python/object/new:os.system ['echo pwned > {}']",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!!python/object:subprocess.Popen {{args: 'echo pwned > {}'}}",
        "!ruby/object:Kernel {{system: 'echo pwned > {}'}}",
        "!ruby/object:ERB {{src: 'system(%q(echo pwned > {}))'}}",
        "!ruby/class Kernel",
        "{{? !!python/object/apply:os.system ['echo pwned > {}'] : 1}}",
    ],
)
def test_yaml_tags_make_nothing_but_data(text: str, tmp_path: t.Any) -> None:
    proof = tmp_path / "proof"
    with contextlib.suppress(exc.DecodingError):
        value = YamlSerializer().deserialize(text.format(proof).encode())
        assert isinstance(value, (str, list, dict, type(None)))
    assert not proof.exists()


def test_a_regexp_of_marshal_is_not_compiled() -> None:
    source = b"(((a+)+)+)+$["
    payload = b"\x04\x08/" + bytes([len(source) + 5]) + source + b"\x00"
    assert MarshalSerializer().deserialize(payload) == "/(((a+)+)+)+$[/"


@pytest.mark.parametrize(
    "encoding",
    ["zlib", "bz2", "hex", "rot13", "idna", "punycode", "unicode_escape", "\0", "x" * 999],
)
def test_an_encoding_that_is_no_character_set_is_not_used(encoding: str) -> None:
    name = encoding.encode()
    value = b'\x04\x08I"\x08abc\x06:\x0dencoding"' + marshal_count(len(name)) + name
    assert MarshalSerializer().deserialize(value) == b"abc"


@pytest.mark.parametrize(
    "encoding", ["cp99999", "IBM5", "windows-1259", "iso-8859-12", "utf-8" + "x" * 999, "\xe9"]
)
def test_python_is_not_asked_for_an_encoding_that_ruby_does_not_have(encoding: str) -> None:
    # It keeps for ever each name that it does not know.
    name, known = encoding.encode(), set(encodings._cache)  # type: ignore[attr-defined]
    value = b'\x04\x08I"\x08abc\x06:\x0dencoding"' + marshal_count(len(name)) + name
    assert MarshalSerializer().deserialize(value) == b"abc"
    assert set(encodings._cache) == known  # type: ignore[attr-defined]
