# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes random Marshal data. Most of it is right, so that readers reach the few parts that are wrong."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    Reader,
)

if t.TYPE_CHECKING:
    import random

HEADER = b"\x04\x08"
TAGS = b'0TFilf:;@I"[{}/cmMCeoSuU'
ENCODINGS = [
    *(b"ISO-8859-1", b"Shift_JIS", b"UTF-16LE", b"UTF-16", b"UTF-32BE", b"EUC-JP", b"Windows-1252"),
    *(b"GB18030", b"Big5", b"KOI8-R", b"UTF-7", b"ASCII-8BIT", b"idna", b"zlib", b"", b"\xff" * 9),
]
NAMES = [b"A", b"@a", b"E", b"encoding", b"offset", b"zone", b"nano_num", b"Time", b"Date", b"Set"]
NAMES += [b"Range", b"begin", b"body", b"hash", b"senderid", b"\xc3\xa9", b"\xe9", b"", b"x" * 300]
FLOATS = [b"1.5", b"inf", b"-inf", b"nan", b"-0", b"1e400", b"1" * 400, b"1_0", b" 1", b"0x1p3"]
FLOATS += [b"1.5\0\x9a\x99", b"", b"infinity", b"+1", b"\xd9\xa1"]
WORDS = [bytes([tag]) for tag in TAGS]
WORDS += [
    b"[\x06",
    b"{\x06",
    b'I"\x06a\x06:\x06ET',
    b":\x06E",
    b";\x00",
    b"@\x00",
    b"@\x06",
    b"o:\x06A\x06",
]
WORDS += [
    b"i\x04\xff\xff\xff\x7f",
    b"\x04\xff\xff\xff\xff",
    b"\xfc\0\0\0\x80",
    b"C:\x06A",
    b"e:\x06A",
]
WORDS += [b'Iu:\tTime\r\x20\x80\x1b\xc0\0\0\0\0\x06:\tzoneI"\x08UTC\x06:\x06EF', b"l+\x07\1\2\3\4"]


def packed(number: int) -> bytes:
    """Return Marshal's variable-length integer."""
    if number == 0:
        return b"\0"
    if 0 < number < 123:
        return bytes([number + 5])
    size = max(1, (abs(number).bit_length() + 7) // 8)
    return bytes([size if number > 0 else 256 - size]) + (number % 256**size).to_bytes(
        size, "little"
    )


def counted(data: bytes) -> bytes:
    """Return bytes with their number before them."""
    return packed(len(data)) + data


class Maker:
    """Makes one value."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.room = chance.choice((3, 10, 40, 200))
        self.wrong = chance.choice((0, 0.01, 0.05))

    def make(self) -> bytes:
        """The value, with its header."""
        return HEADER + self.value()

    def count(self, right: int) -> bytes:
        """Return the number of items, now and then a wrong one."""
        if self.chance.random() < self.wrong:
            right += self.chance.choice((-1, 1, 2, 300, 2**24))
        return packed(right)

    def value(self) -> bytes:
        self.room -= 1
        kinds = _LEAVES if self.room <= 0 else _KINDS
        make: t.Callable[[Maker], bytes] = self.chance.choice(kinds)
        return make(self)

    def values(self, most: int) -> tuple[int, bytes]:
        number = self.chance.randrange(most + 1)
        return number, b"".join(self.value() for _value in range(number))

    def single(self) -> bytes:
        return self.chance.choice((b"0", b"T", b"F", b"i\x00", b"i\xfa", b"i\x02\x39\x30"))

    def integer(self) -> bytes:
        if self.chance.random() < 0.5:
            return b"i" + packed(self.chance.randrange(-(2**30), 2**30))
        data = self.chance.randbytes(2 * self.chance.choice((1, 2, 4, 40, 600)))
        return b"l" + self.chance.choice((b"+", b"-", b"?")) + self.count(len(data) // 2) + data

    def real(self) -> bytes:
        return b"f" + counted(self.chance.choice(FLOATS))

    def name(self) -> bytes:
        kind = self.chance.random()
        if kind < 0.3:
            return b";" + self.count(self.chance.randrange(3))
        symbol = b":" + counted(self.chance.choice(NAMES))
        return symbol if kind < 0.9 else b"I" + symbol + self.encoding()

    def data(self) -> bytes:
        data = self.chance.choice((b"a", b"", "é€".encode(), b"\xff\xfe", b"x" * 200, b"\x82\xa0"))
        return self.count(len(data)) + data

    def encoding(self) -> bytes:
        choice = self.chance.random()
        if choice < 0.6:
            return b"\x06:\x06E" + self.chance.choice((b"T", b"F", b"0", b"i\0"))
        return b'\x06:\x0dencoding"' + counted(self.chance.choice(ENCODINGS))

    def text(self) -> bytes:
        if self.chance.random() < 0.3:
            return self.chance.choice((b'"', b"/", b"c", b"m", b"M")) + self.data()
        tag = self.chance.choice((b'"', b'"', b'"', b"/"))
        flags = self.chance.randbytes(1) if tag == b"/" else b""
        return b"I" + tag + self.data() + flags + self.encoding()

    def link(self) -> bytes:
        return b"@" + self.count(self.chance.randrange(12))

    def array(self) -> bytes:
        number, values = self.values(6)
        return b"[" + self.count(number) + values

    def pairs(self) -> bytes:
        number = self.chance.randrange(5)
        return self.count(number) + b"".join(self.key() + self.value() for _pair in range(number))

    def key(self) -> bytes:
        if self.chance.random() < 0.9:
            return self.chance.choice((self.name, self.text, self.integer, self.single))()
        return self.value()

    def attributes(self) -> bytes:
        number = self.chance.randrange(4)
        return self.count(number) + b"".join(self.name() + self.value() for _pair in range(number))

    def mapping(self) -> bytes:
        if self.chance.random() < 0.7:
            return b"{" + self.pairs()
        return b"}" + self.pairs() + self.value()

    def instance(self) -> bytes:
        return self.chance.choice((b"o", b"S")) + self.name() + self.attributes()

    def wrapped(self) -> bytes:
        return self.chance.choice((b"C", b"e", b"U")) + self.name() + self.value()

    def user_defined(self) -> bytes:
        plain = b"u" + self.name() + self.data()
        return plain if self.chance.random() < 0.3 else b"I" + plain + self.attributes()

    def with_attributes(self) -> bytes:
        return b"I" + self.value() + self.attributes()


_LEAVES: list[t.Callable[[Maker], bytes]] = [
    *(Maker.single, Maker.integer, Maker.real, Maker.name, Maker.text, Maker.link)
]
_KINDS = [*_LEAVES, Maker.array, Maker.array, Maker.mapping, Maker.mapping, Maker.instance]
_KINDS += [Maker.wrapped, Maker.user_defined, Maker.with_attributes]

PUMPS: list[t.Callable[[int], bytes]] = [
    lambda n: b"[" + packed(n) + b"0" * n,
    lambda n: b"[" + packed(n) + b"[\0" * n,
    lambda n: b"[" + packed(n) + b"o:\x06A\0" * n,
    lambda n: b'["\x06a' + packed(n) + b"@\6" * n,
    lambda n: b"[" + packed(n) + b"".join(b":" + counted(b"%d" % i) for i in range(n)),
    lambda n: b"{" + packed(n) + b"".join(b"i" + packed(i) + b"0" for i in range(n)),
    lambda n: b"{" + packed(n) + b"".join(_bignum(i * (2**61 - 1)) + b"0" for i in range(n)),
    lambda n: b"{"
    + packed(n)
    + b"".join(b"f" + counted(b"%d" % (i << 70)) + b"0" for i in range(n)),
    lambda n: b"[\x06" * n,
    lambda n: b"[\x06" * (n // 20) + b"0",
    lambda n: b"e:\x06A" * n,
    lambda n: b"I" * n,
    lambda n: b":" + counted(b"\xff" * n),
    lambda n: b'I"' + counted(b"\xff" * n) + b"\x06:\x06ET",
    lambda n: b"f" + counted(b"1" * n),
    lambda n: b"l+" + packed(n // 2) + b"\xff" * n,
    lambda n: b'I"' + counted(b"\x82" * n) + b'\x06:\x0dencoding"\x0eShift_JIS',
]
"""Simple data of any size, to see what grows faster than its size."""


def _bignum(number: int) -> bytes:
    size = (number.bit_length() + 15) // 16
    return b"l+" + packed(size) + number.to_bytes(2 * size, "little")


def spans(data: bytes) -> list[tuple[int, int]]:
    """Return where the values begin and end, up to the first byte that cannot be read."""
    found: list[tuple[int, int]] = []

    class Recorder(Reader):
        def value(self) -> t.Any:
            start = self.position
            value = super().value()
            found.append((start, self.position))
            return value

    try:
        Recorder(data).load()
    except Exception:
        return found
    return found


def exchange_values(chance: random.Random, data: bytearray, corpus: t.Sequence[bytes]) -> None:
    """Replace a value by a value of another input or by a new one."""
    places = spans(bytes(data))
    if not places:
        return
    start, end = chance.choice(places)
    other = chance.choice(corpus)
    found = spans(other)
    if found and chance.random() < 0.6:
        first, last = chance.choice(found)
        data[start:end] = other[first:last]
    else:
        data[start:end] = Maker(chance).value()
