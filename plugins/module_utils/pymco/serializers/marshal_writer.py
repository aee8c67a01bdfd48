# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Plain data to Marshal."""

from __future__ import annotations

import typing as t

from .. import exc
from .base import OtherKey, Regexp, Symbol

HEADER = b"\x04\x08"
FIXNUM_MAX = 2**30
"""Integers from here on are written as bignums, as Ruby does on every platform."""


class Writer:
    """Writes one value. No object is ever written as a link: nothing is shared."""

    def __init__(self) -> None:
        self.symbols: dict[str, int] = {}

    def dump(self, value: t.Any) -> bytes:
        return HEADER + self.value(value)

    def value(self, value: t.Any) -> bytes:
        if value is None:
            return b"0"
        if value is True:
            return b"T"
        if value is False:
            return b"F"
        writer = self._writer(value)
        if writer is None:
            raise exc.SerializationError(f"a {type(value).__name__} has no form in Marshal")
        return writer(self, value)

    def _writer(self, value: t.Any) -> t.Callable[[Writer, t.Any], bytes] | None:
        for kind, writer in _WRITERS:
            if isinstance(value, kind):
                return writer
        return None

    def integer(self, number: int) -> bytes:
        if -FIXNUM_MAX <= number < FIXNUM_MAX:
            return b"i" + _packed(number)
        size = (abs(number).bit_length() + 15) // 16
        sign = b"-" if number < 0 else b"+"
        return b"l" + sign + _packed(size) + abs(number).to_bytes(2 * size, "little")

    def real(self, number: float) -> bytes:
        text = repr(number)
        if text.endswith(".0"):
            text = text[:-2]
        return b"f" + _counted(text.encode("ascii"))

    def symbol(self, symbol: Symbol) -> bytes:
        index = self.symbols.get(symbol)
        if index is not None:
            return b";" + _packed(index)
        self.symbols[symbol] = len(self.symbols)
        name = _utf8(symbol.name)
        if name.isascii():
            return b":" + _counted(name)
        return b"I:" + _counted(name) + self._utf8_mark()

    def text(self, text: str) -> bytes:
        return b'I"' + _counted(_utf8(text)) + self._utf8_mark()

    def _utf8_mark(self) -> bytes:
        """The one instance variable that says "this is UTF-8"."""
        return _packed(1) + self.symbol(_ENCODING_MARK) + b"T"

    def regexp(self, regexp: Regexp) -> bytes:
        source = _utf8(regexp)
        if source.isascii():
            mark = _packed(1) + self.symbol(_ENCODING_MARK) + b"F"
            return b"I/" + _counted(source) + b"\0" + mark
        return b"I/" + _counted(source) + bytes([_FIXED_ENCODING]) + self._utf8_mark()

    def binary(self, data: bytes) -> bytes:
        return b'"' + _counted(data)

    def array(self, items: list[t.Any] | tuple[t.Any, ...]) -> bytes:
        return b"[" + _packed(len(items)) + b"".join(self.value(item) for item in items)

    def mapping(self, mapping: t.Mapping[t.Any, t.Any]) -> bytes:
        parts = [self.value(part) for pair in mapping.items() for part in pair]
        return b"{" + _packed(len(mapping)) + b"".join(parts)


_ENCODING_MARK = Symbol("E")
_FIXED_ENCODING = 16
"""The option that Ruby gives a Regexp which is not ASCII."""

_WRITERS: tuple[tuple[t.Any, t.Callable[[Writer, t.Any], bytes]], ...] = (
    (Symbol, Writer.symbol),
    (Regexp, Writer.regexp),
    (str, Writer.text),
    (int, Writer.integer),
    (float, Writer.real),
    (bytes, Writer.binary),
    (dict, Writer.mapping),
    ((list, tuple), Writer.array),
    (OtherKey, lambda writer, key: writer.value(key.value)),
)


def _packed(number: int) -> bytes:
    """Marshal's variable-length integer, for -2**30 <= number < 2**31."""
    if number == 0:
        return b"\0"
    if 0 < number < 123:
        return bytes([number + 5])
    if -124 < number < 0:
        return bytes([(number - 5) & 0xFF])
    size = next(size for size in range(1, 5) if -(1 << 8 * size) <= number < 1 << 8 * size)
    length = size if number > 0 else 256 - size
    return bytes([length]) + (number % (1 << 8 * size)).to_bytes(size, "little")


def _counted(data: bytes) -> bytes:
    return _packed(len(data)) + data


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise exc.SerializationError(f"cannot be written as UTF-8: {text!r}") from error
