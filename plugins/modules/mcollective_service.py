#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_service
short_description: Start, stop or restart a service on many MCollective nodes
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks all selected nodes for the status of a service in one request. Only the nodes that differ are asked to start or stop it.
  - Nodes need the agent C(service), as the Puppet and Choria projects publish it. It cannot tell or set whether a service starts at boot.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.per_host
  - pymco.mcollective.desired
  - pymco.mcollective.batches
  - pymco.mcollective.progress
attributes:
  check_mode:
    support: full
    details:
      - In check mode, the module asks nodes for their state, and tells which of them would change. It sends nothing that changes them.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A service that is O(state=restarted) restarts each time.
options:
  name:
    description: The name of the service.
    type: str
    required: true
  state:
    description:
      - V(started) and V(stopped) act only on nodes where the service is not running, or not stopped.
      - V(restarted) restarts it on all nodes. It fails on a node where the service does not run afterwards.
    type: str
    required: true
    choices: [started, stopped, restarted]
  fail_on:
    description:
      - What makes the task fail. The task returns all outcomes in any case. It always fails when O(max_fail_percentage) is exceeded.
      - V(failed) means that a node could not tell its state, or is not in the wanted state in the end.
      - V(no_response) means that a node did not answer a request in time, or that there was no time to send it the request.
      - V(no_nodes) means that there is no node to address, or that there are fewer than O(expected_nodes). Nothing is changed then.
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes]
    default: [failed, no_response, no_nodes]
seealso:
  - module: pymco.mcollective.mcollective_package
  - module: pymco.mcollective.mcollective_puppet
  - module: pymco.mcollective.mcollective_rpc
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_service -a "name=nginx state=started class_filters=role::web" --check --diff

- name: Start nginx on the web servers where it does not run
  pymco.mcollective.mcollective_service:
    name: nginx
    state: started
    class_filters:
      - role::web
  register: nginx

- name: Show where it did not run
  ansible.builtin.debug:
    msg: "{{ nginx.outcomes | selectattr('changed') | map(attribute='sender') | list }}"

- name: Restart it on ten percent of the nodes at a time, and stop at the first node where it does not run afterwards
  pymco.mcollective.mcollective_service:
    name: nginx
    state: restarted
    class_filters:
      - role::web
    batch_size: 10%
    max_fail_percentage: 0

- name: Stop it on the node of the current host
  pymco.mcollective.mcollective_service:
    name: nginx
    state: stopped
    target: host
  delegate_to: localhost
  register: stopped

- name: Show what it was before
  ansible.builtin.debug:
    msg: "{{ stopped.outcome.before }}"
"""

RETURN = r"""
outcomes:
  description: What became of each node, sorted by C(sender).
  returned: always, unless the request could not be sent
  type: list
  elements: dict
  contains:
    sender:
      description: The node's identity.
      type: str
    before:
      description: The status of the service before, such as V(running) or V(stopped). V(none) if the node did not tell it.
      type: str
    after:
      description:
        - The status of the service in the end. In check mode, what is expected.
        - V(none) if the node did not tell it.
      type: str
    changed:
      description: Whether the task has changed the node, or would in check mode. Also V(true) if the node did not answer the request to change.
      type: bool
    failed:
      description: Whether the node is not in the wanted state, or did not answer.
      type: bool
    msg:
      description: What is wrong, or should be known. Empty if nothing is.
      type: str
  sample:
    - {sender: web1.example.com, before: running, after: running, changed: false, failed: false, msg: ""}
    - {sender: web2.example.com, before: stopped, after: running, changed: true, failed: false, msg: ""}
outcome:
  description: The only entry of RV(outcomes).
  returned: when one node was addressed
  type: dict
  sample: {sender: web2.example.com, before: stopped, after: running, changed: true, failed: false, msg: ""}
nodes:
  description: The identities of the addressed nodes.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [web1.example.com, web2.example.com]
no_response:
  description: The nodes that did not answer a request in time. They may have received it.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
unsent:
  description:
    - The nodes that were certainly not asked for their state, or that differ and were certainly not sent a request to change.
    - The task was stopped, time ran out, or the broker did not take the request. C(msg) in RV(outcomes) tells why.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
unexpected:
  description: Nodes that answered although they were not addressed. The module does not use their replies.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: []
diff:
  description: The states of the nodes that change, one per line.
  returned: always, unless the request could not be sent
  type: dict
  contains:
    before:
      description: Before the task.
      type: str
    after:
      description: After the task, or what is expected in check mode.
      type: str
  sample: {before: "web2.example.com: stopped\n", after: "web2.example.com: running\n"}
stats:
  description: Figures of the task. What has nothing to tell is left out, except numbers of nodes.
  returned: always, unless the request could not be sent
  type: dict
  contains:
    nodes:
      description: The number of addressed nodes.
      type: int
    changed:
      description: The number of nodes that changed, or would change in check mode.
      type: int
    failed:
      description: The number of nodes that answered, and are not in the wanted state.
      type: int
    no_response:
      description: The number of nodes that did not answer a request.
      type: int
    unsent:
      description: The number of nodes in RV(unsent).
      returned: when it is not zero
      type: int
    batches:
      description: The number of batches.
      returned: when there were several
      type: int
    requestids:
      description: The identifiers of the requests, as they appear in the logs of the nodes. The first one asked for the state.
      returned: when a request was sent
      type: list
      elements: str
    configuration:
      description: The configuration file that was read, or C(the given options).
      type: str
    broker:
      description: The broker that was used.
      returned: when a broker was used
      type: str
    passed_over:
      description: Why each other broker of the pool was not used, or was given up during discovery.
      returned: when a broker was passed over
      type: list
      elements: str
    rejected:
      description: The number of dropped messages by reason. See RV(pymco.mcollective.mcollective_rpc#module:stats).
      returned: when messages were dropped
      type: dict
    lost:
      description: Why the connection to the broker ended before all replies arrived.
      returned: when it did
      type: str
    resumed:
      description: Why the connection was lost, for each time that the module went on listening over a new connection.
      returned: when it did so
      type: list
      elements: str
    seconds:
      description: How many seconds V(connect), V(discovery) and V(call), the question for the state, took.
      type: dict
  sample: {nodes: 2, changed: 1, failed: 0, no_response: 0, requestids: [1f8b4f7aa1c54ea58a1f5a2a0b1ab7de],
           configuration: /etc/mcollective/client.cfg,
           broker: "broker.example.com:61613", seconds: {connect: 0.012, discovery: 2.004, call: 0.021}}
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask


def main() -> None:
    """Run the module."""
    run_module(ServiceTask)


if __name__ == "__main__":
    main()
