# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a task in the controller's process, so that no interpreter has to start for it.

This is for tasks with a local connection. With any other connection, as another user and in the
background the module runs, where and as the user that the playbook says. Note that this plugin util is
**PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleUndefinedConfigEntry
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import (
    refusal,
    shown,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import described, functions
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    activemq,
    nats,
    rabbitmq,
    stomp,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    aes,
    choria_v1,
    choria_v2,
    none,
    psk,
    ssl,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    marshal,
    yaml,
)

from . import _ansible_cfg, _defaults, _openssl, _target
from ._progress import ProgressLines

Result = dict[str, t.Any]

PRELOADED = (
    *(described, functions),
    *(activemq, nats, rabbitmq, stomp),
    *(aes, choria_v1, choria_v2, none, psk, ssl),
    *(marshal, yaml),
)
"""Modules that tasks load when they need them. Ansible loads this file before it forks, so they are loaded once
instead of by each task. None of them needs a library that may be missing."""
_openssl.warm_up()


class TaskAction(ActionBase):
    """Runs a task here or, if the user asked for another place or user, as a module."""

    task_class: t.ClassVar[type[Task]]
    TRANSFERS_FILES = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """Called by Ansible."""
        result: Result = super().run(tmp, task_vars)
        given = self._task.args
        try:
            self._task.args = self._completed(task_vars or {})
            result.update(self._run_somewhere(task_vars or {}))
        except _target.Undecided as reason:
            result.update(failed=True, msg=str(reason))
        finally:
            # The next try of the same task begins with the options that the user gave.
            self._task.args = given
        return result

    def _completed(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the task's options with what a module cannot know: ansible.cfg, and the node of the task's host.

        :raises Undecided: it is not clear which nodes the task is about.
        """
        options = self.task_class.options
        usable = _defaults.usable(self._task, self.task_class, self._templar)
        usable = _ansible_cfg.completed(usable, options, self._variables, self._templar)
        if "target" not in options:
            return usable
        host = _target.Host.of(
            task_vars,
            self._templar,
            run_once=bool(self._task.run_once),
            delegate_to=self._task.delegate_to,
        )
        return _target.aimed(usable, host)

    def _run_somewhere(self, task_vars: dict[str, t.Any]) -> Result:
        """Run the task here or as a module."""
        complaint = restrictions.refusal(self._task.args, self.task_class.options)
        if complaint:
            return {"failed": True, "msg": complaint}
        if self._belongs_here():
            try:
                with self._environment():
                    return self._run_here(task_vars)
            except _LibraryMissing:
                # Perhaps the interpreter of modules has it. If not, the module reports it.
                pass
        in_background = bool(self._task.async_val) and not self._connection.has_native_async
        result: Result = self._execute_module(task_vars=task_vars, wrap_async=in_background)
        if result.get("unreachable"):
            result.pop("failed", None)  # or Ansible would count it as failed
        return result

    def _belongs_here(self) -> bool:
        """Return True if running it here has the same effect as running the module."""
        return self._is_local and self._connection.become is None and not self._task.async_val

    @property
    def _is_local(self) -> bool:
        return self._connection.transport in ("local", "ansible.builtin.local")

    def _variables(self) -> t.Container[str]:
        """Return the names of the environment variables that the task has. Those of another host or user are not
        known here."""
        given: dict[str, t.Any] = {}
        self._compute_environment_string(given)
        local = self._is_local and self._connection.become is None
        return {*given, *(os.environ if local else ())}

    def _run_here(self, task_vars: dict[str, t.Any]) -> Result:
        warnings: list[str] = []
        params: dict[str, t.Any] = self._task.args
        try:
            params = self._validated()
            task = self.task_class(params, warnings.append, progress=self._progress(params))
            for note in task.notes:
                Display().v(note)
            returned = task.run(bool(self._task.check_mode), diff=bool(self._task.diff))
        except TaskFailed as failure:
            if failure.missing:
                if task_vars.get("ansible_python_interpreter") != sys.executable:
                    raise _LibraryMissing from failure
                returned = {"failed": True, "msg": missing_required_lib(failure.missing)}
            else:
                state = "unreachable" if failure.unreachable else "failed"
                returned = {**failure.result, state: True, "msg": str(failure)}
        if _wants_invocation(task_vars):
            returned["invocation"] = {"module_args": shown(self.task_class.options, params)}
        if warnings:
            returned["warnings"] = warnings
        return returned

    def _validated(self) -> dict[str, t.Any]:
        """Return the options as a module would get them: through JSON, so that their types are the same.

        :raises TaskFailed: a module would refuse them.
        """
        try:
            arguments = json.loads(json.dumps(self._task.args, default=_as_text))
        except (TypeError, ValueError) as error:
            raise TaskFailed(f"the options cannot be written as JSON: {error}") from error
        checked = ArgumentSpecValidator(self.task_class.options).validate(arguments)
        name = self._task.resolved_action or self._task.action
        refused = refusal(checked, f"({name}) module")
        if refused:
            raise TaskFailed(refused)
        return t.cast("dict[str, t.Any]", checked.validated_parameters)

    @contextlib.contextmanager
    def _environment(self) -> t.Iterator[None]:
        """Set the environment that the keyword environment asks for, and restore it afterwards.

        The next item of a loop runs in the same process, and may have another environment.
        """
        if not any(self._task.environment or ()):
            yield
            return
        before = dict(os.environ)
        given: dict[str, t.Any] = {}
        self._compute_environment_string(given)
        os.environ.update({str(name): str(value) for name, value in given.items()})
        try:
            yield
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)

    def _progress(self, params: dict[str, t.Any]) -> ProgressLines | None:
        every = params.get("progress") or 0
        if every <= 0 or not ProgressLines.wanted():
            return None
        title = self._task.get_name()
        if params.get("target") == "host":
            title = f"{title} [{params['nodes'][0]}]"
        return ProgressLines(Display(), title, every)


def _wants_invocation(task_vars: dict[str, t.Any]) -> bool:
    """Return True if results show the task's options. Before ansible-core 2.21 they always do."""
    try:
        return bool(C.config.get_config_value("INJECT_INVOCATION", variables=task_vars))
    except AnsibleUndefinedConfigEntry:
        return True


class _LibraryMissing(Exception):
    """A library is missing here, but modules run with another interpreter."""


def _as_text(value: t.Any) -> str:
    """Return a date of YAML as a text, since JSON has no dates."""
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    raise TypeError(f"an option's value cannot be of type {type(value).__name__}")
