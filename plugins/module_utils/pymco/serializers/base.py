# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Bytes to plain data and back. Nothing above this package knows Ruby.

Plain data are None, bool, int, float, str, bytes, list, dict and :class:`Symbol`:

- A Ruby String is str if its bytes are text in its encoding. It is bytes if they are not, or if Ruby
  holds them as binary (ASCII-8BIT) and they are not plain ASCII. Ruby 1.8 writes no encodings: in a
  payload without any encoding, a String that reads as UTF-8 is text.
- A Ruby Symbol is a :class:`Symbol`, nil is None, a Hash is a dict, an Array is a list.
- If two keys of a Hash are equal in Python, the second is an :class:`OtherKey`, so both are kept.
  So is each number that is a key, after the first :data:`MAX_NUMBER_KEYS` of them.
- An object of any other class becomes the data that it holds. Nothing is ever instantiated.
"""

from __future__ import annotations

import abc
import typing as t

from .. import exc

MAX_VALUES = 250_000
"""How many values one payload may have if every link and alias in it is followed."""

MAX_TEXT = 64 * 2**20
"""How many characters and bytes its strings may have together, counted in the same way."""

_LEAST = 4
"""About how many bytes of JSON a value takes besides its text."""

MAX_DEPTH = 100
"""How deep the values of one payload may be nested."""


def too_much(values: int) -> str:
    """Return why a payload is refused that exceeds this number of values, or :data:`MAX_DEPTH`."""
    return f"refused: it has more than {values} values, or is deeper than {MAX_DEPTH} levels"


TOO_MUCH = too_much(MAX_VALUES)

MAX_INTEGER_BITS = 8192
"""How large an integer may be. Python cannot print much larger ones, and no agent needs them."""

MAX_NUMBER_KEYS = 1_000
"""How many keys of a payload's Hashes become numbers. Unlike the hash of a text, Python's hash of a number
is no secret: an enemy can choose numbers with the same hash, and a dict of them takes quadratic time."""


class Symbol(str):
    """A Ruby Symbol.

    Its text has the colon, as python-mcollective spells symbols: ``Symbol("body") == ":body"``. Only
    its type tells it from a String that begins with a colon.
    """

    __slots__ = ()

    def __new__(cls, name: str) -> Symbol:
        return super().__new__(cls, ":" + name)

    def __getnewargs__(self) -> tuple[str]:
        """Return what copy and pickle need, so that they do not add another colon."""
        return (self.name,)

    @property
    def name(self) -> str:
        """The symbol's name, without the colon."""
        return self[1:]


LONGEST_NAME = 64
"""Equal keys of up to so many characters become one object: every reply has the same keys."""
SHORT = 8
"""The same for other values: most short values come in many replies."""
KEPT = 1024
"""How many such objects are kept."""


class Regexp(str):
    """The source of a Ruby Regexp without options, for writing.

    A Regexp that is read becomes a plain text between slashes.
    """

    __slots__ = ()


def symbolize(mapping: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the mapping with Symbols as keys. Its values stay as they are.

    A key may have a colon or not.
    """
    return {Symbol(key[1:] if key.startswith(":") else key): mapping[key] for key in mapping}


def with_symbols(value: t.Any) -> t.Any:
    """Return the value with Symbols for keys that begin with a colon, at every depth.

    That is python-mcollective's convention.
    """
    if isinstance(value, dict):
        keys = (Symbol(k[1:]) if isinstance(k, str) and k.startswith(":") else k for k in value)
        return dict(zip(keys, map(with_symbols, value.values())))
    if isinstance(value, list):
        return [with_symbols(item) for item in value]
    return value


_USUAL_DEPTH = 20
_USUAL_INTEGER = 2**62


def is_usual(value: t.Any, depth: int = _USUAL_DEPTH) -> bool:
    """Return True if every serializer is known to write the value. False says nothing against it."""
    kind = type(value)
    if kind in (str, Symbol):
        return bool(value.isascii())
    if kind in (dict, list):
        inner = (*value, *value.values()) if kind is dict else value
        return depth > 0 and all(is_usual(item, depth - 1) for item in inner)
    if kind is int:
        return bool(-_USUAL_INTEGER < value < _USUAL_INTEGER)
    return value is None or kind is bool


class OtherKey:
    """A key of a Hash that cannot be the key of a dict as it is.

    In Ruby 1, 1.0 and true are three keys, and the Symbol :a and the String ":a" are two. In Python they are
    equal: the dict has the first of them as it is. An OtherKey equals only itself, so it never replaces
    another key, and nobody can choose its hash.

    :ivar value: the key itself.
    """

    __slots__ = ("value",)

    def __init__(self, value: t.Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"OtherKey({self.value!r})"


def fill(into: dict[t.Any, t.Any], pairs: t.Iterable[tuple[t.Any, t.Any]]) -> None:
    """Put the pairs of a Hash into an empty dict.

    If a key comes twice, its last value counts, as in Ruby. A key of another type is another key.
    """
    kinds: dict[tuple[type, t.Any], t.Any] = {}
    for key, value in pairs:
        if not kinds:
            count = len(into)
            # One search only: a sender may choose numbers that make it long.
            into.setdefault(key, value)
            if len(into) > count:
                continue
            kinds = {_kind(known): known for known in into}
        key = kinds.setdefault(_kind(key), OtherKey(key) if key in into else key)
        into[key] = value


def _kind(key: t.Any) -> tuple[type, t.Any]:
    """Return what tells a key from all others, with numbers as texts: a sender can choose their hashes."""
    return type(key), repr(key) if isinstance(key, (int, float)) else key


class Serializer(abc.ABC):
    """One of the two formats that MCollective speaks.

    :ivar written_out: about how many bytes the value that was read last has without links and aliases; 0 if it is known
        to have none.
    """

    written_out = 0

    @abc.abstractmethod
    def serialize(self, msg: t.Any) -> bytes:
        """Write plain data. Raises :class:`.exc.SerializationError`."""

    @abc.abstractmethod
    def deserialize(self, msg: bytes) -> t.Any:
        """Read plain data. Raises :class:`.exc.DecodingError` for all other bytes.

        For any payload this takes linear time and at most 640 bytes of memory for each value (at most
        :data:`MAX_VALUES`) and 16 for each byte.
        """

    @abc.abstractmethod
    def embed(self, serialized: bytes) -> str | bytes:
        """Return the value that stands for serialized data in another serialized message."""


def check_size(value: t.Any) -> int:
    """Return about how many bytes data have when shared parts are written out. Refuse what becomes huge or endless.

    A few hundred bytes of YAML aliases or Marshal links can stand for billions of values
    ("billion laughs"). In memory they are shared; the first JSON writer would expand them.

    :raises exc.DecodingError: more than :data:`MAX_VALUES` values or :data:`MAX_TEXT`
        characters, or nested deeper than :data:`MAX_DEPTH`.
    """
    values, text = MAX_VALUES, MAX_TEXT
    level = [value]
    for _depth in range(MAX_DEPTH + 1):
        text -= sum(len(item) for item in level if isinstance(item, (str, bytes)))
        containers = [item for item in level if isinstance(item, (list, dict))]
        values -= sum(map(len, containers))
        if values < 0 or text < 0:
            raise exc.DecodingError(
                f"refused: it stands for more than {MAX_VALUES} values or {MAX_TEXT} characters"
            )
        if not containers:
            return _LEAST * (MAX_VALUES - values) + MAX_TEXT - text
        level = [child for container in containers for child in _children(container)]
    raise exc.DecodingError(f"refused: it is nested deeper than {MAX_DEPTH} levels")


def _children(container: t.Any) -> t.Iterator[t.Any]:
    """Yield what a list or dict holds, with the keys of a dict."""
    if isinstance(container, dict):
        yield from (key.value if isinstance(key, OtherKey) else key for key in container)
        yield from container.values()
    else:
        yield from container


def checked_integer(number: int) -> int:
    """Return the integer. Raises :class:`.exc.DecodingError` if it is too large."""
    if number.bit_length() > MAX_INTEGER_BITS:
        raise exc.DecodingError(f"refused: an integer of more than {MAX_INTEGER_BITS} bits")
    return number


class Keys:
    """Decides what may be a key in the Hashes of one payload."""

    _numbers_left = MAX_NUMBER_KEYS

    def checked(self, key: t.Any) -> t.Any:
        """Return the key of a Hash as a dict can have it.

        :raises exc.DecodingError: it is a Hash or an Array, whose text could be endless. No known agent
            sends one.
        """
        if isinstance(key, (list, dict)):
            raise exc.DecodingError("refused: a Hash has a Hash or an Array as key")
        if isinstance(key, (int, float)):
            self._numbers_left -= 1
            if self._numbers_left < 0:
                return OtherKey(key)
        return key
