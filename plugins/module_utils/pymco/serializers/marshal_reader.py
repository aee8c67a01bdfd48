# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Marshal to plain data."""

from __future__ import annotations

import functools
import typing as t

from .. import exc
from . import ruby_objects
from .base import (
    KEPT,
    LONGEST_NAME,
    MAX_DEPTH,
    MAX_VALUES,
    SHORT,
    Keys,
    OtherKey,
    Symbol,
    check_size,
    checked_integer,
)
from .marshal_writer import HEADER

LEAF = 2
"""Levels that a value in the deepest container takes: an object with instance variables, and its own."""
KEY, VALUE = LONGEST_NAME, SHORT
"""Up to how many bytes the same texts become the same object."""
IVAR, STRING, SYMBOL, LINK, HASH, ARRAY = b'I":;{['
FIRST_UTF8 = b"\x06:\x06ET"
"""What stands behind the first String in UTF-8: one instance variable, the Symbol E, is true."""

_T = t.TypeVar("_T")


@functools.lru_cache(KEPT)
def _symbol(name: bytes) -> Symbol:
    return Symbol(name.decode())


_text = functools.lru_cache(KEPT)(bytes.decode)


class Reader:
    """Reads one value from bytes that may come from an enemy.

    Time and memory are bounded by the payload's size: every count is backed by bytes that must be
    there, nesting is limited, nothing is instantiated, and what links share is measured at the end.
    """

    def __init__(self, data: bytes, *, old: bool = False) -> None:
        """
        :param old: Ruby 1.8 wrote the data: a String without an encoding is text if it reads as UTF-8.
        """
        self.data = data
        self._old = old
        self.symbols: list[Symbol] = []
        self.objects: list[t.Any] = []
        self.keys = Keys()

    position = len(HEADER)
    depth = 0
    left = MAX_VALUES
    utf8: bytes | None = None
    """What stands behind further Strings in UTF-8, which link to the Symbol E."""
    encoded = False
    """True if any text has an encoding, which Ruby 1.8 never writes."""
    doubtful = False
    """True if there is a String without an encoding that reads as UTF-8 beyond ASCII."""
    unsure = False
    """True if only the whole value tells if it is too large, because of links or depth."""

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
        self.deeper()
        reader = _READERS.get(tag)
        if reader is None:
            raise exc.DecodingError(f"no valid Marshal data: unknown type {chr(tag)!r}")
        value = reader(self)
        self.depth -= 1
        return value

    def container(self, into: t.Any) -> t.Any:
        """Read what is in an Array or a Hash, and in the Arrays and Hashes in it.

        Short Strings in UTF-8, links to Symbols, Arrays and Hashes are nearly all of most replies.
        They are read here, since a call for each of them would take most of the time.

        :param into: an empty list or dict; it is filled.
        """
        data, symbols, objects = self.data, self.symbols, self.objects
        values, limits = self.opened(into)
        outer: list[tuple[t.Any, list[t.Any], t.Iterator[int]]] = []
        position, utf8 = self.position, self.utf8
        while True:
            for limit in limits:
                tag = data[position]
                if tag == IVAR and data[position + 1] == STRING:
                    size = data[position + 2] - 5
                    start, end = position + 3, position + 3 + size
                    if 0 <= size < 123 and data[end : end + 4] == utf8:
                        raw = data[start:end]
                        try:
                            value = _text(raw) if size <= limit else raw.decode()
                        except UnicodeDecodeError:
                            value = raw
                        objects.append(value)
                        values.append(value)
                        position = end + 4
                        continue
                    self.position = position + 2
                    value = self.encoded_string()
                elif tag == LINK and 5 < data[position + 1] < 128:
                    values.append(symbols[data[position + 1] - 5])
                    position += 2
                    continue
                elif tag == SYMBOL:
                    self.position = position + 1
                    value = self.symbol()
                elif (tag == HASH or tag == ARRAY) and limit == VALUE:
                    outer.append((into, values, limits))
                    into = {} if tag == HASH else []
                    values.append(into)
                    self.position = position + 1
                    self.deeper()
                    values, limits = self.opened(into)
                    position = self.position
                    break
                else:
                    self.position = position
                    value = self.value()
                    if limit == KEY:
                        self.keys.checked(value)
                values.append(value)
                position, utf8 = self.position, self.utf8
            else:
                if values is not into:
                    _fill(into, values)
                if not outer:
                    self.position = position
                    return into
                into, values, limits = outer.pop()
                self.depth -= 1

    def opened(self, into: t.Any) -> tuple[list[t.Any], t.Iterator[int]]:
        """Number a container and read its size.

        :returns: the list for its values, and a :data:`KEY` or :data:`VALUE` for each of them.
        """
        self.objects.append(into)
        if isinstance(into, list):
            return into, iter((VALUE,) * self.count(1))
        return [], iter((KEY, VALUE) * self.count(2))

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.unsure = True
            if self.depth > MAX_DEPTH + LEAF:
                raise _too_much()

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
            raise exc.DecodingError("no valid Marshal data: truncated")
        return self.data[start : self.position]

    def counted(self) -> bytes:
        start, size = self.position + 1, self.data[self.position]
        end = start + size - 5
        if start < end < start + 123 and end <= len(self.data):
            self.position = end
            return self.data[start:end]
        return self.take(self.packed())

    def count(self, each: int = 1) -> int:
        """A number of values, or of pairs of them, to come; each takes a byte at least."""
        count = self.packed()
        if not 0 <= count <= len(self.data) - self.position:
            raise exc.DecodingError("no valid Marshal data: truncated")
        self.left -= count * each
        if self.left < 0:
            raise _too_much()
        return count

    def remember(self, value: _T) -> _T:
        """Number an object, so that a link can lead to it."""
        self.objects.append(value)
        return value

    def reserve(self) -> int:
        """Number an object that is not known before what belongs to it."""
        self.objects.append(None)
        return len(self.objects) - 1

    def name(self) -> Symbol:
        """A Symbol, where nothing else may stand."""
        tag = self.byte()
        encoded = tag == IVAR
        if encoded:
            tag = self.byte()
        if tag == SYMBOL:
            return self.encoded_symbol() if encoded else self.symbol()
        if tag == LINK and not encoded:
            return self.symbol_link()
        raise exc.DecodingError("no valid Marshal data: a name is no Symbol")

    def attributes(self) -> dict[str, t.Any]:
        """Instance variables or struct members, by name, without the @."""
        found = {}
        for _pair in range(self.count()):
            name = self.name().name
            bare = name.lstrip("@")
            found[name if bare in found else bare] = self.value()
        return found

    # -- types ---------------------------------------------------------------------------------

    def bignum(self) -> int:
        negative = self.byte() == ord("-")
        number = checked_integer(int.from_bytes(self.take(2 * self.packed()), "little"))
        return self.remember(-number if negative else number)

    def real(self) -> float:
        return self.remember(ruby_objects.real(self.counted()))

    def symbol(self) -> Symbol:
        data = self.counted()
        if len(data) <= LONGEST_NAME and data.isascii():
            symbol = _symbol(data)
        else:
            symbol = Symbol(ruby_objects.name_in(data, {}))
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
        return self.remember(self._without_encoding(self.counted()))

    def _without_encoding(self, data: bytes) -> str | bytes:
        """A String that Ruby holds as binary, or that Ruby 1.8 wrote."""
        if data.isascii():
            return data.decode()
        text = ruby_objects.text_in(data, {})
        if isinstance(text, bytes) or self._old:
            return text
        self.doubtful = True
        return data

    def _is_utf8(self) -> bool:
        """Read the encoding of a String if it is UTF-8 in the usual form. Return True if it was."""
        if self.data[self.position : self.position + 4] == self.utf8:
            self.position += 4
            return True
        index = len(self.symbols)
        if index > 122 or not self.data.startswith(FIRST_UTF8, self.position):
            return False
        self.position += len(FIRST_UTF8)
        self.symbols.append(_E)
        self.utf8 = b"\x06;%cT" % (index and index + 5)
        self.encoded = True
        return True

    def _encoding(self) -> dict[str, t.Any]:
        """The instance variables of a text."""
        attributes = self.attributes()
        self.encoded = self.encoded or not _ENCODINGS.isdisjoint(attributes)
        return attributes

    def array(self) -> list[t.Any]:
        return self.container([])

    def mapping(self) -> dict[t.Any, t.Any]:
        return self.container({})

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
        if self._is_utf8():
            return self.remember(ruby_objects.text_in(data, {}))
        index = self.reserve()
        attributes = self._encoding()
        known = not _ENCODINGS.isdisjoint(attributes)
        value = ruby_objects.text_in(data, attributes) if known else self._without_encoding(data)
        self.objects[index] = value
        return value

    def regexp(self) -> str:
        name = ruby_objects.name_in(self.counted(), {})
        return self.remember(ruby_objects.regexp(name, self.byte()))

    def encoded_regexp(self) -> str:
        data, options = self.counted(), self.byte()
        index = self.reserve()
        name = ruby_objects.name_in(data, self._encoding())
        text = self.objects[index] = ruby_objects.regexp(name, options)
        return text

    def class_name(self) -> str:
        return self.remember(ruby_objects.name_in(self.counted(), {}))

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
        return self.remember(self._own_bytes(False))

    def user_defined_with_attributes(self) -> str | bytes:
        """The same; Ruby numbers the object after its instance variables."""
        return self.remember(self._own_bytes(True))

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
_E = Symbol("E")
_ENCODINGS = frozenset(("E", "encoding"))
"""The instance variables that hold a text's encoding."""
_WITH_ATTRIBUTES: dict[int, t.Callable[[Reader], t.Any]] = {
    ord('"'): Reader.encoded_string,
    ord("/"): Reader.encoded_regexp,
    ord(":"): Reader.encoded_symbol,
    ord("u"): Reader.user_defined_with_attributes,
}


_READERS: dict[int, t.Callable[[Reader], t.Any]] = {
    ord(tag): reader
    for tag, reader in {
        "0": lambda _reader: None,
        "T": lambda _reader: True,
        "F": lambda _reader: False,
        "i": Reader.packed,
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


def _too_much() -> exc.DecodingError:
    return exc.DecodingError(
        f"refused: it has more than {MAX_VALUES} values, or deeper than {MAX_DEPTH} levels"
    )


def _fill(mapping: dict[t.Any, t.Any], values: list[t.Any]) -> None:
    """Fill a dict with keys and values that come in turns. Ruby writes no key twice."""
    pairs = iter(values)
    for key in pairs:
        mapping[key] = next(pairs)
    if 2 * len(mapping) < len(values):  # Some keys are equal in Python.
        mapping.clear()
        for key in (pairs := iter(values)):
            value, size = next(pairs), len(mapping)
            mapping.setdefault(key, value)
            if len(mapping) == size:
                mapping[OtherKey(key)] = value
