# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Tokens to syntax trees: the part of Ruby's grammar that DDLs are written in.

Whatever is beyond it is an error that names it; nothing is skipped. :class:`Parser` reads statements,
its base :class:`.expressions.Expressions` what they are made of.
"""

from __future__ import annotations

import typing as t

from . import syntax
from .expressions import Expressions

_BLOCK_ENDS = ("end", "else", "elsif")


class Parser(Expressions):
    """Reads a DDL's text."""

    def parse(self) -> syntax.Sequence:
        """The whole text. Raises :class:`.exc.UnreadableDDL`."""
        self.advance()
        program = self.statements()
        if self.token.kind != "end":
            raise self.unexpected()
        return program

    def interpolated(self) -> syntax.Node:
        """The code of ``#{...}``, from behind its brace to behind the closing one."""
        outer = self.token
        self.lexer.expect_value()
        self.advance()
        with self.nested(), self.allowing_do(True):
            body = self.statements()
        if not self.at_operator("}"):
            raise self.unexpected()
        self.token = outer
        return body

    def statements(self) -> syntax.Sequence:
        """Statements up to something that cannot begin one."""
        line = self.token.line
        found: list[syntax.Node] = []
        self.skip_terminators()
        while not self._at_end_of_statements():
            found.append(self.statement())
            if not self._at_end_of_statements():
                self._terminator()
            self.skip_terminators()
        return syntax.Sequence(line, found)

    def _at_end_of_statements(self) -> bool:
        closed = self.at_operator("}", ")") or self.token.is_("keyword", *_BLOCK_ENDS)
        return closed or self.token.kind == "end"

    def _terminator(self) -> None:
        if self.token.kind != "newline" and not self.at_operator(";"):
            raise self.unexpected()

    def statement(self) -> syntax.Node:
        """One statement with its modifiers."""
        tree = self._low_logic()
        while self.token.is_("keyword", "if", "unless"):
            line, negated = self.token.line, self.token.value == "unless"
            self.advance()
            condition = self._low_logic()
            tree = _choice(line, condition, tree, None, negated)
        return tree

    def _low_logic(self) -> syntax.Node:
        tree = self._low_not()
        while self.token.is_("keyword", "and", "or"):
            line, operator = self.token.line, str(self.token.value)
            self.advance()
            tree = syntax.Logic(line, operator, tree, self._low_not())
        return tree

    def _low_not(self) -> syntax.Node:
        if not self.token.is_("keyword", "not"):
            return self.expression()
        line = self.token.line
        self.advance()
        with self.nested():
            return syntax.Logic(line, "not", self._low_not())

    def keyword(self) -> syntax.Node:
        """What a keyword begins."""
        word = str(self.token.value)
        line = self.token.line
        if word in ("nil", "true", "false"):
            self.advance()
            return syntax.Literal(line, {"nil": None, "true": True, "false": False}[word])
        if word in ("if", "unless"):
            return self._if()
        if word == "begin":
            return self._begin()
        if word == "for":
            return self._for()
        if word in ("next", "break"):
            self.advance()
            value = self.expression() if self.can_begin_argument() else None
            return syntax.Jump(line, word, value)
        raise self.lexer.error(f"the keyword {word!r}", line)

    def _if(self) -> syntax.Node:
        line, negated = self.token.line, self.token.value == "unless"
        self.advance()
        with self.allowing_do(True):
            condition = self.statement()
            if self.token.is_("keyword", "then"):
                self.advance()
            elif self.token.kind == "newline" or self.at_operator(";"):
                self.skip_terminators()
                if self.token.is_("keyword", "then"):
                    self.advance()
            else:
                raise self.unexpected()
            then = self.statements()
            otherwise = self._otherwise(negated)
        return _choice(line, condition, then, otherwise, negated)

    def _otherwise(self, in_unless: bool) -> syntax.Node | None:
        if self.token.is_("keyword", "elsif") and not in_unless:
            with self.nested():
                return self._if()
        otherwise = None
        if self.token.is_("keyword", "else"):
            self.advance()
            otherwise = self.statements()
        self.expect_end()
        return otherwise

    def _begin(self) -> syntax.Node:
        self.advance()
        with self.allowing_do(True):
            body = self.statements()
        self.expect_end()
        return body

    def _for(self) -> syntax.Node:
        """``for x in values``: each, but that the variables stay."""
        line = self.token.line
        self.advance()
        names = [self._loop_variable()]
        while self.at_operator(","):
            self.advance()
            names.append(self._loop_variable())
        if not self.token.is_("keyword", "in"):
            raise self.unexpected()
        self.advance()
        with self.allowing_do(False):
            values = self.expression()
        if self.token.is_("keyword", "do"):
            self.advance()
        with self.allowing_do(True):
            body = self.statements()
        self.expect_end()
        # Parameters without names, so that the assignments in front of the body reach outside.
        inner = [syntax.Parameter(f"for {name}") for name in names]
        moves = [
            syntax.Assign(line, syntax.Variable(line, name), syntax.Variable(line, f"for {name}"))
            for name in names
        ]
        block = syntax.Block(line, inner, syntax.Sequence(line, [*moves, body]))
        return syntax.Call(line, values, "each", (), block)

    def _loop_variable(self) -> str:
        if self.token.kind != "name":
            raise self.unexpected()
        name = str(self.token.value)
        self.declare(name)
        self.advance()
        return name

    def block(self) -> syntax.Block:
        """``do … end`` or ``{ … }``, at its beginning."""
        line, brace = self.token.line, self.at_operator("{")
        with self.nested(), self.scope(), self.allowing_do(True):
            self.advance()
            parameters = self._block_parameters()
            body = self.statements()
            if brace and not self.at_operator("}"):
                raise self.unexpected()
        if brace:
            self.advance()
        else:
            self.expect_end()
        return syntax.Block(line, parameters, body)

    def _block_parameters(self) -> list[syntax.Parameter]:
        if self.at_operator("||"):
            self.advance()
            return []
        if not self.at_operator("|"):
            return []
        self.advance()
        parameters = self._parameters("|")
        self.advance()
        return parameters

    def _parameters(self, closing: str) -> list[syntax.Parameter]:
        """Up to the closing ``|`` or ``)``, which is left to the caller."""
        found: list[syntax.Parameter] = []
        while not self.at_operator(closing):
            found.append(self._parameter())
            if self.at_operator(","):
                self.advance()
                if self.at_operator(closing):
                    # "|a, |": takes an Array apart although it has one name only.
                    found.append(syntax.Parameter(splat=True))
            elif not self.at_operator(closing):
                raise self.unexpected()
        return found

    def _parameter(self) -> syntax.Parameter:
        if self.at_operator("("):
            self.advance()
            with self.nested():
                inner = self._parameters(")")
            self.advance()
            return syntax.Parameter(nested=inner)
        splat = self.at_operator("splat", "*")
        if splat:
            self.advance()
        if self.token.kind != "name":
            if splat:
                return syntax.Parameter(splat=True)
            raise self.unexpected()
        name = str(self.token.value)
        self.declare(name)
        self.advance()
        return syntax.Parameter(name, splat)


def _choice(
    line: int,
    condition: syntax.Node,
    then: syntax.Node,
    otherwise: syntax.Node | None,
    negated: bool,
) -> syntax.Node:
    branches = (otherwise, then) if negated else (then, otherwise)
    return syntax.If(line, condition, *branches)


def parse(source: str, path: str) -> syntax.Sequence:
    """The syntax tree of a DDL's text.

    :raises exc.UnreadableDDL: it is no Ruby, or more of Ruby than DDLs need.
    """
    return Parser(source, path).parse()


__all__: t.Sequence[str] = ["Parser", "parse"]
