# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The planned hosts and groups, before any of them is in the inventory."""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from ansible.inventory.data import InventoryData

PARTS = ("identity", "facts", "classes", "agents", "collectives", "version")
VARIABLES = {part: f"mcollective_{part}" for part in PARTS}
"""The only variables that a node's data can set. None of them has a meaning for Ansible."""


@dataclasses.dataclass
class Plan:
    """What an inventory source adds.

    :ivar hosts: the variables of each host.
    :ivar groups: the hosts of each group.
    :ivar parents: pairs of a group and a group below it, each pair once.
    """

    hosts: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    groups: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    parents: dict[tuple[str, str], None] = dataclasses.field(default_factory=dict)

    def carry_out(self, inventory: InventoryData) -> None:
        """Add everything to an inventory: first the groups, which it can refuse, then the hosts.

        :raises AnsibleError: groups cannot be below each other as planned; no host has been added.
        """
        for group in self.groups:
            inventory.add_group(group)
        for parent, child in self.parents:
            inventory.add_group(parent)
            inventory.add_child(parent, child)
        set_variable = inventory.set_variable
        for host, variables in self.hosts.items():
            inventory.add_host(host)
            for name, value in variables.items():
                set_variable(host, name, value)
        for group, hosts in self.groups.items():
            for host in hosts:
                inventory.add_child(group, host)


def variables_of(node: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return a node's data as variables of a host."""
    return {VARIABLES[part]: node[part] for part in PARTS if part in node}
