# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Text to tokens, as Ruby's lexer has them.

What a character means depends on what stands before it: after a value ``/`` divides, elsewhere it
begins a Regexp; after a name that is no variable the blanks around it decide. So tokens are made
one at a time, and the parser is asked which names are variables.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ... import exc
from . import literals

_KEYWORDS = (
    "__ENCODING__ __LINE__ __FILE__ BEGIN END alias and begin break case class def defined? do "
    "else elsif end ensure false for if in module next nil not or redo rescue retry return self "
    "super then true undef unless until when while yield"
)
KEYWORDS = frozenset(_KEYWORDS.split())
_VALUE_KEYWORDS = frozenset(["end", "self", "true", "false", "nil", "__FILE__", "__LINE__"])
_VALUES = frozenset(
    ["integer", "float", "string", "symbol", "regexp", "words", "name", "constant", "shell"]
)

_BLANK = re.compile(r"(?:[ \t\f\v\r]|\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_BLOCK_COMMENT = re.compile(r"=begin(?:[ \t][^\n]*)?\n(?:.*\n)*?=end(?:[ \t][^\n]*)?(?=\n|\Z)")
_LEADING_DOT = re.compile(r"(?:[ \t\f\v\r]*(?:#[^\n]*)?\n)*[ \t\f\v\r]*(?:\.(?!\.)|&\.)")
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER = re.compile(
    r"0[xX](?P<hex>[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|0[bB](?P<bin>[01]+(?:_[01]+)*)"
    r"|0[oO]?(?P<oct>[0-7]+(?:_[0-7]+)*)(?![0-9.eE])"
    r"|(?P<float>(?:0|[1-9]\d*(?:_\d+)*)(?:\.\d+(?:_\d+)*(?:[eE][+-]?\d+)?|[eE][+-]?\d+))"
    r"|(?P<dec>0|[1-9]\d*(?:_\d+)*)",
    re.ASCII,
)
_SYMBOL = re.compile(
    r":((?:@@?|\$)?[^\W\d]\w*(?:[?!](?!=)|=(?![>=~]))?|\[\]=?|\*\*|<=>|===?|=~|![=~]?|<<|>>|<=|>="
    r"|[+-]@|[-+*/%<>~^&|`])"
)
_OPERATOR_TEXT = (
    "**= <=> === ... <<= >>= &&= ||= ** == != >= <= && || << >> += -= *= /= %= &= |= ^= =~ !~ .. "
    ":: -> => &. + - * / % < > ! & | ^ ~ ? : , . = ( ) [ ] { } ;"
)
_OPERATORS = sorted(_OPERATOR_TEXT.split(), key=len, reverse=True)
_BEGINS_ARGUMENT = {
    "*": "splat",
    "**": "double splat",
    "&": "block pass",
    "-": "minus",
    "+": "plus",
}


@dataclass(frozen=True)
class Token:
    """A token.

    :ivar kind: "integer", "float", "string", "symbol", "regexp", "words", "label", "name",
        "constant", "keyword", "operator", "newline" or "end".
    :ivar value: its text, its number, or what :mod:`.literals` made of it.
    :ivar spaced: there was a blank before it.
    """

    kind: str
    value: t.Any
    line: int
    spaced: bool

    def is_(self, kind: str, *values: str) -> bool:
        """Whether it is of this kind and has one of these values."""
        return self.kind == kind and self.value in values


class Lexer:
    """Makes tokens of a DDL's text, one at a time.

    :param is_variable: whether a name is a variable where the lexer is now.
    :param interpolate: parses the code of ``#{...}`` from where the lexer is, past its brace.
    """

    def __init__(
        self,
        source: str,
        path: str,
        is_variable: t.Callable[[str], bool],
        interpolate: t.Callable[[], t.Any],
        line: int = 1,
    ) -> None:
        self.source = source
        self.path = path
        self.at = 0
        self.after_heredocs: int | None = None
        self._counted = (0, line)
        self.is_variable = is_variable
        self.interpolate = interpolate
        self._wants_value = True
        self._may_take_argument = False
        self._after_dot = False
        self._after_question = False
        self._begins_statement = True

    @property
    def line(self) -> int:
        """The line it has come to."""
        at, line = self._counted
        if self.at >= at:
            line += self.source.count("\n", at, self.at)
        else:
            line -= self.source.count("\n", self.at, at)
        self._counted = (self.at, line)
        return line

    def error(self, reason: str, line: int | None = None) -> exc.UnreadableDDL:
        """An error at this or another line, to be raised."""
        return exc.UnreadableDDL(reason, self.path, self.line if line is None else line)

    def next(self) -> Token:
        """The next token. Raises :class:`.exc.UnreadableDDL`."""
        start = self.at
        newline = self._skip_blanks()
        line = self.line
        kind, value = ("newline", "\n") if newline else self._read(self.at > start)
        self._remember(kind, value)
        return Token(kind, value, line, self.at > start and not newline and self._was_spaced(start))

    def expect_value(self) -> None:
        """Forget what stood before: an expression begins here."""
        self._remember("newline", "\n")

    def replace_source(self, source: str, line: int) -> tuple[t.Any, ...]:
        """Read another text for a while. Returns what :meth:`restore_source` needs."""
        state = (self.source, self.at, self.after_heredocs, self._counted)
        self.source, self.at, self.after_heredocs, self._counted = source, 0, None, (0, line)
        return state

    def restore_source(self, state: tuple[t.Any, ...]) -> None:
        """Go on with the text of before."""
        self.source, self.at, self.after_heredocs, self._counted = state

    def _was_spaced(self, start: int) -> bool:
        return _BLANK.match(self.source, start) is not None

    def _remember(self, kind: str, value: t.Any) -> None:
        ends_value = kind in _VALUES or (kind, value) in _CLOSERS
        ends_value = ends_value or (kind == "keyword" and value in _VALUE_KEYWORDS)
        self._wants_value = not ends_value
        called = kind == "name" and (self._after_dot or not self.is_variable(value))
        self._may_take_argument = called or (kind == "constant" and self._after_dot)
        self._after_dot = kind == "operator" and value in (".", "&.")
        self._after_question = kind == "operator" and value == "?"
        separator = kind == "operator" and value == ";"
        opener = kind == "keyword" and value in ("do", "then", "else", "begin")
        self._begins_statement = kind == "newline" or separator or opener

    def _skip_blanks(self) -> bool:
        """Go to the next token; whether that is the end of a statement's line."""
        while self.at < len(self.source):
            blank = _BLANK.match(self.source, self.at) or _COMMENT.match(self.source, self.at)
            if blank:
                if "\\\n" in blank[0] and self.after_heredocs is not None:
                    raise self.error("a line continued with a backslash behind a heredoc")
                self.at = blank.end()
            elif self.source[self.at] == "\n":
                if self._end_line():
                    return True
            elif not self._skip_block_comment():
                return False
        return False

    def _end_line(self) -> bool:
        """Pass a line's end, and the bodies of its heredocs; whether it ends a statement."""
        self.at += 1
        if self.after_heredocs is not None:
            self.at, self.after_heredocs = self.after_heredocs, None
        if self._at_end_mark():
            self.source = self.source[: self.at]
        return not (self._wants_value or _LEADING_DOT.match(self.source, self.at))

    def _at_end_mark(self) -> bool:
        return re.compile(r"__END__(?:\n|\Z)").match(self.source, self.at) is not None

    def _skip_block_comment(self) -> bool:
        at_line_start = self.at == 0 or self.source[self.at - 1] == "\n"
        if at_line_start and self.at == 0 and self._at_end_mark():
            self.source = ""
            return True
        if not (at_line_start and self.source.startswith("=begin", self.at)):
            return False
        comment = _BLOCK_COMMENT.match(self.source, self.at)
        if comment is None:
            raise self.error("=begin without =end")
        self.at = comment.end()
        return True

    def _read(self, spaced: bool) -> tuple[str, t.Any]:
        if self.at >= len(self.source):
            return "end", ""
        char = self.source[self.at]
        if char.isdigit():
            return self._number()
        if char == "_" or char.isalpha():
            return self._word()
        if self._begins_literal(char, spaced):
            literal = self._literal(char)
            if literal is not None:
                return literal
        return self._operator(spaced)

    def _number(self) -> tuple[str, t.Any]:
        match = _NUMBER.match(self.source, self.at)
        if match is None or re.match(r"\w", self.source[match.end() : match.end() + 1]):
            raise self.error("a number that is not written as Ruby has it")
        self.at = match.end()
        kind, text = str(match.lastgroup), match[str(match.lastgroup)].replace("_", "")
        if len(text) > 400:
            raise self.error("a number of more than 400 digits")
        if kind == "float":
            return "float", float(text)
        return "integer", int(text, {"hex": 16, "bin": 2, "oct": 8, "dec": 10}[kind])

    def _word(self) -> tuple[str, t.Any]:
        match = t.cast("re.Match[str]", _NAME.match(self.source, self.at))
        word, end = match[0], match.end()
        rest = self.source[end : end + 3]
        if rest[:1] in ("?", "!") and not (rest[1:2] == "=" and rest[2:3] not in ("=", "~", ">")):
            word, end = word + rest[0], end + 1
        self.at = end
        if self._is_label(end):
            self.at = end + 1
            return "label", word
        if self._after_dot:
            return "name", word
        if word in KEYWORDS:
            return "keyword", word
        return ("constant" if word[0].isupper() else "name"), word

    def _is_label(self, end: int) -> bool:
        follows = self.source[end : end + 2]
        possible = not self._after_question and not self._begins_statement
        return possible and follows[:1] == ":" and follows != "::"

    def _begins_literal(self, char: str, spaced: bool) -> bool:
        """Whether a character that may be an operator begins a literal here."""
        if char in "\"'`":
            return True
        following = self.source[self.at + 1 : self.at + 2]
        if char == ":":
            return following != ":" and (self._wants_value or self._may_take_argument)
        if self._wants_value:
            return True
        return self._starts_argument(char, spaced) and following != "="

    def _starts_argument(self, char: str, spaced: bool) -> bool:
        """Behind a method's name: a blank before it and none behind it."""
        following = self.source[self.at + len(char) : self.at + len(char) + 1]
        return self._may_take_argument and spaced and following not in ("", " ", "\t", "\n", "\r")

    def _literal(self, char: str) -> tuple[str, t.Any] | None:
        """A string, symbol, regexp or list of words; None if it is none after all."""
        if char in "\"'`":
            return self._string(char)
        if char == ":":
            return self._symbol()
        if char == "/":
            return literals.regexp(self, "/")
        if char == "%":
            return literals.percent(self)
        if char == "<":
            return literals.heredoc(self)
        if char == "?":
            return self._character()
        return None

    def _string(self, quote: str) -> tuple[str, t.Any]:
        may_be_label = self._wants_value or self._may_take_argument
        may_be_label = may_be_label and not self._after_question
        parts = literals.quoted(self, quote)
        follows = self.source[self.at : self.at + 2]
        if may_be_label and follows[:1] == ":" and follows != "::":
            if len(parts) > 1 or not isinstance(parts[0], str):
                raise self.error("a label with an interpolation")
            self.at += 1
            return "label", parts[0]
        return "string", parts

    def _symbol(self) -> tuple[str, t.Any] | None:
        if self.source[self.at + 1 : self.at + 2] in ('"', "'"):
            self.at += 1
            return "symbol", literals.quoted(self, self.source[self.at])
        match = _SYMBOL.match(self.source, self.at)
        if match is None:
            return None
        self.at = match.end()
        return "symbol", [match[1]]

    def _character(self) -> tuple[str, t.Any] | None:
        match = re.compile(r"\?([^\s\\])(?!\w)").match(self.source, self.at)
        if match is None:
            raise self.error("a character literal of an unusual kind")
        self.at = match.end()
        return "string", [match[1]]

    def _operator(self, spaced: bool) -> tuple[str, t.Any]:
        text = next((op for op in _OPERATORS if self.source.startswith(op, self.at)), None)
        if text is None:
            raise self.error(f"the character {self.source[self.at]!r}")
        begins = self._wants_value or self._starts_argument(text, spaced)
        self.at += len(text)
        if text == "[" and not self._wants_value:
            # Behind a name: "x [1]" is a call with an Array, "x[1]" takes an element.
            return "operator", "[" if spaced and self._may_take_argument else "index"
        if begins and text in _BEGINS_ARGUMENT:
            return "operator", _BEGINS_ARGUMENT[text]
        return "operator", text


_CLOSERS = {("operator", ")"), ("operator", "]"), ("operator", "}")}
