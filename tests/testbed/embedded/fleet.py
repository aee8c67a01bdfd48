# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet as a new user could have it: two sites, some roles, and some broken nodes."""

from __future__ import annotations

from .nodes import Node

_ROLES = {"web": ["nginx"], "app": ["gunicorn"], "db": ["postgresql"], "cache": ["redis"]}
_SIZES = {"web": 10, "app": 6, "db": 4, "cache": 4}
_TROUBLE = {
    "app3.example.com": {"failing": {"service.restart": "gunicorn: no space left on device"}},
    "cache2.example.com": {"silent": {"service.restart"}},
}


def fleet(count: int | None = None) -> list[Node]:
    """Return two dozen nodes, or the given number.

    app3 fails to restart its service, and cache2 hangs when it restarts its service.
    """
    nodes = [_node(role, number) for role, size in _SIZES.items() for number in range(1, size + 1)]
    if count is None:
        return nodes
    more = range(_SIZES["web"] + 1, _SIZES["web"] + 1 + max(0, count - len(nodes)))
    return [*nodes, *(_node("web", number) for number in more)][:count]


def _node(role: str, number: int) -> Node:
    identity = f"{role}{number}.example.com"
    site = "Zürich" if number % 2 else "Genève"
    return Node(
        identity,
        facts={
            "role": role,
            "site": site,
            "processorcount": 16 if role == "db" else 4,
            "is_virtual": role != "db",
            "os": {"family": "Debian", "release": {"major": "12" if number % 3 else "11"}},
        },
        classes=["common", f"role::{role}"],
        services={service: "running" for service in _ROLES[role]},
        **_TROUBLE.get(identity, {}),
    )
