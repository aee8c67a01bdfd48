# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A quick reader for the YAML that nodes usually send, beside the one that reads all of it.

Psych writes a Hash as one "key: value" to a line, an Array as one "- item" to a line, and the body
inside an envelope as a literal block. To read that takes a regular expression for each line, a
fifth of what libyaml with Python's constructors takes. Whatever looks different in any way is
:class:`Unusual` and left to the other reader (:mod:`.yaml`), with which this one always agrees:
tests and the fuzzer hold it to that.
"""

from __future__ import annotations

import re
import typing as t

from .base import LONGEST_NAME, symbol_of, text_of
from .psych import LONGEST_WORD, plain_scalar

MAX_SIZE = 65536
"""Bytes; larger documents are left to the other reader, which bounds what they hold."""
DEPTH = 50
"""Levels."""

_PAIR = re.compile(
    # A key, a value on its line, and the lines below it that are indented, empty, or items.
    r"(:?)([A-Za-z_][\w.\-]*):(?: ([^\n]*))?\n((?:(?: [^\n]*|-[^\n]*)?\n)*)",
    re.ASCII,
)
_ROW = re.compile(
    rf"^( *)(:?)([A-Za-z_][\w.\-]{{0,{LONGEST_NAME - 1}}}):(?: ((?![|>])[^\n]*))?\n",
    re.ASCII | re.MULTILINE,
)
"""A line that is a key, with a value or without."""
_LITERAL = re.compile(r"  (?=[^ \n])[^\n]*\n(?:  [^\n]*\n|\n)*")
_NESTED = re.compile(r"( {1,8})(?! )[^\n]*\n(?:\1[^\n]*\n|\n)*")
_ITEMS = re.compile(r"(?:- [^\n]*\n)+")
_PLAIN = re.compile(
    "[A-Za-z0-9\xa0-\U0010ffff](?:[\\w./+@()=;,\xa0-\U0010ffff-]| (?=[^ #])|:(?=[^ ]))*"
)
_WORD = re.compile(r"[A-Za-z][\w.\-]*", re.ASCII)
"""What can be nothing but a String, or one of Psych's words."""
_SYMBOL = re.compile(r":[A-Za-z_]\w*", re.ASCII)
_KEYED = re.compile(r":?[A-Za-z_][\w.\-]*:(?: |$)", re.ASCII)
_WORDS = frozenset(("yes", "no", "true", "false", "on", "off", "null"))
"""Keys that are no Strings."""
_ODD = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class Unusual(Exception):
    """The text is not in the form that is read here. That says nothing against it."""


def load(payload: bytes) -> t.Any:
    """The value of a document.

    :raises Unusual: leave it to the other reader.
    """
    if len(payload) > MAX_SIZE:
        raise Unusual
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Unusual from None
    if _is_odd(text):
        raise Unusual
    if text.startswith("---\n") and text.endswith("\n"):
        value = None if ": |" in text else _pairs_only(text)
        value = value or _mapping(text[4:], DEPTH)
        if not value:
            raise Unusual
        return value
    if text.startswith("--- ") and text.find("\n") in (-1, len(text) - 1):
        return _scalar(text[4:].rstrip("\n"))
    raise Unusual


def _pairs_only(text: str) -> dict[t.Any, t.Any] | None:
    """A mapping of nothing but keys with values on their lines, and mappings of such, all found at
    once; None if there is anything else in it."""
    rows = _ROW.findall(text, 4)
    if len(rows) != text.count("\n") - 1:
        return None
    found: dict[t.Any, t.Any] = {}
    mapping, indent, open_key = found, 0, None
    outer: list[tuple[dict[t.Any, t.Any], int]] = []
    for pad, colon, name, value in rows:
        place = len(pad)
        if place > indent:
            if open_key is None or len(outer) >= DEPTH - 1:
                raise Unusual
            outer.append((mapping, indent))
            mapping[open_key] = mapping = {}
            indent = place
        while place < indent:
            mapping, indent = outer.pop()
            if place > indent:
                raise Unusual
        if not colon and name.lower() in _WORDS:
            raise Unusual
        key = symbol_of(name) if colon else text_of(name)
        open_key = None if value else key
        mapping[key] = _scalar(value) if value else None
    return found


def _mapping(text: str, depth: int) -> dict[t.Any, t.Any]:
    """A mapping whose keys begin their lines."""
    if not depth:
        raise Unusual
    found: dict[t.Any, t.Any] = {}
    position, end, match = 0, len(text), _PAIR.match
    while position < end:
        pair = match(text, position)
        if pair is None:
            raise Unusual
        position = pair.end()
        colon, name, value, below = pair.groups()
        if len(name) > LONGEST_NAME or (not colon and name.lower() in _WORDS):
            raise Unusual
        key = symbol_of(name) if colon else text_of(name)
        if not below:
            found[key] = _scalar(value) if value else None
        elif value in ("|", "|-"):
            found[key] = _literal(below) + "\n"[: len(value) == 1]
        elif value:
            raise Unusual
        else:
            found[key] = _below(below, depth)
    return found


def _below(text: str, depth: int) -> t.Any:
    """What a key without a value on its line has below it."""
    if text[0] == "-":
        if not _ITEMS.fullmatch(text):
            raise Unusual
        return [_item(item) for item in text[2:-1].split("\n- ")]
    nested = _NESTED.fullmatch(text)
    if nested is None:
        raise Unusual
    indent = nested[1]
    return _mapping(text[len(indent) :].replace("\n" + indent, "\n"), depth - 1)


def _item(text: str) -> t.Any:
    """An item of a sequence; one that is a mapping is unusual."""
    if _KEYED.match(text):
        raise Unusual
    return _scalar(text)


def _literal(text: str) -> str:
    """A literal block, without its last line breaks."""
    if not _LITERAL.fullmatch(text):
        raise Unusual
    return text[2:].replace("\n  ", "\n").rstrip("\n")


def _scalar(text: str) -> t.Any:
    if text.isdigit() and len(text) < 16 and text.isascii() and (text[0] != "0" or text == "0"):
        return int(text)
    if _WORD.fullmatch(text):
        return plain_scalar(text) if len(text) <= LONGEST_WORD else text
    quote = text[:1]
    if quote in ("'", '"'):
        inner = text[1:-1]
        if len(text) > 1 and text[-1] == quote and quote not in inner and "\\" not in text:
            return inner
        raise Unusual
    if _PLAIN.fullmatch(text) or _SYMBOL.fullmatch(text):
        return plain_scalar(text)
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    raise Unusual


def _is_odd(text: str) -> bool:
    """Whether it has tabs, line breaks of other kinds, or what libyaml refuses."""
    if text.isascii():
        return not text.replace("\n", "").isprintable()
    return _ODD.search(text) is not None
