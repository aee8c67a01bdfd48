# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress that a task shows while it runs."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of plugins whose work may take long."""

    DOCUMENTATION = r"""
options:
  progress:
    description:
      - How many seconds lie between two progress messages on standard error. V(0) disables them.
      - Only a task in the controller's process shows its progress. It does not with C(ansible -o) or with a callback that writes
        for programs.
    type: float
    default: 5.0
"""
