# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes inputs without knowing what the bytes mean. It knows only a list of the format's words."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    import random

Change = t.Callable[["random.Random", bytearray, t.Sequence[bytes]], None]
NUMBERS = [b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"18446744073709551616", b"9" * 5000]
ODD_BYTES = b"\x00\x01\x04\x05\x06\x7a\x7b\x7f\x80\x85\xc2\xfa\xfb\xfc\xfe\xff\n\r\t :"


class Mutator:
    """Changes inputs of one format.

    :param words: bytes that mean something in the format.
    :param changes: more kinds of change, which do know the format.
    """

    def __init__(self, words: t.Sequence[bytes], changes: t.Sequence[Change] = ()) -> None:
        self._words = words
        # What knows the format is as likely as all that does not.
        plain = [_flip, _set, _cut, _repeat, _shuffle, self._insert, self._replace, _splice]
        self._changes: list[Change] = [*plain, *list(changes) * max(1, len(plain) // 2)]

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """One of the inputs, changed once or a few times."""
        changed = bytearray(chance.choice(corpus))
        for _change in range(chance.choice((1, 1, 1, 2, 3, 6))):
            chance.choice(self._changes)(chance, changed, corpus)
        return bytes(changed)

    def _insert(self, chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
        place = chance.randrange(len(data) + 1)
        data[place:place] = chance.choice(self._words)

    def _replace(self, chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
        start, end = _range(chance, data)
        data[start:end] = chance.choice(self._words)


def _range(chance: random.Random, data: bytearray) -> tuple[int, int]:
    """A short stretch, mostly."""
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((1, 1, 2, 4, 8, 40, 400)))


def _flip(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.choice((chance.randrange(256), *ODD_BYTES))


def _cut(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    start, end = _range(chance, data)
    if chance.random() < 0.1:
        end = len(data)
    del data[start:end]


def _repeat(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    start, end = _range(chance, data)
    data[start:end] = data[start:end] * chance.choice((2, 2, 3, 10, 130, 1000))
    del data[2**16 :]


def _shuffle(chance: random.Random, data: bytearray, _corpus: t.Sequence[bytes]) -> None:
    """Move a stretch to another place."""
    start, end = _range(chance, data)
    moved = data[start:end]
    del data[start:end]
    place = chance.randrange(len(data) + 1)
    data[place:place] = moved


def _splice(chance: random.Random, data: bytearray, corpus: t.Sequence[bytes]) -> None:
    """Put a stretch of another input in."""
    other = bytearray(chance.choice(corpus))
    start, end = _range(chance, other)
    place, until = _range(chance, data)
    data[place : chance.choice((place, until))] = other[start:end]
