# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the cache: everything that was gathered, and the options that it was gathered with.

The data is one text of JSON. So no cache plugin can change it, and it is no more trusted when it is read back
than when it came from the nodes.

Ansible's own cache plugins change the mode of their files to 0644 after writing them. So only the mode of the
directory keeps others out.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import stat
import typing as t

from ansible.plugins.cache import BaseFileCacheModule

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import is_identity
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

if t.TYPE_CHECKING:
    from ansible.plugins.cache import CachePluginAdjudicator

Nodes = dict[str, dict[str, t.Any]]
"""What nodes told, by identity."""

VERSION = 1


def packed(nodes: Nodes, fingerprint: str) -> dict[str, t.Any]:
    """Return an entry for the cache."""
    return {"version": VERSION, "fingerprint": fingerprint, "nodes": json.dumps(nodes)}


def unpacked(entry: t.Any, fingerprint: str) -> Nodes | None:
    """Return the nodes of an entry; None if it is damaged, or of other options or another version."""
    if not isinstance(entry, dict) or entry.get("version") != VERSION:
        return None
    if entry.get("fingerprint") != fingerprint:
        return None
    try:
        nodes = json.loads(entry.get("nodes", ""))
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(nodes, dict) or not all(map(_is_node, nodes.items())):
        return None
    return nodes


def kept(cache: CachePluginAdjudicator, key: str, warn: t.Callable[[str], None]) -> t.Any:
    """Return the entry of a key, or None if there is none or the cache plugin cannot read it.

    A cache plugin may raise any exception for a damaged entry.
    """
    try:
        return cache.get(key)
    except Exception as error:
        words = printable(str(error) or type(error).__name__)
        warn(f"the cache cannot be read, so the nodes are asked again: {words}")
        return None


@contextlib.contextmanager
def made_for_us_alone() -> t.Iterator[None]:
    """Let the cache plugin make directories, inside this block, that are closed to everybody else."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def exposure(cache: CachePluginAdjudicator) -> str | None:
    """Return a warning if everybody can enter the directory of the cache, or None."""
    plugin = cache._plugin
    if not isinstance(plugin, BaseFileCacheModule):
        return None
    directory = plugin._cache_dir
    found = os.stat(directory)
    able = [
        word
        for word, bit in (("read", stat.S_IXOTH), ("change", stat.S_IWOTH))
        if found.st_mode & bit
    ]
    if not able:
        return None
    where = printable(directory)
    cure = f"with: chmod o-rwx {printable(shlex.quote(directory))}"
    if found.st_uid != os.geteuid():
        cure = "by naming a directory of your own in cache_connection"
    return (
        f"{where} has mode {stat.S_IMODE(found.st_mode):04o}: everybody on this machine can {' and '.join(able)} the"
        f" cache files there, with what nodes tell of themselves; mend it {cure}"
    )


def _is_node(item: tuple[str, t.Any]) -> bool:
    identity, node = item
    return is_identity(identity) and isinstance(node, dict) and node.get("identity") == identity
