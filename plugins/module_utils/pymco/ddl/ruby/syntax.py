# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The syntax trees of a DDL."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """Any of them. `line` is where it begins, counted from 1."""

    line: int


@dataclass(frozen=True)
class Literal(Node):
    """nil, true, false, a number, or a Symbol without interpolation."""

    value: t.Any


@dataclass(frozen=True)
class String(Node):
    """A String; its parts are str and trees. `symbol`: it is a Symbol instead."""

    parts: t.Sequence[t.Any]
    symbol: bool = False


@dataclass(frozen=True)
class Pattern(Node):
    """A Regexp."""

    parts: t.Sequence[t.Any]
    flags: str


@dataclass(frozen=True)
class Splat(Node):
    """``*value`` in an Array or a call; ``**value`` if `double`."""

    value: Node
    double: bool = False


@dataclass(frozen=True)
class Array(Node):
    """An Array."""

    items: t.Sequence[Node]


@dataclass(frozen=True)
class Hash(Node):
    """A Hash: pairs of trees, or a double splat and None."""

    pairs: t.Sequence[tuple[Node, Node | None]]


@dataclass(frozen=True)
class RangeOf(Node):
    """A Range."""

    first: Node
    last: Node
    exclusive: bool


@dataclass(frozen=True)
class Variable(Node):
    """A local variable."""

    name: str


@dataclass(frozen=True)
class Constant(Node):
    """A constant, with the modules before it: ``MCollective::VERSION``."""

    name: str


@dataclass(frozen=True)
class Assign(Node):
    """``target = value``; with an operator, ``target += value`` or ``target ||= value``."""

    target: Node
    value: Node
    operator: str = ""


@dataclass(frozen=True)
class Index(Node):
    """``receiver[arguments]``."""

    receiver: Node
    arguments: t.Sequence[Node]


@dataclass(frozen=True)
class Parameter:
    """A block's parameter: a name, ``*name``, or ``(name, name)``."""

    name: str = ""
    splat: bool = False
    nested: t.Sequence[Parameter] = ()


@dataclass(frozen=True)
class Block(Node):
    """``do |parameters| body end``."""

    parameters: t.Sequence[Parameter]
    body: Node


@dataclass(frozen=True)
class Call(Node):
    """A call of a method, or with no receiver of one of the DDL's own words.

    :ivar block: its block, or the tree of ``&value``.
    :ivar safe: it was called by ``&.``.
    """

    receiver: Node | None
    name: str
    arguments: t.Sequence[Node] = ()
    block: Node | None = None
    safe: bool = False


@dataclass(frozen=True)
class Operation(Node):
    """An operator between two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Logic(Node):
    """``and``, ``or``, and with no right side ``not``."""

    operator: str
    left: Node
    right: Node | None = None


@dataclass(frozen=True)
class If(Node):
    """A choice; a branch that is not there is nil."""

    condition: Node
    then: Node | None
    otherwise: Node | None


@dataclass(frozen=True)
class Jump(Node):
    """``next`` or ``break``, with or without a value."""

    kind: str
    value: Node | None


@dataclass(frozen=True)
class Sequence(Node):
    """Statements, one after the other; the value of the last is theirs."""

    statements: t.Sequence[Node] = field(default_factory=tuple)
