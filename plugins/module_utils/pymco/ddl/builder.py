# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The rules of MCollective's DDLs: what must be there, what may, and what becomes of it.

A DDL in Ruby and one in JSON go through the same :class:`Builder`: its methods are the words of the
Ruby form (MC:ddl/base.rb, agentddl.rb, dataddl.rb, discoveryddl.rb), and refuse what they refuse.
"""

from __future__ import annotations

import re
import typing as t

from ..ranges import LONGEST
from ..serializers import Symbol
from . import model, values
from .values import Refused

VERSION = "2.12.5"
"""The MCollective whose rules these are. A DDL that requires a newer one is refused."""

_METADATA = ("name", "description", "author", "license", "version", "url", "timeout")
_CAPABILITIES = ("classes", "facts", "identity", "agents", "compound")
_DISPLAYS = ("ok", "failed", "flatten", "always")


_Common = tuple[str, str, str, model.Metadata, str, dict[str, str]]
"""What :class:`.model.DDL` has, in its order."""


class _Entity:
    """An action, a data query or a discovery method while it is being described."""

    def __init__(self, name: t.Any, description: t.Any) -> None:
        self.name = name
        self.description = description
        self.display = "failed"
        self.inputs: dict[t.Any, model.Input] = {}
        self.outputs: dict[t.Any, model.Output] = {}
        self.input_names: dict[str, t.Any] = {}
        self.output_names: dict[str, t.Any] = {}
        self.aggregates: list[model.Aggregate] = []
        self.capabilities: list[str] = []


class Builder:
    """Takes a DDL's statements in turn.

    :param kind: "agent", "data", "discovery", or that of a plugin which has metadata only.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._metadata: dict[t.Any, t.Any] | None = None
        self._usage: t.Any = ""
        self._requires: dict[str, str] = {}
        self._entities: dict[t.Any, _Entity] = {}
        self._current: _Entity | None = None

    # --- what every DDL may say

    def metadata(self, properties: t.Any) -> None:
        """Who made it, and its timeout."""
        table = _hash(properties, "metadata")
        for name in _METADATA:
            if Symbol(name) not in table:
                raise Refused(f"Metadata needs a :{name} property")
        _check_timeout(table[Symbol("timeout")], may_be_zero=self.kind == "discovery")
        self._metadata = table

    def usage(self, text: t.Any) -> None:
        """How to use it, for people."""
        self._usage = text

    def requires(self, requirement: t.Any) -> None:
        """The least version of MCollective that it needs."""
        if not isinstance(requirement, dict):
            raise Refused("Requirement should be a hash in the form :item => 'requirement'")
        for key, version in requirement.items():
            if key != Symbol("mcollective") or not isinstance(key, Symbol):
                shown = values.to_s(key)
                raise Refused(
                    f"Requirement {shown} is not a valid requirement, only mcollective is supported"
                )
            if not isinstance(version, str):
                raise Refused(f"the requirement {values.inspect(version)} is no version")
            self._requires["mcollective"] = version
            if compare_versions(VERSION, version) < 0:
                raise Refused(f"it requires MCollective version {version} or newer, not {VERSION}")

    # --- what describes an entity

    def begin_action(self, name: t.Any, properties: t.Any) -> None:
        """Describe an action from here on. One that is there already is added to."""
        table = _hash(properties, "action")
        if Symbol("description") not in table:
            raise Refused("Action needs a :description property")
        if isinstance(name, (list, dict)) or name is None:
            raise Refused(f"an action cannot be named {values.inspect(name)}")
        if name not in self._entities:
            self._entities[name] = _Entity(name, table[Symbol("description")])
        self._current = self._entities[name]

    def begin_dataquery(self, properties: t.Any) -> None:
        """Describe the data query from here on."""
        table = _hash(properties, "dataquery")
        if Symbol("description") not in table:
            raise Refused("Data queries need a :description")
        if self._entities:
            raise Refused("Data queries can only have one definition")
        self._current = _Entity("data", table[Symbol("description")])
        self._entities["data"] = self._current

    def begin_discovery(self) -> None:
        """Describe the discovery method from here on."""
        if self._entities:
            raise Refused("Discovery plugins can only have one definition")
        self._current = self._entities["discovery"] = _Entity("discovery", None)

    def end(self) -> None:
        """The description of the current entity is complete, even if it was within another."""
        self._current = None

    def display(self, preference: t.Any) -> None:
        """Which replies mco is to show."""
        if not isinstance(preference, Symbol) or preference.name not in _DISPLAYS:
            shown = values.to_s(preference)
            raise Refused(
                f"Display preference {shown} is not valid, should be :ok, :failed, :flatten or :always"
            )
        self._entity("display").display = preference.name

    def input(self, key: t.Any, properties: t.Any) -> None:
        """An input. Properties that are not known are dropped."""
        table = _hash(properties, "input")
        if self.kind == "agent" and Symbol("optional") not in table:
            raise Refused("Input needs a :optional property")
        if self.kind == "data" and not (isinstance(key, Symbol) and key.name == "query"):
            raise Refused("The only valid input name for a data query is 'query'")
        entity = self._entity(f"input {values.to_s(key)}")
        for name in ("prompt", "description", "type"):
            if Symbol(name) not in table:
                raise Refused(f"Input needs a :{name} property")
        _check_key(key, entity.input_names)
        entity.inputs[key] = _input(key, table)

    def output(self, key: t.Any, properties: t.Any) -> None:
        """An output. Properties that are not known are dropped."""
        entity = self._entity(f"output {values.to_s(key)}")
        table = _hash(properties, "output")
        for name, article in (("description", "a"), ("display_as", "a")):
            if Symbol(name) not in table:
                raise Refused(f"Output {values.to_s(key)} needs {article} {name} argument")
        _check_key(key, entity.output_names)
        entity.outputs[key] = model.Output(
            key,
            table[Symbol("description")],
            table[Symbol("display_as")],
            table.get(Symbol("default")),
        )

    def aggregate(self, function: t.Any, settings: t.Any = None) -> None:
        """A summary over all replies."""
        settings = {Symbol("format"): None} if settings is None else settings
        if not isinstance(settings, dict):
            raise Refused("Formats supplied to aggregation functions should be a hash")
        if Symbol("format") not in settings:
            raise Refused("Formats supplied to aggregation functions must have a :format key")
        if not isinstance(function, dict):
            raise Refused("Functions supplied to aggregate should be a hash")
        args, name = function.get(Symbol("args")), function.get(Symbol("function"))
        entity = self._entity("aggregate")
        if not isinstance(args, list):
            raise Refused(f"aggregate for action '{entity.name}' is missing a function parameter")
        entity.aggregates.append(
            model.Aggregate(values.to_s(name), args, settings[Symbol("format")])
        )

    def capabilities(self, *found: t.Any) -> None:
        """The filters that a discovery method obeys."""
        flat = _flattened(found)
        if not flat:
            raise Refused("Discovery plugin capabilities can't be empty")
        for capability in flat:
            if not isinstance(capability, Symbol) or capability.name not in _CAPABILITIES:
                raise Refused(
                    f"{values.to_s(capability)} is not a valid capability, valid capabilities are "
                    ":classes, :facts, :identity, :agents and :compound"
                )
            self._entity("capabilities").capabilities.append(capability.name)

    def _entity(self, what: str) -> _Entity:
        if self._current is None:
            raise Refused(f"Cannot figure out what entity {what} belongs to")
        return self._current

    # --- the result

    def build(self, name: str, path: str) -> model.DDL:
        """The DDL that was described. Raises :class:`Refused` if it has no metadata."""
        if self._metadata is None:
            raise Refused("it has no metadata")
        usage = values.to_s(self._usage)
        common = (self.kind, name, path, _metadata(self._metadata), usage, self._requires)
        if self.kind == "agent":
            return model.AgentDDL(*common, {k: _action(e) for k, e in self._entities.items()})
        entity = next(iter(self._entities.values()), None)
        if self.kind == "data":
            return _data_ddl(common, entity)
        if self.kind == "discovery":
            return model.DiscoveryDDL(*common, entity.capabilities if entity else ())
        return model.DDL(*common)


def _hash(value: t.Any, word: str) -> dict[t.Any, t.Any]:
    if not isinstance(value, dict):
        raise Refused(f"{word} with {values.inspect(value)} in place of a Hash")
    return value


def _check_timeout(timeout: t.Any, may_be_zero: bool) -> None:
    """MCollective itself takes anything, and fails or waits for ever when it is to use it.

    It says 0 itself of discovery methods that need no time (MC:discovery/flatfile.ddl).
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise Refused(f"the timeout {values.inspect(timeout)} is no number of seconds")
    if not 0 < timeout < LONGEST and not (may_be_zero and timeout == 0):
        raise Refused(
            f"the timeout {values.inspect(timeout)} is not between 0 and {LONGEST} seconds"
        )


def _check_key(key: t.Any, names: dict[str, t.Any]) -> None:
    if not isinstance(key, str) or not model.plain_name(key):
        raise Refused(f"a name that is {values.inspect(key)}")
    twin = names.setdefault(model.plain_name(key), key)
    if not values.same_key(twin, key):
        # MCollective goes on with a warning, and cannot tell them apart in a request.
        raise Refused(f"both {values.inspect(twin)} and {values.inspect(key)} are declared")


def _input(key: t.Any, table: dict[t.Any, t.Any]) -> model.Input:
    type_ = table[Symbol("type")]
    needed = {Symbol("string"): ("validation", "maxlength"), Symbol("list"): ("list",)}
    names = needed.get(type_, ()) if isinstance(type_, Symbol) else ()
    for name in names:
        if Symbol(name) not in table:
            raise Refused(f"Input type {values.inspect(type_)} needs a :{name} argument")
    return model.Input(
        key,
        table[Symbol("prompt")],
        table[Symbol("description")],
        type_,
        values.truthy(table.get(Symbol("optional"))),
        table.get(Symbol("default")),
        **{name: table[Symbol(name)] for name in names},
    )


def _flattened(found: t.Iterable[t.Any]) -> list[t.Any]:
    flat: list[t.Any] = []
    for item in found:
        flat += _flattened(item) if isinstance(item, (list, tuple)) else [item]
    return flat


def _metadata(table: dict[t.Any, t.Any]) -> model.Metadata:
    texts = {name: values.to_s(table[Symbol(name)]) for name in _METADATA if name != "timeout"}
    extra = {
        model.plain_name(key): value
        for key, value in table.items()
        if not (isinstance(key, Symbol) and key.name in _METADATA)
    }
    return model.Metadata(**texts, timeout=table[Symbol("timeout")], extra=extra)


def _action(entity: _Entity) -> model.Action:
    return model.Action(
        entity.name,
        entity.description,
        entity.display,
        {item.name: item for item in entity.inputs.values()},
        {item.name: item for item in entity.outputs.values()},
        entity.aggregates,
    )


def _data_ddl(common: _Common, entity: _Entity | None) -> model.DataDDL:
    if entity is None:
        return model.DataDDL(*common)
    query = next(iter(entity.inputs.values()), None)
    outputs = {item.name: item for item in entity.outputs.values()}
    return model.DataDDL(*common, entity.description, query, outputs, True)


def compare_versions(left: str, right: str) -> int:
    """-1, 0 or 1, as MCollective orders versions (MC:util.rb, versioncmp)."""
    parts = re.compile(r"[-.]|\d+|[^-.\d]+", re.ASCII)
    for one, other in zip(parts.findall(left), parts.findall(right)):
        if one == other:
            continue
        for mark in "-.":
            if mark in (one, other):
                return -1 if one == mark else 1
        return _compare_parts(one, other)
    return (left > right) - (left < right)


def _compare_parts(one: str, other: str) -> int:
    numeric = one.isdigit() and other.isdigit()
    if numeric and not (one.startswith("0") or other.startswith("0")):
        return (int(one) > int(other)) - (int(one) < int(other))
    return (one.upper() > other.upper()) - (one.upper() < other.upper())
