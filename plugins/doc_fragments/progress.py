# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task tells while it runs."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of everything that may take long."""

    DOCUMENTATION = r"""
options:
  progress:
    description:
      - A task that takes long tells how far it is, on the standard error, every so many seconds. V(0) means never.
      - Only a task in the controller's process can. It does not with C(ansible -o) and with callbacks whose output programs read.
    type: float
    default: 5.0
"""
