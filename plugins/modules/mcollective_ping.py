#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_ping
short_description: Ping the nodes of an MCollective collective, and wait until they answer or are gone
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks the discovery agent, which every node has, and returns which nodes answer and how quickly, as C(mco ping) does.
  - With a O(timeout), the module asks again until the expected nodes answer or, with O(state=absent), until no node answers. Use it
    after a reboot or a deployment.
  - Each try is a new request over a new connection, so the broker may restart in the meantime.
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
  expected_nodes:
    description:
      - How many nodes must answer. A try ends when this many have answered, and none for a further 0.2 seconds.
      - With O(nodes), this many of them are enough. Without this option, all O(nodes) must answer.
      - With neither option, one answer is enough.
      - This option cannot be combined with O(state=absent).
  state:
    description:
      - What to wait for. V(present) waits until nodes answer. V(absent) waits until no node answers any more.
      - With O(nodes), the module does not ask a node again after it has answered or, with V(absent), after it has not answered.
        So each node must answer, or be silent, once. Without O(nodes), all nodes must do so at the same time.
      - A node that is silent for another reason, such as a wrong key of the client, looks like a node that is gone. V(absent) fails
        if replies came that the client could not verify, or if the broker did not take the request to a node.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description:
      - For how many seconds to try again. No try begins later than that. V(0) means one try.
      - A try ends O(discovery_timeout) seconds after the last answer, or at once when all nodes have answered.
    type: float
    default: 0.0
  interval:
    description: How many seconds lie between the beginnings of two tries. If a try takes longer, the next one follows at once.
    type: float
    default: 5.0
  fail_on:
    description:
      - What makes the task fail after the last try.
      - V(answered) means that a node still answers, or that nobody can tell, with O(state=absent).
      - V(no_response) means that one of O(nodes) does not answer, unless O(expected_nodes) is set.
      - V(no_nodes) means that no node answers, or fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [answered, no_response, no_nodes]
    default: [answered, no_response, no_nodes]
notes:
  - The nodes evaluate the filters. One of O(nodes) that does not fit does not answer. So a task can wait until nodes have
    a class or a fact has a value.
  - The module treats names in O(identity_filters) without a regular expression, and names in the file of O(discovery_method=flatfile),
    like O(nodes).
seealso:
  - module: pymco.mcollective.mcollective_discovery_info
  - module: ansible.builtin.wait_for_connection
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_ping

- name: Ping all nodes
  pymco.mcollective.mcollective_ping:
  register: ping

- name: Show the three slowest nodes
  ansible.builtin.debug:
    msg: "{{ (ping.times | sort(attribute='seconds'))[-3:] }} of {{ ping.stats.responses }} nodes"

- name: Wait until three web servers answer
  pymco.mcollective.mcollective_ping:
    class_filters:
      - role::web
    expected_nodes: 3
    timeout: 300

- name: Reboot the node of this host, which has an agent for it
  pymco.mcollective.mcollective_rpc:
    agent: power
    action: reboot
    target: host
  delegate_to: localhost

- name: Wait until it shuts down
  pymco.mcollective.mcollective_ping:
    target: host
    state: absent
    timeout: 60
    interval: 1
    discovery_timeout: 1
  delegate_to: localhost

- name: Wait until it answers again
  pymco.mcollective.mcollective_ping:
    target: host
    timeout: 600
  delegate_to: localhost

- name: Find out which nodes of a list are missing, and continue without them
  pymco.mcollective.mcollective_ping:
    nodes:
      - web1.example.com
      - web2.example.com
    fail_on: []
  register: list

- name: Show the missing nodes
  ansible.builtin.debug:
    var: list.no_response
"""

RETURN = r"""
nodes:
  description:
    - The identities of the nodes that answered, for the option O(nodes) of further tasks. With O(state=absent), those that answered the last try.
  returned: always, unless the first try failed
  type: list
  elements: str
  sample: [web1.example.com]
times:
  description: The time of each of RV(nodes), in the same order.
  returned: always, unless the first try failed
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    seconds:
      description: The time from sending the request to receiving the reply.
      type: float
  sample:
    - identity: web1.example.com
      seconds: 0.021348
no_response:
  description: The nodes that the module asked by name and that did not answer.
  returned: always, unless the first try failed
  type: list
  elements: str
  sample: [web2.example.com]
unexpected:
  description: Nodes that answered although they were not asked. The module does not use their replies.
  returned: always, unless the first try failed
  type: list
  elements: str
  sample: []
stats:
  description: Figures of all tries. What has nothing to tell is left out.
  returned: always, unless the first try failed
  type: dict
  contains:
    responses:
      description: The number of nodes in RV(nodes).
      type: int
    no_response:
      description: The number of nodes in RV(no_response).
      type: int
    min:
      description: The shortest time in RV(times), in seconds.
      returned: when a node answered
      type: float
    max:
      description: The longest time in RV(times), in seconds.
      returned: when a node answered
      type: float
    average:
      description: The mean time in RV(times), in seconds.
      returned: when a node answered
      type: float
    tries:
      description: The number of tries.
      type: int
    elapsed:
      description: How many seconds all tries took.
      type: float
    configuration:
      description: The configuration file that was read, or C(the given options).
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
  sample:
    responses: 1
    no_response: 1
    min: 0.021348
    max: 0.021348
    average: 0.021348
    tries: 1
    elapsed: 2.041
    configuration: /etc/mcollective/client.cfg
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(PingTask)


if __name__ == "__main__":
    main()
