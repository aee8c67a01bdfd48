# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions file that RabbitMQ loads at its start."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .place import Place


def definitions(places: Iterable[Place]) -> str:
    """Return the definitions file as JSON. Each place is a virtual host."""
    wanted = list(places)
    document = {
        "users": [_user(place) for place in wanted],
        "vhosts": [{"name": place.name} for place in wanted],
        "permissions": [_permission(place) for place in wanted],
        "exchanges": [
            _exchange(place.name, name, kind)
            for place in wanted
            for name, kind in _exchanges(place)
        ],
    }
    return json.dumps(document, indent=1)


def _exchanges(place: Place) -> list[tuple[str, str]]:
    """Return name and type of each exchange. Without an exchange, RabbitMQ ends the sender's session."""
    found = [("mcollective_reply", "direct")]
    for collective in place.collectives:
        found.append((f"{collective}_broadcast", "topic"))
        kind = "topic" if place.shared_nodes else "direct"
        found.append((f"{collective}_directed", kind))
    return found


def _user(place: Place) -> dict[str, t.Any]:
    return {
        "name": place.user,
        "password_hash": _hash(place.password),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


def _hash(password: str) -> str:
    """Return RabbitMQ's salted hash: base64(salt + sha256(salt + password)), with four bytes of salt."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _permission(place: Place) -> dict[str, str]:
    return {
        "user": place.user,
        "vhost": place.name,
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
