# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a DDL says, in terms of no language.

Values are those of :mod:`.values`: a Ruby Symbol is a :class:`.serializers.Symbol`. Inputs and outputs
are found by their plain names, without the colon that Symbols bear.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..serializers import Symbol


def plain_name(key: t.Any) -> str:
    """An input's, an output's or an action's name, without a Symbol's colon."""
    return key.name if isinstance(key, Symbol) else str(key)


@dataclass(frozen=True)
class Metadata:
    """Who made a plugin, and how long it may take.

    :ivar timeout: seconds.
    :ivar extra: whatever else the DDL says here.
    """

    name: str
    description: str
    author: str
    license: str
    version: str
    url: str
    timeout: float
    extra: t.Mapping[str, t.Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Input:
    """An argument of an action, or the one of a data plugin.

    :ivar key: the name as declared, str or Symbol: a node takes it as this and nothing else.
    :ivar type: a Symbol: string, list, integer, float, number, boolean, or the name of a validator
        plugin. Other values are legal and mean what they mean as a validation.
    :ivar validation: of a string: a regular expression (str or Regexp), a Symbol that names a
        validator plugin, a list of what is allowed, or a class.
    :ivar maxlength: of a string, in characters; 0 for no limit. A number in any well-written DDL.
    :ivar list: of a list: what is allowed.
    """

    key: str
    prompt: t.Any
    description: t.Any
    type: t.Any
    optional: bool
    default: t.Any = None
    validation: t.Any = None
    maxlength: t.Any = None
    list: t.Any = None

    @property
    def name(self) -> str:
        """The name, without a Symbol's colon."""
        return plain_name(self.key)


@dataclass(frozen=True)
class Output:
    """A value in the reply of an action or a data plugin; `key` is its name as declared."""

    key: str
    description: t.Any
    display_as: t.Any
    default: t.Any = None

    @property
    def name(self) -> str:
        """The name, without a Symbol's colon."""
        return plain_name(self.key)


@dataclass(frozen=True)
class Aggregate:
    """A summary over the replies of all nodes.

    :ivar function: its name, such as "summary".
    :ivar args: the output as declared and, often, a dict of settings with Symbols as keys.
    :ivar outer_format: a format given to ``aggregate`` itself. MCollective keeps and ignores it.
    """

    function: str
    args: t.Sequence[t.Any]
    outer_format: t.Any = None

    @property
    def format(self) -> t.Any:
        """The format in the settings, if there is one."""
        settings = self.args[1] if len(self.args) > 1 else None
        return settings.get(Symbol("format")) if isinstance(settings, dict) else None


@dataclass(frozen=True)
class Action:
    """Something an agent does.

    :ivar name: as declared. One that is a Symbol can never be called: requests name actions by
        Strings (MC:ddl/agentddl.rb, validate_rpc_request).
    :ivar display: which replies mco shows: "ok", "failed", "always" or "flatten".
    """

    name: str
    description: t.Any
    display: str = "failed"
    inputs: t.Mapping[str, Input] = field(default_factory=dict)
    outputs: t.Mapping[str, Output] = field(default_factory=dict)
    aggregates: t.Sequence[Aggregate] = ()


@dataclass(frozen=True)
class DDL:
    """What the DDLs of all plugins have. Those of validators, aggregates and so on have no more.

    :ivar kind: "agent", "data", "discovery", "validator", "aggregate", "connector" …
    :ivar name: the plugin's name as it was looked up, which its metadata may tell differently.
    :ivar path: the file that it was read from; the empty string if it is built in.
    :ivar requires: the versions that it asks for, as in {"mcollective": "2.2.1"}.
    """

    kind: str
    name: str
    path: str
    metadata: Metadata
    usage: str = ""
    requires: t.Mapping[str, str] = field(default_factory=dict)

    @property
    def timeout(self) -> float:
        """Seconds that the plugin may take on a node."""
        return self.metadata.timeout


@dataclass(frozen=True)
class AgentDDL(DDL):
    """The DDL of an agent."""

    actions: t.Mapping[str, Action] = field(default_factory=dict)


@dataclass(frozen=True)
class DataDDL(DDL):
    """The DDL of a data plugin.

    :ivar query: its input; None if it takes none.
    :ivar defined: whether it has a ``dataquery``, without which no query can be made.
    """

    description: t.Any = None
    query: Input | None = None
    outputs: t.Mapping[str, Output] = field(default_factory=dict)
    defined: bool = False


@dataclass(frozen=True)
class DiscoveryDDL(DDL):
    """The DDL of a discovery method.

    :ivar capabilities: of "classes", "facts", "identity", "agents", "compound": the filters it obeys.
    """

    capabilities: t.Sequence[str] = ()
