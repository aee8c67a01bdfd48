# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Marshal to plain data."""

from __future__ import annotations

import typing as t

from .. import exc
from . import base, ruby_objects
from .base import MAX_DEPTH, Symbol

HEADER = b"\x04\x08"
LEAF = 2
"""Levels that a value in the deepest container takes: an object with instance variables, and its own."""
MAX_NAME = 128
"""Characters of the name of a class or an instance variable. Links can repeat it, and each variable is a new text."""
IVAR, STRING, SYMBOL, LINK = b'I":;'
TRUNCATED = "no valid Marshal data: truncated"

_T = t.TypeVar("_T")


class Kept(dict[bytes, t.Any]):
    """Makes something of bytes. Of equal bytes it makes one object, as long as they are not too many."""

    def __init__(self, make: t.Callable[[bytes], t.Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, data: bytes) -> t.Any:
        if len(self) >= base.KEPT:
            self.clear()
        self[data] = made = self._make(data)
        return made


NAMES = Kept(lambda data: Symbol(ruby_objects.name_in(data, {})))


class Reader(base.Keys):
    """Reads one value from bytes that may come from an enemy.

    Time and memory are bounded by the payload's size: every count is backed by bytes that must be
    there, nesting is limited, nothing is instantiated, and what links share is measured at the end.

    :param old: Ruby 1.8 wrote the data, so a String without an encoding is text if it reads as UTF-8.
    """

    depth = 0
    left = base.MAX_VALUES
    encoded = False
    """True if any text has an encoding. Ruby 1.8 writes none."""
    doubtful = False
    """True if a String without an encoding reads as UTF-8 beyond ASCII, and none before it has one."""
    unsure = False
    """True if only the whole value tells if it is too large, because of links, long Symbols or depth."""
    written_out = 0
    """See :class:`.Serializer`. It is known once the value is loaded."""

    def __init__(self, data: bytes, *, old: bool = False) -> None:
        self.data = data
        self._old = old
        self.position = len(HEADER)
        self.symbols: list[Symbol] = []
        self.objects: list[t.Any] = []

    def load(self) -> t.Any:
        if self.data[: len(HEADER)] != HEADER:
            raise exc.DecodingError("no Marshal data of format 4.8")
        value = self.outermost()
        if self.unsure:
            self.written_out = base.check_size(value)
        return value

    def outermost(self) -> t.Any:
        """Read the value in which all others are."""
        return self.value()

    def value(self) -> t.Any:
        tag = self.data[self.position]
        self.position += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.check_depth()
        reader = _READERS.get(tag)
        if reader is None:
            raise exc.DecodingError(f"no valid Marshal data: unknown type {chr(tag)!r}")
        value = reader(self)
        self.depth -= 1
        return value

    def check_depth(self) -> None:
        self.unsure = True
        if self.depth > MAX_DEPTH + LEAF:
            raise exc.DecodingError(base.TOO_MUCH)

    def container(self, into: t.Any) -> t.Any:
        """Fill an empty list or dict. Ruby writes no key twice, but some keys are equal in Python."""
        self.objects.append(into)
        if isinstance(into, list):
            for _item in range(self.count(1)):
                into.append(self.value())
            return into
        for _pair in range(self.count(2)):
            key, value = self.checked(self.value()), self.value()
            into[base.OtherKey(key) if key in into else key] = value
        return into

    # -- parts ---------------------------------------------------------------------------------

    def byte(self) -> int:
        self.position += 1
        return self.data[self.position - 1]

    def packed(self) -> int:
        first = self.data[self.position]
        self.position += 1
        if 4 < first < 128:
            return first - 5
        if 127 < first < 252:
            return first - 251
        size = first if first < 128 else 256 - first
        number = int.from_bytes(self.take(size), "little")
        return number if first < 128 else number - 256**size

    def take(self, size: int) -> bytes:
        start, self.position = self.position, self.position + size
        if size < 0 or self.position > len(self.data):
            raise exc.DecodingError(TRUNCATED)
        return self.data[start : self.position]

    def counted(self) -> bytes:
        start, size = self.position + 1, self.data[self.position] - 5
        if not 0 < size < 123 or start + size > len(self.data):
            return self.take(self.packed())
        self.position = start + size
        return self.data[start : start + size]

    def count(self, each: int) -> int:
        """Return how many values, or pairs of them, come. Each takes a byte at least."""
        count = self.data[self.position] - 5
        if 0 < count < 123:
            self.position += 1
        else:
            count = self.packed()
        if not 0 <= count <= len(self.data) - self.position:
            raise exc.DecodingError(TRUNCATED)
        self.left -= count * each
        if self.left < 0:
            raise exc.DecodingError(base.TOO_MUCH)
        return count

    def linked(self, table: list[_T]) -> _T:
        """Follow a link to an object or a Symbol."""
        index = self.packed()
        if not 0 <= index < len(table):
            raise exc.DecodingError("no valid Marshal data: a link leads nowhere")
        return table[index]

    def remember(self, value: _T) -> _T:
        """Number an object, so that a link can lead to it."""
        self.objects.append(value)
        return value

    def name(self) -> Symbol:
        """Read a Symbol, where nothing else may stand."""
        tag = self.byte()
        encoded = tag == IVAR
        if tag == LINK:
            symbol = self.linked(self.symbols)
        elif (self.byte() if encoded else tag) == SYMBOL:
            symbol = self.symbol(encoded)
        else:
            raise exc.DecodingError("no valid Marshal data: a name is no Symbol")
        if len(symbol) > len(":") + MAX_NAME:
            raise exc.DecodingError(
                f"refused: a class or variable whose name has more than {MAX_NAME} characters"
            )
        return symbol

    def attributes(self) -> dict[str, t.Any]:
        """Read instance variables or struct members. Their names lose the @."""
        found = {}
        for _pair in range(self.count(1)):
            name = self.name().name
            bare = name.lstrip("@")
            found[name if bare in found else bare] = self.value()
        return found

    # -- types ---------------------------------------------------------------------------------

    def encoding(self, there: bool) -> dict[str, t.Any]:
        """Read the instance variables of a text, if they are there."""
        attributes = self.attributes() if there else {}
        self.encoded = self.encoded or not _ENCODINGS.isdisjoint(attributes)
        return attributes

    def symbol(self, encoded: bool = False) -> Symbol:
        data, index = self.counted(), len(self.symbols)
        usual = not encoded and len(data) <= base.LONGEST_NAME
        self.symbols.append(NAMES[data] if usual else Symbol(""))
        if not usual:
            self.unsure = True
            self.symbols[index] = Symbol(ruby_objects.name_in(data, self.encoding(encoded)))
        return self.symbols[index]

    def without_encoding(self, data: bytes) -> str | bytes:
        """Return a String that Ruby holds as binary, or that Ruby 1.8 wrote."""
        if data.isascii():
            return data.decode()
        if self.encoded:
            return data
        text = ruby_objects.text_in(data, {})
        if isinstance(text, bytes) or self._old:
            return text
        self.doubtful = True
        return data

    def encoded_string(self) -> str | bytes:
        data = self.counted()
        index = len(self.objects)
        self.remember(None)
        attributes = self.encoding(True)
        known = not _ENCODINGS.isdisjoint(attributes)
        value = ruby_objects.text_in(data, attributes) if known else self.without_encoding(data)
        self.objects[index] = value
        return value

    def regexp(self, encoded: bool = False) -> str:
        data, options = self.counted(), self.byte()
        if len(data) > ruby_objects.MAX_ESCAPED:
            raise exc.DecodingError(f"refused: a Regexp of {len(data)} bytes")
        index = len(self.objects)
        self.remember(None)
        text = ruby_objects.regexp(ruby_objects.name_in(data, self.encoding(encoded)), options)
        self.objects[index] = text
        return text

    def bignum(self) -> int:
        negative = self.byte() == ord("-")
        number = int.from_bytes(self.take(2 * self.packed()), "little")
        return self.remember(base.checked_integer(-number if negative else number))

    def link(self) -> t.Any:
        self.unsure = True
        return self.linked(self.objects)

    def with_attributes(self) -> t.Any:
        """Read a value that is followed by instance variables."""
        while self.data[self.position] in b"Ce":
            self.position += 1
            self.name()
        reader = _WITH_ATTRIBUTES.get(self.data[self.position])
        if reader is None:
            value = self.value()
            self.attributes()
            return value
        self.position += 1
        return reader(self)

    def wrapped(self) -> t.Any:
        """Read a subclass of String, Array or Hash, or an object extended with a module."""
        self.name()
        return self.value()

    def instance(self) -> dict[str, t.Any]:
        attributes: dict[str, t.Any] = self.remember({})
        self.name()
        attributes.update(self.attributes())
        return attributes

    def user_defined(self, with_attributes: bool = False) -> str | bytes:
        """Read an object that wrote itself as bytes. Ruby numbers it after its instance variables."""
        kind, data = self.name(), self.counted()
        attributes = self.attributes() if with_attributes else {}
        text = ruby_objects.time(data, attributes) if kind.name == "Time" else None
        if text is None and data.isascii():
            text = data.decode()
        return self.remember(data if text is None else text)

    def user_marshalled(self) -> t.Any:
        """Read an object that wrote itself as another value."""
        index = len(self.objects)
        self.remember(None)
        kind, value = self.name().name, self.value()
        if kind in ("Date", "DateTime") and isinstance(value, list):
            value = ruby_objects.date(value, kind == "DateTime") or value
        self.objects[index] = value
        return value


_ENCODINGS = frozenset(("E", "encoding"))
"""The instance variables that hold a text's encoding."""
_WITH_ATTRIBUTES: dict[int, t.Callable[[Reader], t.Any]] = {
    STRING: Reader.encoded_string,
    SYMBOL: lambda reader: reader.symbol(True),
    ord("/"): lambda reader: reader.regexp(True),
    ord("u"): lambda reader: reader.user_defined(True),
}
_TAGS: dict[bytes, t.Callable[[Reader], t.Any]] = {
    b"0": lambda _reader: None,
    b"T": lambda _reader: True,
    b"F": lambda _reader: False,
    b"i": Reader.packed,
    b"l": Reader.bignum,
    b'"': lambda reader: reader.remember(reader.without_encoding(reader.counted())),
    b"f": lambda reader: reader.remember(ruby_objects.real(reader.counted())),
    b":": Reader.symbol,
    b";": lambda reader: reader.linked(reader.symbols),
    b"@": Reader.link,
    b"I": Reader.with_attributes,
    b"[": lambda reader: reader.container([]),
    b"{": lambda reader: reader.container({}),
    b"}": lambda reader: (reader.container({}), reader.value())[0],  # followed by its default
    b"/": Reader.regexp,
    b"cmM": lambda reader: reader.remember(ruby_objects.name_in(reader.counted(), {})),
    b"Ce": Reader.wrapped,
    b"oS": Reader.instance,
    b"u": Reader.user_defined,
    b"U": Reader.user_marshalled,
}
_READERS = {tag: reader for tags, reader in _TAGS.items() for tag in tags}
