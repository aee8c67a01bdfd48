# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_agent_info: what an agent can do, from its DDL. It asks no node."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ruby_values as values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

from .agent_help import help_of
from .base import CollectiveTask, Returned, TaskFailed
from .configuration import local_configuration
from .options import CLIENT_OPTIONS, Spec
from .values import to_json

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings


class AgentInfoTask(CollectiveTask):
    """Reads one agent's DDL, or lists all agents with a DDL. It does the same in check mode."""

    options: t.ClassVar[Spec] = {
        **CLIENT_OPTIONS,
        "agent": {"type": "str"},
        "ddl_path": {"type": "list", "elements": "path", "default": []},
    }

    def _configuration(self) -> Settings:
        return local_configuration(self.params, self._environ)

    def _run(self, check_mode: bool) -> Returned:
        library = self.library(self.params["ddl_path"])
        name = self.params["agent"]
        if name is None:
            return {"changed": False, "agents": list(self._agents(library))}
        found = library.agent(name)
        if found is None:
            raise TaskFailed(
                f"there is no DDL of the agent {name} in {self._places()}; there are DDLs of"
                f" {', '.join(library.names('agent'))}"
            )
        self._warn_of(found)
        described = agent_of(found)
        return {"changed": False, "ddl": described, "help": help_of(described)}

    def _warn_of(self, found: ddl.AgentDDL) -> None:
        for fault in found.faults():
            self.warn(str(fault))

    def _places(self) -> str:
        """Return the places with DDLs, for a message."""
        libdirs = " and ".join(self.libdirs)
        places = [*self.params["ddl_path"], f"the libdir {libdirs}" if libdirs else ""]
        return ", ".join([*filter(None, places), "what is built in"])

    def _agents(self, library: ddl.Library) -> t.Iterator[Returned]:
        for name in library.names("agent"):
            try:
                found = t.cast("ddl.AgentDDL", library.agent(name))
            except exc.UnreadableDDL as error:
                self.warn(str(error))
                continue
            self._warn_of(found)
            yield {
                "name": name,
                "description": found.metadata.description,
                "version": found.metadata.version,
                "path": found.path or None,
                "actions": [str(plain(action)) for action in found.actions],
            }


def agent_of(found: ddl.AgentDDL) -> Returned:
    """Return a DDL as data that JSON can carry."""
    metadata = found.metadata
    names = ("name", "description", "author", "license", "version", "url", "timeout")
    extra = t.cast(Returned, plain(dict(metadata.extra)))
    return {
        "name": found.name,
        "path": found.path or None,
        "metadata": {**extra, **{name: plain(getattr(metadata, name)) for name in names}},
        "usage": plain(found.usage),
        "requires": plain(dict(found.requires)),
        "actions": [_action(action) for action in found.actions.values()],
        "unread": [dataclasses.asdict(gap) for gap in found.unread],
    }


def _action(action: ddl.Action) -> Returned:
    return {
        "name": plain(action.name),
        "description": plain(action.description),
        "display": action.display,
        "inputs": [_input(item) for item in action.inputs.values()],
        "outputs": [_output(item) for item in action.outputs.values()],
        "aggregates": [_aggregate(item) for item in action.aggregates],
    }


def _input(item: ddl.Input) -> Returned:
    rule = item.validation
    by_plugin = isinstance(rule, Symbol)
    return {
        "name": item.name,
        "prompt": plain(item.prompt),
        "description": plain(item.description),
        "type": plain(item.type),
        "optional": item.optional,
        "default": plain(item.default),
        "validation": None if by_plugin else plain(rule),
        "validator": plain(rule) if by_plugin else None,
        "maxlength": plain(item.maxlength),
        "list": plain(item.list),
    }


def _output(item: ddl.Output) -> Returned:
    return {
        "name": item.name,
        "description": plain(item.description),
        "display_as": plain(item.display_as),
        "default": plain(item.default),
    }


def _aggregate(item: ddl.Aggregate) -> Returned:
    return {
        "function": item.function,
        "output": plain(item.args[0]) if item.args else None,
        "format": plain(item.format),
    }


def plain(value: t.Any) -> t.Any:
    """Return a value of a DDL as data that JSON can carry.

    A regular expression becomes its source, with its options in Ruby's notation, if it has any. A
    class becomes its name.
    """
    if isinstance(value, values.Regexp):
        return f"(?{value.flags}:{value.source})" if value.flags else value.source
    if isinstance(value, values.RubyClass):
        return values.to_s(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return to_json({_key(key): plain(item) for key, item in value.items()})
    return to_json(value)


def _key(key: t.Any) -> t.Any:
    scalar = isinstance(key, (str, bytes, int, float, type(None)))
    return key if scalar else values.inspect(key)
