# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The evaluator of a DDL's syntax tree.

It knows values, variables, blocks and the methods of values (:mod:`.methods`); nothing that it does
reaches the machine. Words without a receiver are the caller's.
"""

from __future__ import annotations

import typing as t

from ... import exc
from ...serializers import Symbol
from .. import values
from ..formatting import FormatError
from ..values import Range, Refused, Regexp, RubyClass, Text
from . import syntax
from .machine import Block, Machine, Method, usable
from .methods import METHODS

Word = t.Callable[[list[t.Any], t.Optional[Block]], t.Any]
"""One of the DDL's words: from its arguments and its block to its value."""

MAX_REASON = 500
"""How many characters an error may have; it may quote values of any length."""

_CLASSES: dict[str, t.Any] = {
    **{
        name: RubyClass(name)
        for name in (*values.ANCESTORS, "Object", "BasicObject", "Numeric", *values.MODULES)
    },
    # Old names, which are Integer from Ruby 2.4 to 3.1 and which old DDLs have.
    "Fixnum": RubyClass("Integer"),
    "Bignum": RubyClass("Integer"),
}


class _Jump(Exception):
    """``next`` or ``break`` on its way to its block or its call."""

    def __init__(self, kind: str, value: t.Any, line: int) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value
        self.line = line


class Scope:
    """Variables, and those around them."""

    def __init__(self, outer: Scope | None = None) -> None:
        self._own: dict[str, t.Any] = {}
        self._outer = outer

    def get(self, name: str) -> t.Any:
        """The variable's value; nil if its assignment was never reached."""
        holder = self._holder(name)
        return None if holder is None else holder._own[name]

    def set(self, name: str, value: t.Any) -> None:
        """Assign to the variable where it is, or make it here."""
        (self._holder(name) or self)._own[name] = value

    def make(self, name: str, value: t.Any) -> None:
        """A variable of this scope, whatever there is outside."""
        self._own[name] = value

    def _holder(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and name not in scope._own:
            scope = scope._outer
        return scope


class Evaluator:
    """Evaluates one DDL.

    :param word: finds the meaning of a word without a receiver; None if it has none.
    :param constants: values of constants beside Ruby's classes.
    """

    def __init__(
        self,
        path: str,
        word: t.Callable[[str], Word | None],
        constants: t.Mapping[str, t.Any],
        machine: Machine,
    ) -> None:
        self._path = path
        self._word = word
        self._machine = machine
        self._constants = {**_CLASSES, **constants}

    def run(self, program: syntax.Node) -> None:
        """Evaluate it. Raises :class:`.exc.UnreadableDDL`."""
        try:
            self._value(program, Scope())
        except _Jump as jump:
            raise self._error(f"{jump.kind} outside of a block", jump.line) from None

    def _error(self, reason: str, line: int) -> exc.UnreadableDDL:
        shown = reason if len(reason) <= MAX_REASON else reason[:MAX_REASON] + "..."
        return exc.UnreadableDDL(shown, self._path, line)

    def _value(self, node: syntax.Node | None, scope: Scope) -> t.Any:
        if node is None:
            return None
        try:
            self._machine.spend(1)
            return _EVALUATORS[type(node)](self, node, scope)
        except Refused as error:
            raise self._error(str(error), node.line) from None
        except (FormatError, OverflowError, ZeroDivisionError) as error:
            raise self._error(str(error), node.line) from None

    # --- one method for each kind of node

    def _literal(self, node: syntax.Literal, scope: Scope) -> t.Any:
        return node.value

    def _string(self, node: syntax.String, scope: Scope) -> t.Any:
        text = self._joined(node.parts, scope)
        return self._machine.made(Symbol(text) if node.symbol else Text(text))

    def _joined(self, parts: t.Sequence[t.Any], scope: Scope) -> str:
        shown = self._machine.shown
        return "".join(p if isinstance(p, str) else shown(self._value(p, scope)) for p in parts)

    def _pattern(self, node: syntax.Pattern, scope: Scope) -> t.Any:
        return self._machine.made(Regexp(self._joined(node.parts, scope), node.flags))

    def _array(self, node: syntax.Array, scope: Scope) -> t.Any:
        return self._machine.made(self._arguments(node.items, scope))

    def _arguments(self, nodes: t.Sequence[syntax.Node], scope: Scope) -> list[t.Any]:
        found: list[t.Any] = []
        for node in nodes:
            if isinstance(node, syntax.Splat):
                found += self._machine.splat(self._value(node.value, scope))
            else:
                found.append(self._value(node, scope))
        return found

    def _hash(self, node: syntax.Hash, scope: Scope) -> t.Any:
        table: dict[t.Any, t.Any] = {}
        for key, value in node.pairs:
            if isinstance(key, syntax.Splat):
                other = self._value(key.value, scope)
                if not isinstance(other, dict):
                    raise Refused("** of something that is no Hash")
                for name, item in other.items():
                    self._machine.store(table, name, item)
            else:
                self._store_pair(table, self._value(key, scope), self._value(value, scope))
        return self._machine.made(table)

    def _store_pair(self, table: dict[t.Any, t.Any], key: t.Any, value: t.Any) -> None:
        size = len(table)
        self._machine.store(table, key, value)
        if len(table) == size:
            # Ruby warns, and which place in the Hash it gets depends on the kind of key.
            raise Refused(f"the key {values.inspect(key)}, which is there twice")

    def _range(self, node: syntax.RangeOf, scope: Scope) -> t.Any:
        first, last = self._value(node.first, scope), self._value(node.last, scope)
        return self._machine.made(Range(first, last, node.exclusive))

    def _variable(self, node: syntax.Variable, scope: Scope) -> t.Any:
        return scope.get(node.name)

    def _constant(self, node: syntax.Constant, scope: Scope) -> t.Any:
        if node.name not in self._constants:
            raise Refused(f"the constant {node.name} is not known here")
        return self._constants[node.name]

    def _assign(self, node: syntax.Assign, scope: Scope) -> t.Any:
        target = node.target
        before = self._before(target, scope) if node.operator else None
        value = self._combined(node, before, scope)
        if isinstance(target, syntax.Variable):
            scope.set(target.name, value)
        else:
            self._constants[t.cast(syntax.Constant, target).name] = value
        return value

    def _before(self, target: syntax.Node, scope: Scope) -> t.Any:
        if isinstance(target, syntax.Constant) and target.name not in self._constants:
            return None
        return self._value(target, scope)

    def _combined(self, node: syntax.Assign, before: t.Any, scope: Scope) -> t.Any:
        if node.operator in ("||", "&&"):
            keep = values.truthy(before) == (node.operator == "||")
            return before if keep else usable(self._value(node.value, scope))
        value = usable(self._value(node.value, scope))
        return self._send(before, node.operator, [value]) if node.operator else value

    def _index(self, node: syntax.Index, scope: Scope) -> t.Any:
        receiver = self._value(node.receiver, scope)
        return self._send(receiver, "[]", self._arguments(node.arguments, scope))

    def _operation(self, node: syntax.Operation, scope: Scope) -> t.Any:
        left, right = self._value(node.left, scope), self._value(node.right, scope)
        if node.operator == "!=":
            return not values.truthy(self._send(left, "==", [right]))
        return self._send(left, node.operator, [right])

    def _logic(self, node: syntax.Logic, scope: Scope) -> t.Any:
        if node.right is None:
            _check_condition(node.left)
        left = usable(self._value(node.left, scope))
        if node.right is None:
            return not values.truthy(left)
        goes_on = values.truthy(left) == (node.operator == "and")
        return self._value(node.right, scope) if goes_on else left

    def _if(self, node: syntax.If, scope: Scope) -> t.Any:
        _check_condition(node.condition)
        holds = values.truthy(usable(self._value(node.condition, scope)))
        return self._value(node.then if holds else node.otherwise, scope)

    def _sequence(self, node: syntax.Sequence, scope: Scope) -> t.Any:
        value = None
        for statement in node.statements:
            value = self._value(statement, scope)
        return value

    def _jump(self, node: syntax.Jump, scope: Scope) -> t.Any:
        raise _Jump(node.kind, self._value(node.value, scope), node.line)

    def _call(self, node: syntax.Call, scope: Scope) -> t.Any:
        if node.receiver is None:
            return self._own_word(node, scope)
        receiver = self._value(node.receiver, scope)
        if node.safe and receiver is None:
            return None
        arguments = self._arguments(node.arguments, scope)
        return self._with_block(
            node.block, scope, lambda block: self._send(receiver, node.name, arguments, block)
        )

    def _own_word(self, node: syntax.Call, scope: Scope) -> t.Any:
        word = self._word(node.name)
        if word is None:
            raise Refused(f"the word or variable {node.name!r} is not known here")
        arguments = self._arguments(node.arguments, scope)
        found = word
        return self._with_block(node.block, scope, lambda block: found(arguments, block))

    def _with_block(
        self, node: syntax.Node | None, scope: Scope, call: t.Callable[[Block | None], t.Any]
    ) -> t.Any:
        """Make a call with its block, which ends with a ``break`` in that block."""
        if node is None:
            return call(None)
        if not isinstance(node, syntax.Block):
            return call(self._as_block(self._value(node, scope)))
        try:
            return call(self._closure(node, scope))
        except _Jump as jump:
            if jump.kind == "break":
                return jump.value
            raise

    def _as_block(self, value: t.Any) -> Block:
        if not isinstance(value, Symbol):
            raise Refused(f"& before {values.inspect(value)}, which is no Symbol")
        name = value.name
        return lambda *items: self._send(items[0] if items else None, name, list(items[1:]))

    def _closure(self, node: syntax.Block, outer: Scope) -> Block:
        def called(*items: t.Any) -> t.Any:
            scope = Scope(outer)
            given = list(items)
            apart = len(node.parameters) > 1 and len(given) == 1 and isinstance(given[0], list)
            self._bind(node.parameters, given[0] if apart else given, scope)
            try:
                return self._value(node.body, scope)
            except _Jump as jump:
                if jump.kind == "next":
                    return jump.value
                raise

        return called

    def _bind(
        self, parameters: t.Sequence[syntax.Parameter], items: list[t.Any], scope: Scope
    ) -> None:
        rest = next((n for n, parameter in enumerate(parameters) if parameter.splat), None)
        behind = 0 if rest is None else len(parameters) - rest - 1
        end = max(len(items) - behind, rest or 0)
        for number, parameter in enumerate(parameters):
            if parameter.splat:
                scope.make(parameter.name, items[number:end])
                continue
            at = number if rest is None or number < rest else end + number - rest - 1
            value = items[at] if at < len(items) else None
            if parameter.nested:
                inner = value if isinstance(value, list) else [value]
                self._bind(parameter.nested, inner, scope)
            else:
                scope.make(parameter.name, value)

    def _send(
        self, receiver: t.Any, name: str, arguments: list[t.Any], block: Block | None = None
    ) -> t.Any:
        """Call a method of a value."""
        method = _find_method(usable(receiver), name)
        if method is None:
            raise Refused(f"the method {name!r} of {_shown_class(receiver)} is not known here")
        if not method.fewest <= len(arguments) <= method.most:
            raise Refused(f"{name!r} with {len(arguments)} arguments")
        if block is None and method.needs_block:
            raise Refused(f"{name!r} without a block")
        if block is not None and not method.takes_block:
            raise Refused(f"{name!r} with a block")
        self._machine.charge([receiver, *arguments])
        result = method.function(self._machine, receiver, arguments, block)
        return result if result is receiver else self._machine.made(result)


def _check_condition(node: syntax.Node) -> None:
    """Refuse what is no value as a condition: a match of $_, and the flip-flop of a Range."""
    if isinstance(node, syntax.Sequence) and len(node.statements) == 1:
        _check_condition(node.statements[0])
    elif isinstance(node, syntax.Logic):
        for side in filter(None, (node.left, node.right)):
            _check_condition(side)
    elif isinstance(node, (syntax.Pattern, syntax.RangeOf)):
        raise Refused("a Regexp or a Range as a condition")


def _shown_class(value: t.Any) -> str:
    return f"{values.inspect(value)} ({values.class_name(value)})"


def _find_method(receiver: t.Any, name: str) -> Method | None:
    own = values.class_name(receiver)
    return next((METHODS[c][name] for c in (own, "Object") if name in METHODS.get(c, {})), None)


_EVALUATORS: dict[type[syntax.Node], t.Callable[[Evaluator, t.Any, Scope], t.Any]] = {
    syntax.Literal: Evaluator._literal,
    syntax.String: Evaluator._string,
    syntax.Pattern: Evaluator._pattern,
    syntax.Array: Evaluator._array,
    syntax.Hash: Evaluator._hash,
    syntax.RangeOf: Evaluator._range,
    syntax.Variable: Evaluator._variable,
    syntax.Constant: Evaluator._constant,
    syntax.Assign: Evaluator._assign,
    syntax.Index: Evaluator._index,
    syntax.Operation: Evaluator._operation,
    syntax.Logic: Evaluator._logic,
    syntax.If: Evaluator._if,
    syntax.Sequence: Evaluator._sequence,
    syntax.Jump: Evaluator._jump,
    syntax.Call: Evaluator._call,
}
