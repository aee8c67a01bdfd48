# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""group_by: makes groups of what nodes say, without templates."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import to_safe_group_name

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion

from .names import MOST_GROUPS, is_group_name

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Wish

    from .complaints import Complaints
    from .planning import Plan

LONGEST = 200
"""Characters of the longest value that can become a group's name."""
_KINDS = {"class": "classes", "agent": "agents", "collective": "collectives"}
_KEYS = frozenset(("key", "prefix", "separator", "parent_group"))
_SHOWN = 80
_SINGLE = (str, bool, int, float)


@dataclasses.dataclass(frozen=True)
class Key:
    """One entry of group_by.

    :ivar key: as the user wrote it: class, agent, collective or fact:NAME.
    :ivar part: the part of a node's data with its values.
    :ivar fact: the fact's name, with a dot before the name of each nested one.
    :ivar parent: the group above the groups of this key.
    """

    key: str
    part: str
    fact: str = ""
    prefix: str = ""
    separator: str = "_"
    parent: str | None = None

    def name(self, value: str) -> str:
        """Return the name of the group of nodes with this value."""
        separator = self.separator if self.prefix else ""
        return t.cast("str", to_safe_group_name(f"{self.prefix}{separator}{value}"))


def read_keys(entries: t.Sequence[t.Any], wish: Wish) -> list[Key]:
    """Return the entries of the option group_by.

    :param wish: what is gathered.
    :raises AnsibleParserError: an entry is wrong, or needs data that is not gathered.
    """
    return [_read(entry, wish) for entry in entries]


def _read(entry: t.Any, wish: Wish) -> Key:
    fields = {"key": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict) or not isinstance(fields.get("key"), str):
        raise AnsibleParserError(f"group_by: {entry!r} is neither a key nor a dictionary with one")
    if set(fields) - _KEYS or not all(isinstance(value, str) for value in fields.values()):
        raise AnsibleParserError(
            f"group_by: {entry!r} may only have {', '.join(sorted(_KEYS))}, each with a text as its value"
        )
    key = str(fields["key"])
    kind, _colon, fact = key.partition(":")
    part = _KINDS.get(key) or ("facts" if kind == "fact" and fact else None)
    if part is None:
        raise AnsibleParserError(
            f"group_by: there is no key {key!r}; there are {', '.join(_KINDS)} and fact:NAME"
            f"{suggestion(key, _KINDS)}"
        )
    _check_gathered(key, part, fact, wish)
    parent = to_safe_group_name(fields["parent_group"]) if fields.get("parent_group") else None
    if parent is not None and not is_group_name(parent, ()):
        raise AnsibleParserError(
            f"group_by: {parent} cannot be a parent_group, since the name is Ansible's own"
        )
    return Key(
        key,
        part,
        fact,
        prefix=fields.get("prefix", fact or key),
        separator=fields.get("separator", "_"),
        parent=parent,
    )


def _check_gathered(key: str, part: str, fact: str, wish: Wish) -> None:
    if part not in wish.parts:
        raise AnsibleParserError(
            f"group_by: {key} needs {part}, which the option gather leaves out"
        )
    if not fact or wish.facts is None:
        return
    heads = fact.split(".")
    if not any(".".join(heads[: n + 1]) in wish.facts for n in range(len(heads))):
        raise AnsibleParserError(
            f"group_by: {key} needs a fact that the option fact_names leaves out"
        )


class Grouping:
    """Groups hosts by keys.

    :param taken: the names of hosts, which groups cannot have.
    :param above: groups that have groups below them already.
    :param complaints: takes each value that makes no group, or shares one with another value.
    """

    def __init__(
        self,
        keys: t.Sequence[Key],
        taken: t.Container[str],
        above: t.Iterable[str],
        complaints: Complaints,
    ) -> None:
        self._keys, self._taken, self._complaints = keys, taken, complaints
        self._above, self._parents = set(above), {key.parent for key in keys if key.parent}
        self._names: list[dict[str, str | None]] = [{} for _key in keys]
        self._values: dict[tuple[Key, str], str] = {}

    def add(self, plan: Plan, host: str, node: Mapping[str, t.Any]) -> None:
        """Add a host to its groups."""
        for key, names in zip(self._keys, self._names, strict=True):
            values = self._found(key, host, node)
            if len(values) > MOST_GROUPS:
                self._complaints.add(
                    f"group_by: {key.key} makes only {MOST_GROUPS} groups of ", host
                )
            for value in itertools.islice(values, MOST_GROUPS):
                if value not in names:
                    names[value] = self._named(plan, key, value, host)
                name = names[value]
                if name is None:
                    continue
                members = plan.groups.setdefault(name, [])
                if not members or members[-1] != host:
                    members.append(host)

    def _found(self, key: Key, host: str, node: Mapping[str, t.Any]) -> dict[str, None]:
        """Return the values that a node has for a key, as texts, each once."""
        data = node.get(key.part)
        value = lookup(data, key.fact) if key.fact else data
        items = value if isinstance(value, list) else [value]
        if not all(item is None or isinstance(item, _SINGLE) for item in items):
            self._complaints.add(
                f"group_by: {key.key} of ",
                host,
                " makes no group where it is neither a single value nor a list of single values",
            )
        return {str(item): None for item in items if isinstance(item, _SINGLE) and item != ""}

    def _named(self, plan: Plan, key: Key, value: str, host: str) -> str | None:
        """Return the name of the group for a new value; None if it can have no group."""
        shown = repr(value[:_SHOWN]) + ("..." if len(value) > _SHOWN else "")
        if len(value) > LONGEST:
            self._complaints.add(
                f"group_by: {key.key} makes no group of a value with more than {LONGEST} characters: ",
                f"{host} has one of {len(value)} characters, {shown}",
            )
            return None
        name = key.name(value)
        if not is_group_name(name, self._taken) or self._turns_around(key, name):
            self._complaints.add(
                f"group_by: {key.key} makes no group with the name of a host, of a group above others, or one of"
                " Ansible's own: ",
                f"{name} of {host}",
            )
            return None
        other = self._values.setdefault((key, name), value)
        if other != value:
            self._complaints.add(
                f"group_by: {key.key} has values that share a group: ",
                f"{name} stands for {other!r} and {shown}",
            )
        if key.parent and key.parent != name:
            plan.parents[key.parent, name] = None
        return name

    def _turns_around(self, key: Key, name: str) -> bool:
        """Return True if the group could end up below itself."""
        if name == key.parent:
            return False
        return name in self._parents or (key.parent is not None and name in self._above)


def lookup(facts: t.Any, name: str) -> t.Any:
    """Return a fact by its name, or a nested one by names with dots between; None if there is none.

    A name with dots in it wins over a nested fact.
    """
    if not isinstance(facts, dict):
        return None
    if name in facts:
        return facts[name]
    head, dot, rest = name.partition(".")
    while dot:
        if head in facts and (found := lookup(facts[head], rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None
