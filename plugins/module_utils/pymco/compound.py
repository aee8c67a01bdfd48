# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

r"""The compound filter (``mco -S``): from its text to the tokens that go on the wire.

::

    expression = operand {("and" | "or") operand}
    operand    = {"not" | "!"} (statement | "(" expression ")")
    statement  = class | /regex/ | fact OPERATOR value | function("argument").output OPERATOR value

Names and values may be quoted, wholly or in part; there ``\`` stands before a quote or itself.
Nodes bind "not" before "and" before "or" (MC:security/base.rb).

Nodes do not always do with the reference's tokens (MC:matcher.rb) what the text says. Where they do,
the tokens here are the same, but for the parentheses around a single data function, which are left
out. Elsewhere the text is written in another way if it can have one meaning only (``fact==v``,
``fact=>1``, ``fact=~v``), or else refused with the way out.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from . import exc
from .ruby_methods import RUBY_METHODS
from .serializers import Regexp

Token = dict[str, t.Any]
"""One pair: its kind, and its text or, of a data function ("fstatement"), a dict."""

_QUOTED = r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' """
_FLAGS = re.VERBOSE | re.ASCII | re.DOTALL
_BLANKS = re.compile(r"\s*", re.ASCII)
_NOT = re.compile(r"!|not(?=[\s()]|\Z)", re.ASCII)
_OPEN, _CLOSE = re.compile(r"\("), re.compile(r"\)")
_END = re.compile(r"[\s)]|\Z", re.ASCII)
_KEYWORD = re.compile(r"(and|or|not)(?=[\s()]|\Z)", re.ASCII)
_PIECE = re.compile(rf"{_QUOTED} | .", _FLAGS)
_NAME = re.compile(rf"(?: {_QUOTED} | [^\s()'\"=<>!~/] )+", _FLAGS)
_VALUE = re.compile(rf"(?: {_QUOTED} | [^\s()'\"] )+", _FLAGS)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)*/(?=[\s)]|\Z)", re.ASCII)
_OPERATOR = re.compile(r"\s*(!=~|!=|!~|==|=~|=>|>=|=<|<=|=|<|>)\s*", re.ASCII)
_NODES_OPERATOR = re.compile(">=|<=|=|<|>")
_FUNCTION = re.compile(r"(\w+)\(", re.ASCII)
_ARGUMENT = re.compile(r"\s*(?:(?:\"([^\"]*)\"|'([^']*)')\s*)?\)", re.ASCII)
_OUTPUT = re.compile(r"\.(\w+)", re.ASCII)
_CLASS = re.compile(r"[\w.:\-]+")
_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|\d+(\.\d+)?([eE][-+]?\d+)?)", re.ASCII)

_SAME = {"==": "=", "=>": ">=", "=<": "<=", "!~": "!=~"}
"""Further spellings of operators; nodes do not know them."""
_ORDERS = ("<", "<=", ">", ">=")
_OF_CHORIA = re.compile(
    r"&&|\|\||\b(?:with|include|semver)\s*\(|\b(?:in|contains|matches|startsWith|endsWith)\s"
    r"|\bfact\s*\((?:\"[^\"]*\"|'[^']*')\)(?!\s*(?:\.|=[^=]))"
)
"""What occurs in Choria's language only, if a text does not parse."""


class _Word(t.NamedTuple):
    """A name or a value without its quotes, and where it begins, counted from 0."""

    text: str
    at: int
    quoted: bool


class _Wrong(Exception):
    """What is wrong, and where, counted from 0."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True)
class Compound:
    """An expression: nodes of MCollective get its tokens, those of Choria its text.

    A text is read when it is known which of the two languages it must be in.

    :ivar text: None if it was given as tokens.
    :ivar given: the tokens; None if it was given as text.
    """

    text: str | None
    given: t.Sequence[Token] | None = None

    @property
    def tokens(self) -> t.Sequence[Token]:
        """The tokens of MCollective's language.

        :raises exc.BadCompoundFilter: the text does not parse, or no node could do what it says.
        """
        return parse(self.text or "").tokens if self.given is None else self.given


def parse(text: str) -> Compound:
    """Parse an expression (MC:matcher.rb, create_compound_callstack).

    :raises exc.BadCompoundFilter: it does not parse, or no node could do what it says.
    """
    try:
        return Compound(text, _Parser(text).parse())
    except _Wrong as wrong:
        raise exc.BadCompoundFilter(text, wrong.at, f"{wrong}{_hint(text)}") from None


def _hint(text: str) -> str:
    """Return what to say of a text that does not parse, if it is of Choria's language."""
    if not _OF_CHORIA.search(text):
        return ""
    return (
        "; this looks like Choria's language, which nodes of MCollective do not know: write class,"
        " fact=value, and, or, not"
    )


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.tokens: list[Token] = []
        self.open: list[int] = []

    def parse(self) -> list[Token]:
        complete = False
        while self._take(_BLANKS) and not (complete and self.position == len(self.text)):
            at = self.position
            if complete and self._take(_CLOSE):
                self._close(at)
            elif complete:
                self._conjunction(at)
                complete = False
            elif self._take(_NOT):
                self.tokens.append({"not": "not"})
            elif self._take(_OPEN):
                self.open.append(at)
                self.tokens.append({"(": "("})
            else:
                self.tokens.append(self._statement(at))
                complete = True
                if not _END.match(self.text, self.position):
                    why = "this must be quoted to be part of a name or a value"
                    raise _Wrong(why, self.position)
        if self.open:
            raise _Wrong("this parenthesis is never closed", self.open[-1])
        return self.tokens

    def _close(self, at: int) -> None:
        if not self.open:
            raise _Wrong("this parenthesis was never opened", at)
        self.open.pop()
        if "fstatement" in self.tokens[-1] and "(" in self.tokens[-2]:
            # Nodes of 2.0 skip data functions, and "not ( )" is true in Ruby. "not" alone is an error.
            del self.tokens[-2]
        else:
            self.tokens.append({")": ")"})

    def _conjunction(self, at: int) -> None:
        keyword = self._take(_KEYWORD)
        if keyword is None or keyword[1] == "not":
            raise _Wrong('"and" or "or" must stand between two statements', at)
        self.tokens.append({keyword[1]: keyword[1]})

    def _statement(self, at: int) -> Token:
        if _KEYWORD.match(self.text, at):
            raise _Wrong("a class, a fact or a data function must stand before this", at)
        if self.text.startswith("/", at):
            return _class(self._value())
        function = self._take(_FUNCTION)
        if function:
            return {"fstatement": self._function(function[1], at)}
        name = self._word(_NAME)
        if name is None:
            raise _Wrong("a class, a fact or a data function must stand here", at)
        operator = self._take(_OPERATOR)
        return _fact(name, operator[1], self._value()) if operator else _class_or_fact(name)

    def _function(self, name: str, at: int) -> dict[str, t.Any]:
        argument = self._take(_ARGUMENT)
        if argument is None:
            raise _Wrong(
                "a data function takes one argument in quotes, or none"
                " (and a name or a value with parentheses must be quoted)",
                self.position,
            )
        output, operator = self._take(_OUTPUT), self._take(_OPERATOR)
        if output is None or operator is None:
            raise _Wrong(f'write what to compare, as in {name}("x").output=value', self.position)
        if name in RUBY_METHODS:
            raise _Wrong(f"no data function can be called {name}: Ruby has a method so", at)
        params = argument[2] if argument[1] is None else argument[1]
        if "`" in (params or ""):
            raise _Wrong("nodes refuse an argument with a backtick", argument.start())
        compared = _compared(operator[1], self._value())
        return {**compared, "value": output[1], "name": name, "params": params}

    # -- words ---------------------------------------------------------------------------------

    def _value(self) -> _Word:
        at = self.position
        regex = self._take(_REGEX)
        if regex:
            return _Word(regex[0], at, False)
        value = self._word(_VALUE)
        if value is None:
            raise _Wrong("a value must stand here", at)
        if value.quoted and self.text[at] == "/":
            raise _Wrong("quote all of it or nothing", at)
        if not value.quoted and value.text[0] in "=<>~":
            raise _Wrong("there is no such operator; quote a value that begins so", at)
        return value

    def _word(self, pattern: re.Pattern[str]) -> _Word | None:
        found = self._take(pattern)
        if self.text[self.position : self.position + 1] in ("'", '"'):
            raise _Wrong("this quote is never closed", self.position)
        if found is None:
            return None
        at, pieces = found.start(), list(_PIECE.finditer(found[0]))
        text = "".join(_unquoted(piece[0], at + piece.start()) for piece in pieces)
        return _Word(text, at, any(len(piece[0]) > 1 for piece in pieces))

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found


def _unquoted(piece: str, at: int) -> str:
    """Return the content of a quoted string, or the one character that the piece is."""
    if len(piece) == 1:
        return piece
    if "\n" in piece or "\r" in piece:
        raise _Wrong("nodes do not match text of several lines", at)
    for escape in re.finditer(r"\\(.)", piece):
        # The reference drops it, and a regular expression's \d becomes d.
        if escape[1].isalnum():
            raise _Wrong(f"within quotes write \\\\{escape[1]} for this", at + escape.start())
    return re.sub(r"\\(.)", r"\1", piece[1:-1])


# -- statements --------------------------------------------------------------------------------


def _class_or_fact(name: _Word) -> Token:
    """Return the token of a statement that is one word. In quotes it may be a whole fact."""
    fact, *rest = _OPERATOR.split(name.text, maxsplit=1)
    if not rest:
        return _class(name)
    return _fact(_Word(fact, name.at, True), rest[0], _Word(rest[1], name.at, True))


def _class(name: _Word) -> Token:
    regex = _regex("=", name)
    if regex is None and not (name.text if name.quoted else _CLASS.fullmatch(name.text)):
        raise _Wrong("this is no class name; quote it if it is", name.at)
    if "/" in (regex or ""):
        raise _Wrong("nodes remove slashes inside; write . for a slash", name.at)
    return {"statement": name.text}


def _fact(name: _Word, operator: str, value: _Word) -> Token:
    text = value.text
    if operator.startswith("!"):
        shown = f'"{text}"' if value.quoted else text
        positive = f"{name.text}{_SAME.get(operator, operator)[1:]}{shown}"
        raise _Wrong(f"nodes do not know {operator} for facts; write: not {positive}", name.at)
    regex = _regex(operator, value)
    operator = _SAME.get(operator, operator)
    if regex is not None:
        operator, text = "=", f"/{regex}/"
    elif not text:
        raise _Wrong("a value must stand here; for an empty one write /^$/", value.at)
    statement = f"{name.text}{operator}{text}"
    # Nodes split it at the operator that they find first (MC:matcher.rb).
    first = t.cast("re.Match[str]", _NODES_OPERATOR.search(statement))[0]
    misread = first != operator or statement.split(first)[:2] != [name.text, text]
    if misread or not name.text or statement.startswith("/"):
        raise _Wrong(
            f"nodes would misread this as another comparison: the name cannot have a {operator}, and"
            r" the value only as \x3d or . within a regular expression",
            name.at,
        )
    return {"statement": statement}


def _compared(operator: str, value: _Word) -> dict[str, t.Any]:
    """Return the half of a data function's token that says with what its output is compared."""
    regex = _regex(operator, value, literal_slash=True)
    operator = _SAME.get(operator, operator)
    if regex is not None:
        sign = "!=~" if operator.startswith("!") else "=~"
        return {"r_compare": Regexp(regex), "operator": sign}
    if operator in _ORDERS and not _NUMBER.fullmatch(value.text.strip()):
        raise _Wrong(f"nodes compare numbers only with {operator}", value.at)
    return {"r_compare": value.text, "operator": "==" if operator == "=" else operator}


def _regex(operator: str, value: _Word, *, literal_slash: bool = False) -> str | None:
    """Return the source of a value that is a regular expression, else None.

    :param literal_slash: a value that begins with a slash may be a text.
    """
    text = value.text
    slashes = len(text) > 1 and text[0] == text[-1] == "/"
    literal = not text.startswith("/") or (literal_slash and (value.quoted or "/" not in text[1:]))
    if literal and not slashes and "~" not in operator:
        return None
    source = text[1:-1] if slashes else text
    if not re.fullmatch(r"(?:[^\\]|\\.)+", source) or (text.startswith("/") and not slashes):
        raise _Wrong(
            "what begins with a slash is a regular expression for nodes; write it with both"
            " slashes, not empty, and with options inside, as in /(?i)web/",
            value.at,
        )
    if operator in _ORDERS or operator in ("=>", "=<"):
        raise _Wrong(f"a regular expression cannot stand after {operator}", value.at)
    return source
