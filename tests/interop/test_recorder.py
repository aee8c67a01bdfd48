# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recorder reports exactly what went over the wire. test_wire.py relies on this."""

from __future__ import annotations

import socket
import threading

import pytest
from recorder import Frame, Recorder, parse

SEND = b"SEND\ndestination:/x\ncontent-length:3\nx:a\\cb\\\\n\\n\n\na\0b\0"


def test_a_length_counts_before_a_nul_and_heartbeats_stand_between() -> None:
    frames = parse(b"\n\n" + SEND + b"\nDISCONNECT\n\n\0\n", escaped=False)
    assert [frame.command for frame in frames] == ["SEND", "DISCONNECT"]
    assert frames[0].body == b"a\0b"
    assert frames[0].headers[2] == ("x", "a\\cb\\\\n\\n")
    assert frames[1] == Frame("DISCONNECT", (), b"")


def test_a_body_without_a_length_ends_at_the_first_nul() -> None:
    assert [frame.body for frame in parse(b"SEND\n\na\n\nb\0\nSEND\n\n\0", False)] == [
        b"a\n\nb",
        b"",
    ]


def test_headers_are_unescaped_where_they_were_escaped() -> None:
    assert parse(SEND, escaped=True)[0].fields()["x"] == "a:b\\n\n"
    login = b"CONNECT\npasscode:a\\b:c\n\n\0"
    assert parse(login, escaped=True)[0].fields() == {"passcode": "a\\b:c"}


def test_a_header_that_is_there_twice_is_no_field() -> None:
    frame = parse(b"SEND\na:1\na:2\n\n\0", escaped=False)[0]
    assert frame.headers == (("a", "1"), ("a", "2"))
    with pytest.raises(ValueError, match="twice"):
        frame.fields()


@pytest.mark.parametrize(
    "data",
    [
        b"SEND\n\nno nul",
        b"SEND\n",
        b"SEND\ncontent-length:2\n\nabc\0",
        b"SEND\ncontent-length:9\n\nabc\0",
        b"SEND\nno colon\n\n\0",
        b"SEND\n\n\0x",
    ],
)
def test_what_is_no_frame_is_not_passed_over(data: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        parse(data, escaped=False)


def test_all_is_passed_on_and_kept_and_nothing_stays() -> None:
    threads = set(threading.enumerate())
    server = socket.create_server(("127.0.0.1", 0))
    with server, Recorder(server.getsockname()[1]) as recorder:
        with socket.create_connection(("127.0.0.1", recorder.port)) as client:
            peer, _address = server.accept()
            client.sendall(b"CONNECT\n\n\0")
            assert peer.recv(100) == b"CONNECT\n\n\0"
            peer.sendall(b"CONNECTED\nversion:1.1\n\n\0")
            assert client.recv(100) == b"CONNECTED\nversion:1.1\n\n\0"
            # The last words of one who then hangs up.
            client.sendall(SEND)
        assert peer.recv(100) == SEND
        peer.close()
    (wire,) = recorder.wires
    assert wire.version == "1.1"
    assert [frame.command for frame in wire.requests()] == ["CONNECT", "SEND"]
    assert wire.requests()[1].fields()["x"] == "a:b\\n\n"
    assert [frame.command for frame in wire.responses()] == ["CONNECTED"]
    assert set(threading.enumerate()) == threads
