#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_facts
short_description: Gather the facts of a host from its MCollective node
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Asks the node of the current host for its facts, classes, agents and collectives, over the broker. Nothing has to log in to the host.
  - They are C(ansible_facts.mcollective). Whatever a node says, nothing of it becomes a variable of its own, nor a template.
  - To get the facts of many nodes at once, take them from the inventory P(pymco.mcollective.mcollective#inventory), or call C(rpcutil)
    with M(pymco.mcollective.mcollective_rpc).
notes:
  - Do not use it with C(run_once). Ansible then gives the facts of the first host to all hosts.
  - As a task it runs where the host's connection leads, as every module does. Have it run here with C(delegate_to=localhost). The facts
    are still those of the host, and are stored with it.
  - It can be one of C(ansible_facts_modules), so that C(gather_facts=true) gathers over the collective. Ansible does not tell such
    modules which host they are for, so O(node) has to be set by C(module_defaults); see the examples. They run over the host's
    connection, so this is for hosts with a local one.
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
    details: Nothing is changed.
  action:
    support: full
    details:
      - With a local connection it runs in the controller's process, where no interpreter has to start. With any other connection,
        with C(become), with C(async), and for C(gather_facts), the module runs on that host, as that user, in the background.
  async:
    support: full
  idempotent:
    support: full
options:
  node:
    description:
      - The identity of the node to ask.
      - By default, in a task, the host's variable C(mcollective_identity), as the inventory plugin sets it, and without one the host's name.
      - With C(delegate_facts), by default, the variable or the name is that of the host that gets the facts, which must be in the inventory.
      - It is an error if it is given and empty.
    type: str
  gather_subset:
    description: What to gather.
    type: list
    elements: str
    choices: [facts, classes, agents, collectives]
    default: [facts, classes, agents, collectives]
  fact_names:
    description:
      - The facts to keep, by the names that they have at the top, as V(os). By default all.
      - With O(gather_subset=facts) they are also all that is asked for.
    type: list
    elements: str
  timeout:
    description:
      - How many seconds to wait for the node. By default 10 more than the configuration's C(discovery_timeout).
    type: float
seealso:
  - module: pymco.mcollective.mcollective_rpc
  - plugin: pymco.mcollective.mcollective
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Use the facts that the collective knows, for hosts that Ansible reaches over SSH
  hosts: webservers
  gather_facts: false
  tasks:
    - name: Gather them over the broker, from here
      pymco.mcollective.mcollective_facts:
      delegate_to: localhost

    - name: Use them
      ansible.builtin.debug:
        msg: "{{ inventory_hostname }} runs {{ ansible_facts.mcollective.facts.os.family }}"

- name: Have gather_facts gather them, for hosts of which nothing else is wanted than what agents do
  hosts: all
  gather_facts: true
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    ansible_facts_modules:
      - pymco.mcollective.mcollective_facts
  module_defaults:
    pymco.mcollective.mcollective_facts:
      node: "{{ mcollective_identity | default(inventory_hostname) }}"
  tasks:
    - name: Use them
      ansible.builtin.debug:
        msg: "{{ ansible_facts.mcollective.classes | join(', ') }}"
"""

RETURN = r"""
ansible_facts:
  description: What the node said.
  returned: success
  type: dict
  contains:
    mcollective:
      description: All of it, in one variable.
      returned: success
      type: dict
      contains:
        identity:
          description: The node's identity.
          returned: success
          type: str
        facts:
          description: Its facts. Nodes hold them as text, also numbers. Lists and dictionaries are such.
          returned: if O(gather_subset) has V(facts)
          type: dict
        classes:
          description: Its configuration management classes.
          returned: if O(gather_subset) has V(classes)
          type: list
          elements: str
        agents:
          description: The agents that it has.
          returned: if O(gather_subset) has V(agents)
          type: list
          elements: str
        collectives:
          description: The collectives that it is a member of.
          returned: if O(gather_subset) has V(collectives)
          type: list
          elements: str
        version:
          description: The version of its MCollective.
          returned: unless named facts are all that is gathered
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
