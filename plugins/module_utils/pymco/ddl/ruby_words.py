# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What the words, methods and operators of a DDL in Ruby do."""

from __future__ import annotations

import operator
import typing as t
from collections import ChainMap

from .. import ruby_patterns as patterns
from .. import ruby_values as values
from ..ruby_methods import RUBY_METHODS
from ..ruby_values import RubyClass
from ..serializers import Symbol
from .model import Refused

if t.TYPE_CHECKING:
    from .builder import Builder
    from .ruby_text import Code

MAX_DEPTH = 20
"""How deep values may be nested."""

MAX_BITS = 4096
"""The size of a number."""

_AGGREGATES = ("summary", "average", "sum")
"""The functions that MCollective brings along. Outside of ``summarize`` it knows no others."""

_OWN_METHODS = """
actions entities exit! findddlfile frozen? help is_function? loadddlfile meta plugintype requirements
respond_to? template_for_plugintype validate_requirements
"""
_RESERVED = RUBY_METHODS | frozenset(_OWN_METHODS.split())
"""Methods that every object, or a DDL itself, has in Ruby."""

_Counts = dict[str, t.Sequence[int]]
_COMMON: _Counts = {"metadata": [1], "usage": [1], "requires": [1], "input": [2], "output": [2]}
_OWN: dict[str, _Counts] = {
    "agent": {"action": [2], "display": [1], "summarize": [0], "aggregate": [1, 2]},
    "data": {"dataquery": [1]},
    "discovery": {"discovery": [0], "capabilities": range(100)},
}
"""The words of all DDLs, and those of a kind of plugin, and how many arguments they may have."""

_WITH_BLOCK = ("action", "dataquery", "discovery", "summarize")
_CHANGES: dict[str, t.Callable[[str], str]] = {
    **{"capitalize": str.capitalize, "upcase": str.upper, "downcase": str.lower},
    "strip": lambda text: text.strip(" \t\n\v\f\r"),
}
_ROUNDS: dict[tuple[str, str], t.Callable[[t.Any], t.Iterable[t.Sequence[t.Any]]]] = {
    ("Array", "each"): lambda items: ((item,) for item in items),
    ("Array", "each_with_index"): lambda items: ((item, n) for n, item in enumerate(items)),
    ("Hash", "each"): lambda table: (([key, item],) for key, item in table.items()),
    ("Hash", "each_pair"): lambda table: (([key, item],) for key, item in table.items()),
}
"""What the methods that take a block give to it, by the class of their value."""

_OPERATIONS: dict[str, t.Callable[[t.Any, t.Any], t.Any]] = {
    **{"+": operator.add, "-": operator.sub, "*": operator.mul, "%": operator.mod},
    **{"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge},
}

VOID = object()  # The value of a declaration, which no DDL uses.
UNREAD = object()  # The value of a variable that an unread statement may have set.

Block = t.Callable[..., None]
Helper = t.Callable[[list[t.Any]], t.Any]
"""A block, and a method that a DDL defines. They are run when they are called."""


def truth(value: t.Any) -> bool:
    """Return True if a value fulfils a condition."""
    if value is VOID:
        raise Refused("the value of a declaration is used")
    if isinstance(value, values.Regexp):
        raise Refused("a Regexp as a condition")  # Ruby compares it to what was read last.
    return values.truthy(value)


class Words:
    """Runs words, methods and operators, and holds variables.

    :ivar scope: the variables of the block or helper that is being run, and of those around it.
    :param spend: counts work; raises when it is too much.
    """

    def __init__(self, builder: Builder, spend: t.Callable[[int], None]) -> None:
        self._builder, self._spend = builder, spend
        self._known = {**_COMMON, **_OWN.get(builder.kind, {})}
        self._allowance = patterns.Allowance()
        self._summarizing = False
        self._helpers: dict[str, Helper] = {}
        self._constants: dict[str, t.Any] = {}
        self.scope: ChainMap[str, t.Any] = ChainMap()

    def within(self, scope: ChainMap[str, t.Any], body: Code) -> t.Any:
        """Run the body of a block or a helper with its variables."""
        self._spend(1)
        outer, self.scope = self.scope, scope
        try:
            return body()
        finally:
            self.scope = outer

    def variable(self, name: str) -> t.Any:
        value = self.scope.get(name)
        if value is UNREAD:
            raise Refused(f"the value of {name} could not be read")
        return value

    def assign(self, name: str, sign: str | None, value: t.Any) -> t.Any:
        """Set a variable or a constant; with a sign, to the result of this operation."""
        value = self.weighed(self.operate(sign, self.variable(name), value) if sign else value)
        self._home(name)[name] = value
        return value

    def _home(self, name: str) -> t.MutableMapping[str, t.Any]:
        if name[0].isupper():
            return self._constants
        return next((own for own in self.scope.maps if name in own), self.scope.maps[0])

    def forget(self, names: t.Iterable[str], variables: t.Iterable[str]) -> None:
        """Forget helpers and constants of these names, and the values of variables."""
        for name in names:
            self._helpers.pop(name, None)
            self._constants.pop(name, None)
        for name in variables:
            self._home(name)[name] = UNREAD

    def define(self, name: str, helper: Helper) -> None:
        if name in _RESERVED or any(name in words for words in (_COMMON, *_OWN.values())):
            raise Refused(f"a method {name} in place of Ruby's or MCollective's own")
        self._helpers[name] = helper

    def constant(self, name: str) -> t.Any:
        """Return a constant's value, which may be a class of Ruby."""
        if name in self._constants:
            return self._constants[name]
        if name not in values.CLASSES and name != "Fixnum":
            raise Refused(f"the constant {name} is not known")
        return RubyClass("Integer" if name == "Fixnum" else name)

    def call(self, name: str, arguments: list[t.Any], block: Block | None) -> t.Any:
        """Run a word or a helper."""
        if name in self._helpers and block is None:
            return self._helpers[name](arguments)
        if name == "respond_to?" and block is None:
            return self._responds(arguments)
        if name in self._known:
            if len(arguments) not in self._known[name] or (block and name not in _WITH_BLOCK):
                raise Refused(f"{name} with {len(arguments)} arguments or with a block")
            self._declare(name, arguments, block)
            return VOID
        may_aggregate = self._summarizing or name in _AGGREGATES
        if self._builder.kind != "agent" or not may_aggregate or name in _RESERVED:
            raise Refused(f"{name!r} is not known")
        return {Symbol("function"): Symbol(name), Symbol("args"): arguments}

    def _declare(self, name: str, arguments: list[t.Any], block: Block | None) -> None:
        if name == "summarize":
            if block is None:
                raise Refused("summarize without a block")
            self._summarizing = True
            block()
            self._summarizing = False
            return
        getattr(self._builder, name)(*arguments)
        if name in _WITH_BLOCK:
            if block is not None:
                block()
            self._builder.end()

    def _responds(self, arguments: list[t.Any]) -> bool:
        """DDLs ask which words there are, so as to serve several versions of MCollective."""
        name = values.to_s(arguments[0]) if len(arguments) == 1 else "respond_to?"
        if name in _RESERVED:
            raise Refused(f"respond_to? of {name!r}, which is no word of a DDL")
        return name in self._known or name in self._helpers

    def method(self, value: t.Any, name: str, arguments: list[t.Any], block: Block | None) -> t.Any:
        kind = values.class_name(value)
        if block is not None and not arguments and (kind, name) in _ROUNDS:
            for given in _ROUNDS[kind, name](value):
                block(*given)
            return value
        text = value if values.is_string(value) and block is None else None
        if text is not None and name == "sub" and len(arguments) == 2:
            return self._sub(text, *arguments)
        if block is None and not arguments:
            if name in _CHANGES and text is not None and text.isascii() and "\0" not in text:
                return _CHANGES[name](text)
            if name == "to_sym" and isinstance(value, str):
                return Symbol(values.to_s(value))
            if name == "to_s":
                return values.to_s(self.weighed(value))
        shown = values.inspect(value[:40]) if text is not None else "a value"
        raise Refused(f"the method {name!r} of {shown} ({kind}) is not known")

    def _sub(self, text: str, pattern: t.Any, replacement: t.Any) -> str:
        if not values.is_string(replacement) or "\\" in replacement:
            raise Refused("sub with a replacement that is no plain text")
        self._spend(len(text) // 16)
        if values.is_string(pattern):
            return text.replace(pattern, replacement, 1)
        if not isinstance(pattern, values.Regexp):
            raise Refused(f"sub with a {values.class_name(pattern)}")
        try:
            compiled = patterns.compile_ruby(pattern.source, pattern.flags)
            return compiled.replace(text, replacement, self._allowance)
        except patterns.Untranslatable as error:
            raise Refused(f"sub with the regular expression {pattern.source}: {error}") from None

    def index(self, value: t.Any, first: t.Any, last: t.Any, signs: str) -> t.Any:
        """Return what ``value[first]`` or, with two or three dots as signs, a range is."""
        if isinstance(value, dict) and not signs:
            form = values.key_form(first)
            return next((item for key, item in value.items() if values.key_form(key) == form), None)
        last = last if signs else first
        sequence = isinstance(value, list) or values.is_string(value)
        if not sequence or not type(first) is type(last) is int:
            raise Refused(f"a part of a {values.class_name(value)}")
        size = len(value)
        start, end = (bound + size if bound < 0 else bound for bound in (first, last))
        if not signs:
            return value[start] if 0 <= start < size else None
        return value[start : max(0, end + (signs == ".."))] if 0 <= start <= size else None

    def operation(self, sign: str, left: Code, right: Code) -> t.Any:
        """Run both sides of an operator as far as they count."""
        value = left()
        if sign in ("and", "&&", "or", "||"):
            return value if truth(value) == (sign in ("or", "||")) else right()
        return self.operate(sign, value, right())

    def operate(self, sign: str, left: t.Any, right: t.Any) -> t.Any:
        if sign in ("==", "!="):
            return values.equal(*self.weighed([left, right])) == (sign == "==")
        texts = values.is_string(left) and values.is_string(right)
        if sign == "+" and (texts or (isinstance(left, list) and isinstance(right, list))):
            return self.weighed(left + right)
        whole = isinstance(left, int) and isinstance(right, int)
        if not (values.is_number(left) and values.is_number(right)) or (sign == "%" and not whole):
            kinds = f"{values.class_name(left)} and {values.class_name(right)}"
            raise Refused(f"the operator {sign} between {kinds} is not known")
        try:
            if sign == "/":
                return left // right if whole else left / right
            return self.weighed(_OPERATIONS[sign](left, right))
        except (OverflowError, ZeroDivisionError) as error:
            raise Refused(f"{sign}: {error}") from None

    def items(self, found: list[Code], pairs: list[tuple[Code, Code]]) -> list[t.Any]:
        """Return the values of an Array or of a call's arguments. Pairs are its last one, a Hash."""
        items = [code() for code in found]
        if pairs:
            items.append(self._table((key(), value()) for key, value in pairs))
        return t.cast("list[t.Any]", self.weighed(items))

    def _table(self, pairs: t.Iterable[tuple[t.Any, t.Any]]) -> dict[t.Any, t.Any]:
        table: dict[t.Any, t.Any] = {}
        keys: dict[t.Any, t.Any] = {}
        for key, value in pairs:
            if not isinstance(key, (str, int, float, type(None))):
                raise Refused(f"a key that is a {values.class_name(key)}")
            if not values.same_key(keys.setdefault(key, key), key):
                raise Refused(f"the keys {values.inspect(keys[key])} and {values.inspect(key)}")
            if not (key is None or isinstance(key, bool)):
                # Ruby drops the first of two equal literals, and with it its place.
                table.pop(key, None)
            table[key] = value
        return table

    def weighed(self, value: t.Any, depth: int = 0) -> t.Any:
        """Count the work that a value makes: one that holds another twice counts it twice.

        :returns: the value.
        """
        if value is VOID:
            raise Refused("the value of a declaration is used")
        if depth > MAX_DEPTH:
            raise Refused(f"a value nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, str):
            self._spend(len(value) // 64)
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise Refused(f"a number of more than {MAX_BITS} bits")
        elif isinstance(value, (list, dict)):
            self._spend(len(value))
            for part in value if isinstance(value, list) else [*value, *value.values()]:
                self.weighed(part, depth + 1)
        return value
