# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods that Arrays, Hashes and Ranges share."""

from __future__ import annotations

import functools
import typing as t

from .. import values
from ..values import Range, Refused
from .machine import Block, Machine, Methods, compare, integer_of

METHODS = Methods()
_define = METHODS.define
_ALL = "Array Hash Range"


def is_true(block: Block | None, *items: t.Any) -> bool:
    return values.truthy(items[0] if block is None else block(*items))


def _walk(machine: Machine, own: t.Any) -> t.Iterator[t.Any]:
    """Each item; a container that changes meanwhile is refused, for Ruby would see the change."""
    items = machine.items(own)
    for item in items:
        machine.spend(1)
        yield item
    if not isinstance(own, Range) and len(own) != len(items):
        raise Refused("a container that changes while it is gone through")


# --- all of them


@_define(_ALL, "each", block="must")
@_define("Hash", "each_pair", block="must")
def each(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    for item in _walk(machine, own):
        block(item)
    return own


@_define(_ALL, "each_with_index", block="may")
def _each_indexed(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    if block is None:
        return [[item, number] for number, item in enumerate(_walk(machine, own))]
    for number, item in enumerate(_walk(machine, own)):
        block(item, number)
    return own


@_define(_ALL, "each_with_object", 1, block="must")
def _each_object(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    for item in _walk(machine, own):
        block(item, args[0])
    return args[0]


@_define(_ALL, "each_slice", 1, block="may")
def _each_slice(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    size = integer_of(args[0])
    if size < 1:
        raise Refused("invalid slice size")
    items = list(_walk(machine, own))
    slices = [items[at : at + size] for at in range(0, len(items), size)]
    if block is None:
        return slices
    for part in slices:
        block(part)
    return own


@_define(_ALL, "map collect", block="must")
def _map(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    return machine.array([block(item) for item in _walk(machine, own)])


@_define(_ALL, "flat_map collect_concat", block="must")
def _flat_map(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    found: list[t.Any] = []
    for item in _walk(machine, own):
        result = block(item)
        found += result if isinstance(result, list) else [result]
    return machine.array(found)


@_define("Array Range", "select filter", block="must")
def _select(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return [item for item in _walk(machine, own) if is_true(block, item)]


@_define("Array Range", "reject", block="must")
def _reject(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return [item for item in _walk(machine, own) if not is_true(block, item)]


@_define(_ALL, "partition", block="must")
def _partition(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    sides: tuple[list[t.Any], list[t.Any]] = ([], [])
    for item in _walk(machine, own):
        sides[not is_true(block, item)].append(item)
    return list(sides)


@_define(_ALL, "find detect", block="must")
def _find(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return next((item for item in machine.items(own) if is_true(block, item)), None)


@_define(_ALL, "any?", block="may")
def _any(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return any(is_true(block, item) for item in machine.items(own))


@_define(_ALL, "all?", block="may")
def _all(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return all(is_true(block, item) for item in machine.items(own))


@_define(_ALL, "none?", block="may")
def _none(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return not any(is_true(block, item) for item in machine.items(own))


@_define(_ALL, "count", 0, 1, block="may")
def _count(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    items = machine.items(own)
    if args:
        return sum(values.equal(item, args[0]) for item in items)
    return len(items) if block is None else sum(is_true(block, item) for item in items)


@_define(_ALL, "inject reduce", 0, 2, block="may")
def _inject(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    if block is None or len(args) > 1:
        raise Refused("inject without a block")
    items = list(_walk(machine, own))
    if not args and not items:
        return None
    total = args[0] if args else items.pop(0)
    for item in items:
        total = block(total, item)
    return total


@_define(_ALL, "to_a entries")
def _to_a(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return own if isinstance(own, list) else machine.items(own)


@_define("Array Range", "first", 0, 1)
def _first(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    items = machine.items(own)
    if args:
        return items[: natural(args[0])]
    if isinstance(own, Range):
        return own.first
    return items[0] if items else None


@_define("Array Range", "last", 0, 1)
def _last(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    items = machine.items(own)
    if args:
        return items[max(0, len(items) - natural(args[0])) :]
    if isinstance(own, Range):
        return own.last
    return items[-1] if items else None


def natural(value: t.Any) -> int:
    number = integer_of(value)
    if number < 0:
        raise Refused("a negative count")
    return number


@_define("Array Range", "take", 1)
def _take(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.items(own)[: natural(args[0])]


@_define("Array Range", "drop", 1)
def _drop(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return machine.items(own)[natural(args[0]) :]


@_define("Array Range", "include? member?", 1)
def _includes(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return any(values.equal(item, args[0]) for item in machine.items(own))


@_define("Array Range", "sum", 0, block="may")
def _sum(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    numbers = [item if block is None else block(item) for item in _walk(machine, own)]
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        raise Refused("a sum of something else than Integers")
    return machine.integer(sum(numbers))


@_define("Array Range", "min")
def _min(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return next(iter(_sorted(machine.items(own))), None)


@_define("Array Range", "max")
def _max(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return next(reversed(_sorted(machine.items(own))), None)


@_define(_ALL, "sort")
def _sort(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return _sorted(machine.items(own))


@_define(_ALL, "sort_by", block="must")
def _sort_by(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    keyed = [[block(item), item] for item in _walk(machine, own)]
    keys = [key for key, _item in keyed]
    if any(values.equal(a, b) for a, b in zip(_sorted(keys), _sorted(keys)[1:])):
        raise Refused("sort_by with equal keys, whose order Ruby leaves open")
    return [item for _key, item in sorted(keyed, key=functools.cmp_to_key(_by_first))]


def _by_first(left: list[t.Any], right: list[t.Any]) -> int:
    return compare(left[0], right[0]) or 0


def _sorted(items: list[t.Any]) -> list[t.Any]:
    def order(left: t.Any, right: t.Any) -> int:
        found = compare(left, right)
        if found is None:
            raise Refused(f"comparison of {values.inspect(left)} with {values.inspect(right)}")
        return found

    return sorted(items, key=functools.cmp_to_key(order))


@_define(_ALL, "to_h")
def _to_h(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    table: dict[t.Any, t.Any] = {}
    for pair in machine.items(own):
        if not isinstance(pair, list) or len(pair) != 2:
            raise Refused(f"to_h of {values.inspect(pair)}, which is no pair")
        machine.store(table, *pair)
    return table


@_define("Range", "size")
@_define("Array Hash", "size length")
def _size(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return len(machine.items(own))
