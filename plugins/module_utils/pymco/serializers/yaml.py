# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""YAML as Ruby's Psych writes and reads it, through PyYAML.

Where the two disagree about a plain scalar, quotes decide: Psych takes an unquoted ``1,000`` for
the integer 1000 and ``:foo`` for a Symbol, so every String is written in double quotes and every
Symbol without. Nodes from 2.10.4 on refuse aliases, so none is ever written.
"""

from __future__ import annotations

import re
import typing as t

try:
    import yaml

    Loader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    Dumper: t.Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    HAS_YAML = True
except ImportError:
    Loader = Dumper = object
    HAS_YAML = False

from .. import exc
from .base import Serializer, Symbol, check_size, hashable

PLAIN_SYMBOL = re.compile(r"[A-Za-z_]\w*[?!=]?", re.ASCII)
SYMBOL_TAG = "!ruby/sym"
STRING_TAG = "tag:yaml.org,2002:str"
NO_FOLDING = 2**30
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML's own constructors raise for scalars that do not fit their tag."""


class RubyCompatibleLoader(Loader):
    """Reads what Ruby writes, as data only: no tag makes it build anything."""


class RubyCompatibleDumper(Dumper):
    """Writes what Ruby reads back as the same types."""

    def ignore_aliases(self, data: t.Any) -> bool:
        """Write a list or dict that is there twice in full twice."""
        return True


def symbol_constructor(loader: t.Any, node: t.Any) -> Symbol:
    """A Symbol from ``:name``, ``:"quoted name"``, or ``!ruby/sym name``."""
    name = loader.construct_scalar(node)
    if name.startswith(":"):
        name = name[1:]
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    return Symbol(name)


def text_constructor(loader: t.Any, node: t.Any) -> str:
    """A scalar as the text that stands there: times, dates, regexps, ``=`` and ``<<``."""
    return str(loader.construct_scalar(node))


def mapping_constructor(loader: t.Any, node: t.Any) -> t.Iterator[dict[t.Any, t.Any]]:
    """A Hash. Its keys may be Hashes or Arrays; a repeated key's last value counts, as in Ruby."""
    data: dict[t.Any, t.Any] = {}
    yield data
    data.update(_pairs(loader, node))


def ruby_object_constructor(loader: t.Any, _suffix: str, node: t.Any) -> t.Any:
    """The data of an object of any Ruby class, and nothing of its class."""
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(loader, node))
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(item, deep=True) for item in node.value]
    return text_constructor(loader, node)


def _pairs(loader: t.Any, node: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise exc.DecodingError("a YAML mapping has no pairs")
    for key, value in node.value:
        yield (
            hashable(loader.construct_object(key, deep=True)),
            loader.construct_object(value, deep=True),
        )


def represent_string(dumper: t.Any, text: str) -> t.Any:
    """A String, always in double quotes."""
    return dumper.represent_scalar(STRING_TAG, text, style='"')


def represent_symbol(dumper: t.Any, symbol: Symbol) -> t.Any:
    """A Symbol: plain, or tagged where its name does not stand for itself."""
    if PLAIN_SYMBOL.fullmatch(symbol.name):
        return dumper.represent_scalar(STRING_TAG, str(symbol))
    return dumper.represent_scalar(SYMBOL_TAG, symbol.name, style='"')


if HAS_YAML:
    RubyCompatibleLoader.add_implicit_resolver(SYMBOL_TAG, re.compile(r"^:."), [":"])
    for tag in (SYMBOL_TAG, "!ruby/symbol"):
        RubyCompatibleLoader.add_constructor(tag, symbol_constructor)
    for name in ("timestamp", "value", "merge"):
        RubyCompatibleLoader.add_constructor(f"tag:yaml.org,2002:{name}", text_constructor)
    RubyCompatibleLoader.add_constructor("tag:yaml.org,2002:map", mapping_constructor)
    RubyCompatibleLoader.add_constructor("!binary", Loader.construct_yaml_binary)
    RubyCompatibleLoader.add_multi_constructor("", ruby_object_constructor)
    RubyCompatibleDumper.add_representer(str, represent_string)
    RubyCompatibleDumper.add_representer(Symbol, represent_symbol)


class YamlSerializer(Serializer):
    """``plugin.ssl_serializer = yaml``."""

    def __init__(self) -> None:
        if not HAS_YAML:
            raise exc.MissingDependency("PyYAML", "the YAML serializer")

    def serialize(self, value: t.Any) -> bytes:
        """See :meth:`.Serializer.serialize`."""
        try:
            return yaml.dump(
                value,
                Dumper=RubyCompatibleDumper,
                encoding="utf-8",
                explicit_start=True,
                default_flow_style=False,
                sort_keys=False,
                width=NO_FOLDING,
            )
        except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
            raise exc.SerializationError(f"cannot be written as YAML: {error}") from error

    def deserialize(self, payload: bytes) -> t.Any:
        """See :meth:`.Serializer.deserialize`."""
        try:
            value = yaml.load(payload, Loader=RubyCompatibleLoader)
        except (yaml.YAMLError, *MALFORMED) as error:
            raise exc.DecodingError(f"no valid YAML: {error}") from error
        check_size(value)
        return value

    def embed(self, serialized: bytes) -> str:
        """YAML travels inside YAML as text."""
        return serialized.decode("utf-8")
