# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of Hashes only."""

from __future__ import annotations

import typing as t

from .. import values
from ..values import Range, Refused
from .containers import each, is_true
from .machine import Block, Machine, Methods

METHODS = Methods()
_define = METHODS.define


def _hash_of(value: t.Any) -> dict[t.Any, t.Any]:
    if not isinstance(value, dict):
        raise Refused(f"{values.inspect(value)} in place of a Hash")
    return value


def _has(table: dict[t.Any, t.Any], key: t.Any) -> bool:
    if isinstance(key, (list, dict, Range)):
        return False
    return key in table and any(values.same_key(key, old) for old in table if old == key)


@_define("Hash", "[]", 1)
def _value(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return own[args[0]] if _has(own, args[0]) else None


@_define("Hash", "fetch", 1, 2)
def _fetch(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    if not _has(own, args[0]) and len(args) < 2:
        raise Refused(f"key not found: {values.inspect(args[0])}")
    return own[args[0]] if _has(own, args[0]) else args[1]


@_define("Hash", "[]= store", 2)
def _store(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    machine.check_mutable(own)
    machine.store(own, *args)
    return args[1]


@_define("Hash", "key? has_key? include? member?", 1)
def _has_key(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return _has(own, args[0])


@_define("Hash", "empty?")
def _is_empty(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return not own


@_define("Hash", "keys")
def _keys(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return machine.array(list(own))


@_define("Hash", "values")
def _values(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return machine.array(list(own.values()))


@_define("Hash", "each_key", block="must")
def _each_key(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    each(machine, list(own), [], block)
    return own


@_define("Hash", "each_value", block="must")
def _each_value(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    each(machine, list(own.values()), [], block)
    return own


@_define("Hash", "select filter", block="must")
def _select_pairs(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return {key: own[key] for key, _value in machine.items(own) if is_true(block, key, own[key])}


@_define("Hash", "reject", block="must")
def _reject_pairs(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return {
        key: own[key] for key, _value in machine.items(own) if not is_true(block, key, own[key])
    }


@_define("Hash", "transform_values", block="must")
def _transform(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    block = t.cast(Block, block)
    return {key: block(value) for key, value in machine.items(own)}


@_define("Hash", "merge", 0, 20)
def _merge(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    return _update(machine, dict(own), args, None)


@_define("Hash", "update merge!", 0, 20)
def _update(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    machine.check_mutable(own)
    for other in args:
        for key, value in _hash_of(other).items():
            machine.store(own, key, value)
    return own


@_define("Hash", "delete", 1)
def _delete(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    machine.check_mutable(own)
    return own.pop(args[0]) if _has(own, args[0]) else None


@_define("Hash", "invert")
def _invert(
    machine: Machine, own: dict[t.Any, t.Any], args: list[t.Any], block: Block | None
) -> t.Any:
    table: dict[t.Any, t.Any] = {}
    for key, value in own.items():
        machine.store(table, value, key)
    return table
