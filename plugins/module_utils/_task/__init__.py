# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The bridge: Ansible's options to the client, and the client's results to Ansible.

Nothing else knows both. A task is a class (:class:`.base.Task`) with its options and what it does with
them; modules and actions only run it, in a process of its own or in the controller's. Note that this
module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

# First of all, since it tells whether this Python is new enough.
import ansible_collections.pymco.mcollective.plugins.module_utils.pymco  # noqa: F401
