# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A position in the text of a DDL: its blanks and lines, and the literals of Ruby that begin there."""

from __future__ import annotations

import bisect
import re
import typing as t

from ..ruby_values import Regexp
from ..serializers import Symbol
from .model import Refused

_NAME = r"(?!\d)\w+(?:[?!](?!=(?![>=~])))?"
NAME = re.compile(_NAME)
_BLANKS = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_COMMENT_LINES = re.compile(r"=begin\b.*?^=end\b[^\n]*\n?", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(
    r"(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:0|[1-9]\d*(?:_\d+)*)"
    r"(\.\d+(?:_\d+)*)?([eE][+-]?\d+)?)(?!\w)",
    re.ASCII,
)
_PERCENT = re.compile(r"%([qQwir]?)([^\w\s])")
_HEREDOC = re.compile(r"<<([-~]?)(?:([\"'])([^\"'\n]+)\2|((?!\d)\w+))")
_FLAGS = re.compile(r"[imx]*(?!\w)")
_VARIABLE = re.compile("#[@$]")
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F ]+)\}|([^xucCM\d]))",
    re.DOTALL,
)
_SIMPLE = {
    **{"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "s": " "},
    **{"v": "\v", "\n": ""},
}
_INDENT = re.compile(r"(?:[ \t\r]*\n)*([ \t]*)(end\b|[)\]}])?")
_REST = re.compile(r"(?:end\b)?(?:(?!\bend\b)[^\n;}])*")
_MODES = {
    **{"'": "raw", "%q": "raw", '"': "text", "%Q": "text"},
    **{"%w": "words", "%i": "words", "%r": "regexp", "/": "regexp"},
}
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_WITH_A_MEANING = "$*+.?^|)]}>"
"""In a Regexp, a backslash before one of these delimiters is kept."""


class Exhausted(Refused):
    """The bound of all work is reached: nothing more is read."""


class Text:
    """The text and where its reader stands.

    :ivar at: an index of the text.
    :param steps: how much work may be done, by this class and by those that are made of it.
    """

    def __init__(self, source: str, steps: int) -> None:
        # What is behind __END__ is no code.
        self.source = re.split(r"^__END__\r?$", source, maxsplit=1, flags=re.MULTILINE)[0]
        self.at = 0
        self._steps = self._most = steps
        self._ends = [match.start() for match in re.finditer("\n", self.source)]
        self._resume: int | None = None  # Where the text goes on behind this line's heredocs.

    def code(self) -> str:
        """Read the code in the braces of a text, with the closing one. Return what it is there."""
        raise NotImplementedError

    def spend(self, count: int = 1) -> None:
        """Count work. Raises :class:`Exhausted` when it is too much."""
        self._steps -= count
        if self._steps < 0:
            raise Exhausted(f"it takes more than {self._most} steps", self.line())

    def line(self) -> int:
        """Return the number of the line of the position, counted from 1."""
        return 1 + bisect.bisect_left(self._ends, self.at)

    def error(self, reason: str) -> Refused:
        return Refused(reason, self.line())

    def unexpected(self) -> Refused:
        """Return an error that names what stands at the position."""
        rest = re.compile(r"\w{1,20}|[^\w\s]{1,20}|").match(self.source, self.at)
        end = "the end of the text" if self.at >= len(self.source) else "the end of the line"
        return self.error(f"{rest[0] if rest and rest[0] else end} is unexpected")

    def look(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.source, self.at)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match a pattern at the position, and go behind what it matches."""
        match = pattern.match(self.source, self.at)
        self.at = match.end() if match else self.at
        return match

    def blanks(self) -> bool:
        """Go over blanks. Return True if there are any."""
        return self.take(_BLANKS) is not None

    def sign(self, sign: str) -> bool:
        """Go over blanks, and over a sign behind them. Return True if it is there."""
        self.blanks()
        found = self.source.startswith(sign, self.at)
        self.at += len(sign) if found else 0
        return found

    def lines(self) -> None:
        """Go over blanks, comments and the ends of lines and statements."""
        ended = self.at == 0
        while True:
            self.spend()
            self.blanks()
            char = self.source[self.at : self.at + 1]
            if char == "#":
                self.take(_COMMENT)
            elif char == "\n":
                self.at, self._resume = self._resume or self.at + 1, None
            elif char == ";":
                self.at += 1
            elif not (ended and char == "=" and self.take(_COMMENT_LINES)):
                return
            ended = char == "\n"

    def skip_statement(self, start: int) -> None:
        """Go to the end of a statement that cannot be read any further.

        It ends before a line that is not indented more than its first. If such a line begins with a
        closing sign and is indented as much, that belongs to it.
        """
        first = self.source.rfind("\n", 0, start) + 1
        indent = len(t.cast("re.Match[str]", _INDENT.match(self.source, first))[1])
        if self.source[first:start].strip() and self.take(_REST):
            return
        while self.at < len(self.source):
            self.spend()
            end = self.source.find("\n", self.at)
            self.at = len(self.source) if end < 0 else end
            behind = _INDENT.match(self.source, self._resume or self.at + 1)
            depth = len(behind[1]) - indent if behind else -1
            if depth < 0 or (depth == 0 and not (behind and behind[2])):
                return
            self.lines()
            if depth == 0:
                self.take(_REST)
                return

    # --- literals

    def number(self) -> int | float | None:
        """Read a number without a sign, if one stands here."""
        match = self.take(_NUMBER)
        if match is None or len(match[0]) > 400:
            return None
        return float(match[0].replace("_", "")) if match[1] or match[2] else int(match[0], 0)

    def literal(self) -> t.Any:
        """Read a String, an Array of words or a Regexp, if one begins here; else return None."""
        heredoc, percent = self.look(_HEREDOC), self.look(_PERCENT)
        if heredoc is not None:
            return self._heredoc(heredoc)
        opening = percent[2] if percent else self.source[self.at : self.at + 1]
        mode = _MODES.get(f"%{percent[1] or 'Q'}" if percent else opening)
        if mode is None:
            return None
        self.at = percent.end() if percent else self.at + 1
        text = self._delimited(opening, mode)
        if mode == "regexp":
            flags = self.take(_FLAGS)
            if flags is None:
                raise self.error("a Regexp with other flags than i, m and x")
            return Regexp(text, "".join(flag for flag in "imx" if flag in flags[0]))
        if mode == "words" and percent is not None:
            kind = Symbol if percent[1] == "i" else str
            words = re.findall(r"(?:\\.|[^\\\s])+", text, re.DOTALL)
            return [kind(re.sub(r"\\([\s\\])", r"\1", word)) for word in words]
        return text

    def _delimited(self, opening: str, mode: str) -> str:
        """Read a literal up to its closing sign. Opening ones may stand in it if they differ."""
        closing, start, first = _PAIRS.get(opening, opening), self.at, self.line()
        opening = opening if opening != closing else ""
        text = self._content(opening, closing, mode, len(self.source))
        found = self.at < len(self.source)
        self.spend((self.at - start) // (64 if found else 4))
        if not found:
            raise Refused(f"a text without its closing {closing}", first)
        self.at += 1
        if self._resume is not None and self.line() > first:
            raise Refused("a text of several lines behind a heredoc", first)
        return text

    def _content(self, opening: str, closing: str, mode: str, end: int, indent: int = 0) -> str:
        """Read a literal's content up to its closing sign or an index.

        :param mode: "text", "raw", "words" or "regexp": what backslashes and ``#{`` mean.
        :param indent: how many blanks each line loses.
        """
        text: list[str] = []
        depth = 0
        ordinary = re.compile(rf"[^\\#{re.escape(opening + closing)}]+")
        while self.at < end:
            char = self.source[self.at]
            run = ordinary.match(self.source, self.at, end)
            if run is not None:
                lines = re.sub(rf"\n {{0,{indent}}}", "\n", run[0]) if indent else run[0]
                text.append(lines)
                self.at = run.end()
            elif char == closing and depth == 0:
                break
            elif char == "\\":
                text.append(self._escaped(opening, closing, mode))
            elif mode in ("text", "regexp") and self.source.startswith("#{", self.at):
                self.at += 2
                text.append(self.code())
            elif mode in ("text", "regexp") and self.look(_VARIABLE):
                raise self.error("a variable without braces in a text")
            else:
                depth += (char == opening) - (char == closing)
                text.append(char)
                self.at += 1
        if self.at > end:
            raise self.error("code in a heredoc that does not end in it")
        return "".join(text)

    def _heredoc(self, match: re.Match[str]) -> str:
        name, blanks = match[3] or match[4], "[ \t]*" if match[1] else ""
        start = self._resume or self.source.find("\n", match.end()) + 1
        ending = re.compile(rf"^{blanks}{re.escape(name)}\r?$", re.MULTILINE)
        closing = ending.search(self.source, start) if start else None
        self.spend(((closing.start() if closing else len(self.source)) - start) // 16)
        if closing is None:
            raise self.error(f"a heredoc without its closing {name}")
        self._resume, end = min(closing.end() + 1, len(self.source)), closing.start()
        body, indent = self.source[start:end], 0
        if match[1] == "~":
            if re.search(r"^ *\t|^ +$|\\\n", body, re.MULTILINE):
                raise self.error("a heredoc with ~ and tabs, blank or joined lines")
            lines = [line for line in body.split("\n") if line.strip()]
            indent = min((len(line) - len(line.lstrip(" ")) for line in lines), default=0)
        self.at = start + len(t.cast("re.Match[str]", re.match(f" {{0,{indent}}}", body))[0])
        resume, self._resume = self._resume, None
        try:
            return self._content("", "", "heredoc" if match[2] == "'" else "text", end, indent)
        finally:
            self.at, self._resume = match.end(), resume

    def _escaped(self, opening: str, closing: str, mode: str) -> str:
        """Read a backslash and what stands behind it."""
        following = self.source[self.at + 1 : self.at + 2]
        if mode == "text":
            return self._escape()
        self.at += 2 if mode != "heredoc" else 1
        if mode == "heredoc":
            return "\\"
        delimiter = following != "" and following in (opening, closing)
        if mode == "regexp":
            if following and following in "cCM":
                raise self.error(f"the escape \\{following} in a Regexp")
            delimiter = delimiter and not opening and following not in _WITH_A_MEANING
            gone = delimiter or not following.isascii()
            return "" if following == "\n" else following if gone else "\\" + following
        return following if delimiter or (following == "\\" and mode == "raw") else "\\" + following

    def _escape(self) -> str:
        match = self.take(_ESCAPE)
        if match is None:
            raise self.error(f"the escape {self.source[self.at : self.at + 2]}")
        octal, hexadecimal, code, codes, other = match.groups()
        if other is not None:
            return _SIMPLE.get(other, t.cast(str, other))
        digits = (octal or hexadecimal or code or codes).split()
        numbers = [int(number, 8 if octal else 16) for number in digits]
        most = 0x7F if octal or hexadecimal else 0x10FFFF
        if any(0xD800 <= number <= 0xDFFF or number > most for number in numbers):
            raise self.error(f"the escape {match[0]}, which is no character")
        return "".join(map(chr, numbers))
