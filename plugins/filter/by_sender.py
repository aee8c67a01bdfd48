# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter by_sender."""

from __future__ import annotations

DOCUMENTATION = r"""
name: by_sender
short_description: Make a dictionary of replies, by the node that sent each
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Turns a list with an entry for each node into a dictionary with the identities of the nodes as keys.
positional: attribute
options:
  _input:
    description:
      - RV(pymco.mcollective.mcollective_rpc#module:replies) of M(pymco.mcollective.mcollective_rpc), C(outcomes) of modules such as
        M(pymco.mcollective.mcollective_service), C(node_info) of M(pymco.mcollective.mcollective_node_info) or C(times) of
        M(pymco.mcollective.mcollective_ping). Or the whole result of such a module, also of a task about one host.
    type: raw
    required: true
  attribute:
    description:
      - Which part of an entry becomes the value, such as V(data) or V(data.status). The default is the whole entry.
      - An entry without this part has the value null.
    type: str
seealso:
  - plugin: pymco.mcollective.from_mco
    plugin_type: filter
  - plugin: pymco.mcollective.fact_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask for the state of a service
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: status
    arguments:
      service: nginx
    target: collective
  register: nginx

- name: Show the state on each node, such as {'web1.example.com' => 'running'}
  ansible.builtin.debug:
    msg: "{{ nginx | pymco.mcollective.by_sender('data.status') }}"
"""

RETURN = r"""
_value:
  description: The entries, or their parts, by the identities of the nodes. It is sorted by them.
  type: dict
"""

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.plugin_utils._entries import (
    TOO_DEEP,
    entries_of,
    parts_of,
    refused,
)

NAME = "by_sender"


def by_sender(value: t.Any, attribute: str | None = None) -> dict[str, t.Any]:
    """Return entries of nodes, or a part of each, by the identities of the nodes, as data that Ansible can carry."""
    entries: dict[str, t.Any] = {**entries_of(value, NAME)}
    if attribute is not None:
        entries = parts_of(entries, attribute, NAME)
    try:
        return t.cast("dict[str, t.Any]", to_json(entries))
    except RecursionError:
        raise refused(NAME, TOO_DEEP) from None


class FilterModule:
    """Called by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file by their names."""
        return {NAME: by_sender}
