# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole collective: nodes on a broker, with keys and a configuration for clients."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
import typing as t
from dataclasses import dataclass
from types import MappingProxyType

from ..keys import KeyPair, make_keypair
from . import programs
from .definitions import Vhost
from .nodes import LIBDIR, Daemons, Node, write_settings
from .workspace import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from .broker import Broker

Security = t.Literal["psk", "ssl-marshal", "ssl-yaml"]
SECURITIES: tuple[Security, ...] = ("psk", "ssl-marshal", "ssl-yaml")

_NOTHING: Mapping[str, str | None] = MappingProxyType({})


def _os(major: str) -> dict[str, t.Any]:
    return {"family": "Debian", "name": "Debian", "release": {"major": major}}


DEFAULT_NODES: tuple[Node, ...] = (
    Node(
        "web1.example.com",
        facts={
            "role": "web",
            "site": "Zürich ☃",
            "processorcount": 4,
            "is_virtual": True,
            "os": _os("12"),
            "interfaces": ["eth0", "lo"],
        },
        classes=["common", "role::web"],
        agents={"probe", "failer", "sleeper"},
    ),
    Node(
        "web2.example.com",
        facts={
            "role": "web",
            "site": "Genève",
            "processorcount": 8,
            "is_virtual": True,
            "os": _os("12"),
            "interfaces": ["eth0", "eth1", "lo"],
        },
        classes=["common", "role::web"],
        agents={"probe", "failer", "sleeper"},
    ),
    Node(
        "db1.example.com",
        facts={
            "role": "db",
            "site": "Zürich ☃",
            "processorcount": 16,
            "is_virtual": False,
            "load": 0.25,
            "os": _os("11"),
            "interfaces": ["bond0", "lo"],
            # What a client must hand on as text and never evaluate.
            "motd": "{{ 6 * 7 }}",
        },
        classes=["common", "role::db"],
    ),
    Node(
        "old1.example.com",
        facts={
            "role": "legacy",
            "site": "",
            "processorcount": 1,
            "is_virtual": False,
            "os": _os("7"),
            "interfaces": [],
            "retired": None,
        },
        classes=["common"],
    ),
)


@dataclass(frozen=True)
class Keys:
    """The key pairs of a collective: ``rogue`` is one that the nodes have never heard of."""

    server: KeyPair
    operator: KeyPair
    rogue: KeyPair


class Collective:
    """Daemons on one virtual host of a broker, as a context manager or by `start` and `close`."""

    def __init__(
        self,
        broker: Broker,
        vhost: str,
        security: Security,
        nodes: Sequence[Node] = DEFAULT_NODES,
        directory: Path | None = None,
    ) -> None:
        if security not in SECURITIES:
            raise ValueError(f"security must be one of {SECURITIES}, not {security!r}")
        self.broker = broker
        self.vhost = vhost
        self.security: Security = security
        self.nodes = tuple(nodes)
        self.psk = f"psk-SECRET-{secrets.token_hex(8)}"
        self.start_seconds = 0.0
        self._wanted_directory = directory
        self._workspace: Workspace | None = None

    def __enter__(self) -> Collective:
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

    def start(self) -> None:
        """Make keys and configuration, start all nodes, return when every one is there."""
        began = time.monotonic()
        self._workspace = Workspace("mcotest-collective-", self._wanted_directory)
        self.directory = self._workspace.path
        entry = self._vhost_entry()
        self.user, self.password = entry.user, entry.password
        self.keys = self._make_keys()
        self.client_cfg = self.write_client_cfg("client.cfg")
        settings = self._common_settings() | self._server_settings()
        self.daemons = Daemons(self._workspace, self.broker, entry, self.nodes, settings)
        self.daemons.start()
        self.start_seconds = time.monotonic() - began

    def close(self) -> None:
        """End all nodes and remove what was made; harmless when repeated."""
        if self._workspace is not None:
            self._workspace.close()
        self._workspace = None

    def write_client_cfg(self, name: str, changes: Mapping[str, str | None] = _NOTHING) -> Path:
        """Write a client configuration into the directory, some settings changed or left out.

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

    def mco(self, application: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the reference client, which decides whenever what is right is in doubt."""
        return subprocess.run(
            [
                *(str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)),
                *(str(programs.require("mco")), application),
                *("-c", str(self.client_cfg), *arguments),
            ],
            env=programs.environment(self.directory),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def _vhost_entry(self) -> Vhost:
        if self.vhost not in self.broker.vhosts:
            names = (name for node in self.nodes for name in node.collectives)
            self.broker.add(Vhost(self.vhost, collectives=tuple(dict.fromkeys(names))))
        return self.broker.vhosts[self.vhost]

    def _make_keys(self) -> Keys:
        directory = self.directory / "keys"
        pairs = [make_keypair(directory, name) for name in ("server", "operator", "rogue")]
        keys = Keys(*pairs)
        known = self.directory / "clients"
        known.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(keys.operator.public, known)
        return keys

    def _common_settings(self) -> dict[str, str]:
        pool = "plugin.rabbitmq.pool"
        return {
            "libdir": str(LIBDIR),
            "logger_type": "file",
            "loglevel": "info",
            "direct_addressing": "1",
            "connector": "rabbitmq",
            "plugin.rabbitmq.vhost": self.vhost,
            # So that a node is back at once when a test has restarted the broker.
            "plugin.rabbitmq.max_reconnect_delay": "0.5",
            f"{pool}.size": "1",
            f"{pool}.1.host": self.broker.host,
            f"{pool}.1.port": str(self.broker.stomp_port),
            f"{pool}.1.user": self.user,
            f"{pool}.1.password": self.password,
            **self._security_settings(),
        }

    def _security_settings(self) -> dict[str, str]:
        if self.security == "psk":
            return {"securityprovider": "psk", "plugin.psk": self.psk}
        return {
            "securityprovider": "ssl",
            "plugin.ssl_serializer": self.security.removeprefix("ssl-"),
            "plugin.ssl_server_public": str(self.keys.server.public),
        }

    def _server_settings(self) -> dict[str, str]:
        settings = {"daemonize": "0"}
        if self.security != "psk":
            settings["plugin.ssl_server_private"] = str(self.keys.server.private)
            settings["plugin.ssl_client_cert_dir"] = str(self.directory / "clients")
        return settings

    def _client_settings(self) -> dict[str, str]:
        collectives = self.broker.vhosts[self.vhost].collectives
        settings = {
            "identity": "operator.example.com",
            "collectives": ",".join(collectives),
            "main_collective": collectives[0],
            "logfile": str(self.directory / "mco.log"),
            "color": "0",
        }
        if self.security != "psk":
            settings["plugin.ssl_client_private"] = str(self.keys.operator.private)
            settings["plugin.ssl_client_public"] = str(self.keys.operator.public)
        return settings
