# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A task as a module, in a process of its own."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.basic import _load_params as load_params

from . import restrictions
from .base import Task, TaskFailed
from .configuration import visible_values


def run_module(kind: type[Task]) -> None:
    """Run a task with the options that the module was called with, and end the process."""
    given = load_params()
    module = AnsibleModule(argument_spec=kind.options, supports_check_mode=True)
    module.no_log_values -= visible_values(module.params)
    complaint = restrictions.complaint(given, kind.options)
    if complaint:
        module.fail_json(msg=complaint)
    try:
        task = kind(module.params, module.warn)
        module.no_log_values |= task.secrets()
        result = task.run(module.check_mode)
    except TaskFailed as failure:
        msg = missing_required_lib(failure.missing) if failure.missing else str(failure)
        module.fail_json(msg=msg, **failure.result)
    module.exit_json(**result)
