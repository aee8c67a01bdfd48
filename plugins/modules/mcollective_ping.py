#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_ping
short_description: Ping the nodes of an MCollective collective, and wait until they are there or gone
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks the nodes' discovery agent, which every node has, who is there, and how quickly each answers, as C(mco ping) does.
  - With a O(timeout) it asks again until the nodes answer that should, or, with O(state=absent), until none does. Use it after a
    reboot or a deployment.
  - Each try is a request of its own, and connects anew, so that the broker may be restarted meanwhile too.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.progress
options:
  expected_nodes:
    description:
      - How many nodes have to answer. A try ends at once when so many have.
      - Of O(nodes), any so many are enough. Without this option all of them have to answer.
      - With neither, one node that answers is enough.
    type: int
    aliases: [count]
  state:
    description:
      - What to wait for. V(present) means that nodes answer, V(absent) that none of them does any more.
      - Of O(nodes), one that has answered, or with V(absent) has not answered, is not asked again. So each needs to have been there, or gone,
        once. Without O(nodes), all have to be at the same time.
      - Nodes that do not answer look like nodes that are gone, whatever the reason, such as a wrong key.
    type: str
    choices: [present, absent]
    default: present
  timeout:
    description:
      - For how many seconds to try again, if need be. No try begins later than that.
      - A try ends O(discovery_timeout) seconds after the last answer, or at once when all have answered.
      - V(0) means that there is one try.
    type: float
    default: 0.0
  interval:
    description:
      - How many seconds there are from the beginning of a try to that of the next. If a try takes longer, the next follows at once.
    type: float
    default: 5.0
  fail_on:
    description:
      - What makes the task fail in the end.
      - V(answered) means that with O(state=absent) a node still answers.
      - V(no_response) means that one of O(nodes) does not answer, unless O(expected_nodes) tells how many have to.
      - V(no_nodes) means that no node answers, or fewer than O(expected_nodes).
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [answered, no_response, no_nodes]
    default: [answered, no_response, no_nodes]
notes:
  - Filters are left to the nodes. One of O(nodes) that does not fit them does not answer. So a task can wait until nodes have
    a class, or a fact has a value.
  - Names without a regular expression in O(identity_filters) and those in the file of O(discovery_method=flatfile) are pinged like O(nodes).
seealso:
  - module: pymco.mcollective.mcollective_find
  - module: ansible.builtin.wait_for_connection
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_ping

- name: See who is there
  pymco.mcollective.mcollective_ping:
  register: ping

- name: Name the three slowest
  ansible.builtin.debug:
    msg: "{{ (ping.nodes | sort(attribute='seconds'))[-3:] }} of {{ ping.stats.responses }}"

- name: Wait until twenty web servers have come up
  pymco.mcollective.mcollective_ping:
    class_filters:
      - role::web
    expected_nodes: 20
    timeout: 300

- name: Wait until this node goes away for its reboot
  pymco.mcollective.mcollective_ping:
    nodes:
      - "{{ inventory_hostname }}"
    state: absent
    timeout: 60
    interval: 1
    discovery_timeout: 1
  delegate_to: localhost

- name: Wait until it is back
  pymco.mcollective.mcollective_ping:
    nodes:
      - "{{ inventory_hostname }}"
    timeout: 600
  delegate_to: localhost

- name: See who of a list is missing, and go on without them
  pymco.mcollective.mcollective_ping:
    nodes:
      - web1.example.com
      - web2.example.com
    fail_on: []
  register: list

- name: Show the missing ones
  ansible.builtin.debug:
    var: list.no_response
"""

RETURN = r"""
nodes:
  description: The nodes that answered, sorted by C(identity). With O(state=absent) those that answered the last try.
  returned: always, unless the first try failed
  type: list
  elements: dict
  contains:
    identity:
      description: The node's identity.
      type: str
    seconds:
      description: The time from when the request was sent until the reply was taken in.
      type: float
  sample:
    - identity: web1.example.com
      seconds: 0.021348
no_response:
  description: The nodes that were asked by name and did not answer.
  returned: always, unless the first try failed
  type: list
  elements: str
  sample: [web2.example.com]
unexpected:
  description: Nodes that answered though they were not asked. Their replies are not used.
  returned: always, unless the first try failed
  type: list
  elements: str
  sample: []
stats:
  description: Figures of all tries together.
  returned: always, unless the first try failed
  type: dict
  contains:
    responses:
      description: How many nodes are in RV(nodes).
      type: int
    no_response:
      description: How many nodes are in RV(no_response).
      type: int
    min:
      description: The shortest time of RV(nodes), in seconds. V(none) if there are no nodes.
      type: float
    max:
      description: The longest one.
      type: float
    average:
      description: The arithmetic mean.
      type: float
    tries:
      description: How often was asked.
      type: int
    elapsed:
      description: How many seconds all of it took.
      type: float
    passed_over:
      description: Why the brokers before the one that was used were passed over.
      type: list
      elements: str
    rejected:
      description: How many messages were dropped, by reason, as M(pymco.mcollective.mcollective_rpc) has it.
      type: dict
  sample:
    responses: 1
    no_response: 1
    min: 0.021348
    max: 0.021348
    average: 0.021348
    tries: 1
    elapsed: 2.041
    passed_over: []
    rejected: {}
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(PingTask)


if __name__ == "__main__":
    main()
