#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_node_info
short_description: Gather facts, classes, agents and collectives of many MCollective nodes at once
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks all nodes that fit for their inventory, in one request, and returns it as data.
  - If a few facts by name are all that is wanted, nodes send these alone, which is less by far on nodes with thousands of facts.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.progress
options:
  gather:
    description:
      - What to gather. By default all of it, and V(facts) alone if O(facts) names some.
      - Nodes send their whole inventory in any case, unless O(facts) are named and nothing else is gathered.
    type: list
    elements: str
    choices: [facts, classes, agents, collectives]
  facts:
    description:
      - The names of the facts to gather. By default all.
      - Facts that are hashes are gathered as a whole, by the name that they have at the top. A fact that a node does not have is left out.
    type: list
    elements: str
  timeout:
    description:
      - How many seconds to wait for replies once a request has been sent. It ends at once when all nodes have answered.
      - By default V(10), plus the discovery timeout, as with C(mco).
    type: float
  ttl:
    description:
      - Nodes that get the request later than so many seconds after it was made drop it. It also is how far the clock here may be
        behind theirs. With a clock that is ahead, nodes take requests for longer.
      - By default the configuration's C(ttl), which is 60 if it is not set.
    type: int
  fail_on:
    description:
      - What makes the task fail. All that was gathered is returned in any case.
      - V(failed) means that a node answered, but not with what was asked for.
      - V(no_response) means that a node which was addressed did not answer in time.
      - V(no_nodes) means that there is no node to address, or fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
notes:
  - Nodes hold the values of facts as text, numbers and truth values included. Hashes and lists stay what they are.
seealso:
  - module: pymco.mcollective.mcollective_find
  - module: pymco.mcollective.mcollective_rpc
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_node_info -a "gather=classes"

- name: Read two facts of all nodes
  pymco.mcollective.mcollective_node_info:
    facts:
      - kernelrelease
      - os
  register: kernels

- name: Count the kernels
  ansible.builtin.debug:
    msg: "{{ item.0 }} runs on {{ item.1 | length }} nodes"
  loop: "{{ kernels.node_info | groupby('facts.kernelrelease', default='none that is known') }}"
  loop_control:
    label: "{{ item.0 }}"

- name: Gather everything about the web servers
  pymco.mcollective.mcollective_node_info:
    class_filters:
      - role::web
  register: web

- name: Name those that lack an agent
  ansible.builtin.debug:
    msg: "{{ web.node_info | rejectattr('agents', 'contains', 'puppet') | map(attribute='identity') | list }}"

- name: Show the classes of one of them
  ansible.builtin.debug:
    msg: "{{ (web.node_info | items2dict(key_name='identity', value_name='classes'))['web1.example.com'] }}"
"""

RETURN = r"""
node_info:
  description: One entry for each node of which all that was wanted has come, sorted by C(identity).
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    facts:
      description: Its facts by name.
      returned: when gathered
      type: dict
    classes:
      description: The classes that its configuration management has applied.
      returned: when gathered
      type: list
      elements: str
    agents:
      description: The names of its agents.
      returned: when gathered
      type: list
      elements: str
    collectives:
      description: The collectives that it belongs to.
      returned: when gathered
      type: list
      elements: str
    version:
      description: The version of its MCollective.
      returned: when more than named facts is gathered
      type: str
  sample:
    - identity: web1.example.com
      facts:
        kernelrelease: 6.1.0-18-amd64
        processorcount: "8"
      classes: [common, "role::web"]
      agents: [discovery, puppet, rpcutil]
      collectives: [mcollective]
      version: 2.12.5
nodes:
  description: The identities of the nodes that were addressed.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com, old1.example.com, web1.example.com]
no_response:
  description: The nodes of RV(nodes) that did not answer in time, or not to every request.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com]
failures:
  description: The nodes that answered, but not with what was asked for.
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    msg:
      description: Why its answer is of no use, with what the node said, as it said it.
      type: str
  sample:
    - identity: old1.example.com
      msg: "5: cannot load facts"
unexpected:
  description: Nodes that answered though they were not addressed. Their replies are not used.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
stats:
  description: Figures of all requests together.
  returned: always, unless the request could not be sent
  type: dict
  contains:
    broker:
      description: The broker that was used.
      type: str
    nodes:
      description: How many nodes were addressed.
      type: int
    gathered:
      description: How many nodes are in RV(node_info).
      type: int
    failed:
      description: How many nodes are in RV(failures).
      type: int
    no_response:
      description: How many nodes are in RV(no_response).
      type: int
    requests:
      description:
        - How many requests it took. A request can name facts of 200 characters altogether, so that more need several.
      type: int
    lost:
      description: Why the connection to the broker ended before the replies were in, if it did.
      type: str
    timeout:
      description: How many seconds there were for the replies.
      type: float
    seconds:
      description: How long V(connect), V(discovery) and V(call) took, the last two for the last request.
      type: dict
    passed_over:
      description: Why the brokers before the one that was used were passed over.
      type: list
      elements: str
    rejected:
      description: How many messages were dropped, by reason, as M(pymco.mcollective.mcollective_rpc) has it.
      type: dict
  sample:
    broker: broker.example.com:61613
    passed_over: []
    nodes: 3
    gathered: 1
    failed: 1
    no_response: 1
    requests: 1
    rejected: {}
    lost:
    timeout: 12.0
    seconds:
      connect: 0.012
      discovery: 2.004
      call: 12.001
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(NodeInfoTask)


if __name__ == "__main__":
    main()
