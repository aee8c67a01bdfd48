# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A quick reader for the Marshal data that nodes usually send, beside the one that reads all of it.

Those are Hashes with Symbols or Strings as keys, Arrays, Strings in UTF-8 or without an encoding,
Symbols, small numbers, true, false and nil, and nothing that is there twice by a link. Whatever else
comes is :class:`Unusual` and left to the other reader (:mod:`.marshal_reader`), with which this one
always agrees: tests and the fuzzer hold it to that. It takes a third of the time, mostly since it
calls nothing for a String and does not call itself.
"""

from __future__ import annotations

import typing as t

from .base import LONGEST_NAME, Symbol, symbol_of, text_of
from .marshal_writer import HEADER

MAX_SIZE = 65536
"""Bytes; larger data are left to the other reader, which bounds what they hold."""
DEPTH = 50
"""Levels."""
SHORT = 8
"""Bytes."""
_FAILURES = (IndexError, KeyError, TypeError, UnicodeDecodeError, RecursionError)

IVAR, STRING, SYMBOL, LINK = b"I"[0], b'"'[0], b":"[0], b";"[0]
HASH, ARRAY, FIXNUM, BIGNUM = b"{"[0], b"["[0], b"i"[0], b"l"[0]
CONSTANTS = {b"0"[0]: None, b"T"[0]: True, b"F"[0]: False}
_ENCODING = ":E"


class Unusual(Exception):
    """The data are not of the kind that is read here. That says nothing against them."""


def load(data: bytes) -> t.Any:
    """The value of Marshal data.

    :raises Unusual: leave it to the other reader.
    """
    if len(data) > MAX_SIZE or data[:2] != HEADER:
        raise Unusual
    try:
        return _load(data)
    except _FAILURES:
        raise Unusual from None


def _load(data: bytes) -> t.Any:
    position = 2
    seen: list[Symbol] = []
    # What stands behind a String in UTF-8, once the Symbol E has come and can be linked to.
    tail = b"none"
    # The container that is being filled, as a dict or as a list, how many values it has in the end and
    # how many it lacks, and the key of the next one; those around it are on the stack. The outermost
    # is a list of one value.
    mapping: dict[str, t.Any] | None = None
    items: list[t.Any] = []
    size, left, key = 1, 1, ""
    stack: list[tuple[dict[str, t.Any] | None, list[t.Any], int, int]] = []
    outermost = items
    # Whether any String has an encoding, and whether one beyond ASCII has none.
    encoded = doubtful = False
    while True:
        # 0: a value is wanted; 1: a key, which is a Symbol or a String.
        for wants_key in (1, 0) if mapping is not None else (0,):
            tag = data[position]
            value: t.Any
            if tag == IVAR:
                start = position + 3
                end = start + data[position + 2] - 5
                usual = data[position + 1] == STRING and start <= end < start + 123
                if usual and data[end : end + 4] == tail:
                    raw, position = data[start:end], end + 4
                else:
                    known = len(seen)
                    raw, position = _text(data, position + 1, seen)
                    encoded = True
                    if known < len(seen) < 100:
                        tail = b"\x06;%cT" % (known + 5 if known else 0)
                if wants_key:
                    value = text_of(raw) if len(raw) <= LONGEST_NAME else raw.decode()
                else:
                    # Short values are often the same: of thousands of replies that is much memory.
                    value = text_of(raw) if len(raw) <= SHORT else raw.decode()
            elif tag == SYMBOL:
                raw, position = _counted(data, position + 1)
                value = symbol_of(raw) if len(raw) <= LONGEST_NAME else Symbol(raw.decode())
                seen.append(value)
            elif tag == LINK:
                index, position = _number(data, position + 1)
                if index < 0:
                    raise Unusual
                value = seen[index]
            elif wants_key:
                raise Unusual
            elif tag in (HASH, ARRAY):
                count, position = _number(data, position + 1)
                if count < 0 or len(stack) >= DEPTH:
                    raise Unusual
                if count:
                    break
                value = {} if tag == HASH else []
            elif tag == STRING:
                raw, position = _counted(data, position + 1)
                if raw.isascii():
                    value = raw.decode()
                else:
                    value, doubtful = raw, True
            elif tag == FIXNUM:
                value, position = _number(data, position + 1)
            elif tag in CONSTANTS:
                value, position = CONSTANTS[tag], position + 1
            elif tag == BIGNUM:
                value, position = _bignum(data, position + 1)
            else:
                raise Unusual
            if wants_key:
                key = value
        else:
            if mapping is not None:
                mapping[key] = value
            else:
                items.append(value)
            left -= 1
            while not left:
                if mapping is not None and len(mapping) != size:
                    raise Unusual  # Two keys are equal in Python.
                if not stack:
                    if doubtful and not encoded:
                        raise Unusual
                    return outermost[0]
                mapping, items, size, left = stack.pop()
            continue
        # A container that is not empty: what it holds is next.
        inner: t.Any = {} if tag == HASH else []
        if mapping is not None:
            mapping[key] = inner
        else:
            items.append(inner)
        stack.append((mapping, items, size, left - 1))
        mapping, items = (inner, []) if tag == HASH else (None, inner)
        size = left = count


def _number(data: bytes, position: int) -> tuple[int, int]:
    """A packed number, and where it ends."""
    first = data[position]
    position += 1
    if 5 < first < 128:
        return first - 5, position
    if first > 127:
        if first > 251:
            raise Unusual
        return first - 251, position
    if first == 5 or first == 0:
        return 0, position
    end = position + first
    if end > len(data):
        raise Unusual
    return int.from_bytes(data[position:end], "little"), end


def _counted(data: bytes, position: int) -> tuple[bytes, int]:
    """Bytes with their number before them, and where they end."""
    length, start = _number(data, position)
    end = start + length
    if length < 0 or end > len(data):
        raise Unusual
    return data[start:end], end


def _text(data: bytes, position: int, seen: list[Symbol]) -> tuple[bytes, int]:
    """The bytes of a String behind its tag I, and where all of it ends. It has one instance
    variable: E, which is true for UTF-8 and false for ASCII."""
    if data[position] != STRING:
        raise Unusual
    raw, position = _counted(data, position + 1)
    if data[position] != 6:
        raise Unusual
    if data[position + 1] == LINK:
        index, position = _number(data, position + 2)
        if index < 0 or seen[index] != _ENCODING:
            raise Unusual
    elif data[position + 1 : position + 4] == b":\x06E":
        seen.append(Symbol("E"))
        position += 4
    else:
        raise Unusual
    flag = CONSTANTS[data[position]]
    if flag is None or not (flag or raw.isascii()):
        raise Unusual
    return raw, position + 1


def _bignum(data: bytes, position: int) -> tuple[int, int]:
    """A positive Integer beyond 30 bits, of a moderate size, and where it ends."""
    shorts, start = _number(data, position + 1)
    end = start + 2 * shorts
    if data[position : position + 1] != b"+" or not 0 < shorts < 100 or end > len(data):
        raise Unusual
    return int.from_bytes(data[start:end], "little"), end
