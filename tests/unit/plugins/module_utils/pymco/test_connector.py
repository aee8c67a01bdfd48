# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to a broker, and what goes over them, against a scripted broker on a real socket."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector import (
    Connector,
    connector,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector.session import (
    CLOSING,
    LAST_WORDS,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.listener import MAX_REPLY
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    PATIENCE,
    Peer,
    ScriptedBroker,
    closed_port,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

SECRET = "p:ss\\word"


def to(*brokers: ScriptedBroker | int, **more: str) -> Connector:
    """A connector to a pool of brokers."""
    options = {
        "identity": "me",
        "connector": "rabbitmq",
        "connection_timeout": "3",
        "plugin.rabbitmq.pool.size": str(len(brokers)),
        **{f"plugin.rabbitmq.{key.replace('__', '.')}": value for key, value in more.items()},
    }
    for number, broker in enumerate(brokers, 1):
        prefix = f"plugin.rabbitmq.pool.{number}"
        port = broker if isinstance(broker, int) else broker.port
        options.setdefault(f"{prefix}.host", "127.0.0.1")
        options[f"{prefix}.port"] = str(port)
        options[f"{prefix}.user"] = f"user{number}"
        options[f"{prefix}.password"] = f"{SECRET}{number}"
    return connector(Config(options))


def within(seconds: float) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def polite(peer: Peer) -> None:
    peer.log_in()
    peer.log_out()


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
    assert headers["accept-version"] in ("1.1", "1.0,1.1")


def test_rabbitmq_reads_the_backslashes_of_a_login_as_they_are_meant() -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    odd = {"user": "dom\\n:me", "password": "a\\cb\\\\:c\\", "vhost": "/m\\co\\n"}
    with ScriptedBroker(script) as broker:
        options = dict(to(broker).config)
        options["plugin.rabbitmq.pool.1.user"] = odd["user"]
        options["plugin.rabbitmq.pool.1.password"] = odd["password"]
        options["plugin.rabbitmq.vhost"] = odd["vhost"]
        with connector(Config(options)):
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
        peer.expect("STOMP")
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


def test_a_closed_port_fails_at_once() -> None:
    port, start = closed_port(), time.monotonic()
    with pytest.raises(exc.ConnectFailed, match=f"127.0.0.1:{port}: connection refused"):
        to(port).connect()
    assert time.monotonic() - start < 1


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
    options = {**to(1).config, "plugin.rabbitmq.pool.1.port": port}
    with pytest.raises((exc.ConnectFailed, exc.ImproperlyConfigured)):
        connector(Config(options)).connect()


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "2592000", "soon"])
def test_a_timeout_that_is_none_is_refused_before_connecting(seconds: str) -> None:
    options = {**to(1).config, "connection_timeout": seconds}
    with pytest.raises(exc.ImproperlyConfigured, match=f"connection_timeout = {seconds} is not"):
        connector(Config(options))


def test_a_broker_that_says_nothing_fails_within_the_timeout() -> None:
    def silent(peer: Peer) -> None:
        peer.expect("STOMP")
        peer.expect_end()

    start = time.monotonic()
    with ScriptedBroker(silent) as broker:
        with pytest.raises(exc.ConnectFailed, match="did not answer STOMP's CONNECT in time"):
            to(broker).connect(timeout=0.5)
        assert 0.4 < time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    "words", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 99]
)
def test_something_that_is_no_broker_is_told(words: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.expect("STOMP")
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
        assert time.monotonic() - start < 1.5
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
        peer.expect("STOMP")
        peer.expect_end()

    with ScriptedBroker(silent) as first, ScriptedBroker(polite) as second:
        start = time.monotonic()
        with_pool = to(first, second).connect(timeout=1)
        assert time.monotonic() - start < 1
        with_pool.disconnect()


def test_a_pool_that_is_down_tells_why_for_each() -> None:
    ports = closed_port(), closed_port()
    with pytest.raises(exc.ConnectFailed) as caught:
        to(*ports).connect()
    message = str(caught.value)
    assert message.startswith("no broker of the pool took us: ")
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

PAYLOAD = b"\x04\x08\x00binary\n\xff"


def sent(count: int, action: t.Callable[[Connector], None], **options: str) -> list[t.Any]:
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
    def action(connected: Connector) -> None:
        reply_to = connected.open_replies("rpcutil", "fleet", within(3))
        connected.publish(PAYLOAD, "rpcutil", "fleet", 60, reply_to, within(3))

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
    def action(connected: Connector) -> None:
        reply_to = connected.open_replies("rpcutil", "fleet", within(3))
        nodes = ["b.example.com", "a"]
        connected.publish(PAYLOAD, "rpcutil", "fleet", 60, reply_to, within(3), nodes)

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
    def action(connected: Connector) -> None:
        for _time in range(2):
            reply_to = connected.open_replies("rpcutil", "fleet", within(3))
            connected.publish(PAYLOAD, "rpcutil", "fleet", 60, reply_to, within(3))

    frames = sent(4, action, use_reply_exchange="1")
    assert [frame.command for frame in frames] == ["SUBSCRIBE", "SEND"] * 2
    for number, (subscribe, send) in enumerate((frames[:2], frames[2:]), 1):
        address = f"/exchange/mcollective_reply/me_{os.getpid()}_{number}"
        assert subscribe.headers["destination"] == send.headers["reply-to"] == address
        assert subscribe.headers["id"] == f"mcollective_rpcutil_replies_{number}"


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
        connected.publish(payload, "a", "c", 60, "/temp-queue/x", within(3))
        assert connected.next_payload(3) == b"one line"
        assert connected.next_payload(3) == b"x" * 100
        with pytest.raises(exc.DecodingError, match="not in Base64") as caught:
            connected.next_payload(3)
        assert not isinstance(caught.value, exc.Oversized)
    assert base64.b64decode(seen[0]) == payload
    assert max(len(line) for line in seen[0].splitlines()) <= 76
    assert seen[0].endswith(b"\n")


# -- replies and ends ----------------------------------------------------------------------------


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
        assert 0.15 < time.monotonic() - start < 1


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
        connected.publish(PAYLOAD, "a", "fleet", 60, "/temp-queue/x", within(3))
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
        for _time in range(100):
            connected.publish(PAYLOAD, "a", "fleet", 60, "/temp-queue/x", within(3))
            time.sleep(0.02)


def test_sending_on_a_connection_that_is_gone_is_a_lost_connection() -> None:
    with (
        ScriptedBroker(lambda peer: t.cast(None, peer.log_in())) as broker,
        to(broker) as connected,
        pytest.raises(exc.ConnectionLost, match=f"127.0.0.1:{broker.port}"),
    ):
        for _time in range(100):
            connected.publish(PAYLOAD, "a", "fleet", 60, "/temp-queue/x", within(3))
            time.sleep(0.02)


def test_what_came_before_a_failed_send_is_still_delivered() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.reply(b"first")
        peer.send("ERROR", b"go away", message="policy")

    with ScriptedBroker(script) as broker, to(broker) as connected:
        with pytest.raises(exc.BrokerError, match="policy: go away"):
            for _time in range(100):
                connected.publish(PAYLOAD, "a", "fleet", 60, "/temp-queue/x", within(3))
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
        assert time.monotonic() - start < 4.5


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
            connected.publish(bytes(STOPPED), "a", "c", 60, "/temp-queue/x", start + 0.5)
        assert 0.4 < time.monotonic() - start < 0.5 + LAST_WORDS + 0.5
        start = time.monotonic()
        connected.disconnect()
        assert time.monotonic() - start < 2 * CLOSING
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
                connected.publish(bytes(STOPPED), "a", "c", 60, "/temp-queue/x", within(0.2))
            go_on.set()
            with pytest.raises(exc.ConnectorError):
                connected.publish(PAYLOAD, "a", "c", 60, "/temp-queue/x", within(3))
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
        connected.publish(body, "a", "c", 60, "/temp-queue/x", within(5))
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
        connected.publish(bytes(STOPPED), "a", "c", 60, "/temp-queue/x", within(-1))


# -- TLS -----------------------------------------------------------------------------------------


def tls_to(broker: ScriptedBroker, ca: str, **more: str) -> Connector:
    return to(broker, **{"pool__1__ssl": "1", "pool__1__ssl__ca": ca, **more})


def test_tls_with_the_right_authority(authority: certificates.Authority) -> None:
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SEND").body)
        peer.reply(b"y" * 100_000)
        peer.log_out()

    with (
        ScriptedBroker(script, context=authority.server_context()) as broker,
        tls_to(broker, authority.path) as connected,
    ):
        connected.publish(b"x" * 500_000, "a", "c", 60, "/temp-queue/x", within(3))
        assert connected.next_payload(3) == b"y" * 100_000
    assert seen == [b"x" * 500_000]


def test_large_payloads_go_both_ways_at_once_over_tls(authority: certificates.Authority) -> None:
    seen: list[bytes] = []
    request, replies = os.urandom(5 * 2**20), [os.urandom(100 * 2**10) for _reply in range(50)]

    def script(peer: Peer) -> None:
        peer.log_in()
        for reply in replies:
            peer.read_some()
            peer.reply(reply)
        seen.append(peer.expect("SEND").body)
        peer.log_out()

    with (
        ScriptedBroker(script, context=authority.server_context()) as broker,
        tls_to(broker, authority.path) as connected,
    ):
        connected.publish(request, "a", "c", 60, "/temp-queue/x", within(10))
        assert [connected.next_payload(10) for _reply in replies] == replies
    assert seen == [request]


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_that_does_not_read_while_it_writes_is_read(
    tls: bool, authority: certificates.Authority
) -> None:
    seen: list[bytes] = []
    request, reply = os.urandom(15 * 2**20), os.urandom(15 * 2**20)

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.read_some()
        peer.reply(reply)
        seen.append(peer.expect("SEND").body)
        peer.log_out()

    context = authority.server_context() if tls else None
    with (
        ScriptedBroker(script, context=context) as broker,
        tls_to(broker, authority.path) if tls else to(broker) as connected,
    ):
        connected.publish(request, "a", "c", 60, "/temp-queue/x", within(10))
        assert connected.next_payload(10) == reply
    assert seen == [request]


def test_without_ca_files_the_authorities_of_the_system_count(
    authority: certificates.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    with (
        ScriptedBroker(polite, context=authority.server_context()) as broker,
        tls_to(broker, "") as connected,
    ):
        assert connected.session.broker.tls


def test_with_ca_files_the_authorities_of_the_system_do_not_count(
    authority: certificates.Authority, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.path)
    pinned = certificates.Authority(tmp_path, "Pinned CA").path
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(refusing, context=authority.server_context()) as broker,
        pytest.raises(exc.ConnectFailed, match="certificate is not accepted: "),
    ):
        tls_to(broker, pinned).connect()


def test_each_of_several_ca_files_counts_and_no_other(
    authority: certificates.Authority, tmp_path: pathlib.Path
) -> None:
    other = certificates.Authority(tmp_path, "Other CA").path
    for ca in (f"{other}, {authority.path}", f"{authority.path},{other}"):
        with (
            ScriptedBroker(polite, context=authority.server_context()) as broker,
            tls_to(broker, ca) as connected,
        ):
            assert len(connected.session._transport.socket.context.get_ca_certs()) == 2


ENCRYPTED = """
import sys
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector import connector
prefix = "plugin.rabbitmq.pool"
options = {"identity": "me", "connector": "rabbitmq", f"{prefix}.size": "1"}
options.update({f"{prefix}.1.host": "127.0.0.1", f"{prefix}.1.port": "1", f"{prefix}.1.ssl": "1"})
options.update({f"{prefix}.1.ssl.cert": sys.argv[1], f"{prefix}.1.ssl.key": sys.argv[2]})
try:
    connector(Config(options)).connect()
except exc.CredentialError as error:
    print(error)
"""


def test_an_encrypted_client_key_is_refused_and_nobody_is_asked(
    authority: certificates.Authority, tmp_path: pathlib.Path
) -> None:
    # In a process without a terminal OpenSSL asks on standard error and reads standard input.
    cert, _key = authority.issue("encrypted")
    key = certificates.write_private(tmp_path / "key.pem", certificates.new_key(), b"hush")
    finished = subprocess.run(
        [sys.executable, "-c", ENCRYPTED, cert, key],
        input=b"hush\n",
        capture_output=True,
        check=True,
        timeout=30,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(exc.__file__).parents[6])},
    )
    assert finished.stdout.startswith(b"cannot use the TLS files of 127.0.0.1:1 (ca none, cert ")
    assert key.encode() in finished.stdout
    assert finished.stderr == b""


def test_tls_shows_our_certificate_where_the_broker_asks(authority: certificates.Authority) -> None:
    context = authority.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.path)
    cert, key = authority.issue("client")
    with (
        ScriptedBroker(polite, context=context) as broker,
        tls_to(broker, authority.path, pool__1__ssl__cert=cert, pool__1__ssl__key=key),
    ):
        pass


def refusing(peer: Peer) -> None:
    raise AssertionError("the handshake should have failed")


@pytest.mark.parametrize(
    "case,why",
    [
        (
            "another authority",
            "unable to get local issuer certificate|self-signed|self signed|signature failure",
        ),
        ("another host", "IP address mismatch|doesn't match"),
        ("expired", "certificate has expired"),
    ],
)
def test_tls_is_refused(
    case: str, why: str, authority: certificates.Authority, tmp_path: pathlib.Path
) -> None:
    ca, context = authority.path, authority.server_context()
    if case == "another authority":
        ca = certificates.Authority(tmp_path).path
    elif case == "another host":
        context = authority.server_context("other.example.com")
    else:
        context = authority.server_context(days=-1)
    failures = (ssl.SSLError, ConnectionError)
    with pytest.raises(failures), ScriptedBroker(refusing, context=context) as broker:
        with pytest.raises(
            exc.ConnectFailed, match=f"certificate is not accepted: .*({why})"
        ) as caught:
            tls_to(broker, ca).connect()
        assert caught.value.broker == f"127.0.0.1:{broker.port}"


def test_tls_to_a_port_that_does_not_speak_it_is_told() -> None:
    def plain(peer: Peer) -> None:
        peer.send_raw(b"ERROR\nmessage:Bad command\n\n\0")

    with (
        ScriptedBroker(plain) as broker,
        pytest.raises(exc.ConnectFailed, match="does this port speak TLS"),
    ):
        tls_to(broker, "").connect()


def test_tls_to_a_port_that_says_nothing_fails_within_the_timeout() -> None:
    def silent(peer: Peer) -> None:
        peer._socket.recv(65536)
        peer.expect_end()

    with ScriptedBroker(silent) as broker:
        start = time.monotonic()
        with pytest.raises(exc.ConnectFailed, match="no TLS connection"):
            tls_to(broker, "").connect(timeout=0.5)
        assert time.monotonic() - start < 1.5


def test_no_tls_to_a_port_that_wants_it_is_told(authority: certificates.Authority) -> None:
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(refusing, context=authority.server_context()) as broker,
        pytest.raises(exc.ConnectFailed, match="does it want TLS"),
    ):
        to(broker).connect(timeout=2)


@pytest.mark.parametrize("option", ["ca", "cert", "key"])
def test_a_tls_file_that_is_missing_is_named(
    option: str, authority: certificates.Authority
) -> None:
    cert, key = authority.issue("client")
    files = {"ca": authority.path, "cert": cert, "key": key, option: f"/no/such/{option}.pem"}
    options = {f"pool__1__ssl__{name}": path for name, path in files.items()}
    with pytest.raises(exc.CredentialError, match=f"/no/such/{option}.pem"):
        to(closed_port(), pool__1__ssl="1", **options).connect()


def test_a_broker_lost_over_tls_is_noticed(authority: certificates.Authority) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()

    with (
        ScriptedBroker(script, context=authority.server_context()) as broker,
        tls_to(broker, authority.path) as connected,
        pytest.raises(exc.ConnectionLost),
    ):
        connected.next_payload(3)


def test_an_unknown_connector_is_refused_with_those_that_are() -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="carrier is not supported; there are"):
        connector(Config({"connector": "carrier"}))
