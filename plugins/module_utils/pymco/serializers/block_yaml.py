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

from .base import Symbol
from .psych import plain_scalar

MAX_SIZE = 65536
"""Bytes; larger documents are left to the other reader, which bounds what they hold."""
DEPTH = 50
"""Levels."""

_LINE = re.compile(r"( *)(- )?(?:(:?)([A-Za-z_][\w.\-]*):(?: |(?=\n)))?([^\n]*)\n", re.ASCII)
_LITERAL = r"(?: {%d}[^\n]*\n|\n)+"
_PLAIN = re.compile(
    "[A-Za-z0-9\xa0-\U0010ffff](?:[\\w./+@()=;,\xa0-\U0010ffff-]| (?=[^ #])|:(?=[^ ]))*"
)
_SYMBOL = re.compile(r":[A-Za-z_]\w*", re.ASCII)
_WORDS = frozenset(("yes", "no", "true", "false", "on", "off", "null"))
"""Keys that are no Strings."""
_ODD = re.compile(
    "[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""Tabs, line breaks of other kinds, and what libyaml refuses."""


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
    if _ODD.search(text):
        raise Unusual
    if text.startswith("---\n") and text.endswith("\n"):
        return _Document(text).value()
    if text.startswith("--- ") and text.find("\n") in (-1, len(text) - 1):
        return _scalar(text[4:].rstrip("\n"))
    raise Unusual


class _Document:
    """A mapping in block style, line by line. The current line is held as the groups of _LINE."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = text.index("\n") + 1  # behind the line of the three dashes
        self._step()

    def _step(self) -> None:
        """Go to the next line; beyond the last there are empty ones."""
        line = _LINE.match(self._text, self._next)
        if line is None:
            self._pad, self._dash, self._colon, self._name, self._value = "", None, "", None, ""
            self._ended = True
        else:
            self._pad, self._dash, self._colon, self._name, self._value = line.groups()
            self._next = line.end()
            self._ended = False

    def value(self) -> dict[t.Any, t.Any]:
        """All of it."""
        mapping = self._mapping(0, DEPTH)
        if not self._ended or not mapping:
            raise Unusual
        return mapping

    def _mapping(self, indent: int, depth: int) -> dict[t.Any, t.Any]:
        if not depth:
            raise Unusual
        found: dict[t.Any, t.Any] = {}
        while self._name and not self._dash and len(self._pad) == indent:
            name, value = self._name, self._value
            if self._colon:
                key: str = Symbol(name)
            elif name.lower() in _WORDS:
                raise Unusual
            else:
                key = name
            if value in ("|", "|-"):
                found[key] = self._literal(indent + 2) + "\n"[: len(value) == 1]
            elif value:
                found[key] = _scalar(value)
                self._step()
            else:
                self._step()
                found[key] = self._below(indent, depth)
        return found

    def _below(self, indent: int, depth: int) -> t.Any:
        """What a key without a value on its line has below it."""
        deeper = len(self._pad) - indent
        if self._dash and not deeper:
            return self._sequence(indent)
        if self._name and not self._dash and deeper > 0:
            return self._mapping(len(self._pad), depth - 1)
        if deeper > 0:
            raise Unusual
        return None

    def _sequence(self, indent: int) -> list[t.Any]:
        items = []
        while self._dash and len(self._pad) == indent:
            if self._name:
                raise Unusual
            items.append(_scalar(self._value))
            self._step()
        return items

    def _literal(self, indent: int) -> str:
        """The literal block that begins at the next line, without its last line breaks."""
        block = re.compile(_LITERAL % indent).match(self._text, self._next)
        if block is None or self._text[self._next + indent] in " \n" or block[0][0] == "\n":
            raise Unusual
        self._next = block.end()
        self._step()
        return block[0].replace("\n" + " " * indent, "\n")[indent:].rstrip("\n")


def _scalar(text: str) -> t.Any:
    if _PLAIN.fullmatch(text) or _SYMBOL.fullmatch(text):
        return plain_scalar(text)
    quote = text[:1]
    if quote in ("'", '"') and len(text) > 1 and text[-1] == quote and "\\" not in text:
        inner = text[1:-1]
        if quote not in inner:
            return inner
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    raise Unusual
