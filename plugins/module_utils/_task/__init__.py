# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The bridge: it turns Ansible's options into requests to the client, and the client's results into Ansible's.

Nothing else knows both. A task is a class (:class:`.base.Task`) with its options and what it does with
them. Modules run it in a process of their own, actions in the controller's process. Note that this
module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

# First of all, since this checks that Python is new enough.
import ansible_collections.pymco.mcollective.plugins.module_utils.pymco  # noqa: F401
