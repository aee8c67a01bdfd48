# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Whether a Ruby regular expression matches anywhere in a value, as in ``value.match(regexp)``.

Most expressions are matched by following all of their ways at once, so that none can take more than
polynomial time, however it is written. Those with atomic groups or references are given to Python's
re, unless one repetition stands in another there. All work is bounded: beyond the bound the answer is
:class:`.syntax.Untranslatable`, never a guess.
"""

from __future__ import annotations

import functools
import re
import typing as t

from . import charset, parser
from .syntax import (
    Anchor,
    Atomic,
    Chars,
    Choice,
    Group,
    Look,
    Node,
    Reference,
    Repeat,
    Sequence,
    Untranslatable,
)

MAX_WORK = 2_000_000
"""How many positions may be looked at: about two seconds."""

MAX_VALUE = 1_000
"""How long a value may be that Python's re has to match."""

_Places = frozenset[int]


@functools.lru_cache(maxsize=256)
def compile_ruby(source: str, flags: str = "") -> Regex:
    """A Ruby regular expression. Raises :class:`Untranslatable`."""
    return Regex(parser.parse(source, flags))


class Regex:
    """A compiled one."""

    def __init__(self, expression: parser.Expression) -> None:
        self._node = expression.node
        self._ascii_only = expression.ascii_only
        self._python = _to_python(self._node) if _needs_python(self._node) else None

    def search(self, value: str) -> bool:
        """Whether it matches anywhere. Raises :class:`Untranslatable`."""
        if self._ascii_only and not value.isascii():
            raise Untranslatable("what it matches beyond ASCII depends on Ruby's Unicode tables")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise Untranslatable("the value is no text")
        if self._python is None:
            return bool(_Matcher(value).ends(self._node, frozenset(range(len(value) + 1))))
        if len(value) > MAX_VALUE:
            raise Untranslatable(f"the value is longer than {MAX_VALUE} characters")
        return self._python.search(value) is not None


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
        if isinstance(node, Group):
            return self.ends(node.part, starts)
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


def _parts(node: Node) -> t.Sequence[Node]:
    if isinstance(node, (Sequence, Choice)):
        return node.parts
    return (node.part,) if isinstance(node, (Repeat, Group, Look, Atomic)) else ()


def _needs_python(node: Node) -> bool:
    return isinstance(node, (Atomic, Reference)) or any(map(_needs_python, _parts(node)))


def _has_repeat(node: Node) -> bool:
    """Whether something in it repeats without end, or nearly so, and can be tried in other ways."""
    many = isinstance(node, Repeat) and (node.most is None or node.most > 10)
    return many or any(map(_has_repeat, () if isinstance(node, Atomic) else _parts(node)))


def _repeats_repeats(node: Node) -> bool:
    nested = isinstance(node, Repeat) and node.most != 1 and _has_repeat(node.part)
    return nested or any(map(_repeats_repeats, _parts(node)))


_ANCHORS = {
    "A": r"\A",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "^": r"(?:\A|(?<=\n)(?!\Z))",
    "$": r"(?=\n|\Z)",
    "b": r"(?:(?<=\w)(?!\w)|(?<!\w)(?=\w))",
    "B": r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))",
}


def _to_python(node: Node) -> re.Pattern[str]:
    if _repeats_repeats(node):
        raise Untranslatable("a repetition of a repetition, with atomic groups or references")
    try:
        return re.compile(_Writer().text(node), re.ASCII)
    except (re.error, OverflowError) as error:
        raise Untranslatable(str(error)) from None


class _Writer:
    """Writes an expression in the language of Python's re, as of Python 3.9."""

    def __init__(self) -> None:
        self._atoms = 0

    def text(self, node: Node) -> str:
        if isinstance(node, Chars):
            return charset.as_class(node.ranges)
        if isinstance(node, Sequence):
            return f"(?:{''.join(map(self.text, node.parts))})"
        if isinstance(node, Choice):
            return f"(?:{'|'.join(map(self.text, node.parts))})"
        if isinstance(node, Repeat):
            most = "" if node.most is None else node.most
            lazy = "?" if node.lazy else ""
            return f"(?:{self.text(node.part)}){{{node.least},{most}}}{lazy}"
        if isinstance(node, Atomic):
            return self._atomic(node)
        if isinstance(node, Group):
            return f"(?P<g{node.number}>{self.text(node.part)})"
        if isinstance(node, Reference):
            return f"(?P=g{node.number})"
        if isinstance(node, Look):
            kind = ("<" if node.behind else "") + ("!" if node.negative else "=")
            return f"(?{kind}{self.text(node.part)})"
        return _ANCHORS[t.cast(Anchor, node).kind]

    def _atomic(self, node: Atomic) -> str:
        """What a look ahead has found is not tried again; Python has atomic groups since 3.11."""
        self._atoms += 1
        name = f"a{self._atoms}"
        return f"(?=(?P<{name}>{self.text(node.part)}))(?P={name})"
