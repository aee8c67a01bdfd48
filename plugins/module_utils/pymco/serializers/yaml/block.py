# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The quick way to read the YAML that nodes usually send.

Psych writes a Hash as one "key: value" to a line, an Array as one "- item" to a line, and the body
in an envelope as a literal block. One regular expression finds all of these in a document. A
document that has anything else is :class:`Unusual` and left to libyaml. Both give the same value, as
tests and the fuzzer check. The quick way takes a seventh of the time.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ... import exc
from ..base import KEPT, LONGEST_NAME, SHORT, Symbol
from .scalars import LONGEST_WORD, plain_scalar

MAX_SIZE = 65536
"""Bytes; libyaml reads larger documents, with bounds for what they hold."""
DEPTH = 50
"""Levels."""

_ROW = re.compile(
    # The indentation; an item's dash or a key; then a literal block, or the rest of the line.
    rf"^( *)(?:-|(:?[A-Za-z_][\w.\-]{{0,{LONGEST_NAME - 1}}}):)(?: |(?=\n))"
    r"(?:\|(-?)\n(\1  [^ \n][^\n]*\n(?:\1  [^\n]*\n|\n)*)|([^\n]*)\n)",
    re.ASCII | re.MULTILINE,
)
_PLAIN = re.compile(
    "[A-Za-z0-9\xa0-\U0010ffff](?:[\\w./+@()=;,\xa0-\U0010ffff-]| (?=[^ #])|:(?=[^ ]))*"
)
_WORD = re.compile(r"[A-Za-z][\w.\-]*", re.ASCII)
"""What can be nothing but a String, or one of Psych's words."""
_SYMBOL = re.compile(r":[A-Za-z_]\w*", re.ASCII)
_WORDS = frozenset(("yes", "no", "true", "false", "on", "off", "null"))
"""Keys that are no Strings."""
_ODD = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class Unusual(Exception):
    """The document is not in the form that is read here. That says nothing against it."""


def load(payload: bytes) -> t.Any:
    """Return the value of a document.

    :raises Unusual: libyaml has to read it.
    """
    if len(payload) > MAX_SIZE:
        raise Unusual
    try:
        text = payload.decode("utf-8")
        if _is_odd(text):
            raise Unusual
        if text.startswith("---\n") and text.endswith("\n"):
            return _mapping(text)
        if text.startswith("--- ") and text.find("\n") in (-1, len(text) - 1):
            return _value(text[4:].rstrip("\n"))
    except (UnicodeDecodeError, exc.DecodingError):
        pass
    raise Unusual


def _mapping(text: str) -> dict[t.Any, t.Any]:
    """Return the mapping that stands below the first line."""
    found: dict[t.Any, t.Any] = {}
    mapping, indent, key = found, 0, None
    outer: list[tuple[dict[t.Any, t.Any], int]] = []
    lines = 1
    for pad, name, strip, block, scalar in _ROW.findall(text, 4):
        lines += 1
        place = len(pad)
        if place > indent:
            if key is None or mapping[key] is not None or len(outer) >= DEPTH - 1:
                raise Unusual
            outer.append((mapping, indent))
            mapping[key] = mapping = {}
            indent, key = place, None
        while place < indent:
            mapping, indent = outer.pop()
            key = None
            if place > indent:
                raise Unusual
        value = None
        if block:
            lines += block.count("\n")
            value = block[place + 2 :].replace(f"\n{pad}  ", "\n").rstrip("\n") + "\n"[len(strip) :]
        elif scalar:
            value = _value(scalar)
        if name:
            key = _key(name)
            mapping[key] = value
            if block or scalar:
                key = None
        elif key is None:
            raise Unusual
        elif mapping[key] is None:
            mapping[key] = [value]
        else:
            mapping[key].append(value)
    if not found or lines != text.count("\n"):
        raise Unusual
    return found


@functools.lru_cache(KEPT)
def _key(name: str) -> str:
    if name[0] == ":":
        return Symbol(name[1:])
    if name.lower() in _WORDS:
        raise Unusual
    return name


def _value(text: str) -> t.Any:
    """Return the value of a line, which may be an empty mapping or sequence."""
    if len(text) > SHORT:
        return _scalar(text)
    if text == "{}":
        return {}
    return [] if text == "[]" else _kept_scalar(text)


def _scalar(text: str) -> t.Any:
    if text.isdigit() and len(text) < 16 and text.isascii() and (text[0] != "0" or text == "0"):
        return int(text)
    if _WORD.fullmatch(text):
        return plain_scalar(text) if len(text) <= LONGEST_WORD else text
    quote = text[:1]
    if quote in ("'", '"'):
        return _quoted(text, quote)
    if _PLAIN.fullmatch(text) or _SYMBOL.fullmatch(text):
        return plain_scalar(text)
    raise Unusual


def _quoted(text: str, quote: str) -> str:
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != quote or quote in inner:
        raise Unusual
    escapes = inner.count("\\") if quote == '"' else 0
    if not escapes:
        return inner
    # "--- pong\n", the body of an answer to a ping.
    if escapes != inner.count("\\n"):
        raise Unusual
    return inner.replace("\\n", "\n")


_kept_scalar = functools.lru_cache(KEPT)(_scalar)


def _is_odd(text: str) -> bool:
    """Return True if it has tabs, line breaks of other kinds, or what libyaml refuses."""
    if text.isascii():
        return not text.replace("\n", "").isprintable()
    return _ODD.search(text) is not None
