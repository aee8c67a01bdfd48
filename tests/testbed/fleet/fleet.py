# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet and the configuration of its client."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import typing as t
from pathlib import Path

from ..real.mco import run_mco
from ..real.nodes import LIBDIR, write_settings
from ..real.place import Place
from ..real.security import Secrets, Security
from ..real.service import Service
from ..real.workspace import Workspace
from .replies import identity
from .worker import Settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ..real.rabbitmq import RabbitMQ

AGENTS = ("discovery", "rpcutil", "service")
MOST = 100_000
"""How many nodes have identities of five digits."""


def fleet_place(name: str) -> Place:
    """Return a place for a fleet."""
    return Place(name, shared_nodes=True)


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """How a fleet answers.

    :ivar spread: seconds within which nodes answer a request to all, evenly, in no order.
    :ivar silent: how many nodes answer to discovery and to nothing else: the last ones.
    """

    spread: float = 0.0
    silent: int = 0


class Fleet(Service):
    """Emulated nodes at a place of a RabbitMQ, as a context manager or by `start` and `close`.

    Each node takes requests to all nodes and requests to itself.

    :param place: the name of a place that is like :func:`fleet_place`.
    :param count: how many nodes.
    :param directory: where to put the client's configuration and keys, to be kept.
    :ivar client_cfg: the configuration of its client.
    """

    def __init__(
        self,
        broker: RabbitMQ,
        place: str,
        count: int,
        security: Security,
        behaviour: Behaviour | None = None,
        directory: Path | None = None,
    ) -> None:
        self._broker, self._place = broker, broker.places[place]
        if not self._place.shared_nodes:
            raise ValueError(f"{place} is no place for a fleet; make it by fleet_place({place!r})")
        if not 0 < count <= MOST:
            raise ValueError(f"a fleet has 1 to {MOST} nodes, not {count}")
        self.count, self._security = count, security
        self._behaviour = behaviour or Behaviour()
        self._wanted_directory = directory
        self._workspace: Workspace | None = None
        self._process: subprocess.Popen[str] | None = None

    @property
    def identities(self) -> list[str]:
        """Of all nodes, sorted."""
        return [identity(number) for number in range(self.count)]

    def start(self) -> None:
        """Start the fleet. When this returns, every node takes requests."""
        self._workspace = Workspace("mcotest-fleet-", self._wanted_directory)
        self.directory = self._workspace.path
        self._secrets = Secrets(self.directory, self._security)
        self.client_cfg = self.write_client_cfg("client.cfg")
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # so that Ctrl-C reaches its starter only
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(self._settings())) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the fleet did not start; it said why on stderr")

    def close(self) -> None:
        """End the fleet. It is harmless to repeat this."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)
        if self._workspace is not None:
            self._workspace.close()
        self._process = self._workspace = None

    def mco(self, application: str, *arguments: str, timeout: float = 120) -> str:
        """Return what the reference client prints on stdout. Raises RuntimeError if it prints nothing."""
        done = run_mco(self.client_cfg, self.directory, application, *arguments, timeout=timeout)
        if not done.stdout:
            raise RuntimeError(
                f"mco {application} ended with {done.returncode} and printed nothing but"
                f" {done.stderr[-1000:]!r}"
            )
        return done.stdout

    def write_client_cfg(self, name: str, changes: Mapping[str, str] | None = None) -> Path:
        """Write the client's configuration with some settings changed into the directory."""
        path = self.directory / name
        write_settings(path, {**self._client_settings(), **(changes or {})})
        return path

    def _settings(self) -> Settings:
        keys, collective = self._secrets.keys, self._place.collectives[0]
        pairs = [] if self._security == "psk" else [keys.server, keys.operator]
        return Settings(
            count=self.count,
            spread=self._behaviour.spread,
            silent=self._behaviour.silent,
            security=self._security,
            psk=self._secrets.psk,
            pairs=[(str(pair.private), str(pair.public)) for pair in pairs],
            port=self._broker.stomp_port,
            vhost=self._broker.vhost(self._place),
            user=self._place.user,
            password=self._place.password,
            broadcasts=[f"/exchange/{collective}_broadcast/{agent}" for agent in AGENTS],
            directed=f"/exchange/{collective}_directed",
        )

    def _client_settings(self) -> dict[str, str]:
        collective = self._place.collectives[0]
        return {
            "identity": "operator.example.com",
            "libdir": str(LIBDIR),
            "logger_type": "file",
            "logfile": str(self.directory / "mco.log"),
            "color": "0",
            "direct_addressing": "1",
            "collectives": collective,
            "main_collective": collective,
            **self._broker.client_settings(self._place),
            **self._secrets.common(),
            **self._secrets.client(),
        }
