# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet on a nats-server and the configuration of its client."""

from __future__ import annotations

import dataclasses
import json
import secrets
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ..choria import program
from ..choria.collective import LIBDIR
from ..real.service import Service
from ..real.workspace import Workspace
from .version2 import raw_hex
from .worker import Settings

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ..certificates import Certificate
    from ..choria.broker import Broker
    from ..choria.tokens import Credentials

CALLER = "operator.mcollective"


@dataclass(frozen=True)
class Behaviour:
    """How a fleet answers.

    :ivar spread: seconds within which nodes answer a request to all, evenly, in no order.
    :ivar lies: identity to one of :data:`.lies.LIES`, or to "late". Nodes do not lie in discovery.
    :ivar late: seconds after which late nodes answer.
    """

    spread: float = 0.0
    lies: Mapping[str, str] = field(default_factory=dict)
    late: float = 0.0


def identity(number: int) -> str:
    """Return the identity of a node."""
    return f"node{number:05d}.example.com"


class ChoriaFleet(Service):
    """Emulated nodes on a broker, as a context manager or by `start` and `close`.

    They speak version 2 if the broker has an issuer, otherwise version 1. Each node takes requests to
    all nodes and requests to itself. A fleet is a collective of its own, so a broker can have several.

    :param broker: a NatsServer. A Choria Broker does not let one session be many nodes.
    :param directory: where to put the client's configuration and keys, to be kept.
    :ivar client_conf: the configuration of its client, for ours and for ``choria``.
    """

    def __init__(
        self,
        broker: Broker,
        count: int,
        behaviour: Behaviour | None = None,
        directory: Path | None = None,
    ) -> None:
        self.broker, self.count = broker, count
        self.collective = f"fleet{secrets.token_hex(4)}"
        self.identities = [identity(number) for number in range(count)]
        self._behaviour = behaviour or Behaviour()
        self._wanted_directory = directory
        self._workspace: Workspace | None = None
        self._process: subprocess.Popen[str] | None = None

    @property
    def version(self) -> int:
        """The version of the protocol."""
        return 1 if self.broker.issuer is None else 2

    @property
    def client_cfg(self) -> Path:
        """The same as client_conf, by the name that it has in other fleets."""
        return self.client_conf

    def start(self) -> None:
        """Start the fleet. When this returns, every node takes requests."""
        self._workspace = Workspace("mcotest-choria-fleet-", self._wanted_directory)
        self.directory = self._workspace.path
        self.operator: Certificate | Credentials
        if self.broker.issuer is None:
            self.operator = self.broker.authority.member(CALLER)
        else:
            self.operator = self.broker.issuer.client("operator")
        self.client_conf = self.write_client_conf("client.conf")
        with (self.directory / "worker.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("worker.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                start_new_session=True,  # so that Ctrl-C reaches its starter only
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(dataclasses.asdict(self._settings())) + "\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the fleet did not start:\n{self.log()}")

    def close(self) -> None:
        """End the fleet. It is harmless to repeat this."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)
        if self._workspace is not None:
            self._workspace.close()
        self._process = self._workspace = None

    def log(self) -> str:
        """Return why requests were dropped."""
        return (self.directory / "worker.log").read_text()

    def choria(self, *arguments: str, timeout: float = 120) -> str:
        """Return what the reference client prints on stdout. Raises RuntimeError if it prints nothing."""
        done = program.run(
            self.directory,
            self.client_conf,
            *arguments,
            timeout=timeout,
            MCOLLECTIVE_CERTNAME=CALLER,
        )
        if not done.stdout:
            raise RuntimeError(f"choria {arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def write_client_conf(self, name: str, changes: Mapping[str, str] | None = None) -> Path:
        """Write the client's configuration with some settings changed into the directory."""
        settings = {**self._client_settings(), **(changes or {})}
        return program.write_config(self.directory / name, settings)

    def _settings(self) -> Settings:
        issuer, own = self.broker.issuer, self.broker.authority.member("fleet.example.com")
        files = {"ca": self.broker.authority.path, "certificate": own.path, "key": own.key}
        return Settings(
            names=self.identities,
            port=self.broker.ports[0],
            files={name: str(path) for name, path in files.items()},
            seed="" if issuer is None else raw_hex(issuer.key),
            collective=self.collective,
            spread=self._behaviour.spread,
            late=self._behaviour.late,
            lies=dict(self._behaviour.lies),
        )

    def _client_settings(self) -> dict[str, str]:
        return {
            "identity": CALLER,
            "libdir": str(LIBDIR),
            "logger_type": "console",
            "loglevel": "warn",
            "collectives": self.collective,
            "main_collective": self.collective,
            "plugin.choria.middleware_hosts": self.broker.hosts,
            "plugin.choria.use_srv": "false",
            **self._security(),
        }

    def _security(self) -> dict[str, str]:
        authority, issuer = str(self.broker.authority.path), self.broker.issuer
        if issuer is None:
            certificate = t.cast("Certificate", self.operator)
            return {
                "plugin.security.provider": "file",
                "plugin.security.file.certificate": str(certificate.path),
                "plugin.security.file.key": str(certificate.key),
                "plugin.security.file.ca": authority,
            }
        credentials = t.cast("Credentials", self.operator)
        return {
            "plugin.security.provider": "choria",
            "plugin.security.choria.ca": authority,
            "plugin.security.choria.token_file": str(credentials.token),
            "plugin.security.choria.seed_file": str(credentials.seed),
            "plugin.security.issuer.names": issuer.name,
            f"plugin.security.issuer.{issuer.name}.public": issuer.public,
        }
