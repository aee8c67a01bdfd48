# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's values as a DDL or a reply can hold them: their class, their text and their equality.

They are None, bool, int, float, str, bytes, list, dict, :class:`.serializers.Symbol` and the
classes here.
"""

from __future__ import annotations

import math
import re
import typing as t
import unicodedata
from dataclasses import dataclass

from .serializers import OtherKey, Symbol
from .serializers.ruby_objects import regexp


@dataclass(frozen=True)
class Regexp:
    """A Ruby Regexp.

    :ivar source: between the slashes, as written.
    :ivar flags: those of "imx" that are set, in this order.
    """

    source: str
    flags: str = ""


@dataclass(frozen=True)
class RubyClass:
    """A Ruby class that a DDL names, as in ``:type => Array``."""

    name: str


LONGEST = 10_000
"""Characters of a text that :func:`inspect` makes."""

_EVERY = ("Object", "BasicObject", "Kernel")
ANCESTORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("String", "Symbol"), ("Comparable", *_EVERY)),
    **dict.fromkeys(("Integer", "Float"), ("Numeric", "Comparable", *_EVERY)),
    **dict.fromkeys(("Array", "Hash"), ("Enumerable", *_EVERY)),
    **dict.fromkeys(("Regexp", "NilClass", "TrueClass", "FalseClass"), _EVERY),
}
"""The classes of values, and the further classes and modules that these values are of."""

MODULES = ("Comparable", "Enumerable", "Kernel")
"""Modules are not classes: ``:type => Comparable`` checks nothing (MC:validator.rb, validate)."""

CLASSES = frozenset(ANCESTORS).union(*ANCESTORS.values())
"""The constants that a DDL can name."""

_CLASSES: dict[type, str] = {
    **{type(None): "NilClass", Symbol: "Symbol", str: "String", bytes: "String", int: "Integer"},
    **{float: "Float", list: "Array", tuple: "Array", dict: "Hash", Regexp: "Regexp"},
}


def class_name(value: t.Any) -> str:
    """Return the name of a value's Ruby class, or "Object" if it has none of those here."""
    if isinstance(value, bool):
        return "TrueClass" if value else "FalseClass"
    return next((_CLASSES[kind] for kind in type(value).__mro__ if kind in _CLASSES), "Object")


def ancestry(value: t.Any) -> tuple[str, ...]:
    """Return the names of all classes and modules that a value is of."""
    own = class_name(value)
    return (own, *ANCESTORS.get(own, _EVERY))


def is_string(value: t.Any) -> bool:
    """Return True for a String of Ruby that is text."""
    return isinstance(value, str) and not isinstance(value, Symbol)


def is_number(value: t.Any) -> bool:
    """Return True for an Integer or a Float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def truthy(value: t.Any) -> bool:
    """Return True unless a value is nil or false: 0 and the empty String are true in Ruby."""
    return value is not None and value is not False


def equal(left: t.Any, right: t.Any) -> bool:
    """Compare as Ruby's ``==`` does: 1 equals 1.0, :a does not equal "a"."""
    return _form(left, exact=False) == _form(right, exact=False)


def same_key(left: t.Any, right: t.Any) -> bool:
    """Compare as Ruby's ``eql?`` does, by which a Hash finds its keys: 1 is not the key 1.0."""
    return key_form(left) == key_form(right)


def key_form(value: t.Any) -> tuple[str, t.Hashable]:
    """Return a form that two values share if they are ``eql?``."""
    return _form(value, exact=True)


def _form(value: t.Any, *, exact: bool) -> tuple[str, t.Hashable]:
    form, kind = value, class_name(value)
    if isinstance(value, (list, tuple)):
        form = tuple(_form(item, exact=exact) for item in value)
    elif isinstance(value, dict):
        form = frozenset((key_form(key), _form(item, exact=exact)) for key, item in value.items())
    elif isinstance(value, bytes) and value.isascii():
        form = value.decode("ascii")  # Such a String is equal in any encoding.
    elif kind in ("Integer", "Float"):
        form, kind = _number(value), kind if exact else "Numeric"
    return kind, form


def _number(value: int | float) -> str:
    """Return a text that equal numbers share. Whoever sends numbers can choose their hashes, but not those of texts."""
    whole = isinstance(value, int) or value.is_integer()
    return hex(int(value)) if whole else float(value).hex()


def to_s(value: t.Any) -> str:
    """Return a value as ``"#{value}"`` shows it."""
    if value is None or isinstance(value, Symbol):
        return "" if value is None else value.name
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Regexp):
        off = "".join(flag for flag in "mix" if flag not in value.flags)
        on = "".join(flag for flag in "mix" if flag in value.flags)
        return f"(?{on}{'-' if off else ''}{off}:{regexp(value.source, 0)[1:-1]})"
    return inspect(value)


def inspect(value: t.Any) -> str:
    """Return a value as Ruby writes it inside of an Array. A text of more than :data:`LONGEST` characters is cut and ends
    in "...". Links can make values whose whole text would fill the memory."""
    shown = ""
    for piece in _pieces(value):
        shown += piece
        if len(shown) > LONGEST:
            return f"{shown[: LONGEST - 3]}..."
    return shown


def _pieces(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, OtherKey):
        value = value.value
    if isinstance(value, (list, tuple)):
        yield "["
        for at, item in enumerate(value):
            yield ", " if at else ""
            yield from _pieces(item)
        yield "]"
    elif isinstance(value, dict):
        # As up to Ruby 3.3, the last that MCollective is known to run on.
        yield "{"
        for at, (key, item) in enumerate(value.items()):
            yield ", " if at else ""
            yield from _pieces(key)
            yield "=>"
            yield from _pieces(item)
        yield "}"
    else:
        yield _single(value)


def _single(value: t.Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Symbol):
        plain = _PLAIN_SYMBOL.fullmatch(value.name)
        return f":{value.name}" if plain else f":{_quoted(value.name)}"
    if isinstance(value, (str, bytes)):
        return _quoted(to_s(value))
    if isinstance(value, Regexp):
        return regexp(value.source, 0) + "".join(flag for flag in "mix" if flag in value.flags)
    return value.name if isinstance(value, RubyClass) else str(value)


_PLAIN_SYMBOL = re.compile(r"(?:@@?|\$)?[^\W\d]\w*|[^\W\d]\w*[?!=]|[-+*/%<>!~]|\[\]=?|[=<>]=")
_NEVER_SHOWN = ("Cc", "Cn", "Cs", "Zl", "Zp")
"""The Unicode categories of characters that Ruby escapes."""

_ESCAPES = {
    **{"\n": "\\n", "\t": "\\t", "\r": "\\r", "\f": "\\f", "\v": "\\v", "\a": "\\a", "\b": "\\b"},
    **{"\x1b": "\\e", '"': '\\"', "\\": "\\\\"},
}


def _quoted(text: str) -> str:
    text = text[: LONGEST + 1]
    shown = (_escaped(char, text[at + 1 : at + 2]) for at, char in enumerate(text))
    return f'"{"".join(shown)}"'


def _escaped(char: str, following: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == "#" and following and following in "{$@":
        return "\\#"
    if unicodedata.category(char) not in _NEVER_SHOWN or char == "\x85":
        return char
    code = ord(char)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\u{{{code:X}}}"


def _float_text(value: float) -> str:
    """Return a Float as Ruby writes it: 1.0e+20, 0.0001, Infinity."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    mantissa, exponent, power = repr(value).partition("e")
    if not exponent and abs(value) >= 1e15:
        digits = mantissa.lstrip("-").replace(".", "").rstrip("0").ljust(2, "0")
        mantissa, exponent, power = f"{'-' * (value < 0)}{digits[0]}.{digits[1:]}", "e", "+15"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"


def integer_prefix(text: str) -> int:
    """Return the number that a String begins with, else 0, as Ruby's String#to_i does."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?\d+(?:_\d+)*)", text[:400], re.ASCII)
    return int(match[1].replace("_", "")) if match else 0
