# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs in their Ruby form, read without Ruby.

The form is a program. The part of Ruby that DDLs are written in is turned into functions, and run
statement by statement: declarations, literals, ``each``, ``if`` and ``unless``, variables,
arithmetic, a few methods of texts, and helpers that a DDL defines. A statement that says more leaves
a :class:`.model.Gap`, and reading goes on behind it. All work is counted, so no DDL takes long.
"""

from __future__ import annotations

import contextlib
import functools
import re
import typing as t
from collections import ChainMap

from .. import ruby_values as values
from . import model
from .builder import Builder
from .model import Refused
from .ruby_text import KEYWORDS, NAME, Code, Exhausted, Text, constant
from .ruby_words import VOID, Block, Words, truth

STEPS = 60_000
"""The work that a file may ask for. The largest of known DDLs takes 5,300."""

MAX_DEPTH = 30
"""How deep expressions, blocks and calls may be nested."""

_nothing = constant(None)
_LITERALS = {"nil": None, "true": True, "false": False}
_BEHIND_A_STATEMENT = ("", "\n", ";", "#", "end", "else", "elsif", "}")
_DOTS = re.compile(r"[ \t]*(\.\.\.?)")
_ARGUMENT = re.compile(
    r"[\"'\[(]|:[\w\"']|\w|%[qQwir]?[^\w\s=]|<<[-~]?[\"'\w]|/(?=\S)|-(?=\w)|!(?![=~])"
)
_METHOD = re.compile(r"(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t\r]*\.[ \t]*([a-z]\w*[?!]?)")
_PREFIX = re.compile(r"!(?![=~])|not\b|[-+](?=\d)|-")
_OPERATOR = re.compile(
    r"and\b|or\b|\|\|(?!=)|&&(?!=)|==(?!=)|!=|[<>]=(?!>)|<(?!<)|>(?!>)|[-+/%](?!=)|\*(?![*=])"
)
_LEVELS = {
    **{"and": 0, "or": 0, "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4},
    **{"+": 5, "-": 5, "*": 6, "/": 6, "%": 6},
}
_ASSIGNMENT = re.compile(r"((?!\d)\w+)[ \t]*([-+*])?=(?![=~>])")
_CHANGING = re.compile(
    r"(?<![=!<>])=(?![=~>])|<<(?![-~]?[\"'\w])|\w!|\b(?:def|alias|undef|for)\b|\.(?:push|append"
    r"|prepend|unshift|insert|pop|shift|concat|replace|clear|fill|store|update|delete)"
)
"""Signs that a statement changes a variable, or the value that is in it."""


def read_ruby(source: str, kind: str, name: str, path: str) -> model.DDL:
    """Read a DDL's text. What could not be read is in :attr:`.model.DDL.unread`.

    :param kind: the kind of plugin: "agent", "data", "discovery" …
    :param name: the plugin's name.
    :param path: where the text is from, for the result.
    """
    builder = Builder(kind)
    reader = _Reader(source.replace("\r\n", "\n"), builder)
    try:
        reader.read()
    except (Exhausted, RecursionError) as error:
        builder.leave_out(str(error), reader.line())
    return builder.build(name, path)


class _Reader(Text):
    """Turns the text into functions that do what it says."""

    def __init__(self, source: str, builder: Builder) -> None:
        super().__init__(source, STEPS)
        self._builder = builder
        self._words = Words(builder, self.spend)
        self._names: ChainMap[str, None] = ChainMap()  # The variables that are known so far.
        self._depth = 0
        self._do_is_outside = False  # A "do" belongs to the word whose arguments are being read.
        self._untold: Refused | None = None  # Why a statement cannot be read that is not run yet.

    def read(self) -> None:
        """Read and run the whole text."""
        self.lines()
        while self.at < len(self.source):
            self._statement()()
            if self._untold is not None:
                self._leave_out(self._untold)
            self.lines()

    @contextlib.contextmanager
    def _nested(self, **changes: t.Any) -> t.Iterator[None]:
        """Go one level deeper, with other values of some attributes."""
        before = {name: getattr(self, name) for name in changes}
        self._depth += 1
        try:
            self.spend()
            if self._depth > MAX_DEPTH:
                raise Refused(f"nested deeper than {MAX_DEPTH} levels")
            vars(self).update(changes)
            yield
        finally:
            self._depth -= 1
            vars(self).update(before)

    # --- statements

    def _statements(self, *closing: str) -> tuple[Code, str]:
        """Read statements up to one of the closing words. Return what runs them, and that word."""
        codes: list[Code] = []
        self.lines()
        while self.at < len(self.source) and self.word() not in closing:
            codes.append(self._statement())
            self.lines()
        word = self.keyword(*closing)
        if not word:
            error = self._untold = self.unexpected()
            codes.append(lambda: self._leave_out(error))

        def run() -> t.Any:
            value = None
            for code in codes:
                value = code()
            return value

        return run, word

    def _statement(self) -> Code:
        """Read a statement. If it cannot be read or run, running it leaves a gap."""
        start, line, known = self.at, self.line(), self._names
        code, unread = _nothing, None
        try:
            with self._nested():
                code = self._effect()
                while word := self.keyword("if", "unless"):
                    code = _branch(self._value(), word == "unless", code, _nothing)
                if self.word() not in _BEHIND_A_STATEMENT:
                    raise self.unexpected()
        except Refused as error:
            unread = self._untold = error
            error.line = error.line or self.line()
            self.skip_statement(start)
            self.at = max(self.at, start + 1)
        end = self.at
        changed = functools.cache(lambda: _changed(self.source[start:end]))

        def run() -> t.Any:
            error = unread
            try:
                if error is None:
                    with self._nested():
                        return code()
            except RecursionError:
                error = Refused("it is nested too deep")
            except Refused as raised:
                error = raised
            self._leave_out(error, line)
            self.spend(len(changed()) + 1)
            self._words.forget(changed(), changed() & known.keys())
            return VOID

        return run

    def _leave_out(self, error: Refused, line: int | None = None) -> None:
        self._untold = None
        self._builder.leave_out(str(error), error.line or line)

    def _effect(self) -> Code:
        word = self.keyword("if", "unless", "def")
        if word:
            return self._definition() if word == "def" else self._condition(word == "unless")
        match = self.take(_ASSIGNMENT)
        if match is None:
            return self._value()
        name, sign = match[1], match[2]
        if name in KEYWORDS or name in _LITERALS:
            raise self.error(f"the keyword {name!r} is unexpected")
        self.lines()
        if not name[0].isupper():
            self._names.setdefault(name)
        value = self._value()
        return lambda: self._words.assign(name, sign, value())

    def _condition(self, negated: bool) -> Code:
        """Read the condition and the branches of an "if" or "unless"."""
        test = self._value()
        self.keyword("then")
        body, word = self._statements("elsif", "else", "end")
        other = _nothing
        if word == "elsif":
            with self._nested():
                other = self._condition(False)
        elif word == "else":
            other, word = self._statements("end")
        return _branch(test, negated, body, other)

    def _definition(self) -> Code:
        """Read a helper."""
        name = self.name()
        names = self.parameters(")" if self.sign("(") else "\n")
        with self._nested(_names=ChainMap(dict.fromkeys(names))):
            body, _word = self._statements("end")

        def run(given: list[t.Any]) -> t.Any:
            if len(given) != len(names):
                raise Refused(f"{name} with {len(given)} arguments")
            return self._words.within(ChainMap(dict(zip(names, given))), body)

        return lambda: self._words.define(name, run)

    # --- expressions

    def _value(self, least: int = 0) -> Code:
        """Read an expression.

        :param least: how much its operators must bind; 1 for all but "and" and "or", 7 for none.
        """
        with self._nested():
            line, left = self.line(), self._unary()
            while True:
                self.blanks()
                match = self.look(_OPERATOR)
                if match is None or _LEVELS[match[0]] < least:
                    return functools.partial(_located, left, line)
                self.at = match.end()
                self.lines()
                right = self._value(_LEVELS[match[0]] + 1)
                left = functools.partial(self._words.operation, match[0], left, right)

    def _unary(self) -> Code:
        self.blanks()
        prefix = self.take(_PREFIX)
        if prefix is None:
            return self._with_methods(self._primary())
        if prefix[0] in ("!", "not"):
            denied = self._value(7 if prefix[0] == "!" else 1)
            return lambda: not truth(denied())
        number = self.number()
        if number is not None:
            return self._with_methods(constant(-number if prefix[0] == "-" else number))
        return functools.partial(self._words.operation, "*", constant(-1), self._value(7))

    def _with_methods(self, value: Code) -> Code:
        """Read the calls and indexes behind a value."""
        while True:
            match = self.look(_METHOD)
            if self.source.startswith("[", self.at):
                value = self._indexed(value)
            elif match is not None and not (self._resume is not None and "\n" in match[0]):
                self.at = match.end()
                value = self._called(match[1], value)
            else:
                return value

    def _indexed(self, value: Code) -> Code:
        self.at += 1
        with self._nested(_do_is_outside=False):
            first, last, signs = self._value(), _nothing, ""
            if dots := self.take(_DOTS):
                last, signs = self._value(), dots[1]
            self.demand("]")
        return lambda: self._words.index(value(), first(), last(), signs)

    def _called(self, name: str, value: Code | None) -> Code:
        """Read the arguments and the block of a method, or of a word if there is no value."""
        arguments, block = self._arguments(), self._block()
        if value is None:
            return lambda: self._words.call(name, arguments(), block)
        return lambda: self._words.method(value(), name, arguments(), block)

    def _primary(self) -> Code:
        """Read a literal, an expression in parentheses, an Array, a Hash, or a name."""
        found = self.literal()
        if found is not None:
            return found
        if self.sign("("):
            return self._enclosed(")")
        if self.sign("["):
            return self._items("]")
        if self.sign("{"):
            table = self._items("}")
            return lambda: (table() or [{}])[0]
        match = self.look(NAME)
        if match is None:
            raise self.unexpected()
        word = match[0]
        if word in KEYWORDS:
            raise self.error(f"the keyword {word!r} is unexpected")
        self.at = match.end()
        if word in _LITERALS:
            return constant(_LITERALS[word])
        if word[0].isupper():
            return lambda: self._words.constant(word)
        if word in self._names and not self.source.startswith("(", self.at):
            return lambda: self._words.variable(word)
        return self._called(word, None)

    def _enclosed(self, closing: str) -> Code:
        """Read an expression up to a closing sign."""
        with self._nested(_do_is_outside=False):
            self.lines()
            value = self._value()
            self.lines()
            self.demand(closing)
        return value

    def code(self) -> Code:
        value = self._enclosed("}")
        return lambda: values.to_s(self._words.weighed(value()))

    # --- calls

    def _arguments(self) -> Code:
        if self.source.startswith("(", self.at):
            self.at += 1
            return self._items(")")
        apart = self.blanks() or self.source.startswith(":", self.at)
        given = apart and self.look(_ARGUMENT) and self.word() not in KEYWORDS
        return self._items("") if given else list

    def _items(self, closing: str) -> Code:
        """Read values, up to the closing sign or as long as there are commas. Pairs make a Hash."""
        found: list[Code] = []
        pairs: list[tuple[Code, Code]] = []
        with self._nested(_do_is_outside=not closing):
            if closing:
                self.lines()
            while not (closing and self.sign(closing)):
                label = self.label()
                key = label or self._value(1)
                if label is not None or self.sign("=>"):
                    self.lines()
                    pairs.append((key, self._value(1)))
                elif pairs:
                    raise self.error("a value behind pairs")
                else:
                    found.append(key)
                if closing:
                    self.lines()
                if not self.sign(","):
                    self.demand(closing)
                    break
                self.lines()
        if closing == "}" and found:
            raise self.error("a Hash with values that have no keys")
        return functools.partial(self._words.items, found, pairs)

    def _block(self) -> Block | None:
        """Read the block behind a call, if there is one."""
        closing = "}" if self.sign("{") else ""
        if not closing and not self._do_is_outside and self.keyword("do"):
            closing = "end"
        if not closing:
            return None
        names = self.parameters("|") if self.sign("|") else []
        own: dict[str, t.Any] = dict.fromkeys(names)
        with self._nested(_names=self._names.new_child({**own}), _do_is_outside=False):
            body, _word = self._statements(closing)

        def run(*given: t.Any) -> None:
            spread = len(given) == 1 and isinstance(given[0], list) and len(names) > 1
            values_ = {**own, **dict(zip(names, given[0] if spread else given))}
            self._words.within(self._words.scope.new_child(values_), body)

        return run


def _changed(text: str) -> set[str]:
    """Return the names of what a statement may have changed that could not be read or run."""
    return set(re.findall(r"\w+", text)) if _CHANGING.search(text) else set()


def _located(code: Code, line: int) -> t.Any:
    """Run an expression. An error that has no line gets that of the expression."""
    try:
        return code()
    except Refused as error:
        error.line = error.line or line
        raise


def _branch(test: Code, negated: bool, body: Code, other: Code) -> Code:
    return lambda: body() if truth(test()) != negated else other()
