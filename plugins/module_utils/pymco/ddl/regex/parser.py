# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's regular expressions, parsed.

Case and Unicode are settled here: what remains are sets of characters, repetitions and the like,
which mean the same to everybody. What cannot be told for sure raises :class:`Untranslatable`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import charset
from .charset import Ranges
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

MAX_SOURCE = 4_000
MAX_NESTING = 50


@dataclass
class Expression:
    """A regular expression.

    :ivar ascii_only: it can be told for ASCII values only what it matches.
    """

    node: Node = Sequence(())
    ascii_only: bool = False


_TYPES = {
    "w": charset.WORD,
    "d": charset.DIGIT,
    "s": charset.SPACE,
    "h": charset.HEX,
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "a": 7, "e": 27}
_INTERVAL = re.compile(r"\{(?:(\d+)(,(\d*))?|,(\d+))\}", re.ASCII)
_OPTIONS = re.compile(r"\(\?([imx]*)(?:-([imx]*))?([:)])")
_NAMED = re.compile(r"\(\?(?:<([^\W\d]\w*)>|'([^\W\d]\w*)')")
_CODE = re.compile(
    r"x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}|0([0-7]{0,2})|c([A-Za-z])"
)
_PROPERTY = re.compile(r"([pP])\{(\^?)([\w\s-]+)\}")
_POSIX = re.compile(r"\[:(\^?)([a-z]+):\]")
_LINE_END = charset.chars("\n")
_MANY = 100_000


def parse(source: str, flags: str) -> Expression:
    """Parse what stands between the slashes. Raises :class:`Untranslatable`."""
    if len(source) > MAX_SOURCE:
        raise Untranslatable(f"it is longer than {MAX_SOURCE} characters")
    return _Parser(source).parse(frozenset(flags))


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth = 0
        self._result = Expression()

    def parse(self, flags: frozenset[str]) -> Expression:
        self._result.node = self._choice(flags)
        if self._at < len(self._source):
            raise Untranslatable("a parenthesis that closes nothing")
        return self._result

    # --- the text

    def _peek(self, count: int = 1) -> str:
        return self._source[self._at : self._at + count]

    def _take(self, text: str) -> bool:
        found = self._source.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._source, self._at)
        self._at = match.end() if match else self._at
        return match

    def _skip_extended(self, flags: frozenset[str]) -> None:
        """In extended mode blanks and comments mean nothing."""
        while "x" in flags and self._peek() and self._peek() in " \t\n\r\f\v#":
            if self._peek() == "#":
                end = self._source.find("\n", self._at)
                self._at = len(self._source) if end < 0 else end
            else:
                self._at += 1

    # --- structure

    def _choice(self, flags: frozenset[str]) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Untranslatable(f"it is nested deeper than {MAX_NESTING} levels")
        parts = [self._sequence(flags)]
        while self._take("|"):
            parts.append(self._sequence(flags))
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Choice(parts)

    def _sequence(self, flags: frozenset[str]) -> Node:
        parts: list[Node] = []
        self._skip_extended(flags)
        while self._peek() not in ("", "|", ")"):
            options = _OPTIONS.match(self._source, self._at)
            if options and options[3] == ")":
                # Ruby lets it reach to the end of the group, past any "|".
                self._at = options.end()
                parts.append(self._choice(_changed(flags, options)))
            elif self._take("(?#"):
                self._skip_comment()
            else:
                parts.append(self._repeated(self._atom(flags), flags))
            self._skip_extended(flags)
        return Sequence(parts)

    def _skip_comment(self) -> None:
        while not self._take(")"):
            if not self._peek():
                raise Untranslatable("a comment without end")
            self._at += 2 if self._peek() == "\\" else 1

    def _repeated(self, node: Node, flags: frozenset[str]) -> Node:
        while True:
            self._skip_extended(flags)
            if self._source.startswith("(?#", self._at):
                raise Untranslatable("a comment before what may be a repetition")
            bounds = self._bounds()
            if bounds is None:
                return node
            if isinstance(node, (Anchor, Look)):
                raise Untranslatable("a repetition of what has no width")
            node = self._with_suffix(node, *bounds)

    def _bounds(self) -> tuple[int, int | None, bool] | None:
        """How often, and whether it was written in braces."""
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return (*bounds, False)
        match = self._match(_INTERVAL)
        if match is None:
            return None
        least = int(match[1] or 0)
        most = int(match[4]) if match[4] else int(match[3]) if match[3] else None
        most = least if match[1] and not match[2] else most
        if max(least, most or 0) > _MANY or (most is not None and most < least):
            raise Untranslatable("a repetition that Ruby has its own mind about")
        return least, most, True

    def _with_suffix(self, node: Node, least: int, most: int | None, braces: bool) -> Node:
        repeat = Repeat(node, least, most)
        if self._take("?"):
            if braces and least == most:
                return Repeat(repeat, 0, 1)  # Ruby's own: a{2}? is (?:a{2})?
        elif not braces and self._take("+"):
            raise Untranslatable("a possessive repetition")
        return repeat

    # --- atoms

    def _atom(self, flags: frozenset[str]) -> Node:
        char = self._peek()
        if char == "(":
            return self._group(flags)
        if char == "[":
            return self._class(flags)
        if char == "\\":
            return self._escape(flags)
        if char in "*+?":
            raise Untranslatable("a repetition of nothing")
        if _INTERVAL.match(self._source, self._at):
            raise Untranslatable("a repetition of nothing")
        self._at += 1
        if char == ".":
            return Chars(charset.ANY if "m" in flags else charset.complement(_LINE_END))
        if char in "^$":
            return Anchor(char)
        return self._literal(ord(char), flags)

    def _literal(self, code: int, flags: frozenset[str]) -> Node:
        return self._set(((code, code),), False, flags)

    def _set(self, ranges: Ranges, negative: bool, flags: frozenset[str]) -> Node:
        """A set of characters, in either case if the flags say so."""
        if "i" in flags:
            # Beyond ASCII one letter may fold to two: what then matches depends on Unicode's tables.
            self._result.ascii_only = True
            if not charset.is_ascii(ranges):
                raise Untranslatable("letters beyond ASCII without regard to case")
            ranges = charset.either_case(ranges)
        return Chars(charset.complement(ranges) if negative else ranges)

    def _group(self, flags: frozenset[str]) -> Node:
        options = self._match(_OPTIONS)
        if options:
            return self._closed(self._choice(_changed(flags, options)))
        for opening, (behind, negative) in _LOOKS.items():
            if self._take(opening):
                return Look(self._closed(self._choice(flags)), behind, negative)
        if self._match(_NAMED) is None:
            if self._source.startswith("(?", self._at):
                raise Untranslatable(f"the group {self._peek(4)!r}")
            self._at += 1
        return self._closed(self._choice(flags))

    def _closed(self, node: Node) -> Node:
        if not self._take(")"):
            raise Untranslatable("a parenthesis that is not closed")
        return node

    def _escape(self, flags: frozenset[str]) -> Node:
        self._at += 1
        char = self._peek()
        if char and char in "AzZbB":
            self._at += 1
            self._result.ascii_only |= char in "bB"
            return Anchor(char)
        ranges = self._escaped_set()
        if ranges is None:
            return self._literal(self._escaped_code(), flags)
        return Chars(ranges)

    def _escaped_set(self) -> Ranges | None:
        """What \\w, \\p{...} and the like stand for; None if it is no such escape."""
        char = self._peek()
        if char.lower() in _TYPES and char:
            self._at += 1
            ranges = _TYPES[char.lower()]
            return ranges if char.islower() else charset.complement(ranges)
        match = self._match(_PROPERTY)
        if match is None:
            return None
        name = re.sub(r"[\s_-]", "", match[3]).lower()
        if name not in charset.PROPERTIES:
            raise Untranslatable(f"the property {match[3]}")
        self._result.ascii_only = True
        negative = (match[1] == "P") != bool(match[2])
        ranges = charset.PROPERTIES[name]
        return charset.complement(ranges) if negative else ranges

    def _escaped_code(self) -> int:
        """The one character that an escape stands for; the backslash has been passed."""
        match = self._match(_CODE)
        if match is not None:
            return _code_of(match)
        char = self._peek()
        self._at += 1
        if char in _CONTROLS and char:
            return _CONTROLS[char]
        if not char or (char.isascii() and char.isalnum()):
            raise Untranslatable(f"the escape \\{char}")
        return ord(char)

    # --- classes

    def _class(self, flags: frozenset[str]) -> Node:
        negative, ranges = self._class_ranges()
        return self._set(ranges, negative, flags)

    def _class_ranges(self) -> tuple[bool, Ranges]:
        """Whether it is negative, and what it holds otherwise."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Untranslatable(f"it is nested deeper than {MAX_NESTING} levels")
        self._at += 1
        negative = self._take("^")
        if self._peek() == "]":
            raise Untranslatable("a class that begins with its own end")
        found: Ranges | None = None
        ranges = self._class_items()
        while self._take("&&"):
            found = ranges if found is None else charset.intersection(found, ranges)
            ranges = self._class_items()
        if not self._take("]"):
            raise Untranslatable("a class that is not closed")
        self._depth -= 1
        return negative, ranges if found is None else charset.intersection(found, ranges)

    def _class_items(self) -> Ranges:
        pairs: list[tuple[int, int]] = []
        while self._peek() not in ("", "]") and self._peek(2) != "&&":
            pairs += self._class_item()
        return charset.ranges(*pairs)

    def _class_item(self) -> Ranges:
        inner = self._class_set()
        if inner is not None:
            if self._peek() == "-" and self._peek(2) not in ("-]", "-"):
                raise Untranslatable("a range that begins with a class")
            return inner
        first = self._class_code()
        if self._peek() != "-" or self._peek(2) in ("-]", "-"):
            return ((first, first),)
        self._at += 1
        if self._peek() == "[" or self._peek(2) == "&&":
            raise Untranslatable("a range that ends with a class")
        if self._peek() == "\\" and self._peek(2)[1:].lower() in (*_TYPES, "p"):
            raise Untranslatable("a range that ends with a class")
        last = self._class_code()
        if last < first or (self._peek() == "-" and self._peek(2) != "-]"):
            raise Untranslatable("a range of an unusual kind")
        return ((first, last),)

    def _class_set(self) -> Ranges | None:
        """A class, a POSIX bracket or an escape for a set within a class; None if it is none."""
        posix = self._match(_POSIX)
        if posix is not None:
            if posix[2] not in charset.POSIX:
                raise Untranslatable(f"the class [:{posix[2]}:]")
            self._result.ascii_only = True
            ranges = charset.POSIX[posix[2]]
            return charset.complement(ranges) if posix[1] else ranges
        if self._peek() == "[":
            negative, ranges = self._class_ranges()
            return charset.complement(ranges) if negative else ranges
        if self._peek() != "\\":
            return None
        self._at += 1
        ranges_or_none = self._escaped_set()
        self._at -= ranges_or_none is None
        return ranges_or_none

    def _class_code(self) -> int:
        char = self._peek()
        self._at += 1
        if char != "\\":
            return ord(char)
        if self._peek() == "b":
            self._at += 1
            return 8
        return self._escaped_code()


_LOOKS = {
    "(?=": (False, False),
    "(?!": (False, True),
    "(?<=": (True, False),
    "(?<!": (True, True),
}


def _changed(flags: frozenset[str], options: re.Match[str]) -> frozenset[str]:
    return (flags | frozenset(options[1])) - frozenset(options[2] or "")


def _code_of(match: re.Match[str]) -> int:
    if match[5]:
        return ord(match[5]) & 0x1F
    code = (
        int(match[4] or "0", 8)
        if match[4] is not None
        else int(match[1] or match[2] or match[3], 16)
    )
    if (match[1] and code >= 0x80) or code > charset.LAST:
        raise Untranslatable(f"the escape \\{match[0]}")
    return code
