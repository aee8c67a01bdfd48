# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathers facts for ``gather_facts: true`` in plays that name this collection in ``collections``.

Ansible's own action runs a facts module without its action plugin, which alone knows the node of the host and what
ansible.cfg says. This one leaves everything to Ansible's action but the module mcollective_facts.
"""

from __future__ import annotations

import typing as t

from ansible import constants as C
from ansible.plugins.action.gather_facts import ActionModule as GatherFacts

from ansible_collections.pymco.mcollective.plugins.plugin_utils._action import Result

MODULE = "pymco.mcollective.mcollective_facts"


class _Ended(Exception):
    """No facts came. The task has this result."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result


class ActionModule(GatherFacts):
    """Called by Ansible."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Called by Ansible."""
        known = {} if task_vars is None else task_vars
        modules = C.config.get_config_value("FACTS_MODULES", variables=known)
        if any(map(self._is_ours, modules)):
            # Modules that run in parallel run in the background, where the action plugin is of no use.
            known["ansible_facts_parallel"] = False
        try:
            result: Result = super().run(tmp, known)
        except _Ended as ended:
            return ended.result
        return result

    def _is_ours(self, module: t.Any) -> bool:
        """Return True if a facts module is mcollective_facts, with or without the name of the collection."""
        context = self._shared_loader_obj.module_loader.find_plugin_with_context(
            str(module), collection_list=self._task.collections
        )
        return bool(context.resolved_fqcn == MODULE)

    def _execute_module(
        self,
        module_name: t.Any = None,
        module_args: t.Any = None,
        tmp: t.Any = None,
        task_vars: t.Any = None,
        **more: t.Any,
    ) -> Result:
        """Run a facts module. Called by Ansible's action."""
        if not self._is_ours(module_name):
            result: Result = super()._execute_module(
                module_name=module_name,
                module_args=module_args,
                tmp=tmp,
                task_vars=task_vars,
                **more,
            )
            return result
        task = self._task.copy()
        task.args, task.action = module_args, MODULE
        action = self._shared_loader_obj.action_loader.get(
            MODULE,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        result = action.run(task_vars=task_vars)
        if result.get("failed") or result.get("unreachable"):
            # Ansible's action does not know hosts that are unreachable.
            raise _Ended(result)
        return result
