# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's Marshal format 4.8, the default on MCollective's wire.

This is our own code because rubymarshal (1.2.10), the library for it, fails where a client must not. It
writes integers from 2**32 on so that Ruby reads other numbers. It writes wrong links when a list is there
twice. It knows no subclasses of Hash and String and no Structs, and garbles Strings that are not in their
encoding. On hostile input it compiles regexps, creates classes and takes quadratic time.

Ruby's documentation describes the format (doc/marshal.rdoc).
"""

from __future__ import annotations

import typing as t

from .. import exc
from .base import OtherKey, Regexp, Serializer, Symbol
from .marshal_reader import HEADER, Reader
from .quick_marshal import KeysCollide, QuickReader

FIXNUM_MAX = 2**30
"""Integers from here on are written as bignums, as Ruby does on every platform."""
FIXED_ENCODING = 16
"""The option that Ruby gives a Regexp which is not ASCII."""
_E = Symbol("E")


class MarshalSerializer(Serializer):
    """``securityprovider = psk``, and ``ssl`` by default."""

    def serialize(self, msg: t.Any) -> bytes:
        """See :meth:`.Serializer.serialize`."""
        try:
            return HEADER + Writer().value(msg)
        except RecursionError as error:
            raise exc.SerializationError("cannot be written: it is nested too deeply") from error

    def deserialize(self, msg: bytes) -> t.Any:
        """See :meth:`.Serializer.deserialize`."""
        try:
            reader, value = _read(msg)
            if reader.doubtful and not reader.encoded:
                del value
                reader = Reader(msg, old=True)
                value = reader.load()
            self.written_out = reader.written_out
            return value
        except (ArithmeticError, IndexError, ValueError, RecursionError) as error:
            raise exc.DecodingError(f"no valid Marshal data: {error}") from error

    def embed(self, serialized: bytes) -> bytes:
        """Marshal data travel inside Marshal data as a binary String."""
        return serialized


def _read(payload: bytes) -> tuple[Reader, t.Any]:
    """Return a value and its reader."""
    reader: Reader = QuickReader(payload)
    try:
        return reader, reader.load()
    except KeysCollide:
        reader = Reader(payload)
        return reader, reader.load()


class Writer:
    """Writes one value. No object is ever written as a link: nothing is shared."""

    def __init__(self) -> None:
        self.symbols: dict[str, int] = {}

    def value(self, value: t.Any) -> bytes:
        for kind, writer in _WRITERS:
            if isinstance(value, kind):
                return writer(self, value)
        raise exc.SerializationError(f"a {type(value).__name__} has no form in Marshal")

    def symbol(self, symbol: Symbol) -> bytes:
        index = self.symbols.get(symbol)
        if index is not None:
            return b";" + _packed(index)
        self.symbols[symbol] = len(self.symbols)
        name = _utf8(symbol.name)
        if name.isascii():
            return b":" + _counted(name)
        return b"I:" + _counted(name) + self.encoding(b"T")

    def text(self, text: str) -> bytes:
        return b'I"' + _counted(_utf8(text)) + self.encoding(b"T")

    def regexp(self, regexp: Regexp) -> bytes:
        source = _utf8(regexp)
        if source.isascii():
            return b"I/" + _counted(source) + b"\0" + self.encoding(b"F")
        return b"I/" + _counted(source) + bytes([FIXED_ENCODING]) + self.encoding(b"T")

    def encoding(self, mark: bytes) -> bytes:
        """The one instance variable that tells UTF-8 (T) or ASCII (F)."""
        return _packed(1) + self.symbol(_E) + mark

    def array(self, items: list[t.Any] | tuple[t.Any, ...]) -> bytes:
        return b"[" + _packed(len(items)) + b"".join(map(self.value, items))

    def mapping(self, mapping: t.Mapping[t.Any, t.Any]) -> bytes:
        parts = [self.value(part) for pair in mapping.items() for part in pair]
        return b"{" + _packed(len(mapping)) + b"".join(parts)


def _integer(number: int) -> bytes:
    if -FIXNUM_MAX <= number < FIXNUM_MAX:
        return b"i" + _packed(number)
    size = (abs(number).bit_length() + 15) // 16
    sign = b"-" if number < 0 else b"+"
    return b"l" + sign + _packed(size) + abs(number).to_bytes(2 * size, "little")


_WRITERS: tuple[tuple[t.Any, t.Callable[[Writer, t.Any], bytes]], ...] = (
    (type(None), lambda _writer, _nil: b"0"),
    (bool, lambda _writer, value: b"T" if value else b"F"),
    (Symbol, Writer.symbol),
    (Regexp, Writer.regexp),
    (str, Writer.text),
    (int, lambda _writer, number: _integer(number)),
    (float, lambda _writer, number: b"f" + _counted(repr(number).removesuffix(".0").encode())),
    (bytes, lambda _writer, data: b'"' + _counted(data)),
    (dict, Writer.mapping),
    ((list, tuple), Writer.array),
    (OtherKey, lambda writer, key: writer.value(key.value)),
)
"""The first that fits counts: a bool is an int, and a Symbol a str."""


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
