# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option that says whether a task is about the node of its host."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of tasks that can be about one host."""

    DOCUMENTATION = r"""
options:
  target:
    description:
      - Whether the task is about the node of the host that it is for, or about a collective.
      - With V(host), the task addresses this node only. The identity of the node is the host's variable C(mcollective_identity), which
        the inventory plugin sets, or else the host's name. If the node does not answer, the host is C(unreachable), unless O(fail_on)
        does not include C(no_response). Filters still apply, and a node that does not fit them makes the task fail. O(nodes) is an
        error.
      - With V(collective), the task addresses all nodes that O(nodes) and the filters select, or all nodes of the collective.
      - V(auto) is V(collective) if the task has O(nodes), a filter, O(discovery_options) or O(limit), and for C(localhost). Otherwise it
        is V(host) for a host with the variable C(mcollective_identity). A task with none of these is an error, because it would address
        the whole collective for each host of the play. Only if the inventory has no other host, it is V(collective). With C(run_once) in
        a play with several hosts, V(auto) without a selection is an error too.
      - With C(delegate_to), the host that the task is for is still the host of the play, and not the host that the task runs on.
    type: str
    choices: [auto, host, collective]
    default: auto
"""
