# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole collective: nodes on a broker, with keys and a configuration for clients."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from .default_nodes import DEFAULT_NODES
from .mco import run_mco
from .nodes import LIBDIR, Daemons, Node, write_settings
from .security import SECURITIES, Secrets, Security
from .service import Service
from .workspace import Workspace

if t.TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..certificates import Certificate
    from .broker import Broker

_NOTHING: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True)
class Options:
    """How the members of a collective talk. ``daemon`` contains further settings of the nodes only."""

    base64: bool = False
    agents_multiplex: bool = False
    daemon: Mapping[str, str] = field(default_factory=dict)


class Collective(Service):
    """Daemons at one place of a broker, as a context manager or by `start` and `close`."""

    def __init__(
        self,
        broker: Broker,
        place: str,
        security: Security,
        nodes: Sequence[Node] = DEFAULT_NODES,
        directory: Path | None = None,
        options: Options | None = None,
    ) -> None:
        if security not in SECURITIES:
            raise ValueError(f"security must be one of {SECURITIES}, not {security!r}")
        self.broker = broker
        self.place = broker.places[place]
        self.vhost = broker.vhost(self.place)
        self.user, self.password = self.place.user, self.place.password
        self.security: Security = security
        self.nodes = tuple(replace(node, collectives=self._names(node)) for node in nodes)
        self.options = options or Options()
        self.start_seconds = 0.0
        self._wanted_directory = directory
        self._workspace: Workspace | None = None

    def start(self) -> None:
        """Create keys and configuration, start all nodes, and return when all of them are ready."""
        began = time.monotonic()
        self._workspace = Workspace("mcotest-collective-", self._wanted_directory)
        self.directory = self._workspace.path
        self.secrets = Secrets(self.directory, self.security)
        self.psk, self.keys = self.secrets.psk, self.secrets.keys
        self.client_cfg = self.write_client_cfg("client.cfg")
        settings = self._common_settings() | self._node_settings()
        self.daemons = Daemons(self._workspace, self, settings)
        self.daemons.start()
        self.start_seconds = time.monotonic() - began

    def close(self) -> None:
        """End all nodes and remove all files. It is harmless to repeat this."""
        if self._workspace is not None:
            self._workspace.close()
        self._workspace = None

    def option(self, name: str) -> str:
        """Return the full name of an option of this broker's connector."""
        return f"plugin.{self.broker.connector}.{name}"

    def broadcasts(self, collective: str, agent: str) -> str:
        """Return where messages to an agent of all nodes arrive.

        :param collective: as the nodes' settings have it.
        """
        return self.broker.broadcasts(collective, "" if self.options.agents_multiplex else agent)

    def write_client_cfg(self, name: str, changes: Mapping[str, str | None] = _NOTHING) -> Path:
        """Write a client's configuration with some settings changed or left out into the directory.

        >>> collective.write_client_cfg("rogue.cfg", {"plugin.psk": "wrong", "color": None})
        """
        settings: dict[str, str | None] = {
            **self._common_settings(),
            **self._client_settings(),
            **changes,
        }
        path = self.directory / name
        write_settings(path, {key: value for key, value in settings.items() if value is not None})
        return path

    def tls_settings(
        self, authority: Path, client: Certificate | None = None, host: str = "localhost"
    ) -> dict[str, str]:
        """Return the changes of a client's configuration that lead to the broker's TLS port."""
        settings = {
            "host": host,
            "port": str(self.broker.tls_port),
            "ssl": "1",
            "ssl.ca": str(authority),
        }
        if client is not None:
            settings |= {"ssl.cert": str(client.path), "ssl.key": str(client.key)}
        return {self.option(f"pool.1.{name}"): value for name, value in settings.items()}

    def mco(
        self, application: str, *arguments: str, config: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the reference client. It is the judge if we do not know what is right."""
        return run_mco(config or self.client_cfg, self.directory, application, *arguments)

    def _names(self, node: Node) -> list[str]:
        return [self.broker.collective(self.place, name) for name in node.collectives]

    def _common_settings(self) -> dict[str, str]:
        connector = {
            # A node is back at once when a test has restarted the broker.
            "max_reconnect_delay": "0.5",
            "base64": str(int(self.options.base64)),
            "agents_multiplex": str(int(self.options.agents_multiplex)),
        }
        return {
            "libdir": str(LIBDIR),
            "logger_type": "file",
            "loglevel": "info",
            "direct_addressing": "1",
            **self.broker.client_settings(self.place),
            **{self.option(name): value for name, value in connector.items()},
            **self.secrets.common(),
        }

    def _node_settings(self) -> dict[str, str]:
        return {"daemonize": "0", **self.secrets.nodes(), **self.options.daemon}

    def _client_settings(self) -> dict[str, str]:
        names = [self.broker.collective(self.place, name) for name in self.place.collectives]
        return {
            "identity": "operator.example.com",
            "collectives": ",".join(names),
            "main_collective": names[0],
            "logfile": str(self.directory / "mco.log"),
            "color": "0",
            **self.secrets.client(),
        }
