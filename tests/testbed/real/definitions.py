# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a broker holds from its start on, as the definitions file that RabbitMQ loads."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from collections.abc import Iterable


def _new_password() -> str:
    return f"pw-SECRET-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Vhost:
    """A virtual host with the one user it has and the exchanges of its collectives."""

    name: str
    user: str = ""
    password: str = field(default_factory=_new_password)
    collectives: tuple[str, ...] = ("mcollective",)

    def __post_init__(self) -> None:
        if not self.user:
            object.__setattr__(self, "user", f"user-{self.name.strip('/') or 'root'}")

    def exchanges(self) -> list[tuple[str, str]]:
        """Name and type of each; their absence makes RabbitMQ end the session of who sends."""
        found = [("mcollective_reply", "direct")]
        for collective in self.collectives:
            found.append((f"{collective}_broadcast", "topic"))
            found.append((f"{collective}_directed", "direct"))
        return found


def definitions(vhosts: Iterable[Vhost]) -> str:
    """The definitions file for these virtual hosts, as JSON."""
    wanted = list(vhosts)
    document = {
        "users": [_user(vhost) for vhost in wanted],
        "vhosts": [{"name": vhost.name} for vhost in wanted],
        "permissions": [_permission(vhost) for vhost in wanted],
        "exchanges": [
            _exchange(vhost.name, name, kind)
            for vhost in wanted
            for name, kind in vhost.exchanges()
        ],
    }
    return json.dumps(document, indent=1)


def _user(vhost: Vhost) -> dict[str, t.Any]:
    return {
        "name": vhost.user,
        "password_hash": _hash(vhost.password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


def _hash(password: str) -> str:
    """RabbitMQ's salted hash: base64(salt + sha256(salt + password)), four bytes of salt."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _permission(vhost: Vhost) -> dict[str, str]:
    return {
        "user": vhost.user,
        "vhost": vhost.name,
        "configure": ".*",
        "write": ".*",
        "read": ".*",
    }


def _exchange(vhost: str, name: str, kind: str) -> dict[str, t.Any]:
    return {
        "name": name,
        "vhost": vhost,
        "type": kind,
        "durable": True,
        "auto_delete": False,
        "internal": False,
        "arguments": {},
    }
