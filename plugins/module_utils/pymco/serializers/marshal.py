# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's Marshal format 4.8, the default on MCollective's wire.

Own code, since rubymarshal (1.2.10), the library for it, fails where a client must not: it writes
integers from 2**32 on so that Ruby reads other numbers, writes wrong links when a list is there
twice, knows neither subclasses of Hash and String nor Structs, garbles Strings that are not in
their encoding, and, on hostile input, compiles regexps, creates classes and takes quadratic time.

The format is described in Ruby's own documentation (doc/marshal.rdoc).
"""

from __future__ import annotations

import re
import typing as t

from .. import exc
from .base import MAX_DEPTH, MAX_VALUES, Serializer, Symbol, check_size, checked_key

HEADER = b"\x04\x08"
FIXNUM_MAX = 2**30
"""Integers from here on are written as bignums, as Ruby does on every platform."""
MAX_BIGNUM_BYTES = 1024
"""Larger integers are refused: Python cannot print them, and no agent needs them."""


class MarshalSerializer(Serializer):
    """``securityprovider = psk``, and ``ssl`` by default."""

    def serialize(self, value: t.Any) -> bytes:
        """See :meth:`.Serializer.serialize`."""
        try:
            return _Writer().dump(value)
        except RecursionError as error:
            raise exc.SerializationError("cannot be written: it is nested too deeply") from error

    def deserialize(self, payload: bytes) -> t.Any:
        """See :meth:`.Serializer.deserialize`."""
        try:
            return _Reader(payload).load()
        except (IndexError, ValueError, RecursionError) as error:
            raise exc.DecodingError(f"no valid Marshal data: {error}") from error

    def embed(self, serialized: bytes) -> bytes:
        """Marshal data travel inside Marshal data as a binary String."""
        return serialized


class _Writer:
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

    def _writer(self, value: t.Any) -> t.Callable[[_Writer, t.Any], bytes] | None:
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

    def binary(self, data: bytes) -> bytes:
        return b'"' + _counted(data)

    def array(self, items: list[t.Any] | tuple[t.Any, ...]) -> bytes:
        return b"[" + _packed(len(items)) + b"".join(self.value(item) for item in items)

    def mapping(self, mapping: t.Mapping[t.Any, t.Any]) -> bytes:
        parts = [self.value(part) for pair in mapping.items() for part in pair]
        return b"{" + _packed(len(mapping)) + b"".join(parts)


_ENCODING_MARK = Symbol("E")

_WRITERS: tuple[tuple[t.Any, t.Callable[[_Writer, t.Any], bytes]], ...] = (
    (Symbol, _Writer.symbol),
    (str, _Writer.text),
    (int, _Writer.integer),
    (float, _Writer.real),
    (bytes, _Writer.binary),
    (dict, _Writer.mapping),
    ((list, tuple), _Writer.array),
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


class _Reader:
    """Reads one value from bytes that may come from an enemy.

    Time and memory are bounded by the payload's size: every count is backed by bytes that must be
    there, nesting is limited, nothing is instantiated, and what links share is measured at the end.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = len(HEADER)
        self.depth = 0
        self.left = MAX_VALUES
        self.symbols: list[Symbol] = []
        self.objects: list[t.Any] = []
        self.linked = False

    def load(self) -> t.Any:
        if self.data[: len(HEADER)] != HEADER:
            raise exc.DecodingError("no Marshal data of format 4.8")
        value = self.value()
        if self.linked:
            check_size(value)
        return value

    def value(self) -> t.Any:
        tag = self.data[self.position]
        self.position += 1
        self.depth += 1
        self.left -= 1
        if self.depth > MAX_DEPTH or self.left < 0:
            raise exc.DecodingError(
                f"refused: it has more than {MAX_VALUES} values, or deeper than {MAX_DEPTH} levels"
            )
        reader = _READERS.get(tag)
        if reader is None:
            raise exc.DecodingError(f"no valid Marshal data: unknown type {chr(tag)!r}")
        value = reader(self)
        self.depth -= 1
        return value

    # -- parts ---------------------------------------------------------------------------------

    def byte(self) -> int:
        self.position += 1
        return self.data[self.position - 1]

    def packed(self) -> int:
        first = self.byte()
        if first == 0:
            return 0
        number = first - 256 if first > 127 else first
        if number > 4:
            return number - 5
        if number < -4:
            return number + 5
        size = abs(number)
        value = int.from_bytes(self.take(size), "little")
        return value if number > 0 else value - 256**size

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > len(self.data):
            raise exc.DecodingError("no valid Marshal data: truncated")
        return self.data[start : self.position]

    def counted(self) -> bytes:
        return self.take(self.packed())

    def count(self) -> int:
        """A number of values to come; each takes a byte at least."""
        count = self.packed()
        if not 0 <= count <= len(self.data) - self.position:
            raise exc.DecodingError("no valid Marshal data: truncated")
        return count

    def remember(self, value: t.Any) -> t.Any:
        self.objects.append(value)
        return value

    def name(self) -> Symbol:
        """A Symbol, where nothing else may stand; its encoding, if it is told, is UTF-8."""
        encoded = self.data[self.position] == ord("I")
        self.position += encoded
        tag = self.byte()
        if tag not in b":;":
            raise exc.DecodingError("no valid Marshal data: a name is no Symbol")
        symbol = self.symbol() if tag == ord(":") else self.symbol_link()
        if encoded:
            self.attributes()
        return symbol

    def pairs(self, into: dict[t.Any, t.Any]) -> None:
        for _pair in range(self.count()):
            key = checked_key(self.value())
            into[key] = self.value()

    def attributes(self) -> dict[str, t.Any]:
        """Instance variables or struct members, by name, without the @."""
        found = {}
        for _pair in range(self.count()):
            name = self.name().name.lstrip("@")
            found[name] = self.value()
        return found

    # -- types ---------------------------------------------------------------------------------

    def integer(self) -> int:
        return self.packed()

    def bignum(self) -> int:
        negative = self.byte() == ord("-")
        size = 2 * self.packed()
        if size > MAX_BIGNUM_BYTES:
            raise exc.DecodingError(f"refused: an integer of {size} bytes")
        number = int.from_bytes(self.take(size), "little")
        return t.cast(int, self.remember(-number if negative else number))

    def real(self) -> float:
        return t.cast(float, self.remember(float(self.counted().split(b"\0")[0])))

    def symbol(self) -> Symbol:
        symbol = Symbol(self.counted().decode("utf-8", "backslashreplace"))
        self.symbols.append(symbol)
        return symbol

    def symbol_link(self) -> Symbol:
        return self.symbols[self._index(self.symbols)]

    def link(self) -> t.Any:
        self.linked = True
        return self.objects[self._index(self.objects)]

    def _index(self, table: list[t.Any]) -> int:
        index = self.packed()
        if not 0 <= index < len(table):
            raise exc.DecodingError("no valid Marshal data: a link leads nowhere")
        return index

    def binary(self) -> str | bytes:
        data = self.counted()
        return t.cast("str | bytes", self.remember(data.decode() if data.isascii() else data))

    def array(self) -> list[t.Any]:
        items: list[t.Any] = self.remember([])
        items.extend(self.value() for _item in range(self.count()))
        return items

    def mapping(self) -> dict[t.Any, t.Any]:
        mapping: dict[t.Any, t.Any] = self.remember({})
        self.pairs(mapping)
        return mapping

    def mapping_with_default(self) -> dict[t.Any, t.Any]:
        mapping = self.mapping()
        self.value()
        return mapping

    def with_attributes(self) -> t.Any:
        """A value followed by instance variables: a String's encoding, mostly."""
        while self.data[self.position] in _WRAPPERS:
            self.position += 1
            self.name()
        reader = _WITH_ATTRIBUTES.get(self.data[self.position])
        if reader is not None:
            self.position += 1
            value = reader(self)
        else:
            value = self.value()
            self.attributes()
        return value

    def encoded_string(self) -> str | bytes:
        data = self.counted()
        index = len(self.objects)
        self.objects.append(data)
        value = _decoded(data, self.attributes())
        self.objects[index] = value
        return value

    def regexp(self) -> str:
        """A regexp as the text that a Ruby programmer writes; it is never compiled."""
        source = self.counted().decode("utf-8", "backslashreplace")
        options = self.byte()
        flags = "".join(flag for bit, flag in ((4, "m"), (1, "i"), (2, "x")) if options & bit)
        return t.cast(str, self.remember(f"/{source}/{flags}"))

    def class_name(self) -> str:
        return t.cast(str, self.remember(self.counted().decode("utf-8", "backslashreplace")))

    def wrapped(self) -> t.Any:
        """A subclass of String, Array or Hash, or an object extended with a module."""
        self.name()
        return self.value()

    def instance(self) -> dict[str, t.Any]:
        attributes: dict[str, t.Any] = self.remember({})
        self.name()
        attributes.update(self.attributes())
        return attributes

    def user_defined(self) -> bytes:
        """An object that wrote itself as bytes, such as a Time."""
        self.name()
        return t.cast(bytes, self.remember(self.counted()))

    def user_defined_with_attributes(self) -> bytes:
        """The same; Ruby numbers the object after its instance variables."""
        self.name()
        data = self.counted()
        self.attributes()
        return t.cast(bytes, self.remember(data))

    def user_marshalled(self) -> t.Any:
        """An object that wrote itself as another value."""
        index = len(self.objects)
        self.objects.append(None)
        self.name()
        value = self.value()
        self.objects[index] = value
        return value


def _decoded(data: bytes, attributes: dict[str, t.Any]) -> str | bytes:
    """A String's text in the encoding that its attributes tell, or its bytes if it is none."""
    encoding = attributes.get("encoding", "utf-8")
    if not isinstance(encoding, str) or not _CHARACTER_SETS.fullmatch(encoding):
        return data
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return data


_CHARACTER_SETS = re.compile(
    r"utf-(8|16|32)([lb]e)?|iso-8859-\d+|windows-\d+|shift_jis|euc-(jp|kr)|gbk|gb18030|big5|koi8-r",
    re.IGNORECASE,
)
"""Python also knows codecs that are no character sets, some of them slow on purpose-made input."""


_WRAPPERS = b"Ce"
_WITH_ATTRIBUTES: dict[int, t.Callable[[_Reader], t.Any]] = {
    ord('"'): _Reader.encoded_string,
    ord("u"): _Reader.user_defined_with_attributes,
}


def _nil(_reader: _Reader) -> None:
    return None


def _true(_reader: _Reader) -> bool:
    return True


def _false(_reader: _Reader) -> bool:
    return False


_READERS: dict[int, t.Callable[[_Reader], t.Any]] = {
    ord(tag): reader
    for tag, reader in {
        "0": _nil,
        "T": _true,
        "F": _false,
        "i": _Reader.integer,
        "l": _Reader.bignum,
        "f": _Reader.real,
        ":": _Reader.symbol,
        ";": _Reader.symbol_link,
        "@": _Reader.link,
        '"': _Reader.binary,
        "I": _Reader.with_attributes,
        "[": _Reader.array,
        "{": _Reader.mapping,
        "}": _Reader.mapping_with_default,
        "/": _Reader.regexp,
        "c": _Reader.class_name,
        "m": _Reader.class_name,
        "M": _Reader.class_name,
        "C": _Reader.wrapped,
        "e": _Reader.wrapped,
        "o": _Reader.instance,
        "S": _Reader.instance,
        "u": _Reader.user_defined,
        "U": _Reader.user_marshalled,
    }.items()
}
