# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two serializers. What they read is plain data, can be told as JSON, and stays what it is when written
and read again in either format."""

from __future__ import annotations

import abc
import contextlib
import json
import math
import re
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    OtherKey,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    MAX_DEPTH,
    MAX_TEXT,
    MAX_VALUES,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.marshal_reader import (
    Reader,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.yaml.block import (
    MAX_SIZE,
)

from . import make_marshal, make_yaml
from .mutation import Mutator
from .seeds import seeds
from .target import Target

if t.TYPE_CHECKING:
    import random

SCALARS = (type(None), bool, int, float, str, Symbol, bytes)
SMALL = 500
"""Values that are written and read again; more would take most of the time."""
ROUND = "read again from {}, it is {!r} and not {!r}"


class SerializerTarget(Target):
    """One of the formats."""

    format: t.ClassVar[str]
    pumps: t.ClassVar[t.Sequence[t.Callable[[int], bytes]]]
    mutator: t.ClassVar[Mutator]

    def __init__(self) -> None:
        self._serializers = {name: SERIALIZERS[name]() for name in sorted(SERIALIZERS)}

    def seeds(self) -> t.Iterable[bytes]:
        """As Ruby writes them."""
        good = seeds(self.format)
        assert all(self.run(seed).startswith("accepted") for seed in good), "good data are refused"
        return good

    @abc.abstractmethod
    def make(self, chance: random.Random) -> bytes:
        """Return random data."""

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Change half of the inputs, and make the other half anew. A few are large."""
        kind = chance.random()
        if kind < 0.002:
            return self.pump(chance)
        if kind < 0.4:
            return self.make(chance)
        return self.mutator.change(chance, corpus)

    def pump(self, chance: random.Random) -> bytes:
        """Repeat the same bytes again and again."""
        return chance.choice(self.pumps)(chance.choice((300, 3000, 3000, 30_000, 100_000)))

    def run(self, payload: bytes) -> str:
        """Read an input, and check the result."""
        try:
            value = self._serializers[self.format].deserialize(payload)
        except exc.DecodingError as error:
            return "refused " + wording(error)
        self.check_readers(payload, value)
        size = check_plain(value)
        json.dumps(to_json(value), allow_nan=False).encode()
        if size < SMALL:
            self.check_round(value)
        return f"accepted {shape(value)}"

    def check_readers(self, payload: bytes, value: t.Any) -> None:
        """If a format has two readers, check that they agree."""

    def check_round(self, value: t.Any) -> None:
        """Write data in each format, and read them again."""
        for name, serializer in self._serializers.items():
            again = serializer.deserialize(serializer.serialize(value))
            expected = normal(value, old=name == "marshal" and not tells_encoding(value))
            assert normal(again) == expected, ROUND.format(name, again, value)


class YamlTarget(SerializerTarget):
    """YAML."""

    format = "yaml"

    pumps = make_yaml.PUMPS
    mutator = Mutator(make_yaml.ENCODED, [make_yaml.change_lines, make_yaml.change_nodes])

    def make(self, chance: random.Random) -> bytes:
        """A document."""
        return make_yaml.Maker(chance).make()

    def check_readers(self, payload: bytes, value: t.Any) -> None:
        """The quick one only takes small documents."""
        if len(payload) <= MAX_SIZE:
            expected = YamlSerializer().read_any(payload)
            assert normal(value) == normal(expected), f"not {value!r}, but {expected!r}"


class MarshalTarget(SerializerTarget):
    """Marshal."""

    format = "marshal"
    pumps = make_marshal.PUMPS
    mutator = Mutator(make_marshal.WORDS, [make_marshal.exchange_values])

    def make(self, chance: random.Random) -> bytes:
        """A value."""
        return make_marshal.Maker(chance).make()

    def check_readers(self, payload: bytes, value: t.Any) -> None:
        """Check that the reader without the quick loop gives the same result."""
        plain = Reader(payload)
        expected = plain.load()
        if plain.encoded or not plain.doubtful:
            assert normal(value) == normal(expected), f"not {value!r}, but {expected!r}"

    def pump(self, chance: random.Random) -> bytes:
        """Repeat bytes after the header that every payload must have."""
        return make_marshal.HEADER + super().pump(chance)


def wording(error: Exception) -> str:
    """Return an error's words without the parts that depend on the input."""
    return re.sub(r"'.*?'|\".*?\"|\d+", "#", str(error).partition("\n")[0])[:200]


def check_plain(value: t.Any) -> int:
    """Check data against the promises of serializers/base.py. Return the number of values."""
    values, text = 0, 0
    left = [(value, 0)]
    while left:
        item, depth = left.pop()
        values += 1
        assert values <= MAX_VALUES + 1, "more values than MAX_VALUES"
        assert depth <= MAX_DEPTH, "deeper than MAX_DEPTH"
        kind = type(item)
        if kind is list:
            left += [(child, depth + 1) for child in item]
        elif kind is dict:
            keys = list(map(plain_key, item))
            assert all(type(key) in SCALARS for key in keys), "a key that is none"
            left += [(child, depth + 1) for child in item.values()]
            text += sum(len(key) for key in keys if isinstance(key, (str, bytes)))
        else:
            assert kind in SCALARS, f"no plain data: {kind}"
            text += len(item) if isinstance(item, (str, bytes)) else 0
    assert text <= MAX_TEXT, "more text than MAX_TEXT"
    return values


def shape(value: t.Any, depth: int = 3) -> str:
    """Describe the kinds of data in a few words."""
    if isinstance(value, list):
        inner = {shape(item, depth - 1) for item in value} if depth else ()
        return f"[{','.join(sorted(inner))}]"
    if isinstance(value, dict):
        pairs = (
            {f"{type(plain_key(k)).__name__}:{shape(v, depth - 1)}" for k, v in value.items()}
            if depth
            else ()
        )
        return f"{{{','.join(sorted(pairs))}}}"
    return type(value).__name__


def plain_key(key: t.Any) -> t.Any:
    """Return a key of a Hash, also if it is equal to another key in Python."""
    return key.value if isinstance(key, OtherKey) else key


def tells_encoding(value: t.Any) -> bool:
    """Return True if Marshal gives the encoding of anything in a value. Ruby 1.8 never did, so that what is
    without one and reads as UTF-8 is text then."""
    if isinstance(value, list):
        return any(map(tells_encoding, value))
    if isinstance(value, dict):
        return any(map(tells_encoding, [*map(plain_key, value), *value.values()]))
    return isinstance(value, str) and not (isinstance(value, Symbol) and value.isascii())


def normal(value: t.Any, old: bool = False) -> t.Any:
    """Data in a form that tells types apart where "==" does not, NaN aside; bytes that are plain ASCII are text
    for Marshal.

    :param old: True if all bytes that read as UTF-8 are text.
    """
    if isinstance(value, bytes) and (old or value.isascii()):
        with contextlib.suppress(UnicodeDecodeError):
            value = value.decode()
    if isinstance(value, list):
        return [normal(item, old) for item in value]
    if isinstance(value, dict):
        return {normal(plain_key(key), old): normal(item, old) for key, item in value.items()}
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else value.hex())
    if isinstance(value, int):
        return (type(value).__name__, hex(value))  # A text: the hashes of numbers can be chosen.
    return (type(value).__name__, value)
