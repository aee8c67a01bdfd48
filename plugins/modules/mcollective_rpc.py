#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_rpc
short_description: Call an action of an MCollective agent on many nodes at once
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Publishes one signed request on the message broker of an MCollective collective and collects the replies of the nodes.
    One task addresses any number of nodes, or the node of its host (see O(target)). O(nodes) and the filters select nodes.
  - The module needs no connection to the nodes. Run it on a host that reaches the broker and has the client's configuration
    and keys. Usually that is the control host, with C(hosts=localhost) or C(delegate_to=localhost).
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.per_host
  - pymco.mcollective.progress
attributes:
  check_mode:
    support: partial
    details:
      - In check mode, the module checks its options and discovers the nodes. It does not send the request, and RV(replies) is empty.
        It calls an action that changes nothing in check mode too; see O(read_only).
  diff_mode:
    support: partial
    details:
      - Shows the nodes that an action is called on that may change something. Only the agent knows what it changes.
  idempotent:
    support: N/A
    details:
      - The agent decides what an action does. The module reports a change if it has sent a request, unless the action changes nothing;
        see O(read_only). Modules such as M(pymco.mcollective.mcollective_service) are idempotent.
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
      - The action's inputs by name. Values keep their YAML types, so write a number or a boolean where the agent expects one.
        A template such as V("{{ port }}") has the type of its variable.
    type: dict
    default: {}
  timeout:
    description:
      - How many seconds to wait for replies after the request, or a batch of it, has been sent. The wait ends when all nodes have answered.
      - The default is the timeout that the agent's DDL declares, or V(10) without a DDL, plus the discovery timeout. C(mco) has the same.
      - A node stops an action after the timeout that its agent declares. The node then does not answer at all.
    type: float
  publish_timeout:
    description:
      - How many seconds sending may take when the request goes to many nodes one by one. RV(unsent) lists the nodes that were left.
      - The default is the configuration's C(publish_timeout), or the value of O(timeout) if that is not set.
    type: float
  ttl:
    description:
      - Nodes drop a request that arrives more than this many seconds after it was made. So the clock here may be this far behind theirs.
        If the clock here is ahead, nodes accept the request for longer.
      - The default is the configuration's C(ttl), or V(60) if that is not set.
    type: int
  batch_size:
    description:
      - How many nodes to ask at once, as a number or as a percentage of all nodes. A percentage is rounded up. V(0) means all nodes.
      - The next batch starts when all nodes of the current batch have answered or its O(timeout) is over. All batches are one request.
      - It cannot be combined with O(process_results=false), O(reply_to) or O(discovery_method=none).
      - The default is the configuration's C(default_batch_size), or V(0) if that is not set.
    type: str
  batch_sleep:
    description: How many seconds to wait between two batches. The default is the configuration's C(default_batch_sleep_time), or V(1).
    type: float
  max_fail_percentage:
    description:
      - If more than this percentage of a batch fails or stays silent, no further batch starts and the task fails. RV(unsent) lists the rest.
      - As with the play keyword of the same name, the value must be exceeded. V(0) stops at the first failure.
      - It needs a O(batch_size).
    type: float
  process_results:
    description:
      - Whether to wait for replies. With V(false), the task ends as soon as the broker has the request, the nodes send no replies,
        and nodes are discovered only for O(limit) or O(expected_nodes).
    type: bool
    default: true
  reply_to:
    description:
      - Where nodes send their replies, as an address of the broker such as V(/queue/audit). The task does not wait for them.
        The connector V(stomp) does not support this option.
    type: str
  validate:
    description:
      - Whether to check O(arguments) against the agent's DDL before they are sent. With a DDL, the module also fills in required inputs
        that have a default, turns text into a number or a boolean where the DDL declares one, and returns a RV(summary).
      - V(auto) uses the DDL if there is one. Without one, the nodes judge by theirs. If only a part of the DDL can be read, the module uses
        that part and warns about the rest. It sends inputs that the DDL does not declare, as MCollective allows, and warns about them.
      - V(strict) refuses the request if there is no DDL, if a part of the DDL cannot be read, if only nodes can check one of its rules,
        or if the DDL does not declare an input.
      - V(off) uses no DDL.
    type: str
    choices: [auto, strict, 'off']
    default: auto
  ddl_path:
    description:
      - Where to look for DDLs first. An entry is a directory, or a file with the agent's name, in the Ruby form C(.ddl) or the JSON form C(.json).
      - The module always finds the DDLs in the configuration's C(libdir), and those of the agents that every node has, such as C(rpcutil).
    type: list
    elements: path
    default: []
  read_only:
    description:
      - Whether the action changes nothing. If so, the task reports no change, and it calls the action in check mode too.
      - Without this option, the module knows it of all actions of C(rpcutil), and of actions that only look of the agents C(service),
        C(package), C(puppet), C(nrpe), C(process), C(filemgr) and others, such as C(status) and C(list). Others count as a change.
      - Set V(false) if an agent of yours has the name of a well-known one, and such an action changes something.
    type: bool
  fail_on:
    description:
      - What makes the task fail. The task returns all replies in any case. It always fails when O(max_fail_percentage) is exceeded.
      - V(failed) means that the action failed on a node (its C(statuscode) is not 0).
      - V(no_response) means that an addressed node did not answer in time, or that there was no time to send it the request.
      - V(no_nodes) means that there is no node to address, or that there are fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
  return_replies:
    description:
      - Which replies to return. With ten thousand nodes, the replies are most of what a task stores and shows.
      - RV(stats) and RV(summary) cover all replies in any case.
    type: str
    choices: [all, failed, none]
    default: all
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
  register: facts

- name: Show the kernel of each node
  ansible.builtin.debug:
    msg: "{{ item.sender }} runs {{ item.data['values'].kernelrelease }}"
  loop: "{{ facts.replies }}"
  loop_control:
    label: "{{ item.sender }}"

- name: Restart a service on the web servers of one site, and handle failures in the play
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: restart
    arguments:
      service: nginx
    class_filters: [role::web]
    fact_filters: [site=zurich]
    timeout: 60
    fail_on: [no_nodes]
  register: restart

- name: Show the nodes that need attention
  ansible.builtin.debug:
    msg: "failed: {{ restart.replies | selectattr('statuscode') | map(attribute='sender') | list }}, silent: {{ restart.no_response }}"

- name: Restart ten percent of some application servers at a time, and stop when more than a fifth of a batch fails
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: restart
    arguments: {service: gunicorn}
    compound_filter: /^role::app/ and processorcount>=8 and not env=production
    batch_size: 10%
    max_fail_percentage: 20

- name: Count the values of a fact in the whole fleet, without the reply of each node
  pymco.mcollective.mcollective_rpc:
    agent: rpcutil
    action: get_fact
    arguments: {fact: operatingsystem}
    return_replies: none
  register: systems

- name: Show how often each value occurs
  ansible.builtin.debug:
    msg: "{{ systems.summary[0].counts }}"

- name: Ask the node of the current host, through the control host
  pymco.mcollective.mcollective_rpc:
    agent: rpcutil
    action: daemon_stats
    target: host
  delegate_to: localhost
  register: stats

- name: Show how many requests the node has received
  ansible.builtin.debug:
    msg: "{{ stats.reply.data.total }} requests"
"""

RETURN = r"""
replies:
  description: One entry for each node that answered, sorted by C(sender), with the same six keys that C(mco rpc -j) prints.
  returned: unless the task is about one host (O(target=host)) or the request could not be sent; see O(return_replies)
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
        - V(0) means success, V(1) that the agent gave up, and V(5) any other error. V(4) means that the request does not fit the agent's DDL,
          for example because of an unknown action or a missing argument. If only the agent itself noticed it, V(2) means an unknown
          action and V(3) means missing data.
      type: int
    statusmsg:
      description: The status in words.
      type: str
    data:
      description:
        - The action's outputs by name, with their types. A Ruby Symbol becomes a string.
        - A binary string is a dictionary with the keys C(content) and C(encoding), as M(ansible.builtin.slurp) returns it.
        - The guide R(about values,ansible_collections.pymco.mcollective.docsite.rpc_guide.values) covers values and keys that JSON lacks.
      type: dict
  sample:
    - {agent: rpcutil, action: ping, sender: web1.example.com, statuscode: 0, statusmsg: OK, data: {pong: 1395419893}}
reply:
  description: The only reply. With O(target=host), it takes the place of RV(replies).
  returned: when one node was addressed and has answered
  type: dict
nodes:
  description:
    - The identities of the addressed nodes. In check mode, the nodes that the request would address.
    - With O(discovery_method=none), the nodes that answered. Empty if the request went to all nodes that fit and the task did not wait.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com, web1.example.com]
no_response:
  description:
    - The nodes of RV(nodes) that did not answer in time. They may have received the request.
    - A node whose reply exceeded O(max_reply_bytes) is in this list too, and a warning names it.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com]
unsent:
  description:
    - The nodes of RV(nodes) that the request was certainly not sent to. An earlier batch failed, time ran out, the connection was lost,
      there are fewer nodes than O(expected_nodes), or a NATS server does not permit the user to send to them.
  returned: always, unless the request could not be sent
  type: list
  elements: str
diff:
  description: The nodes that the action was called on, or would be in check mode, with the agent and the action.
  returned: with C(--diff), when the task is C(changed)
  type: dict
unexpected:
  description: Nodes that answered although they were not addressed. The module does not use their replies.
  returned: always, unless the request could not be sent
  type: list
  elements: str
stats:
  description:
    - Figures of the call. Numbers of nodes are always there. Other figures are left out if they have nothing to tell.
    - So test RV(stats.rejected) and others with C(is defined), or read them with C(| default({})).
  returned: always, unless the request could not be sent
  type: dict
  contains:
    requestid:
      description: The request's identifier, as it appears in the logs of the nodes.
      returned: when a request was sent
      type: str
    configuration: {type: str, description: "The configuration file that was read, or C(the given options)."}
    broker:
      description: The broker that was used.
      returned: when a broker was used
      type: str
    passed_over:
      description: Why each other broker of the pool was not used, or was given up during discovery.
      returned: when a broker was passed over
      type: list
      elements: str
    nodes: {type: int, description: The number of addressed nodes.}
    responses: {type: int, description: The number of nodes that answered.}
    ok: {type: int, description: The number of nodes on which the action succeeded.}
    failed: {type: int, description: The number of nodes on which the action failed.}
    no_response: {type: int, description: The number of nodes that did not answer.}
    unsent:
      description: The number of nodes to which the request was not sent.
      returned: when it is not zero
      type: int
    batches:
      description: The number of batches.
      returned: when there were several
      type: int
    rejected:
      description:
        - The number of dropped messages by reason. V(undecodable) and V(malformed) are garbage. V(oversized) is too large.
          V(other_request) answers another request. V(duplicate) repeats an answer. V(contradictory) differs from the node's first answer.
          V(forged) has a wrong signature. V(unexpected) comes from a node that was not addressed. V(over_limit) exceeded O(max_reply_bytes).
        - V(unsigned) comes from a node of Choria without a signature, V(untrusted) and V(expired) from one without a valid token.
        - The task warns about V(contradictory), V(over_limit), V(unsigned), V(untrusted) and V(expired), and names the nodes.
      returned: when messages were dropped
      type: dict
    lost:
      description: Why the connection to the broker ended before all replies arrived.
      returned: when it did
      type: str
    resumed:
      description:
        - Why the connection was lost, for each time that the module went on listening over a new connection. This is possible where reply
          addresses outlive a connection. Those of V(activemq), V(stomp) and V(nats) do, and those of V(rabbitmq) with
          C(use_reply_exchange). The module never sends the request again.
      returned: when it did so
      type: list
      elements: str
    timeout: {type: float, description: How many seconds each batch had to answer.}
    seconds: {type: dict, description: "How many seconds V(connect), V(discovery) and V(call) took."}
  sample: {requestid: 1f8b4f7aa1c54ea58a1f5a2a0b1ab7de, configuration: /etc/mcollective/client.cfg, broker: "broker.example.com:61613",
           nodes: 2, responses: 1, ok: 1, failed: 0, no_response: 1, timeout: 12.0, seconds: {connect: 0.012, discovery: 2.004, call: 10.001}}
summary:
  description: The results of the DDL's aggregate functions over all replies, failed ones included. C(mco) prints them as summaries.
  returned: when the DDL declares aggregate functions for the action, it succeeded on a node, and O(validate) is not V(off)
  type: list
  elements: dict
  contains:
    output: {type: str, description: The output that is summarized.}
    function:
      description: The function, such as V(summary), V(average) or V(sum).
      type: str
    display_as:
      description: The DDL's heading for the output.
      type: str
    value:
      description: The number that the function returned. Only functions that return a number have it.
      type: float
    counts:
      description: How often each value occurs, the most frequent first. Only V(summary) has it.
      type: list
      elements: dict
    lines:
      description: The result as C(mco) shows it.
      type: list
      elements: str
    error:
      description: Why there is no result, if the function failed.
      type: str
  sample:
    - {output: value, function: summary, display_as: Value, lines: [Debian = 7, Ubuntu = 2],
       counts: [{value: Debian, count: 7}, {value: Ubuntu, count: 2}]}
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(RpcTask)


if __name__ == "__main__":
    main()
