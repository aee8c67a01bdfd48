# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The rules of MCollective's DDLs: what they must say, what they may say, and what it means.

A DDL in Ruby and one in JSON go through the same :class:`Builder`. Its methods are the words of the
Ruby form (MC:ddl/base.rb, agentddl.rb, dataddl.rb, discoveryddl.rb), and raise :class:`.Refused` for
what those refuse.
"""

from __future__ import annotations

import re
import typing as t

from .. import exc
from .. import ruby_values as values
from ..ranges import LONGEST
from ..serializers import Symbol
from . import model
from .model import Refused

VERSION = "2.12.5"
"""The MCollective whose rules these are. A DDL that requires a newer one is refused."""

MAX_GAPS = 20
"""How many gaps are told."""

_METADATA = ("name", "description", "author", "license", "version", "url", "timeout")
_CAPABILITIES = ("classes", "facts", "identity", "agents", "compound")
_DISPLAYS = ("ok", "failed", "flatten", "always")
_NEEDED = {"string": ("validation", "maxlength"), "list": ("list",)}
"""What inputs of a type must have."""

_VERSION = re.compile(r"(?:0|[1-9]\d{0,3})(?:\.(?:0|[1-9]\d{0,3}))*")
_Table = dict[t.Any, t.Any]


class Builder:
    """Takes a DDL's statements in turn. Its methods are named after them.

    :param kind: "agent", "data", "discovery", or the kind of a plugin that has only metadata.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._metadata: _Table | None = None
        self._usage: t.Any = ""
        self._requires: dict[str, str] = {}
        self._entities: dict[t.Any, model.Action] = {}
        self._current: model.Action | None = None
        self._capabilities: list[str] = []
        self._unread: dict[model.Gap, None] = {}

    def leave_out(self, reason: str, line: int | None = None) -> None:
        """Note that something could not be read."""
        reason = reason if len(reason) < 300 else f"{reason[:300]}…"
        current = self._current if self.kind == "agent" else None
        action = None if current is None else model.plain_name(current.name)
        if len(self._unread) < MAX_GAPS:
            self._unread[model.Gap(line, reason, action)] = None
        else:
            self._unread[model.Gap(None, "and more")] = None

    def attempt(self, build: t.Callable[..., None], *arguments: t.Any) -> None:
        """Build a part. If it is refused, it is left out."""
        try:
            build(*arguments)
        except Refused as error:
            self.leave_out(str(error), error.line)

    # --- what every DDL may say

    def metadata(self, properties: t.Any) -> None:
        self._metadata = _table(properties, "metadata")
        _table(properties, "metadata", "Metadata needs a :{} property", *_METADATA)
        timeout = self._metadata[Symbol("timeout")]
        shown = values.inspect(timeout)
        if not values.is_number(timeout):
            raise Refused(f"the timeout {shown} is no number of seconds")
        # Methods of discovery that need no time say so (MC:discovery/flatfile.ddl).
        if not 0 < timeout < LONGEST and not (self.kind == "discovery" and timeout == 0):
            raise Refused(f"the timeout {shown} is not between 0 and {LONGEST} seconds")

    def usage(self, text: t.Any) -> None:
        self._usage = text

    def requires(self, requirement: t.Any) -> None:
        if not isinstance(requirement, dict):
            raise Refused("Requirement should be a hash in the form :item => 'requirement'")
        for key, version in requirement.items():
            if not values.same_key(key, Symbol("mcollective")):
                rule = "is not a valid requirement, only mcollective is supported"
                raise Refused(f"Requirement {values.to_s(key)} {rule}")
            if not isinstance(version, str) or not _VERSION.fullmatch(version):
                raise Refused(f"the requirement {values.inspect(version)} is no version")
            self._requires["mcollective"] = version
            own, needed = ([int(part) for part in text.split(".")] for text in (VERSION, version))
            if own < needed:
                raise Refused(f"it requires MCollective version {version} or newer, not {VERSION}")

    # --- what describes an entity

    def action(self, name: t.Any, properties: t.Any) -> None:
        """Describe an action from here on. One that is there already is added to."""
        table = _table(properties, "action", "Action needs a :{} property", "description")
        if not isinstance(name, str):
            raise Refused(f"an action cannot be named {values.inspect(name)}")
        new = model.Action(name, table[Symbol("description")])
        self._current = self._entities.setdefault(name, new)

    def dataquery(self, properties: t.Any) -> None:
        table = _table(properties, "dataquery", "Data queries need a :{}", "description")
        self._begin_only("data", table[Symbol("description")], "Data queries")

    def discovery(self) -> None:
        self._begin_only("discovery", None, "Discovery plugins")

    def _begin_only(self, name: str, description: t.Any, what: str) -> None:
        if self._entities:
            raise Refused(f"{what} can only have one definition")
        self._current = self._entities[name] = model.Action(name, description)

    def end(self) -> None:
        self._current = None  # Also if this entity was within another.

    def display(self, preference: t.Any) -> None:
        if not isinstance(preference, Symbol) or preference.name not in _DISPLAYS:
            rule = "is not valid, should be :ok, :failed, :flatten or :always"
            raise Refused(f"Display preference {values.to_s(preference)} {rule}")
        self._entity("display").display = preference.name

    def input(self, key: t.Any, properties: t.Any) -> None:
        """Describe an input. Properties that are not known are dropped, as those of outputs are."""
        needed = (*(("optional",) if self.kind == "agent" else ()), "prompt", "description", "type")
        table = _table(properties, "input", "Input needs a :{} property", *needed)
        if self.kind == "data" and not values.same_key(key, Symbol("query")):
            raise Refused("The only valid input name for a data query is 'query'")
        entity = self._entity(f"input {values.to_s(key)}")
        _check_key(key, entity.inputs)
        type_ = table[Symbol("type")]
        more = _NEEDED.get(type_.name, ()) if isinstance(type_, Symbol) else ()
        _table(table, "input", f"Input type {values.inspect(type_)} needs a :{{}} argument", *more)
        entity.inputs[model.plain_name(key)] = model.Input(
            *(key, table[Symbol("prompt")], table[Symbol("description")], type_),
            values.truthy(table.get(Symbol("optional"))),
            table.get(Symbol("default")),
            **{name: table[Symbol(name)] for name in more},
        )

    def output(self, key: t.Any, properties: t.Any) -> None:
        name = values.to_s(key)
        entity = self._entity(f"output {name}")
        rule = f"Output {name} needs a {{}} argument"
        table = _table(properties, "output", rule, "description", "display_as")
        _check_key(key, entity.outputs)
        entity.outputs[model.plain_name(key)] = model.Output(
            key, *(table.get(Symbol(part)) for part in ("description", "display_as", "default"))
        )

    def aggregate(self, function: t.Any, settings: t.Any = None) -> None:
        settings = {Symbol("format"): None} if settings is None else settings
        if not isinstance(settings, dict):
            raise Refused("Formats supplied to aggregation functions should be a hash")
        if Symbol("format") not in settings:
            raise Refused("Formats supplied to aggregation functions must have a :format key")
        if not isinstance(function, dict):
            raise Refused("Functions supplied to aggregate should be a hash")
        args, name = function.get(Symbol("args")), values.to_s(function.get(Symbol("function")))
        entity = self._entity("aggregate")
        if not isinstance(args, list):
            raise Refused(f"aggregate for action '{entity.name}' is missing a function parameter")
        entity.aggregates.append(model.Aggregate(name, args, settings[Symbol("format")]))

    def capabilities(self, *found: t.Any) -> None:
        flat = list(_flat(found))
        if not flat:
            raise Refused("Discovery plugin capabilities can't be empty")
        rule = "is not a valid capability, valid capabilities are"
        for capability in flat:
            if not isinstance(capability, Symbol) or capability.name not in _CAPABILITIES:
                known = ":classes, :facts, :identity, :agents and :compound"
                raise Refused(f"{values.to_s(capability)} {rule} {known}")
            self._entity("capabilities")
            self._capabilities.append(capability.name)

    def _entity(self, what: str) -> model.Action:
        if self._current is None:
            raise Refused(f"Cannot figure out what entity {what} belongs to")
        return self._current

    # --- the result

    def build(self, name: str, path: str) -> model.DDL:
        """Return the DDL that was described. Raises :class:`.exc.UnreadableDDL` if it says nothing."""
        self._current = None
        if self._metadata is None:
            self.leave_out("it has no metadata")
            if not self._entities:
                gap = next(iter(self._unread))
                raise exc.UnreadableDDL(gap.reason, path, gap.line)
        metadata, usage = _metadata(self._metadata or {}), values.to_s(self._usage)
        origin = (self.kind, name, path)
        common = (*origin, metadata, usage, self._requires, tuple(self._unread))
        if self.kind == "agent":
            return model.AgentDDL(*common, self._entities)
        if self.kind == "discovery":
            return model.DiscoveryDDL(*common, self._capabilities)
        if self.kind != "data":
            return model.DDL(*common)
        entity = next(iter(self._entities.values()), model.Action("", None))
        query = next(iter(entity.inputs.values()), None)
        described = (entity.description, query, entity.outputs)
        return model.DataDDL(*common, *described, defined=bool(self._entities))


def _table(value: t.Any, word: str, rule: str = "", *needed: str) -> _Table:
    """Return properties. They must be a Hash, and have those that are needed.

    :param rule: what is said if one is missing, with its name in place of braces.
    """
    if not isinstance(value, dict):
        raise Refused(f"{word} with {values.inspect(value)} in place of a Hash")
    for name in needed:
        if Symbol(name) not in value:
            raise Refused(rule.replace("{}", name))
    return value


def _check_key(key: t.Any, others: t.Mapping[str, model.Input | model.Output]) -> None:
    if not isinstance(key, str) or not model.plain_name(key):
        raise Refused(f"a name that is {values.inspect(key)}")
    twin = others.get(model.plain_name(key))
    if twin is not None and not values.same_key(twin.key, key):
        # MCollective goes on with a warning, and cannot tell them apart in a request.
        raise Refused(f"both {values.inspect(twin.key)} and {values.inspect(key)} are declared")


def _metadata(table: _Table) -> model.Metadata:
    texts = {name: values.to_s(table.get(Symbol(name))) for name in _METADATA if name != "timeout"}
    timeout = table.get(Symbol("timeout"), 0)
    known = values.is_number(timeout) and 0 < timeout < LONGEST
    names = {Symbol(name) for name in _METADATA}
    extra = {model.plain_name(key): value for key, value in table.items() if key not in names}
    return model.Metadata(**texts, timeout=timeout if known else 0, extra=extra)


def _flat(found: t.Iterable[t.Any]) -> t.Iterator[t.Any]:
    for item in found:
        yield from _flat(item) if isinstance(item, list) else [item]
