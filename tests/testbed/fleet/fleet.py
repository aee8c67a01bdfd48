# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet and the configuration of its client."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ..real.nodes import write_settings
from ..real.security import Secrets, Security
from .replies import identity
from .worker import Settings

if t.TYPE_CHECKING:
    from ..real.rabbitmq import RabbitMQ

AGENTS = ("discovery", "rpcutil", "service")


class Fleet:
    """Emulated nodes at a place of a RabbitMQ, as a context manager.

    :param count: how many nodes.
    :param directed: how many of them can be addressed alone; each costs the broker a queue.
    :ivar client_cfg: the configuration of its client.
    """

    def __init__(
        self, broker: RabbitMQ, place: str, count: int, security: Security, directed: int = 0
    ) -> None:
        self._broker, self._place = broker, broker.places[place]
        self.count, self._security, self._addressed = count, security, directed
        self._directory = tempfile.TemporaryDirectory(prefix="mcotest-fleet-")
        self._secrets = Secrets(Path(self._directory.name), security)
        self.client_cfg = Path(self._directory.name) / "client.cfg"

    @property
    def identities(self) -> list[str]:
        """Of all nodes, sorted."""
        return [identity(number) for number in range(self.count)]

    def __enter__(self) -> Fleet:
        write_settings(self.client_cfg, self._client_settings())
        worker = Path(__file__).with_name("worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(worker)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(self._settings())) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the fleet did not start; it said why on stderr")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._directory.cleanup()

    def _settings(self) -> Settings:
        keys, collective = self._secrets.keys, self._place.collectives[0]
        return Settings(
            count=self.count,
            security=self._security,
            psk=self._secrets.psk,
            server=(str(keys.server.private), str(keys.server.public)),
            operator=(str(keys.operator.private), str(keys.operator.public)),
            port=self._broker.stomp_port,
            vhost=self._broker.vhost(self._place),
            user=self._place.user,
            password=self._place.password,
            broadcasts=[f"/exchange/{collective}_broadcast/{agent}" for agent in AGENTS],
            directed={
                f"/exchange/{collective}_directed/{identity(number)}": identity(number)
                for number in range(self._addressed)
            },
        )

    def _client_settings(self) -> dict[str, str]:
        return {
            "identity": "operator.example.com",
            **self._broker.client_settings(self._place),
            **self._secrets.common(),
            **self._secrets.client(),
        }
