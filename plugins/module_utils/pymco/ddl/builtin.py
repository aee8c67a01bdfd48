# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The DDLs of the plugins that every MCollective has, for clients that have no DDL files.

Names, types and rules are MCollective's interface; the words are our own.
"""

from __future__ import annotations

import typing as t

from ..serializers import Symbol
from .builder import VERSION
from .model import (
    DDL,
    Action,
    AgentDDL,
    Aggregate,
    DataDDL,
    DiscoveryDDL,
    Input,
    Metadata,
    Output,
)


def find(kind: str, name: str) -> DDL | None:
    """The DDL of a plugin, None if it is not among them."""
    return _DDLS.get((kind, name))


def names(kind: str) -> list[str]:
    """The plugins of a kind that are among them."""
    return [name for each, name in _DDLS if each == kind]


def _metadata(name: str, description: str, timeout: float) -> Metadata:
    license_, url = "BSD-2-Clause", "https://github.com/choria-legacy/marionette-collective"
    author = "the pymco.mcollective authors"
    return Metadata(name, description, author, license_, VERSION, url, timeout)


def _string(name: str, description: str, rule: str, most: int, optional: bool = False) -> Input:
    prompt = name.capitalize()
    return Input(Symbol(name), prompt, description, Symbol("string"), optional, None, rule, most)


def _outputs(**descriptions: str) -> dict[str, Output]:
    return {
        name: Output(Symbol(name), description, name.replace("_", " ").capitalize())
        for name, description in descriptions.items()
    }


def _action(
    name: str,
    description: str,
    inputs: t.Sequence[Input] = (),
    outputs: t.Mapping[str, Output] | None = None,
    summaries: t.Sequence[str] = (),
) -> Action:
    aggregates = [Aggregate("summary", [Symbol(output)]) for output in summaries]
    by_name = {input_.name: input_ for input_ in inputs}
    return Action(name, description, "always", by_name, outputs or {}, aggregates)


_COLLECTIVES = _outputs(
    main_collective="The collective that the node belongs to first of all",
    collectives="All collectives that the node belongs to",
)

_RPCUTIL = (
    _action(
        "ping",
        "Ask for the node's time",
        outputs=_outputs(pong="Seconds since 1970 by the node's clock"),
    ),
    _action(
        "inventory",
        "Ask what the node is and has",
        outputs={
            **_outputs(
                agents="The names of its agents",
                facts="Its facts and their values",
                classes="The classes that its configuration management has applied",
                version="The version of its MCollective",
            ),
            **_COLLECTIVES,
            **_outputs(data_plugins="The names of its data plugins"),
        },
    ),
    _action(
        "get_fact",
        "Ask for one fact",
        [_string("fact", "The name of the fact", r"^[\w\-\.]+$", 40)],
        _outputs(fact="The name of the fact", value="Its value"),
        ["value"],
    ),
    _action(
        "get_facts",
        "Ask for several facts",
        [
            _string(
                "facts",
                "The names of the facts, with a comma between them",
                r"^\s*[\w\.\-]+(\s*,\s*[\w\.\-]+)*$",
                200,
            )
        ],
        _outputs(values="The facts' values by their names"),
    ),
    _action(
        "daemon_stats",
        "Ask what the node's daemon has been doing",
        outputs=_outputs(
            threads="Its threads",
            agents="The names of its agents",
            pid="Its process number",
            times="The processor time that it has used",
            validated="How many messages had a good signature",
            unvalidated="How many messages had none",
            passed="How many messages were for this node",
            filtered="How many messages were for others",
            starttime="When it was started",
            total="How many messages it received",
            replies="How many replies it sent",
            configfile="Its configuration file",
            version="The version of MCollective",
            ttlexpired="How many messages came too late",
        ),
        summaries=["version", "agents"],
    ),
    _action(
        "agent_inventory",
        "Ask for the metadata of all agents",
        outputs=_outputs(agents="Each agent's metadata"),
    ),
    _action(
        "get_config_item",
        "Ask for a setting of the node's daemon",
        [_string("item", "The name of the setting", "^.+$", 50)],
        _outputs(item="The name of the setting", value="Its value"),
        ["value"],
    ),
    _action("collective_info", "Ask for the collectives", (), _COLLECTIVES, ["collectives"]),
    _action(
        "get_data",
        "Query a data plugin",
        [
            _string("source", "The name of the data plugin", r"^\w+$", 50),
            _string("query", "What to ask it", "^.+$", 200, optional=True),
        ],
    ),
)


def _agent(name: str, description: str, timeout: float, actions: t.Sequence[Action]) -> AgentDDL:
    metadata = _metadata(name, description, timeout)
    return AgentDDL("agent", name, "", metadata, actions={str(a.name): a for a in actions})


def _data(name: str, description: str, query: Input, outputs: dict[str, Output]) -> DataDDL:
    metadata = _metadata(name, description, 1)
    return DataDDL(
        "data",
        f"{name}_data",
        "",
        metadata,
        description=description,
        query=query,
        outputs=outputs,
        defined=True,
    )


def _discovery(name: str, description: str, timeout: float, *capabilities: str) -> DiscoveryDDL:
    metadata = _metadata(name, description, timeout)
    return DiscoveryDDL("discovery", name, "", metadata, capabilities=capabilities)


_FSTAT = _outputs(
    name="The file's name",
    output="What there is to say about it, as a sentence",
    present="1 if it is there, else 0",
    size="Its size in bytes",
    mode="Its permissions, in octal",
    md5="The MD5 digest of a regular file",
    mtime="When its content was changed",
    ctime="When its state was changed",
    atime="When it was read",
    mtime_seconds="When its content was changed, in seconds since 1970",
    ctime_seconds="When its state was changed, in seconds since 1970",
    atime_seconds="When it was read, in seconds since 1970",
    mtime_age="Seconds since its content was changed",
    ctime_age="Seconds since its state was changed",
    atime_age="Seconds since it was read",
    uid="The number of its owner",
    gid="The number of its group",
    type="What kind of file it is",
)

_ALL: tuple[DDL, ...] = (
    _agent("rpcutil", "What every node tells about itself", 10, _RPCUTIL),
    _data(
        "agent",
        "The metadata of an agent",
        _string("query", "The name of the agent", r"^[\w\_]+$", 20),
        _outputs(
            license="Its license",
            timeout="Seconds that it may take",
            description="What it is for",
            url="Where to learn more",
            version="Its version",
            author="Who made it",
        ),
    ),
    _data(
        "collective",
        "Membership in a collective",
        _string("query", "The name of the collective", ".", 256),
        _outputs(member="Whether the node belongs to it"),
    ),
    _data(
        "fact",
        "A fact, which may be part of another",
        _string("query", "The fact's name, with dots to go deeper", ".", 256),
        _outputs(
            exists="Whether the node has it",
            value="Its value",
            value_encoding="text/plain, or application/json for a value with parts",
        ),
    ),
    _data(
        "fstat",
        "The state of a file",
        _string("query", "The path of the file", ".+", 120),
        _FSTAT,
    ),
    _discovery(
        "mc",
        "Asks all nodes, and waits for those that answer",
        2,
        *("classes", "facts", "identity", "agents", "compound"),
    ),
    _discovery("flatfile", "Takes identities from a file", 0, "identity"),
    _discovery("stdin", "Takes identities from the standard input", 0, "identity"),
)
_DDLS = {(ddl.kind, ddl.name): ddl for ddl in _ALL}
