# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plugin's options: templates in them, and the task that they make."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import InventoryTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion

if t.TYPE_CHECKING:
    from ansible.plugins.inventory import BaseInventoryPlugin
    from ansible.template import Templar

NAMES = frozenset(InventoryTask.options)
"""Options whose values may have templates. The others are expressions, or Ansible's own."""
_SPEC = {
    **InventoryTask.options,
    # Its passwords are known to the client. ansible-core 2.22 takes all values of what is no_log out of
    # everything that the process prints, and those of this one are words such as "1".
    "config": {"type": "dict", "no_log": False},
}


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
        raise AnsibleParserError(f"the option {name} cannot be templated: {error}") from error


def unknown_keys(plugin: BaseInventoryPlugin) -> t.Iterator[tuple[str, str]]:
    """Yield the keys in keyed_groups that do not exist, each with what may be meant. Ansible passes over them."""
    definition = plugin.option_definitions["keyed_groups"]
    known = definition.get("suboptions") or definition.get("options")
    for entry in plugin.get_option("keyed_groups") or ():
        if known and isinstance(entry, dict):
            for key in sorted(map(str, entry.keys() - known.keys())):
                yield key, suggestion(key, known)


def make_task(
    plugin: BaseInventoryPlugin, config: t.Container[str], warn: t.Callable[[str], None]
) -> InventoryTask:
    """The task that the plugin's options stand for.

    :param config: which options the file has.
    :raises AnsibleParserError: an option is wrong; nothing was opened or sent.
    """
    given = {name: plugin.get_option(name) for name in NAMES}
    # Those of the file are so already. Those of the environment and of ansible.cfg are not.
    given = templated(given, plugin.templar)
    complaint = restrictions.complaint({k: v for k, v in given.items() if k in config}, given)
    if complaint:
        raise AnsibleParserError(complaint)
    wanted = {k: v for k, v in given.items() if v is not None}
    checked = ArgumentSpecValidator(_SPEC).validate(wanted)
    if checked.error_messages:
        raise AnsibleParserError("; ".join(checked.error_messages))
    try:
        return InventoryTask(checked.validated_parameters, warn)
    except TaskFailed as failure:
        raise as_parser_error(failure) from None


def as_parser_error(failure: TaskFailed) -> AnsibleParserError:
    """A task's failure as Ansible has those of inventories. To be raised from None: its message has what
    its causes say, and Ansible would say that once more for each."""
    return AnsibleParserError(
        missing_required_lib(failure.missing) if failure.missing else str(failure)
    )
