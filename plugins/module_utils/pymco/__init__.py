# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A client for MCollective, in pure Python.

It knows nothing of Ansible, prints nothing and keeps no global state. Start at :mod:`.rpc`.
"""

from __future__ import annotations
