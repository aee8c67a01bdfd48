# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leaves out what ``module_defaults`` sets for the whole action group, but one of its modules does not have.

Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import (
    BATCH_OPTIONS,
    CLIENT_OPTIONS,
    DESIRED_OPTIONS,
    FAILURES,
    PROGRESS_OPTIONS,
    TARGET_OPTIONS,
    Spec,
)

if t.TYPE_CHECKING:
    from ansible.playbook.task import Task
    from ansible.template import Templar

    from ansible_collections.pymco.mcollective.plugins.module_utils._task import base

GROUP = "group/pymco.mcollective.mcollective"
SHARED = frozenset(
    (
        *CLIENT_OPTIONS,
        *TARGET_OPTIONS,
        *DESIRED_OPTIONS,
        *BATCH_OPTIONS,
        *PROGRESS_OPTIONS,
        "count",
        "fail_on",
    )
)
"""Options of several modules. Any other name may be a typo, so the modules refuse it."""
CONDITIONS = frozenset((*FAILURES, "answered", "disabled"))
"""What the option fail_on of any module knows."""


def usable(task: Task, kind: type[base.Task], templar: Templar) -> dict[str, t.Any]:
    """Return a task's options without the group's defaults that its module has no use for.

    Ansible has merged the defaults into the options. An option that the task itself sets stays, unless it has the
    value of the default.

    :param kind: what the module does.
    """
    arguments: dict[str, t.Any] = task.args
    group, options = _group(task, templar), kind.options
    useful = _names(options) - {"fail_on", *kind.idle(arguments)}
    given = dict(arguments)
    for name in SHARED.intersection(arguments, group) - useful:
        if arguments[name] == templar.template(group[name]):
            _leave_out(given, name, options)
    return given


def _group(task: Task, templar: Templar) -> t.Mapping[str, t.Any]:
    """Return the defaults of the group. Those of the innermost block come last, and replace the others."""
    found: t.Any = None
    for each in task.module_defaults or ():
        found = each.get(GROUP, found)
    if isinstance(found, str):
        found = templar.template(found)
    return found if isinstance(found, dict) else {}


def _names(options: Spec) -> set[str]:
    aliases = (alias for each in options.values() for alias in each.get("aliases", ()))
    return {*options, *aliases}


def _leave_out(given: dict[str, t.Any], name: str, options: Spec) -> None:
    """Leave out an option or, of a list, the values that the module does not have."""
    choices, value = options.get(name, {}).get("choices"), given[name]
    if choices is None:
        del given[name]
    elif isinstance(value, (list, str)):
        values = map(str.strip, value.split(",")) if isinstance(value, str) else value
        given[name] = [each for each in values if each in choices or each not in CONDITIONS]
