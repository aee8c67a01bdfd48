# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The DDLs of the plugins that every MCollective has, for clients that have no DDL files.

Names, types and rules are MCollective's interface; the words are our own.
"""

from __future__ import annotations

import re
import typing as t

from ..serializers import Symbol
from . import model
from .builder import VERSION

_URL = "https://github.com/choria-legacy/marionette-collective"


def find(kind: str, name: str) -> model.DDL | None:
    """The DDL of a plugin, None if it is not among them."""
    return _DDLS.get((kind, name))


def names(kind: str) -> list[str]:
    """The plugins of a kind that are among them."""
    return [name for each, name in _DDLS if each == kind]


def _common(
    kind: str, name: str, about: str, timeout: float
) -> tuple[str, str, str, model.Metadata]:
    plugin, author = name.replace("_data", ""), "the pymco.mcollective authors"
    made = (author, "BSD-2-Clause", VERSION, _URL, timeout)
    return kind, name, "", model.Metadata(plugin, about, *made)


def _string(name: str, about: str, rule: str, most: int, optional: bool = False) -> model.Input:
    key, kind = Symbol(name), Symbol("string")
    return model.Input(key, name.capitalize(), about, kind, optional, None, rule, most)


def _outputs(text: str) -> dict[str, model.Output]:
    """Outputs, written as names with their descriptions."""
    pairs = re.findall(r"(\w+): ([^;]+)", text)
    shown = {name: name.replace("_", " ").capitalize() for name, _about in pairs}
    return {name: model.Output(Symbol(name), about, shown[name]) for name, about in pairs}


def _action(
    name: str, about: str, outputs: str, *inputs: model.Input, sums: t.Sequence[str] = ()
) -> model.Action:
    aggregates = [model.Aggregate("summary", [Symbol(output)]) for output in sums]
    given = {input_.name: input_ for input_ in inputs}
    return model.Action(name, about, "always", given, _outputs(outputs), aggregates)


def _data(name: str, about: str, query: str, rule: str, most: int, outputs: str) -> model.DataDDL:
    return model.DataDDL(
        *_common("data", f"{name}_data", about, 1),
        description=about,
        query=_string("query", query, rule, most),
        outputs=_outputs(outputs),
        defined=True,
    )


def _discovery(name: str, about: str, timeout: float, found: str) -> model.DiscoveryDDL:
    common = _common("discovery", name, about, timeout)
    return model.DiscoveryDDL(*common, capabilities=found.split())


_COLLECTIVES = (
    "main_collective: The collective that the node belongs to first of all;"
    "collectives: All collectives that the node belongs to"
)
_INVENTORY = (
    "agents: The names of its agents; facts: Its facts and their values;"
    "classes: The classes that its configuration management has applied;"
    f"version: The version of its MCollective; {_COLLECTIVES};"
    "data_plugins: The names of its data plugins"
)
_STATS = (
    "threads: Its threads; agents: The names of its agents; pid: Its process number;"
    "times: The processor time that it has used; validated: How many messages had a good signature;"
    "unvalidated: How many messages had none; passed: How many messages were for this node;"
    "filtered: How many messages were for others; starttime: When it was started;"
    "total: How many messages it received; replies: How many replies it sent;"
    "configfile: Its configuration file; version: The version of MCollective;"
    "ttlexpired: How many messages came too late"
)
_FACT = _string("fact", "The name of the fact", r"^[\w\-\.]+$", 40)
_FACT_LIST = r"^\s*[\w\.\-]+(\s*,\s*[\w\.\-]+)*$"
_FACTS = _string("facts", "The names of the facts, with a comma between them", _FACT_LIST, 200)
_ITEM = _string("item", "The name of the setting", "^.+$", 50)
_SOURCE = _string("source", "The name of the data plugin", r"^\w+$", 50)
_QUERY = _string("query", "What to ask it", "^.+$", 200, optional=True)
_PONG = "pong: Seconds since 1970 by the node's clock"
_GOT = "fact: The name of the fact; value: Its value"
_SET = "item: The name of the setting; value: Its value"
_RPCUTIL = (
    _action("ping", "Ask for the node's time", _PONG),
    _action("inventory", "Ask what the node is and has", _INVENTORY),
    _action("get_fact", "Ask for one fact", _GOT, _FACT, sums=["value"]),
    _action("get_facts", "Ask for several facts", "values: Their values by their names", _FACTS),
    _action(
        "daemon_stats", "Ask what the daemon has been doing", _STATS, sums=["version", "agents"]
    ),
    _action(
        "agent_inventory", "Ask for the metadata of all agents", "agents: Each agent's metadata"
    ),
    _action("get_config_item", "Ask for a setting of the daemon", _SET, _ITEM, sums=["value"]),
    _action("collective_info", "Ask for the collectives", _COLLECTIVES, sums=["collectives"]),
    _action("get_data", "Query a data plugin", "", _SOURCE, _QUERY),
)
_FSTAT = (
    "name: The file's name; output: What there is to say about it, as a sentence;"
    "present: 1 if it is there, else 0; size: Its size in bytes; mode: Its permissions, in octal;"
    "md5: The MD5 digest of a regular file; mtime: When its content was changed;"
    "ctime: When its state was changed; atime: When it was read;"
    "mtime_seconds: When its content was changed, in seconds since 1970;"
    "ctime_seconds: When its state was changed, in seconds since 1970;"
    "atime_seconds: When it was read, in seconds since 1970;"
    "mtime_age: Seconds since its content was changed;"
    "ctime_age: Seconds since its state was changed; atime_age: Seconds since it was read;"
    "uid: The number of its owner; gid: The number of its group; type: What kind of file it is"
)
_AGENT = (
    "license: Its license; timeout: Seconds that it may take; description: What it is for;"
    "url: Where to learn more; version: Its version; author: Who made it"
)
_VALUE = (
    "exists: Whether the node has it; value: Its value;"
    "value_encoding: text/plain, or application/json for a value with parts"
)
_MEMBER, _OF = "member: Whether the node belongs to it", "The name of the collective"
_DEEPER = "The fact's name, with dots to go deeper"
_ALL_FILTERS = "classes facts identity agents compound"
_ABOUT = "What every node tells about itself"
_ALL: tuple[model.DDL, ...] = (
    model.AgentDDL(
        *_common("agent", "rpcutil", _ABOUT, 10), actions={str(a.name): a for a in _RPCUTIL}
    ),
    _data("agent", "The metadata of an agent", "The name of the agent", r"^[\w\_]+$", 20, _AGENT),
    _data("collective", "Membership in a collective", _OF, ".", 256, _MEMBER),
    _data("fact", "A fact, which may be part of another", _DEEPER, ".", 256, _VALUE),
    _data("fstat", "The state of a file", "The path of the file", ".+", 120, _FSTAT),
    _discovery("mc", "Asks all nodes, and waits for those that answer", 2, _ALL_FILTERS),
    _discovery("flatfile", "Takes identities from a file", 0, "identity"),
    _discovery("stdin", "Takes identities from the standard input", 0, "identity"),
)
_DDLS = {(ddl.kind, ddl.name): ddl for ddl in _ALL}
