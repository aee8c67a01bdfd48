# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real ``mcollectived`` daemons, several on one machine, each with its own configuration."""

from __future__ import annotations

import json
import signal
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from . import programs
from .workspace import Workspace, tail

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from .collective import Collective
    from .stomp import Connection

#: A libdir in MCollective's sense; holds the agents and their DDLs.
LIBDIR = Path(__file__).with_name("agents")

AGENTS = frozenset(path.stem for path in (LIBDIR / "mcollective" / "agent").glob("*.rb"))

_START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Node:
    """What is different from node to node."""

    identity: str
    facts: dict[str, t.Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    collectives: list[str] = field(default_factory=lambda: ["mcollective"])
    agents: set[str] = field(default_factory=lambda: {"probe", "failer"})


class Daemons:
    """One daemon for each node of a collective. All start at once and share `settings`.

    `start` returns when every daemon has its subscriptions on the broker.
    """

    def __init__(
        self,
        workspace: Workspace,
        collective: Collective,
        settings: Mapping[str, str],
    ) -> None:
        self._workspace = workspace
        self._collective = collective
        self._nodes = {node.identity: node for node in collective.nodes}
        self._settings = dict(settings)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, *identities: str) -> None:
        """Start these nodes, or all, and wait for them. Raises RuntimeError with a log if one fails."""
        wanted = [self._nodes[name] for name in identities] or list(self._nodes.values())
        deadline = time.monotonic() + _START_TIMEOUT
        with self._listen({node.collectives[0] for node in wanted}) as connection:
            for node in wanted:
                self._spawn(node)
            self._await_registrations(connection, {node.identity for node in wanted}, deadline)

    def stop(self, *identities: str) -> None:
        """Kill these nodes, or all, as a crash would. They say nothing to the broker."""
        ending = [self._running.pop(name) for name in identities or tuple(self._running)]
        self._workspace.end(ending)

    def signal(self, number: signal.Signals, *identities: str) -> None:
        """Send a signal, such as SIGSTOP and later SIGCONT, to these nodes."""
        for name in identities:
            self._running[name].send_signal(number)

    def log(self, identity: str) -> Path:
        """Return the log of a node."""
        return self._directory(identity) / "mcollectived.log"

    def _directory(self, identity: str) -> Path:
        return self._workspace.path / "nodes" / identity

    def _listen(self, names: set[str]) -> Connection:
        connection = self._collective.broker.connect(self._collective.place)
        for name in sorted(names):
            connection.subscribe(self._collective.broadcasts(name, "registration"))
        return connection

    def _await_registrations(
        self, connection: Connection, pending: set[str], deadline: float
    ) -> None:
        """Wait for the one registration message that every node sends when it has subscribed.

        Brokers treat what comes over a connection in order: who sees the message knows that
        the node's subscriptions stand. A line in the node's log only says that they were sent.
        """
        while pending:
            frame = connection.poll(0.25)
            if frame is not None:
                pending.discard(frame.headers.get("mc_sender", ""))
            for identity in sorted(pending):
                self._check(identity, time.monotonic() > deadline)

    def _check(self, identity: str, late: bool) -> None:
        process = self._running[identity]
        if process.poll() is None and not late:
            return
        reason = f"not ready after {_START_TIMEOUT:.0f} s"
        if process.returncode is not None:
            reason = f"ended with {process.returncode}"
        words = "\n".join((tail(self._output(identity)), tail(self.log(identity))))
        raise RuntimeError(f"mcollectived of {identity} did not start: {reason}\n{words}")

    def _output(self, identity: str) -> Path:
        return self._directory(identity) / "output.log"

    def _spawn(self, node: Node) -> None:
        if node.identity in self._running:
            raise RuntimeError(f"{node.identity} is running already")
        directory = self._directory(node.identity)
        _write_files(directory, node, self._settings | self._own_settings(node))
        argv = [
            *(str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)),
            *(str(programs.require("mcollectived")), "--no-daemonize"),
            f"--config={directory / 'server.cfg'}",
        ]
        self._running[node.identity] = self._workspace.spawn(
            argv, self._output(node.identity), programs.environment(directory)
        )

    def _own_settings(self, node: Node) -> dict[str, str]:
        directory = self._directory(node.identity)
        return {
            "identity": node.identity,
            "collectives": ",".join(node.collectives),
            "main_collective": node.collectives[0],
            "factsource": "yaml",
            "plugin.yaml": str(directory / "facts.yaml"),
            "classesfile": str(directory / "classes.txt"),
            "logfile": str(self.log(node.identity)),
            # Once at the start, as the sign that the node is ready, and never again.
            "registerinterval": "86400",
        }


def _write_files(directory: Path, node: Node, settings: Mapping[str, str]) -> None:
    plugins = directory / "plugin.d"
    plugins.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_settings(directory / "server.cfg", settings)
    # JSON is YAML, and shows the type of each value clearly.
    facts = json.dumps(node.facts, ensure_ascii=False, indent=1)
    (directory / "facts.yaml").write_text(facts + "\n", encoding="utf-8")
    (directory / "classes.txt").write_text("\n".join([*node.classes, ""]), encoding="utf-8")
    for agent in AGENTS:
        active = int(agent in node.agents)
        (plugins / f"{agent}.cfg").write_text(f"activate_agent = {active}\n")


def write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Write a configuration file of MCollective. It contains secrets, so nobody else can read it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    lines = (f"{key} = {value}\n" for key, value in settings.items())
    path.write_text("".join(lines), encoding="utf-8")
