#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_find
short_description: Find the nodes of an MCollective collective that fit filters
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Finds out whom a task with the same options would address, as C(mco find) does.
  - Nodes are asked by broadcast who fits the filters. Those that answer are returned.
  - Nodes that are known by name, from O(nodes), O(identity_filters) without a regular expression, or a file, are asked only if there
    are filters of other kinds. Use M(pymco.mcollective.mcollective_ping) to see which of them are there.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.progress
options:
  fail_on:
    description:
      - What makes the task fail.
      - V(no_nodes) means that no node was found, or fewer than O(expected_nodes).
      - Use an empty list to handle that in the play.
    type: list
    elements: str
    choices: [no_nodes]
    default: [no_nodes]
notes:
  - O(discovery_method=none) is refused, since it looks for nobody.
seealso:
  - module: pymco.mcollective.mcollective_ping
  - module: pymco.mcollective.mcollective_node_info
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_find -a "fact_filters=os=Debian"

- name: Find the big database servers
  pymco.mcollective.mcollective_find:
    compound_filter: /^role::db/ and processorcount>=16
  register: databases

- name: Make hosts of them for the plays to come
  ansible.builtin.add_host:
    name: "{{ item }}"
    groups: databases
  loop: "{{ databases.nodes }}"
  changed_when: false

- name: Find nodes that nobody should have any more
  pymco.mcollective.mcollective_find:
    fact_filters:
      - operatingsystemmajrelease<10
    fail_on: []
  register: old

- name: See that there are none
  ansible.builtin.assert:
    that: old.count == 0
    fail_msg: "To be replaced: {{ old.nodes }}"

- name: Choose three web servers, the same ones each time
  pymco.mcollective.mcollective_find:
    class_filters:
      - role::web
    limit: 3
    limit_method: random
    limit_seed: 42
  register: canaries

- name: Restart these
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: restart
    arguments:
      service: nginx
    nodes: "{{ canaries.nodes }}"
"""

RETURN = r"""
nodes:
  description: The identities of the nodes, sorted.
  returned: success
  type: list
  elements: str
  sample: [db1.example.com, db2.example.com]
count:
  description: How many they are.
  returned: success
  type: int
  sample: 2
stats:
  description: Figures of the search.
  returned: success
  type: dict
  contains:
    found:
      description: How many nodes there were before a O(limit).
      type: int
    broker:
      description: The broker that was used.
      type: str
    passed_over:
      description: Why the brokers before the one that was used were passed over.
      type: list
      elements: str
    rejected:
      description: How many messages were dropped, by reason, as M(pymco.mcollective.mcollective_rpc) has it.
      type: dict
    seconds:
      description: How long V(connect) and V(discovery) took.
      type: dict
  sample:
    found: 2
    broker: broker.example.com:61613
    passed_over: []
    rejected: {}
    seconds:
      connect: 0.012
      discovery: 2.004
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.find import FindTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(FindTask)


if __name__ == "__main__":
    main()
