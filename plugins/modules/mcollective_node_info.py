#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_node_info
short_description: Gather facts, classes, agents, collectives and statistics of many MCollective nodes at once
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks the selected nodes for their inventory in one request, and returns it as data.
  - If a task gathers only named facts, nodes send only these. This saves much traffic where nodes have thousands of facts.
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
  gather:
    description:
      - What to gather. The default is V(facts), V(classes), V(agents) and V(collectives), or only V(facts) if O(facts) is set.
      - Nodes send their whole inventory in any case, unless O(facts) is set and nothing else is gathered, or only V(stats) and
        V(agent_details) are gathered.
      - V(stats) and V(agent_details) need another request each. A node that does not have an action for it is in RV(failures).
    type: list
    elements: str
    choices: [facts, classes, agents, collectives, main_collective, data_plugins, stats, agent_details]
  facts:
    description:
      - The names of the facts to gather. The default is all facts.
      - Use the top-level name of a fact that is a hash. The module gathers the whole hash. It leaves out facts that a node does not have.
    type: list
    elements: str
  timeout:
    description:
      - How many seconds to wait for replies after a request has been sent. The wait ends at once when all nodes have answered.
      - The default is V(10) plus the discovery timeout, as with C(mco).
    type: float
  ttl:
    description:
      - Nodes drop a request that arrives more than this many seconds after it was made. So the clock here may be this far behind theirs.
        If the clock here is ahead, nodes accept the request for longer.
      - The default is the configuration's C(ttl), or V(60) if that is not set.
    type: int
  fail_on:
    description:
      - What makes the task fail. The task returns all gathered data in any case.
      - V(failed) means that a node answered, but not with the requested data.
      - V(no_response) means that an addressed node did not answer in time.
      - V(no_nodes) means that there is no node to address, or that there are fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
notes:
  - Nodes store the values of facts as text, numbers and booleans included. Hashes and lists keep their form.
seealso:
  - module: pymco.mcollective.mcollective_discovery_info
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

- name: Count the nodes of each kernel
  ansible.builtin.debug:
    msg: "{{ item.0 }} runs on {{ item.1 | length }} nodes"
  loop: "{{ kernels.node_info | selectattr('facts.kernelrelease', 'defined') | groupby('facts.kernelrelease') }}"
  loop_control:
    label: "{{ item.0 }}"

- name: Gather everything about the web servers
  pymco.mcollective.mcollective_node_info:
    class_filters:
      - role::web
  register: web

- name: Show the web servers without the agent puppet
  ansible.builtin.debug:
    msg: "{{ web.node_info | rejectattr('agents', 'contains', 'puppet') | map(attribute='identity') | list }}"

- name: Gather what mco inventory shows of the daemons
  pymco.mcollective.mcollective_node_info:
    gather: [stats, agent_details, collectives]
  register: daemons

- name: Show since when each daemon runs, and how many requests it has answered
  ansible.builtin.debug:
    msg: "{{ item.identity }} {{ '%Y-%m-%d %H:%M' | strftime(item.stats.starttime) }}, {{ item.stats.replies }} replies"
  loop: "{{ daemons.node_info }}"
  loop_control:
    label: "{{ item.identity }}"

- name: Show how many nodes each collective has
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.nodes | length }}"
  loop: "{{ daemons.collectives }}"
  loop_control:
    label: "{{ item.name }}"

- name: Show the classes of one web server
  ansible.builtin.debug:
    msg: "{{ (web.node_info | items2dict(key_name='identity', value_name='classes'))['web1.example.com'] }}"
"""

RETURN = r"""
node_info:
  description: One entry for each node that sent all requested data, sorted by C(identity).
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    facts:
      description: The node's facts by name.
      returned: when gathered
      type: dict
    classes:
      description: The configuration management classes of the node.
      returned: when gathered
      type: list
      elements: str
    agents:
      description: The names of the node's agents.
      returned: when gathered
      type: list
      elements: str
    collectives:
      description: The collectives of the node.
      returned: when gathered
      type: list
      elements: str
    main_collective:
      description: The main collective of the node.
      returned: when gathered
      type: str
    data_plugins:
      description: The names of the node's data plugins. Nodes of MCollective append C(_data) to each.
      returned: when gathered
      type: list
      elements: str
    stats:
      description:
        - What the action C(rpcutil daemon_stats) returns, without the agents.
        - The start time in Unix seconds is C(starttime). The counters of messages are C(total), C(validated), C(unvalidated), C(passed),
          C(filtered), C(ttlexpired) and C(replies). C(times) has the processor time.
      returned: when gathered
      type: dict
      sample:
        configfile: /etc/mcollective/server.cfg
        filtered: 4
        passed: 38
        pid: 1024
        replies: 37
        starttime: 1764460800
        threads: []
        times:
          cstime: 0.0
          cutime: 0.0
          stime: 0.05
          utime: 0.4
        total: 42
        ttlexpired: 0
        unvalidated: 0
        validated: 42
        version: 2.12.5
    agent_details:
      description: What the action C(rpcutil agent_inventory) returns of each agent, such as its C(agent), C(version) and C(description).
      returned: when gathered
      type: list
      elements: dict
      sample:
        - agent: puppet
          author: R.I.Pienaar
          description: Manages, monitors and reports on the Puppet agent
          license: Apache-2.0
          name: puppet
          timeout: 20
          url: https://choria.io/
          version: 2.4.2
    version:
      description: The MCollective version of the node.
      returned: unless only O(facts) or V(agent_details) are gathered
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
collectives:
  description: All collectives of the nodes in RV(node_info), sorted by name.
  returned: when collectives have been gathered
  type: list
  elements: dict
  contains:
    name:
      description: The name of the collective.
      type: str
    nodes:
      description: The identities of its nodes.
      type: list
      elements: str
  sample:
    - name: mcollective
      nodes: [web1.example.com]
agents:
  description:
    - All agents of the nodes in RV(node_info), sorted by name and version.
    - An agent of which nodes tell different versions or descriptions has an entry for each.
  returned: when V(agent_details) have been gathered
  type: list
  elements: dict
  contains:
    name:
      description: The name of the agent.
      type: str
    version:
      description: Its version.
      type: str
    description:
      description: What it does.
      type: str
    nodes:
      description: The identities of the nodes that have it.
      type: list
      elements: str
  sample:
    - name: puppet
      version: 2.4.2
      description: Manages, monitors and reports on the Puppet agent
      nodes: [web1.example.com]
nodes:
  description: The identities of the addressed nodes.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com, old1.example.com, web1.example.com]
no_response:
  description:
    - The nodes of RV(nodes) that did not answer every request in time.
    - If there are fewer nodes than O(expected_nodes), no node is asked, and all of them are in this list.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com]
failures:
  description: The nodes that answered, but not with the requested data.
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    msg:
      description: Why the answer cannot be used. It contains the node's own words without any change.
      type: str
  sample:
    - identity: old1.example.com
      msg: "5: cannot load facts"
unexpected:
  description: Nodes that answered although they were not addressed. The module does not use their replies.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
stats:
  description: Figures of all requests. What has nothing to tell is left out, except numbers of nodes.
  returned: always, unless the request could not be sent
  type: dict
  contains:
    configuration:
      description: The configuration file that was read, or C(the given options).
      type: str
    broker:
      description: The broker that was used.
      returned: when a broker was used
      type: str
    nodes:
      description: The number of addressed nodes.
      type: int
    gathered:
      description: The number of nodes in RV(node_info).
      type: int
    failed:
      description: The number of nodes in RV(failures).
      type: int
    no_response:
      description: The number of nodes in RV(no_response).
      type: int
    requests:
      description: The number of requests. One request can name facts of up to 200 characters in total. More names need more requests.
      type: int
    lost:
      description: Why the connection to the broker ended before all replies arrived.
      returned: when it did
      type: str
    timeout:
      description: How many seconds the nodes had to answer.
      type: float
    seconds:
      description: How many seconds V(connect), V(discovery) and V(call) took. The last two are those of the last request.
      type: dict
    passed_over:
      description: Why each broker before the used one was passed over.
      returned: when a broker was passed over
      type: list
      elements: str
    rejected:
      description: The number of dropped messages by reason. M(pymco.mcollective.mcollective_rpc) describes the reasons.
      returned: when messages were dropped
      type: dict
  sample:
    configuration: /etc/mcollective/client.cfg
    broker: broker.example.com:61613
    nodes: 3
    gathered: 1
    failed: 1
    no_response: 1
    requests: 1
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
