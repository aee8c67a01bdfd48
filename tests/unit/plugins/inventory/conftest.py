# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An embedded collective, and the plugin as Ansible loads it. These tests run only under ansible-test."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

import pytest
from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import inventory_loader

from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

PLUGIN = "pymco.mcollective.mcollective"


@dataclasses.dataclass
class Raw(Node):
    """A node that sends any given values, without turning them into text."""

    said: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def answer(self, agent: str, body: t.Any) -> t.Any:
        """A reply's body."""
        reply = super().answer(agent, body)
        if agent != "discovery" and reply is not None and body[":action"] == "inventory":
            reply["data"].update(self.said)
        return reply


def web(number: int, **fields: t.Any) -> Node:
    """A node like others."""
    facts = {
        "role": "web",
        "site": "Zürich" if number % 2 else "Genève",
        "processorcount": number,
        "os": {"family": "Debian", "release": {"major": str(11 + number % 2)}},
        "interfaces": ["eth0", "lo"],
    }
    plain: dict[str, t.Any] = {"facts": facts, "classes": ["common", "role::web"], **fields}
    return Node(f"web{number}.example.com", **plain)


@pytest.fixture(scope="session")
def collective() -> t.Iterator[EmbeddedCollective]:
    """Three web servers and a database. No test changes them."""
    db = Node(
        "db1.example.com",
        facts={"role": "db", "site": "Zürich", "os": {"family": "RedHat"}, "processorcount": 16},
        classes=["common", "role::db"],
        agents=["rpcutil", "service", "postgresql"],
    )
    with EmbeddedCollective([web(1), web(2), web(3), db], "psk") as running:
        yield running


class Screen:
    """Records what the plugin displays."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.told: list[str] = []
        self.noted: list[str] = []

    def warning(self, message: str, **_more: t.Any) -> None:
        """A warning."""
        self.warnings.append(message)

    def vvv(self, message: str, **_more: t.Any) -> None:
        """Record a message of -vvv."""
        self.told.append(message)

    def v(self, message: str, **_more: t.Any) -> None:
        """Record a message of -v."""
        self.noted.append(message)

    debug = vvvv = vvv


class Source:
    """A configuration file of the plugin."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "test.mcollective.yml"
        self.screen = Screen()
        self.loader = DataLoader()

    def write(self, collective: EmbeddedCollective, **options: t.Any) -> Source:
        """Write it for this collective."""
        plain = {
            "plugin": PLUGIN,
            "config_file": str(collective.client_cfg),
            "discovery_timeout": 1.5,
            "expected_nodes": len(collective.nodes),
        }
        wanted = {k: v for k, v in {**plain, **options}.items() if v is not None}
        self.path.write_text(json.dumps(wanted))
        return self

    def parse(self, inventory: InventoryData | None = None, cache: bool = True) -> InventoryData:
        """Let the plugin fill an inventory, as Ansible's inventory manager does."""
        found = InventoryData() if inventory is None else inventory
        plugin = inventory_loader.get(PLUGIN)
        plugin.display = self.screen
        try:
            plugin.parse(found, self.loader, str(self.path), cache=cache)
            if hasattr(plugin, "_cache"):
                plugin.update_cache_if_changed()
        finally:
            found.reconcile_inventory()
        return found

    def managed(self, *others: str) -> InventoryManager:
        """Return the inventory as Ansible's programs see it."""
        return InventoryManager(self.loader, sources=[*others, str(self.path)])


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A place for a configuration file."""
    return Source(tmp_path)


def groups(inventory: InventoryData) -> dict[str, list[str]]:
    """Return the short names of the hosts of each group, without Ansible's own groups."""
    return {
        name: sorted(host.name.partition(".")[0] for host in group.hosts)
        for name, group in inventory.groups.items()
        if name not in ("all", "ungrouped")
    }


def hosts(inventory: InventoryData) -> list[str]:
    """The short names of all hosts."""
    return sorted(name.partition(".")[0] for name in inventory.hosts)
