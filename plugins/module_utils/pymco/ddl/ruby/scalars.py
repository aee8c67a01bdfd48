# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of Strings, Symbols and numbers, and those of every object."""

from __future__ import annotations

import typing as t

from ...serializers import Symbol
from .. import values
from ..values import Range, Refused, Regexp, Text
from .machine import Block, Machine, Methods, compare, integer_of, text_of

METHODS = Methods()
_define = METHODS.define
_simple = METHODS.simple
_BLANKS = "\t\n\v\f\r \0"

# --- every object

_simple("Object", "==", values.equal, 1)
_simple("Object", "<=>", compare, 1)
_simple("Object", "nil?", lambda own: own is None)
_simple("Object", "inspect", lambda own: Text(values.inspect(own)))
_simple("Object", "freeze dup", lambda own: own)


@_define("Object", "to_s")
def _to_s(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return own if isinstance(own, Text) else Text(machine.shown(own))


def _comparison(name: str, holds: t.Callable[[int], bool]) -> None:
    def compared(own: t.Any, other: t.Any) -> bool:
        order = compare(own, other)
        if order is None:
            raise Refused(f"comparison of {values.inspect(own)} with {values.inspect(other)}")
        return holds(order)

    _simple("String Integer Float", name, compared, 1)


_comparison("<", lambda order: order < 0)
_comparison(">", lambda order: order > 0)
_comparison("<=", lambda order: order <= 0)
_comparison(">=", lambda order: order >= 0)

# --- Strings and Symbols


def _converted(names: str, change: t.Callable[[str], str], classes: str) -> None:
    """Methods that make another text, of the same class."""

    def converted(own: t.Any) -> t.Any:
        result = change(values.to_s(own))
        return Symbol(result) if isinstance(own, Symbol) else Text(result)

    _simple(classes, names, converted)


_converted("upcase", str.upper, "String Symbol")
_converted("downcase", str.lower, "String Symbol")
_converted("capitalize", str.capitalize, "String Symbol")
_converted("strip", lambda text: text.strip(_BLANKS), "String")
_converted("reverse", lambda text: text[::-1], "String")
_simple("String Symbol", "length size", lambda own: len(values.to_s(own)))
_simple("String Symbol", "empty?", lambda own: not values.to_s(own))
_simple("String Symbol", "to_sym", lambda own: Symbol(values.to_s(own)))
_simple("String", "to_i", lambda own: values.integer_prefix(own.value))
_simple("String", "+", lambda own, other: Text(own.value + text_of(other)), 1)
_simple("String", "include?", lambda own, other: text_of(other) in own.value, 1)


@_define("String", "*", 1)
def _times(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    count = integer_of(args[0])
    if count < 0:
        raise Refused("argument must be non-negative")
    machine.reserve(len(own.value) * count)
    return Text(own.value * count)


@_define("String", "%", 1)
def _format(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    given = args[0] if isinstance(args[0], list) else [args[0]]
    return machine.format(own, given)


@_define("String", "sub", 2)
def _sub(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return _replaced(machine, own, args, 1)


@_define("String", "gsub", 2)
def _gsub(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return _replaced(machine, own, args, -1)


def _replaced(machine: Machine, own: Text, args: list[t.Any], count: int) -> Text:
    if isinstance(args[0], Regexp):
        raise Refused("a replacement by a Regexp")
    old, new = text_of(args[0]), text_of(args[1])
    if "\\" in new:
        raise Refused("a replacement with a backslash")
    machine.reserve(len(new) * (own.value.count(old) if count < 0 else 1))
    return Text(own.value.replace(old, new, count))


def _split(own: Text, *separators: t.Any) -> list[Text]:
    separator = text_of(separators[0]) if separators else " "
    if any(char in own.value for char in "\x1c\x1d\x1e\x1f\0"):
        raise Refused("a split of unusual text")
    if separator == " ":
        if not own.value.isascii():
            raise Refused("a split of unusual text")
        parts = own.value.split()
    else:
        parts = own.value.split(separator) if separator else list(own.value)
    while parts and not parts[-1]:
        parts.pop()
    return [Text(part) for part in parts]


_simple("String", "split", _split, 0, 1)


def _slice(own: Text, *args: t.Any) -> Text | None:
    if len(args) == 1 and isinstance(args[0], Text):
        return args[0] if args[0].value in own.value else None
    part = part_of(own.value, args)
    return None if part is None else Text(part)


_simple("String", "[]", _slice, 1, 2)


def part_of(whole: t.Any, args: t.Sequence[t.Any]) -> t.Any:
    """``whole[3]``, ``whole[1, 2]`` or ``whole[1..-1]``, for whatever Python can slice."""
    size = len(whole)
    if len(args) == 1 and not isinstance(args[0], Range):
        at = integer_of(args[0])
        at += size if at < 0 else 0
        return whole[at : at + 1] if 0 <= at < size else None
    if len(args) == 2:
        start, count = integer_of(args[0]), integer_of(args[1])
        start += size if start < 0 else 0
        return whole[start : start + count] if 0 <= start <= size and count >= 0 else None
    start, last = integer_of(args[0].first), integer_of(args[0].last)
    start += size if start < 0 else 0
    last += size if last < 0 else 0
    if not 0 <= start <= size:
        return None
    return whole[start : max(start, last + (not args[0].exclusive))]


# --- numbers


def _arithmetic(name: str, compute: t.Callable[[t.Any, t.Any], t.Any]) -> None:
    def computed(own: t.Any, other: t.Any) -> t.Any:
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            raise Refused(f"{values.inspect(other)} can't be coerced into a number")
        return compute(own, other)

    _simple("Integer Float", name, computed, 1)


_arithmetic("+", lambda left, right: left + right)
_arithmetic("-", lambda left, right: left - right)
_arithmetic("*", lambda left, right: left * right)
_arithmetic("%", lambda left, right: left % right)
_simple("Integer Float", "to_i", int)


@_define("Integer", "times", block="must")
def _repeat(machine: Machine, own: int, args: list[t.Any], block: Block | None) -> t.Any:
    return _count(machine, own, range(own), block)


@_define("Integer", "upto", 1, block="must")
def _upto(machine: Machine, own: int, args: list[t.Any], block: Block | None) -> t.Any:
    return _count(machine, own, range(own, integer_of(args[0]) + 1), block)


def _count(machine: Machine, own: int, numbers: range, block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    machine.spend(len(numbers))
    for number in numbers:
        block(number)
    return own
