# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which names hosts and groups may have, wherever the names come from.

Nodes choose what they say. A play for ``hosts: localhost`` must not run on a node that says it has a class
localhost. So no name that means something to Ansible becomes a host or a group.
"""

from __future__ import annotations

import typing as t

from ansible.constants import LOCALHOST

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import is_identity

RESERVED = frozenset(("all", "ungrouped", "_meta", *LOCALHOST))
"""Names that Ansible gives a meaning of its own, in patterns or in what ansible-inventory prints."""
LONGEST = 255
"""Characters of a group's name, as of a host's."""


def is_host_name(name: t.Any) -> bool:
    """Return True if a host may have this name. It becomes part of patterns, paths and command lines.

    Identities have none of the characters that mean something in patterns, and do not begin with a dash.
    """
    return is_identity(name) and name not in RESERVED


def is_group_name(name: str, hosts: t.Container[str]) -> bool:
    """Return True if a group may have this name, which has been made safe already.

    :param hosts: the names of all hosts: in patterns they would mean the group's hosts, too.
    """
    return name not in RESERVED and name not in hosts and len(name) <= LONGEST
