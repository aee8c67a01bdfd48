# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Choria's compound filter: an expression such as ``with('os=Debian') && !with('/^web/')``.

Only nodes evaluate it, with github.com/expr-lang/expr (Go: filter/compound/compound.go), and they say
nothing about one that they cannot evaluate. So it is sent as it is written, after a look for what can
never be right: quotes and brackets that are not closed, and the language of MCollective, which looks
similar and selects nobody here.
"""

from __future__ import annotations

import re
import typing as t

from . import compound, exc

_TOKEN = re.compile(
    r"""
    (?P<blank> \s+ | //[^\n]* | /\*(?:.*?\*/|.*) )
    | (?P<text> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` )
    | (?P<open> ["'`].* )
    | (?P<name> [^\W\d][\w]* )
    | (?P<number> \d[\w.]* )
    | (?P<sign> == | != | <=(?!=) | >= | =~ | => | =< | && | \|\| | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_OLD_SIGNS = ("=", "=~", "=>", "=<")
_BEFORE_AN_OPERAND = frozenset(("", "(", "!", "&&", "||", "and", "or", "not"))
_KNOWN = frozenset(("true", "false", "nil", "classes", "agents", "facts"))
"""Names that have a meaning by themselves, not only with parentheses behind them."""
_KEYWORDS = {"and": " && ", "or": " || ", "not": "!", "(": "(", ")": ")"}
_EXAMPLE = "with('class or agent'), with('fact=value'), && and ||"

_Tokens = list["re.Match[str]"]


def joined(texts: t.Sequence[str]) -> str:
    """Return one expression that is true if all of these are. Nodes take one only: of several, they
    want more true ones than false ones (Go: filter/compound/compound.go, MatchExprString).

    :raises exc.BadCompoundFilter: one of them can be true on no node.
    """
    for text in texts:
        check(text)
    if len(texts) == 1:
        return texts[0]
    # The line break ends a comment.
    return " && ".join(f"({text}\n)" if "//" in text else f"({text})" for text in texts)


def check(text: str) -> None:
    """Refuse an expression that can be true on no node.

    :raises exc.BadCompoundFilter: it has quotes or brackets that are not closed, or it is of MCollective's
        language.
    """
    tokens = [found for found in _TOKEN.finditer(text) if found.lastgroup != "blank"]
    if not tokens:
        raise exc.BadCompoundFilter(text, 0, "there is nothing in it")
    _check_old(text, tokens)
    _check_closed(text, tokens)


def _check_old(text: str, tokens: _Tokens) -> None:
    """Refuse MCollective's language."""
    declares = any(token[0] == "let" for token in tokens)
    before = ""
    for token in tokens:
        sign = token[0]
        comparison = sign in _OLD_SIGNS and not (sign == "=" and declares)
        if token.lastgroup == "sign" and (comparison or _is_regex(sign, before)):
            raise _old(text, token.start())
        before = sign
    calls = any(_is_call(*pair) for pair in zip(tokens, tokens[1:]))
    names = {token[0] for token in tokens if token.lastgroup == "name"}
    if not calls and not names & _KNOWN and _translated(text) is not None:
        raise _old(text, 0)


def _is_call(token: re.Match[str], following: re.Match[str]) -> bool:
    is_name = token.lastgroup == "name" and token[0] not in _KEYWORDS
    return is_name and following[0] == "("


def _is_regex(sign: str, before: str) -> bool:
    """Return True if a slash begins a regular expression, since there is nothing to divide."""
    return sign == "/" and before in _BEFORE_AN_OPERAND


def _old(text: str, at: int) -> exc.BadCompoundFilter:
    why = "this is MCollective's language; nodes of Choria have another one"
    instead = _translated(text)
    how = f"with {_EXAMPLE}" if instead is None else f"write {instead}"
    return exc.BadCompoundFilter(text, at, f"{why}: {how}")


def _check_closed(text: str, tokens: _Tokens) -> None:
    """Refuse quotes and brackets that are not closed, or were not opened."""
    opened: _Tokens = []
    for token in tokens:
        sign = token[0]
        if token.lastgroup == "open":
            raise exc.BadCompoundFilter(text, token.start(), "this quote is never closed")
        if sign in ("(", "[", "{"):
            opened.append(token)
        elif sign in _BRACKETS and (not opened or opened.pop()[0] != _BRACKETS[sign]):
            raise exc.BadCompoundFilter(text, token.start(), "this bracket was never opened")
    if opened:
        raise exc.BadCompoundFilter(text, opened[-1].start(), "this bracket is never closed")


def _translated(text: str) -> str | None:
    """Return an expression of MCollective's language in Choria's; None if it is none, or has data functions."""
    try:
        tokens = compound.parse(text).tokens
    except exc.BadCompoundFilter:
        return None
    words = []
    for ((kind, value),) in (token.items() for token in tokens):
        if kind == "fstatement":
            return None
        words.append(_KEYWORDS.get(kind) or f"with({_quoted(value)})")
    return "".join(words)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
