# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that make a task act on some nodes after the others."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that act in batches."""

    DOCUMENTATION = r"""
options:
  batch_size:
    description:
      - On how many nodes to act at once, as a number or as a percentage of the nodes that differ. A percentage is rounded up. V(0) means all
        of them. The question for the state always goes to all nodes at once.
      - The next batch starts when all nodes of the current batch have answered or its O(timeout) is over.
      - The default is the configuration's C(default_batch_size), or V(0) if that is not set.
    type: str
  batch_sleep:
    description: How many seconds to wait between two batches. The default is the configuration's C(default_batch_sleep_time), or V(1).
    type: float
  max_fail_percentage:
    description:
      - If more than this percentage of a batch fails or stays silent, no further batch starts and the task fails. RV(unsent) lists the rest.
        A node also fails if the action succeeds but does not lead to the wanted state.
      - If more than this percentage of all nodes fails to answer the question for the state, nothing is changed.
      - As with the play keyword of the same name, the value must be exceeded. V(0) stops at the first failure. It needs a O(batch_size).
    type: float
"""
