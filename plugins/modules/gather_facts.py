#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: gather_facts
short_description: Gather facts over the collective with gather_facts of a play
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Ansible runs it in place of M(ansible.builtin.gather_facts), for C(gather_facts=true) of a play, if the keyword C(collections) of the play
    names this collection. There is no need to write it as a task.
  - It does what M(ansible.builtin.gather_facts) does, except that the module M(pymco.mcollective.mcollective_facts) in
    C(ansible_facts_modules) runs as it does in a task. It asks the node of the host, reads the configuration that tasks read, C(ansible.cfg)
    included, and starts no Python interpreter for a host with a local connection. A host whose node does not answer is C(unreachable).
  - If M(pymco.mcollective.mcollective_facts) is among several modules, they run one after the other.
extends_documentation_fragment:
  - pymco.mcollective.attributes
  - pymco.mcollective.attributes.facts
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It changes nothing.
  action:
    support: full
  async:
    support: none
  idempotent:
    support: full
requirements:
  - python >= 3.9
options: {}
seealso:
  - module: pymco.mcollective.mcollective_facts
  - module: ansible.builtin.gather_facts
"""

EXAMPLES = r"""
- name: Gather the facts of hosts over the collective
  hosts: all
  connection: local
  gather_facts: true
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
  description: What the modules of C(ansible_facts_modules) return. See RV(pymco.mcollective.mcollective_facts#module:ansible_facts).
  returned: success
  type: dict
"""
