# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of Strings, Symbols, numbers, nil, true and false, and those of every object."""

from __future__ import annotations

import typing as t

from ...serializers import Symbol
from .. import formatting, values
from ..values import Range, Refused, Regexp, RubyClass, Text
from .machine import Block, Machine, Methods, compare, integer_of, text_of

METHODS = Methods()
_define = METHODS.define
_BLANKS = "\t\n\v\f\r \0"

# --- every object


@_define("Object", "==", 1)
def _equals(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return values.equal(own, args[0])


@_define("Object", "nil?")
def _is_nil(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return own is None


@_define("Object", "to_s")
def _to_s(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return own if isinstance(own, Text) else machine.text(machine.shown(own))


@_define("Object", "inspect")
def _inspect(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.text(values.inspect(own))


@_define("Object", "freeze")
def _freeze(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.freeze(own)


@_define("Object", "frozen?")
def _is_frozen(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.is_frozen(own)


@_define("Object", "dup")
def _dup(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    if isinstance(own, Text):
        return machine.text(own.value)
    if isinstance(own, list):
        return machine.array(list(own))
    return dict(own) if isinstance(own, dict) else own


@_define("Object", "is_a? kind_of?", 1)
def _is_a(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    if not isinstance(args[0], RubyClass):
        raise Refused("class or module required")
    return values.is_a(own, args[0].name)


@_define("Object", "<=>", 1)
def _compare(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return compare(own, args[0])


def _comparison(holds: t.Callable[[int], bool]) -> t.Any:
    def function(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
        order = compare(own, args[0])
        if order is None:
            raise Refused(f"comparison of {values.inspect(own)} with {values.inspect(args[0])}")
        return holds(order)

    return function


for _name, _holds in {
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}.items():
    _define("String Integer Float", _name, 1)(_comparison(_holds))


@_define("NilClass", "to_a")
def _nil_to_a(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return []


@_define("NilClass", "to_i")
def _nil_to_i(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return 0


# --- Strings and Symbols


def _plain(names: str, change: t.Callable[[str], t.Any], classes: str = "String") -> None:
    """Methods without arguments that depend on the text only."""

    def function(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
        result = change(values.to_s(own))
        if isinstance(result, str) and not isinstance(result, Symbol):
            return Symbol(result) if isinstance(own, Symbol) else machine.text(result)
        return result

    _define(classes, names)(function)


_plain("upcase", str.upper, "String Symbol")
_plain("downcase", str.lower, "String Symbol")
_plain("capitalize", str.capitalize, "String Symbol")
_plain("swapcase", str.swapcase, "String Symbol")
_plain("length size", len, "String Symbol")
_plain("empty?", lambda text: not text, "String Symbol")
_plain("strip", lambda text: text.strip(_BLANKS))
_plain("lstrip", lambda text: text.lstrip(_BLANKS))
_plain("rstrip", lambda text: text.rstrip(_BLANKS))
_plain("chop", lambda text: text[: -2 if text.endswith("\r\n") else -1])
_plain("reverse", lambda text: text[::-1])
_plain("to_sym intern", Symbol)
_plain("to_i", values.integer_prefix)


@_define("Symbol", "to_sym")
@_define("String", "to_str")
def _self(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return own


@_define("Symbol", "id2name name")
def _name_of(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.text(own.name)


@_define("String", "+", 1)
def _plus(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.text(own.value + text_of(args[0]))


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
    return machine.text(formatting.sprintf(own.value, given))


@_define("String", "<< concat", 1)
def _append(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    machine.check_mutable(own)
    more = text_of(args[0])
    machine.reserve(len(own.value) + len(more))
    own.value += more
    return own


@_define("String", "include?", 1)
def _includes(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return text_of(args[0]) in own.value


@_define("String", "start_with?", 1, 20)
def _starts(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return own.value.startswith(tuple(text_of(arg) for arg in args))


@_define("String", "end_with?", 1, 20)
def _ends(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return own.value.endswith(tuple(text_of(arg) for arg in args))


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
    return machine.text(own.value.replace(old, new, count))


@_define("String", "tr", 2)
def _translate(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    old, new = text_of(args[0]), text_of(args[1])
    alone = len(old) == len(new) == 1 and "\\" not in old + new
    if not old or (any(char in old + new for char in "-^\\") and not alone):
        raise Refused("tr with ranges or with nothing to look for")
    new = new.ljust(len(old), new[-1:]) if new else ""
    table = {ord(char): (new[old.index(char)] if new else None) for char in old}
    return machine.text(own.value.translate(table))


@_define("String", "split", 0, 1)
def _split(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    separator = text_of(args[0]) if args and args[0] is not None else " "
    if separator == " ":
        parts = own.value.replace("\0", " ").split() if own.value.isascii() else None
    else:
        parts = own.value.split(separator) if separator else list(own.value)
    if parts is None or any(char in own.value for char in "\x1c\x1d\x1e\x1f\0"):
        raise Refused("a split of unusual text")
    while parts and not parts[-1]:
        parts.pop()
    return machine.array([machine.text(part) for part in parts])


@_define("String", "chomp", 0, 1)
def _chomp(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    if args:
        suffix = text_of(args[0])
        if suffix in ("", "\n"):
            raise Refused("chomp of line ends by name")
        cut = own.value[: -len(suffix)] if own.value.endswith(suffix) else own.value
        return machine.text(cut)
    ending = next((end for end in ("\r\n", "\n", "\r") if own.value.endswith(end)), "")
    return machine.text(own.value[: len(own.value) - len(ending)])


def _padded(side: str) -> t.Any:
    def function(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
        width, filler = integer_of(args[0]), text_of(args[1]) if len(args) > 1 else " "
        if len(filler) != 1:
            raise Refused(f"{side} with a filler that is not one character")
        machine.reserve(max(0, width))
        missing = max(0, width - len(own.value))
        left = {"ljust": 0, "rjust": missing, "center": missing // 2}[side]
        return Text(filler * left + own.value + filler * (missing - left))

    return function


for _name in ("ljust", "rjust", "center"):
    _define("String", _name, 1, 2)(_padded(_name))


@_define("String", "chars")
def _chars(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.array([Text(char) for char in own.value])


@_define("String", "lines")
def _lines(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.array([Text(line) for line in _split_lines(own.value)])


def _split_lines(text: str) -> list[str]:
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@_define("String", "[] slice", 1, 2)
def _slice(machine: Machine, own: Text, args: list[t.Any], block: Block | None) -> t.Any:
    if len(args) == 1 and isinstance(args[0], Text):
        return machine.text(args[0].value) if args[0].value in own.value else None
    part = part_of(own.value, args)
    return None if part is None else machine.text(part)


def part_of(whole: t.Any, args: list[t.Any]) -> t.Any:
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
    def function(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
        other = args[0]
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            raise Refused(f"{values.inspect(other)} can't be coerced into a number")
        return machine.integer(compute(own, other))

    _define("Integer Float", name, 1)(function)


def _divide(left: t.Any, right: t.Any) -> t.Any:
    if isinstance(left, int) and isinstance(right, int):
        return left // right
    if right == 0:
        raise Refused("a division of a Float by zero")
    return left / right


def _power(base: t.Any, exponent: t.Any) -> t.Any:
    if not (isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= 4096):
        raise Refused("a power that is not of an Integer with a small exponent")
    if base.bit_length() * exponent > 8192:
        raise Refused("a power that large")
    return base**exponent


_arithmetic("+", lambda left, right: left + right)
_arithmetic("-", lambda left, right: left - right)
_arithmetic("*", lambda left, right: left * right)
_arithmetic("/", _divide)
_arithmetic("% modulo", lambda left, right: left % right)
_arithmetic("**", _power)


def _numeric(names: str, compute: t.Callable[[t.Any], t.Any], classes: str = "Integer") -> None:
    def function(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
        return machine.integer(compute(own))

    _define(classes, names)(function)


_numeric("to_i to_int", int, "Integer Float")
_numeric("to_f", float, "Integer Float")
_numeric("abs", abs, "Integer Float")
_numeric("zero?", lambda number: number == 0, "Integer Float")
_numeric("succ next", lambda number: number + 1)
_numeric("pred", lambda number: number - 1)
_numeric("even?", lambda number: number % 2 == 0)
_numeric("odd?", lambda number: number % 2 == 1)


@_define("Integer", "times", block="may")
def _repeat(machine: Machine, own: int, args: list[t.Any], block: Block | None) -> t.Any:
    machine.spend(max(0, own))
    if block is None:
        return list(range(own))
    for number in range(own):
        block(number)
    return own


@_define("Integer", "upto", 1, block="may")
def _upto(machine: Machine, own: int, args: list[t.Any], block: Block | None) -> t.Any:
    return _count(machine, own, range(own, integer_of(args[0]) + 1), block)


@_define("Integer", "downto", 1, block="may")
def _downto(machine: Machine, own: int, args: list[t.Any], block: Block | None) -> t.Any:
    return _count(machine, own, range(own, integer_of(args[0]) - 1, -1), block)


def _count(machine: Machine, own: int, numbers: range, block: Block | None) -> t.Any:
    machine.spend(len(numbers))
    if block is None:
        return list(numbers)
    for number in numbers:
        block(number)
    return own
