#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_puppet
short_description: Run Puppet on many MCollective nodes and wait for the result, or enable or disable it
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Runs Puppet once on all selected nodes, on so many at a time, waits until each run has ended, and returns its result. A task with failed
    resources fails. It reports a change if Puppet has changed resources.
  - The module can also disable Puppet with a reason, and enable it again.
  - Nodes need the agent C(puppet), as the Puppet and Choria projects publish it.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
  - pymco.mcollective.targets
  - pymco.mcollective.per_host
  - pymco.mcollective.desired
  - pymco.mcollective.progress
attributes:
  check_mode:
    support: full
    details:
      - In check mode, the module asks nodes for their state, and tells which of them would change. It sends nothing that changes them.
      - It does not know what a run would change. So it reports a change for each node on which Puppet would run. Use O(noop=true) outside
        check mode to have Puppet tell what it would change.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(state=ran), Puppet runs each time. The task reports a change only if Puppet has changed something.
options:
  state:
    description:
      - V(ran) runs Puppet once and waits for the result. If a run is in progress on a node, the module waits until it has ended, and then
        starts another one.
      - V(enabled) and V(disabled) allow and forbid runs. They act only on nodes that differ. A run in progress goes on.
    type: str
    choices: [ran, enabled, disabled]
    default: ran
  reason:
    description:
      - Why Puppet is disabled. Whoever tries to run Puppet on the node sees it. The default is the agent's own message, with the caller and
        the time.
      - The reason on a node where Puppet is disabled already stays as it is. RV(outcomes) shows it.
    type: str
  concurrency:
    description:
      - On how many nodes Puppet may run at a time. When a run has ended, the next node gets its turn, as with C(mco puppet runall).
      - The default is all nodes at once.
    type: int
  max_fail_percentage:
    description:
      - If more than this percentage of all nodes has failed, no further run starts and the task fails. RV(unsent) lists the rest. The
        module waits for the runs in progress.
      - Only the runs that O(concurrency) has held back can be left out.
    type: float
  noop:
    description: Whether Puppet only tells what it would change. The default is the node's configuration.
    type: bool
  tags:
    description: Apply only resources with these tags.
    type: list
    elements: str
  skip_tags:
    description: Leave out resources with these tags. Agents before 2.4.0 of the Choria project do not know this.
    type: list
    elements: str
  environment:
    description: The environment of Puppet to use. The default is the node's configuration.
    type: str
  use_cached_catalog:
    description: Whether to apply the catalog that the node has. The default is the node's configuration.
    type: bool
  splay:
    description: Whether each node waits for a random time before it runs. Use it instead of O(concurrency) to spread the load.
    type: bool
    default: false
  splay_limit:
    description: The longest of these times, in seconds. The default is the agent's configuration, which is V(30) if nothing is set.
    type: int
  run_timeout:
    description:
      - How many seconds a node may take, from its turn to the end of its run. This includes a run that is in progress before.
      - A run that takes longer goes on, but the node has failed.
    type: float
    default: 600.0
  interval:
    description: How many seconds to wait between two questions to nodes for the end of their runs.
    type: float
    default: 5.0
  fail_on:
    description:
      - What makes the task fail. The task returns all outcomes in any case. It always fails when O(max_fail_percentage) is exceeded.
      - V(failed) means that a node could not tell its state, or is not in the wanted state in the end.
      - V(no_response) means that a node did not answer a request in time, or that there was no time to send it the request.
      - V(no_nodes) means that there is no node to address, or that there are fewer than O(expected_nodes). Nothing is changed then.
      - V(disabled) means that Puppet is disabled on a node, so that it cannot run. Without it, such nodes are left out.
      - Use an empty list to handle every outcome in the play.
    type: list
    elements: str
    choices: [failed, no_response, no_nodes, disabled]
    default: [failed, no_response, no_nodes, disabled]
notes:
  - If Puppet runs as a daemon on a node, the agent cannot pass options such as O(tags), O(noop) or O(environment) to it, and fails.
    The setting C(plugin.puppet.signal_daemon = false) of the node makes it start a run of its own instead.
  - The end of a run is told by the node's own clock, in seconds, so clocks need not agree.
seealso:
  - module: pymco.mcollective.mcollective_package
  - module: pymco.mcollective.mcollective_rpc
  - module: pymco.mcollective.mcollective_service
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_puppet -a "class_filters=role::web concurrency=5"

- name: Run Puppet on all nodes, on twenty at a time, and stop if more than a twentieth fails
  pymco.mcollective.mcollective_puppet:
    concurrency: 20
    max_fail_percentage: 5
  register: runs

- name: Show what Puppet has changed
  ansible.builtin.debug:
    msg: "{{ item.after }}"
  loop: "{{ runs.outcomes | selectattr('changed') }}"
  loop_control:
    label: "{{ item.sender }}"

- name: See what Puppet would change on the web servers
  pymco.mcollective.mcollective_puppet:
    noop: true
    tags: [nginx]
    class_filters:
      - role::web

- name: Disable Puppet during maintenance
  pymco.mcollective.mcollective_puppet:
    state: disabled
    reason: moving to the new rack, ask Anna
    fact_filters:
      - rack=12

- name: Enable it again
  pymco.mcollective.mcollective_puppet:
    state: enabled
    fact_filters:
      - rack=12
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
      description:
        - The state of Puppet before, such as V(stopped), V(idling) or V(applying a catalog), or V(enabled) or V(disabled).
        - V(none) if the node did not tell it.
      type: str
    after:
      description:
        - The result of the run in words, or V(enabled) or V(disabled). In check mode, what is expected.
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
    run:
      description:
        - The result of the run, as the agent tells it, with C(total_resources), C(changed_resources), C(corrected_resources),
          C(failed_resources), C(out_of_sync_resources), C(total_time) and C(config_retrieval_time) in seconds, C(config_version), and
          C(lastrun), the time of its end in seconds since 1970.
        - Only outcomes of runs that have ended have it.
      type: dict
  sample:
    - {sender: web1.example.com, before: stopped, after: 3 of 120 resources changed, changed: true, failed: false, msg: "",
       run: {total_resources: 120, changed_resources: 3, failed_resources: 0, out_of_sync_resources: 3, total_time: 12.3}}
outcome:
  description: The only entry of RV(outcomes).
  returned: when one node was addressed
  type: dict
  sample: {sender: web1.example.com, before: enabled, after: disabled, changed: true, failed: false, msg: ""}
nodes:
  description: The identities of the addressed nodes.
  returned: always, unless the request could not be sent
  type: list
  elements: str
  sample: [web1.example.com, web2.example.com]
no_response:
  description:
    - The nodes that did not answer a request in time. They may have received it.
    - A node that is silent during its run is asked again. It is in this list if it has not answered after O(run_timeout). If the broker
      cannot be used then, C(msg) in RV(outcomes) says so, and the node is not in this list.
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
  sample: {before: "web1.example.com: enabled\n", after: "web1.example.com: disabled\n"}
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

from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(PuppetTask)


if __name__ == "__main__":
    main()
