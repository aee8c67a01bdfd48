# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules that bring nodes to a state."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of modules that ask nodes for their state, and act where it differs."""

    DOCUMENTATION = r"""
options:
  timeout:
    description:
      - How many seconds to wait for the answers to a request after it has been sent. The wait ends when all nodes have answered.
      - The default is the timeout that the agent's DDL declares, or the one of the public agent's DDL, plus the discovery timeout.
    type: float
  publish_timeout:
    description:
      - How many seconds sending may take when a request goes to many nodes one by one. RV(unsent) lists the nodes that were left.
      - The default is the configuration's C(publish_timeout), or the value of O(timeout) if that is not set.
    type: float
  ttl:
    description:
      - Nodes drop a request that arrives more than this many seconds after it was made.
      - The default is the configuration's C(ttl), or V(60) if that is not set.
    type: int
"""
