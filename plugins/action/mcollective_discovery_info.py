# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs mcollective_discovery_info in the controller's process."""

from __future__ import annotations

from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.plugin_utils._action import TaskAction


class ActionModule(TaskAction):
    """Called by Ansible."""

    task_class = DiscoveryInfoTask
