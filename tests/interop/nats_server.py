# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's nats-server in all the ways in which it can be set up, and clients of it.

A node here is one of our own sessions that answers. It stands for what a node does with the broker, and not for what
it does with the request.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import typing as t
from pathlib import Path

from testbed.real.ports import free_ports
from testbed.real.programs import find
from testbed.real.service import Service
from testbed.real.workspace import Workspace, tail

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
    Conversation,
    Line,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import (
    Envelope,
    Received,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    Outgoing,
    middleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.base import (
    BaseProvider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.nats_session import (
    Login,
    Session,
)

if t.TYPE_CHECKING:
    import subprocess

    from testbed.certificates import Authority, Certificate

SECONDS = 60.0
"""Far more than anything here takes."""
PROBE = b"probe"
CALLER = "choria=alice.mcollective"


def within(seconds: float = SECONDS) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def tls(certificate: Certificate, authority: Authority, **more: str) -> str:
    """Return the part of a configuration that turns TLS on."""
    lines = {"cert_file": certificate.path, "key_file": certificate.key, **more}
    lines["ca_file"] = authority.path
    inside = "\n".join(
        f"{key}: {value if value == 'true' else f'{chr(34)}{value}{chr(34)}'}"
        for key, value in lines.items()
    )
    return f"tls {{\n{inside}\n}}\n"


class NatsServers(Service):
    """One nats-server, or a cluster of some.

    :param config: what the configuration of each has beyond its addresses.
    """

    def __init__(self, config: str = "", *, members: int = 1) -> None:
        self._config = config
        ports = free_ports(2 * members)
        self.ports, self._peers = ports[:members], ports[members:]
        self._workspace = Workspace("mcotest-nats-")
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def port(self) -> int:
        return self.ports[0]

    def start(self) -> None:
        for member in range(len(self.ports)):
            self.start_member(member)

    def start_member(self, member: int) -> None:
        """Start one, and return when it takes connections."""
        program = find("nats-server")
        assert program is not None
        path = self._workspace.path / f"{member}.conf"
        path.write_text(
            f"listen: 127.0.0.1:{self.ports[member]}\n{self._config}\n{self._cluster(member)}"
        )
        log = self._workspace.path / f"{member}.log"
        size = log.stat().st_size if log.exists() else 0
        process = self._workspace.spawn([str(program), "-c", str(path)], log, dict(os.environ))
        self._running[member] = process
        deadline = within()
        while b"Server is ready" not in log.read_bytes()[size:]:
            assert process.poll() is None and time.monotonic() < deadline, tail(log)
            time.sleep(0.02)

    def _cluster(self, member: int) -> str:
        if len(self.ports) == 1:
            return ""
        routes = "\n".join(f"nats-route://127.0.0.1:{port}" for port in self._peers)
        return f"cluster {{ name: c, listen: 127.0.0.1:{self._peers[member]}, routes: [\n{routes}\n] }}"

    def tell(self, number: signal.Signals, member: int = 0) -> None:
        """Send one a signal, and see that it stops if that is what it does."""
        process = self._running[member]
        process.send_signal(number)
        stat = Path(f"/proc/{process.pid}/stat")
        while number is signal.SIGSTOP and stat.read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.01)

    def kill(self, member: int = 0) -> None:
        """End one, as a power cut would."""
        self._workspace.end([self._running.pop(member)])

    def log(self, member: int = 0) -> str:
        """Return what one has logged."""
        return (self._workspace.path / f"{member}.log").read_text()

    def close(self) -> None:
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
        self._workspace.close()
        self._running = {}


def broker(port: int, **more: t.Any) -> Broker:
    """One broker of a pool, without TLS unless it is asked for."""
    return Broker(**{"host": "localhost", "port": port, "user": "", "password": "", **more})


def session(port: int, name: str = "node", **more: t.Any) -> Session:
    """A session that is open already."""
    return Session.open(broker(port), Login(name, **more), SECONDS)


def choria_settings(
    ports: t.Sequence[int], alice: Certificate, ca: object, **more: str
) -> Settings:
    """The settings of a client. In the names of options, __ stands for a dot."""
    options = {
        "identity": "me.example",
        "connector": "nats",
        "securityprovider": "choria",
        "connection_timeout": "20",
        "plugin.choria.middleware_hosts": ", ".join(f"localhost:{port}" for port in ports),
        "plugin.choria.randomize_middleware_hosts": "0",
        "plugin.security.provider": "file",
        "plugin.security.file.certificate": str(alice.path),
        "plugin.security.file.key": str(alice.key),
        "plugin.security.file.ca": str(ca),
        **{name.replace("__", "."): value for name, value in more.items()},
    }
    return Settings(options)


def client(settings: Settings) -> BaseMiddleware:
    """The middleware of a caller."""
    return middleware(settings, CALLER)


def outgoing(payload: bytes, reply_to: str) -> Outgoing:
    """A request."""
    return Outgoing(payload, "rpcutil", "mcollective", 60, reply_to)


class Node:
    """Answers requests, in a thread of its own.

    The last word of a request is the address for replies. The words before it come back, with an answer.

    :param subjects: what it listens to.
    :param answers: to each request.
    :param gate: is waited for before each answer but the first. Then the last answer comes again and again, since
        nobody can know when a new member of a cluster has heard who listens there.
    :param more: of the :class:`.Login`.
    """

    def __init__(
        self,
        port: int,
        *subjects: str,
        answers: t.Sequence[bytes] = (b"answer",),
        gate: threading.Event | None = None,
        **more: t.Any,
    ) -> None:
        self._session = session(port, **more)
        self._answers, self._gate = answers, gate
        self._over, self._probed = threading.Event(), threading.Event()
        self.seen: list[bytes] = []
        for number, subject in enumerate(subjects):
            self._session.subscribe(subject, str(number), within())
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Node:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self._session.close()

    def wait(self, count: int) -> list[bytes]:
        """Return all requests once so many have come."""
        deadline = within()
        while len(self.seen) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.seen

    def reachable_from(self, port: int, subject: str) -> None:
        """Wait until a message that is published at another member of the cluster arrives."""
        prober, deadline = session(port), within()
        while not self._probed.is_set():
            assert time.monotonic() < deadline, "the node cannot be reached"
            prober.send(subject, PROBE, {}, deadline)
            self._probed.wait(0.02)
        prober.close()

    def _run(self) -> None:
        while not self._over.is_set():
            request = self._session.next_message(0.05)
            if request == PROBE:
                self._probed.set()
            elif request is not None:
                self.seen.append(request)
                self._answer(*request.split())

    def _answer(self, *words: bytes) -> None:
        for number, answer in enumerate(self._answers):
            while number and self._gate is not None and not self._gate.wait(0.05):
                if self._over.is_set():
                    return
            body = b" ".join([*words[:-1], answer])
            self._session.send(words[-1].decode(), body, {}, within())
            if number % 10 == 9:
                time.sleep(0.002)  # what happens meanwhile shall happen between two answers
        while self._gate is not None and not self._over.wait(0.05):
            self._session.send(words[-1].decode(), body, {}, within())


def ask(connected: BaseMiddleware, nodes: t.Sequence[str] | None = None, size: int = 0) -> str:
    """Send a request that asks for replies. Return the address for them."""
    target = connected.open_replies("rpcutil", "mcollective", within())
    payload = target.encode().ljust(size)
    assert connected.publish(outgoing(payload, target), within(), nodes=nodes) == []
    return target


def take(connected: BaseMiddleware, count: int, seconds: float = SECONDS) -> list[bytes]:
    """Return so many payloads."""
    found: list[bytes] = []
    deadline = within(seconds)
    while len(found) < count and time.monotonic() < deadline:
        payload = connected.next_payload(deadline - time.monotonic())
        if payload is not None:
            found.append(payload)
    return found


class TextProvider(BaseProvider):
    """A request is its id and the address for replies, and a reply is the id and a sender."""

    def _callerid(self) -> str:
        return CALLER

    def check(self, envelope: Envelope) -> None:
        pass

    def seal(self, envelope: Envelope) -> bytes:
        return envelope.requestid.encode()

    def address(self, payload: bytes, reply_to: str) -> bytes:
        return payload + b" " + reply_to.encode()

    def open(self, payload: bytes) -> Received:
        requestid, sender = payload.decode().split()
        return Received(requestid, sender, {})

    def authenticate(self, received: Received) -> None:
        received.body = "pong"


def conversation(connected: BaseMiddleware, expected: t.Collection[str] | None) -> Conversation:
    """A request to everybody, whose listening goes on over another connection."""
    line = Line(connected, TextProvider(connected.settings))
    envelope = Envelope("me", "rpcutil", "mcollective", Filter().add_agent("rpcutil"), 60, "ping")
    return Conversation(line, envelope, expected=expected, resume=True)
