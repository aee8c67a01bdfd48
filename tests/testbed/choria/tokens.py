# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON web tokens and ed25519 seeds as Choria's protocol version 2 has them."""

from __future__ import annotations

import base64
import json
import secrets
import time
import typing as t
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..keys import write_file

if t.TYPE_CHECKING:
    from pathlib import Path

Claims = dict[str, t.Any]

_HOUR = 3600


@dataclass(frozen=True)
class Credentials:
    """The files of a token and of the seed that belongs to it."""

    token: Path
    seed: Path


@dataclass(frozen=True)
class Issuer:
    """An organisation that signs tokens, by default Choria's own name for it."""

    directory: Path
    name: str = "choria"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> str:
        """The public key as configurations have it: hex digits."""
        return _public(self.key)

    def client(self, name: str, *, lifetime: float = _HOUR, **claims: t.Any) -> Credentials:
        """Return a client's credentials: it is ``up=<name>`` and may call all agents.

        :param lifetime: seconds; with a negative number, the token has expired.
        :param claims: what differs from that.
        """
        usual: Claims = {
            "purpose": "choria_client_id",
            "callerid": f"up={name}",
            "agents": ["*"],
            "permissions": {"fleet_management": True},
        }
        return self._issue(name, {**usual, **claims}, lifetime)

    def server(self, identity: str, collectives: t.Sequence[str]) -> Credentials:
        """Return a node's credentials."""
        claims: Claims = {
            "purpose": "choria_server",
            "identity": identity,
            "collectives": list(collectives),
            "permissions": {},
        }
        return self._issue(identity, claims, _HOUR)

    def _issue(self, name: str, claims: Claims, lifetime: float) -> Credentials:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        now = int(time.time())
        body: Claims = {
            "jti": secrets.token_hex(16),
            "iss": f"I-{self.public}",
            "ou": self.name,
            "iat": min(now, now + int(lifetime)) - _HOUR,
            "nbf": min(now, now + int(lifetime)) - _HOUR,
            "exp": now + int(lifetime),
            "public_key": _public(key),
            **claims,
        }
        found = Credentials(self.directory / f"{name}.jwt", self.directory / f"{name}.seed")
        write_file(found.token, _signed(body, self.key).encode(), 0o600)
        write_file(found.seed, _raw(key).hex().encode(), 0o600)
        return found


def _signed(claims: Claims, key: Ed25519PrivateKey) -> str:
    head = {"alg": "EdDSA", "typ": "JWT"}
    text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    return f"{text}.{_base64(key.sign(text.encode()))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _raw(key: Ed25519PrivateKey) -> bytes:
    raw, none = serialization.Encoding.Raw, serialization.NoEncryption()
    return key.private_bytes(raw, serialization.PrivateFormat.Raw, none)


def _public(key: Ed25519PrivateKey) -> str:
    raw, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return key.public_key().public_bytes(raw, form).hex()
