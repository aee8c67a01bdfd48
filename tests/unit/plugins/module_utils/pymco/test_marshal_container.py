# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop that reads containers gives the same result as a reader that calls a method for each value."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    OtherKey,
    Symbol,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    Reader,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.quick_marshal import (
    KeysCollide,
    QuickReader,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import ruby, values

SERIALIZER = MarshalSerializer()
BODY = {
    Symbol("statuscode"): 0,
    Symbol("statusmsg"): "OK",
    Symbol("data"): {
        Symbol("values"): {"role": "web", "site": "Zürich ☃", "os": {"release": {"major": "12"}}},
        Symbol("list"): ["eth0", [], {}, [1, [-1, 300, -100, 2**31, 70000]], True, False, None],
        Symbol("state"): Symbol("running"),
        Symbol("again"): Symbol("running"),
        "long": "x" * 300,
        "": "",
        Symbol("binary"): b"\xff\0" * 9,
    },
}
ENVELOPE = {
    Symbol("senderid"): "web1",
    Symbol("msgtime"): 1795403948,
    Symbol("hash"): "ab\n" * 60,
    Symbol("body"): SERIALIZER.serialize(BODY),
}
PAYLOADS = [SERIALIZER.serialize(value) for value in (BODY, ENVELOPE, "pong", [], {}, None, 5)]


def outcome(reader: Reader) -> tuple[str, t.Any]:
    """What a reader makes of its data: a value, or nothing."""
    try:
        value = reader.load()
    except (exc.DecodingError, ArithmeticError, IndexError, ValueError) as error:
        return "refused", str(error).startswith("refused")
    return "read", (ruby.describe(value), reader.encoded, reader.doubtful, reader.position)


def agree(payload: bytes) -> bool:
    """Check that both readers say the same. Return True if they read the payload."""
    expected = outcome(Reader(payload))
    with contextlib.suppress(KeysCollide):
        assert outcome(QuickReader(payload)) == expected, payload
    return expected[0] == "read"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_nodes_usually_send_is_read(payload: bytes) -> None:
    assert agree(payload)
    assert outcome(QuickReader(payload))[0] == "read"


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\x04", b"\x04\x08", b"\x04\x09i\x06", b"\x04\x08o:\x06A\x00", b"\x04\x08f\x061"),
        # Counts and lengths that are negative or lead beyond the end, and links that lead nowhere.
        *(
            b"\x04\x08{\xfa",
            b"\x04\x08[\xfa",
            b'\x04\x08"\xfa',
            b'\x04\x08"\x0aab',
            b"\x04\x08;\x00",
        ),
        *(b"\x04\x08{\x06i\x06i\x07", b"\x04\x08[\x07i\x06", b"\x04\x08l-\x06\x01\x00"),
        *(b"\x04\x08l+\x07\x01\x00\x00", b"\x04\x08[\x07[\x00@\x06", b"\x04\x08i\x03\x01"),
        # Strings that are not in the encoding that they claim, or have others or more variables.
        *(b'\x04\x08I"\x06\xff\x06:\x06ET', b'\x04\x08I"\x06\xe9\x06:\x06EF'),
        *(b'\x04\x08I"\x06a\x06:\rencoding"\nUTF-16', b'\x04\x08I"\x06a\x07:\x06ET:\x06xT'),
        *(
            b'\x04\x08I"\x06a\x06:\x06E0',
            b'\x04\x08I"\x06a\x06:\x06xT',
            b"\x04\x08I:\x06a\x06:\x06ET",
        ),
        # In ASCII as they say, in a Hash or an Array, with an E that was there before, or too long.
        *(
            b'\x04\x08[\x07I"\x06a\x06:\x06EFI"\x06\xff\x06;\x00F',
            b'\x04\x08{\x06I"\x06a\x06:\x06EFI"\x07\xc3\xbc\x06;\x00F',
            b'\x04\x08[\x08:\x06EI"\x06a\x06;\x00TI"\x06a\x06;\x00F',
            b'\x04\x08[\x06I"\x01\x01a\x06:\x06ET',
            b'\x04\x08[\x06I"\xff\xf0a\x06:\x06ET',
        ),
        # Symbols that lead beyond the end, and links to them.
        *(b"\x04\x08[\x06:\x0aab", b"\x04\x08{\x06:\x06a:\x07b", b"\x04\x08[\x06:\x06"),
        *(b"\x04\x08[\x07:\x06a;\x01\x00", b"\x04\x08[\x07:\x06a;\x06", b"\x04\x08[\x07:\x06a;"),
    ],
)
def test_what_is_unusual_is_read_the_same_or_refused(payload: bytes) -> None:
    agree(payload)


@pytest.mark.parametrize("keys", [(Symbol("a"), OtherKey(":a")), (":a", OtherKey(Symbol("a")))])
def test_keys_that_python_takes_for_one_are_both_kept(keys: t.Any) -> None:
    collision = dict.fromkeys(keys, 1)
    for value in (collision, {"x": collision, "y": 1}, [[collision], {"a": {"b": collision}}]):
        payload = SERIALIZER.serialize(value)
        assert agree(payload)
        assert repr(SERIALIZER.deserialize(payload)) == repr(value)


@pytest.mark.parametrize("depth", range(97, 105))
@pytest.mark.parametrize(
    "leaf", [b"[\0", b"{\0", b"0", b'I"\x06a\x06:\x06ET', b"o:\x06A\x06:\x06ai\0"]
)
def test_what_is_deep_is_read_the_same_or_refused(leaf: bytes, depth: int) -> None:
    agree(b"\x04\x08" + b"[\x06" * depth + leaf)
    agree(b"\x04\x08" + b"{\x06:\x06a" * depth + leaf)


def test_texts_are_of_any_length() -> None:
    texts = ["x" * size for size in (0, 1, 8, 9, 64, 65, 122, 123, 255, 256, 2**16)]
    payload = SERIALIZER.serialize(
        [texts, dict.fromkeys(texts, 1), dict.fromkeys(map(Symbol, texts))]
    )
    assert agree(payload)
    assert SERIALIZER.deserialize(payload)[0] == texts


@pytest.mark.parametrize("count", [121, 122, 123, 124, 300])
def test_symbols_are_of_any_number(count: int) -> None:
    names = [Symbol(f"name{number}") for number in range(count)]
    for value in ([*names, *names, "a", "b"], {"a": names, "b": dict.fromkeys(names, "c")}):
        payload = SERIALIZER.serialize(value)
        assert agree(payload)
        assert SERIALIZER.deserialize(payload) == value


def test_a_text_that_looks_like_no_encoding_is_none() -> None:
    assert not agree(b'\x04\x08[\x06I"\x06anone')


def test_names_that_come_again_are_the_same_objects() -> None:
    first, second = map(SERIALIZER.deserialize, (PAYLOADS[0], bytes(PAYLOADS[0])))
    assert all(one is other for one, other in zip(first, second))
    assert isinstance(next(iter(first)), Symbol)


@values.THOROUGH
@given(values.plain(values.usual_symbols))
def test_whatever_is_written_is_read_the_same(value: t.Any) -> None:
    assert agree(SERIALIZER.serialize(value))


def test_what_ruby_writes_is_read_the_same(oracle: ruby.Ruby) -> None:
    usual = 0

    @values.THOROUGH
    @given(values.plain(values.usual_symbols))
    def check(value: t.Any) -> None:
        nonlocal usual
        usual += agree(oracle.rewrite("marshal", SERIALIZER.serialize(value)))

    check()
    assert usual >= values.examples(20)


@values.THOROUGH
@given(
    st.sampled_from(PAYLOADS[:2]),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4
    ),
)
def test_changes_are_read_the_same_or_not_at_all(
    payload: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for place, dropped, piece in changes:
        at = int(place * len(payload))
        payload = payload[:at] + piece + payload[at + dropped :]
    agree(payload)
