# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quick reader of Marshal never says anything else than the one that reads all of it."""

from __future__ import annotations

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
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.quick_marshal import (
    DEPTH,
    MAX_SIZE,
    Unusual,
    load,
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


def agrees(payload: bytes) -> bool:
    """Whether the quick reader knows it; then the other has to say the same."""
    try:
        value = load(payload)
    except Unusual:
        return False
    try:
        expected = SERIALIZER.read_any(payload)
    except exc.DecodingError as error:
        raise AssertionError(f"{payload!r} is refused: {error}, but read as {value!r}") from error
    assert ruby.describe(value) == ruby.describe(expected), payload
    return True


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_nodes_usually_send_is_read(payload: bytes) -> None:
    assert agrees(payload)


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
    ],
)
def test_what_is_unusual_is_left_to_the_other_reader(payload: bytes) -> None:
    assert not agrees(payload)


@pytest.mark.parametrize("keys", [(Symbol("a"), OtherKey(":a")), (":a", OtherKey(Symbol("a")))])
def test_keys_that_python_takes_for_one_are_left_to_the_other_reader(keys: t.Any) -> None:
    collision = dict.fromkeys(keys, 1)
    for value in (collision, {"x": collision, "y": 1}, [[collision], {"a": {"b": collision}}]):
        payload = SERIALIZER.serialize(value)
        assert not agrees(payload)
        assert repr(SERIALIZER.deserialize(payload)) == repr(value)


def test_what_is_large_or_deep_is_left_to_the_other_reader() -> None:
    assert not agrees(SERIALIZER.serialize("x" * MAX_SIZE))
    deep: t.Any = "x"
    for _level in range(DEPTH):
        deep = [deep]
    assert agrees(SERIALIZER.serialize(deep))
    assert not agrees(SERIALIZER.serialize([deep]))


def test_names_that_come_again_are_the_same_objects() -> None:
    first, second = load(PAYLOADS[0]), load(bytes(PAYLOADS[0]))
    assert all(one is other for one, other in zip(first, second))
    assert isinstance(next(iter(first)), Symbol)


@values.THOROUGH
@given(values.plain(values.usual_symbols))
def test_whatever_is_written_is_read_the_same_or_not_at_all(value: t.Any) -> None:
    agrees(SERIALIZER.serialize(value))


def test_what_ruby_writes_is_read_the_same(oracle: ruby.Ruby) -> None:
    usual = 0

    @values.THOROUGH
    @given(values.plain(values.usual_symbols))
    def check(value: t.Any) -> None:
        nonlocal usual
        usual += agrees(oracle.rewrite("marshal", SERIALIZER.serialize(value)))

    check()
    assert usual > 20


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
    agrees(payload)
