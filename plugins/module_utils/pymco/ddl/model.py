# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a DDL says, whatever language it is written in.

Values are those of :mod:`.ruby_values`: a Ruby Symbol is a :class:`.serializers.Symbol`. Inputs and
outputs are found by their names without the colon of a Symbol.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import exc
from ..serializers import Symbol


class Refused(Exception):
    """Ruby or MCollective would raise an error here, or do what is not known here."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def plain_name(key: t.Any) -> str:
    """Return the name of an input, an output or an action without the colon of a Symbol."""
    return key.name if isinstance(key, Symbol) else str(key)


@dataclass(frozen=True)
class Metadata:
    """Who made a plugin, and how long it may take.

    :ivar timeout: seconds; 0 if it is not known.
    :ivar extra: further properties.
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
class _Declared:
    """An input or an output. In requests and replies it has its key, a str or a Symbol."""

    key: str

    @property
    def name(self) -> str:
        """Return the name without the colon of a Symbol."""
        return plain_name(self.key)


@dataclass(frozen=True)
class Input(_Declared):
    """An argument of an action, or the one of a data plugin.

    :ivar type: a Symbol: string, list, integer, float, number, boolean, or the name of a validator
        plugin. Any other value is legal, and has the meaning of a validation.
    :ivar validation: of a string: a regular expression (str or Regexp), a Symbol that names a
        validator plugin, a list of allowed values, or a class.
    :ivar maxlength: of a string, in characters; 0 for no limit. A number in any well-written DDL.
    :ivar list: of a list: the allowed values.
    """

    prompt: t.Any
    description: t.Any
    type: t.Any
    optional: bool
    default: t.Any = None
    validation: t.Any = None
    maxlength: t.Any = None
    list: t.Any = None


@dataclass(frozen=True)
class Output(_Declared):
    """A value in the reply of an action or a data plugin."""

    description: t.Any
    display_as: t.Any
    default: t.Any = None


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
        """Return the format in the settings, or None."""
        settings = self.args[1] if len(self.args) > 1 else None
        return settings.get(Symbol("format")) if isinstance(settings, dict) else None


@dataclass
class Action:
    """Something an agent does.

    :ivar name: as declared. One that is a Symbol can never be called: requests name actions by
        Strings (MC:ddl/agentddl.rb, validate_rpc_request).
    :ivar display: which replies mco shows: "ok", "failed", "always" or "flatten".
    """

    name: str
    description: t.Any
    display: str = "failed"
    inputs: dict[str, Input] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    aggregates: t.MutableSequence[Aggregate] = field(default_factory=list)


@dataclass(frozen=True)
class Gap:
    """Something in a DDL that could not be read, or that MCollective would refuse.

    :ivar line: counted from 1; None if it is not known.
    :ivar action: the action that it belongs to; None if it belongs to none.
    """

    line: int | None
    reason: str
    action: str | None = None


@dataclass(frozen=True)
class DDL:
    """A DDL of any plugin. Those of validators, aggregates and so on say no more than this.

    :ivar kind: "agent", "data", "discovery", "validator", "aggregate", "connector" …
    :ivar name: the plugin's name as it was looked up; the metadata may have another.
    :ivar path: the file that it was read from; the empty string if it is built in.
    :ivar requires: the versions that it asks for, as in {"mcollective": "2.2.1"}.
    :ivar unread: what could not be read. The rest is true, but there may be further actions, inputs
        and outputs.
    """

    kind: str
    name: str
    path: str
    metadata: Metadata
    usage: str = ""
    requires: t.Mapping[str, str] = field(default_factory=dict)
    unread: t.Sequence[Gap] = ()

    @property
    def timeout(self) -> float:
        """Return the seconds that the plugin may take on a node; 0 if that is not known."""
        return self.metadata.timeout

    def faults(self) -> list[exc.UnreadableDDL]:
        return [exc.UnreadableDDL(gap.reason, self.path, gap.line, True) for gap in self.unread]

    def check_whole(self) -> None:
        """Raise the first of the :meth:`faults`, if there are any."""
        for fault in self.faults():
            raise fault


@dataclass(frozen=True)
class AgentDDL(DDL):
    """The DDL of an agent."""

    actions: t.Mapping[str, Action] = field(default_factory=dict)


@dataclass(frozen=True)
class DataDDL(DDL):
    """The DDL of a data plugin.

    :ivar query: its input; None if it takes none.
    :ivar defined: True if it has a ``dataquery``, without which no query can be made.
    """

    description: t.Any = None
    query: Input | None = None
    outputs: t.Mapping[str, Output] = field(default_factory=dict)
    defined: bool = False


@dataclass(frozen=True)
class DiscoveryDDL(DDL):
    """The DDL of a discovery method. It obeys the filters that are its capabilities."""

    capabilities: t.Sequence[str] = ()
