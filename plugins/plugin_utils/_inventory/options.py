# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates templates in the plugin's options, refuses wrong values, and makes the task."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleError, AnsibleOptionsError, AnsibleParserError
from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_bool

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import InventoryTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.invocation import (
    WRONG,
    refusal,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import CLIENT_OPTIONS
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import as_message
from ansible_collections.pymco.mcollective.plugins.plugin_utils import _ansible_cfg

if t.TYPE_CHECKING:
    from ansible.plugins.inventory import BaseInventoryPlugin
    from ansible.template import Templar

ALIASES = frozenset(
    alias for each in InventoryTask.options.values() for alias in each.get("aliases", ())
)
"""Other names of options."""
NAMES = frozenset(InventoryTask.options)
"""Options with values that may have templates. The others are expressions, or Ansible's own."""
_REFUSED = re.compile(
    r"Config '(\w+)' for |Invalid value .* for config '(\w+)' for '[\w.]+' (?:inventory|lookup) plugin\.?$",
    re.ASCII | re.DOTALL,
)
"""How Ansible names an option with a value that it refuses. Its message also has the value."""


def templated(options: t.Mapping[str, t.Any], templar: Templar) -> dict[str, t.Any]:
    """Return options with the templates in their values evaluated.

    :raises AnsibleParserError: a template cannot be evaluated.
    """
    return {
        name: _templated(name, value, templar) if name in NAMES | ALIASES else value
        for name, value in options.items()
    }


def _templated(name: str, value: t.Any, templar: Templar) -> t.Any:
    try:
        return templar.template(value)
    except AnsibleError as error:
        # From None, or Ansible would show the lines of the file around the error, secrets included.
        raise refused(f"the templates of the option {name} cannot be evaluated: {error}") from None


def refuse_wrong_words(
    given: t.Mapping[str, t.Any],
    definitions: t.Mapping[str, t.Mapping[str, t.Any]],
    environ: t.Mapping[str, str],
) -> None:
    """Refuse values of boolean options that are neither yes nor no.

    Ansible takes such a word for no, so a typo in validate_certs would switch verification off.

    :param given: the options of the file.
    :param environ: the environment variables, which may give other options.
    :raises AnsibleParserError: a value is neither.
    """
    for name, definition in definitions.items():
        if definition.get("type") != "bool":
            continue
        variables = (entry["name"] for entry in definition.get("env", ()))
        text = _ansible_cfg.value(name) if name in CLIENT_OPTIONS else None
        values = [given.get(name), *map(environ.get, variables), text]
        for value in filter(None, values):
            try:
                check_type_bool(value)
            except TypeError:
                raise refused(f"the option {name} must be of type bool") from None


def unknown_keys(plugin: BaseInventoryPlugin) -> t.Iterator[tuple[str, str]]:
    """Yield the unknown keys in keyed_groups, which Ansible ignores, each with a suggestion."""
    definition = plugin.option_definitions["keyed_groups"]
    known = definition.get("suboptions") or definition.get("options")
    for entry in plugin.get_option("keyed_groups") or ():
        if known and isinstance(entry, dict):
            for key in sorted(map(str, entry.keys() - known.keys())):
                yield key, suggestion(key, known)


def refuse_wrong_entries(entries: t.Iterable[t.Any]) -> None:
    """Refuse entries of keyed_groups that fit no host, whatever it says.

    :raises AnsibleParserError: an entry is wrong.
    """
    for entry in entries:
        if not isinstance(entry, dict) or not entry:
            raise refused(f"keyed_groups: {entry!r} is not a dictionary with a key")
        if None not in (entry.get("default_value"), entry.get("trailing_separator")):
            raise refused(
                "keyed_groups: an entry has default_value or trailing_separator, not both"
            )


def make_task(
    plugin: BaseInventoryPlugin, config: t.Container[str], warn: t.Callable[[str], None]
) -> InventoryTask:
    """Return the task that the plugin's options stand for.

    :param config: the names of the options in the file.
    :raises AnsibleParserError: an option is wrong; nothing was opened or sent.
    """
    given = {name: plugin.get_option(name) for name in NAMES}
    # The values of the file have been templated already, but not those of the environment and of ansible.cfg.
    given = templated(given, plugin.templar)
    complaint = restrictions.complaint({k: v for k, v in given.items() if k in config}, given)
    if complaint:
        raise refused(complaint)
    wanted = {k: v for k, v in given.items() if v is not None}
    checked = ArgumentSpecValidator(InventoryTask.options).validate(wanted)
    why = refusal(checked, f"({plugin.NAME}) inventory plugin")
    if why:
        raise refused(why)
    try:
        return InventoryTask(checked.validated_parameters, warn)
    except TaskFailed as failure:
        raise as_parser_error(failure) from None


def as_parser_error(failure: TaskFailed) -> AnsibleParserError:
    """Return a task's failure as an error of the inventory; see :func:`refused`."""
    return refused(missing_required_lib(failure.missing) if failure.missing else str(failure))


def refused(why: object) -> AnsibleParserError:
    """Return an error of the plugin with a message that may be shown.

    Raise it from None. Its message contains those of its causes, and Ansible would add them once more,
    unescaped.
    """
    return AnsibleParserError(as_message(str(why)))


def without_value(
    error: AnsibleOptionsError, definitions: t.Mapping[str, t.Mapping[str, t.Any]]
) -> AnsibleParserError:
    """Return Ansible's refusal of an option's value without the value, which may be a password.

    :param definitions: the documentation of the plugin's options.
    """
    match = _REFUSED.match(str(error))
    name = (match[1] or match[2]) if match else ""
    if name not in definitions:
        return refused(WRONG)
    choices = definitions[name].get("choices")
    must = f"one of: {', '.join(choices)}" if choices else f"of type {definitions[name]['type']}"
    return refused(f"the option {name} must be {must}")
