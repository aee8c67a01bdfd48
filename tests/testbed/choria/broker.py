# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Choria Broker, one or a cluster, and Debian's nats-server in its place."""

from __future__ import annotations

import signal
import time
import typing as t
from contextlib import ExitStack
from pathlib import Path

from ..real.ports import free_ports
from ..real.programs import find as find_program
from ..real.service import Service
from ..real.workspace import Workspace, tail
from . import program
from .nats import Connection, NatsError

if t.TYPE_CHECKING:
    import subprocess

    from ..certificates import Authority
    from .tokens import Issuer

_START_TIMEOUT = 30.0


class Broker(Service):
    """A Choria Broker of one or more members, as a context manager or by `start` and `close`.

    It keeps its ports over `kill` and another `start`. With an ``issuer`` it lets in whoever has a
    token of it, and gives each the least permissions; without, whoever has a certificate.
    """

    def __init__(
        self, authority: Authority, issuer: Issuer | None = None, *, members: int = 1
    ) -> None:
        self.authority = authority
        self.certificate = authority.member("localhost")
        self.issuer = issuer
        ports = free_ports(2 * members)
        self.ports, self._peers = ports[:members], ports[members:]
        self._workspace = Workspace("mcotest-choria-broker-")
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def hosts(self) -> str:
        """All members, as ``plugin.choria.middleware_hosts`` has them."""
        return ", ".join(f"localhost:{port}" for port in self.ports)

    def start(self, *members: int) -> None:
        """Start these members, or all, and wait until they let a client in.

        :raises RuntimeError: one does not start; its log is in the text.
        """
        wanted = members or range(len(self.ports))
        for member in wanted:
            log = self.log(member)
            self._running[member] = self._workspace.spawn(
                self._command(member), log, program.environment(self._workspace.path)
            )
        for member in wanted:
            self._wait(member)
        self._join(sorted(self._running))

    def kill(self, *members: int) -> None:
        """End these members, or all, as a power cut would. `start` brings them back."""
        ending = [self._running.pop(member) for member in members or tuple(self._running)]
        self._workspace.end(ending, first=signal.SIGKILL)

    def close(self) -> None:
        """End the broker for good and remove its files. It is harmless to repeat this."""
        self._workspace.close()
        self._running = {}

    def connect(self, member: int = 0) -> Connection:
        """Return a session with the broker's own certificate, which may do everything in v1."""
        return Connection(self.ports[member], self.authority.path, self.certificate)

    def log(self, member: int) -> Path:
        """Return the log of a member."""
        return self._workspace.path / f"broker{member}.log"

    def _command(self, member: int) -> list[str]:
        config = program.write_config(
            self._workspace.path / f"broker{member}.conf", self._settings(member)
        )
        return [str(program.require()), "broker", "run", "--config", str(config)]

    def _settings(self, member: int) -> dict[str, str]:
        settings = {
            "loglevel": "info",
            "identity": f"broker{member}.example.com",
            "plugin.choria.use_srv": "false",
            "plugin.choria.broker_network": "true",
            "plugin.choria.network.listen_address": "127.0.0.1",
            "plugin.choria.network.client_port": str(self.ports[member]),
            **self._security(),
        }
        if self._peers[1:]:
            peers = (f"nats://localhost:{port}" for port in self._peers)
            settings["plugin.choria.network.peer_port"] = str(self._peers[member])
            settings["plugin.choria.network.peers"] = ", ".join(peers)
        return settings

    def _security(self) -> dict[str, str]:
        files = {
            "certificate": str(self.certificate.path),
            "key": str(self.certificate.key),
            "ca": str(self.authority.path),
        }
        if self.issuer is None:
            own = {f"plugin.security.file.{name}": path for name, path in files.items()}
            return {"plugin.security.provider": "file", **own}
        credentials = self.issuer.server("broker.example.com", ["choria"])
        prefix = "plugin.security.choria."
        return {
            "plugin.security.provider": "choria",
            "plugin.security.issuer.names": self.issuer.name,
            f"plugin.security.issuer.{self.issuer.name}.public": self.issuer.public,
            **{f"{prefix}{name}": path for name, path in files.items()},
            f"{prefix}token_file": str(credentials.token),
            f"{prefix}seed_file": str(credentials.seed),
        }

    def _wait(self, member: int) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        while self._running[member].poll() is None and time.monotonic() < deadline:
            try:
                self.connect(member).close()
            except NatsError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"The broker did not start:\n{tail(self.log(member))}")

    def _join(self, members: list[int]) -> None:
        """Wait until what is published on one member is heard on the others."""
        deadline = time.monotonic() + _START_TIMEOUT
        with ExitStack() as stack:
            sessions = {one: stack.enter_context(self.connect(one)) for one in members}
            missing = {(one, other) for one in members for other in members if one != other}
            for session in sessions.values():
                session.subscribe("testbed.>")
            while missing:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"The cluster did not form:\n{tail(self.log(members[0]))}")
                for one, session in sessions.items():
                    session.publish(f"testbed.{one}", b"")
                for other, session in sessions.items():
                    heard = {
                        int(message.subject.rpartition(".")[2]) for message in session.take(0.05)
                    }
                    missing -= {(one, other) for one in heard}


class NatsServer(Broker):
    """Debian's nats-server with TLS, on which a session may hear everything, in version 2, too.

    It knows no tokens. With an ``issuer`` it demands no certificate.
    """

    max_payload = 1024 * 1024
    """Bytes that a message may have."""
    write_deadline = "10s"
    """How long it waits for a client to take what is there for it."""

    def _command(self, member: int) -> list[str]:
        found = find_program("nats-server")
        if found is None:
            raise RuntimeError("nats-server is not installed (Debian: apt install nats-server)")
        path = self._workspace.path / f"nats{member}.conf"
        path.write_text(f"""
            listen: 127.0.0.1:{self.ports[member]}
            max_payload: {self.max_payload}
            write_deadline: "{self.write_deadline}"
            tls {{
                cert_file: "{self.certificate.path}"
                key_file: "{self.certificate.key}"
                ca_file: "{self.authority.path}"
                verify: {str(self.issuer is None).lower()}
                timeout: 5
            }}
            """)
        return [str(found), "--config", str(path)]
