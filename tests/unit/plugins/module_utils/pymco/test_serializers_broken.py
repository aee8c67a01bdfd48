# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged payloads and noise end in a DecodingError or in plain data."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    MarshalSerializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import values
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    FORMATS,
    refused,
    survived,
)

VALUE = [
    *(None, True, False, 5, 300, -300, 2**40, -(2**70), 1.5, -0.0, float("inf"), "é", b"\xff", "a"),
    *(Symbol("a"), Symbol("a"), Symbol("é"), {"k": {Symbol("k"): [1, {}]}}, "x" * 300),
]


MARSHAL_WORDS = st.sampled_from(
    [
        bytes([byte])
        for byte in b'0TFilf:;@I"[{}/cmMCeoSuU+-\x00\x01\x02\x04\x05\x06\x07\xfa\xfb\xfcEA'
    ]
    + [
        b":\x06A",
        b":\x06E",
        b'"\x06a',
        b"[\x06",
        b"{\x06",
        b"o:\x06A\x06",
        b"I",
        b"@\x06",
        b"i\x04\xff\xff\xff\x7f",
    ]
)
YAML_WORDS = st.sampled_from(
    [
        *[
            ":",
            "-",
            "?",
            "&",
            "*",
            "!",
            "|",
            ">",
            "%",
            "@",
            "`",
            "#",
            "{",
            "}",
            "[",
            "]",
            ",",
            "'",
            '"',
            "\\",
            "~",
            "=",
            "<<:",
            "a",
            "b",
            "1",
            "---",
            "...",
            "&a",
            "*a",
            "!a",
            "!!",
            "!ruby/sym",
        ]
    ]
    + [
        "\n",
        "\n  ",
        " ",
        ": ",
        "- ",
        "\t",
        "!!set ",
        "!!omap ",
        "!!pairs ",
        "!!binary ",
        "!!int ",
        "!!float ",
    ]
    + [
        "!!timestamp ",
        "!!bool ",
        "!!null ",
        "!ruby/object:A ",
        "!ruby/hash:A ",
        "!!map ",
        "!!seq ",
        "!!str ",
    ]
    + [
        "!ruby/regexp ",
        "!ruby/range ",
        "!binary ",
        "0x",
        "0b",
        "1:",
        "_",
        "\0",
        "\x85",
        "\ufeff",
        "\U0001f600",
    ]
)


def test_marshal_that_ends_anywhere_too_early_is_refused() -> None:
    payload = MarshalSerializer().serialize(VALUE)
    for end in range(len(payload)):
        with pytest.raises(exc.DecodingError):
            MarshalSerializer().deserialize(payload[:end])


def test_a_marshal_float_whose_added_bits_make_it_too_large_is_refused() -> None:
    text = b"1.7976931348623157e308\0" + b"\xff" * 8
    with pytest.raises(exc.DecodingError, match="no valid Marshal data"):
        MarshalSerializer().deserialize(b"\x04\x08f" + bytes([len(text) + 5]) + text)


def test_yaml_that_ends_anywhere_is_survived() -> None:
    payload = YamlSerializer().serialize(VALUE)
    for end in range(len(payload)):
        with contextlib.suppress(exc.DecodingError):
            YamlSerializer().deserialize(payload[:end])


# What Ruby writes for values of every type that Marshal knows.
DUMPS = [
    *("04085b", "04087b", "04087d0669066907", "04086f3a06410640", "04086f3a0641063a07406169"),
    *(
        "0408533a0641063a066169",
        "0408433a06412206",
        "0408653a064122",
        "0408633a",
        "04086d06",
        "0408",
    ),
    *(
        "0408753a064106",
        "0408553a064169",
        "0408492f0672000645",
        "04082f0672",
        "04086c2b07",
        "040866",
    ),
    *("0408", "", "04", "0409690a", "0407690a", "04085b0640", "04083b00", "040840", "04084006"),
]


@pytest.mark.parametrize("dump", DUMPS)
def test_marshal_of_any_type_that_breaks_off_is_refused(dump: str) -> None:
    refused("marshal", bytes.fromhex(dump))


@pytest.mark.parametrize("format_", FORMATS)
def test_random_bytes_are_survived(format_: str) -> None:
    @values.THOROUGH
    @given(st.binary(max_size=200))
    def check(data: bytes) -> None:
        survived(format_, data)
        survived(format_, b"\x04\x08" + data)

    check()


@values.THOROUGH
@given(st.lists(MARSHAL_WORDS, max_size=60))
def test_marshal_made_of_its_own_parts_is_survived(words: list[bytes]) -> None:
    survived("marshal", b"\x04\x08" + b"".join(words))


@settings(values.THOROUGH, max_examples=values.examples(3000))
@given(st.lists(YAML_WORDS, max_size=30))
@example(["!!int ", "a"])
@example(["!!int ", "_"])
@example(["!!float ", "1:"])
@example(["!!bool ", "a"])
@example(["!!binary ", "\U0001f600"])
@example(["!!set ", "[", "]"])
@example(["!!omap ", "a"])
@example(["!!map ", "- ", "a"])
@example(["!ruby/sym", " ", "{", "}"])
@example(["0b", "_"])
@example(["0x", "_"])
@example(["? ", "!!set ", "{", "}"])
@example(["- ", "&a", " ", "*a"])
def test_yaml_made_of_its_own_parts_is_survived(words: list[str]) -> None:
    survived("yaml", "".join(words).encode())


@pytest.mark.parametrize("format_", FORMATS)
def test_flipped_bytes_are_survived(format_: str) -> None:
    payload = SERIALIZERS[format_]().serialize(VALUE)

    @settings(values.THOROUGH, max_examples=values.examples(2000))
    @given(st.integers(0, len(payload) - 1), st.integers(1, 255))
    def check(position: int, change: int) -> None:
        broken = bytearray(payload)
        broken[position] ^= change
        survived(format_, bytes(broken))

    check()


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_read_can_be_written_as_json(format_: str) -> None:
    """Nothing but plain data ever comes out."""
    plain = (type(None), bool, int, float, str, bytes, list, dict)

    def check_plain(value: t.Any) -> None:
        assert type(value) in (*plain, Symbol)
        for item in value if isinstance(value, list) else ():
            check_plain(item)
        for key, item in value.items() if isinstance(value, dict) else ():
            assert type(key) in (*plain[:6], Symbol)
            check_plain(item)

    words = MARSHAL_WORDS if format_ == "marshal" else YAML_WORDS.map(str.encode)

    @settings(values.THOROUGH, max_examples=values.examples(2000))
    @given(st.lists(words, max_size=20))
    @example([b"!!set {a}"])
    @example([b"!!omap [a: 1]"])
    @example([b"!!pairs [a: 1]"])
    @example([b"2001-01-01"])
    @example([b"!!timestamp 2001-01-01"])
    @example([b"!!python/tuple [1]"])
    def check(parts: list[bytes]) -> None:
        payload = b"".join(parts)
        if format_ == "marshal":
            payload = b"\x04\x08" + payload
        with contextlib.suppress(exc.DecodingError):
            check_plain(SERIALIZERS[format_]().deserialize(payload))

    check()
