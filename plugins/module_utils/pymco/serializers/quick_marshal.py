# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The reader of Marshal data with one loop for what most of nearly every reply is made of."""

from __future__ import annotations

import typing as t

from .. import exc
from . import base, marshal_reader
from .marshal_reader import NAMES, TRUNCATED, Kept, Reader

KEY, VALUE, ITEM = base.LONGEST_NAME, base.SHORT, base.SHORT - 1
"""What a value is in its Hash or its Array, as the number of bytes up to which equal texts become one
object. The numbers differ, so that each tells one from the others."""
PAIR, SINGLE = (KEY, VALUE), (ITEM,)
IVAR, STRING, SYMBOL, LINK, HASH, ARRAY, FIXNUM = b'I":;{[i'
CONSTANTS: dict[int, t.Any] = {ord("0"): None, ord("T"): True, ord("F"): False}
LARGE = 2**60
ONE_BYTE = (0, *[LARGE] * 5, *range(1, 123), *[LARGE] * 128)
"""The numbers that Marshal writes as one byte, by that byte. LARGE stands for all other numbers."""
FIRST_TAILS = (b"\x06:\x06ET", b"\x06:\x06EF")
"""What stands behind the first String in UTF-8 or in ASCII: one instance variable, the Symbol E."""
UNREAD = object()

_TEXTS = Kept(bytes.decode)


class KeysCollide(Exception):
    """Some keys of a Hash are equal in Python. Only the other reader can tell them apart."""


class QuickReader(Reader):
    """It reads short Strings, Symbols, Arrays, Hashes and the like in one loop. All else is read by the
    methods of :class:`.Reader`, which gives the same result and takes twice as long.

    :raises KeysCollide: leave these data to :class:`.Reader`.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.tails: list[bytes] = []
        """What stands behind further Strings in UTF-8 or in ASCII: it has a link to the Symbol E."""

    def outermost(self) -> t.Any:
        """See :meth:`.Reader.outermost`."""
        return self.filled([], iter(SINGLE), 1)[0]

    def container(self, into: t.Any) -> t.Any:
        """See :meth:`.Reader.container`."""
        self.objects.append(into)
        kinds = PAIR if isinstance(into, dict) else SINGLE
        size = self.count(len(kinds))
        return self.filled(into, iter(kinds * size), size)

    def filled(self, into: t.Any, kinds: t.Iterator[int], size: int) -> t.Any:
        """Fill an empty list or dict, and the lists and dicts in it.

        :param kinds: a KEY, VALUE or ITEM for each value.
        :param size: how many pairs or items it has in the end.
        """
        data, symbols, objects, tails = self.data, self.symbols, self.objects, self.tails
        position, key, value = self.position, None, None
        outer: list[tuple[t.Any, t.Iterator[int], int]] = []
        while True:
            for kind in kinds:
                tag = data[position]
                value = UNREAD
                if tag == IVAR:
                    if data[position + 1] == STRING:
                        length, start = ONE_BYTE[data[position + 2]], position + 3
                        if length == LARGE:
                            length, start = self.length_at(position + 2)
                        end = start + length
                        tail = 4 if data[end : end + 4] in tails else self.first_tail(end)
                        if tail:
                            value = data[start:end]
                            try:
                                value = _TEXTS[value] if length <= kind else value.decode()
                            except UnicodeDecodeError:
                                pass
                            objects.append(value)
                            position = end + tail
                elif tag == SYMBOL:
                    length = ONE_BYTE[data[position + 1]]
                    if length <= KEY:
                        start, position = position + 2, position + 2 + length
                        value = NAMES[data[start:position]]
                        symbols.append(value)
                elif tag == LINK:
                    if data[position + 1] < 128:
                        value = symbols[ONE_BYTE[data[position + 1]]]
                        position += 2
                elif kind == KEY:
                    pass
                elif tag == HASH or tag == ARRAY:
                    if self.depth < base.MAX_DEPTH:
                        break
                elif tag == FIXNUM:
                    if ONE_BYTE[data[position + 1]] != LARGE:
                        value = ONE_BYTE[data[position + 1]]
                        position += 2
                elif tag in CONSTANTS:
                    value = CONSTANTS[tag]
                    position += 1
                if value is UNREAD:
                    self.position = position
                    value = self.value()
                    position = self.position
                    if kind == KEY: value = self.checked(value)
                if kind == KEY:
                    key = value
                elif kind == VALUE:
                    into[key] = value
                else:
                    into.append(value)
            else:
                if len(into) != size:
                    raise KeysCollide
                if not outer:
                    if position > len(data):
                        raise exc.DecodingError(TRUNCATED)
                    self.position = position
                    return into
                into, kinds, size = outer.pop()
                self.depth -= 1
                continue
            outer.append((into, kinds, size))
            inner, pattern = ({}, PAIR) if tag == HASH else ([], SINGLE)
            objects.append(inner)
            if kind == VALUE:
                into[key] = inner
            else:
                into.append(inner)
            self.position = position + 1
            size = self.count(len(pattern))
            position = self.position
            into, kinds = inner, iter(pattern * size)
            self.depth += 1

    def length_at(self, position: int) -> tuple[int, int]:
        """Return a length that is written as more than one byte, or LARGE if it is negative, and where it ends."""
        self.position = position
        length = self.packed()
        return length if length >= 0 else LARGE, self.position

    def first_tail(self, start: int) -> int:
        """Read what stands behind the first String in UTF-8 or in ASCII. Return its length, or 0 if it is
        something else."""
        index = len(self.symbols)
        if index > 122 or self.data[start : start + 5] not in FIRST_TAILS:
            return 0
        self.symbols.append(NAMES[b"E"])
        place = index and index + 5
        self.tails[:] = b"\x06;%cT" % place, b"\x06;%cF" % place
        self.encoded = True
        return 5


def _text(raw: bytes, limit: int) -> t.Any:
    try:
        return _TEXTS[raw] if len(raw) <= limit else raw.decode()
    except UnicodeDecodeError:
        return raw
