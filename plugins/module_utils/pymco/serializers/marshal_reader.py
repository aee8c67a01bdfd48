# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Marshal to plain data."""

from __future__ import annotations

import typing as t

from .. import exc
from . import ruby_objects
from .base import MAX_DEPTH, MAX_VALUES, Keys, OtherKey, Symbol, check_size, checked_integer
from .marshal_writer import HEADER

LEAF = 2
"""Steps that a value in the deepest container takes: an object with instance variables, and its own."""


class Reader:
    """Reads one value from bytes that may come from an enemy.

    Time and memory are bounded by the payload's size: every count is backed by bytes that must be
    there, nesting is limited, nothing is instantiated, and what links share is measured at the end.
    """

    def __init__(self, data: bytes, old: bool = False) -> None:
        """
        :param old: whether Ruby 1.8 wrote it, so that a String without an encoding that reads as UTF-8 is text.
        """
        self.data = data
        self._old = old
        self.position = len(HEADER)
        self.depth = 0
        self.left = MAX_VALUES
        self.symbols: list[Symbol] = []
        self.objects: list[t.Any] = []
        self.keys = Keys()
        self.encoded = False
        """Whether any text has an encoding, which Ruby 1.8 never writes."""
        self.doubtful = False
        """Whether there is a String without an encoding that reads as UTF-8 beyond ASCII."""
        self.unsure = False
        """Whether only the whole value tells if it is too large, for links or for depth."""

    def load(self) -> t.Any:
        if self.data[: len(HEADER)] != HEADER:
            raise exc.DecodingError("no Marshal data of format 4.8")
        value = self.value()
        if self.unsure:
            check_size(value)
        return value

    def value(self) -> t.Any:
        tag = self.data[self.position]
        self.position += 1
        self.depth += 1
        self.left -= 1
        if self.depth > MAX_DEPTH:
            self.unsure = True
        if self.depth > MAX_DEPTH + LEAF or self.left < 0:
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

    def reserve(self) -> int:
        """Number an object that is not known before what belongs to it."""
        self.objects.append(None)
        return len(self.objects) - 1

    def name(self) -> Symbol:
        """A Symbol, where nothing else may stand."""
        encoded = self.data[self.position] == ord("I")
        self.position += encoded
        tag = self.byte()
        if tag == ord(":"):
            return self.encoded_symbol() if encoded else self.symbol()
        if tag == ord(";") and not encoded:
            return self.symbol_link()
        raise exc.DecodingError("no valid Marshal data: a name is no Symbol")

    def pairs(self, into: dict[t.Any, t.Any]) -> None:
        for _pair in range(self.count()):
            key = self.keys.checked(self.value())
            value, size = self.value(), len(into)
            into.setdefault(key, value)
            if len(into) == size:  # Ruby writes no key twice.
                into[OtherKey(key)] = value

    def attributes(self) -> dict[str, t.Any]:
        """Instance variables or struct members, by name, without the @."""
        found = {}
        for _pair in range(self.count()):
            name = self.name().name
            bare = name.lstrip("@")
            found[name if bare in found else bare] = self.value()
        return found

    # -- types ---------------------------------------------------------------------------------

    def integer(self) -> int:
        return self.packed()

    def bignum(self) -> int:
        negative = self.byte() == ord("-")
        number = checked_integer(int.from_bytes(self.take(2 * self.packed()), "little"))
        return t.cast(int, self.remember(-number if negative else number))

    def real(self) -> float:
        return t.cast(float, self.remember(ruby_objects.real(self.counted())))

    def symbol(self) -> Symbol:
        symbol = Symbol(ruby_objects.name_in(self.counted(), {}))
        self.symbols.append(symbol)
        return symbol

    def encoded_symbol(self) -> Symbol:
        data = self.counted()
        index = len(self.symbols)
        self.symbols.append(Symbol(""))
        symbol = Symbol(ruby_objects.name_in(data, self._encoding()))
        self.symbols[index] = symbol
        return symbol

    def symbol_link(self) -> Symbol:
        return self.symbols[self._index(self.symbols)]

    def link(self) -> t.Any:
        self.unsure = True
        return self.objects[self._index(self.objects)]

    def _index(self, table: list[t.Any]) -> int:
        index = self.packed()
        if not 0 <= index < len(table):
            raise exc.DecodingError("no valid Marshal data: a link leads nowhere")
        return index

    def binary(self) -> str | bytes:
        return t.cast("str | bytes", self.remember(self._without_encoding(self.counted())))

    def _without_encoding(self, data: bytes) -> str | bytes:
        """A String that Ruby holds as binary, or that Ruby 1.8 wrote."""
        if data.isascii():
            return data.decode()
        text = ruby_objects.text_in(data, {})
        if isinstance(text, bytes) or self._old:
            return text
        self.doubtful = True
        return data

    def _encoding(self) -> dict[str, t.Any]:
        """The instance variables of a text."""
        attributes = self.attributes()
        self.encoded = self.encoded or not _ENCODINGS.isdisjoint(attributes)
        return attributes

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
        index = self.reserve()
        attributes = self._encoding()
        known = not _ENCODINGS.isdisjoint(attributes)
        value = ruby_objects.text_in(data, attributes) if known else self._without_encoding(data)
        self.objects[index] = value
        return value

    def regexp(self) -> str:
        name = ruby_objects.name_in(self.counted(), {})
        return t.cast(str, self.remember(ruby_objects.regexp(name, self.byte())))

    def encoded_regexp(self) -> str:
        data, options = self.counted(), self.byte()
        index = self.reserve()
        name = ruby_objects.name_in(data, self._encoding())
        text = self.objects[index] = ruby_objects.regexp(name, options)
        return text

    def class_name(self) -> str:
        return t.cast(str, self.remember(ruby_objects.name_in(self.counted(), {})))

    def wrapped(self) -> t.Any:
        """A subclass of String, Array or Hash, or an object extended with a module."""
        self.name()
        return self.value()

    def instance(self) -> dict[str, t.Any]:
        attributes: dict[str, t.Any] = self.remember({})
        self.name()
        attributes.update(self.attributes())
        return attributes

    def user_defined(self) -> str | bytes:
        """An object that wrote itself as bytes."""
        return t.cast("str | bytes", self.remember(self._own_bytes(False)))

    def user_defined_with_attributes(self) -> str | bytes:
        """The same; Ruby numbers the object after its instance variables."""
        return t.cast("str | bytes", self.remember(self._own_bytes(True)))

    def _own_bytes(self, with_attributes: bool) -> str | bytes:
        kind = self.name()
        data = self.counted()
        attributes = self.attributes() if with_attributes else {}
        text = ruby_objects.time(data, attributes) if kind.name == "Time" else None
        if text is not None:
            return text
        return data.decode() if data.isascii() else data

    def user_marshalled(self) -> t.Any:
        """An object that wrote itself as another value."""
        index = self.reserve()
        kind = self.name().name
        value = self.value()
        if kind in ("Date", "DateTime") and isinstance(value, list):
            value = ruby_objects.date(value, kind == "DateTime") or value
        self.objects[index] = value
        return value


_WRAPPERS = b"Ce"
_ENCODINGS = frozenset(("E", "encoding"))
"""The instance variables that hold a text's encoding."""
_WITH_ATTRIBUTES: dict[int, t.Callable[[Reader], t.Any]] = {
    ord('"'): Reader.encoded_string,
    ord("/"): Reader.encoded_regexp,
    ord(":"): Reader.encoded_symbol,
    ord("u"): Reader.user_defined_with_attributes,
}


def _nil(_reader: Reader) -> None:
    return None


def _true(_reader: Reader) -> bool:
    return True


def _false(_reader: Reader) -> bool:
    return False


_READERS: dict[int, t.Callable[[Reader], t.Any]] = {
    ord(tag): reader
    for tag, reader in {
        "0": _nil,
        "T": _true,
        "F": _false,
        "i": Reader.integer,
        "l": Reader.bignum,
        "f": Reader.real,
        ":": Reader.symbol,
        ";": Reader.symbol_link,
        "@": Reader.link,
        '"': Reader.binary,
        "I": Reader.with_attributes,
        "[": Reader.array,
        "{": Reader.mapping,
        "}": Reader.mapping_with_default,
        "/": Reader.regexp,
        "c": Reader.class_name,
        "m": Reader.class_name,
        "M": Reader.class_name,
        "C": Reader.wrapped,
        "e": Reader.wrapped,
        "o": Reader.instance,
        "S": Reader.instance,
        "u": Reader.user_defined,
        "U": Reader.user_marshalled,
    }.items()
}
