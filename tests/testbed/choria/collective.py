# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole Choria collective: nodes on a broker, with keys and a configuration for clients."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ..real.default_nodes import DEFAULT_NODES
from ..real.service import Service
from ..real.workspace import Workspace, tail
from . import program
from .tokens import Issuer

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from ..certificates import Authority, Certificate
    from ..real.nodes import Node
    from .broker import Broker
    from .tokens import Credentials

_HERE = Path(__file__).resolve().parent
#: A libdir in Choria's sense; holds the DDLs of the agents.
LIBDIR = _HERE / "agents"
AGENTS = tuple(sorted(path.stem for path in (LIBDIR / "mcollective" / "agent").glob("*.json")))
_NOTHING: Mapping[str, str | None] = MappingProxyType({})
_START_TIMEOUT = 60.0


@dataclass(frozen=True)
class Options:
    """How the nodes are. ``daemon`` contains further settings of theirs."""

    collectives: tuple[str, ...] = ("mcollective",)
    #: Identity to collectives, for nodes that are not in all of them.
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Agent to policy. With one, actions need authorization.
    policies: Mapping[str, str] | None = None
    daemon: Mapping[str, str] = field(default_factory=dict)


class ChoriaCollective(Service):
    """``choria server`` for each node, on a broker, as a context manager or by `start` and `close`.

    With an ``issuer`` they speak protocol version 2, otherwise version 1.
    """

    def __init__(
        self,
        broker: Broker,
        authority: Authority,
        issuer: Issuer | None = None,
        *,
        nodes: Sequence[Node] = DEFAULT_NODES,
        options: Options | None = None,
        directory: Path | None = None,
    ) -> None:
        self.broker, self.authority, self.issuer = broker, authority, issuer
        self.nodes = {node.identity: node for node in nodes}
        self.options = options or Options()
        self.start_seconds = 0.0
        self._wanted_directory = directory
        self._workspace: Workspace | None = None
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def version(self) -> int:
        """The version of the protocol."""
        return 1 if self.issuer is None else 2

    def start(self) -> None:
        """Create keys and configuration, start all nodes, and return when all of them are ready."""
        began = time.monotonic()
        self._workspace = Workspace("mcotest-choria-", self._wanted_directory)
        self.directory = self._workspace.path
        self._lay_out_agents()
        self.operator = self.credentials("operator")
        self.client_conf = self.write_client_conf("client.conf")
        self.start_nodes()
        self.start_seconds = time.monotonic() - began

    def close(self) -> None:
        """End all nodes and remove all files. It is harmless to repeat this."""
        if self._workspace is not None:
            self._workspace.close()
        self._workspace = None
        self._running = {}

    def collectives(self, identity: str) -> tuple[str, ...]:
        """Return the collectives that a node is in."""
        return self.options.members.get(identity, self.options.collectives)

    def start_nodes(self, *identities: str) -> None:
        """Start these nodes, or all, and wait until their agents answer."""
        wanted = identities or tuple(self.nodes)
        for identity in wanted:
            self._spawn(self.nodes[identity])
        self.wait(*wanted)

    def stop_nodes(self, *identities: str) -> None:
        """Kill these nodes, or all, as a crash would."""
        ending = [self._running.pop(name) for name in identities or tuple(self._running)]
        self._open().end(ending)

    def wait(self, *identities: str) -> None:
        """Wait until these nodes, or all, are found with each of their agents.

        :raises RuntimeError: one of them does not get ready; its log is in the text.
        """
        deadline = time.monotonic() + _START_TIMEOUT
        wanted = set(identities or self.nodes)
        for agent in ("rpcutil", *AGENTS):
            have = {name for name in wanted if agent in {"rpcutil", *self.nodes[name].agents}}
            while have and not have <= self._found(agent, len(have)):
                self._check(deadline)
                time.sleep(0.2)

    def log(self, identity: str) -> Path:
        """Return the log of a node."""
        return self.directory / "nodes" / identity / "server.log"

    def credentials(self, name: str) -> Certificate | Credentials:
        """Return new credentials for a client, as the version of the protocol has them."""
        if self.issuer is None:
            return self.authority.member(f"{name}.mcollective")
        return self.issuer.client(name)

    def choria(
        self, *arguments: str, config: Path | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run the reference client. It is the judge if we do not know what is right."""
        path = config or self.client_conf
        return program.run(self.directory, path, *arguments, timeout=timeout)

    def req(self, agent: str, action: str, *arguments: str) -> dict[str, t.Any]:
        """Return what ``choria req`` says about a call, from its JSON."""
        done = self.choria("req", agent, action, *arguments, "--json", "--display", "all", "--np")
        if not done.stdout.startswith("{"):
            raise RuntimeError(done.stdout + done.stderr)
        return t.cast("dict[str, t.Any]", json.loads(done.stdout))

    def write_client_conf(self, name: str, changes: Mapping[str, str | None] = _NOTHING) -> Path:
        """Write a client's configuration with some settings changed or left out.

        >>> collective.write_client_conf("rogue.conf", {"main_collective": "other"})
        """
        settings = {
            **self._common(),
            # In version 1 this names the certificate, too.
            "identity": "operator.mcollective",
            "loglevel": "warn",
            "libdir": str(LIBDIR),
            **self.security(self.operator),
            **changes,
        }
        kept = {key: value for key, value in settings.items() if value is not None}
        return program.write_config(self.directory / name, kept)

    def security(self, own: Certificate | Credentials) -> dict[str, str]:
        """Return the settings with which somebody of these credentials takes part."""
        authority = str(self.authority.path)
        if self.issuer is None:
            own = t.cast("Certificate", own)
            return {
                "plugin.security.provider": "file",
                "plugin.security.file.certificate": str(own.path),
                "plugin.security.file.key": str(own.key),
                "plugin.security.file.ca": authority,
            }
        own = t.cast("Credentials", own)
        return {
            "plugin.security.provider": "choria",
            "plugin.security.choria.ca": authority,
            "plugin.security.choria.token_file": str(own.token),
            "plugin.security.choria.seed_file": str(own.seed),
            "plugin.security.issuer.names": self.issuer.name,
            f"plugin.security.issuer.{self.issuer.name}.public": self.issuer.public,
        }

    def _common(self) -> dict[str, str | None]:
        return {
            "collectives": ",".join(self.options.collectives),
            "main_collective": self.options.collectives[0],
            "plugin.choria.middleware_hosts": self.broker.hosts,
            "plugin.choria.use_srv": "false",
        }

    def _open(self) -> Workspace:
        if self._workspace is None:
            raise RuntimeError("This collective has not been started or is closed")
        return self._workspace

    def _spawn(self, node: Node) -> None:
        if node.identity in self._running:
            raise RuntimeError(f"{node.identity} is running already")
        config = self._write_node(node)
        argv = [str(program.require()), "server", "run", "--config", str(config)]
        env = program.environment(config.parent)
        self._running[node.identity] = self._open().spawn(argv, self.log(node.identity), env)

    def _write_node(self, node: Node) -> Path:
        place = self.directory / "nodes" / node.identity
        mine = self.collectives(node.identity)
        credentials: Certificate | Credentials
        if self.issuer is None:
            credentials = self.authority.member(node.identity)
        else:
            credentials = self.issuer.server(node.identity, mine)
        config = program.write_config(
            place / "server.conf",
            {
                **{key: value or "" for key, value in self._common().items()},
                "collectives": ",".join(mine),
                "main_collective": mine[0],
                "identity": node.identity,
                "loglevel": "info",
                "factsource": "yaml",
                "plugin.yaml": str(place / "facts.yaml"),
                "classesfile": str(place / "classes.txt"),
                "plugin.choria.agent_provider.mcorpc.libdir": str(self._libdir(node)),
                "rpcauthorization": str(int(self.options.policies is not None)),
                **self.security(credentials),
                **self.options.daemon,
            },
        )
        facts = json.dumps(node.facts, ensure_ascii=False, indent=1)
        (place / "facts.yaml").write_text(facts, encoding="utf-8")
        (place / "classes.txt").write_text("\n".join([*node.classes, ""]), encoding="utf-8")
        for agent, policy in (self.options.policies or {}).items():
            program.write_text(place / "policies" / f"{agent}.policy", policy)
        return config

    def _libdir(self, node: Node) -> Path:
        """Lay out the agents that a node has, and return its libdir."""
        place = self.directory / "nodes" / node.identity / "lib"
        for agent in sorted(node.agents.intersection(AGENTS)):
            for name in (agent, f"{agent}.json"):
                target = place / "mcollective" / "agent" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                os.link(self.directory / "agents" / name, target)
        return place

    def _lay_out_agents(self) -> None:
        """Make one program of each agent. They are all the same: it is told its name."""
        place = self.directory / "agents"
        place.mkdir(exist_ok=True)
        code = (_HERE / "agent.py").read_text(encoding="utf-8")
        for agent in AGENTS:
            shutil.copy(LIBDIR / "mcollective" / "agent" / f"{agent}.json", place)
            # A node takes no DDL that was written within the last five seconds.
            os.utime(place / f"{agent}.json", (0, 0))
            path = place / agent
            path.write_text(f"#!{sys.executable} -ISB\n{code}", encoding="utf-8")
            path.chmod(0o755)

    def _found(self, agent: str, count: int) -> set[str]:
        arguments = ("ping", "--names", "--timeout", "2", "--expect", str(count))
        return set(self.choria(*arguments, "-A", agent).stdout.split())

    def _check(self, deadline: float) -> None:
        for identity, process in self._running.items():
            if process.poll() is not None or time.monotonic() > deadline:
                words = tail(self.log(identity))
                raise RuntimeError(f"choria server of {identity} did not start:\n{words}")
