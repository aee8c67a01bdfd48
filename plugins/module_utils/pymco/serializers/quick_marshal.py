# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A quick reader for the Marshal data that nodes usually send, beside the one that reads all of it.

Those are Hashes with Symbols or Strings as keys, Arrays, Strings in UTF-8 or without an encoding,
Symbols, small numbers, true, false and nil, and nothing that is there twice by a link. Whatever else
comes is :class:`Unusual` and left to the other reader (:mod:`.marshal_reader`), with which this one
always agrees: tests and the fuzzer hold it to that. It takes a third of the time, mostly since it is
one function that calls nothing for a String, and so it is long.
"""

from __future__ import annotations

import typing as t

from .base import LONGEST_NAME, Symbol, symbol_of, text_of
from .marshal_writer import HEADER

MAX_SIZE = 65536
"""Bytes; larger data are left to the other reader, which bounds what they hold."""
DEPTH = 50
"""Levels."""
_FAILURES = (IndexError, KeyError, TypeError, UnicodeDecodeError, RecursionError)

IVAR, STRING, SYMBOL, LINK = b"I"[0], b'"'[0], b":"[0], b";"[0]
HASH, ARRAY, FIXNUM, BIGNUM = b"{"[0], b"["[0], b"i"[0], b"l"[0]
NIL, TRUE, FALSE = b"0"[0], b"T"[0], b"F"[0]
_ENCODING = ":E"
_PLUS = b"+"[0]


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
    position, size = 2, len(data)
    seen: list[Symbol] = []
    # What stands behind a String in UTF-8, once the Symbol E has come and can be linked to.
    tail = b"none"

    def number() -> int:
        """A packed number."""
        nonlocal position
        first = data[position]
        position += 1
        if 5 < first < 128:
            return first - 5
        if first == 0:
            return 0
        if first > 127:
            if first < 252:
                return first - 251
            raise Unusual
        if first > 4:
            return 0
        start, position = position, position + first
        if position > size:
            raise Unusual
        return int.from_bytes(data[start:position], "little")

    def count() -> int:
        """How many values there are in a Hash or an Array."""
        found = number()
        if found < 0:
            raise Unusual
        return found

    def counted() -> bytes:
        nonlocal position
        length = data[position]
        if 5 < length < 128:
            length -= 5
            position += 1
        else:
            length = number()
        start, position = position, position + length
        if length < 0 or position > size:
            raise Unusual
        return data[start:position]

    def text() -> bytes:
        """The bytes of a String of which is known that they are text: behind its tag I."""
        nonlocal position, tail
        if data[position] != STRING:
            raise Unusual
        position += 1
        found = counted()
        # One instance variable: E, which is true for UTF-8 and false for ASCII.
        if data[position] != 6:
            raise Unusual
        if data[position + 1] == LINK:
            link = data[position + 2]
            name = seen[0 if link == 0 else link - 5]
            if link in (1, 2, 3, 4, 5) or link > 127 or name != _ENCODING:
                raise Unusual
            position += 3
        elif data[position + 1 : position + 4] == b":\x06E":
            if len(seen) < 100:
                tail = b"\x06;%cT" % (len(seen) + 5 if seen else 0)
            seen.append(Symbol("E"))
            position += 4
        else:
            raise Unusual
        flag = data[position]
        position += 1
        if flag != TRUE and not (flag == FALSE and found.isascii()):
            raise Unusual
        return found

    def symbol() -> Symbol:
        name = counted()
        found = symbol_of(name) if len(name) <= LONGEST_NAME else Symbol(name.decode())
        seen.append(found)
        return found

    def linked() -> Symbol:
        index = number()
        if index < 0:
            raise Unusual
        return seen[index]

    def key() -> str:
        nonlocal position
        tag = data[position]
        if tag == IVAR and data[position + 1] == STRING:
            start = position + 3
            end = start + data[position + 2] - 5
            if start <= end < start + 123 and data[end : end + 4] == tail:
                position = end + 4
                name = data[start:end]
                return text_of(name) if len(name) <= LONGEST_NAME else name.decode()
        position += 1
        if tag == SYMBOL:
            return symbol()
        if tag == LINK:
            return linked()
        if tag != IVAR:
            raise Unusual
        name = text()
        return text_of(name) if len(name) <= LONGEST_NAME else name.decode()

    def value(depth: int) -> t.Any:
        nonlocal position
        tag = data[position]
        if tag == IVAR:
            if data[position + 1] == STRING:
                start = position + 3
                end = start + data[position + 2] - 5
                if start <= end < start + 123 and data[end : end + 4] == tail:
                    position = end + 4
                    return data[start:end].decode()
            position += 1
            return text().decode()
        position += 1
        if tag == HASH:
            if not depth:
                raise Unusual
            mapping = {}
            for _pair in range(count()):
                name = key()
                mapping[name] = value(depth - 1)
            return mapping
        if tag == STRING:
            raw = counted()
            return raw.decode() if raw.isascii() else raw
        if tag == FIXNUM:
            return number()
        if tag == TRUE:
            return True
        if tag == FALSE:
            return False
        if tag == NIL:
            return None
        if tag == SYMBOL:
            return symbol()
        if tag == LINK:
            return linked()
        if tag == ARRAY:
            if not depth:
                raise Unusual
            return [value(depth - 1) for _item in range(count())]
        if tag == BIGNUM and data[position] == _PLUS:
            position += 1
            start, position = position + 1, position + 1 + 2 * number_at(position)
            if position > size:
                raise Unusual
            return int.from_bytes(data[start:position], "little")
        raise Unusual

    def number_at(place: int) -> int:
        """A number of one byte."""
        found = data[place] - 5
        if not 0 < found < 100:
            raise Unusual
        return found

    return value(DEPTH)
