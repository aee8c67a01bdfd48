# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs mcollective_facts in the controller's process, for the node of the task's host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.plugin_utils._action import Result, TaskAction
from ansible_collections.pymco.mcollective.plugins.plugin_utils._target import Host


class ActionModule(TaskAction):
    """Called by Ansible."""

    task_class = FactsTask
    _node: t.Any = None

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Called by Ansible."""
        known = task_vars or {}
        result = super().run(tmp, task_vars)
        if result.get("unreachable") and self._node != Host.of(known, self._templar).node:
            # The silent node is not that of the host that would be unreachable.
            result.pop("unreachable")
            result["failed"] = True
        if (
            self._task.run_once
            and not self._for_another
            and len(known.get("ansible_play_hosts", ())) > 1
        ):
            result.setdefault("warnings", []).append(
                "with run_once, all hosts get the same facts, those of"
                f" {known.get('inventory_hostname')}"
            )
        return result

    @property
    def _for_another(self) -> bool:
        """True if another host than the task's gets the facts."""
        return bool(self._task.delegate_to) and bool(self._task.delegate_facts)

    def _completed(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the task's options with the node of the host that gets the facts."""
        arguments = super()._completed(task_vars)
        if "node" in arguments:
            self._node = arguments["node"]
        elif self._for_another:
            self._node = self._node_of(self._task.delegate_to, task_vars)
        else:
            self._node = Host.of(task_vars, self._templar).node
        return {**arguments, "node": self._node}

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
