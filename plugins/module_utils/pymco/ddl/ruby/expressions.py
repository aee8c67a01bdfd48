# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The grammar of expressions: operators, calls, literals."""

from __future__ import annotations

import typing as t

from ...serializers import Symbol
from . import syntax
from .cursor import Cursor

_BINARY = {
    "||": 1,
    "&&": 2,
    "<=>": 3,
    "==": 3,
    "===": 3,
    "!=": 3,
    "=~": 3,
    "!~": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "|": 5,
    "^": 5,
    "&": 6,
    "<<": 7,
    ">>": 7,
    "+": 8,
    "-": 8,
    "*": 9,
    "/": 9,
    "%": 9,
}
_NOT_ASSOCIATIVE = 3
_ASSIGNMENTS = frozenset(
    ["=", "+=", "-=", "*=", "/=", "%=", "||=", "&&=", "<<=", "**=", "|=", "&="]
)
_VALUE_KINDS = frozenset(
    ["integer", "float", "string", "symbol", "regexp", "words", "label", "name", "constant"]
)
_ARGUMENT_KEYWORDS = frozenset(["nil", "true", "false", "not"])
_ARGUMENT_OPERATORS = frozenset(
    ["[", "(", "!", "minus", "plus", "splat", "double splat", "block pass", "->", "~", "::"]
)


class Expressions(Cursor):
    """What statements are made of. The statements themselves are :class:`.parser.Parser`'s."""

    def statements(self) -> syntax.Sequence:
        """Statements up to something that cannot begin one."""
        raise NotImplementedError

    def keyword(self) -> syntax.Node:
        """What a keyword begins."""
        raise NotImplementedError

    def block(self) -> syntax.Block:
        """A call's block, at its beginning."""
        raise NotImplementedError

    # --- operators, from the weakest to the strongest

    def expression(self) -> syntax.Node:
        """An expression, which may be an assignment."""
        with self.nested():
            return self._assignment()

    def _assignment(self) -> syntax.Node:
        target = self._ternary()
        if not (self.token.kind == "operator" and self.token.value in _ASSIGNMENTS):
            return target
        line, operator = self.token.line, str(self.token.value)[:-1]
        target = self._assignable(target)
        self.advance()
        self.skip_newlines()
        value = self.expression()
        if self.at_operator(",") and self.depth <= 1:
            raise self.lexer.error("an assignment of several values", line)
        return syntax.Assign(line, target, value, operator)

    def _assignable(self, target: syntax.Node) -> syntax.Node:
        if isinstance(target, syntax.Call) and _is_bare(target):
            self.declare(target.name)
            return syntax.Variable(target.line, target.name)
        if isinstance(target, (syntax.Variable, syntax.Constant)):
            return target
        raise self.lexer.error("an assignment to what is no variable and no constant", target.line)

    def _ternary(self) -> syntax.Node:
        condition = self._range()
        if not self.at_operator("?"):
            return condition
        line = self.token.line
        self.advance()
        self.skip_newlines()
        then = self.expression()
        self.skip_newlines()
        if self.token.kind == "label":
            raise self.unexpected()
        self.expect(":")
        self.skip_newlines()
        return syntax.If(line, condition, then, self.expression())

    def _range(self) -> syntax.Node:
        first = self._binary(1)
        if not self.at_operator("..", "..."):
            return first
        line, exclusive = self.token.line, self.token.value == "..."
        self.advance()
        return syntax.RangeOf(line, first, self._binary(1), exclusive)

    def _binary(self, weakest: int) -> syntax.Node:
        left = self._unary()
        while self.token.kind == "operator":
            operator, line = str(self.token.value), self.token.line
            strength = _BINARY.get(operator, 0)
            if strength < weakest:
                break
            self.advance()
            with self.nested():
                right = self._binary(strength + 1)
            left = _operation(line, operator, left, right)
            if strength == _NOT_ASSOCIATIVE and _BINARY.get(str(self.token.value)) == strength:
                raise self.unexpected()
        return left

    def _unary(self) -> syntax.Node:
        line = self.token.line
        if self.at_operator("!"):
            self.advance()
            with self.nested():
                return syntax.Logic(line, "not", self._unary())
        if self.at_operator("minus", "plus"):
            return self._signed()
        return self._power()

    def _signed(self) -> syntax.Node:
        line, negative = self.token.line, self.token.value == "minus"
        self.advance()
        if self.token.kind not in ("integer", "float"):
            raise self.lexer.error("a sign before something that is no number", line)
        number = self.token.value
        self.advance()
        literal = syntax.Literal(line, -number if negative else number)
        if self.at_operator("**"):
            raise self.lexer.error("a power of a number with a sign", line)
        return self._postfix(literal)

    def _power(self) -> syntax.Node:
        base = self._postfix(self._primary())
        if not self.at_operator("**"):
            return base
        line = self.token.line
        self.advance()
        with self.nested():
            return syntax.Operation(line, "**", base, self._unary())

    # --- calls

    def _postfix(self, tree: syntax.Node) -> syntax.Node:
        """Whatever follows a value: ``.method``, ``[index]``, ``::Name``."""
        while self.token.kind == "operator":
            line = self.token.line
            if self.at_operator(".", "&."):
                tree = self._method(tree)
            elif self.at_operator("index"):
                self.advance()
                tree = syntax.Index(line, tree, self._listed("]"))
            elif self.at_operator("::") and isinstance(tree, syntax.Constant):
                tree = self._scoped(tree)
            else:
                break
        return tree

    def _method(self, receiver: syntax.Node) -> syntax.Node:
        line, safe = self.token.line, self.token.value == "&."
        self.advance()
        self.skip_newlines()
        if self.token.kind not in ("name", "constant"):
            raise self.unexpected()
        name = str(self.token.value)
        self.advance()
        return self._call(line, receiver, name, safe)

    def _scoped(self, outer: syntax.Constant) -> syntax.Node:
        self.advance()
        if self.token.kind != "constant":
            raise self.unexpected()
        tree = syntax.Constant(outer.line, f"{outer.name}::{self.token.value}")
        self.advance()
        return tree

    def _call(
        self, line: int, receiver: syntax.Node | None, name: str, safe: bool = False
    ) -> syntax.Node:
        """The arguments and the block behind a method's name."""
        arguments: list[syntax.Node] = []
        if self.at_operator("(") and not self.token.spaced:
            self.advance()
            arguments = self._listed(")")
        elif self.can_begin_argument():
            with self.allowing_do(False):
                arguments = self._arguments(None)
        passed = arguments.pop() if arguments and _passes_block(arguments[-1]) else None
        block = passed.value if isinstance(passed, syntax.Splat) else None
        if self.at_operator("{") or (self.token.is_("keyword", "do") and self.do_allowed):
            if block is not None:
                raise self.lexer.error("a call with two blocks", line)
            block = self.block()
        return syntax.Call(line, receiver, name, arguments, block, safe)

    def can_begin_argument(self) -> bool:
        """Whether the token begins the argument of a call without parentheses."""
        kind, value = self.token.kind, self.token.value
        if kind == "keyword":
            return value in _ARGUMENT_KEYWORDS
        if kind == "operator":
            return value in _ARGUMENT_OPERATORS and self.token.spaced
        return kind in _VALUE_KINDS

    def _listed(self, closing: str) -> list[syntax.Node]:
        """Arguments or items up to a closing bracket, which is passed."""
        with self.allowing_do(True):
            items = self._arguments(closing)
            if not self.at_operator(closing):
                raise self.unexpected()
        self.advance()
        return items

    def _arguments(self, closing: str | None) -> list[syntax.Node]:
        """Arguments with a comma between them; the pairs at their end are one Hash."""
        found: list[syntax.Node] = []
        pairs: list[tuple[syntax.Node, syntax.Node | None]] = []
        line = self.token.line
        while True:
            if closing:
                self.skip_newlines()
                if self.at_operator(closing):
                    break
            self._argument(found, pairs)
            if closing:
                self.skip_newlines()
            if not self.at_operator(","):
                break
            self.advance()
        if pairs:
            at = len(found) - bool(found and _passes_block(found[-1]))
            found.insert(at, syntax.Hash(line, pairs))
        return found

    def _argument(
        self, found: list[syntax.Node], pairs: list[tuple[syntax.Node, syntax.Node | None]]
    ) -> None:
        line = self.token.line
        if self.at_operator("splat", "block pass", "double splat"):
            kind = str(self.token.value)
            self.advance()
            value = self.expression()
            if kind == "double splat":
                pairs.append((syntax.Splat(line, value, double=True), None))
            else:
                found.append(syntax.Splat(line, value) if kind == "splat" else _Passed(line, value))
            return
        key = self._pair_or_value()
        if isinstance(key, tuple):
            pairs.append(key)
        elif pairs:
            raise self.lexer.error("an argument behind those with a name", line)
        else:
            found.append(key)

    def _pair_or_value(self) -> syntax.Node | tuple[syntax.Node, syntax.Node]:
        line = self.token.line
        if self.token.kind == "label":
            key: syntax.Node = syntax.Literal(line, Symbol(str(self.token.value)))
            self.advance()
            self.skip_newlines()
            if self.at_operator(",", "}", ")"):
                raise self.lexer.error("a label without a value", line)
            return key, self._no_modifier()
        key = self._no_modifier()
        if not self.at_operator("=>"):
            return key
        self.advance()
        self.skip_newlines()
        return key, self._no_modifier()

    def _no_modifier(self) -> syntax.Node:
        if self.token.is_("keyword", "not"):
            raise self.unexpected()
        return self.expression()

    # --- literals and names

    def _primary(self) -> syntax.Node:
        kind, value, line = self.token.kind, self.token.value, self.token.line
        if kind in ("integer", "float"):
            self.advance()
            return syntax.Literal(line, value)
        if kind == "string":
            return self._strings()
        if kind in ("symbol", "regexp", "words"):
            self.advance()
            return _literal(kind, value, line)
        if kind in ("name", "constant"):
            return self._named(kind, str(value), line)
        if kind == "keyword":
            with self.nested():
                return self.keyword()
        if kind == "operator":
            return self._bracketed()
        raise self.unexpected()

    def _strings(self) -> syntax.Node:
        """Strings that stand next to each other are one."""
        line, parts = self.token.line, list(self.token.value)
        self.advance()
        while self.token.kind == "string":
            parts += self.token.value
            self.advance()
        return syntax.String(line, parts)

    def _named(self, kind: str, name: str, line: int) -> syntax.Node:
        variable = kind == "name" and self._is_variable(name)
        self.advance()
        called = self.at_operator("(") and not self.token.spaced
        if variable and not called:
            return syntax.Variable(line, name)
        if kind == "constant" and not called:
            return syntax.Constant(line, name)
        return self._call(line, None, name)

    def _bracketed(self) -> syntax.Node:
        line = self.token.line
        if self.at_operator("[", "index"):
            self.advance()
            return syntax.Array(line, self._listed("]"))
        if self.at_operator("{"):
            self.advance()
            items = self._listed("}")
            if not items:
                return syntax.Hash(line, [])
            if len(items) > 1 or not isinstance(items[0], syntax.Hash):
                raise self.lexer.error("a Hash with something in it that is no pair", line)
            return items[0]
        if self.at_operator("("):
            self.advance()
            with self.allowing_do(True):
                body = self.statements()
            self.expect(")")
            return body
        if self.at_operator("::"):
            self.advance()
            if self.token.kind == "constant":
                return self._primary()
        raise self.unexpected()


class _Passed(syntax.Splat):
    """``&value`` in a call."""


def _is_bare(call: syntax.Call) -> bool:
    """Whether it is but a name, without receiver, arguments and block."""
    bare = call.receiver is None and call.block is None and not call.arguments
    return bare and call.name[-1] not in "?!"


def _passes_block(tree: syntax.Node) -> bool:
    return isinstance(tree, _Passed)


def _operation(line: int, operator: str, left: syntax.Node, right: syntax.Node) -> syntax.Node:
    if operator in ("&&", "||"):
        return syntax.Logic(line, "and" if operator == "&&" else "or", left, right)
    return syntax.Operation(line, operator, left, right)


def _literal(kind: str, value: t.Any, line: int) -> syntax.Node:
    if kind == "regexp":
        return syntax.Pattern(line, *value)
    if kind == "words":
        style, words = value
        symbols = style in ("i", "I")
        return syntax.Array(line, [syntax.String(line, [word], symbols) for word in words])
    return syntax.String(line, value, symbol=True)
