# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Bytes to plain data and back. What is particular to Ruby ends in this package.

Plain data are None, bool, int, float, str, bytes, list, dict and :class:`Symbol`:

- a Ruby String is str when its bytes are text in its encoding, and bytes when they are not, or
  when Ruby holds them as binary (ASCII-8BIT) and they are not plain ASCII;
- a Ruby Symbol is a :class:`Symbol`; nil is None; a Hash is a dict, an Array a list;
- an object of any other class becomes the data that it holds. Nothing is ever instantiated.
"""

from __future__ import annotations

import abc
import typing as t

from .. import exc

MAX_VALUES = 1_000_000
"""How many values one payload may hold when every link and alias in it is followed."""

MAX_DEPTH = 100
"""How deep the values of one payload may be nested."""


class Symbol(str):
    """A Ruby Symbol.

    Its text bears the colon, so that it equals python-mcollective's spelling of symbols:
    ``Symbol("body") == ":body"``. The type tells it from a String that begins with a colon.
    """

    __slots__ = ()

    def __new__(cls, name: str) -> Symbol:
        return super().__new__(cls, ":" + name)

    @property
    def name(self) -> str:
        """The symbol's name, without the colon."""
        return self[1:]


def symbolize(mapping: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Give a mapping's own keys the type Symbol; what stands below them stays as it is.

    A key may be given with its colon or without.
    """
    return {Symbol(key[1:] if key.startswith(":") else key): mapping[key] for key in mapping}


class Serializer(abc.ABC):
    """One of the two formats that MCollective speaks."""

    @abc.abstractmethod
    def serialize(self, value: t.Any) -> bytes:
        """Write plain data. Raises :class:`.exc.SerializationError`."""

    @abc.abstractmethod
    def deserialize(self, payload: bytes) -> t.Any:
        """Read plain data. Raises :class:`.exc.DecodingError` for anything that it cannot hold."""

    @abc.abstractmethod
    def embed(self, serialized: bytes) -> str | bytes:
        """The value as which serialized data travel inside another serialized message."""


def check_size(value: t.Any) -> None:
    """Refuse data that become huge or endless once shared parts are written out.

    A few hundred bytes of YAML aliases or Marshal links can stand for billions of values
    ("billion laughs"). In memory they are shared; the first JSON writer would expand them.

    :raises exc.DecodingError: more than :data:`MAX_VALUES` values, or nested deeper than
        :data:`MAX_DEPTH`.
    """
    budget = MAX_VALUES
    containers = [value] if isinstance(value, (list, dict)) else []
    for _depth in range(MAX_DEPTH):
        budget -= sum(len(container) for container in containers)
        if budget < 0:
            raise exc.DecodingError(f"refused: it stands for more than {MAX_VALUES} values")
        containers = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (list, dict))
        ]
        if not containers:
            return
    raise exc.DecodingError(f"refused: it is nested deeper than {MAX_DEPTH} levels")


def hashable(key: t.Any) -> t.Any:
    """A dict key for a value that may be a Ruby Hash or Array, which Ruby allows as keys."""
    return repr(key) if isinstance(key, (list, dict)) else key
