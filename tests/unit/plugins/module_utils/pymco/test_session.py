# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies, ends and stalls of a connection, against a scripted broker on a real socket."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.event import (
    MAX_FRAME,
    MAX_REPLY,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    PATIENCE,
    PAYLOAD,
    Peer,
    ScriptedBroker,
    outgoing,
    tls_to,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_replies_come_as_they_are_in_their_order() -> None:
    payloads = [b"a", PAYLOAD, b"\0" * 10, b"", b"x" * 300_000, b"\n\n", "é".encode()]

    def script(peer: Peer) -> None:
        peer.log_in()
        for payload in payloads:
            peer.reply(payload)
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        assert [connected.next_payload(3) for _payload in payloads] == payloads
        start = time.monotonic()
        assert connected.next_payload(0.2) is None
        assert 0.15 < time.monotonic() - start < BUSY


def test_a_reply_that_is_too_large_is_dropped_and_the_next_is_read() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.reply(b"x" * (MAX_REPLY + 1))
        peer.reply(b"next")
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        with pytest.raises(exc.Oversized, match=f"more than {MAX_REPLY} bytes"):
            connected.next_payload(10)
        assert connected.next_payload(3) == b"next"


@pytest.mark.parametrize("piece", [b"x", b"x\0"], ids=["text", "binary"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_broker_whose_message_never_ends_is_left(
    authority: certificates.Authority, tls: bool, piece: bytes
) -> None:
    """Otherwise, it would fill the memory, in quadratic time."""

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.reply(b"first")
        peer.send_raw(b"MESSAGE\ncontent-length:99999999999\n\n")
        with contextlib.suppress(OSError):
            for _megabyte in range(MAX_FRAME // 2**20 + 64):
                peer.send_raw(piece * (2**20 // len(piece)))

    context = authority.server_context() if tls else None
    with (
        ScriptedBroker(script, context=context) as broker,
        tls_to(broker, authority.path) if tls else to(broker) as connected,
    ):
        assert connected.next_payload(3) == b"first"
        start = time.process_time()
        with pytest.raises(exc.Oversized):
            connected.next_payload(60)
        with pytest.raises(exc.ConnectionLost, match=f"more than {MAX_FRAME} bytes"):
            connected.next_payload(60)
        assert time.process_time() - start < 6


def test_a_broker_that_closes_in_the_middle_is_a_lost_connection() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.reply(b"first")

    with ScriptedBroker(script) as broker, to(broker) as connected:
        assert connected.next_payload(3) == b"first"
        for _time in range(2):
            with pytest.raises(exc.ConnectionLost, match=f"127.0.0.1:{broker.port} closed"):
                connected.next_payload(3)


def test_what_the_broker_refuses_is_told_in_its_own_words() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.send(
            "ERROR",
            b"NOT_FOUND - no exchange 'fleet_broadcast'\n in vhost '/'",
            message="not_found",
        )
        peer.expect_end()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        connected.publish(outgoing(PAYLOAD, "a", "fleet", "/temp-queue/x"), within(3))
        with pytest.raises(exc.BrokerError) as caught:
            connected.next_payload(3)
    assert str(caught.value).endswith(
        "not_found: NOT_FOUND - no exchange 'fleet_broadcast' in vhost '/'"
    )
    assert caught.value.broker == f"127.0.0.1:{broker.port}"


def test_sending_on_a_connection_that_is_gone_tells_what_the_broker_said() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.send("ERROR", b"go away", message="policy")

    with (
        ScriptedBroker(script) as broker,
        to(broker) as connected,
        pytest.raises(exc.BrokerError, match="policy: go away"),
    ):
        broker.wait()
        for _time in range(100):
            connected.publish(outgoing(PAYLOAD, "a", "fleet", "/temp-queue/x"), within(3))
            time.sleep(0.02)


def test_sending_to_a_broker_that_was_left_tells_why_it_was() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.send_raw(b"MESSAGE\nx:")
        peer.flood(b"x")

    with (
        ScriptedBroker(script) as broker,
        to(broker) as connected,
        pytest.raises(exc.ConnectionLost, match="sent a message of more than .* and was left"),
    ):
        for _time in range(200):
            connected.publish(outgoing(PAYLOAD, "a", "fleet", "/temp-queue/x"), within(3))
            time.sleep(0.02)


def test_sending_on_a_connection_that_is_gone_is_a_lost_connection() -> None:
    with (
        ScriptedBroker(lambda peer: t.cast(None, peer.log_in())) as broker,
        to(broker) as connected,
        pytest.raises(exc.ConnectionLost, match=f"127.0.0.1:{broker.port}"),
    ):
        broker.wait()
        for _time in range(100):
            connected.publish(outgoing(PAYLOAD, "a", "fleet", "/temp-queue/x"), within(3))
            time.sleep(0.02)


def test_what_came_before_a_failed_send_is_still_delivered() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.reply(b"first")
        peer.send("ERROR", b"go away", message="policy")

    with ScriptedBroker(script) as broker, to(broker) as connected:
        broker.wait()
        with pytest.raises(exc.BrokerError, match="policy: go away"):
            for _time in range(100):
                connected.publish(outgoing(PAYLOAD, "a", "fleet", "/temp-queue/x"), within(3))
                time.sleep(0.02)
        assert connected.next_payload(1) == b"first"
        for _time in range(2):
            with pytest.raises(exc.BrokerError, match="policy: go away"):
                connected.next_payload(1)


def test_a_broker_that_never_says_goodbye_does_not_hold_us() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("DISCONNECT")
        peer.expect_end()

    with ScriptedBroker(script) as broker:
        connected = to(broker).connect()
        start = time.monotonic()
        connected.disconnect()
        assert time.monotonic() - start < BUSY


STOPPED = 64 * 2**20
"""Bytes, more than any socket's buffers hold."""


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_that_stops_reading_holds_us_until_the_deadline(
    tls: bool, authority: certificates.Authority
) -> None:
    over = threading.Event()

    def script(peer: Peer) -> None:
        peer.log_in()
        assert over.wait(2 * PATIENCE)

    context = authority.server_context() if tls else None
    with ScriptedBroker(script, context=context) as broker:
        connected = (tls_to(broker, authority.path) if tls else to(broker)).connect()
        start = time.monotonic()
        with pytest.raises(
            exc.ConnectionLost, match=f"127.0.0.1:{broker.port} failed: it takes nothing more"
        ):
            connected.publish(outgoing(bytes(STOPPED), "a", "c", "/temp-queue/x"), start + 0.5)
        assert 0.4 < time.monotonic() - start < BUSY
        start = time.monotonic()
        connected.disconnect()
        assert time.monotonic() - start < BUSY
        over.set()


def test_nothing_follows_a_request_that_was_cut_off_at_the_deadline() -> None:
    # A further frame would become a part of the body that the broker still waits for.
    go_on, over, rest = threading.Event(), threading.Event(), [b""]

    def script(peer: Peer) -> None:
        peer.log_in()
        assert go_on.wait(PATIENCE)
        with contextlib.suppress(AssertionError):
            while True:
                peer.read_some()
                rest[0], peer._buffer = peer._buffer[-1000:], b""
        over.set()

    with ScriptedBroker(script) as broker:
        with to(broker) as connected:
            with pytest.raises(exc.ConnectionLost):
                connected.publish(outgoing(bytes(STOPPED), "a", "c", "/temp-queue/x"), within(0.2))
            go_on.set()
            with pytest.raises(exc.ConnectorError):
                connected.publish(outgoing(PAYLOAD, "a", "c", "/temp-queue/x"), within(3))
        assert over.wait(PATIENCE)
    assert rest[0].strip(b"\0") == b""


def test_a_broker_that_reads_slowly_gets_it_all_before_the_deadline() -> None:
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        time.sleep(0.3)
        seen.append(peer.expect("SEND").body)
        peer.log_out()

    body = os.urandom(STOPPED // 4)
    with ScriptedBroker(script) as broker, to(broker) as connected:
        connected.publish(outgoing(body, "a", "c", "/temp-queue/x"), within(5))
    assert seen == [body]


def test_a_deadline_that_is_over_ends_a_request_that_does_not_fit_the_buffers() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.read_some()

    with (
        ScriptedBroker(script) as broker,
        to(broker) as connected,
        pytest.raises(exc.ConnectorError),
    ):
        connected.publish(outgoing(bytes(STOPPED), "a", "c", "/temp-queue/x"), within(-1))
