# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes that modules declare."""

from __future__ import annotations


class ModuleDocFragment:
    """The descriptions of all attributes, and the values that several modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
  async:
    description: Supports being used with the C(async) keyword.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
"""

    ACTIONGROUP_MCOLLECTIVE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/pymco.mcollective.mcollective) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - pymco.mcollective.mcollective
"""

    IN_PROCESS = r"""
options: {}
attributes:
  action:
    support: full
    details:
      - With a local connection, the task runs in the controller's process and starts no Python interpreter.
      - With any other connection, the module runs on the host of the connection. With C(become), the module runs as that user. With
        C(async), it runs in the background.
  async:
    support: full
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - The module changes nothing. It does the same in check mode.
  diff_mode:
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    support: full
    details:
      - The module changes nothing.
"""

    FACTS = r"""
options: {}
attributes:
  facts:
    description: Action returns an C(ansible_facts) dictionary that will update existing host facts.
    support: full
"""
