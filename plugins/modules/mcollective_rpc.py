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
    usually with C(hosts=localhost) or C(delegate_to=localhost). There it runs within Ansible itself.
  - One task addresses any number of nodes. Use O(nodes) or the filters to say which.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.progress
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
      - How many seconds to wait for replies once the request has been sent. The call ends at once when all nodes have answered.
        In a call in batches, each batch has this time.
      - By default the time that the agent's DDL declares, or V(10) without one, plus the discovery timeout, as with C(mco).
      - Nodes stop an action after the timeout that its agent declares, and then do not answer at all.
    type: float
  publish_timeout:
    description:
      - How many seconds sending may take when many nodes are addressed singly. Nodes that the request was not sent to by then are left
        out, and named in RV(unsent).
      - By default the configuration's C(publish_timeout) and, without one, the same as O(timeout).
    type: float
  ttl:
    description:
      - Nodes that get the request later than so many seconds after it was made drop it. It also is how far the clock here may be
        behind theirs. With a clock that is ahead, nodes take requests for longer.
      - By default the configuration's C(ttl), which is 60 if it is not set.
    type: int
  batch_size:
    description:
      - How many nodes to ask at once, as a number or as a percentage of all, which is rounded up. V(0) means all.
        The next batch is asked when the one before it has answered, or its O(timeout) is over. All of it is one request.
      - By default the configuration's C(default_batch_size), which is 0 if it is not set.
    type: str
  batch_sleep:
    description:
      - How many seconds to wait between two batches.
      - By default the configuration's C(default_batch_sleep_time), which is 1 if it is not set.
    type: float
  max_fail_percentage:
    description:
      - When more than this percentage of a batch has failed or stayed silent, no further batch is asked, and the task fails.
        The nodes that were not asked are in RV(unsent).
      - Like the play keyword of that name, it must be exceeded. V(0) stops at the first failure.
    type: float
  process_results:
    description:
      - Whether to wait for replies. If not, the task ends as soon as the broker has the request, and the nodes send no replies.
        Nobody is discovered then, unless O(limit) or O(expected_nodes) want it.
    type: bool
    default: true
  reply_to:
    description:
      - Where nodes are to send their replies instead of to us, in the broker's terms, such as V(/queue/audit). The task does not wait for them.
      - The connector V(stomp) has no such choice.
    type: str
  validate:
    description:
      - Whether O(arguments) are checked against the agent's DDL before they are sent. With a DDL inputs that are required and have
        a default get it, text becomes a number or a truth value where the DDL wants one, and there is a RV(summary).
      - V(auto) uses the DDL if there is one. Without one, the nodes judge by theirs. If a DDL can be read in part only, that part is used,
        and a warning names the rest. Inputs that the DDL does not declare are sent, with a warning, since MCollective allows them.
      - V(strict) refuses to send what cannot be checked wholly, because there is no DDL, because part of it cannot be read, or because a rule
        can be checked by nodes only, and inputs that the DDL does not declare.
      - V(off) uses none.
    type: str
    choices: [auto, strict, 'off']
    default: auto
  ddl_path:
    description:
      - Where to look for DDLs first. Files named after their agent, in the Ruby form C(.ddl) or the JSON form C(.json), or directories of such.
      - DDLs in the configuration's C(libdir), and that of C(rpcutil), are found without it.
    type: list
    elements: path
    default: []
  read_only:
    description: Says that the action changes nothing. Then the task reports no change, and runs in check mode too.
    type: bool
    default: false
  fail_on:
    description:
      - What makes the task fail. All replies are returned in any case. A O(max_fail_percentage) that is exceeded always does.
      - V(failed) means that an action failed on a node (its C(statuscode) is not 0).
      - V(no_response) means that a node which was addressed did not answer in time, or that there was no time to send it the request.
      - V(no_nodes) means that there is no node to address, or fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
  return_replies:
    description:
      - Which replies to return. On ten thousand nodes they are most of what a task stores and shows.
        RV(stats) and RV(summary) are about all of them in any case.
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

- name: Restart ten percent of the application servers at a time, and stop when more than a fifth of a batch fails
  pymco.mcollective.mcollective_rpc:
    agent: service
    action: restart
    arguments:
      service: gunicorn
    class_filters:
      - role::app
    batch_size: 10%
    batch_sleep: 5
    max_fail_percentage: 20
    timeout: 60

- name: Have three nodes, any three, run Puppet, and do not wait for it
  pymco.mcollective.mcollective_rpc:
    agent: puppet
    action: runonce
    limit: 3
    limit_method: random
    process_results: false

- name: Count the values of a fact over the whole fleet, without keeping a reply of each node
  pymco.mcollective.mcollective_rpc:
    agent: rpcutil
    action: get_fact
    arguments:
      fact: operatingsystem
    read_only: true
    return_replies: none
  register: systems

- name: Show how many there are of each
  ansible.builtin.debug:
    msg: "{{ systems.summary[0].counts }}"

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
  returned: always, unless the request could not be sent; see O(return_replies)
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
        - The guide R(about values,ansible_collections.pymco.mcollective.docsite.rpc_guide.values) tells what becomes of keys that are no
          texts, and of other values for which JSON has no form.
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
  description:
    - The identities of the nodes that were addressed; in check mode, that would have been.
    - With O(discovery_method=none) those that answered. Empty if a request went to whoever fits and nobody waited for replies.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com, web1.example.com]
no_response:
  description:
    - The nodes of RV(nodes) that did not answer in time. They may have got the request.
    - A node whose reply had no room in O(max_reply_bytes) is among them, and is named in a warning.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [db1.example.com]
unsent:
  description:
    - The nodes of RV(nodes) that the request certainly was not sent to, because a batch before them failed, for want of time, or
      since the connection was lost before their turn.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
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
      description: Why other brokers of the pool were not used, or were left in the middle of discovery.
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
    unsent:
      description: How many the request was not sent to.
      type: int
    batches:
      description: In how many batches it was sent.
      type: int
    rejected:
      description:
        - How many messages were dropped, by reason. V(undecodable) and V(malformed) are garbage, V(oversized) is too large,
          V(other_request) answers another request, V(duplicate) is an answer that came again, V(contradictory) is a further answer of a
          node that says something else than its first, V(forged) has a wrong signature, V(unexpected) comes from a node that was
          not addressed, V(over_limit) had no room in O(max_reply_bytes).
        - The task warns of V(contradictory) and V(over_limit), and names the nodes.
      type: dict
    lost:
      description: Why the connection to the broker ended before the replies were in, if it did.
      type: str
    resumed:
      description:
        - Why the connection was lost, each time that listening went on over another one. That is possible where the address for
          replies outlives a connection, with the connectors V(activemq) and V(stomp), and with V(rabbitmq) if
          C(use_reply_exchange) is set. The request is never sent again.
      type: list
      elements: str
    timeout:
      description: How many seconds each batch had to answer.
      type: float
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
    unsent: 0
    batches: 1
    rejected: {}
    lost:
    resumed: []
    timeout: 12.0
    seconds:
      connect: 0.012
      discovery: 2.004
      call: 10.001
summary:
  description: What the DDL's aggregate functions make of all replies, those of failed ones included; what C(mco) prints as summaries.
  returned: when the action's DDL has such and O(validate) is not V(off)
  type: list
  elements: dict
  contains:
    output:
      description: The output that it is about.
      type: str
    function:
      description: The function, such as V(summary), V(average) or V(sum).
      type: str
    display_as:
      description: What the DDL calls the output.
      type: str
    value:
      description: The number that came out. Only of functions that make one.
      type: float
    counts:
      description: How often each value came, the most frequent first. Only of V(summary).
      type: list
      elements: dict
    lines:
      description: It as C(mco) shows it.
      type: list
      elements: str
    error:
      description: Why it came to nothing, if so.
      type: str
  sample:
    - output: value
      function: summary
      display_as: Value
      counts:
        - value: Debian
          count: 7
        - value: Ubuntu
          count: 2
      lines:
        - Debian = 7
        - Ubuntu = 2
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(RpcTask)


if __name__ == "__main__":
    main()
