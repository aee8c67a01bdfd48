# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of Arrays, Hashes and Ranges."""

from __future__ import annotations

import functools
import typing as t

from .. import values
from ..values import Range, Refused, Text
from .machine import Block, Machine, Methods, compare, integer_of, text_of
from .scalars import part_of

METHODS = Methods()
_define = METHODS.define
_simple = METHODS.simple
_ALL = "Array Hash Range"
_Pairs = dict[t.Any, t.Any]

# --- all of them


@_define(_ALL, "each", block="must")
@_define("Hash", "each_pair", block="must")
def _each(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    for item in machine.items(own):
        block(item)
    return own


@_define(_ALL, "each_with_index", block="may")
def _each_indexed(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    items = machine.items(own)
    if block is None:
        return [[item, number] for number, item in enumerate(items)]
    for number, item in enumerate(items):
        block(item, number)
    return own


@_define(_ALL, "map collect", block="must")
def _map(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    return [block(item) for item in machine.items(own)]


@_define(_ALL, "select", block="must")
def _select(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return _filtered(machine, own, block, wanted=True)


@_define(_ALL, "reject", block="must")
def _reject(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return _filtered(machine, own, block, wanted=False)


def _filtered(machine: Machine, own: t.Any, block: Block | None, wanted: bool) -> t.Any:
    block = t.cast(Block, block)
    kept = [item for item in machine.items(own) if values.truthy(block(item)) == wanted]
    return {key: own[key] for key, _value in kept} if isinstance(own, dict) else kept


@_define("Range", "to_a")
def _to_a(machine: Machine, own: Range, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.items(own)


_simple("Array Hash", "size length", len)
_simple("Array Hash", "empty?", lambda own: not own)

# --- Arrays


def _array_of(value: t.Any) -> list[t.Any]:
    if not isinstance(value, list):
        raise Refused(f"{values.inspect(value)} in place of an Array")
    return value


def _element(own: list[t.Any], *args: t.Any) -> t.Any:
    part = part_of(own, args)
    return part if part is None or len(args) == 2 or isinstance(args[0], Range) else part[0]


def _includes(own: list[t.Any], wanted: t.Any) -> bool:
    return any(values.equal(item, wanted) for item in own)


_simple("Array", "first", lambda own: own[0] if own else None)
_simple("Array", "last", lambda own: own[-1] if own else None)
_simple("Array", "[]", _element, 1, 2)
_simple("Array", "+", lambda own, other: own + _array_of(other), 1)
_simple("Array", "reverse", lambda own: own[::-1])
_simple("Array", "compact", lambda own: [item for item in own if item is not None])


@_define("Array", "include?", 1)
def _has(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    machine.charge(args[0], len(own))
    return _includes(own, args[0])


@_define("Array", "join", 0, 1)
def _join(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    separator = text_of(args[0]) if args else ""
    texts = [machine.shown(item) for item in _flat(own)]
    machine.reserve(len(separator) * len(texts))
    return Text(separator.join(texts))


def _flat(own: list[t.Any]) -> list[t.Any]:
    found: list[t.Any] = []
    for item in own:
        found += _flat(item) if isinstance(item, list) else [item]
    return found


_simple("Array", "flatten", _flat)


@_define("Array", "-", 1)
def _minus(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    gone = {values.key_form(item) for item in _array_of(args[0])}
    return [item for item in own if values.key_form(item) not in gone]


@_define("Array", "*", 1)
def _times(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    if isinstance(args[0], Text):
        return _join(machine, own, args, None)
    count = integer_of(args[0])
    if count < 0:
        raise Refused("argument must be non-negative")
    machine.charge(own, count)
    return own * count


def _uniq(own: list[t.Any]) -> list[t.Any]:
    found: dict[t.Any, t.Any] = {}
    for item in own:
        found.setdefault(values.key_form(item), item)
    return list(found.values())


_simple("Array", "uniq", _uniq)


@_define("Array", "sort")
def _sort(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    machine.charge(own, len(own).bit_length())
    return sorted(own, key=functools.cmp_to_key(_order))


def _order(left: t.Any, right: t.Any) -> int:
    found = compare(left, right)
    if found is None:
        raise Refused(f"comparison of {values.inspect(left)} with {values.inspect(right)}")
    return found


# --- Hashes


def _has_key(own: _Pairs, key: t.Any) -> bool:
    if isinstance(key, (list, dict, Range)):
        return False
    # 1, 1.0 and true are one key to Python.
    return key in own and any(values.same_key(key, old) for old in own if old == key)


_simple("Hash", "[]", lambda own, key: own[key] if _has_key(own, key) else None, 1)
_simple("Hash", "include? key? has_key?", _has_key, 1)
_simple("Hash", "keys", list)
_simple("Hash", "values", lambda own: list(own.values()))


@_define("Hash", "merge", 0, 20)
def _merge(machine: Machine, own: _Pairs, args: list[t.Any], block: Block | None) -> t.Any:
    merged = dict(own)
    for other in args:
        if not isinstance(other, dict):
            raise Refused(f"{values.inspect(other)} in place of a Hash")
        for key, value in other.items():
            machine.store(merged, key, value)
    return merged
