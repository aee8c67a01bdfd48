# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The DDLs of the plugins that every node has, for clients that have no DDL files.

Names, types and rules are MCollective's interface, and Choria's; the words are our own.
"""

from __future__ import annotations

import typing as t

from . import builtin_choria, model
from .builder import VERSION
from .builtin_parts import action, metadata, outputs, string

_URL = "https://github.com/choria-legacy/marionette-collective"
_Any = t.TypeVar("_Any", bound=model.DDL)


def find(kind: str, name: str, dialect: str = "mcollective") -> model.DDL | None:
    """Return the DDL of a plugin of nodes that speak this; None if it is not among them."""
    return _DDLS[dialect].get((kind, name))


def names(kind: str, dialect: str = "mcollective") -> list[str]:
    """Return the names of the plugins of a kind."""
    return [name for each, name in _DDLS[dialect] if each == kind]


def _ddl(form: type[_Any], kind: str, name: str, about: str, timeout: float, **more: t.Any) -> _Any:
    made = metadata(name.replace("_data", ""), about, VERSION, _URL, timeout)
    return form(kind, name, "", made, **more)


def _data(name: str, about: str, query: model.Input, out: str) -> model.DataDDL:
    more = {"description": about, "query": query, "outputs": outputs(out), "defined": True}
    return _ddl(model.DataDDL, "data", f"{name}_data", about, 1, **more)


def _discovery(name: str, about: str, timeout: float, found: str) -> model.DDL:
    more = {"capabilities": found.split()}
    return _ddl(model.DiscoveryDDL, "discovery", name, about, timeout, **more)


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
_FACT = string("fact", "The name of the fact", r"^[\w\-\.]+$", 40)
_FACT_LIST = r"^\s*[\w\.\-]+(\s*,\s*[\w\.\-]+)*$"
_FACTS = string("facts", "The names of the facts, with a comma between them", _FACT_LIST, 200)
_ITEM = string("item", "The name of the setting", "^.+$", 50)
_SOURCE = string("source", "The name of the data plugin", r"^\w+$", 50)
_QUERY = string("query", "What to ask it", "^.+$", 200, optional=True)
_PONG = "pong: Seconds since 1970 by the node's clock"
_GOT = "fact: The name of the fact; value: Its value"
_SET = "item: The name of the setting; value: Its value"
_RPCUTIL = (
    action("ping", "Ask for the node's time", _PONG),
    action("inventory", "Ask what the node is and has", _INVENTORY),
    action("get_fact", "Ask for one fact", _GOT, _FACT, sums="value"),
    action("get_facts", "Ask for several facts", "values: Their values by their names", _FACTS),
    action("daemon_stats", "Ask what the daemon has been doing", _STATS, sums="version agents"),
    action(
        "agent_inventory", "Ask for the metadata of all agents", "agents: Each agent's metadata"
    ),
    action("get_config_item", "Ask for a setting of the daemon", _SET, _ITEM, sums="value"),
    action("collective_info", "Ask for the collectives", _COLLECTIVES, sums="collectives"),
    action("get_data", "Query a data plugin", "", _SOURCE, _QUERY),
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
    "exists: true if the node has it; value: Its value;"
    "value_encoding: text/plain, or application/json for a value with parts"
)
_MEMBER = "member: true if the node belongs to it"
_ABOUT = "What every node tells about itself"
_AGENT_NAME = string("query", "The name of the agent", r"^[\w\_]+$", 20)
_COLLECTIVE_NAME = string("query", "The name of the collective", ".", 256)
_FACT_NAME = string("query", "The fact's name, with dots to go deeper", ".", 256)
_PATH = string("query", "The path of the file", ".+", 120)
_ACTIONS = {str(action.name): action for action in _RPCUTIL}
_FILTERS = "classes facts identity agents compound"
_ALL: tuple[model.DDL, ...] = (
    _ddl(model.AgentDDL, "agent", "rpcutil", _ABOUT, 10, actions=_ACTIONS),
    _data("agent", "The metadata of an agent", _AGENT_NAME, _AGENT),
    _data("collective", "Membership in a collective", _COLLECTIVE_NAME, _MEMBER),
    _data("fact", "A fact, which may be part of another", _FACT_NAME, _VALUE),
    _data("fstat", "The state of a file", _PATH, _FSTAT),
    _discovery("mc", "Asks all nodes, and waits for those that answer", 2, _FILTERS),
    _discovery("flatfile", "Takes identities from a file", 0, "identity"),
    _discovery("stdin", "Takes identities from the standard input", 0, "identity"),
)
_DDLS: dict[str, dict[tuple[str, str], model.DDL]] = {
    "mcollective": {(ddl.kind, ddl.name): ddl for ddl in _ALL},
    "choria": {(ddl.kind, ddl.name): ddl for ddl in builtin_choria.ALL},
}
