# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names that hosts and groups may have.

Nodes choose what they say. A play for ``hosts: localhost`` must not run on a node that claims a class localhost.
So a name with a meaning for Ansible never becomes the name of a host or a group.
"""

from __future__ import annotations

import typing as t

from ansible.constants import LOCALHOST

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import is_identity

RESERVED = frozenset(("all", "ungrouped", "_meta", *LOCALHOST))
"""Names with a meaning for Ansible, in patterns or in the output of ansible-inventory."""
LONGEST = 255
"""Characters of a group's name; a host's name can have as many."""
MOST_GROUPS = 2000
"""Groups that one entry of group_by or keyed_groups makes of what one node says. Ansible takes quadratic time to put a
host into many groups."""


def is_host_name(name: t.Any) -> bool:
    """Return True if a host may have this name. It becomes part of patterns, paths and command lines.

    An identity has no character with a meaning in patterns, and does not begin with a dash.
    """
    return is_identity(name) and name not in RESERVED


def is_group_name(name: str, hosts: t.Container[str]) -> bool:
    """Return True if a group may have this name, which has been made safe already.

    :param hosts: the names of all hosts. In a pattern, the same name would select the group's hosts, too.
    """
    return name not in RESERVED and name not in hosts and len(name) <= LONGEST
