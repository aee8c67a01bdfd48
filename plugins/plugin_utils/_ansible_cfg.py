# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds options in ansible.cfg, with the names and in the section that the inventory plugin documents.

Ansible looks there for plugins, and not for modules. So actions add what they find to the options of a task, wherever
it then runs. Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import functools
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import (
    CLIENT,
    SECTION,
    TARGETS,
    Spec,
    variables,
)

if t.TYPE_CHECKING:
    from ansible.template import Templar

_OWNER = {"plugin_type": "action", "plugin_name": "pymco.mcollective.mcollective"}
_TABLE = {name: row for name, row in {**CLIENT, **TARGETS}.items() if row.elsewhere}

# A path is relative to ansible.cfg. The argument specification judges all other texts.
C.config.initialize_plugin_configuration_definitions(
    _OWNER["plugin_type"],
    _OWNER["plugin_name"],
    {
        name: {
            "ini": [{"section": SECTION, "key": name}],
            "type": "path" if row.spec["type"] == "path" else "str",
        }
        for name, row in _TABLE.items()
    },
)


def value(name: str) -> t.Any:
    """Return the text that an option has in ansible.cfg, or None."""
    return _texts().get(name)


def _texts() -> dict[str, t.Any]:
    """Return the text of each option that ansible.cfg sets."""
    return _texts_of(C.config.get_config_value("CONFIG_FILE"))


@functools.lru_cache(maxsize=1)
def _texts_of(_path: str | None) -> dict[str, t.Any]:
    found = {name: C.config.get_config_value(name, **_OWNER) for name in _TABLE}
    return {name: text for name, text in found.items() if text is not None}


# Ansible loads this file before it forks, so the options are looked up once instead of by each task.
_texts()


def completed(
    given: dict[str, t.Any],
    options: Spec,
    environ: t.Callable[[], t.Container[str]],
    templar: Templar,
) -> dict[str, t.Any]:
    """Return a task's options with those that only ansible.cfg sets.

    :param given: the options that the task sets. An option that is null is set.
    :param options: the argument specification of the module.
    :param environ: returns the environment variables of the task. They take precedence over ansible.cfg.
    :raises AnsibleActionFail: a template in ansible.cfg cannot be evaluated.
    """
    found = {name: text for name, text in _texts().items() if name in options and name not in given}
    if not found:
        return given
    known = environ()
    more = {
        name: _evaluated(name, text, templar)
        for name, text in found.items()
        if not any(each in known for each in variables(name))
    }
    return {**given, **more}


def _evaluated(name: str, text: str, templar: Templar) -> t.Any:
    try:
        return templar.template(text)
    except AnsibleError as error:
        # From None, or Ansible would show the text, which may be a secret.
        raise AnsibleActionFail(
            f"the templates of the option {name} in ansible.cfg cannot be evaluated: {error}"
        ) from None
