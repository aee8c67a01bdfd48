# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's ``format``, also known as ``sprintf`` and as ``String#%``."""

from __future__ import annotations

import math
import re
import typing as t

from ..serializers import Symbol
from . import values

MAX_WIDTH = 10_000
"""How wide a field may be. It is there for people to read."""

MAX_LENGTH = 2**20
"""How many characters may come of one template."""

_DIRECTIVE = re.compile(
    r"%(?:(?P<position>\d+)\$)?(?P<flags>[-+ 0#]*)(?:<(?P<name>[^>]*)>)?(?P<more>[-+ 0#]*)"
    r"(?P<width>\*|\d+)?(?P<dot>\.(?P<precision>\*|\d*))?"
    r"(?:<(?P<late>[^>]*)>|\{(?P<braced>[^}]*)\})?(?P<type>[A-Za-z%\n\0]|\Z|(?<=\})|.)?",
    re.DOTALL,
)


class FormatError(ValueError):
    """The format and what it is to show do not fit, or it is beyond what is supported here."""


def sprintf(template: str, arguments: t.Sequence[t.Any]) -> str:
    """Fill in a template. Arguments left over are ignored, as in Ruby.

    :raises FormatError: Ruby would refuse it, or it is not known here what Ruby would do.
    """
    source = _Arguments(arguments)
    out: list[str] = []
    at = length = 0
    while length <= MAX_LENGTH:
        start = template.find("%", at)
        if start < 0:
            return "".join([*out, template[at:]])
        out.append(template[at:start])
        match = _DIRECTIVE.match(template, start)
        if match is None:
            raise FormatError(f"{template!r} has a malformed field")
        text, at = _field(match, source)
        out.append(text)
        length += len(text)
    raise FormatError(f"more than {MAX_LENGTH} characters")


class _Arguments:
    """What a template takes its values from, in turn or by name."""

    def __init__(self, arguments: t.Sequence[t.Any]) -> None:
        self._all = arguments
        self._next = 0
        self._numbered: bool | None = None

    def take(self, position: str | None) -> t.Any:
        self._numbered = bool(position) if self._numbered is None else self._numbered
        if self._numbered != bool(position):
            raise FormatError("fields with and without a number")
        index = int(position) - 1 if position else self._next
        self._next += not position
        if not 0 <= index < len(self._all):
            raise FormatError("too few arguments")
        return self._all[index]

    def named(self, name: str) -> t.Any:
        table = self._all[0] if len(self._all) == 1 else None
        if not isinstance(table, dict) or Symbol(name) not in table:
            raise FormatError(f"key<{name}> not found")
        return table[Symbol(name)]

    def size(self, text: str | None) -> int | None:
        if not text:
            return None
        size = self.take(None) if text == "*" else int(text)
        if not isinstance(size, int) or not 0 <= size <= MAX_WIDTH:
            raise FormatError(f"a field cannot be {size} wide")
        return size


def _field(match: re.Match[str], source: _Arguments) -> tuple[str, int]:
    """The text of one field, and where the template goes on."""
    part = match.groupdict()
    flags = part["flags"] + part["more"]
    if part["braced"] is not None:
        text = _padded(values.to_s(source.named(part["braced"])), flags, source.size(part["width"]))
        return text, match.end("braced") + 1
    kind = part["type"] or ""
    if kind in ("%", "\n", "\0") and match.end() - match.start() == 2:
        return "%" if kind == "%" else "%" + kind, match.end()
    width = source.size(part["width"])
    precision = (source.size(part["precision"]) or 0) if part["dot"] else None
    name = part["name"] if part["name"] is not None else part["late"]
    if kind not in _CONVERSIONS:
        raise FormatError(f"malformed format string - %{kind or '(end)'}")
    value = source.named(name) if name is not None else source.take(part["position"])
    return _CONVERSIONS[kind](value, kind, flags, width, precision), match.end()


def _padded(text: str, flags: str, width: int | None) -> str:
    return text.ljust(width or 0) if "-" in flags else text.rjust(width or 0)


def _string(value: t.Any, kind: str, flags: str, width: int | None, precision: int | None) -> str:
    text = values.inspect(value) if kind == "p" else values.to_s(value)
    return _padded(text[:precision], flags, width)


def _char(value: t.Any, kind: str, flags: str, width: int | None, precision: int | None) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str, values.Text)):
        raise FormatError(f"%c cannot show {values.inspect(value)}")
    if isinstance(value, int) and not 0 <= value <= 0xD7FF:
        raise FormatError(f"%c of {value} is not supported here")
    text = chr(value) if isinstance(value, int) else values.to_s(value)
    if len(text) != 1:
        raise FormatError("%c requires a character")
    return _padded(text, flags, width)


def _integer(value: t.Any, kind: str, flags: str, width: int | None, precision: int | None) -> str:
    number = _to_integer(value)
    base = {"d": "d", "i": "d", "u": "d", "B": "b"}.get(kind, kind)
    if base != "d" and (number < 0 or "#" in flags):
        raise FormatError(f"%{flags}{kind} of {number} is not supported here")
    digits = format(abs(number), base).rjust(precision or 0, "0")
    return _signed(digits, number < 0, flags, width, zero_fill=precision is None)


def _to_integer(value: t.Any) -> int:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FormatError(f"{values.float_text(value)} is no integer")
        return int(value)
    if isinstance(value, (str, values.Text)) and not isinstance(value, Symbol):
        return int(_number_text(values.to_s(value), r"[+-]?\d+"))
    if isinstance(value, bool) or not isinstance(value, int):
        raise FormatError(f"can't convert {values.class_name(value)} into Integer")
    return value


def _number_text(text: str, pattern: str) -> str:
    """A String that is a decimal number; others, such as "0x1f" and "010", are not judged here."""
    stripped = text.strip(" \t\n\v\f\r").replace("_", "")
    if re.fullmatch(pattern, stripped, re.ASCII) is None or re.match(r"[+-]?0\d", stripped):
        raise FormatError(f"invalid value for a number: {values.inspect(text)}")
    return stripped


def _signed(digits: str, negative: bool, flags: str, width: int | None, zero_fill: bool) -> str:
    sign = "-" if negative else "+" if "+" in flags else " " if " " in flags else ""
    if "0" in flags and "-" not in flags and zero_fill:
        return sign + digits.rjust((width or 0) - len(sign), "0")
    return _padded(sign + digits, flags, width)


def _float(value: t.Any, kind: str, flags: str, width: int | None, precision: int | None) -> str:
    number = _to_float(value)
    if isinstance(number, float) and not math.isfinite(number):
        digits = "NaN" if math.isnan(number) else "Inf"
        return _signed(digits, number < 0, flags, width, zero_fill=False)
    places = 6 if precision is None else precision
    if isinstance(number, int) and kind == "f":
        # Exact however large, which a float is not.
        digits = f"{abs(number)}{'.' if places or '#' in flags else ''}{'0' * places}"
        return _signed(digits, number < 0, flags, width, zero_fill=True)
    try:
        number = float(number)
    except OverflowError:
        raise FormatError(f"%{kind} of a number that large is not supported here") from None
    negative = str(number).startswith("-")
    digits = f"%{'#' if '#' in flags else ''}.{places}{kind}" % abs(number)
    return _signed(digits, negative, flags, width, zero_fill=True)


def _to_float(value: t.Any) -> int | float:
    if isinstance(value, (str, values.Text)) and not isinstance(value, Symbol):
        return float(_number_text(values.to_s(value), r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FormatError(f"can't convert {values.class_name(value)} into Float")
    return value


_Conversion = t.Callable[[t.Any, str, str, t.Optional[int], t.Optional[int]], str]
_CONVERSIONS: dict[str, _Conversion] = {
    **dict.fromkeys("sp", _string),
    **dict.fromkeys("diuxXobB", _integer),
    **dict.fromkeys("feEgG", _float),
    "c": _char,
}
