# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The parts of a regular expression, without what is particular to Ruby."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .charset import Ranges


class Untranslatable(Exception):
    """It cannot be told here what Ruby would make of a regular expression or of a value."""


@dataclass(frozen=True)
class Node:
    """Any part of a regular expression."""


@dataclass(frozen=True)
class Chars(Node):
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True)
class Sequence(Node):
    """One after the other."""

    parts: t.Sequence[Node]


@dataclass(frozen=True)
class Choice(Node):
    """One of them."""

    parts: t.Sequence[Node]


@dataclass(frozen=True)
class Repeat(Node):
    """As often as from `least` to `most` (None: without end)."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Look(Node):
    """What stands ahead or behind."""

    part: Node
    behind: bool
    negative: bool


@dataclass(frozen=True)
class Anchor(Node):
    """A place: one of "A z Z ^ $ b B"."""

    kind: str
