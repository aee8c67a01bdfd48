# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The expressions of the Ruby that DDLs are written in. They are run while they are read."""

from __future__ import annotations

import contextlib
import re
import typing as t
from collections import ChainMap
from dataclasses import dataclass

from .. import ruby_values as values
from ..serializers import Symbol
from .ruby_text import NAME, Text
from .ruby_words import VOID, Block, Words

MAX_DEPTH = 30
"""How deep expressions, blocks and calls may be nested."""

UNREAD = object()  # The value of a variable that an unread statement may have set.
LITERALS = {"nil": None, "true": True, "false": False}
_WORDS = """
if unless elsif else end do then def and or not while until for in case when begin rescue ensure
class module return yield next break redo retry self super undef alias
"""
KEYWORDS = frozenset(_WORDS.split())
_WORD = re.compile(r"(?!\d)\w+[?!]?|.?")
_LABEL = re.compile(rf"({NAME.pattern}):(?!:)")
_COLON = re.compile(":(?!:)")
_DOTS = re.compile(r"[ \t]*(\.\.\.?)")
_SYMBOL = re.compile(rf":({NAME.pattern})|:(?=[\"'])")
_ARGUMENT = re.compile(
    r"[\"'\[(]|:[\w\"']|\w|%[qQwir]?[^\w\s=]|<<[-~]?[\"'\w]|/(?=\S)|-(?=\w)|!(?![=~])"
)
_METHOD = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t\r]*\.[ \t]*([a-z]\w*)")
_PREFIX = re.compile(r"!(?![=~])|not\b|[-+](?=\d)|-")
_OPERATOR = re.compile(
    r"and\b|or\b|\|\|(?!=)|&&(?!=)|==(?!=)|!=|[<>]=(?!>)|<(?!<)|>(?!>)|[-+/%](?!=)|\*(?![*=])"
)
_LEVELS = {
    **{"and": 0, "or": 0, "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4},
    **{"+": 5, "-": 5, "*": 6, "/": 6, "%": 6},
}


@dataclass(frozen=True)
class Pending:
    """A call that is read and not made yet: behind a statement an "if" may stand."""

    make: t.Callable[[], t.Any]


class Expressions(Text):
    """Reads expressions and runs them. While it is dry it only reads: all values are None.

    :param words: makes the words of the DDL; it is given what counts their work.
    """

    def __init__(
        self, source: str, steps: int, words: t.Callable[[t.Callable[[int], None]], Words]
    ) -> None:
        super().__init__(source, steps)
        self._words = words(self.spend)
        self._scope: ChainMap[str, t.Any] = ChainMap()
        self._depth = 0
        self._dry = self._quiet = False
        self._do_is_outside = False  # A "do" belongs to the word whose arguments are being read.

    @contextlib.contextmanager
    def nested(self, **changes: t.Any) -> t.Iterator[None]:
        """Go one level deeper, with other values of some attributes."""
        before = {name: getattr(self, name) for name in changes}
        self._depth += 1
        try:
            self.spend()
            if self._depth > MAX_DEPTH:
                raise self.error(f"nested deeper than {MAX_DEPTH} levels")
            vars(self).update(changes)
            yield
        finally:
            self._depth -= 1
            vars(self).update(before)

    def word(self) -> str:
        """The word or the sign at the position."""
        self.blanks()
        return t.cast("re.Match[str]", self.look(_WORD))[0]

    def keyword(self, *words: str) -> str:
        """Go behind one of these words and return it; else return the empty string."""
        word = self.word()
        self.at += len(word) if word in words else 0
        return word if word in words else ""

    def demand(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.unexpected()

    def name(self) -> str:
        self.blanks()
        match = self.look(NAME)
        if match is None or match[0] in KEYWORDS or match[0][0].isupper():
            raise self.unexpected()
        self.at = match.end()
        return match[0]

    def statements(self, *closing: str) -> t.Any:
        """Run statements up to one of the closing words. Return the last value and that word."""
        raise NotImplementedError

    def variable(self, name: str) -> t.Any:
        value = self._scope.get(name, UNREAD)
        if value is UNREAD:
            raise self.error(f"the value of {name} could not be read")
        return value

    def settled(self, value: t.Any, void: bool = False) -> t.Any:
        """Make a call that is pending. The result must be a value, unless it may be `void`."""
        if isinstance(value, Pending):
            value = None if self._dry else value.make()
        if value is VOID and not void:
            raise self.error("the value of a declaration is used")
        return value

    def truth(self, value: t.Any) -> bool:
        if isinstance(value, values.Regexp):
            raise self.error("a Regexp as a condition")  # Ruby compares it to what was read last.
        return values.truthy(value)

    def value(self, least: int = 0, void: bool = False) -> t.Any:
        """Read an expression.

        :param least: how much its operators must bind; 1 for all but "and" and "or".
        :param void: return a call as pending.
        """
        with self.nested():
            left = self._unary()
            while True:
                self.blanks()
                match = self.look(_OPERATOR)
                if match is None or _LEVELS[match[0]] < least:
                    return left if void else self.settled(left)
                self.at = match.end()
                left = self._operated(match[0], self.settled(left))

    def _operated(self, sign: str, left: t.Any) -> t.Any:
        """Return the result of an operator, whose right side is still to be read."""
        self.lines()
        logical = _LEVELS[sign] < 3
        decided = logical and self.truth(left) == (sign in ("or", "||"))
        with self.nested(_dry=self._dry or decided):
            right = self.value(_LEVELS[sign] + 1)
        if logical or self._dry:
            return left if decided else right
        return self._words.operate(sign, left, right)

    def _unary(self) -> t.Any:
        self.blanks()
        prefix = self.take(_PREFIX)
        if prefix is None:
            return self._with_methods(self._primary())
        if prefix[0] == "not":
            return not self.truth(self.value(1))
        number = self.number() if prefix[0] != "!" else None
        if number is not None:
            return self._with_methods(-number if prefix[0] == "-" else number)
        with self.nested():
            value = self.settled(self._unary())
        if prefix[0] == "!":
            return not self.truth(value)
        return None if self._dry else self._words.operate("*", -1, value)

    def _with_methods(self, value: t.Any) -> t.Any:
        """The value with the calls and indexes behind it."""
        while True:
            match = self.look(_METHOD)
            if self.source.startswith("[", self.at):
                value = self._indexed(self.settled(value))
            elif match is not None and not (self._resume is not None and "\n" in match[0]):
                self.at = match.end()
                self.take(re.compile(r"[?!]"))
                value = self._method(self.settled(value), self.source[match.start(1) : self.at])
            else:
                return value

    def _indexed(self, value: t.Any) -> t.Any:
        self.at += 1
        with self.nested(_do_is_outside=False):
            first = last = self.value()
            dots = self.take(_DOTS)
            last = last if dots is None else self.value()
            self.demand("]")
        signs = dots[1] if dots is not None else ""
        return None if self._dry else self._words.index(value, first, last, signs)

    def _method(self, value: t.Any, name: str) -> t.Any:
        arguments, block = self._arguments(), self._block()
        call = Pending(lambda: self._words.method(value, name, arguments, block))
        return self.settled(call) if block is None else call

    def _primary(self) -> t.Any:
        found: t.Any = self.number()
        if found is not None:
            return found
        symbol = self.take(_SYMBOL)
        if symbol is not None:
            return Symbol(symbol[1] or self.literal())
        found = self.literal()
        while values.is_string(found) and self.word() in ('"', "'"):
            found += self.literal()
        return self._grouped() if found is None else found

    def _grouped(self) -> t.Any:
        """An expression in parentheses, an Array, a Hash, or a name."""
        if self.sign("("):
            with self.nested(_do_is_outside=False):
                self.lines()
                value = self.value()
                self.lines()
                self.demand(")")
            return value
        if self.sign("["):
            return self._items("]")
        if not self.sign("{"):
            return self._named()
        return (self._items("}") or [{}])[0]

    def _named(self) -> t.Any:
        match = self.look(NAME)
        if match is None:
            raise self.unexpected()
        word = match[0]
        if word in KEYWORDS:
            raise self.error(f"the keyword {word!r} is unexpected")
        self.at = match.end()
        if word in LITERALS:
            return LITERALS[word]
        if word[0].isupper():
            return None if self._dry else self._words.constant(word)
        if word in self._scope and not self.source.startswith("(", self.at):
            return None if self._dry else self.variable(word)
        arguments, block = self._arguments(), self._block()
        return Pending(lambda: self._words.call(word, arguments, block))

    # --- calls

    def _arguments(self) -> list[t.Any]:
        if self.source.startswith("(", self.at):
            self.at += 1
            return self._items(")")
        apart = self.blanks() or self.look(_SYMBOL)
        given = apart and self.look(_ARGUMENT) and self.word() not in KEYWORDS
        return self._items("") if given else []

    def _items(self, closing: str) -> list[t.Any]:
        """Values, up to the closing sign or as long as there are commas. Pairs make a Hash."""
        found: list[t.Any] = []
        pairs: list[tuple[t.Any, t.Any]] = []
        with self.nested(_do_is_outside=not closing):
            while True:
                if closing:
                    self.lines()
                    if self.sign(closing):
                        break
                self._item(found, pairs)
                if closing:
                    self.lines()
                if not self.sign(","):
                    self.demand(closing)
                    break
                self.lines()
        if closing == "}" and found:
            raise self.error("a Hash with values that have no keys")
        if pairs:
            found.append({} if self._dry else self._words.table(pairs))
        return found if self._dry else t.cast("list[t.Any]", self._words.weighed(found))

    def _item(self, found: list[t.Any], pairs: list[tuple[t.Any, t.Any]]) -> None:
        label = self.take(_LABEL)
        value = Symbol(label[1]) if label is not None else self.value(1)
        if values.is_string(value) and self.source[self.at - 1] in "\"'":
            label = self.take(_COLON)
            value = value if label is None else Symbol(value)
        if label is not None or self.sign("=>"):
            self.lines()
            pairs.append((value, self.value(1)))
        elif pairs:
            raise self.error("a value behind pairs")
        else:
            found.append(value)

    def _block(self) -> Block | None:
        """The block behind a call. It is read once without effect, to find its end."""
        closing = "}" if self.sign("{") else ""
        if not closing and not self._do_is_outside and self.keyword("do"):
            closing = "end"
        if not closing:
            return None
        names = [self.name()] if self.sign("|") else []
        while names and not self.sign("|"):
            self.demand(",")
            names.append(self.name())
        start, resume, outer = self.at, self._resume, self._scope
        own: dict[str, t.Any] = dict.fromkeys(names)
        quiet, none = self._quiet or not self._dry, outer.new_child({**own})
        with self.nested(_scope=none, _dry=True, _quiet=quiet, _do_is_outside=False):
            self.statements(closing)

        def run(*given: t.Any) -> None:
            spread = len(given) == 1 and isinstance(given[0], list) and len(names) > 1
            mine = outer.new_child({**own, **dict(zip(names, given[0] if spread else given))})
            with self.nested(at=start, _resume=resume, _scope=mine, _do_is_outside=False):
                self.statements(closing)

        return run

    def code(self) -> str:
        """Read the code in the braces of a text, and return what it is there."""
        with self.nested(_do_is_outside=False):
            self.lines()
            value = self.value()
            self.lines()
            self.demand("}")
            return "" if self._dry else values.to_s(self._words.weighed(value))
