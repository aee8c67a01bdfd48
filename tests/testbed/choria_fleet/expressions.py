# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choria's compound filters, as much of their language (expr-lang) as tests need.

Calls, texts, numbers, lists, ``! && || and or not``, comparisons, ``in``, ``matches``, parentheses.
"""

from __future__ import annotations

import operator
import re
import typing as t

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"[^"]*"|'[^']*')|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>(),\[\]]))"""
)
_COMPARE: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda item, items: item in items,
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
}
_CONSTANTS = {"true": True, "false": False, "nil": None}


class Broken(ValueError):
    """The expression is wrong: no node answers it."""


def evaluate(text: str, environment: t.Mapping[str, t.Any]) -> t.Any:
    """Return what an expression says. Raises :class:`Broken`."""
    reader = _Reader(_tokens(text), environment)
    value = reader.either()
    if reader.left:
        raise Broken(f"unexpected {reader.left[0]}")
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Broken(f"unexpected {text[position:]}")
        kind = str(match.lastgroup)
        found.append((kind, match[kind]))
        position = match.end()
    return found


class _Reader:
    """Both sides of an operator are always evaluated: nothing here has effects."""

    def __init__(self, left: list[tuple[str, str]], environment: t.Mapping[str, t.Any]) -> None:
        self.left = left
        self._environment = environment

    def either(self) -> t.Any:
        value = self._both()
        while self._take("||", "or"):
            other = self._both()
            value = _boolean(value) or _boolean(other)
        return value

    def _both(self) -> t.Any:
        value = self._not()
        while self._take("&&", "and"):
            other = self._not()
            value = _boolean(value) and _boolean(other)
        return value

    def _not(self) -> t.Any:
        if self._take("!", "not"):
            return not _boolean(self._not())
        return self._compared()

    def _compared(self) -> t.Any:
        value = self._single()
        sign = self._take(*_COMPARE)
        return _COMPARE[sign](value, self._single()) if sign else value

    def _single(self) -> t.Any:
        if not self.left:
            raise Broken("unexpected end")
        kind, text = self.left.pop(0)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "text":
            return text[1:-1]
        if kind == "name":
            return self._named(text)
        if text == "(":
            value = self.either()
            self._expect(")")
            return value
        if text == "[":
            return self._list("]")
        raise Broken(f"unexpected {text}")

    def _named(self, name: str) -> t.Any:
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name not in self._environment:
            raise Broken(f"unknown name {name}")
        value = self._environment[name]
        return value(*self._list(")")) if self._take("(") else value

    def _list(self, end: str) -> list[t.Any]:
        found: list[t.Any] = []
        while not self._take(end):
            if found:
                self._expect(",")
            found.append(self.either())
        return found

    def _take(self, *texts: str) -> str:
        if self.left and self.left[0][0] != "text" and self.left[0][1] in texts:
            return self.left.pop(0)[1]
        return ""

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise Broken(f"expected {text}")


def _boolean(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise Broken(f"{value!r} is not true or false")
    return value
