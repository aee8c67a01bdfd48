# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private RabbitMQ that speaks STOMP on loopback."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
import typing as t

from . import programs
from .definitions import Vhost, definitions
from .ports import free_ports, wait_for_listener
from .stomp import Connection, StompError
from .workspace import Workspace, tail

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

_START_TIMEOUT = 60.0
_PROBE = Vhost("testbed-probe")


class _EndedEarly(RuntimeError):
    """A process of the broker ended before STOMP answered."""


class Broker:
    """RabbitMQ with the given virtual hosts, as a context manager or by `start` and `close`.

    It keeps its ports over `stop` or `kill` and another `start`, so clients can reconnect.
    """

    def __init__(self, vhosts: Iterable[Vhost | str] = ()) -> None:
        named = (Vhost(entry) if isinstance(entry, str) else entry for entry in vhosts)
        self.vhosts: dict[str, Vhost] = {vhost.name: vhost for vhost in named}
        self.host = "127.0.0.1"
        self.stomp_port = 0
        self.start_seconds = 0.0
        self._epmd_port = 0
        self._dist_port = 0
        self._node = f"mcotest-{secrets.token_hex(4)}@localhost"
        self._workspace: Workspace | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Broker:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def directory(self) -> Path:
        """Where configuration, data and logs lie while the broker is open."""
        return self._open_workspace().path

    @property
    def log(self) -> Path:
        """The broker's own log."""
        return self.directory / "rabbitmq.log"

    def start(self) -> None:
        """Start and wait until STOMP answers; RuntimeError with the end of the log if it fails."""
        if self._processes:
            raise RuntimeError("This broker is running already")
        began = time.monotonic()
        first = self._workspace is None
        try:
            self._attempt(began + _START_TIMEOUT)
        except _EndedEarly:
            if not first:
                raise
            # Most likely somebody took one of the ports before RabbitMQ did; take others.
            self.close()
            self._attempt(began + _START_TIMEOUT)
        self.start_seconds = time.monotonic() - began

    def stop(self) -> None:
        """Let the broker close its sessions in order and end; `start` brings it back."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the broker as a power cut would; `start` brings it back."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End the broker for good and remove all that it left; harmless when repeated."""
        if self._workspace is not None:
            self._workspace.close()
        self._workspace = None
        self._processes = []

    def add(self, *vhosts: Vhost) -> None:
        """Add virtual hosts to the running broker; those given to `Broker` cost no time."""
        path = self.directory / "more.json"
        path.write_text(definitions(vhosts), encoding="utf-8")
        self.ctl("import_definitions", str(path))
        self.vhosts.update((vhost.name, vhost) for vhost in vhosts)

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against this broker (half a second) and return what it prints."""
        done = subprocess.run(
            [str(programs.require("rabbitmqctl")), "-q", "-n", self._node, *arguments],
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode:
            words = output + done.stderr.decode(errors="replace")
            raise RuntimeError(f"rabbitmqctl {arguments[0]} failed: {words.strip()}")
        return output

    def _attempt(self, deadline: float) -> None:
        if self._workspace is None:
            self._workspace = Workspace("mcotest-broker-")
            self.stomp_port, self._epmd_port, self._dist_port = free_ports(3)
            self._write_files()
        self._spawn()
        self._wait(deadline)

    def _open_workspace(self) -> Workspace:
        if self._workspace is None:
            raise RuntimeError("This broker has not been started or is closed")
        return self._workspace

    def _end(self, first: signal.Signals) -> None:
        self._open_workspace().end(self._processes, first=first)
        self._processes = []

    def _write_files(self) -> None:
        home = self.directory
        (home / "enabled_plugins").write_text("[rabbitmq_stomp].\n")
        (home / "rabbitmq-env.conf").write_text("")
        (home / "advanced.config").write_text("[].\n")
        (home / "definitions.json").write_text(definitions([_PROBE, *self.vhosts.values()]))
        (home / "rabbitmq.conf").write_text(self._config())
        cookie = home / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)

    def _config(self) -> str:
        lines = (
            # Nobody here speaks AMQP, and a listener more is a port more to find taken.
            "listeners.tcp = none",
            f"stomp.listeners.tcp.1 = 127.0.0.1:{self.stomp_port}",
            f"load_definitions = {self.directory}/definitions.json",
            "loopback_users = none",
            # A small disk must not block the senders of a test.
            "disk_free_limit.absolute = 1MB",
            "vm_memory_high_watermark.relative = 0.8",
        )
        return "\n".join(lines) + "\n"

    def _environment(self) -> dict[str, str]:
        home = self.directory
        return programs.environment(
            home,
            ERL_EPMD_ADDRESS="127.0.0.1",
            ERL_EPMD_PORT=str(self._epmd_port),
            # Without it the start script stays as parent of the virtual machine, to translate
            # signals for it; with it the machine takes the script's place and its process id.
            RUNNING_UNDER_SYSTEMD="true",
            RABBITMQ_NODENAME=self._node,
            RABBITMQ_DIST_PORT=str(self._dist_port),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
            RABBITMQ_CONF_ENV_FILE=str(home / "rabbitmq-env.conf"),
            RABBITMQ_CONFIG_FILE=str(home / "rabbitmq.conf"),
            RABBITMQ_ADVANCED_CONFIG_FILE=str(home / "advanced.config"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(home / "enabled_plugins"),
            RABBITMQ_MNESIA_BASE=str(home / "mnesia"),
            RABBITMQ_GENERATED_CONFIG_DIR=str(home / "generated"),
            RABBITMQ_LOG_BASE=str(home),
            RABBITMQ_LOGS=str(self.directory / "rabbitmq.log"),
            RABBITMQ_PID_FILE=str(home / "rabbitmq.pid"),
        )

    def _spawn(self) -> None:
        """Start the port mapper first: RabbitMQ would start one itself that nobody could end."""
        workspace, env = self._open_workspace(), self._environment()
        epmd = [str(programs.require("epmd")), "-port", str(self._epmd_port)]
        server = [str(programs.require("rabbitmq-server"))]
        for argv, port in ((epmd, self._epmd_port), (server, None)):
            self._processes.append(workspace.spawn(argv, workspace.path / "output.log", env))
            if port is not None:
                wait_for_listener(port)

    def _wait(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            for name, process in zip(("epmd", "rabbitmq-server"), self._processes, strict=True):
                if process.poll() is not None:
                    raise _EndedEarly(self._failure(f"{name} ended with {process.returncode}"))
            if self._answers():
                return
            time.sleep(0.05)
        reason = f"no answer on the STOMP port within {_START_TIMEOUT:.0f} s"
        raise RuntimeError(self._failure(reason))

    def _answers(self) -> bool:
        try:
            Connection(self.stomp_port, _PROBE.name, _PROBE.user, _PROBE.password, 5.0).close()
        except StompError:
            return False
        return True

    def _failure(self, reason: str) -> str:
        """End what runs of a broker that did not start, and say what its logs say."""
        words = "\n".join((tail(self.directory / "output.log"), tail(self.log)))
        self.kill()
        return f"RabbitMQ did not start: {reason}\n{words}"
