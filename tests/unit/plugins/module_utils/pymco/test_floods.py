# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broker sends endless data: each wait ends at its deadline, and memory is bounded."""

from __future__ import annotations

import contextlib
import threading
import time
import tracemalloc
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import channel
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    PATIENCE,
    Peer,
    ScriptedBroker,
    outgoing,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

FLOODS = {
    "messages": b"MESSAGE\nsubscription:x\nmessage-id:1\n\nhello\0",
    "receipts": b"RECEIPT\nreceipt-id:another\n\n\0",
    "unknown frames": b"GREETING\na:b\n\nhello\0",
    "newlines": b"\n",
    "frames with large headers": b"RECEIPT\n" + b"a:b\n" * 10_000 + b"\n\0",
}
WAIT = 0.3
LONGEST = WAIT + BUSY
"""Seconds that a wait of :data:`WAIT` may take, with the closing of the connection. How much less it takes on a
machine that has time, the fault matrix tells."""


@pytest.fixture(params=list(FLOODS))
def flood(request: pytest.FixtureRequest) -> bytes:
    return FLOODS[request.param]


def refused(action: t.Callable[[], t.Any]) -> str:
    """Return the error of something that must fail in time."""
    start = time.monotonic()
    with pytest.raises(exc.ConnectorError) as caught:
        action()
    assert time.monotonic() - start < LONGEST
    return str(caught.value)


def closed_in_time(connected: t.Any) -> None:
    start = time.monotonic()
    connected.disconnect()
    assert time.monotonic() - start < LONGEST


def test_the_login_ends(flood: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.flood(flood)

    with ScriptedBroker(script) as broker:
        words = refused(lambda: to(broker, connection_timeout=str(WAIT)).connect(timeout=WAIT))
    assert f"127.0.0.1:{broker.port}" in words
    assert "CONNECT" in words


def test_waiting_for_a_message_ends(flood: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.flood(flood)

    with ScriptedBroker(script) as broker:
        connected = to(broker).connect()
        end = within(WAIT)
        while time.monotonic() < end:
            assert connected.next_payload(WAIT) in (None, b"hello")
        closed_in_time(connected)


def test_waiting_for_a_receipt_ends(flood: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.flood(flood)

    with ScriptedBroker(script) as broker:
        connected = to(broker).connect()
        connected.publish(outgoing(b"x", "a", "c", "/temp-queue/x"), within(3), receipt="r")
        assert "did not confirm" in refused(lambda: connected.confirm("r", within(WAIT)))
        closed_in_time(connected)


def test_what_is_held_of_a_flood_while_we_send_is_bounded(
    flood: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MAX_HELD", 4 * 2**20)
    over = threading.Event()

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.flood(flood)
        over.set()

    with ScriptedBroker(script) as broker:
        connected = to(broker).connect()
        request = bytes(64 * 2**20)
        tracemalloc.start()
        try:
            words = refused(
                lambda: connected.publish(
                    outgoing(request, "a", "c", "/temp-queue/x"), within(WAIT)
                )
            )
            closed_in_time(connected)
            # The frame is put together from the request, and is as large.
            assert tracemalloc.get_traced_memory()[1] < 2 * len(request) + 3 * channel.MAX_HELD
        finally:
            tracemalloc.stop()
        assert "takes nothing more" in words
        assert over.wait(PATIENCE)


@pytest.mark.parametrize("frame", ["RECEIPT", "MESSAGE"])
def test_another_answer_to_connect_is_named(frame: str) -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send(frame, receipt_id="1")
        peer.expect_end()

    with ScriptedBroker(script) as broker:
        assert f"answered STOMP's CONNECT with {frame}" in refused(lambda: to(broker).connect())


def test_a_second_connected_is_named() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.send("CONNECTED", version="1.1")
        peer.expect_end()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        assert "sent CONNECTED a second time" in refused(lambda: connected.next_payload(3))


HANDSHAKE = b"\x16\x03\x03\x40\x00"
"""The beginning of a record of TLS that has 16 KiB."""


def drip(peer: Peer, drop: bytes, gone: threading.Event) -> None:
    """Send the same byte again and again, until the client has gone."""
    with contextlib.suppress(OSError):
        while not gone.wait(0.01):
            peer.send_raw(drop)


def test_a_handshake_in_drops_ends() -> None:
    """Each drop in time, and never a whole."""
    gone = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_some()
        peer.send_raw(HANDSHAKE)
        drip(peer, b"\0", gone)

    with ScriptedBroker(script) as broker:
        connected = to(broker, pool__1__ssl="1", connect_timeout=str(WAIT))
        assert "did not finish the handshake in time" in refused(
            lambda: connected.connect(timeout=WAIT)
        )
        gone.set()


def test_a_login_in_drops_ends() -> None:
    gone = threading.Event()

    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        drip(peer, b"C", gone)

    with ScriptedBroker(script) as broker:
        words = refused(lambda: to(broker).connect(timeout=WAIT))
        gone.set()
    assert "did not answer STOMP's CONNECT in time" in words


def complaint(words: str, **options: str) -> str:
    """What a client says of a broker that says this."""

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.send("ERROR", words.encode())
        peer.expect_end()

    with ScriptedBroker(script) as broker:
        first = to(broker)
        connected = type(first)(first.settings.altered(options)).connect()
        connected.publish(outgoing(b"x", "a", "c", "/temp-queue/x"), within(3))
        said = refused(lambda: connected.next_payload(3))
        connected.disconnect()
    return said.partition("refused what we sent: ")[2]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("you said p:ss\\word1, \x1b[2J 421", "you said ********, \\x1b[2J 421"),
        ("you said p\\css\\\\word1", "you said ********"),
        ("the key is 42, not 421", "the key is ********, not 421"),
        ("x" * 2040 + "p:ss\\word1", "x" * 997 + "..."),
        ("p:ss\\word1 " * 400, ("******** " * 400)[:997] + "..."),
    ],
)
def test_a_broker_does_not_tell_secrets_through_us(words: str, shown: str) -> None:
    assert complaint(words, **{"plugin.psk": "42"}) == shown


def test_a_password_that_everybody_knows_is_no_secret() -> None:
    """Hiding it would reveal it, and nobody could find the missing exchange."""
    options = {"plugin.rabbitmq.pool.1.password": "mcollective"}
    words = "no exchange 'mcollective_broadcast'"
    assert complaint(words, **options) == words
