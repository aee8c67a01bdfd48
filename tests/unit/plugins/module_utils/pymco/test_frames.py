# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frames cut out of a stream, with stomp.py's parser as the oracle."""

from __future__ import annotations

import time
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stomp.utils import parse_frame

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.event import (
    MAX_FRAME,
    MAX_HEAD,
    MAX_REPLY,
    Event,
    Item,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.stomp import (
    MAX_WORDS,
    FrameReader,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import values

KINDS = {
    "MESSAGE": "message",
    "ERROR": "error",
    "RECEIPT": "receipt",
    "CONNECTED": "connected",
    "BEAT": None,
}
HEADERS = st.dictionaries(
    st.sampled_from(["message", "receipt-id", "a"]), st.text("ab\\n:", max_size=5)
)
FRAMES = st.lists(
    st.tuples(
        st.sampled_from(sorted(KINDS)),
        HEADERS,
        st.binary(max_size=40),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=6,
)


def wire(command: str, headers: dict[str, str], body: bytes, counted: bool) -> bytes:
    """A frame as brokers write it; a NUL can be in a body only where its length is told."""
    body = body if counted else body.replace(b"\0", b"")
    escapes = str.maketrans({"\\": "\\\\", "\n": "\\n", ":": "\\c"})
    lines = [f"{name}:{value.translate(escapes)}" for name, value in headers.items()]
    lines += [f"content-length:{len(body)}"] if counted else []
    return "\n".join([command, *lines, "", ""]).encode() + body + b"\0"


def as_event(item: Item) -> Event:
    """An event in place of the body of a message."""
    return Event("message", item) if isinstance(item, bytes) else item


def fed(data: bytes, sizes: t.Sequence[int]) -> list[Event]:
    """All items of a stream that comes in pieces of these sizes."""
    reader, items, position = FrameReader(), [], 0
    for size in sizes:
        items += reader.feed(data[position : position + size])
        position += size
    return [as_event(item) for item in items + reader.feed(data[position:])]


@values.THOROUGH
@given(FRAMES, st.lists(st.integers(1, 30), max_size=30))
def test_frames_are_what_stomp_py_makes_of_them_however_they_come(
    frames: list[t.Any], sizes: list[int]
) -> None:
    data, expected = b"", []
    for command, headers, body, counted, beats in frames:
        whole = wire(command, headers, body, counted)
        data += whole + b"\n" * beats
        frame, kind = parse_frame(whole[:-1]), KINDS[command]
        if kind == "message":
            expected.append((kind, frame.body, {}))
        elif kind is not None:
            kept = {"message", "receipt-id"} & frame.headers.keys()
            expected.append((kind, frame.body, {name: frame.headers[name] for name in kept}))
    found = [(event.kind, event.body, dict(event.headers)) for event in fed(data, sizes)]
    assert found == expected


@pytest.mark.parametrize(
    "data,bodies",
    [
        (b"\n\r\n\nMESSAGE\n\nx\0\n\0\n", [b"x"]),
        (b"MESSAGE\r\na:b\r\ncontent-length: 3 \r\n\r\na\0b\0MESSAGE\n\ny\0", [b"a\0b", b"y"]),
        (b"MESSAGE\0MESSAGE\ncontent-length:1\n\nx\0", [b"", b"x"][1:]),
        (b"MESSAGE\ncontent-length:-1\n\nxy\0", [b"xy"]),
        (b"MESSAGE\ncontent-length:1\ncontent-length:9\n\nx\0", [b"x"]),
        (b"NONSENSE\n\nx\0MESSAGE\n\n\0", [b""]),
    ],
)
def test_odd_frames_do_not_lose_the_next(data: bytes, bodies: list[bytes]) -> None:
    assert [event.body for event in fed(data, []) if event.kind == "message"] == bodies
    assert fed(data, [1] * len(data)) == fed(data, [])


def test_a_large_message_is_told_and_the_next_is_read() -> None:
    data = wire("MESSAGE", {}, b"x" * (MAX_REPLY + 1), True) + wire("MESSAGE", {}, b"y", True)
    assert [event.kind for event in fed(data, [65536] * 300)] == ["oversized", "message"]


@pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
@pytest.mark.parametrize("command", ["MESSAGE", "BEAT"])
def test_of_a_large_frame_nothing_is_kept(counted: bool, command: str) -> None:
    reader, kinds, most = FrameReader(), [], 0
    data = wire(command, {"mc_sender": "web1"}, b"x" * (2 * MAX_REPLY), counted)
    data += wire("MESSAGE", {}, b"y", True)
    for start in range(0, len(data), 65536):
        found = map(as_event, reader.feed(data[start : start + 65536]))
        kinds += [(event.kind, event.headers.get("sender")) for event in found]
        most = max(most, len(reader._begun))
    assert kinds == [("oversized", "web1")] * (command == "MESSAGE") + [("message", None)]
    assert most < MAX_REPLY + 3 * MAX_HEAD


def test_the_length_of_a_frame_that_is_dropped_counts() -> None:
    reader = FrameReader()
    items = reader.feed(b"MESSAGE\ncontent-length:99999999999\n\n")
    assert [as_event(item).kind for item in items] == ["oversized"]
    for _piece in range(MAX_FRAME // 2**20):
        assert reader.feed(b"x\0" * 2**19) == []
    assert reader.unfinished > MAX_FRAME


@pytest.mark.parametrize("command", ["ERROR", "RECEIPT", "CONNECTED"])
def test_of_what_a_broker_says_only_the_beginning_is_kept(command: str) -> None:
    """A flood of such frames counts for what it takes."""
    headers = {"message": "m" * 100_000, **{f"h{number}": "x" for number in range(1000)}}
    (event,) = fed(wire(command, headers, b"x" * 100_000, True), [])
    assert len(event.body) == MAX_WORDS
    assert event.headers == {"message": "m" * MAX_WORDS}
    assert event.size > 2 * MAX_WORDS


def test_headers_without_end_are_given_up() -> None:
    reader = FrameReader()
    reader.feed(b"MESSAGE\n")
    for _times in range(MAX_HEAD // 65536 - 1):
        reader.feed(b"a:b\n" * 16384)
    assert reader.unfinished < MAX_HEAD
    reader.feed(b"a:b\n" * 16384)
    assert reader.unfinished > MAX_FRAME


@pytest.mark.parametrize("piece", [b"\0", b"\n", b"x", b"a:b\n", b"A\n\n\0", b"a\0"])
def test_garbage_costs_linear_time(piece: bytes) -> None:
    """A stream of many short frames that are none took quadratic time."""

    def steps(times: int) -> float:
        start = time.process_time()
        fed(b"MESSAGE\n" + piece * times, [65536] * (len(piece) * times // 65536))
        return time.process_time() - start

    assert steps(100_000) < 40 * steps(10_000) + 0.1


@pytest.mark.parametrize("piece", [b"a\n", b"a\r\n", b"a\n\r\n"])
def test_a_head_in_small_pieces_takes_linear_time(piece: bytes) -> None:
    """To look at the whole head for each piece would copy hundreds of gigabytes."""
    reader, count = FrameReader(), MAX_HEAD // len(piece) - 10
    assert reader.feed(b"MESSAGE\nx:y") == []
    assert [reader.feed(piece) for _piece in range(count)] == [[]] * count
    assert reader.feed(b"a\n\nbody\0") == [b"body"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_the_end_of_a_head_may_come_in_two_pieces(end: bytes) -> None:
    for cut in range(1, len(end)):
        reader = FrameReader()
        assert [reader.feed(data) for data in (b"MESSAGE\na:b", end[:cut], end[cut:])] == [[]] * 3
        assert reader.feed(b"body\0") == [b"body"]


def test_a_large_message_whose_headers_came_in_two_pieces_is_awaited() -> None:
    reader, size = FrameReader(), MAX_HEAD * 2
    assert reader.feed(b"MESSAGE\n") == []
    assert reader.feed(b"content-length:%d\n\n" % size + b"x" * (size - 1)) == []
    assert reader.unfinished <= MAX_FRAME
    assert [len(as_event(item).body) for item in reader.feed(b"x\0")] == [size]
