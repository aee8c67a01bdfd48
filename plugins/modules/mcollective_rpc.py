#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_rpc
short_description: Call an action of an MCollective agent on many nodes at once
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Publishes one signed request on the message broker of an MCollective collective and collects the nodes' replies.
  - It needs no connection to the nodes. Run it on a host that reaches the broker and has the client's configuration and keys,
    usually with C(hosts=localhost) or C(delegate_to=localhost).
  - One task addresses any number of nodes. Use O(nodes) or the filters to say which.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
attributes:
  check_mode:
    support: partial
    details:
      - Options are checked and nodes are discovered, but the request is not sent, and RV(replies) is empty.
      - With O(read_only=true) the request is sent in check mode too.
  diff_mode:
    support: none
  idempotent:
    support: N/A
    details:
      - What an action does is up to its agent. The module reports a change whenever it has sent a request, unless O(read_only=true).
options:
  agent:
    description: The agent to call.
    type: str
    required: true
  action:
    description: The agent's action to call.
    type: str
    required: true
  arguments:
    description:
      - The action's inputs by name. Values keep the types that they have in YAML, so write numbers and booleans
        for an agent that wants such.
      - Beware of templates such as V("{{ port }}"), which give the type that the variable has.
    type: dict
    default: {}
  timeout:
    description:
      - How many seconds to wait for replies. The call ends at once when all nodes have answered.
      - Nodes stop an action after the timeout that its agent declares, 10 seconds usually, and then do not answer at all.
    type: float
    default: 10.0
  ttl:
    description:
      - Nodes that get the request later than so many seconds after it was made drop it. It also is how much clocks may differ.
      - By default the configuration's C(ttl), which is 60 if it is not set.
    type: int
  read_only:
    description: Says that the action changes nothing. Then the task reports no change, and runs in check mode too.
    type: bool
    default: false
  fail_on:
    description:
      - What makes the task fail. All replies are returned in any case.
      - V(failed) means that an action failed on a node (its C(statuscode) is not 0).
      - V(no_response) means that a node which was addressed did not answer in time.
      - V(no_nodes) means that discovery found no node.
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
seealso:
  - name: SimpleRPC
    description: How agents and their actions work.
    link: https://puppet.com/docs/mcollective/current/simplerpc/clients.html
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_rpc -a "agent=rpcutil action=ping"

- name: Ask all nodes for two of their facts
  pymco.mcollective.mcollective_rpc:
    agent: rpcutil
    action: get_facts
    arguments:
      facts: os,kernelrelease
    read_only: true
  register: facts

- name: Show the kernel of each node
  ansible.builtin.debug:
    msg: "{{ item.sender }} runs {{ item.data['values'].kernelrelease }}"
  loop: "{{ facts.replies }}"
  loop_control:
    label: "{{ item.sender }}"

- name: Restart a service on the web servers of one site, and handle failures here
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: restart
    arguments:
      service: nginx
    class_filters:
      - role::web
    fact_filters:
      - site=zurich
    timeout: 60
    fail_on:
      - no_nodes
  register: restart

- name: Name the nodes that need a look
  ansible.builtin.debug:
    msg: "Failed: {{ restart.replies | rejectattr('statuscode', 'equalto', 0) | map(attribute='sender') | list }},
      silent: {{ restart.no_response }}"

- name: Find out the version of nginx on big web servers outside of production
  pymco.mcollective.mcollective_rpc:
    agent: package
    action: status
    arguments:
      package: nginx
    compound_filter: /^role::web/ and processorcount>=8 and not env=production
    read_only: true
  register: packages

- name: List the versions that there are
  ansible.builtin.debug:
    msg: "{{ packages.replies | map(attribute='data.ensure') | unique | sort }}"

- name: Ask the node that this play is about, through the control host
  pymco.mcollective.mcollective_rpc:
    agent: rpcutil
    action: daemon_stats
    nodes:
      - "{{ inventory_hostname }}"
    read_only: true
  delegate_to: localhost
  register: stats

- name: Show how many requests it has seen
  ansible.builtin.debug:
    msg: "{{ stats.reply.data.total }} requests"
"""

RETURN = r"""
replies:
  description: One entry for each node that answered, sorted by C(sender), with the same six keys that C(mco rpc -j) prints.
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    agent:
      description: The agent that was called.
      type: str
    action:
      description: The action that was called.
      type: str
    sender:
      description: The node's identity.
      type: str
    statuscode:
      description:
        - V(0) for success, V(1) if the agent gave up, V(4) if the request does not fit the agent's DDL, as with an unknown action
          or a missing argument, V(5) for any other error. V(2) and V(3) are for unknown actions and missing data that only the
          agent itself noticed.
      type: int
    statusmsg:
      description: The status in words.
      type: str
    data:
      description:
        - The action's outputs by name, with their types. A Ruby Symbol is a string.
        - A binary string is a dictionary with the keys C(content) and C(encoding), as M(ansible.builtin.slurp) returns them.
      type: dict
  sample:
    - agent: rpcutil
      action: ping
      sender: web1.example.com
      statuscode: 0
      statusmsg: OK
      data:
        pong: 1395419893
reply:
  description: The one entry of RV(replies).
  returned: when one node was addressed and has answered
  type: dict
  sample:
    agent: rpcutil
    action: ping
    sender: web1.example.com
    statuscode: 0
    statusmsg: OK
    data:
      pong: 1395419893
nodes:
  description: The identities of the nodes that were addressed; in check mode, that would have been.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com, web1.example.com]
no_response:
  description: The nodes of RV(nodes) that did not answer in time.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com]
unexpected:
  description: Nodes that answered though they were not addressed. Their replies are not used.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
stats:
  description: Figures of the call.
  returned: always, unless the request could not be sent
  type: dict
  contains:
    requestid:
      description: The request's identifier, as it appears in the nodes' logs. V(none) if nothing was sent.
      type: str
    broker:
      description: The broker that was used.
      type: str
    passed_over:
      description: Why the brokers before it in the pool were not used.
      type: list
      elements: str
    nodes:
      description: How many nodes were addressed.
      type: int
    responses:
      description: How many answered.
      type: int
    ok:
      description: On how many the action succeeded.
      type: int
    failed:
      description: On how many it failed.
      type: int
    no_response:
      description: How many did not answer.
      type: int
    rejected:
      description:
        - How many messages were dropped, by reason. V(undecodable) and V(malformed) are garbage, V(oversized) is too large,
          V(other_request) answers another request, V(duplicate) is a further answer of a node, V(forged) has a wrong signature,
          V(unexpected) comes from a node that was not addressed.
      type: dict
    lost:
      description: Why the connection to the broker ended before the replies were in, if it did.
      type: str
    seconds:
      description: How long V(connect), V(discovery) and V(call) took.
      type: dict
  sample:
    requestid: 1f8b4f7aa1c54ea58a1f5a2a0b1ab7de
    broker: broker.example.com:61613
    passed_over: []
    nodes: 2
    responses: 1
    ok: 1
    failed: 0
    no_response: 1
    rejected: {}
    lost:
    seconds:
      connect: 0.012
      discovery: 2.004
      call: 10.001
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(RpcTask)


if __name__ == "__main__":
    main()
