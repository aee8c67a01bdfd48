# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cache holds: all that was gathered, and for which options.

Everything is one text of JSON. So no cache plugin can change it, and what is read back is as little
trusted as what came from the nodes.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.matching import is_identity

Nodes = dict[str, dict[str, t.Any]]
"""What was gathered, by identity."""

VERSION = 1


def packed(nodes: Nodes, fingerprint: str) -> dict[str, t.Any]:
    """What to put into the cache."""
    return {"version": VERSION, "fingerprint": fingerprint, "nodes": json.dumps(nodes)}


def unpacked(entry: t.Any, fingerprint: str) -> Nodes | None:
    """What the cache holds; None if that is of other options, of another version or damaged."""
    if not isinstance(entry, dict) or entry.get("version") != VERSION:
        return None
    if entry.get("fingerprint") != fingerprint:
        return None
    try:
        nodes = json.loads(entry.get("nodes", ""))
    except (TypeError, ValueError):
        return None
    if not isinstance(nodes, dict) or not all(map(_is_node, nodes.items())):
        return None
    return nodes


def _is_node(item: tuple[str, t.Any]) -> bool:
    identity, node = item
    return is_identity(identity) and isinstance(node, dict) and node.get("identity") == identity
