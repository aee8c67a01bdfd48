# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter fact_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fact_report
short_description: Which values a fact has, how often, and on which nodes
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Makes the report that C(mco facts NAME -v) shows, as data.
positional: fact
options:
  _input:
    description:
      - The result of M(pymco.mcollective.mcollective_node_info) that has gathered facts, or its C(node_info).
    type: raw
    required: true
  fact:
    description: The name of the fact. The name of a nested fact has dots, as in V(os.family).
    type: str
    required: true
seealso:
  - module: pymco.mcollective.mcollective_node_info
  - plugin: pymco.mcollective.by_sender
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask all nodes for a fact
  pymco.mcollective.mcollective_node_info:
    facts: [os]
    target: collective
  register: info

- name: Show a line for each value of the fact
  ansible.builtin.debug:
    msg: "{{ item.value }}: {{ item.count }} nodes, {{ item.nodes | join(', ') }}"
  loop: "{{ info | pymco.mcollective.fact_report('os.family') }}"
  loop_control:
    label: "{{ item.value }}"
"""

RETURN = r"""
_value:
  description:
    - An entry for each value with the keys C(value), C(count) and C(nodes) (a list of identities), sorted by the value.
    - Nodes without the fact are in an entry with the value null, which comes last.
  type: list
  elements: dict
  sample:
    - {value: Debian, count: 2, nodes: [db1.example.com, web1.example.com]}
    - {value: RedHat, count: 1, nodes: [old1.example.com]}
"""

import json
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.plugin_utils._entries import (
    TOO_DEEP,
    entries_of,
    parts_of,
    refused,
)

NAME = "fact_report"


def fact_report(value: t.Any, fact: str) -> list[dict[str, t.Any]]:
    """Return which values a fact has, how often, and on which nodes."""
    facts = {node: entry.get("facts") for node, entry in entries_of(value, NAME).items()}
    without = [node for node, each in facts.items() if not isinstance(each, dict)]
    if without:
        raise refused(
            NAME,
            f"the entry of {without[0]} has no facts; the input must be the result of mcollective_node_info, which has"
            " gathered facts",
        )
    try:
        return _lines(parts_of(facts, fact, NAME))
    except RecursionError:
        raise refused(NAME, TOO_DEEP) from None


def _lines(values: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = {}
    for node, told in values.items():
        line = found.setdefault(_key(told), {"value": told, "count": 0, "nodes": []})
        line["count"] += 1
        line["nodes"].append(node)
    return sorted(found.values(), key=lambda line: (line["value"] is None, str(line["value"])))


def _key(value: t.Any) -> str:
    """Return a text that is the same for equal values. A fact may be a list or a dictionary."""
    return json.dumps(to_json(value), sort_keys=True)


class FilterModule:
    """Called by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters of this file by their names."""
        return {NAME: fact_report}
