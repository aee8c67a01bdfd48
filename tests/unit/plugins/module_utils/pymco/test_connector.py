# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging in, pools, and the requests that RabbitMQ gets, against a scripted broker on a real socket."""

from __future__ import annotations

import base64
import os
import socket
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    middleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.stomp_session import (
    Login,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    PAYLOAD,
    SECRET,
    Peer,
    ScriptedBroker,
    closed_port,
    outgoing,
    polite,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


# -- login ---------------------------------------------------------------------------------------


def test_the_login_names_user_password_and_virtual_host() -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker, vhost="/mco"):
        pass
    (headers,) = seen
    assert headers["host"] == "/mco"
    assert headers["login"] == "user1"
    assert headers["passcode"] == SECRET + "1"
    assert headers["accept-version"] == "1.1,1.0"


def test_rabbitmq_reads_the_backslashes_of_a_login_as_they_are_meant() -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    odd = {"user": "dom\\n:me", "password": "a\\cb\\\\:c\\", "vhost": "/m\\co\\n"}
    with ScriptedBroker(script) as broker:
        options = dict(to(broker).settings)
        options["plugin.rabbitmq.pool.1.user"] = odd["user"]
        options["plugin.rabbitmq.pool.1.password"] = odd["password"]
        options["plugin.rabbitmq.vhost"] = odd["vhost"]
        with middleware(Config(options)):
            pass
    (headers,) = seen
    assert [headers[key] for key in ("login", "passcode", "host")] == list(odd.values())


def test_the_virtual_host_is_the_root_by_default() -> None:
    seen: list[str] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers["host"])
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker):
        pass
    assert seen == ["/"]


def test_a_refused_login_names_user_broker_and_virtual_host_but_no_password() -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("ERROR", b"Access refused for user 'user1'\n", message="Bad CONNECT")
        peer.expect_end()

    with ScriptedBroker(script) as broker:
        with pytest.raises(exc.AuthenticationFailed) as caught:
            to(broker, vhost="/mco").connect()
        message = str(caught.value)
        assert caught.value.broker == f"127.0.0.1:{broker.port}"
    for part in (caught.value.broker, "'user1'", "'/mco'", "Bad CONNECT: Access refused for user"):
        assert part in message
    assert SECRET not in message


def test_a_broker_that_repeats_the_password_does_not_tell_it_through_us() -> None:
    def script(peer: Peer) -> None:
        said = peer.expect("CONNECT").headers
        peer.send("ERROR", f"no {said['passcode']}".encode(), message="Bad CONNECT")
        peer.expect_end()

    with ScriptedBroker(script) as broker, pytest.raises(exc.AuthenticationFailed) as caught:
        to(broker).connect()
    assert "Bad CONNECT: no ********" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(Login("me", SECRET, None))


def test_a_closed_port_fails_at_once() -> None:
    port, start = closed_port(), time.monotonic()
    with pytest.raises(
        exc.ConnectFailed, match=f"127.0.0.1:{port}: connection refused; .*its STOMP plugin"
    ):
        to(port).connect()
    assert time.monotonic() - start < BUSY


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(exc.ConnectFailed, match="cannot connect to no-such-host.invalid:"):
        to(1, pool__1__host="no-such-host.invalid").connect()


@pytest.mark.parametrize("host", ["broker..example.com", "." + "a" * 70, "a" * 70 + ".example.com"])
@pytest.mark.parametrize("tls", ["0", "1"])
def test_what_is_no_host_name_is_told(host: str, tls: str) -> None:
    with pytest.raises(exc.ConnectFailed, match="cannot connect to .*: this is no host name"):
        to(1, pool__1__host=host, pool__1__ssl=tls).connect()


@pytest.mark.parametrize("port", ["-1", "65536", "99999999999"])
def test_what_is_no_port_is_told(port: str) -> None:
    options = {**to(1).settings, "plugin.rabbitmq.pool.1.port": port}
    with pytest.raises((exc.ConnectFailed, exc.ImproperlyConfigured)):
        middleware(Config(options)).connect()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "2592000", "soon"])
def test_a_timeout_that_is_none_is_refused_before_connecting(seconds: str) -> None:
    options = {**to(1).settings, "connection_timeout": seconds}
    with pytest.raises(
        exc.ImproperlyConfigured, match=rf"connection_timeout( = {seconds})? is not"
    ):
        middleware(Config(options))


def test_a_broker_that_says_nothing_fails_within_the_timeout() -> None:
    def silent(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.expect_end()

    start = time.monotonic()
    with ScriptedBroker(silent) as broker:
        with pytest.raises(exc.ConnectFailed, match="did not answer STOMP's CONNECT in time"):
            to(broker).connect(timeout=0.5)
        assert 0.4 < time.monotonic() - start < BUSY


@pytest.mark.parametrize(
    "words", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 99]
)
def test_something_that_is_no_broker_is_told(words: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send_raw(words)

    with ScriptedBroker(script) as broker, pytest.raises(exc.ConnectFailed, match="STOMP"):
        to(broker).connect(timeout=1)


def test_without_a_listening_server_the_tcp_connection_times_out() -> None:
    # A listener whose queue is full lets the handshake hang, as a firewall does.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = []
        for _number in range(8):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(address)
            waiting.append(sock)
        start = time.monotonic()
        with pytest.raises(exc.ConnectFailed):
            to(address[1]).connect(timeout=0.5)
        assert time.monotonic() - start < BUSY
        for sock in waiting:
            sock.close()


# -- pool ----------------------------------------------------------------------------------------


def test_the_second_broker_is_used_with_its_own_credentials_when_the_first_is_down() -> None:
    seen: list[str] = []

    def script(peer: Peer) -> None:
        headers = peer.log_in().headers
        seen.append(headers["login"])
        seen.append(headers["passcode"][-1])
        peer.log_out()

    with ScriptedBroker(script) as broker, to(closed_port(), broker) as connected:
        assert connected.session.broker.name == f"127.0.0.1:{broker.port}"
    assert seen == ["user2", "2"]


def test_a_silent_first_broker_leaves_time_for_the_second() -> None:
    def silent(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.expect_end()

    with ScriptedBroker(silent) as first, ScriptedBroker(polite) as second:
        # It fails where the first one is waited for until the time is over.
        to(first, second).connect(timeout=3).disconnect()


def test_a_pool_that_is_down_tells_why_for_each() -> None:
    ports = closed_port(), closed_port()
    with pytest.raises(exc.ConnectFailed) as caught:
        to(*ports).connect()
    message = str(caught.value)
    assert message.startswith("no broker of the pool accepted the connection: ")
    for port in ports:
        assert f"127.0.0.1:{port}: connection refused" in message


def test_what_needs_a_connection_says_so_without_one() -> None:
    with pytest.raises(exc.ConnectorError, match="not connected"):
        to(closed_port()).next_payload(0)


def test_disconnecting_twice_or_unconnected_is_no_error() -> None:
    unconnected = to(closed_port())
    unconnected.disconnect()
    with ScriptedBroker(polite) as broker:
        connected = to(broker).connect()
        connected.disconnect()
        connected.disconnect()


def test_leaving_by_an_error_says_goodbye_too() -> None:
    with pytest.raises(KeyError), ScriptedBroker(polite) as broker, to(broker):
        raise KeyError


# -- requests ------------------------------------------------------------------------------------


def sent(count: int, action: t.Callable[[BaseMiddleware], None], **options: str) -> list[t.Any]:
    """The frames that an action sends."""
    frames: list[t.Any] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        frames.extend(peer._next() for _frame in range(count))
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker, **options) as connected:
        action(connected)
    return frames


def test_a_broadcast_over_rabbitmq_has_the_address_and_headers_of_the_reference() -> None:
    def action(connected: BaseMiddleware) -> None:
        reply_to = connected.open_replies("rpcutil", "fleet", within(3))
        connected.publish(outgoing(PAYLOAD, "rpcutil", "fleet", reply_to), within(3))

    (frame,) = sent(1, action)  # thus no SUBSCRIBE to the temporary queue
    assert frame.command == "SEND"
    assert frame.body == PAYLOAD
    assert frame.headers == {
        "destination": "/exchange/fleet_broadcast/rpcutil",
        "reply-to": "/temp-queue/mcollective_reply_rpcutil",
        "expiration": "70000",
        "mc_sender": "me",
        "content-type": "text/plain; charset=UTF-8",
        "content-length": str(len(PAYLOAD)),
    }


def test_a_direct_request_goes_to_each_node_once() -> None:
    def action(connected: BaseMiddleware) -> None:
        reply_to = connected.open_replies("rpcutil", "fleet", within(3))
        nodes = ["b.example.com", "a"]
        connected.publish(outgoing(PAYLOAD, "rpcutil", "fleet", reply_to), within(3), nodes=nodes)

    frames = sent(2, action)
    assert [frame.headers["destination"] for frame in frames] == [
        "/exchange/fleet_directed/b.example.com",
        "/exchange/fleet_directed/a",
    ]
    assert {frame.headers["reply-to"] for frame in frames} == {
        "/temp-queue/mcollective_reply_rpcutil"
    }
    assert {frame.body for frame in frames} == {PAYLOAD}


def test_replies_by_exchange_are_subscribed_to_before_the_request_leaves() -> None:
    def action(connected: BaseMiddleware) -> None:
        for _time in range(2):
            reply_to = connected.open_replies("rpcutil", "fleet", within(3))
            connected.publish(outgoing(PAYLOAD, "rpcutil", "fleet", reply_to), within(3))

    frames = sent(4, action, use_reply_exchange="1")
    assert [frame.command for frame in frames] == ["SUBSCRIBE", "SEND"] * 2
    numbers = []
    for subscribe, send in (frames[:2], frames[2:]):
        address, _separator, number = send.headers["reply-to"].rpartition("_")
        assert address == f"/exchange/mcollective_reply/me_{os.getpid()}"
        assert subscribe.headers["destination"] == send.headers["reply-to"]
        assert subscribe.headers["id"] == f"mcollective_rpcutil_replies_{number}"
        numbers.append(int(number))
    assert numbers[1] == numbers[0] + 1


def test_base64_wraps_requests_as_ruby_does_and_unwraps_replies() -> None:
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SEND").body)
        for reply in (base64.b64encode(b"one line"), base64.encodebytes(b"x" * 100), b"x"):
            peer.reply(reply)
        peer.log_out()

    payload = bytes(range(256))
    with ScriptedBroker(script) as broker, to(broker, base64="true") as connected:
        connected.publish(outgoing(payload, "a", "c", "/temp-queue/x"), within(3))
        assert connected.next_payload(3) == b"one line"
        assert connected.next_payload(3) == b"x" * 100
        with pytest.raises(exc.DecodingError, match="not in Base64") as caught:
            connected.next_payload(3)
        assert not isinstance(caught.value, exc.Oversized)
    assert base64.b64decode(seen[0]) == payload
    assert max(len(line) for line in seen[0].splitlines()) <= 76
    assert seen[0].endswith(b"\n")


def test_an_unknown_connector_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        exc.ImproperlyConfigured, match="the value of connector is not supported; there are"
    ):
        middleware(Config({"connector": "carrier"}))
