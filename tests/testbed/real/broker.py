# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all private brokers have in common: they speak STOMP on loopback and end with this process."""

from __future__ import annotations

import abc
import signal
import time
import typing as t
from dataclasses import dataclass

from .place import Place
from .ports import free_ports
from .service import Service
from .stomp import Connection, StompError
from .workspace import Workspace, tail

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable
    from pathlib import Path

    from ..certificates import Certificate

_START_TIMEOUT = 60.0
_PROBE = Place("testbed-probe", collectives=())


class _EndedEarly(RuntimeError):
    """A process of the broker ended before STOMP answered."""


@dataclass(frozen=True)
class Tls:
    """How a broker speaks TLS.

    ``authority`` signs the client certificates that it trusts. Without ``demands_client``, a client
    may also connect without a certificate.
    """

    authority: Path
    server: Certificate
    demands_client: bool = False


class Broker(Service):
    """A broker with the given places, as a context manager or by `start` and `close`.

    It keeps its ports over `stop` or `kill` and another `start`, so clients can reconnect.
    ``tls_port`` is 0 unless TLS was wanted.
    """

    #: The name of MCollective's connector for this broker.
    connector: t.ClassVar[str]
    #: The name of its program, for messages.
    program: t.ClassVar[str]

    def __init__(self, places: Iterable[Place | str] = (), tls: Tls | None = None) -> None:
        named = (Place(entry) if isinstance(entry, str) else entry for entry in places)
        self.places: dict[str, Place] = {place.name: place for place in (_PROBE, *named)}
        self.tls = tls
        self.host = "127.0.0.1"
        self.stomp_port = self.tls_port = 0
        self.start_seconds = 0.0
        self._workspace: Workspace | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def directory(self) -> Path:
        """The directory of configuration, data and logs while the broker is open."""
        return self._open_workspace().path

    @property
    def log(self) -> Path:
        """The broker's own log."""
        return self.directory / "broker.log"

    @abc.abstractmethod
    def vhost(self, place: Place) -> str:
        """Return the virtual host that a client names for a place."""

    def client_settings(self, place: Place) -> dict[str, str]:
        """Return the settings with which a client or a daemon reaches a place."""
        plugin = f"plugin.{self.connector}"
        return {
            "connector": self.connector,
            f"{plugin}.vhost": self.vhost(place),
            f"{plugin}.pool.size": "1",
            f"{plugin}.pool.1.host": self.host,
            f"{plugin}.pool.1.port": str(self.stomp_port),
            f"{plugin}.pool.1.user": place.user,
            f"{plugin}.pool.1.password": place.password,
        }

    @abc.abstractmethod
    def collective(self, place: Place, name: str) -> str:
        """Return the name of a place's collective in configurations and on the wire."""

    @abc.abstractmethod
    def broadcasts(self, collective: str, agent: str) -> str:
        """Return where messages to an agent of all nodes arrive, or messages to all agents.

        :param collective: as `collective` has it.
        """

    @abc.abstractmethod
    def _write_files(self) -> None:
        """Write the configuration into the directory. The ports are known already."""

    @abc.abstractmethod
    def _spawn(self) -> None:
        """Start the processes, by `_run`."""

    def start(self) -> None:
        """Start and wait until STOMP answers. Raises RuntimeError with the end of the log if it fails."""
        if self._processes:
            raise RuntimeError("This broker is running already")
        began = time.monotonic()
        first = self._workspace is None
        try:
            self._attempt(began + _START_TIMEOUT)
        except _EndedEarly:
            if not first:
                raise
            # Most likely, another program took one of the ports before the broker did. Take others.
            self.close()
            self._attempt(began + _START_TIMEOUT)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Let the broker close its sessions and end. `start` brings it back."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as a power cut would. `start` brings it back."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End the broker for good and remove its files. It is harmless to repeat this."""
        if self._workspace is not None:
            self._workspace.close()
        self._workspace = None
        self._processes = []

    def connect(self, place: Place, timeout: float = 10.0) -> Connection:
        """Return a STOMP session at a place, as its user."""
        return Connection(self.stomp_port, self.vhost(place), place.user, place.password, timeout)

    def _attempt(self, deadline: float) -> None:
        if self._workspace is None:
            self._workspace = Workspace("mcotest-broker-")
            self._take_ports()
            self._write_files()
        self._spawn()
        self._wait(deadline)

    def _take_ports(self) -> None:
        self.stomp_port, port = free_ports(2)
        self.tls_port = port if self.tls else 0

    def _open_workspace(self) -> Workspace:
        if self._workspace is None:
            raise RuntimeError("This broker has not been started or is closed")
        return self._workspace

    def _run(self, argv: list[str], env: dict[str, str]) -> None:
        workspace = self._open_workspace()
        self._processes.append(workspace.spawn(argv, workspace.path / "output.log", env))

    def _end(self, first: signal.Signals) -> None:
        self._open_workspace().end(self._processes, first=first)
        self._processes = []

    def _wait(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            for number, process in enumerate(self._processes, 1):
                if process.poll() is not None:
                    reason = f"process {number} of it ended with {process.returncode}"
                    raise _EndedEarly(self._failure(reason))
            if self._answers():
                return
            time.sleep(0.05)
        reason = f"no answer on the STOMP port within {_START_TIMEOUT:.0f} s"
        raise RuntimeError(self._failure(reason))

    def _answers(self) -> bool:
        """Return True if it can serve clients, and everything else that it needs is there."""
        try:
            self.connect(_PROBE, 5.0).close()
        except StompError:
            return False
        return True

    def _failure(self, reason: str) -> str:
        """End the rest of a broker that did not start, and return what its logs say."""
        words = "\n".join((tail(self.directory / "output.log"), tail(self.log)))
        self.kill()
        return f"{self.program} did not start: {reason}\n{words}"
