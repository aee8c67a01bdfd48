# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Where a parser is: its token, the variables that it has seen, and how deep it has gone."""

from __future__ import annotations

import contextlib
import typing as t

from ... import exc
from . import syntax
from .lexer import Lexer, Token

MAX_NESTING = 40
"""How deep brackets, blocks and the like may stand in each other."""


class Cursor:
    """Goes through the tokens of a DDL's text."""

    def __init__(self, source: str, path: str) -> None:
        self.lexer = Lexer(source, path, self._is_variable, self.interpolated)
        self.token = Token("newline", "\n", 1, False)
        self._scopes: list[set[str]] = [set()]
        self.depth = 0
        self.do_allowed = True

    def interpolated(self) -> syntax.Node:
        """Parse the code of ``#{...}``, from behind its brace to behind the closing one."""
        raise NotImplementedError

    def advance(self) -> None:
        """Go to the next token."""
        self.token = self.lexer.next()

    def at_operator(self, *values: str) -> bool:
        return self.token.is_("operator", *values)

    def expect(self, operator: str) -> None:
        """Pass this operator."""
        if not self.at_operator(operator):
            raise self.unexpected()
        self.advance()

    def expect_end(self) -> None:
        """Pass the keyword ``end``."""
        if not self.token.is_("keyword", "end"):
            raise self.unexpected()
        self.advance()

    def skip_newlines(self) -> None:
        while self.token.kind == "newline":
            self.advance()

    def skip_terminators(self) -> None:
        while self.token.kind == "newline" or self.at_operator(";"):
            self.advance()

    def unexpected(self) -> exc.UnreadableDDL:
        """The error for a token that cannot stand here."""
        kind, value = self.token.kind, self.token.value
        shown = {"end": "the end of the text", "newline": "the end of the line"}.get(kind)
        return self.lexer.error(f"{shown or f'{kind} {value!r}'} is unexpected", self.token.line)

    def declare(self, name: str) -> None:
        """From here on, this name is a variable."""
        self._scopes[-1].add(name)

    def _is_variable(self, name: str) -> bool:
        return any(name in scope for scope in self._scopes)

    @contextlib.contextmanager
    def scope(self) -> t.Iterator[None]:
        """A block's own variables."""
        self._scopes.append(set())
        try:
            yield
        finally:
            self._scopes.pop()

    @contextlib.contextmanager
    def nested(self) -> t.Iterator[None]:
        """One level deeper."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.lexer.error(f"nested deeper than {MAX_NESTING} levels", self.token.line)
        try:
            yield
        finally:
            self.depth -= 1

    @contextlib.contextmanager
    def allowing_do(self, allowed: bool) -> t.Iterator[None]:
        """Whether a ``do`` belongs to a call in here, or to the one around it."""
        before, self.do_allowed = self.do_allowed, allowed
        try:
            yield
        finally:
            self.do_allowed = before
