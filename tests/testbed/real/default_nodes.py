# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The default nodes of a collective. Their facts are of each kind, and some are hard to handle."""

from __future__ import annotations

import typing as t

from .nodes import Node


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
        agents={"probe", "failer", "sleeper", "service", "power"},
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
        agents={"probe", "failer", "sleeper", "service", "power"},
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
            # A client must return this as text and never evaluate it.
            "motd": "{{ 6 * 7 }}",
        },
        classes=["common", "role::db"],
        agents={"probe", "failer", "service"},
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
