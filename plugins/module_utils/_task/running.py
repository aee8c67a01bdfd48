# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Runs a task as a module, in a process of its own."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.basic import _load_params as load_params

from . import restrictions
from .base import Task, TaskFailed
from .invocation import refusal, shown


class TaskModule(AnsibleModule):
    """A module that returns data unchanged, and shows its options without secrets.

    Before version 2.22, ansible-core searches a module's whole result for the values of its secret
    options and replaces them, even in the data of nodes. A password "mcollective" would change the
    names of classes. This module never shows a secret, so it gives ansible-core none to search for.
    """

    def __init__(self, kind: type[Task]) -> None:
        self._checked = False
        super().__init__(argument_spec=kind.options, supports_check_mode=True)
        self._checked = True

    def log(self, msg: str, log_args: dict[str, t.Any] | None = None) -> None:
        """Called by Ansible to write the options to the system's log."""
        if log_args:
            log_args = {name: str(value) for name, value in self._shown().items()}
            words = (f"{name}={value}" for name, value in log_args.items())
            msg = f"Invoked with {' '.join(words)}"
        super().log(msg, log_args=log_args)

    def exit_json(self, **result: t.Any) -> None:
        """End the process with a result."""
        super().exit_json(**self._complete(result))

    def fail_json(self, msg: str, **result: t.Any) -> None:
        """End the process with a failure. Ansible calls it too, when it refuses an option."""
        if not self._checked and hasattr(self, "validation_result"):
            msg = refusal(self.validation_result, f"({self._name}) module") or msg
        super().fail_json(msg, **self._complete(result))

    def _complete(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        self.no_log_values: set[str] = set()
        return {**result, "invocation": {"module_args": self._shown()}}

    def _shown(self) -> dict[str, t.Any]:
        return shown(self.argument_spec, self.params)


def run_module(kind: type[Task]) -> None:
    """Run a task with the options that the module was called with, and end the process."""
    given = load_params()
    module = TaskModule(kind)
    complaint = restrictions.refusal(given, kind.options)
    if complaint:
        module.fail_json(msg=complaint)
    try:
        result = kind(module.params, module.warn).run(module.check_mode, diff=module._diff)
    except TaskFailed as failure:
        msg = missing_required_lib(failure.missing) if failure.missing else str(failure)
        if failure.unreachable and "target" in kind.options:
            module.exit_json(msg=msg, unreachable=True, **failure.result)
        elif failure.unreachable:
            # gather_facts takes a module that does not say that it failed for a success.
            module.fail_json(msg=msg, unreachable=True, **failure.result)
        else:
            module.fail_json(msg=msg, **failure.result)
    else:
        module.exit_json(**result)
