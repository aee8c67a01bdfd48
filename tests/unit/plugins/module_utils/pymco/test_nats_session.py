# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with a NATS server, against a scripted one on a real socket."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker
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
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
    within,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.nats_peer import (
    expect,
    greet,
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


def refused(script: t.Callable[[Peer], None], login: Login | None = None, **more: t.Any) -> str:
    """Return why a session cannot be opened."""
    with (
        ScriptedBroker(script, context=more.pop("context", None)) as broker,
        pytest.raises(exc.ConnectFailed) as caught,
    ):
        session(broker, login, **more)
    assert caught.value.broker == f"127.0.0.1:{broker.port}"
    refused.error = caught.value  # type: ignore[attr-defined]
    return str(caught.value)


# -- login -----------------------------------------------------------------------------------------


def said(login: Login, **info: t.Any) -> dict[str, t.Any]:
    """Return what CONNECT says."""
    found: dict[str, t.Any] = {}

    def script(peer: Peer) -> None:
        found.update(log_in(peer, **info))
        peer.expect_end()

    with ScriptedBroker(script) as broker:
        session(broker, login).close()
    return found


def test_connect() -> None:
    assert said(Login("choria=alice")) == {
        "verbose": False,
        "pedantic": False,
        "tls_required": False,
        "name": "choria=alice",
        "lang": "python",
        "version": "pymco",
        "protocol": 1,
        "echo": False,
        "headers": False,
    }


def test_connect_with_a_user() -> None:
    found = said(Login("me", user="alice", password='"s\\3'))
    assert (found["user"], found["pass"]) == ("alice", '"s\\3')
    assert "pass" not in said(Login("me", password="unused"))


def test_connect_with_a_token() -> None:
    login = Login("me", token="a.b.c", answer=lambda nonce: f"signed {nonce}")
    found = said(login, nonce="Ab-_9")
    assert (found["auth_token"], found["sig"]) == ("a.b.c", "signed Ab-_9")
    assert "sig" not in said(login)


@pytest.mark.parametrize("nonce", ['{"protocol":1}', "a b", "x" * 65, "é", "a.b"])
def test_only_a_nonce_is_signed(nonce: str) -> None:
    """The key signs requests, too: a broker must not choose what is signed."""
    signed: list[str] = []

    def script(peer: Peer) -> None:
        greet(peer, nonce=nonce)
        peer.expect_end()

    words = refused(script, Login("me", token="t", answer=lambda text: signed.append(text) or ""))
    assert "wants a text signed that is no nonce" in words
    assert signed == []


def complaining(words: str, **info: t.Any) -> t.Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        greet(peer, **info)
        line(peer)
        expect(peer, "PING")
        peer.send_raw(f"-ERR '{words}'\r\n".encode())

    return script


@pytest.mark.parametrize("words", ["Authorization Violation", "Authentication Timeout"])
def test_a_login_that_is_refused(words: str) -> None:
    said = refused(complaining(words), Login("me", user="bob", hint="Do this"))
    assert said.endswith(f"refused the login of user 'bob': {words}. Do this")
    assert isinstance(refused.error, exc.AuthenticationFailed)  # type: ignore[attr-defined]


def test_a_connection_that_is_refused() -> None:
    words = refused(complaining("maximum connections exceeded"))
    assert words.endswith("refused the connection: maximum connections exceeded")


def test_secrets_that_a_broker_repeats_are_masked() -> None:
    login = Login("me", user="bob", password="s3cret-word", token="tok.en.text")
    words = refused(complaining("no s3cret-word, no tok.en.text\x1b[2J"), login)
    assert "s3cret" not in words
    assert "tok.en" not in words
    assert "\x1b" not in words


@pytest.mark.parametrize("secret", ["Xq7-Zw9-Kp3-Jv5", 'Xq7\u00e4Zw9"Kp3\\Jv5', "Xq7\tZw9"])
def test_secrets_that_a_broker_repeats_are_masked_however_it_writes_them(secret: str) -> None:
    login = Login("me", user="bob", password=secret)
    said = [secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False)]
    # Of a longer complaint, which is cut, a part of the secret is left.
    said += [" " * (4096 - size) + secret for size in range(2, len(secret) + 3)]
    for words in said:
        shown = refused(complaining("go away " * (len(words) < 99) + words), login)
        assert not any(part in shown for part in ("Xq", "Zw9", "Kp3", "Jv5"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "sent something that is not NATS instead of INFO"),
        (b"INFO {\r\n", "sent an INFO that cannot be read"),
        (b"INFO []\r\n", "sent an INFO that cannot be read: it is not an object"),
        (b"INFO " + b" " * 5 + b"\r\n", "sent an INFO that cannot be read"),
        (message(b"x"), "sent a message instead of INFO"),
        (b"-ERR 'go away'\r\n", "refused the connection: go away"),
        (b'INFO {"ldm":true}\r\n', "shuts down .* and takes no new connections"),
        (b'INFO {"tls_required":true}\r\n', "takes only TLS, which is turned off"),
        (b"", "closed the connection during the login: is this its NATS port, and does it"),
        (b"INFO {}\r\nMSG\r\n", "sent something that is not NATS instead of PONG"),
        (b"INFO {}\r\n" + message(b"x"), "sent a message instead of PONG"),
    ],
)
def test_a_greeting_that_is_wrong(data: bytes, words: str) -> None:
    assert re.search(words, refused(lambda peer: peer.send_raw(data)))


@pytest.mark.parametrize(("step", "words"), [(0, "did not greet us"), (1, "did not answer NATS's")])
def test_a_broker_that_says_nothing(step: int, words: str) -> None:
    def script(peer: Peer) -> None:
        if step:
            greet(peer)
            line(peer)
            expect(peer, "PING")
        with contextlib.suppress(ConnectionError):
            peer.expect_end()

    with ScriptedBroker(script) as broker:
        start = time.monotonic()
        with pytest.raises(exc.ConnectFailed, match=words):
            Session.open(Broker("127.0.0.1", broker.port, "", ""), Login("me"), 0.5)
        assert time.monotonic() - start < 20


# -- TLS -------------------------------------------------------------------------------------------


def tls_script(
    authority: certificates.Authority, clear: bytes, then: t.Callable[[Peer], None]
) -> t.Callable[[Peer], None]:
    """Say something in clear, and go over to TLS."""
    context = authority.server_context()

    def script(peer: Peer) -> None:
        peer.send_raw(clear)
        peer._socket = context.wrap_socket(peer._socket, server_side=True)
        with peer._socket:
            then(peer)

    return script


def test_tls_begins_after_info(authority: certificates.Authority) -> None:
    found: list[str] = []

    def then(peer: Peer) -> None:
        found.append(line(peer))
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n" + message(b"secret"))
        peer.expect_end()

    script = tls_script(authority, b'INFO {"tls_available":true}\r\n', then)
    with ScriptedBroker(script) as broker:
        opened = session(
            broker, Login("me", user="a", password="b"), tls=True, ca=(authority.path,)
        )
        assert opened.next_message(20) == b"secret"
        opened.close()
    assert '"tls_required":true' in found[0]
    assert '"pass":"b"' in found[0]


@pytest.mark.parametrize(
    "info", [b"INFO {}\r\n", b'INFO {"tls_required":false,"tls_verify":true}\r\n']
)
def test_nothing_is_said_in_clear_if_tls_is_configured(info: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.send_raw(info)
        peer.expect_end()

    words = refused(script, Login("me", user="a", password="b"), tls=True)
    assert "does not offer TLS, which is configured" in words


@pytest.mark.parametrize("more", [b"PONG\r\n", b"PING\r\n", b"INFO {}\r\n", message(b"x"), b"MS"])
def test_what_comes_in_clear_after_info_is_not_believed(more: bytes) -> None:
    """Somebody on the way could say it, and we would take it for the broker's after the handshake."""

    def script(peer: Peer) -> None:
        peer.send_raw(b'INFO {"tls_required":true}\r\n' + more)
        with contextlib.suppress(ConnectionError):
            peer.expect_end()

    words = refused(script, tls=True)
    assert "sent more than INFO before the connection was encrypted" in words


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_missing_client_certificate_is_explained(
    authority: certificates.Authority, version: ssl.TLSVersion
) -> None:
    """With TLS 1.2 it ends the handshake, with 1.3 what comes after it, and the alert may be lost."""
    context = authority.server_context()
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)

    def script(peer: Peer) -> None:
        peer.send_raw(b'INFO {"tls_required":true}\r\n')
        with contextlib.suppress(OSError):
            peer._socket = context.wrap_socket(peer._socket, server_side=True)
        peer._socket.close()

    words = refused(script, tls=True, ca=(authority.path,))
    assert "want a client certificate" in words
    assert "alert" in words or version is ssl.TLSVersion.TLSv1_3


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
