# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is cut out of the bytes that a NATS server sends."""

from __future__ import annotations

import random
import time

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import nats
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.event import (
    MAX_FRAME,
    MAX_HEAD,
    MAX_REPLY,
    Event,
    Item,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.nats_peer import (
    message,
)

PIECE = 65536


def items(data: bytes) -> list[Item]:
    return nats.LineReader().feed(data)


def fed(data: bytes, *sizes: int) -> tuple[list[Item], tuple[object, ...]]:
    """Return the items, and what is counted, if the bytes come in pieces of these sizes in turn."""
    reader, found, position, turn = nats.LineReader(), [], 0, 0
    while position < len(data):
        size = sizes[turn % len(sizes)]
        found += reader.feed(data[position : position + size])
        position, turn = position + size, turn + 1
    return found, (reader.pings, reader.pongs, reader.infos, reader.info)


ALL = (
    b'INFO {"a":1}\r\n+OK\r\nPING\r\npong\r\n'
    + message(b"one")
    + message(b"")
    + b"MSG a.b 1 reply.to 4\r\n\r\n\r\n\r\n"
    + b"msg\ta.b  1\t3\r\nabc\r\n"
    + b"HMSG a.b 1 12 15\r\nNATS/1.0\r\n\r\nabc\r\n"
    + b"-ERR 'Slow Consumer'\r\n"
    + message(b"MSG a 1 3\r\nxxx\r\nPING\r\n" * 500)
    + b"ping\n"
    + b"MSG a.b 1 12\nabcdefghijkl\r\n"
    + b"-err\t'x'\r\n"
)


def test_all_that_a_server_says() -> None:
    found, counted = fed(ALL, len(ALL))
    assert [item if isinstance(item, bytes) else (item.kind, item.body) for item in found] == [
        b"one",
        b"",
        b"\r\n\r\n",
        b"abc",
        b"abc",
        ("error", b"'Slow Consumer'"),
        b"MSG a 1 3\r\nxxx\r\nPING\r\n" * 500,
        b"abcdefghijkl",
        ("error", b"'x'"),
    ]
    assert counted == (2, 1, 1, b'{"a":1}')


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_pieces_of_any_size_give_the_same(size: int) -> None:
    assert fed(ALL, size) == fed(ALL, len(ALL))


def test_pieces_of_many_sizes_give_the_same() -> None:
    chance = random.Random(1)
    for _attempt in range(200):
        sizes = [chance.choice((1, 2, 3, 10, 100, 5000)) for _size in range(30)]
        assert fed(ALL, *sizes) == fed(ALL, len(ALL))


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\r\n",
            b" \r\n",
            b"MESSAGE\nx:y\n\n\0",
            b"PINGPONG\r\n",
        ),
        *(
            b"MSG a 1 x\r\n",
            b"MSG a 1 -1\r\n",
            b"MSG a 1 +1\r\n",
            b"MSG a 1 1_0\r\n",
            b"MSG a 1 \r\n",
        ),
        *(b"MSG a 1 " + b"9" * 16 + b"\r\n", b"MSG a 1 \xd9\xa3\r\n", b"msg a 1\r\n", b"MSG\r\n"),
        *(b"MSG a 1 3\r\nabcd\r\n", b"MSG a 1 3\r\nab\r\n\r\n", b"MSG a 1 3\r\nabc\n\n"),
        *(b"HMSG a 1 3\r\nabc\r\n", b"HMSG a 1 4 3\r\nabc\r\n", b"HMSG a 1 x 3\r\nabc\r\n"),
    ],
)
def test_what_is_not_nats_ends_it(data: bytes) -> None:
    whole = message(b"before") + data + message(b"after") * 3
    expected = [b"before", Event("garbled")]
    assert items(whole) == expected
    assert fed(whole, 1)[0] == expected


def test_a_large_message_is_dropped_and_told() -> None:
    large = message(b"x" * (MAX_REPLY + 1))
    whole = large + message(b"next")
    assert items(whole) == [Event("oversized"), b"next"]
    assert fed(whole, PIECE)[0] == [Event("oversized"), b"next"]
    assert items(message(b"x" * MAX_REPLY)) == [b"x" * MAX_REPLY]


def test_a_message_with_a_large_head_is_dropped_and_told() -> None:
    def headed(size: int) -> bytes:
        return b"HMSG a 1 %d %d\r\n%b\r\n" % (size, size + 3, b"x" * size + b"abc")

    whole = headed(MAX_HEAD + 1) + message(b"next")
    assert items(whole) == [Event("oversized"), b"next"]
    assert fed(whole, PIECE)[0] == [Event("oversized"), b"next"]
    assert items(headed(MAX_HEAD)) == [b"abc"]


@pytest.mark.parametrize("begin", [b"MSG a 1 %d\r\n", b"HMSG a 1 60000000 %d\r\n"])
def test_a_dropped_message_takes_no_memory(begin: bytes) -> None:
    reader = nats.LineReader()
    assert reader.feed(begin % (MAX_FRAME - 1000)) == [Event("oversized")]
    for _piece in range(1000):
        assert reader.feed(b"x" * PIECE) == [] or reader.overlong
        assert len(reader._begun) == 0


@pytest.mark.parametrize("begin", [b"MSG a 1 999999999999999\r\n", b"INFO ", b"-ERR '", b"MSG "])
def test_what_has_no_end_is_left(begin: bytes) -> None:
    reader = nats.LineReader()
    reader.feed(begin)
    for _piece in range(MAX_FRAME // PIECE + 2):
        reader.feed(b"x" * PIECE)
        assert len(reader._begun) < MAX_REPLY + 4 * 2**20
        if reader.overlong:
            return
    raise AssertionError("it was not left")


def test_small_pieces_of_a_large_message_take_linear_time() -> None:
    start = time.process_time()
    assert fed(message(b"x" * 1_000_000), 10)[0] == [b"x" * 1_000_000]
    assert time.process_time() - start < 5


def test_a_complaint_is_kept_in_part() -> None:
    (event,) = items(b"-ERR '" + b"x" * 100_000 + b"'\r\n")
    assert isinstance(event, Event)
    assert len(event.body) == nats.MAX_WORDS


def test_an_info_that_is_too_long_is_not_kept() -> None:
    assert fed(b"INFO {}\r\nINFO " + b"x" * (nats.MAX_INFO + 1) + b"\r\n", PIECE)[1] == (
        0,
        0,
        2,
        None,
    )


# -- INFO ------------------------------------------------------------------------------------------


def test_info() -> None:
    text = b'{"tls_required":true,"max_payload":5,"nonce":"abc","ldm":true,"connect_urls":["x:1"]}'
    assert nats.read_info(text) == nats.Info(True, True, 5, "abc", True)
    assert nats.read_info(b'{"tls_available":true}') == nats.Info(tls=True)


def test_info_of_wrong_types() -> None:
    text = b'{"tls_required":"true","max_payload":true,"nonce":["x"],"ldm":1,"tls_available":1}'
    assert nats.read_info(text) == nats.Info()
    assert nats.read_info(b'{"max_payload":-1}').max_payload is None
    assert nats.read_info(b'{"max_payload":1e9}').max_payload is None


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"{", b"[" * 100_000, b"\xff", b"{} {}"])
def test_info_that_is_none(text: bytes) -> None:
    with pytest.raises(exc.DecodingError):
        nats.read_info(text)


# -- subjects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a", "a.b", "web1.example.com", "node_1-x", "mcö"])
def test_subjects(text: str) -> None:
    assert nats.is_subject(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "*",
        "a.*",
        "a*",
        ">",
        "a.>",
        "a b",
        "a\r\nPUB",
        "\u2028",
        "\x7f",
    ],
)
def test_what_is_no_subject(text: str) -> None:
    assert not nats.is_subject(text)
