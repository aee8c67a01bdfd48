# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""YAML as Ruby's Psych writes and reads it, through PyYAML.

The two disagree about plain scalars: Psych takes an unquoted ``1,000`` for the integer 1000 and
``:foo`` for a Symbol. So every String is written in double quotes and every Symbol without. Nodes
from 2.10.4 on refuse aliases, so no alias is ever written.
"""

from __future__ import annotations

import re
import typing as t

try:
    import yaml

    Loader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    Dumper: t.Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    HAS_YAML, HAS_LIBYAML = True, hasattr(yaml, "CSafeLoader")
except ImportError:
    Loader = Dumper = object
    HAS_YAML = HAS_LIBYAML = False

from ... import exc
from .. import base
from ..base import Regexp, Symbol
from . import block
from .scalars import plain_scalar

YAML = "tag:yaml.org,2002:"
PLAIN_SYMBOL = re.compile(r"[A-Za-z_]\w*[?!=]?", re.ASCII)
SYMBOL_TAG = "!ruby/sym"
PLAIN_TAG = "!plain"
"""Given to every plain scalar that has no tag; the tag of that name has the same effect."""
CONTENTS = (
    ("!str", "str"),
    ("!ruby/string", "str"),
    ("!ruby/array:", "internal"),
    ("!ruby/hash-with-ivars", "elements"),
)
"""Under which key a String, Array or Hash with instance variables has its own value."""
TEXTUAL_TAGS = ("!ruby/", "!str", f"{YAML}merge", f"{YAML}value")
"""A scalar with one of these is a String. Ruby ignores all other tags that it does not know."""
_ESCAPE = re.compile(rb"\\(?:U([0-9A-F]{8})|.)", re.DOTALL)
NO_FOLDING = 2**30
SAFE_DEPTH = 2000
"""libyaml composes nested nodes by recursion in C. Far deeper nesting ends the process."""
_SLOWNESS = 1 if HAS_LIBYAML else 10
"""How many times as long PyYAML takes as with libyaml."""
MAX_VALUES = base.MAX_VALUES // _SLOWNESS
"""How many values a payload may have that is not as nodes usually write it."""
SAFE_SIZE = 65536 // _SLOWNESS
"""Bytes. Smaller payloads cannot hold so many values that reading them takes long."""
SLOW_BYTES = 2**19
"""How many bytes PyYAML may read without libyaml."""
TAG_DIRECTIVE = re.compile(rb"(?:\A|[\n\r]|\xc2\x85|\xe2\x80[\xa8\xa9]|\xef\xbb\xbf)%TAG")
"""Gives a prefix to tags, so each tag may be as long as the payload. libyaml also compares each with all before it.
Psych writes none."""
OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16, which libyaml would read."""
MALFORMED = (ArithmeticError, RecursionError, ValueError)
"""What scalars that do not fit their tags, and PyYAML's own parser in Python, may raise too."""


class RubyCompatibleLoader(Loader):
    """Reads what Ruby writes, as data only: no tag makes it build anything."""

    yaml_implicit_resolvers: t.ClassVar[dict[str | None, list[t.Any]]] = {
        None: [(PLAIN_TAG, re.compile(""))]
    }

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self.keys = base.Keys()

    def compose_scalar_node(self, anchor: str | None) -> t.Any:
        """Compose a scalar. With libyaml nobody calls this.

        :raises UnicodeEncodeError: it has half of a surrogate pair as an escape, which libyaml refuses.
        """
        node = super().compose_scalar_node(anchor)
        node.value.encode()
        return node


class RubyCompatibleDumper(Dumper):
    """Writes what Ruby reads back as the same types."""

    def ignore_aliases(self, data: t.Any) -> bool:
        """Write a list or dict that is there twice in full twice."""
        return True

    def represent_scalar(self, tag: str, value: str, style: str | None = None) -> t.Any:
        """Write a scalar of any kind.

        :raises UnicodeEncodeError: it has half of a surrogate pair, which PyYAML would write as an escape without libyaml.
        """
        if not value.isascii():
            value.encode()
        return super().represent_scalar(tag, value, style=style)


def symbol_constructor(loader: t.Any, node: t.Any) -> Symbol:
    """Construct what has the tag of a Symbol."""
    return Symbol(loader.construct_scalar(node))


def plain_constructor(loader: t.Any, node: t.Any) -> t.Any:
    """Construct what Ruby makes of a scalar without quotes."""
    # construct_scalar takes other nodes too, but most nodes are scalars.
    scalar = isinstance(node, yaml.ScalarNode)
    return plain_scalar(node.value if scalar else loader.construct_scalar(node))


def float_constructor(loader: t.Any, node: t.Any) -> t.Any:
    """Construct what has the tag of a Float. It may look like an Integer."""
    value = plain_scalar(loader.construct_scalar(node))
    return float(value) if isinstance(value, int) else value


def mapping_constructor(loader: t.Any, node: t.Any) -> t.Iterator[dict[t.Any, t.Any]]:
    """Construct a Hash."""
    data: dict[t.Any, t.Any] = {}
    yield data
    base.fill(data, _pairs(loader, node))


def ruby_object_constructor(loader: t.Any, suffix: str, node: t.Any) -> t.Any:
    """Construct the data of an object of any Ruby class, and nothing of its class.

    :param suffix: is ignored; PyYAML gives the rest of the tag to every multi constructor.
    """
    if isinstance(node, yaml.MappingNode):
        data: dict[t.Any, t.Any] = {}
        base.fill(data, _pairs(loader, node))
        return next(
            (data[k] for tag, k in CONTENTS if node.tag.startswith(tag) and k in data), data
        )
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(item, deep=True) for item in node.value]
    if node.tag.startswith(TEXTUAL_TAGS):
        return str(loader.construct_scalar(node))
    return plain_constructor(loader, node)


def _pairs(loader: t.Any, node: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    if not isinstance(node, yaml.MappingNode):
        raise exc.DecodingError("a YAML mapping has no pairs")
    for key, value in node.value:
        yield (
            loader.keys.checked(loader.construct_object(key, deep=True)),
            loader.construct_object(value, deep=True),
        )


def represent_string(dumper: t.Any, text: str) -> t.Any:
    """Write a String, always in double quotes."""
    return dumper.represent_scalar(f"{YAML}str", text, style='"')


def represent_symbol(dumper: t.Any, symbol: Symbol) -> t.Any:
    """Write a Symbol: plain, or with a tag if Psych would read its name as something else."""
    if PLAIN_SYMBOL.fullmatch(symbol.name):
        return dumper.represent_scalar(f"{YAML}str", str(symbol))
    return dumper.represent_scalar(SYMBOL_TAG, symbol.name, style='"')


def represent_regexp(dumper: t.Any, regexp: Regexp) -> t.Any:
    """Write a Regexp. Psych takes the first and the last slash for its ends."""
    # Quotes double the backslash, so that \U in the Regexp itself is not read as an escape.
    style = '"' if "\\U" in regexp else None
    return dumper.represent_scalar("!ruby/regexp", f"/{regexp}/", style=style)


def _with_characters(written: bytes) -> bytes:
    """Return libyaml's YAML with the characters beyond 16 bits as UTF-8 instead of as escapes.

    Nodes on Ruby 1.8 (Syck) cannot read escapes of Unicode characters. All nodes read UTF-8.
    """
    if b"\\U" not in written:
        return written
    return _ESCAPE.sub(_character, written)


def _character(escape: re.Match[bytes]) -> bytes:
    char = chr(int(escape[1], 16)) if escape[1] else ""
    return char.encode() if char.isprintable() and char else escape[0]


if HAS_YAML:
    RubyCompatibleLoader.yaml_constructors = {}
    RubyCompatibleLoader.add_multi_constructor("", ruby_object_constructor)
    for tags, constructor in (
        (f"{PLAIN_TAG} !!bool !!int !!null !!timestamp", plain_constructor),
        ("!float !!float", float_constructor),
        (f"{SYMBOL_TAG} !ruby/symbol", symbol_constructor),
        ("!!map", mapping_constructor),
        ("!!seq", Loader.construct_yaml_seq),
        ("!!str", Loader.construct_yaml_str),
        ("!binary !!binary", Loader.construct_yaml_binary),
    ):
        for tag in tags.split():
            RubyCompatibleLoader.add_constructor(tag.replace("!!", YAML), constructor)

    # PyYAML can write more types, but no node would read them as what they were.
    RubyCompatibleDumper.yaml_multi_representers = {}
    RubyCompatibleDumper.yaml_representers = {
        kind: Dumper.yaml_representers[kind]
        for kind in (type(None), bool, int, float, bytes, list, tuple, dict)
    }
    for kind, representer in (
        (None, Dumper.represent_undefined),
        (str, represent_string),
        (Symbol, represent_symbol),
        (Regexp, represent_regexp),
        (base.OtherKey, lambda dumper, key: dumper.represent_data(key.value)),
    ):
        RubyCompatibleDumper.add_representer(kind, representer)


def _may_be_too_much(payload: bytes) -> bool:
    """Return True if libyaml might take too long to compose a payload, or end the process.

    In flow style a level needs a bracket. In block style every second level at least stands one
    column further right, since a sequence may stand in its parent's column.
    """
    if len(payload) > SAFE_SIZE:
        return True
    longest_line = max(map(len, payload.split(b"\n")))
    return payload.count(b"[") + payload.count(b"{") + 2 * longest_line > SAFE_DEPTH


def _check_events(payload: bytes) -> None:
    """Parse without building anything.

    :raises exc.DecodingError: there are too many values, or they are nested too deeply.
    """
    depth = 0
    for count, event in enumerate(yaml.parse(payload, Loader=Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > base.MAX_DEPTH or count > MAX_VALUES:
            raise exc.DecodingError(base.too_much(MAX_VALUES))


class YamlSerializer(base.Serializer):
    """``plugin.ssl_serializer = yaml``."""

    def __init__(self) -> None:
        if not HAS_YAML:
            raise exc.MissingDependency("PyYAML", "the YAML serializer")

    def serialize(self, msg: t.Any) -> bytes:
        """See :meth:`.Serializer.serialize`."""
        try:
            written: bytes = yaml.dump(
                msg,
                Dumper=RubyCompatibleDumper,
                encoding="utf-8",
                explicit_start=True,
                default_flow_style=False,
                sort_keys=False,
                width=NO_FOLDING,
                allow_unicode=True,
            )
            return _with_characters(written)
        except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
            raise exc.SerializationError(f"cannot be written as YAML: {error}") from error

    def deserialize(self, msg: bytes) -> t.Any:
        """See :meth:`.Serializer.deserialize`."""
        self.written_out = 0
        try:
            return block.load(msg)
        except block.Unusual:
            return self.read_any(msg)

    def read_any(self, payload: bytes) -> t.Any:
        """Read by PyYAML any YAML that nodes may send. Raises as :meth:`deserialize` does."""
        if payload.startswith(OTHER_ENCODINGS) or TAG_DIRECTIVE.search(payload):
            raise exc.DecodingError("refused: it is UTF-16, or has the YAML directive %TAG")
        if not HAS_LIBYAML and len(payload) > SLOW_BYTES:
            raise exc.DecodingError(
                f"refused: it has more than {SLOW_BYTES} bytes in an unusual form, and PyYAML has no libyaml here"
            )
        try:
            if _may_be_too_much(payload):
                _check_events(payload)
            value = yaml.load(payload, Loader=RubyCompatibleLoader)
        except (yaml.YAMLError, *MALFORMED) as error:
            raise exc.DecodingError(f"no valid YAML: {error}") from error
        self.written_out = base.check_size(value)
        return value

    def embed(self, serialized: bytes) -> str:
        """YAML travels inside YAML as text."""
        return serialized.decode("utf-8")


Serializer = YamlSerializer
"""python-mcollective's name."""
