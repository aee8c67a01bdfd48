# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The DDLs of the plugins that every node has, for clients that have no DDL files.

Names, types and rules are the interface of MCollective, and of Choria 0.29.4 (Go:
internal/fs/ddl/cache/agent); the words are our own. Each DDL is a short text, which is read when it is
asked for. It begins with the seconds that the plugin may take, and what it is for. Then its lines say:

- ``action NAME: DESCRIPTION``
- ``input NAME: DESCRIPTION | REGULAR EXPRESSION | MAXLENGTH`` for a text, or ``| CLASS``
- ``optional NAME: …`` as for ``input``
- ``output NAME: DESCRIPTION; NAME: DESCRIPTION; …``
- ``summarize OUTPUT OUTPUT …`` for counts of their values
- ``display REPLIES`` if these are not all
- ``capabilities FILTER FILTER …``
"""

from __future__ import annotations

import functools
import re
import typing as t

from ..ruby_values import RubyClass
from ..serializers import Symbol
from .builder import VERSION, Builder

if t.TYPE_CHECKING:
    from .model import DDL

_ORIGINS = {
    "mcollective": (VERSION, "https://github.com/choria-legacy/marionette-collective"),
    "choria": ("0.29.4", "https://choria.io"),
}
"""The versions of the plugins, and where to learn more."""


@functools.cache
def find(kind: str, name: str, dialect: str = "mcollective") -> DDL | None:
    """Return the DDL of a plugin of nodes that speak this; None if it is not among them."""
    text = _TEXTS[dialect].get((kind, name))
    if text is None:
        return None
    (timeout, about), *statements = (line.split(" ", 1) for line in re.split(r"\n(?! )", text))
    builder = Builder(kind)
    made = {"author": "the pymco.mcollective authors", "license": "BSD-2-Clause"}
    made["version"], made["url"] = _ORIGINS[dialect]
    plugin = name.replace("_data", "")
    builder.metadata(_table(name=plugin, description=about, timeout=int(timeout), **made))
    if kind == "data":
        builder.dataquery(_table(description=about))
    elif kind == "discovery":
        builder.discovery()
    for word, rest in statements:
        _say(builder, word, rest)
    return builder.build(name, "")


def names(kind: str, dialect: str = "mcollective") -> list[str]:
    """Return the names of the plugins of a kind."""
    return [name for each, name in _TEXTS[dialect] if each == kind]


def _say(builder: Builder, word: str, text: str) -> None:
    """Take one statement."""
    if word == "action":
        name, about = text.split(": ")
        builder.action(name, _table(description=about))
        builder.display(Symbol("always"))
    elif word == "output":
        for name, about in re.findall(r"(\w+): ([^;]+)", re.sub(r"\s+", " ", text)):
            builder.output(Symbol(name), _table(description=about, display_as=_titled(name)))
    elif word == "summarize":
        for name in text.split():
            builder.aggregate(_table(function="summary", args=[Symbol(name)]))
    elif word == "display":
        builder.display(Symbol(text))
    elif word == "capabilities":
        builder.capabilities(*map(Symbol, text.split()))
    else:
        name, about, rule, *maxlength = re.split(r": | \| ", text)
        table = _table(prompt=_titled(name), description=about, optional=word == "optional")
        if maxlength:
            table |= _table(type=Symbol("string"), validation=rule, maxlength=int(maxlength[0]))
        else:
            table |= _table(type=RubyClass(rule))
        builder.input(Symbol(name), table)


def _table(**properties: t.Any) -> dict[str, t.Any]:
    return {Symbol(name): value for name, value in properties.items()}


def _titled(name: str) -> str:
    return name.replace("_", " ").capitalize()


# --- the texts

_COLLECTIVES = """main_collective: The collective that the node belongs to first of all;
    collectives: All collectives that the node belongs to"""


def _rpcutil(
    seconds: int, server: str, *, fact: str, setting: int, inventory: str = "", stats: str = ""
) -> str:
    """Return the text of the agent that tells about the node.

    :param fact: the input of get_fact.
    :param setting: the longest name of a setting.
    :param inventory: further outputs, and so are `stats`.
    """
    return rf"""{seconds} What every node tells about itself
action ping: Ask for the node's time
output pong: Seconds since 1970 by the node's clock
action inventory: Ask what the node is and has
output agents: The names of its agents; facts: Its facts and their values;
    classes: The classes that its configuration management has applied; version: The version of its {server};
    {_COLLECTIVES}; data_plugins: The names of its data plugins{inventory}
action get_fact: Ask for one fact
input fact: {fact}
output fact: The name of the fact; value: Its value
summarize value
action get_facts: Ask for several facts
input facts: The names of the facts, with a comma between them | ^\s*[\w\.\-]+(\s*,\s*[\w\.\-]+)*$ | 200
output values: Their values by their names
action daemon_stats: Ask what the daemon has been doing
output threads: Its threads; agents: The names of its agents; pid: Its process number;
    times: The processor time that it has used; validated: How many messages had a good signature;
    unvalidated: How many messages had none; passed: How many messages were for this node;
    filtered: How many messages were for others; starttime: When it was started;
    total: How many messages it received; replies: How many replies it sent;
    configfile: Its configuration file; version: The version of its {server};
    ttlexpired: How many messages came too late{stats}
summarize version agents
action agent_inventory: Ask for the metadata of all agents
output agents: Each agent's metadata
action get_config_item: Ask for a setting of the daemon
input item: The name of the setting | ^.+$ | {setting}
output item: The name of the setting; value: Its value
summarize value
action collective_info: Ask for the collectives
output {_COLLECTIVES}
summarize collectives
action get_data: Query a data plugin
input source: The name of the data plugin | ^\w+$ | 50
optional query: What to ask it | ^.+$ | 200"""


_MCOLLECTIVE = {
    ("agent", "rpcutil"): _rpcutil(
        10, "MCollective", fact=r"The name of the fact | ^[\w\-\.]+$ | 40", setting=50
    ),
    ("data", "agent_data"): r"""1 The metadata of an agent
input query: The name of the agent | ^[\w\_]+$ | 20
output license: Its license; timeout: Seconds that it may take; description: What it is for;
    url: Where to learn more; version: Its version; author: Who made it""",
    ("data", "collective_data"): r"""1 Membership in a collective
input query: The name of the collective | . | 256
output member: true if the node belongs to it""",
    ("data", "fact_data"): r"""1 A fact, which may be part of another
input query: The fact's name, with dots to go deeper | . | 256
output exists: true if the node has it; value: Its value;
    value_encoding: text/plain, or application/json for a value with parts""",
    ("data", "fstat_data"): r"""1 The state of a file
input query: The path of the file | .+ | 120
output name: The file's name; output: What there is to say about it, as a sentence;
    present: 1 if it is there, else 0; size: Its size in bytes; mode: Its permissions, in octal;
    md5: The MD5 digest of a regular file; mtime: When its content was changed;
    ctime: When its state was changed; atime: When it was read;
    mtime_seconds: When its content was changed, in seconds since 1970;
    ctime_seconds: When its state was changed, in seconds since 1970;
    atime_seconds: When it was read, in seconds since 1970;
    mtime_age: Seconds since its content was changed;
    ctime_age: Seconds since its state was changed; atime_age: Seconds since it was read;
    uid: The number of its owner; gid: The number of its group; type: What kind of file it is""",
    ("discovery", "mc"): """2 Asks all nodes, and waits for those that answer
capabilities classes facts identity agents compound""",
    ("discovery", "flatfile"): """0 Takes identities from a file
capabilities identity""",
    ("discovery", "stdin"): """0 Takes identities from the standard input
capabilities identity""",
}

_CHORIA_UTIL = r"""2 What Choria's server tells about itself, and its autonomous agents
action info: Ask for versions, settings and the connection
display failed
output security: The security provider; secure_protocol: true if messages are signed;
    connector: The connector; connector_tls: true if the connection is encrypted;
    path: The server's PATH; choria_version: The version of its Choria;
    client_version: The version of its NATS library; client_flavour: Which NATS library that is;
    client_options: The options of its connection; connected_server: The broker that it uses;
    client_stats: Figures of its connection; facter_domain: Its domain, as facter knows it;
    facter_command: The path of facter; srv_domain: The domain of SRV records;
    using_srv: true if SRV records are looked for; middleware_servers: The brokers that it knows
summarize choria_version client_version client_flavour connected_server srv_domain using_srv
    secure_protocol connector_tls
action machine_state: Ask for the state of an autonomous agent
display ok
optional instance: The number of its instance | ^.+-.+-.+-.+-.+$ | 36
optional name: Its name | ^[a-zA-Z][a-zA-Z0-9_-]+ | 128
optional path: Its directory | .+ | 512
output name: Its name; version: Its version; state: The state that it is in; path: Its directory;
    id: The number of its instance; start_time: When it was started, in seconds since 1970;
    available_transitions: The transitions that it can make now;
    scout: true if it is a check of Scout; current_state: What that check says
summarize state name version
action machine_states: Ask for all autonomous agents
output machine_names: The names of all; machine_ids: The numbers of their instances;
    states: The state of each, by the number of its instance
summarize machine_names
action machine_transition: Make an autonomous agent change its state
display failed
optional instance: The number of its instance | ^.+-.+-.+-.+-.+$ | 36
optional version: Its version | ^\d+\.\d+\.\d+$ | 20
optional name: Its name | ^[a-zA-Z][a-zA-Z0-9_-]+ | 128
optional path: Its directory | .+ | 512
input transition: What is to happen | ^[a-zA-Z][a-zA-Z0-9_-]+$ | 128
output success: true if the agent takes the transition"""

_CHANGE = """display failed
optional checks: The names of the checks; without any, all of them | Array
output failed: Checks that did not change; transitioned: Checks that did; skipped: Checks left alone"""
_SCOUT = rf"""5 The checks of Choria Scout
action checks: Ask for all checks
display ok
output checks: Each check and its state
action trigger: Make checks run now
{_CHANGE}
action maintenance: Make checks pause
{_CHANGE}
action resume: Make checks run again
{_CHANGE}
action goss_validate: Test the node with Goss
display failed
optional yaml_rules: The tests, in YAML | . | 5120
optional file: The path of a file of tests | .+ | 256
optional vars: The path of a file of variables | .+ | 256
optional yaml_vars: Variables, in YAML | .+ | 5120
output tests: How many tests were run; failures: How many of them failed; runtime: Seconds that they took;
    success: How many of them passed; skipped: How many were left out;
    summary: The result, as a sentence; results: All that is known of each test
summarize tests failures success"""

_TEXTS = {
    "mcollective": _MCOLLECTIVE,
    "choria": {
        ("agent", "rpcutil"): _rpcutil(
            *(2, "Choria"),
            fact="The fact's name, with dots to go deeper | .+ | 512",
            setting=120,
            inventory="; machines: Its autonomous agents; upgradable: true if it can upgrade itself",
            stats="; events: How many events it published",
        ),
        ("agent", "choria_util"): _CHORIA_UTIL,
        ("agent", "scout"): _SCOUT,
    },
}
