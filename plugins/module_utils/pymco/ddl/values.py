# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's values as a DDL can hold them: their text, and when two of them are equal.

They are None, bool, int, float, str, bytes, list, dict, :class:`.serializers.Symbol` and the
classes here. While a DDL is being evaluated, its Strings are :class:`Text`.
"""

from __future__ import annotations

import decimal
import math
import re
import typing as t
import unicodedata
from dataclasses import dataclass

from ..serializers import Symbol
from ..serializers.ruby_objects import regexp


class Refused(Exception):
    """Ruby or MCollective would raise an error here, or it is beyond what is understood here."""


class Void:
    """What a word of a DDL, such as ``input``, leaves behind: nothing that a DDL could use."""


VOID = Void()


@dataclass(frozen=True)
class Text:
    """A Ruby String while a DDL is being evaluated; unlike a str it never equals a Symbol."""

    value: str


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


@dataclass(frozen=True)
class Range:
    """A Ruby Range."""

    first: t.Any
    last: t.Any
    exclusive: bool = False


ANCESTORS = {
    "String": ("Comparable", "Object", "BasicObject", "Kernel"),
    "Symbol": ("Comparable", "Object", "BasicObject", "Kernel"),
    "Integer": ("Numeric", "Comparable", "Object", "BasicObject", "Kernel"),
    "Float": ("Numeric", "Comparable", "Object", "BasicObject", "Kernel"),
    "Array": ("Enumerable", "Object", "BasicObject", "Kernel"),
    "Hash": ("Enumerable", "Object", "BasicObject", "Kernel"),
    "Range": ("Enumerable", "Object", "BasicObject", "Kernel"),
    "NilClass": ("Object", "BasicObject", "Kernel"),
    "TrueClass": ("Object", "BasicObject", "Kernel"),
    "FalseClass": ("Object", "BasicObject", "Kernel"),
    "Regexp": ("Object", "BasicObject", "Kernel"),
    "Class": ("Module", "Object", "BasicObject", "Kernel"),
}
MODULES = ("Comparable", "Enumerable", "Kernel")
"""No classes: ``:type => Comparable`` checks nothing (MC:validator.rb, validate)."""

_CLASSES: tuple[tuple[type, str], ...] = (
    (Symbol, "Symbol"),  # before str, which it is to Python
    (str, "String"),
    (Text, "String"),
    (bytes, "String"),
    (int, "Integer"),
    (float, "Float"),
    (list, "Array"),
    (tuple, "Array"),
    (dict, "Hash"),
    (Range, "Range"),
    (Regexp, "Regexp"),
    (RubyClass, "Class"),
)


def class_name(value: t.Any) -> str:
    """The name of a value's Ruby class; for something that is no such value, "Object"."""
    if value is None or isinstance(value, bool):
        return {None: "NilClass", True: "TrueClass", False: "FalseClass"}[value]
    return next((name for kind, name in _CLASSES if isinstance(value, kind)), "Object")


def is_a(value: t.Any, name: str) -> bool:
    """Whether a value is of the class or module of this name."""
    own = class_name(value)
    return name == own or name in ANCESTORS.get(own, ("Object", "BasicObject", "Kernel"))


def truthy(value: t.Any) -> bool:
    """Ruby's idea of it: 0 and the empty String are true."""
    return value is not None and value is not False


def equal(left: t.Any, right: t.Any) -> bool:
    """Ruby's ``==``: 1 equals 1.0, :a does not equal "a", true does not equal 1."""
    kinds = {class_name(left), class_name(right)}
    if len(kinds) > 1 and not kinds <= {"Integer", "Float"}:
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return _equal_hashes(left, right)
    if isinstance(left, bytes) != isinstance(right, bytes):
        plain = _as_ascii(left)
        return plain is not None and plain == _as_ascii(right)
    return bool(left == right)


def _equal_hashes(left: dict[t.Any, t.Any], right: dict[t.Any, t.Any]) -> bool:
    if len(left) != len(right):
        return False
    others = {key_form(key): value for key, value in right.items()}
    forms = ((key_form(key), value) for key, value in left.items())
    return all(form in others and equal(value, others[form]) for form, value in forms)


def _as_ascii(value: t.Any) -> str | None:
    """A String that is equal in any encoding; None for others."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text if text.isascii() else None


def same_key(left: t.Any, right: t.Any) -> bool:
    """Ruby's ``eql?``, by which a Hash finds its keys: 1 is not the key 1.0."""
    return bool(key_form(left) == key_form(right))


def key_form(value: t.Any) -> tuple[str, t.Hashable]:
    """What two values have in common, and can be found by, if they are ``eql?``."""
    form = value
    if isinstance(value, (list, tuple)):
        form = tuple(map(key_form, value))
    elif isinstance(value, dict):
        form = frozenset((key_form(key), key_form(item)) for key, item in value.items())
    elif isinstance(value, Range):
        form = (key_form(value.first), key_form(value.last), value.exclusive)
    elif isinstance(value, bytes):
        plain = _as_ascii(value)
        form = value if plain is None else plain
    return class_name(value), form


def to_s(value: t.Any) -> str:
    """A value as ``"#{value}"`` shows it."""
    if value is None:
        return ""
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, Text):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Regexp):
        off = "".join(flag for flag in "mix" if flag not in value.flags)
        on = "".join(flag for flag in "mix" if flag in value.flags)
        return f"(?{on}{'-' if off else ''}{off}:{regexp(value.source, 0)[1:-1]})"
    if isinstance(value, Range):
        return f"{to_s(value.first)}{'...' if value.exclusive else '..'}{to_s(value.last)}"
    return inspect(value)


def inspect(value: t.Any) -> str:
    """A value as Ruby writes it inside of an Array."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Symbol):
        plain = _PLAIN_SYMBOL.fullmatch(value.name)
        return f":{value.name}" if plain else f":{_quoted(value.name)}"
    if isinstance(value, (str, Text, bytes)):
        return _quoted(to_s(value))
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(inspect, value))}]"
    if isinstance(value, dict):
        # As up to Ruby 3.3, the last that MCollective is known to run on.
        return f"{{{', '.join(f'{inspect(k)}=>{inspect(v)}' for k, v in value.items())}}}"
    if isinstance(value, RubyClass):
        return value.name
    if isinstance(value, Regexp):
        return regexp(value.source, 0) + "".join(flag for flag in "mix" if flag in value.flags)
    if isinstance(value, Range):
        return f"{inspect(value.first)}{'...' if value.exclusive else '..'}{inspect(value.last)}"
    return str(value)


_PLAIN_SYMBOL = re.compile(
    r"[^\W\d]\w*[?!=]?|(?:@@?|\$)[^\W\d]\w*|\[\]=?|\*\*|<=>|===?|=~|![=~]?|<<|>>|<=|>=|[+-]@"
    r"|[-+*/%<>~^&|`]"
)
_NEVER_SHOWN = ("Cc", "Cn", "Cs", "Zl", "Zp")
"""The Unicode categories of characters that Ruby escapes."""


_ESCAPES = {
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\f": "\\f",
    "\v": "\\v",
    "\a": "\\a",
    "\b": "\\b",
    "\x1b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
}


def _quoted(text: str) -> str:
    return (
        '"' + "".join(_escaped(char, text[at + 1 : at + 2]) for at, char in enumerate(text)) + '"'
    )


def _escaped(char: str, following: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == "#" and following and following in "{$@":
        return "\\#"
    if unicodedata.category(char) not in _NEVER_SHOWN or char == "\x85":
        return char
    code = ord(char)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\u{{{code:X}}}"


def float_text(value: float) -> str:
    """A Float as Ruby writes it: 1.0e+20, 0.0001, Infinity."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    sign, numbers, exponent = decimal.Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, numbers))
    point = len(digits) + int(exponent)
    digits = digits.rstrip("0") or "0"
    minus = "-" if sign else ""
    if value == 0:
        return f"{minus}0.0"
    if not -4 < point <= 15:
        power = point - 1
        return f"{minus}{digits[0]}.{digits[1:] or '0'}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    return f"{minus}{digits[:point].ljust(point, '0')}.{digits[point:] or '0'}"


def integer_prefix(text: str) -> int:
    """Ruby's String#to_i: the number that a String begins with, else 0."""
    digits = _prefix(text.lstrip(" \t\n\v\f\r"), "0123456789")
    return int(digits.replace("_", "")) if digits not in ("", "+", "-") else 0


def _prefix(text: str, allowed: str) -> str:
    taken = ""
    for at, char in enumerate(text[:400]):
        after_digit = taken[-1:].isdigit()
        joint = char == "_" and after_digit and text[at + 1 : at + 2] in tuple(allowed)
        if not (char in allowed or joint or (char in "+-" and at == 0)):
            break
        taken += char
    return taken
