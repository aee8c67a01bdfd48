# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""JSON that comes from strangers, and JSON that goes to nodes.

If an object has a key twice, the last value counts, as in the readers of Go and Ruby. Nothing is read a second
time by another reader, so what is checked is what is used. Only a token must not have a key twice
(:func:`read_unique`): others who decide by it may take the first one.
"""

from __future__ import annotations

import json
import math
import re
import sys
import typing as t

from . import exc
from .serializers import Symbol
from .serializers.base import MAX_DEPTH, MAX_VALUES, TOO_MUCH

MAX_DIGITS = 4300
"""Digits of an integer. Newer versions of Python read and print no others unless they are told otherwise."""
_MOST_BITS = 14_285
"""No larger integer has so few digits."""
_SPACE = " \t\n\r"
_MANY = 2 * MAX_VALUES
"""Characters. A value takes two at least."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNKNOWN = "\ufffd"

_Scanner = t.Callable[[str, int], tuple[t.Any, int]]
"""Reads the value that begins at an index of a text, and returns it and the index where it ends."""
_Where = tuple[t.Union[str, int], ...]


# -- reading ---------------------------------------------------------------------------------------


def read(payload: bytes) -> t.Any:
    """Return the plain data that JSON stands for: None, bool, int, float, str, list and dict.

    A text can always be written in UTF-8: half of a surrogate pair becomes U+FFFD, as in Go. The caller bounds
    the size.

    :raises exc.DecodingError: it is not JSON in UTF-8, or exceeds the bounds of :mod:`.serializers.base`.
    """
    try:
        return _read(str(payload, "utf-8"), _scan)
    except UnicodeDecodeError:
        raise exc.DecodingError("it is not in UTF-8") from None


def read_text(text: str) -> t.Any:
    """Do as :func:`read` does, with a text. It may come from an outer document."""
    if not text.isascii() and _SURROGATES.search(text):
        raise exc.DecodingError("it is not Unicode")
    return _read(text, _scan)


def read_outer(payload: bytes) -> t.Any:
    """Do as :func:`read` does, but do not look at the depth and at surrogates.

    It is for a document of which single fields are used, each of them checked by its user. That is four fifths of
    what a reply consists of, since documents are in each other.
    """
    try:
        return _value(payload.decode(), _scan)
    except UnicodeDecodeError:
        raise exc.DecodingError("it is not in UTF-8") from None


def read_outer_text(text: str) -> t.Any:
    """Do as :func:`read_outer` does, with a text."""
    return _value(text, _scan)


def read_unique(payload: bytes) -> t.Any:
    """Do as :func:`read` does, but refuse objects that have a key twice."""
    try:
        return _read(str(payload, "utf-8"), _scan_unique)
    except UnicodeDecodeError:
        raise exc.DecodingError("it is not in UTF-8") from None


def _read(text: str, scan: _Scanner) -> t.Any:
    value = _value(text, scan)
    # A level takes two characters at least.
    if len(text) > 2 * MAX_DEPTH and text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    if "\\" in text and ("\\ud" in text or "\\uD" in text):
        value = mended(value)
    return value


def _value(text: str, scan: _Scanner) -> t.Any:
    if len(text) > _MANY:
        _check_count(text)
    try:
        value, end = scan(text, 0)
    except RecursionError:
        raise exc.DecodingError(TOO_MUCH) from None
    except (StopIteration, ValueError):
        if text and text[0] in _SPACE:
            return _value(text.lstrip(_SPACE), scan)
        raise exc.DecodingError("it is not JSON, or has an integer that is too large") from None
    if end != len(text) and text[end:].strip(_SPACE):
        raise exc.DecodingError("something follows the JSON")
    return value


def _check_count(text: str) -> None:
    """Refuse too many values before any memory is taken for them."""
    # Without escapes, every second part between quotes is outside of strings.
    outside = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    if outside.count(",") + outside.count("{") + outside.count("[") > MAX_VALUES:
        raise exc.DecodingError(TOO_MUCH)


def is_integer(value: t.Any) -> bool:
    """Return True for an integer. In Python, unlike JSON, true is one."""
    return isinstance(value, int) and not isinstance(value, bool)


def _check_depth(value: t.Any) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _depth in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise exc.DecodingError(TOO_MUCH)


def mended(value: t.Any) -> t.Any:
    """Return plain data without halves of surrogate pairs: each becomes U+FFFD."""
    if isinstance(value, str):
        return _SURROGATES.sub(_UNKNOWN, value)
    if isinstance(value, list):
        return [mended(item) for item in value]
    if isinstance(value, dict):
        return {mended(key): mended(item) for key, item in value.items()}
    return value


def _integer(digits: str) -> int:
    # Python would take quadratic time for them.
    if len(digits) > MAX_DIGITS + digits.startswith("-"):
        raise ValueError
    return int(digits)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise exc.DecodingError("refused: a number that is too large")
    return number


def _constant(name: str) -> t.Any:
    raise exc.DecodingError(f"refused: {name} is not JSON")


def _unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise exc.DecodingError("refused: an object has a key twice")
    return found


def _scanner(**more: t.Any) -> _Scanner:
    limit = getattr(sys, "get_int_max_str_digits", lambda: 0)()
    decoder: t.Any = json.JSONDecoder(
        parse_int=None if 0 < limit <= MAX_DIGITS else _integer,
        parse_float=_float,
        parse_constant=_constant,
        **more,
    )
    return t.cast("_Scanner", decoder.scan_once)


_scan, _scan_unique = _scanner(), _scanner(object_pairs_hook=_unique)


# -- writing ---------------------------------------------------------------------------------------

_TOO_LARGE = f"an integer of more than {MAX_DIGITS} digits"
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def write(value: t.Any) -> str:
    """Return plain data as compact JSON. A Symbol becomes its name, as key and as value.

    :raises exc.SerializationError: JSON has no form for a value; the message tells where it is.
    """
    try:
        return _ENCODER.encode(_plain(value, ()))
    except ValueError:
        raise _refused((), _TOO_LARGE) from None


def _plain(value: t.Any, where: _Where) -> t.Any:
    if isinstance(value, Symbol):
        value = value.name
    if isinstance(value, str):
        return _text(value, where)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise _refused(where, _TOO_LARGE)
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(where, f"the number {value}")
        return value
    if len(where) >= MAX_DEPTH and isinstance(value, (list, tuple, t.Mapping)):
        raise _refused(where[:3], f"more than {MAX_DEPTH} levels")
    if isinstance(value, (list, tuple)):
        return [_plain(item, (*where, number)) for number, item in enumerate(value)]
    if isinstance(value, t.Mapping):
        return _object(value, where)
    words = "bytes that are no text" if isinstance(value, bytes) else f"a {type(value).__name__}"
    raise _refused(where, words)


def _object(value: t.Mapping[t.Any, t.Any], where: _Where) -> dict[str, t.Any]:
    found = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _refused(where, f"the key {key!r}, which is no text")
        name = key.name if isinstance(key, Symbol) else _text(key, where)
        if name in found:
            raise _refused(where, f"the key {name!r} twice")
        found[name] = _plain(item, (*where, name))
    return found


def _text(text: str, where: _Where) -> str:
    if not text.isascii() and _SURROGATES.search(text):
        raise _refused(where, "a text that is not Unicode")
    return str(text)


def _refused(where: _Where, words: str) -> exc.SerializationError:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    at = f" at {place.lstrip('.')}" if place else ""
    return exc.SerializationError(f"JSON has no form for {words}{at}")
