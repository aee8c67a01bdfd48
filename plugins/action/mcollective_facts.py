# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs mcollective_facts in the controller's process, for the node of the task's host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.plugin_utils._action import Result, TaskAction


class ActionModule(TaskAction):
    """Called by Ansible."""

    task_class = FactsTask

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Called by Ansible."""
        known = task_vars or {}
        others = bool(self._task.delegate_to) and bool(self._task.delegate_facts)
        if "node" not in self._task.args:
            node = self._node_of(self._task.delegate_to, known) if others else self._own_node(known)
            self._task.args = {**self._task.args, "node": node}
        result = super().run(tmp, task_vars)
        if self._task.run_once and not others and len(known.get("ansible_play_hosts", ())) > 1:
            result.setdefault("warnings", []).append(
                "with run_once, all hosts get the same facts, those of"
                f" {known.get('inventory_hostname')}"
            )
        return result

    def _own_node(self, known: dict[str, t.Any]) -> t.Any:
        """Return the node of the task's host."""
        identity = self._templar.template(known.get("mcollective_identity"))
        return identity or known.get("inventory_hostname")

    def _node_of(self, host: str, known: dict[str, t.Any]) -> t.Any:
        """Return the node of the host that delegate_facts gives the facts to.

        :raises AnsibleActionFail: it is not a host of the inventory, so its node is not known.
        """
        if host in known.get("groups", {}).get("all", ()):
            # hostvars evaluates templates with the variables of that host, not of the task's host.
            return known["hostvars"][host].get("mcollective_identity") or host
        raise AnsibleActionFail(
            f"delegate_facts gives the facts to {host}, which is not a host of the inventory, so its node is not known:"
            " set node, or leave delegate_facts out to give them to"
            f" {known.get('inventory_hostname')}"
        )
