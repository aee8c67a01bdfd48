# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a session with a NATS server begins: the greeting, the login and TLS, against a scripted one on a real socket."""

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
