# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least that an inventory plugin can do: add hosts and their variables."""

from __future__ import annotations

import json
import typing as t

from ansible.plugins.inventory import BaseInventoryPlugin

DOCUMENTATION = """
name: bare
short_description: Adds hosts and variables that it is given
description: For measurements.
options: {}
"""


class InventoryModule(BaseInventoryPlugin):
    """Called by Ansible."""

    NAME = "bare"

    def verify_file(self, path: str) -> bool:
        """Return True if a source is one of ours."""
        return path.endswith((".bare.json", ".bare-broadcast.json"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts in the file, or those that answer a broadcast on the collective that the file names."""
        super().parse(inventory, loader, path, cache)
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        hosts = content if path.endswith(".bare.json") else gathered(**content)
        for host, variables in hosts.items():
            inventory.add_host(host)
            for name, value in variables.items():
                inventory.set_variable(host, name, value)


def gathered(config_file: str, expected_nodes: int) -> dict[str, dict[str, t.Any]]:
    """Return hosts and variables from one broadcast, by the shortest way through the client."""
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathering

    request = rpc.Request(
        *("rpcutil", "inventory"),
        discovery_method="none",
        expected_nodes=expected_nodes,
        timeout=300,
    )
    with rpc.Client(Config.from_configfile(config_file, environ={})) as client:
        nodes = Gathering(client, request).gather().nodes
    return {
        identity: {f"mcollective_{name}": value for name, value in node.items()}
        for identity, node in nodes.items()
    }
