# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An open session with a NATS server, against a scripted one on a real socket."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import (
    channel,
    event,
    nats_session,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.heartbeat import (
    Heartbeat,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.nats_session import (
    Login,
    Session,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
    within,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.nats_peer import (
    expect,
    line,
    log_in,
    message,
    session,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


@contextlib.contextmanager
def opened(
    script: t.Callable[[Peer], None], login: Login | None = None, **info: t.Any
) -> t.Iterator[Session]:
    """A session with a broker that lets us log in, does what the script says, and sees us go."""

    def whole(peer: Peer) -> None:
        log_in(peer, **info)
        script(peer)
        peer.expect_end()

    with ScriptedBroker(whole) as broker:
        found = session(broker, login)
        try:
            yield found
        finally:
            found.close()


# -- signs of life ---------------------------------------------------------------------------------


def test_ping_is_answered_while_nothing_comes() -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(b"PING\r\n")
        expect(peer, "PONG")
        peer.send_raw(b"PING\r\nPING\r\n" + message(b"x"))
        expect(peer, "PONG")

    with opened(script) as found:
        assert found.next_message(20) == b"x"


def test_ping_is_answered_after_what_is_being_sent() -> None:
    body = b"y" * 20_000_000
    seen: list[int] = []

    def script(peer: Peer) -> None:
        assert line(peer) == f"PUB a.b {len(body)}"
        peer.send_raw(b"PING\r\n" * 3)  # the client still has much to send
        left = len(body) + 2 - len(peer._buffer)
        peer._buffer = b""
        while left > 0:
            data = peer._socket.recv(min(left, 2**20))
            assert set(data) <= set(b"y\r\n")
            left -= len(data)
        seen.append(left)
        expect(peer, "PONG", "PING")
        peer.send_raw(b"PONG\r\n")

    with opened(script) as found:
        found.send("a.b", body, {}, within(20))
    assert seen == [0]


def test_we_ask_and_a_broker_that_does_not_answer_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_session, "HEARTBEAT", Heartbeat(every=0.2, silence=1.0))

    def script(peer: Peer) -> None:
        for _beat in range(3):
            expect(peer, "PING")
            peer.send_raw(b"PONG\r\n")
        expect(peer, "PING")
        while True:
            with contextlib.suppress(AssertionError):
                expect(peer, "PING")
                continue
            return

    with (
        opened(script) as found,
        pytest.raises(exc.ConnectionLost, match="has given no sign of life for 1 s"),
    ):
        while True:
            assert found.next_message(20) is None


def test_silence_counts_only_after_we_have_asked() -> None:
    """A server that nobody asks is silent, however long somebody is busy with other things."""

    def script(peer: Peer) -> None:
        expect(peer, "PUB a.b 1", "x", "PING")
        time.sleep(0.5)
        peer.send_raw(b"PONG\r\n" + message(b"x"))
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n")

    with opened(script) as found:
        found.stream.last_received -= 1000
        found._asked_at -= 1000
        found.send("a.b", b"x", {}, within(20))
        assert found.next_message(0.2) is None
        assert found.next_message(20) == b"x"


# -- operations ------------------------------------------------------------------------------------


def test_a_subscription_is_confirmed_and_nothing_is_lost_meanwhile() -> None:
    def script(peer: Peer) -> None:
        expect(peer, "SUB a.b 7", "PING")
        peer.send_raw(message(b"early") + b"PONG\r\n" + message(b"late"))

    with opened(script) as found:
        found.subscribe("a.b", "7", within(20))
        assert [found.next_message(20), found.next_message(20)] == [b"early", b"late"]


def test_a_pong_for_an_earlier_ping_confirms_nothing() -> None:
    def script(peer: Peer) -> None:
        expect(peer, "PING", "SUB a.b 7", "PING")
        peer.send_raw(b"PONG\r\n")
        time.sleep(0.3)
        peer.send_raw(b"-ERR 'Permissions Violation for Subscription to \"a.b\"'\r\nPONG\r\n")

    with opened(script, Login("me", rights="Check x")) as found:
        found._ask(b"", within(20))
        with pytest.raises(exc.BrokerError, match='Subscription to "a.b". Check x'):
            found.subscribe("a.b", "7", within(20))


def test_a_confirmation_that_does_not_come() -> None:
    def script(peer: Peer) -> None:
        expect(peer, "SUB a.b 7", "PING")

    with (
        opened(script) as found,
        pytest.raises(exc.ConnectionLost, match="did not confirm the subscription in time"),
    ):
        found.subscribe("a.b", "7", within(0.3))


def test_messages_without_end_do_not_hide_a_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_session, "MAX_HELD", 2**20)
    monkeypatch.setattr(channel, "MAX_HELD", 2**20)

    def script(peer: Peer) -> None:
        expect(peer, "SUB a.b 7", "PING")
        for _message in range(100):
            peer.send_raw(message(b"x" * 100_000))
        peer.send_raw(b"PONG\r\n")

    with opened(script) as found:
        found.subscribe("a.b", "7", within(20))
        assert found._held <= 2**20 + 2**18


def test_a_receipt() -> None:
    def script(peer: Peer) -> None:
        expect(peer, "PUB a.b 1", "x", "PING")
        peer.send_raw(b"PONG\r\n")

    with opened(script) as found:
        found.send("a.b", b"x", {"receipt": "r"}, within(20))
        found.await_receipt("r", within(20))


def test_closing_waits_until_all_is_taken() -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(message(b"unread"))
        expect(peer, "PUB a.b 1", "x", "PING")
        peer.send_raw(b"PONG\r\n")

    with opened(script) as found:
        found.send("a.b", b"x", {}, within(20))


@pytest.mark.parametrize(
    ("words", "kind", "told"),
    [
        ("Slow Consumer", exc.ConnectionLost, "ends the connection: Slow Consumer"),
        ("Stale Connection", exc.ConnectionLost, "ends the connection: Stale Connection"),
        ("Server Shutdown", exc.ConnectionLost, "ends the connection: Server Shutdown"),
        ("Unknown Protocol Operation", exc.BrokerError, "refused what we sent: Unknown Protocol"),
        ("", exc.BrokerError, "refused what we sent: it gave no reason"),
    ],
)
def test_complaints(words: str, kind: type[exc.ConnectorError], told: str) -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(message(b"x") + f"-ERR '{words}'\r\n".encode())

    with opened(script) as found:
        assert found.next_message(20) == b"x"
        with pytest.raises(kind, match=told):
            found.next_message(20)
        with pytest.raises(kind, match=told):
            found.send("a.b", b"x", {}, within(20))
        assert not found.alive


def test_what_is_not_nats_ends_the_connection() -> None:
    with (
        opened(lambda peer: peer.send_raw(b"HELLO\r\n" + b"x" * 100_000)) as found,
        pytest.raises(exc.ConnectionLost, match="sent something that is not NATS, and was left"),
    ):
        found.next_message(20)


def test_an_oversized_message_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(message(b"x" * (event.MAX_REPLY + 1)) + message(b"next"))

    with opened(script) as found:
        with pytest.raises(exc.Oversized):
            found.next_message(20)
        assert found.next_message(20) == b"next"


def test_info_may_come_at_any_time() -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(b'INFO {"max_payload":77}\r\nINFO {\r\n' + message(b"x"))
        peer.send_raw(b'INFO {"max_payload":77,"ldm":true}\r\n' + message(b"y"))

    with opened(script) as found:
        assert found.info.max_payload == 1048576
        assert found.next_message(20) == b"x"
        assert found.next_message(20) == b"y"
        assert found.info.max_payload == 77
        assert not found.alive  # it will close soon
        assert found.next_message(0.1) is None
