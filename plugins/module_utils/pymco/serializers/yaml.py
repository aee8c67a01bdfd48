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
from .base import MAX_DEPTH, MAX_VALUES, Serializer, Symbol, check_size, checked_key

PLAIN_SYMBOL = re.compile(r"[A-Za-z_]\w*[?!=]?", re.ASCII)
SYMBOL_TAG = "!ruby/sym"
STRING_TAG = "tag:yaml.org,2002:str"
NO_FOLDING = 2**30
MAX_DIGITS = 1000
"""Longer integers are refused: Python cannot print them, and no agent needs them."""
SAFE_DEPTH = 2000
"""libyaml composes nested nodes by recursion in C; far deeper, that ends the process."""
SAFE_SIZE = 65536
"""Bytes. Smaller payloads cannot hold so many values that reading them takes long."""
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What PyYAML's own constructors raise for scalars that do not fit their tag."""


class RubyCompatibleLoader(Loader):
    """Reads what Ruby writes, as data only: no tag makes it build anything.

    A plain scalar is a number only in the form in which Psych writes numbers: it leaves strings
    such as ``1_`` without quotes that PyYAML by itself would take for numbers.
    """

    yaml_implicit_resolvers: t.ClassVar[dict[str, list[t.Any]]] = {
        first: [entry for entry in resolvers if not entry[0].endswith((":int", ":float"))]
        for first, resolvers in getattr(Loader, "yaml_implicit_resolvers", {}).items()
    }


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


def integer_constructor(loader: t.Any, node: t.Any) -> int:
    """An Integer of bounded size."""
    if len(loader.construct_scalar(node)) > MAX_DIGITS:
        raise exc.DecodingError(f"refused: an integer of more than {MAX_DIGITS} digits")
    return int(loader.construct_yaml_int(node))


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
            checked_key(loader.construct_object(key, deep=True)),
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
    _YAML = "tag:yaml.org,2002:"
    for tag, pattern, first in (
        (SYMBOL_TAG, r":.", ":"),
        (_YAML + "int", r"[-+]?(0|[1-9][0-9]*)$", "-+0123456789"),
        (_YAML + "float", r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?$", "-+0123456789"),
        (_YAML + "float", r"[-+]?\.inf$|\.nan$", "-+."),
    ):
        RubyCompatibleLoader.add_implicit_resolver(tag, re.compile(pattern), list(first))
    for tag in (SYMBOL_TAG, "!ruby/symbol"):
        RubyCompatibleLoader.add_constructor(tag, symbol_constructor)
    for name in ("timestamp", "value", "merge"):
        RubyCompatibleLoader.add_constructor(_YAML + name, text_constructor)
    for name in ("set", "omap", "pairs"):
        RubyCompatibleLoader.add_constructor(
            _YAML + name, lambda loader, node: ruby_object_constructor(loader, "", node)
        )
    RubyCompatibleLoader.add_constructor(_YAML + "int", integer_constructor)
    RubyCompatibleLoader.add_constructor(_YAML + "map", mapping_constructor)
    RubyCompatibleLoader.add_constructor("!binary", Loader.construct_yaml_binary)
    RubyCompatibleLoader.add_multi_constructor("", ruby_object_constructor)

    # Plain data have a form; whatever else PyYAML could write, no node would read as what it was.
    RubyCompatibleDumper.yaml_representers = {
        kind: Dumper.yaml_representers[kind]
        for kind in (type(None), bool, int, float, bytes, list, tuple, dict)
    }
    RubyCompatibleDumper.yaml_multi_representers = {}
    RubyCompatibleDumper.add_representer(None, Dumper.represent_undefined)
    RubyCompatibleDumper.add_representer(str, represent_string)
    RubyCompatibleDumper.add_representer(Symbol, represent_symbol)


def _may_be_too_much(payload: bytes) -> bool:
    """Whether a payload might be too deep or too much to compose; cheap, and never wrongly no.

    In flow style a level needs a bracket. In block style it needs a column more than its parent,
    or every second one does, since a sequence may stand in its parent's column.
    """
    if len(payload) > SAFE_SIZE:
        return True
    longest_line = max(map(len, payload.split(b"\n")))
    return payload.count(b"[") + payload.count(b"{") + 2 * longest_line > SAFE_DEPTH


def _check_events(payload: bytes) -> None:
    """Parse without building anything, and stop where it becomes too much."""
    depth = 0
    for count, event in enumerate(yaml.parse(payload, Loader=Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > MAX_VALUES:
            raise exc.DecodingError(
                f"refused: it has more than {MAX_VALUES} values, or deeper than {MAX_DEPTH} levels"
            )


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
            if _may_be_too_much(payload):
                _check_events(payload)
            value = yaml.load(payload, Loader=RubyCompatibleLoader)
        except (yaml.YAMLError, *MALFORMED) as error:
            raise exc.DecodingError(f"no valid YAML: {error}") from error
        check_size(value)
        return value

    def embed(self, serialized: bytes) -> str:
        """YAML travels inside YAML as text."""
        return serialized.decode("utf-8")
