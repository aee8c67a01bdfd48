# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What the methods of a DDL's values share: bounds, and how they are registered."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ...serializers import Symbol
from .. import formatting, values
from ..values import VOID, Range, Refused, Regexp, Text

MAX_STEPS = 200_000
"""How many nodes the evaluation of one DDL may visit, and how many values its methods may see."""

MAX_TEXT = 8 * 2**20
"""How many characters may be in the Strings that its methods see and make."""

MAX_BITS = 4096
"""How large an Integer may get."""

MAX_DEPTH = 20
"""How deep Arrays and Hashes may be nested."""

Block = t.Callable[..., t.Any]


class Machine:
    """What one evaluation may still spend.

    Each value is charged for, with all that is in it, when it is made and whenever a method sees it.
    One that is in another many times counts as often, so that no value can be larger than the bounds.
    """

    def __init__(self) -> None:
        self._steps = MAX_STEPS
        self._text = MAX_TEXT

    def spend(self, steps: int) -> None:
        """Count work. Raises :class:`Refused` when it is too much."""
        self._steps -= steps
        if self._steps < 0:
            raise Refused(f"more than {MAX_STEPS} steps of evaluation")

    def reserve(self, characters: int) -> None:
        """Count text, before it is made."""
        self._text -= characters
        if self._text < 0:
            raise Refused(f"more than {MAX_TEXT} characters of text")

    def charge(self, value: t.Any, times: int = 1, depth: int = 0) -> None:
        """Count a value and all that is in it, as often as it will be gone through."""
        if depth > MAX_DEPTH:
            raise Refused(f"a value that is nested deeper than {MAX_DEPTH} levels")
        self.spend(times)
        if isinstance(value, (str, Text)):
            self.reserve(len(values.to_s(value)) * times)
        elif isinstance(value, Regexp):
            self.reserve(len(value.source) * times)
        elif isinstance(value, int):
            self._charge_integer(value, times)
        elif isinstance(value, Range):
            self.charge(value.first, times, depth + 1)
            self.charge(value.last, times, depth + 1)
        elif isinstance(value, (list, dict)):
            for item in value:
                self.charge(item, times, depth + 1)
                if isinstance(value, dict):
                    self.charge(value[item], times, depth + 1)

    def _charge_integer(self, value: int, times: int) -> None:
        if value.bit_length() > MAX_BITS:
            raise Refused(f"an Integer of more than {MAX_BITS} bits")
        self.reserve(value.bit_length() // 3 * times)

    def made(self, value: t.Any) -> t.Any:
        """A new value, charged for."""
        self.charge(value)
        return value

    def shown(self, value: t.Any) -> str:
        """A value as ``to_s`` and ``#{...}`` show it."""
        self.charge(usable(value))
        if isinstance(value, Regexp) and (
            value.source.startswith("(?") or not _plain(value.source)
        ):
            raise Refused(f"the text of {values.inspect(value)}")
        return values.to_s(value)

    def format(self, template: Text, arguments: list[t.Any]) -> Text:
        """What ``format`` makes of a template."""
        self.charge(arguments, template.value.count("%"))
        return Text(formatting.sprintf(template.value, arguments))

    def store(self, table: dict[t.Any, t.Any], key: t.Any, value: t.Any) -> None:
        """Put a pair into a Hash that is being made."""
        self.spend(1)
        if isinstance(key, (list, dict, Range)):
            raise Refused(f"a key that is {values.inspect(key)}")
        if isinstance(key, (bool, int, float)) and key in table:
            # 1, 1.0 and true are one key to Python.
            self.spend(len(table))
            alike = next(old for old in table if old == key)
            if not values.same_key(alike, key):
                raise Refused(f"the keys {values.inspect(alike)} and {values.inspect(key)}")
        table[key] = value

    def splat(self, value: t.Any) -> list[t.Any]:
        """What ``*value`` stands for."""
        if value is None:
            return []
        if isinstance(value, (list, dict, Range)):
            return self.items(value)
        return [value]

    def items(self, value: t.Any) -> list[t.Any]:
        """What ``each`` goes through."""
        if isinstance(value, Range):
            return self._range_items(value)
        self.spend(len(value))
        return [[key, item] for key, item in value.items()] if isinstance(value, dict) else value

    def _range_items(self, value: Range) -> list[t.Any]:
        first, last = value.first, value.last
        if _is_integer(first) and _is_integer(last):
            end = last if value.exclusive else last + 1
            self.spend(max(0, end - first))
            return list(range(first, end))
        if isinstance(first, Text) and isinstance(last, Text) and _same_kind(first, last):
            codes = range(ord(first.value), ord(last.value) + (not value.exclusive))
            return [Text(chr(code)) for code in codes]
        raise Refused(f"the items of {values.inspect(value)}")


def _plain(source: str) -> bool:
    """Whether Ruby shows this source of a Regexp as it is, but for slashes."""
    return all(char.isprintable() or char in "\t\n" for char in source)


def _is_integer(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _same_kind(first: Text, last: Text) -> bool:
    """Whether both are one letter of the same case, or one digit."""
    kinds = (str.isdigit, str.islower, str.isupper)
    single = len(first.value) == len(last.value) == 1 and (first.value + last.value).isascii()
    return single and any(kind(first.value) and kind(last.value) for kind in kinds)


def usable(value: t.Any) -> t.Any:
    """The value. Raises :class:`Refused` if it is what a word of the DDL left behind."""
    if value is VOID:
        raise Refused("the value of a DDL's word is used")
    return value


Function = t.Callable[[Machine, t.Any, list[t.Any], t.Optional[Block]], t.Any]


@dataclass(frozen=True)
class Method:
    """A method of a Ruby class, and how it may be called."""

    function: Function
    fewest: int
    most: int
    takes_block: bool
    needs_block: bool


class Methods(dict[str, dict[str, Method]]):
    """Methods by class and name."""

    def define(
        self,
        classes: str,
        names: str,
        fewest: int = 0,
        most: int | None = None,
        block: str = "never",
    ) -> t.Callable[[Function], Function]:
        """Register a function under names of classes, both with a blank between them.

        :param most: how many arguments it takes at most; as many as at least, if None.
        :param block: "never", "may" or "must".
        """

        def register(function: Function) -> Function:
            limit = fewest if most is None else most
            method = Method(function, fewest, limit, block != "never", block == "must")
            for class_ in classes.split():
                for name in names.split():
                    self.setdefault(class_, {})[name] = method
            return function

        return register

    def simple(
        self,
        classes: str,
        names: str,
        function: t.Callable[..., t.Any],
        fewest: int = 0,
        most: int | None = None,
    ) -> None:
        """Register a function of a value and its arguments only."""

        def called(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
            return function(own, *args)

        self.define(classes, names, fewest, most)(called)


def text_of(value: t.Any) -> str:
    """A String's text. Raises :class:`Refused` if it is none."""
    if not isinstance(value, Text):
        raise Refused(f"{values.inspect(value)} in place of a String")
    return value.value


def integer_of(value: t.Any) -> int:
    """An Integer. Raises :class:`Refused` if it is none."""
    if not _is_integer(value):
        raise Refused(f"{values.inspect(value)} in place of an Integer")
    return int(value)


def compare(left: t.Any, right: t.Any) -> int | None:
    """Ruby's ``<=>``; None where they cannot be compared."""
    if isinstance(left, Text) and isinstance(right, Text):
        return _order(left.value.encode(), right.value.encode())
    if isinstance(left, Symbol) and isinstance(right, Symbol):
        return _order(left.name.encode(), right.name.encode())
    if isinstance(left, list) and isinstance(right, list):
        orders = (compare(*pair) for pair in zip(left, right))
        return next((o for o in orders if o != 0), _order(len(left), len(right)))
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (left, right))
    nan = any(isinstance(value, float) and math.isnan(value) for value in (left, right))
    if numbers and not nan:
        return _order(left, right)
    return 0 if values.equal(left, right) else None


def _order(left: t.Any, right: t.Any) -> int:
    return int(left > right) - int(left < right)
