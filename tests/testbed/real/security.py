# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The security settings of a collective, with new keys."""

from __future__ import annotations

import secrets
import shutil
import typing as t

from ..keys import Keys

if t.TYPE_CHECKING:
    from pathlib import Path

    from ..keys import KeyPair

Security = t.Literal["psk", "ssl-marshal", "ssl-yaml", "aes-marshal", "aes-yaml"]
SECURITIES: tuple[Security, ...] = t.get_args(Security)

Settings = dict[str, str]


class Secrets:
    """The keys and the pre-shared key, and the settings that name them."""

    def __init__(self, directory: Path, security: Security) -> None:
        self._provider, _dash, self._serializer = security.partition("-")
        self.psk = f"psk-SECRET-{secrets.token_hex(8)}"
        self.keys = Keys(directory / "keys")
        self._clients = directory / "clients"
        if self._provider != "psk":
            self._clients.mkdir(mode=0o700, exist_ok=True)
            shutil.copy(self.keys.operator.public, self._clients)

    def common(self) -> Settings:
        """What nodes and clients must agree on."""
        if self._provider == "psk":
            return {"securityprovider": "psk", "plugin.psk": self.psk}
        if self._provider == "aes":
            return {"securityprovider": "aes_security", "plugin.aes.serializer": self._serializer}
        return {
            "securityprovider": "ssl",
            "plugin.ssl_serializer": self._serializer,
            "plugin.ssl_server_public": str(self.keys.server.public),
        }

    def nodes(self) -> Settings:
        """The keys that nodes have, and the clients that they know."""
        if self._provider == "psk":
            return {}
        prefix = self._prefix()
        return {
            f"{prefix}server_private": str(self.keys.server.private),
            f"{prefix}server_public": str(self.keys.server.public),
            f"{prefix}client_cert_dir": str(self._clients),
        }

    def client(self, pair: KeyPair | None = None) -> Settings:
        """The keys of a client, by default the operator's."""
        if self._provider == "psk":
            return {}
        own = pair or self.keys.operator
        return {
            f"{self._prefix()}client_private": str(own.private),
            f"{self._prefix()}client_public": str(own.public),
        }

    def _prefix(self) -> str:
        return "plugin.aes." if self._provider == "aes" else "plugin.ssl_"
