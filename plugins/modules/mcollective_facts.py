#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_facts
short_description: Gather the facts of a host from its MCollective node
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks the node of the current host for its facts, classes, agents and collectives, over the broker. Ansible does not log in to the host.
  - The module stores all data in C(ansible_facts.mcollective). No data of a node becomes a variable of its own or runs as a template.
  - To get the facts of many nodes at once, use the inventory plugin P(pymco.mcollective.mcollective#inventory) or the module
    M(pymco.mcollective.mcollective_node_info).
notes:
  - If the node of the task's host does not answer, the host is C(unreachable), as with any connection. The task fails if another O(node)
    does not answer, with C(async), and for every other reason.
  - Do not use this module with C(run_once). Ansible then gives the facts of the first host to all hosts.
  - As every module, it runs on the host that the task's connection leads to. Use C(delegate_to=localhost) to run it on the control host.
    The facts are still those of the inventory host, and Ansible stores them with that host.
  - The module can be one of C(ansible_facts_modules), so that C(gather_facts=true) gathers over the collective, for hosts with a local
    connection. If C(collections) of the play names this collection, all is as in a task. See M(pymco.mcollective.gather_facts).
  - Without that keyword, Ansible runs the module by itself. C(module_defaults) must then set O(node), the module does not read C(ansible.cfg),
    and the task fails if the node does not answer.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.attributes.facts
  - pymco.mcollective.client
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: The module changes nothing.
  action:
    support: full
    details:
      - With a local connection, the task runs in the controller's process and starts no Python interpreter.
      - With any other connection, the module runs on the host of the connection. With C(become), the module runs as that user. With C(async),
        it runs in the background.
  async:
    support: full
  idempotent:
    support: full
options:
  node:
    description:
      - The identity of the node to ask.
      - In a task, the default is the host's variable C(mcollective_identity), which the inventory plugin sets, or else the host's name.
      - With C(delegate_facts), the default is the variable or the name of the host that gets the facts. That host must be in the inventory.
      - An empty value is an error.
    type: str
  gather_subset:
    description: What to gather.
    type: list
    elements: str
    choices: [facts, classes, agents, collectives]
    default: [facts, classes, agents, collectives]
  fact_names:
    description:
      - The facts to keep, by their top-level names, such as V(os). The default is all facts.
      - With O(gather_subset=facts), the module asks the node for these facts only.
    type: list
    elements: str
  timeout:
    description: How many seconds to wait for the node. The default is the configuration's C(discovery_timeout) plus 10.
    type: float
seealso:
  - module: pymco.mcollective.gather_facts
  - module: pymco.mcollective.mcollective_rpc
  - plugin: pymco.mcollective.mcollective
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Use facts from the collective for hosts that Ansible reaches over SSH
  hosts: webservers
  gather_facts: false
  tasks:
    - name: Gather the facts over the broker, from the control host
      pymco.mcollective.mcollective_facts:
      delegate_to: localhost

    - name: Use the facts
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }} runs {{ ansible_facts.mcollective.facts.os.family }}"

- name: Gather with gather_facts, for hosts that are managed by agents only
  hosts: all
  gather_facts: true
  connection: local
  collections:
    - pymco.mcollective
  vars:
    ansible_facts_modules:
      - pymco.mcollective.mcollective_facts
  tasks:
    - name: Use the facts
      ansible.builtin.debug:
        msg: "{{ ansible_facts.mcollective.classes | join(', ') }}"
"""

RETURN = r"""
ansible_facts:
  description: The node's data.
  returned: success
  type: dict
  contains:
    mcollective:
      description: All data in one variable.
      returned: success
      type: dict
      contains:
        identity:
          description: The node's identity.
          returned: success
          type: str
        facts:
          description: The node's facts. Nodes store values as text, numbers included. Lists and dictionaries keep their form.
          returned: if O(gather_subset) includes V(facts)
          type: dict
        classes:
          description: The configuration management classes of the node.
          returned: if O(gather_subset) includes V(classes)
          type: list
          elements: str
        agents:
          description: The agents of the node.
          returned: if O(gather_subset) includes V(agents)
          type: list
          elements: str
        collectives:
          description: The collectives of the node.
          returned: if O(gather_subset) includes V(collectives)
          type: list
          elements: str
        version:
          description: The MCollective version of the node.
          returned: unless only O(fact_names) are gathered
          type: str
  sample:
    mcollective:
      identity: web1.example.com
      facts:
        os:
          family: Debian
          release:
            major: "12"
        processorcount: "4"
      classes: [common, "role::web"]
      agents: [discovery, rpcutil, service]
      collectives: [mcollective]
      version: 2.12.5
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(FactsTask)


if __name__ == "__main__":
    main()
