# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector nats: addresses, the login, and how a request reaches many nodes."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import threading
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
    closed_port,
    outgoing,
    within,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.nats_peer import (
    CALLER,
    choria,
    expect,
    greet,
    line,
    log_in,
    message,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


# -- addresses -------------------------------------------------------------------------------------


def test_subjects(tmp_path: pathlib.Path) -> None:
    nats = choria(tmp_path, 1)
    assert nats.target("rpcutil", "mcollective") == "mcollective.broadcast.agent.rpcutil"
    assert nats.target("rpcutil", "eu.west", "web1.example") == "eu.west.node.web1.example"


def test_the_place_for_replies_is_the_callers_and_cannot_be_guessed(tmp_path: pathlib.Path) -> None:
    nats = choria(tmp_path, 1)
    places = {nats.reply_target("rpcutil", "mcollective") for _place in range(100)}
    assert len(places) == 100
    digest = hashlib.md5(CALLER.encode()).hexdigest()
    assert digest == "74ce5a833e16d4afa24ecbc90fff8506"
    for place in places:
        head, _dot, rest = place.rpartition(".")
        assert head == f"mcollective.reply.{digest}"
        assert len(bytes.fromhex(rest)) == 16


@pytest.mark.parametrize("name", ["*", "web*", ">", "a.>", "", "a b", "a\r\nPUB x 0", "a..b", ".a"])
def test_names_that_would_be_wildcards_or_break_the_line(tmp_path: pathlib.Path, name: str) -> None:
    nats = choria(tmp_path, 1)
    for wrong in (
        lambda: nats.target("rpcutil", "mcollective", name),
        lambda: nats.target(name, "mcollective"),
        lambda: nats.target("rpcutil", name),
        lambda: nats.reply_target("rpcutil", name),
        lambda: nats.check_reply_to(name, "rpcutil", "mcollective"),
    ):
        with pytest.raises(exc.BadRequest, match="cannot be part of a NATS subject"):
            wrong()


# -- the pool --------------------------------------------------------------------------------------


def test_the_pool(tmp_path: pathlib.Path) -> None:
    nats = choria(
        tmp_path,
        4222,
        4223,
        plugin__pymco__nats_tls="1",
        plugin__nats__user="alice",
        plugin__nats__pass="s3cret",
    )
    first, second = nats.pool.brokers
    assert (first.name, second.name) == ("127.0.0.1:4222", "127.0.0.1:4223")
    assert (first.tls, first.verified, first.common_name) == (True, True, False)
    assert first.ca == (str(tmp_path / "ca.pem"),)
    assert (first.cert, first.key) == (
        str(tmp_path / "certificate.pem"),
        str(tmp_path / "key.pem"),
    )
    assert (first.user, first.password) == ("alice", "s3cret")
    assert (nats.pool.randomize, nats.pool.attempts) == (False, 2)
    assert nats.pool.warnings == ()


def test_the_pool_without_tls_warns(tmp_path: pathlib.Path) -> None:
    nats = choria(tmp_path, 4222, plugin__security__support_legacy_certificates="1")
    assert "turns TLS off" in nats.pool.warnings[0]
    assert nats.pool.brokers[0].common_name is True


def test_the_next_broker_is_tried(tmp_path: pathlib.Path) -> None:
    def script(peer: Peer) -> None:
        assert log_in(peer)["name"] == CALLER
        peer.expect_end()

    with ScriptedBroker(script) as broker, choria(tmp_path, closed_port(), broker.port) as nats:
        assert "connection refused" in nats.passed_over[0]
        assert "NATS server" in nats.passed_over[0]


# -- requests --------------------------------------------------------------------------------------


def body_of(peer: Peer, subject: str, size: int) -> None:
    """Read one message."""
    expect(peer, f"PUB {subject} {size}")
    while len(peer._buffer) < size + 2:
        peer.read_some()
    peer._buffer = peer._buffer[size + 2 :]


def test_a_broadcast_has_no_reply_of_nats(tmp_path: pathlib.Path) -> None:
    """Nodes look for the place in the payload."""

    def script(peer: Peer) -> None:
        log_in(peer)
        word, subject, number = line(peer).split()
        assert word == "SUB"
        assert number.isdigit()
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n")
        expect(peer, "PUB c.broadcast.agent.a 7", "payload")
        peer.send_raw(message(b"reply", subject))
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n")
        peer.expect_end()

    with ScriptedBroker(script) as broker, choria(tmp_path, broker.port) as nats:
        target = nats.open_replies("a", "c", within(20))
        nats.publish(outgoing(b"payload", "a", "c", target), within(20))
        assert nats.next_payload(20) == b"reply"


@pytest.mark.parametrize("size", [10, 3000, 40_000, 200_000])
def test_each_node_gets_the_same(tmp_path: pathlib.Path, size: int) -> None:
    names = [f"web{number}" for number in range(2000 if size < 4000 else 30)]

    def script(peer: Peer) -> None:
        log_in(peer)
        for name in names:
            body_of(peer, f"c.node.{name}", size)
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n")
        peer.expect_end()

    with ScriptedBroker(script) as broker, choria(tmp_path, broker.port) as nats:
        request = outgoing(b"x" * size, "a", "c", "r")
        assert nats.publish(request, within(20), nodes=names, receipt="r") == []
        nats.confirm("r", within(20))


@pytest.mark.parametrize("size", [3000, 200_000])
def test_who_did_not_get_it_is_known(tmp_path: pathlib.Path, size: int) -> None:
    """The broker stops reading. What it has read, and what the system holds, may have reached a node."""
    names = [f"web{number}" for number in range(60_000_000 // size)]
    read: list[bytes] = []
    gave_up = threading.Event()

    def script(peer: Peer) -> None:
        log_in(peer)
        assert gave_up.wait(60)
        with contextlib.suppress(OSError):
            while data := peer._socket.recv(2**20):
                read.append(data)

    with ScriptedBroker(script) as broker, choria(tmp_path, broker.port) as nats:
        request = outgoing(b"x" * size, "a", "c", "r")
        with pytest.raises(exc.ConnectionLost, match="takes nothing more") as caught:
            nats.publish(request, within(0.5), nodes=names)
        gave_up.set()
    unsent = caught.value.unsent
    assert 0 < len(unsent) < len(names)
    assert unsent == names[-len(unsent) :]
    whole = b"".join(read).count(b"x\r\nPUB ")
    assert len(names) - len(unsent) - whole in (0, 1)


def test_a_lost_connection_sends_nothing(tmp_path: pathlib.Path) -> None:
    with ScriptedBroker(log_in) as broker, choria(tmp_path, broker.port) as nats:
        with pytest.raises(exc.ConnectionLost):
            nats.next_payload(20)
        for _attempt in range(2):
            with pytest.raises(exc.ConnectionLost) as caught:
                nats.publish(outgoing(b"x", "a", "c", "r"), within(20), nodes=["web1", "web2"])
            assert caught.value.unsent == ["web1", "web2"]


def test_what_is_too_large_does_not_leave(tmp_path: pathlib.Path) -> None:
    def script(peer: Peer) -> None:
        log_in(peer, max_payload=1000)
        peer.expect_end()

    with ScriptedBroker(script) as broker, choria(tmp_path, broker.port) as nats:
        words = "has 1001 bytes; the middleware takes 1000. Ask for less at once, or set a larger max_payload"
        with pytest.raises(exc.BadRequest, match=words):
            nats.publish(outgoing(b"x" * 1001, "a", "c", "r"), within(20))


# -- a broker that shuts down ----------------------------------------------------------------------


def test_we_move_before_a_broker_shuts_down(tmp_path: pathlib.Path) -> None:
    subjects: list[str] = []

    def old(peer: Peer) -> None:
        log_in(peer)
        subjects.append(line(peer).split()[1])
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n" + message(b"first") + b'INFO {"ldm":true}\r\n')
        assert line(peer).startswith("UNSUB ")
        expect(peer, "PING")
        peer.send_raw(message(b"second") + b"PONG\r\n")
        peer.expect_end()

    def new(peer: Peer) -> None:
        log_in(peer)
        assert line(peer).split()[:2] == ["SUB", subjects[0]]
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n" + message(b"third"))
        peer.expect_end()

    with (
        ScriptedBroker(old) as first,
        ScriptedBroker(new) as second,
        choria(tmp_path, first.port, second.port) as nats,
    ):
        nats.open_replies("a", "c", within(20))
        found = []
        while len(found) < 3:
            payload = nats.next_payload(20)
            found += [payload] if payload is not None else []
        assert found == [b"first", b"second", b"third"]
        assert nats.session.broker.port == second.port


@pytest.mark.parametrize("refuses", [True, False])
def test_we_stay_if_nobody_else_accepts_us(tmp_path: pathlib.Path, refuses: bool) -> None:
    def old(peer: Peer) -> None:
        log_in(peer)
        assert line(peer).startswith("SUB ")
        expect(peer, "PING")
        peer.send_raw(b"PONG\r\n" + b'INFO {"ldm":true}\r\n' + message(b"first"))
        time.sleep(0.5)
        peer.send_raw(message(b"second"))
        peer.expect_end()

    def new(peer: Peer) -> None:
        if refuses:
            greet(peer)
            line(peer)
            peer.send_raw(b"-ERR 'Authorization Violation'\r\n")
            return
        log_in(peer)
        assert line(peer).startswith("SUB ")
        expect(peer, "PING")
        peer.send_raw(b"-ERR 'Permissions Violation for Subscription to \"x\"'\r\nPONG\r\n")
        with contextlib.suppress(ConnectionError):
            peer.expect_end()

    with (
        ScriptedBroker(old) as first,
        ScriptedBroker(new) as second,
        choria(tmp_path, first.port, second.port) as nats,
    ):
        nats.open_replies("a", "c", within(20))
        assert [nats.next_payload(20) for _payload in range(2)] == [b"first", b"second"]
        assert nats.session.broker.port == first.port


def test_each_request_leaves_the_address_of_the_one_before(tmp_path: pathlib.Path) -> None:
    """A client that lives long would have ever more of them at the broker."""
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        log_in(peer)
        for left in (0, 1, 1):
            seen.append([line(peer) for _line in range(left + 1)])
            expect(peer, "PING")
            peer.send_raw(b"PONG\r\n")
        peer.expect_end()

    with ScriptedBroker(script) as broker, choria(tmp_path, broker.port) as nats:
        places = [nats.open_replies("rpcutil", "mcollective", within(60)) for _request in range(3)]
    last = ""
    for lines, place in zip(seen, places):
        word, address, number = lines[-1].split()
        assert (word, address) == ("SUB", place)
        assert lines[:-1] == ([f"UNSUB {last}"] if last else [])
        last = number


# -- the login -------------------------------------------------------------------------------------


def test_the_token_and_its_seed(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("cryptography")
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import tokens

    token, seed = tmp_path / "token", tmp_path / "seed"
    seed.write_text("07" * 32)
    # {"alg":"EdDSA","typ":"JWT"}, {"callerid":"up=alice"}
    token.write_text("eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJjYWxsZXJpZCI6InVwPWFsaWNlIn0.AAAA\n")
    more: dict[str, str] = {
        "plugin__security__provider": "choria",
        "plugin__security__choria__token_file": str(token),
        "plugin__security__choria__seed_file": str(seed),
        "plugin__security__choria__ca": str(tmp_path / "ca.pem"),
        "plugin__security__issuer__names": "choria",
        "plugin__security__issuer__choria__public": "0" * 64,
    }
    found: dict[str, t.Any] = {}

    def script(peer: Peer) -> None:
        found.update(log_in(peer, nonce="nonce_1"))
        peer.expect_end()

    def refuse(peer: Peer) -> None:
        greet(peer)
        line(peer)
        expect(peer, "PING")
        peer.send_raw(b"-ERR 'Authorization Violation'\r\n")

    with ScriptedBroker(script, refuse) as broker:
        nats = choria(tmp_path, broker.port, **more)
        nats.connect().disconnect()
        with pytest.raises(exc.AuthenticationFailed) as caught:
            nats.connect()
    assert found["auth_token"] == token.read_text().strip()
    assert found["sig"] == tokens.read_seed(str(seed)).answer("nonce_1")
    assert f"Is the token {token} expired" in str(caught.value)
    assert "AAAA" not in str(caught.value)


def test_a_token_that_is_renewed_is_shown_to_the_next_broker(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("cryptography")
    token, seed = tmp_path / "token", tmp_path / "seed"
    seed.write_text("07" * 32)
    first = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJjYWxsZXJpZCI6InVwPWFsaWNlIn0.AAAA"
    token.write_text(first)
    more: dict[str, str] = {
        "plugin__security__provider": "choria",
        "plugin__security__choria__token_file": str(token),
        "plugin__security__choria__seed_file": str(seed),
        "plugin__security__choria__ca": str(tmp_path / "ca.pem"),
    }
    shown: list[str] = []

    def script(peer: Peer) -> None:
        shown.append(log_in(peer)["auth_token"])
        peer.expect_end()

    with ScriptedBroker(script, script) as broker:
        nats = choria(tmp_path, broker.port, **more).connect()
        lost = exc.ConnectionLost("the broker went", nats.session.broker.name)
        token.unlink()
        with pytest.raises(exc.ConnectFailed, match="the broker went; then cannot read the token"):
            nats.reconnect(lost)
        token.write_text(f"{first}BB")
        nats.reconnect(lost)
        nats.disconnect()
    assert shown == [first, f"{first}BB"]
