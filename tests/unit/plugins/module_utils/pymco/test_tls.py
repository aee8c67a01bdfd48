# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections with TLS, against a scripted broker on a real socket."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import termios
import threading
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import network
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    PATIENCE,
    Peer,
    ScriptedBroker,
    closed_port,
    outgoing,
    polite,
    tls_to,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


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
        connected.publish(outgoing(b"x" * 500_000, "a", "c", "/temp-queue/x"), within(3))
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
        connected.publish(outgoing(request, "a", "c", "/temp-queue/x"), within(10))
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
        connected.publish(outgoing(request, "a", "c", "/temp-queue/x"), within(10))
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
            assert len(connected.session.stream.tls.tls.context.get_ca_certs()) == 2


ENCRYPTED = """
import sys
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
prefix = "plugin.rabbitmq.pool"
options = {"identity": "me", "connector": "rabbitmq", f"{prefix}.size": "1"}
options.update({f"{prefix}.1.host": "127.0.0.1", f"{prefix}.1.port": "1", f"{prefix}.1.ssl": "1"})
options.update({f"{prefix}.1.ssl.cert": sys.argv[1], f"{prefix}.1.ssl.key": sys.argv[2]})
try:
    middleware(Config(options)).connect()
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


def test_a_common_name_alone_is_no_name_of_the_broker(authority: certificates.Authority) -> None:
    context = authority.server_context("localhost", alternative=False)
    failures = (ssl.SSLError, ConnectionError)
    with pytest.raises(failures), ScriptedBroker(refusing, context=context) as broker:
        with pytest.raises(exc.ConnectFailed, match="Hostname mismatch") as caught:
            tls_to(broker, authority.path, pool__1__host="localhost").connect()
        assert "reissued with a subjectAltName; a common name (CN) does not count" in str(
            caught.value
        )


def test_a_name_in_the_subject_alternative_name_is(authority: certificates.Authority) -> None:
    with (
        ScriptedBroker(polite, context=authority.server_context("localhost")) as broker,
        tls_to(broker, authority.path, pool__1__host="localhost") as connected,
    ):
        assert connected.session.broker.verified


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
        with pytest.raises(exc.ConnectFailed, match="did not finish the handshake in time; does"):
            tls_to(broker, "").connect(timeout=0.5)
        assert time.monotonic() - start < BUSY


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


def shaken(ours: socket.socket, theirs: socket.socket, **options: t.Any) -> network.Stream:
    """Our end of a connection, after a line in plain text and a handshake.

    :param options: of :func:`serve`.
    """
    authority = options.pop("authority")
    trusting = ssl.create_default_context(cafile=authority.path)
    trusting.maximum_version = options.pop("version", ssl.TLSVersion.TLSv1_3)
    context = authority.server_context()
    thread = threading.Thread(target=serve, args=(theirs, context), kwargs=options)
    ours.setblocking(False)
    stream = network.Stream(ours)
    theirs.sendall(b"INFO\r\n")
    assert stream.read() == b"INFO\r\n"
    thread.start()
    stream.start_tls(to(1).pool.brokers[0], trusting, within(PATIENCE))
    thread.join(PATIENCE)
    return stream


def serve(
    theirs: socket.socket, context: ssl.SSLContext, words: bytes = b"", tickets: int = 2
) -> None:
    """Be the broker of a handshake, and say something in the same breath as its last part."""
    context.num_tickets = tickets
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    broker = context.wrap_bio(incoming, outgoing, server_side=True)
    for last in (False, True):
        incoming.write(theirs.recv(network.CHUNK))
        with contextlib.suppress(ssl.SSLWantReadError):
            broker.do_handshake()
        if last and words:
            broker.write(words)
        theirs.sendall(outgoing.read() + b"no TLS" * (last and bool(words)))


def test_tickets_without_end_are_taken_piece_by_piece(authority: certificates.Authority) -> None:
    """OpenSSL would read them as long as they come, and nobody would check a deadline meanwhile."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = shaken(ours, theirs, authority=authority, tickets=400)  # 250 bytes or so each
        before = unread(ours)
        assert before > network.CHUNK
        assert stream.read() is None
        assert unread(ours) == before - network.CHUNK


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_a_broker_says_between_the_handshake_and_its_fault_is_read(
    authority: certificates.Authority, version: ssl.TLSVersion
) -> None:
    """With TLS 1.2 it comes in one piece with the end of the handshake."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = shaken(ours, theirs, authority=authority, words=b"hello", version=version)
        assert [stream.read(), stream.alert] == [b"hello", None]
        for _time in range(2):
            assert stream.read() == b""
            assert isinstance(stream.alert, ssl.SSLError)


def test_a_broker_that_takes_nothing_is_read_nevertheless(
    authority: certificates.Authority,
) -> None:
    """Otherwise, both would wait for each other. The piece that waits to be sent is already encrypted."""
    ours, theirs = socket.socketpair()
    seen: list[bytes | None] = []

    def take() -> bool:
        """Read once the first piece cannot be sent."""
        seen.append(stream.read() if seen else None)
        return True

    with ours, theirs:
        stream = shaken(ours, theirs, authority=authority, words=b"hello")
        with pytest.raises(BlockingIOError):
            while True:
                ours.send(bytes(network.CHUNK))
        with pytest.raises(TimeoutError):
            stream.send(bytes(2 * network.CHUNK), within(0.5), take)
    assert seen == [None, b"hello"]


def unread(sock: socket.socket) -> int:
    """Bytes that have come and that nobody has read."""
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)), "little")
