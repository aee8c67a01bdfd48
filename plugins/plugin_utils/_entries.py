# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the entries of nodes in the results of modules, for filters.

Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import as_message

LISTS = ("replies", "outcomes", "node_info", "times")
"""Return values with an entry for each node."""
SINGLE = ("reply", "outcome")
"""Return values that are the entry of one node."""

TOO_DEEP = "a value has too many levels"

Entry = t.Mapping[str, t.Any]


def refused(name: str, why: str) -> AnsibleFilterError:
    """Return the error of a filter that cannot use its input."""
    return AnsibleFilterError(as_message(f"pymco.mcollective.{name}: {why}"))


def entries_of(value: t.Any, name: str) -> dict[str, Entry]:
    """Return entries of nodes by their identities, sorted.

    :param value: the list of entries, or the result of a module that has one.
    :param name: the filter, for errors.
    :raises AnsibleFilterError: it is neither, or has two entries of a node.
    """
    found: dict[str, Entry] = {}
    for entry in _listed(value, name):
        node = entry.get("sender", entry.get("identity")) if isinstance(entry, dict) else None
        if not isinstance(node, str):
            raise refused(name, "an entry of the list has neither sender nor identity")
        if node in found:
            raise refused(name, f"the list has two entries of {node}")
        found[node] = entry
    return dict(sorted(found.items()))


def _listed(value: t.Any, name: str) -> t.Iterable[t.Any]:
    if isinstance(value, dict):
        for key in LISTS:
            if isinstance(value.get(key), list):
                return t.cast("list[t.Any]", value[key])
        singles = [value[key] for key in SINGLE if key in value]
        if singles or "no_response" in value:
            return singles  # of one node, which may be silent
    elif isinstance(value, list):
        return value
    raise refused(
        name,
        f"the input must be a list of {', '.join(LISTS)}, or the result of a module with such a list",
    )


def parts_of(entries: t.Mapping[str, t.Any], path: t.Any, name: str) -> dict[str, t.Any]:
    """Return what is in each entry at a path with dots; None if nothing is. A key with dots comes first.

    :param name: the filter, for errors.
    :raises AnsibleFilterError: the path is not a text.
    """
    if not isinstance(path, str):
        raise refused(name, f"it takes a name with dots, such as os.family, not {path!r}")
    return {node: _at(entry, path) for node, entry in entries.items()}


def _at(entry: t.Any, path: str) -> t.Any:
    if isinstance(entry, dict):
        if path in entry:
            return entry[path]
        head, _dot, rest = path.partition(".")
        if rest and head in entry:
            return _at(entry[head], rest)
    return None
