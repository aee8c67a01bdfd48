# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module mcollective_facts in the controller's process, for the host that the task is about."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.plugin_utils._action import Result, TaskAction


class ActionModule(TaskAction):
    """Called by Ansible."""

    task_class = FactsTask

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Called by Ansible."""
        known = task_vars or {}
        if not self._task.args.get("node"):
            node = known.get("mcollective_identity") or known.get("inventory_hostname")
            self._task.args = {**self._task.args, "node": node}
        result = super().run(tmp, task_vars)
        if self._task.run_once and len(known.get("ansible_play_hosts", ())) > 1:
            result.setdefault("warnings", []).append(
                f"with run_once, all hosts get these facts, which are those of"
                f" {known.get('inventory_hostname')}"
            )
        return result
