# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The methods of Arrays only."""

from __future__ import annotations

import typing as t

from .. import values
from ..values import Range, Refused, Text
from .containers import natural
from .machine import Block, Machine, Methods, integer_of, text_of
from .scalars import part_of

METHODS = Methods()
_define = METHODS.define


@_define("Array", "empty?")
def _is_empty(machine: Machine, own: t.Any, args: list[t.Any], block: Block | None) -> t.Any:
    return not own


@_define("Array", "join", 0, 1)
def _join(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    separator = text_of(args[0]) if args and args[0] is not None else ""
    texts = [
        text_of(_join(machine, item, args, None)) if isinstance(item, list) else values.to_s(item)
        for item in own
    ]
    machine.reserve(len(separator) * len(texts))
    return machine.text(separator.join(texts))


def _array_of(value: t.Any) -> list[t.Any]:
    if not isinstance(value, list):
        raise Refused(f"{values.inspect(value)} in place of an Array")
    return value


@_define("Array", "+", 1)
def _plus(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return machine.array(own + _array_of(args[0]))


@_define("Array", "-", 1)
def _minus(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    other = _array_of(args[0])
    machine.spend(len(own) * len(other))
    return [item for item in own if not any(values.same_key(item, gone) for gone in other)]


@_define("Array", "*", 1)
def _times(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    if isinstance(args[0], Text):
        return _join(machine, own, args, None)
    count = natural(args[0])
    machine.spend(len(own) * count)
    return own * count


@_define("Array", "uniq")
def _uniq(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    found: list[t.Any] = []
    for item in own:
        machine.spend(len(found))
        if not any(values.same_key(item, old) for old in found):
            found.append(item)
    return found


@_define("Array", "|", 1)
def _union(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return _uniq(machine, own + _array_of(args[0]), [], None)


@_define("Array", "&", 1)
def _common(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    other = _array_of(args[0])
    machine.spend(len(own) * len(other))
    kept = [item for item in own if any(values.same_key(item, also) for also in other)]
    return _uniq(machine, kept, [], None)


@_define("Array", "<<", 1)
@_define("Array", "push append", 0, 100)
def _push(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    machine.check_mutable(own)
    machine.spend(len(args))
    own.extend(args)
    return own


@_define("Array", "unshift prepend", 0, 100)
def _unshift(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    machine.check_mutable(own)
    machine.spend(len(args))
    own[:0] = args
    return own


@_define("Array", "concat", 1)
def _concat(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return _push(machine, own, list(_array_of(args[0])), None)


@_define("Array", "reverse")
def _reverse(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return machine.array(own[::-1])


@_define("Array", "compact")
def _compact(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return [item for item in own if item is not None]


@_define("Array", "flatten")
def _flatten(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    found: list[t.Any] = []
    for item in own:
        machine.spend(1)
        found += _flatten(machine, item, [], None) if isinstance(item, list) else [item]
    return found


@_define("Array", "zip", 1)
def _zip(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    other = _array_of(args[0])
    return [[item, other[n] if n < len(other) else None] for n, item in enumerate(own)]


@_define("Array", "index find_index", 1)
def _index(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    return next((n for n, item in enumerate(own) if values.equal(item, args[0])), None)


@_define("Array", "[] slice", 1, 2)
def _element(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    part = part_of(own, args)
    if part is None or len(args) == 2 or isinstance(args[0], Range):
        return part
    return part[0]


@_define("Array", "[]=", 2)
def _set(machine: Machine, own: list[t.Any], args: list[t.Any], block: Block | None) -> t.Any:
    machine.check_mutable(own)
    at = integer_of(args[0])
    if not -len(own) <= at <= len(own):
        raise Refused("an element set beyond an Array's end")
    own[at : at + 1 or None] = [args[1]]
    return args[1]
