#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_agent_info
short_description: Get the description (DDL) of an MCollective agent as data
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Reads the DDL of an agent and returns it as data. The DDL describes the agent's actions to its clients. The module does not need Ruby.
  - The module asks no broker and no node. It reads the same DDL as M(pymco.mcollective.mcollective_rpc) on the same host. Nodes check
    requests by their own DDLs, which may differ.
  - Without O(agent), the module lists all agents that have a DDL here.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
options:
  agent:
    description: The agent. Without this option, the module lists all agents that have a DDL.
    type: str
  ddl_path:
    description:
      - Where to look for DDLs first. An entry is a directory, or a file with the agent's name, in the Ruby form C(.ddl) or the JSON form C(.json).
      - The module always finds the DDLs in the configuration's C(libdir), and those of the agents that every node has, such as C(rpcutil).
    type: list
    elements: path
    default: []
notes:
  - The module uses only C(libdir) of the configuration, and whether it is one of Choria. It needs no configuration. It accepts the options for a
    connection so that C(module_defaults) of its action group can set them.
seealso:
  - module: pymco.mcollective.mcollective_rpc
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_agent_info -a agent=rpcutil

- name: Read the DDL of the agent rpcutil
  pymco.mcollective.mcollective_agent_info:
    agent: rpcutil
  register: rpcutil

- name: Show what it can do, as a text
  ansible.builtin.debug:
    msg: "{{ rpcutil.help.splitlines() }}"

- name: Show the inputs of each action
  ansible.builtin.debug:
    msg: "{{ item.name }} takes {{ item.inputs | map(attribute='name') | list }}"
  loop: "{{ rpcutil.ddl.actions }}"
  loop_control:
    label: "{{ item.name }}"

- name: List the agents that have a DDL
  pymco.mcollective.mcollective_agent_info:
    ddl_path:
      - "{{ playbook_dir }}"
  register: known

- name: Show their names and versions
  ansible.builtin.debug:
    msg: "{{ known.agents | items2dict(key_name='name', value_name='version') }}"
"""

RETURN = r"""
help:
  description: The agent's DDL as a text for people, with the actions, their inputs and their outputs.
  returned: when O(agent) is set
  type: str
  sample: |
    rpcutil 2.12.5
      What every node tells about itself

    get_fact
      Ask for one fact
      inputs:
        fact (string, required, at most 40 characters): The name of the fact
      outputs:
        value: Its value
ddl:
  description: The agent's DDL.
  returned: when O(agent) is set
  type: dict
  contains:
    name:
      description: The agent's name.
      type: str
    path:
      description: The file that the module read. V(none) if the DDL is built in.
      type: str
    metadata:
      description:
        - The C(name), C(description), C(author), C(license), C(version), C(url) and C(timeout) of the agent, and all other metadata.
        - The C(timeout) is in seconds. Nodes stop an action after this time.
      type: dict
    usage:
      description: A text that tells how to use the agent.
      type: str
    requires:
      description: The versions that the agent requires, by name.
      type: dict
    actions:
      description: The agent's actions, in the order of the DDL.
      type: list
      elements: dict
      contains:
        name:
          description: The action's name.
          type: str
        description:
          description: What the action does.
          type: str
        display:
          description: Which replies C(mco) shows. One of V(ok), V(failed), V(always) and V(flatten).
          type: str
        inputs:
          description: The action's arguments, in the order of the DDL.
          type: list
          elements: dict
          contains:
            name:
              description: The argument's name.
              type: str
            prompt:
              description: The label with which to ask for the argument.
              type: str
            description:
              description: What the argument is for.
              type: str
            type:
              description: V(string), V(list), V(integer), V(float), V(number), V(boolean), or the name of a validator plugin.
              type: str
            optional:
              description: Whether the argument may be left out.
              type: bool
            default:
              description: The value of a required argument that is left out.
              type: raw
            validation:
              description: For a V(string), the regular expression in Ruby's notation that must match, or a list of the allowed values.
              type: raw
            validator:
              description: For a V(string), the name of the validator plugin that checks it instead, such as V(shellsafe).
              type: str
            maxlength:
              description: For a V(string), the maximum number of characters. V(0) means no limit.
              type: int
            list:
              description: For a V(list), the allowed values.
              type: list
              elements: raw
        outputs:
          description: The action's outputs, in the order of the DDL.
          type: list
          elements: dict
          contains:
            name:
              description: The output's name.
              type: str
            description:
              description: What the output means.
              type: str
            display_as:
              description: The heading of the output.
              type: str
            default:
              description: The value of the output if the action does not set it.
              type: raw
        aggregates:
          description: How C(mco) summarizes the replies.
          type: list
          elements: dict
          contains:
            function:
              description: The function, such as V(summary).
              type: str
            output:
              description: The output that the function summarizes.
              type: str
            format:
              description: How to show the result, in the notation of C(printf).
              type: str
    unread:
      description:
        - The parts of the DDL that the module cannot read or that MCollective would refuse. The module also warns about them.
        - If there is an entry, the DDL may have more actions, inputs and outputs than the module returns.
      type: list
      elements: dict
      contains:
        line:
          description: The line in the file. V(none) if it is unknown.
          type: int
        reason:
          description: What the module found there, or what is missing.
          type: str
        action:
          description: The action to which the part belongs. V(none) if it belongs to no action.
          type: str
  sample:
    name: service
    path: /usr/share/mcollective/plugins/mcollective/agent/service.ddl
    metadata:
      name: service
      description: Start and stop system services
      author: R.I.Pienaar
      license: ASL2
      version: 3.1.3
      url: https://github.com/puppetlabs/mcollective-service-agent
      timeout: 60
    usage: ""
    requires:
      mcollective: 2.2.1
    actions:
      - name: status
        description: Gets the status of a service
        display: always
        inputs:
          - name: service
            prompt: Service Name
            description: The service to get the status for
            type: string
            optional: false
            default:
            validation:
            validator: service_name
            maxlength: 90
            list:
        outputs:
          - name: status
            description: The status of the service
            display_as: Service Status
            default: unknown
        aggregates:
          - function: summary
            output: status
            format:
    unread: []
agents:
  description: The agents that have a DDL, sorted by C(name). The module warns about parts that it cannot read.
  returned: when O(agent) is not set
  type: list
  elements: dict
  contains:
    name:
      description: The agent's name.
      type: str
    description:
      description: What the agent is for.
      type: str
    version:
      description: The agent's version.
      type: str
    path:
      description: The file that the module read. V(none) if the DDL is built in.
      type: str
    actions:
      description: The names of the agent's actions.
      type: list
      elements: str
  sample:
    - name: service
      description: Start and stop system services
      version: 3.1.3
      path: /usr/share/mcollective/plugins/mcollective/agent/service.ddl
      actions: [status, start, stop, restart]
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(AgentInfoTask)


if __name__ == "__main__":
    main()
