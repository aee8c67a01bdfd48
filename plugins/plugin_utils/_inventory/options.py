# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin's options: templates in them, and the task that they make."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleError, AnsibleOptionsError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_bool

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import InventoryTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import (
    WRONG,
    refusal,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import (
    LONGEST_MESSAGE,
    printable,
)

if t.TYPE_CHECKING:
    from ansible.plugins.inventory import BaseInventoryPlugin
    from ansible.template import Templar

NAMES = frozenset(InventoryTask.options)
"""Options whose values may have templates. The others are expressions, or Ansible's own."""
_REFUSED = re.compile(
    r"Config '(\w+)' for |Invalid value .* for config '(\w+)' for '[\w.]+' inventory plugin\.?$",
    re.ASCII | re.DOTALL,
)
"""How Ansible names the option whose value it refuses. The value is in the same words."""


def templated(options: t.Mapping[str, t.Any], templar: Templar) -> dict[str, t.Any]:
    """Options with the templates in their values evaluated.

    :raises AnsibleParserError: one cannot be evaluated.
    """
    return {
        name: _templated(name, value, templar) if name in NAMES else value
        for name, value in options.items()
    }


def _templated(name: str, value: t.Any, templar: Templar) -> t.Any:
    try:
        return templar.template(value)
    except AnsibleError as error:
        # Not from the error: Ansible would show the lines of the file around it, secrets included.
        raise refused(f"the option {name} cannot be templated: {error}") from None


def refuse_wrong_words(
    given: t.Mapping[str, t.Any],
    definitions: t.Mapping[str, t.Mapping[str, t.Any]],
    environ: t.Mapping[str, str],
) -> None:
    """Refuse what is neither yes nor no where one of them is wanted.

    Ansible takes every such word as no, and so would not verify certificates for want of an "e".

    :param given: the options of the file.
    :param environ: the environment variables, which give those that the file does not.
    :raises AnsibleParserError: a word is wrong.
    """
    for name, definition in definitions.items():
        if definition.get("type") != "bool":
            continue
        variables = (entry["name"] for entry in definition.get("env", ()))
        values = [given.get(name), *map(environ.get, variables)]
        for value in filter(None, values):
            try:
                check_type_bool(value)
            except TypeError:
                raise refused(f"the option {name} must be of type bool") from None


def make_task(plugin: BaseInventoryPlugin, warn: t.Callable[[str], None]) -> InventoryTask:
    """The task that the plugin's options stand for.

    :raises AnsibleParserError: an option is wrong; nothing was opened or sent.
    """
    given = {name: plugin.get_option(name) for name in NAMES}
    # Those of the file are so already. Those of the environment and of ansible.cfg are not.
    wanted = {k: v for k, v in templated(given, plugin.templar).items() if v is not None}
    checked = ArgumentSpecValidator(InventoryTask.options).validate(wanted)
    why = refusal(checked, f"({plugin.NAME}) inventory plugin")
    if why:
        raise refused(why)
    try:
        return InventoryTask(checked.validated_parameters, warn)
    except TaskFailed as failure:
        raise as_parser_error(failure) from None


def as_parser_error(failure: TaskFailed) -> AnsibleParserError:
    """A task's failure as Ansible has those of inventories; see :func:`refused`."""
    return refused(missing_required_lib(failure.missing) if failure.missing else str(failure))


def refused(why: object) -> AnsibleParserError:
    """An error of the plugin, fit to be shown. To be raised from None: its message has what its causes
    say, and Ansible would say that once more for each, as it is."""
    return AnsibleParserError(printable(str(why), LONGEST_MESSAGE))


def without_value(
    error: AnsibleOptionsError, definitions: t.Mapping[str, t.Mapping[str, t.Any]]
) -> AnsibleParserError:
    """Ansible's refusal of an option's value, without the value, which may be a password.

    :param definitions: the plugin's options as they are documented.
    """
    match = _REFUSED.match(str(error))
    name = (match[1] or match[2]) if match else ""
    if name not in definitions:
        return refused(WRONG)
    choices = definitions[name].get("choices")
    must = f"one of: {', '.join(choices)}" if choices else f"of type {definitions[name]['type']}"
    return refused(f"the option {name} must be {must}")
