# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a Ruby regular expression matches anywhere in a value, as in ``value.match(regexp)``.

All ways of an expression are followed at once, so that none can take more than polynomial time,
however it is written. The work is bounded: beyond the bound the answer is
:class:`.syntax.Untranslatable`, never a guess.
"""

from __future__ import annotations

import functools
import typing as t

from . import charset, parser
from .syntax import (
    Anchor,
    Chars,
    Choice,
    Look,
    Node,
    Repeat,
    Sequence,
    Untranslatable,
)

MAX_WORK = 2_000_000
"""How many positions may be looked at: about two seconds."""

_Places = frozenset[int]


def compile_ruby(source: str, flags: str = "") -> Regex:
    """A Ruby regular expression. Raises :class:`Untranslatable`."""
    return Regex(parser.parse(source, flags))


class Regex:
    """A compiled one."""

    def __init__(self, expression: parser.Expression) -> None:
        self._node = expression.node
        self._ascii_only = expression.ascii_only

    def search(self, value: str) -> bool:
        """Whether it matches anywhere. Raises :class:`Untranslatable`."""
        if self._ascii_only and not value.isascii():
            raise Untranslatable("what it matches beyond ASCII depends on Ruby's Unicode tables")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise Untranslatable("the value is no text")
        return bool(_Matcher(value).ends(self._node, frozenset(range(len(value) + 1))))


class _Matcher:
    """Finds where parts of an expression can end in one value."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._work = MAX_WORK

    def ends(self, node: Node, starts: _Places) -> _Places:
        """The places where the part can end that begins at any of these."""
        self._work -= len(starts) + 1
        if self._work < 0:
            raise Untranslatable("it takes too long for this value")
        if not starts:
            return starts
        if isinstance(node, Chars):
            return self._after_char(node.ranges, starts)
        if isinstance(node, Sequence):
            return functools.reduce(
                lambda places, part: self.ends(part, places), node.parts, starts
            )
        if isinstance(node, Choice):
            return frozenset().union(*(self.ends(part, starts) for part in node.parts))
        if isinstance(node, Repeat):
            return self._repeated(node, starts)
        if isinstance(node, Look):
            return frozenset(at for at in starts if self._sees(node, at) != node.negative)
        anchor = t.cast(Anchor, node)
        return frozenset(at for at in starts if self._holds(anchor.kind, at))

    def _after_char(self, ranges: charset.Ranges, starts: _Places) -> _Places:
        value, size = self._value, len(self._value)
        return frozenset(
            at + 1 for at in starts if at < size and charset.contains(ranges, value[at])
        )

    def _repeated(self, node: Repeat, starts: _Places) -> _Places:
        for _round in range(node.least):
            starts = self.ends(node.part, starts)
        found, fresh, left = set(starts), starts, node.most
        rounds = 0
        while fresh and (left is None or rounds < left - node.least):
            fresh = self.ends(node.part, fresh) - found
            found |= fresh
            rounds += 1
        return frozenset(found)

    def _sees(self, node: Look, at: int) -> bool:
        if not node.behind:
            return bool(self.ends(node.part, frozenset([at])))
        return any(at in self.ends(node.part, frozenset([start])) for start in range(at + 1))

    def _holds(self, kind: str, at: int) -> bool:
        value, size = self._value, len(self._value)
        if kind == "A":
            return at == 0
        if kind == "z":
            return at == size
        if kind == "Z":
            return at == size or (at == size - 1 and value[at] == "\n")
        if kind == "^":
            return at == 0 or (value[at - 1] == "\n" and at < size)
        if kind == "$":
            return at == size or value[at] == "\n"
        return (self._is_word(at - 1) != self._is_word(at)) == (kind == "b")

    def _is_word(self, at: int) -> bool:
        return 0 <= at < len(self._value) and charset.contains(charset.WORD, self._value[at])
