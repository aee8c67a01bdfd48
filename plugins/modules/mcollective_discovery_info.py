#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_discovery_info
short_description: Find the nodes of an MCollective collective that fit filters
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Finds the nodes that a task with the same options would address, as C(mco find) does.
  - The module asks all nodes by broadcast whether they fit the filters, and returns those that answer.
  - Some nodes are known by name, from O(nodes), from O(identity_filters) without a regular expression, or from a file. The module asks
    these nodes only if there are filters of other kinds. Use M(pymco.mcollective.mcollective_ping) to check which of them answer.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.per_host
  - pymco.mcollective.progress
options:
  fail_on:
    description:
      - What makes the task fail.
      - V(no_nodes) means that the module found no node, or fewer than O(expected_nodes).
      - Use an empty list to handle this in the play.
    type: list
    elements: str
    choices: [no_nodes]
    default: [no_nodes]
notes:
  - The module refuses O(discovery_method=none), because that method looks for no nodes.
seealso:
  - module: pymco.mcollective.mcollective_ping
  - module: pymco.mcollective.mcollective_node_info
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_discovery_info -a "fact_filters=operatingsystem=Debian"

- name: Find the big database servers
  pymco.mcollective.mcollective_discovery_info:
    compound_filter: /^role::db/ and processorcount>=16
  register: databases

- name: Add them as hosts for the plays that follow
  ansible.builtin.add_host:
    name: "{{ item }}"
    groups: databases
  loop: "{{ databases.nodes }}"
  changed_when: false

- name: Find nodes with an outdated operating system
  pymco.mcollective.mcollective_discovery_info:
    fact_filters:
      - operatingsystemmajrelease<10
    fail_on: []
  register: old

- name: Check that there are none
  ansible.builtin.assert:
    that: old.count == 0
    fail_msg: "Replace these nodes: {{ old.nodes }}"

- name: Choose three web servers, the same three each time
  pymco.mcollective.mcollective_discovery_info:
    class_filters:
      - role::web
    limit: 3
    limit_method: random
    limit_seed: 42
  register: canaries

- name: Restart nginx on these three
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
filters:
  description:
    - What a node must have to fit, in words. A node must fit all entries, and only one of the identities, which are one entry.
    - For nodes of MCollective, the expression of O(compound_filter) is shown as nodes read it, as C(mco describe_filter) does.
  returned: success
  type: list
  elements: str
  sample: [agent rpcutil, "class role::web", "fact site==zurich"]
count:
  description: The number of nodes in RV(nodes).
  returned: success
  type: int
  sample: 2
stats:
  description: Figures of the search. What has nothing to tell is left out, except numbers of nodes.
  returned: success
  type: dict
  contains:
    found:
      description: The number of nodes before O(limit) was applied.
      type: int
    configuration:
      description: The configuration file that was read, or C(the given options).
      type: str
    broker:
      description: The broker that was used.
      returned: when a broker was used
      type: str
    passed_over:
      description: Why each broker before the used one was passed over.
      returned: when a broker was passed over
      type: list
      elements: str
    rejected:
      description: The number of dropped messages by reason. M(pymco.mcollective.mcollective_rpc) describes the reasons.
      returned: when messages were dropped
      type: dict
    seconds:
      description: How many seconds V(connect) and V(discovery) took.
      type: dict
  sample:
    found: 2
    configuration: /etc/mcollective/client.cfg
    broker: broker.example.com:61613
    seconds:
      connect: 0.012
      discovery: 2.004
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(DiscoveryInfoTask)


if __name__ == "__main__":
    main()
