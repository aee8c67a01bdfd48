#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_agent_info
short_description: Tell what an MCollective agent can do
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Reads an agent's DDL, the description that it shares with its clients, and returns it as data. Ruby is not needed for that.
  - No broker and no node is asked. The DDL is the one that M(pymco.mcollective.mcollective_rpc) would use on the same host.
    The DDLs on the nodes, by which they judge requests, may differ.
  - Without O(agent) it tells of which agents there are DDLs.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.info_module
  - pymco.mcollective.attributes.in_process
  - pymco.mcollective.attributes.actiongroup_mcollective
  - pymco.mcollective.client
options:
  agent:
    description: The agent. Without one there is a list of all agents of which there are DDLs.
    type: str
  ddl_path:
    description:
      - Where to look for DDLs first. Files named after their agent, in the Ruby form C(.ddl) or the JSON form C(.json), or directories of such.
      - DDLs in the configuration's C(libdir), and that of C(rpcutil), are found without it.
    type: list
    elements: path
    default: []
notes:
  - Of the configuration only C(libdir) matters. There need not be one. The options for a connection are there so that the
    module can be used with the defaults of its action group.
seealso:
  - module: pymco.mcollective.mcollective_rpc
"""

EXAMPLES = r"""
# ansible localhost -m pymco.mcollective.mcollective_agent_info -a agent=rpcutil

- name: Read what the agent rpcutil can do
  pymco.mcollective.mcollective_agent_info:
    agent: rpcutil
  register: rpcutil

- name: Show the inputs of each action
  ansible.builtin.debug:
    msg: "{{ item.name }} takes {{ item.inputs | map(attribute='name') | list }}"
  loop: "{{ rpcutil.ddl.actions }}"
  loop_control:
    label: "{{ item.name }}"

- name: See which agents are described here
  pymco.mcollective.mcollective_agent_info:
    ddl_path:
      - "{{ playbook_dir }}"
  register: known

- name: Show their names and versions
  ansible.builtin.debug:
    msg: "{{ known.agents | items2dict(key_name='name', value_name='version') }}"
"""

RETURN = r"""
ddl:
  description: What the agent can do.
  returned: when O(agent) is given
  type: dict
  contains:
    name:
      description: The agent's name.
      type: str
    path:
      description: The file that was read. V(none) if the description is built in.
      type: str
    metadata:
      description:
        - The C(name), C(description), C(author), C(license), C(version), C(url) and C(timeout) of the agent, and whatever else is there.
        - The C(timeout) is in seconds. Nodes stop an action after that time.
      type: dict
    usage:
      description: A text on how to use it.
      type: str
    requires:
      description: The versions that it requires, by name.
      type: dict
    actions:
      description: Its actions, in the order of the DDL.
      type: list
      elements: dict
      contains:
        name:
          description: The action's name.
          type: str
        description:
          description: What it does.
          type: str
        display:
          description: Which replies C(mco) shows, V(ok), V(failed), V(always) or V(flatten).
          type: str
        inputs:
          description: Its arguments, in the order of the DDL.
          type: list
          elements: dict
          contains:
            name:
              description: The argument's name.
              type: str
            prompt:
              description: How to ask for it.
              type: str
            description:
              description: What it is for.
              type: str
            type:
              description:
                - V(string), V(list), V(integer), V(float), V(number), V(boolean), or the name of a validator plugin.
              type: str
            optional:
              description: Whether it may be left out.
              type: bool
            default:
              description: What it is when it is required and left out.
              type: raw
            validation:
              description: Of a V(string), the regular expression, in Ruby's notation, that must be found in it, or a list of what is allowed.
              type: raw
            validator:
              description: Of a V(string), the name of the validator plugin that judges it instead, such as V(shellsafe).
              type: str
            maxlength:
              description: Of a V(string), how many characters it may have. V(0) means that there is no limit.
              type: int
            list:
              description: Of a V(list), what is allowed.
              type: list
              elements: raw
        outputs:
          description: What it returns, in the order of the DDL.
          type: list
          elements: dict
          contains:
            name:
              description: The output's name.
              type: str
            description:
              description: What it is.
              type: str
            display_as:
              description: Its heading.
              type: str
            default:
              description: What it is when the action does not set it.
              type: raw
        aggregates:
          description: How replies are summarized.
          type: list
          elements: dict
          contains:
            function:
              description: The function, such as V(summary).
              type: str
            output:
              description: The output that is summarized.
              type: str
            format:
              description: How to show it, in the notation of C(printf).
              type: str
    unread:
      description:
        - What the DDL says that could not be read, or that MCollective would refuse. It is warned of, too.
        - With such entries there may be more actions, inputs and outputs than are returned.
      type: list
      elements: dict
      contains:
        line:
          description: The line of the file. V(none) if it is not known.
          type: int
        reason:
          description: What stands there or is missing.
          type: str
        action:
          description: The action that it belongs to. V(none) if it belongs to none.
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
  description: The agents of which there are DDLs, sorted by C(name). What cannot be read of them is warned of.
  returned: when O(agent) is not given
  type: list
  elements: dict
  contains:
    name:
      description: The agent's name.
      type: str
    description:
      description: What it is for.
      type: str
    version:
      description: Its version.
      type: str
    path:
      description: The file that was read. V(none) if the description is built in.
      type: str
    actions:
      description: The names of its actions.
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
