# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes the seeds and tokens with which Choria's second protocol identifies clients and nodes.

A seed is an ed25519 private key. A token is a JSON Web Token: an issuer states that a name has the public key of a seed, and what
it may do (Go: tokens, client_id.go, server.go and standard.go). The client's own reader is in ``pymco/tokens.py``.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
import typing as t
from dataclasses import dataclass

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
except ImportError:
    # _certificates has the same requirement and reports it.
    pass

_DAY = 86400
_SEED = re.compile(rb"[0-9A-Fa-f]{64}\s*\Z")


@dataclass(frozen=True)
class Wanted:
    """A wanted token.

    :ivar kind: "client" or "node".
    :ivar name: a client is the caller ``choria=NAME``, a node has this identity.
    :ivar collectives: those that a node may join. The token of a client does not name any.
    :ivar organization: the name under which the issuer is known.
    :ivar days: how long it is valid.
    """

    kind: str
    name: str
    collectives: t.Sequence[str]
    organization: str
    days: int


class Seed:
    """An ed25519 private key, from its file.

    :raises ValueError: the content is not 64 hexadecimal digits.
    """

    def __init__(self, content: bytes) -> None:
        if not _SEED.match(content):
            raise ValueError("a seed consists of 64 hexadecimal digits")
        raw = bytes.fromhex(content.decode("ascii"))
        self._key = ed25519.Ed25519PrivateKey.from_private_bytes(raw)

    @property
    def public(self) -> str:
        """The public key in hexadecimal digits."""
        return (
            self._key.public_key()
            .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            .hex()
        )

    def issue(self, wanted: Wanted, public: str) -> bytes:
        """Return a token for somebody with this public key."""
        signed = b".".join(
            (_part({"alg": "EdDSA", "typ": "JWT"}), _part(_claims(wanted, public, time.time())))
        )
        return signed + b"." + _base64(self._key.sign(signed))

    def issued(self, token: bytes, wanted: Wanted, public: str, renew_days: int) -> bool:
        """Return True if a token is what :meth:`issue` would make, and does not expire within so many days."""
        signed, _dot, signature = token.strip().rpartition(b".")
        try:
            self._key.public_key().verify(_bytes(signature), signed)
            claims = json.loads(_bytes(signed.partition(b".")[2]))
        except (InvalidSignature, ValueError):
            return False
        same = _claims(wanted, public, 0.0)
        return all(claims.get(name) == same[name] for name in same if name not in _TIMES) and (
            claims.get("exp", 0) > time.time() + renew_days * _DAY
        )


def new_seed() -> bytes:
    """Return the content of a new seed's file. Choria does not want a line end after it."""
    return secrets.token_hex(32).encode("ascii")


_TIMES = ("exp", "iat", "nbf", "jti")


def _claims(wanted: Wanted, public: str, now: float) -> dict[str, t.Any]:
    """They begin a day ago, since clocks differ."""
    begin = int(now) - _DAY
    claims = {
        "ou": wanted.organization,
        "public_key": public,
        "iss": "pymco.mcollective",
        "iat": begin,
        "nbf": begin,
        "exp": int(now) + wanted.days * _DAY,
        "jti": secrets.token_hex(16),
    }
    if wanted.kind == "client":
        return {
            **claims,
            "purpose": "choria_client_id",
            "callerid": f"choria={wanted.name}",
            "permissions": {"fleet_management": True},
        }
    return {
        **claims,
        "purpose": "choria_server",
        "identity": wanted.name,
        "collectives": list(wanted.collectives),
    }


def _part(value: dict[str, t.Any]) -> bytes:
    return _base64(json.dumps(value, separators=(",", ":")).encode("ascii"))


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
