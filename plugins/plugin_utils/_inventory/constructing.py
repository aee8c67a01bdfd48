# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates Jinja expressions for hosts: their names, include and exclude, and what Ansible calls "constructed".

Ansible compiles an expression anew for each host, which takes about a millisecond. An expression that
only names a value in our own variables needs no Jinja: it is looked up, if that has the same result.
"""

from __future__ import annotations

import functools
import itertools
import re
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import Constructable
from ansible.utils.vars import combine_vars

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import (
    as_message,
    printable,
)

from .complaints import Complaints
from .names import MOST_GROUPS, is_group_name, is_host_name
from .planning import VARIABLES, Plan

try:
    from ansible.template import is_trusted_as_template
except ImportError:  # ansible-core < 2.19, with which the plugin refuses to work
    is_trusted_as_template = None  # type: ignore[assignment, unused-ignore]

KNOWS_TRUST = is_trusted_as_template is not None
"""True if this ansible-core knows which texts may be templates."""
_ROOTS = frozenset(VARIABLES.values())
_PATH = re.compile(
    r"\s*(?P<root>[A-Za-z_]\w*)(?P<steps>(?:\.[A-Za-z_]\w*|\['[^'\\\n]*'\]|\[\"[^\"\\\n]*\"\])*)\s*",
    re.ASCII,
)
_STEP = re.compile(r"\.(\w+)|\['([^']*)'\]|\[\"([^\"]*)\"\]", re.ASCII)
_MISSING = object()


@functools.lru_cache(maxsize=1024)
def plain_path(expression: str) -> tuple[str, ...] | None:
    """Return the names by which an expression looks up a value in our variables; None if it does anything else.

    >>> plain_path("mcollective_facts.os['family']")
    ('mcollective_facts', 'os', 'family')

    Jinja looks for an attribute before an item. So a name that dicts have as an attribute (``items``)
    cannot be in a plain path.
    """
    match = _PATH.fullmatch(expression)
    if match is None or match["root"] not in _ROOTS:
        return None
    steps = ["".join(groups) for groups in _STEP.findall(match["steps"])]
    if any(step.startswith("_") or hasattr(dict, step) for step in steps):
        return None
    return (match["root"], *steps)


def follow(path: tuple[str, ...], variables: t.Mapping[str, t.Any]) -> t.Any:
    """Return the value at the end of a path; :data:`_MISSING` if there is none, which is for Jinja to handle."""
    value: t.Any = variables
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return _MISSING
        value = value[step]
    return value


class Constructing(Constructable):
    """The part of the plugin that evaluates expressions."""

    inventory: InventoryData
    _keyed: tuple[str, str] | None = None
    """The host and the key of keyed_groups that is being evaluated."""

    def warn(self, message: str) -> None:
        """Warn the user of something."""
        self.display.warning(as_message(message))

    def prepare(self) -> None:
        """Find the variables that need Jinja, since the user may set them too."""
        self.complaints = Complaints(self.warn)
        self._jinja_only = {str(name) for name in self.get_option("compose") or {}}
        if self.get_option("use_extra_vars"):
            self._jinja_only |= {str(name) for name in self._vars}

    def _compose(self, template: t.Any, variables: dict[str, t.Any], *args: t.Any) -> t.Any:
        """Return the value of an expression. Ansible's own code calls it, too."""
        value = self._evaluated(template, variables, *args)
        if self._keyed is None or not isinstance(value, (list, dict)) or len(value) <= MOST_GROUPS:
            return value
        host, key = self._keyed
        self.complaints.add(f"keyed_groups: {key} makes only {MOST_GROUPS} groups of ", host)
        first = itertools.islice(value, MOST_GROUPS)
        return {name: value[name] for name in first} if isinstance(value, dict) else list(first)

    def _evaluated(self, template: t.Any, variables: dict[str, t.Any], *args: t.Any) -> t.Any:
        if isinstance(template, str) and is_trusted_as_template(template):
            path = plain_path(template)
            if path is not None and path[0] not in self._jinja_only:
                value = follow(path, variables)
                if value is not _MISSING:
                    # Ansible evaluates parent_group with the variables that were set last.
                    self.templar.available_variables = self._known(variables)
                    return value
        return super()._compose(template, variables, *args)

    def _known(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the variables that expressions see."""
        if not self.get_option("use_extra_vars"):
            return variables
        return t.cast("dict[str, t.Any]", combine_vars(variables, self._vars))

    # -- names and filters ---------------------------------------------------------------------

    def host_name(self, variables: dict[str, t.Any]) -> str:
        """Return the result of the first expression of hostnames that can be the name of a host.

        :raises AnsibleParserError: there is none; the message says why, for each expression.
        """
        complaints = []
        for expression in self.get_option("hostnames"):
            try:
                name = self._compose(expression, variables)
            except AnsibleError as error:
                complaints.append(f"{expression}: {printable(str(error))}")
                continue
            if is_host_name(name):
                return str(name)
            complaints.append(f"{expression}: {str(name)[:80]!r} cannot be the name of a host")
        raise AnsibleParserError("; ".join(complaints) or "hostnames is empty")

    def is_wanted(self, variables: dict[str, t.Any], strict: bool) -> bool:
        """Return True if include and exclude let a host in."""
        include, exclude = self.get_option("include"), self.get_option("exclude")
        if not include and not exclude:
            return True
        host = variables[VARIABLES["identity"]]
        self.templar.available_variables = variables

        def holds(condition: t.Any) -> bool:
            try:
                return bool(self.templar.evaluate_conditional(condition))
            except AnsibleError as error:
                if strict:
                    raise AnsibleParserError(f"{condition!r} for {host}: {error}") from None
                return False

        return (not include or any(map(holds, include))) and not any(map(holds, exclude or ()))

    # -- constructed ---------------------------------------------------------------------------

    def construct(self, plan: Plan, inventory: InventoryData, strict: bool) -> Plan:
        """Return the plan with what compose, groups and keyed_groups add.

        Ansible's own code writes to an inventory at once. It gets a draft, so the real inventory is unchanged if it
        fails.

        :raises AnsibleError: an expression fails, and strict is True.
        """
        options = [self.get_option(name) for name in ("compose", "groups", "keyed_groups")]
        if not any(options):
            return plan
        draft = Draft(plan, inventory)
        real, self.inventory = self.inventory, draft
        try:
            for host, variables in plan.hosts.items():
                self._construct_host(host, variables, options, strict)
        finally:
            self.inventory = real
        found = draft.as_plan(self.complaints)
        self.complaints.tell()
        return found

    def _construct_host(
        self, host: str, variables: dict[str, t.Any], options: list[t.Any], strict: bool
    ) -> None:
        compose, groups, keyed_groups = options
        known = {**self.inventory.hosts[host].get_vars(), **variables}

        def add(name: str, method: t.Callable[..., None], option: t.Any) -> None:
            try:
                method(option, known, host, strict=strict)
            except (AnsibleError, TypeError, ValueError, AttributeError) as error:
                # Ansible expects some values to be texts. A node with others must not keep other nodes out.
                if strict:
                    raise AnsibleParserError(
                        f"{name} cannot use what {host} says: {error}"
                    ) from None
                self.complaints.add(f"{name} cannot use what some nodes say: ", f"{host} ({error})")

        add("compose", self._set_composite_vars, compose)
        add("groups", self._add_host_to_composed_groups, groups)
        for entry in keyed_groups or ():
            self._keyed = host, printable(entry.get("key"))
            add(f"keyed_groups: {self._keyed[1]}", self._add_host_to_keyed_groups, [entry])
            self._keyed = None


class Draft(InventoryData):
    """An inventory to try things out in, with the plan and the real inventory's variables of its hosts."""

    def __init__(self, plan: Plan, real: InventoryData) -> None:
        self._plan, self._real = plan, real
        self._turning: dict[tuple[str, str], None] = {}
        super().__init__()
        self.current_source = real.current_source
        plan.carry_out(self)
        for name in plan.hosts.keys() & real.hosts.keys():
            self.hosts[name].vars = {**real.hosts[name].vars, **self.hosts[name].vars}

    def set_variable(self, entity: str, varname: str, value: t.Any) -> None:
        """Do as Ansible does, but if a host and a group have the same name, take the host."""
        if entity in self.hosts:
            self.hosts[entity].set_variable(varname, value)
        else:
            super().set_variable(entity, varname, value)

    def add_child(self, group: str, child: str) -> bool:
        """Do as Ansible does, but refuse to put a group below itself. A node may have chosen its name."""
        if child in self.groups and child in self._and_above(group):
            self._turning[group, child] = None
            return False
        return bool(super().add_child(group, child))

    def _and_above(self, name: str) -> set[str]:
        """Return a group, and all groups above it, here and in the real inventory."""
        found: set[str] = set()
        todo = [name]
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            for groups in (self.groups, self._real.groups):
                todo += (
                    [above.name for above in groups[name].parent_groups] if name in groups else []
                )
        return found

    def as_plan(self, complaints: Complaints) -> Plan:
        """Return the content as a plan for the real inventory."""
        for above, below in self._turning:
            complaints.add("a group cannot be below itself: ", f"{below} below {above}")
        found = Plan()
        for host in self._plan.hosts:
            found.hosts[host] = dict(self._new_variables(host))
        for name, group in self.groups.items():
            if self._may_be(name):
                found.groups[name] = [host.name for host in group.hosts]
                found.parents.update(
                    {
                        (name, child.name): None
                        for child in group.child_groups
                        if self._may_be(child.name)
                    }
                )
            elif group.hosts or name not in ("all", "ungrouped"):
                complaints.add(
                    "there can be no group ",
                    name,
                    ", since the name is too long, a host has it, or it is one of Ansible's own",
                )
        return found

    def _may_be(self, name: str) -> bool:
        return is_group_name(name, self.hosts) and is_group_name(name, self._real.hosts)

    def _new_variables(self, host: str) -> t.Iterator[tuple[str, t.Any]]:
        """Yield the variables that the real inventory does not have."""
        there = self._real.hosts[host].vars if host in self._real.hosts else {}
        for name, value in self.hosts[host].vars.items():
            if name not in _OWN and there.get(name, _MISSING) is not value:
                yield name, value


_OWN = frozenset(("inventory_file", "inventory_dir"))
"""Variables that the real inventory sets itself."""
