# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""DDLs in their Ruby form, read without Ruby.

The form is a program. The part of Ruby that DDLs are written in is run here while it is read:
declarations, literals, ``each``, ``if`` and ``unless``, variables, arithmetic, a few methods of
texts, and helpers that a DDL defines. A statement that says more leaves a :class:`.model.Gap`, and
reading goes on behind it. All work is counted, so no DDL takes long.
"""

from __future__ import annotations

import re
import typing as t
from collections import ChainMap

from . import model
from .builder import Builder
from .model import Refused
from .ruby_expressions import KEYWORDS, LITERALS, UNREAD, Expressions, Pending
from .ruby_text import Exhausted
from .ruby_words import VOID, Words

STEPS = 60_000
"""The work that a file may ask for. The largest of known DDLs takes 5,300."""

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
        reader.statements()
    except (Exhausted, RecursionError) as error:
        builder.leave_out(str(error), reader.line())
    return builder.build(name, path)


class _Reader(Expressions):
    """Reads statements and runs them."""

    def __init__(self, source: str, builder: Builder) -> None:
        super().__init__(source, STEPS, lambda spend: Words(builder, spend))
        self._builder = builder

    def statements(self, *closing: str) -> t.Any:
        """Run statements up to one of the closing words. Return the last value and that word."""
        value = None
        self.lines()
        while self.at < len(self.source) and self.word() not in closing:
            value = self._statement()
            self.lines()
        word = self.keyword(*closing)
        if closing and not word:
            self._leave_out(self.unexpected())
        return value, word

    def _leave_out(self, error: Refused) -> None:
        if not self._quiet:
            self._builder.leave_out(str(error), error.line)

    def _statement(self) -> t.Any:
        """Run a statement and return its value. What cannot be read or run leaves a gap."""
        start, line, read = self.at, self.line(), False
        try:
            with self.nested():
                effect = self._effect()
                while word := self.keyword("if", "unless"):
                    if self.truth(self.value()) == (word == "unless"):
                        effect = None
                if self.word() not in ("", "\n", ";", "#", "end", "else", "elsif", "}"):
                    raise self.unexpected()
                read = True
                return self.settled(effect, void=True)
        except Exhausted:
            raise
        except Refused as error:
            error.line = error.line or (line if read else self.line())
            self._leave_out(error)
            if not read:
                self.skip_statement(start)
            self._forget(self.source[start : self.at])
            return VOID

    def _forget(self, text: str) -> None:
        """Forget what a statement may have changed which could not be read."""
        names = set(re.findall(r"\w+", text)) if _CHANGING.search(text) else set()
        self.spend(len(names))
        for name in names:
            self._words.helpers.pop(name, None)
            self._words.constants.pop(name, None)
        for own in self._scope.maps:
            own.update(dict.fromkeys(names & own.keys(), UNREAD))

    def _effect(self) -> t.Any:
        """Read a statement. The result is its value, or what is still to be done."""
        word = self.keyword("if", "unless", "def")
        if word:
            return self._definition() if word == "def" else self._condition(word == "unless")
        match = self.take(_ASSIGNMENT)
        if match is None:
            return self.value(void=True)
        name, sign = match[1], match[2]
        if name in KEYWORDS or name in LITERALS:
            raise self.error(f"the keyword {name!r} is unexpected")
        self.lines()
        if name not in self._scope and not name[0].isupper():
            self._scope[name] = None
        value = self.value()
        if sign and not self._dry:
            value = self._words.operate(sign, self.variable(name), value)
        home = next((own for own in self._scope.maps if name in own), self._words.constants)
        return Pending(lambda: home.__setitem__(name, value))

    def _condition(self, negated: bool) -> t.Any:
        """Run the branch of an "if" or "unless" that is wanted."""
        test = self.truth(self.value()) != negated
        self.keyword("then")
        with self.nested(_dry=self._dry or not test):
            value, word = self.statements("elsif", "else", "end")
        with self.nested(_dry=self._dry or test):
            if word == "elsif":
                other = self._condition(False)
            else:
                other = self.statements("end")[0] if word == "else" else None
        return value if test else other

    def _definition(self) -> Pending:
        """Read a helper. Its text is run each time that it is called."""
        name = self.name()
        names: list[str] = []
        closing = ")" if self.sign("(") else "\n"
        while not self.sign(closing):
            if names:
                self.demand(",")
            names.append(self.name())
        start = self.at
        with self.nested(_scope=ChainMap(dict.fromkeys(names)), _dry=True):
            self.statements("end")

        def run(given: list[t.Any]) -> t.Any:
            if len(given) != len(names):
                raise Refused(f"{name} with {len(given)} arguments")
            own = ChainMap(dict(zip(names, given)))
            with self.nested(at=start, _resume=None, _scope=own, _do_is_outside=False):
                return self.statements("end")[0]

        return Pending(lambda: self._words.define(name, run))
