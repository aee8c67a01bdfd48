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

Code = t.Callable[[], t.Any]
"""A part of a DDL that was read. It is run when it is called, and returns its value."""

_WORDS = """
if unless elsif else end do then def and or not while until for in case when begin rescue ensure
class module return yield next break redo retry self super undef alias
"""
KEYWORDS = frozenset(_WORDS.split())
NAME = re.compile(r"(?!\d)\w+(?:[?!](?!=(?![>=~])))?")
_WORD = re.compile(r"(?!\d)\w+[?!]?|.?")
_SYMBOL = re.compile(rf":(?:({NAME.pattern})|[\"'])")
_LABEL = re.compile(rf"({NAME.pattern}):(?!:)|([\"'])(?=(?:\\.|(?!\2)[^\\])*\2:(?!:))", re.DOTALL)
_BLANKS = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)+")
_IGNORED = re.compile(r"#[^\n]*|;")
_COMMENT_LINES = re.compile(r"^=begin\b.*?^=end\b[^\n]*\n?", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(
    r"(?:0[xX][\da-fA-F]+|0[bB][01]+|0[oO][0-7]+|(?:0|[1-9]\d*(?:_\d+)*)"
    r"(\.\d+(?:_\d+)*)?([eE][+-]?\d+)?)(?!\w)",
    re.ASCII,
)
_PERCENT = re.compile(r"%([qQwir]?)([^\w\s])")
_HEREDOC = re.compile(r"<<([-~]?)(?:([\"'])([^\"'\n]+)\2|((?!\d)\w+))")
_FLAGS = re.compile(r"[imx]*(?!\w)")
_UNEXPECTED = re.compile(r"\w{1,20}|[^\w\s]{1,20}|")
_CODE = re.compile("#[{@$]")
_NEXT_QUOTE = re.compile(r"(?:[ \t\r\f\v]|\\\r?\n)*[\"']")
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F ]+)\}|([^xucCM\d]))",
    re.DOTALL,
)
_SIMPLE = {**dict(zip("ntrabefsv", "\n\t\r\a\b\x1b\f \v")), "\n": ""}
_INDENT = re.compile(r"(?:[ \t\r]*\n)*([ \t]*)(end\b|[)\]}])?")
_REST = re.compile(r"(?:end\b)?(?:(?!\bend\b)[^\n;}])*")
_MODES = {
    **{"'": "raw", "%q": "raw", '"': "text", "%Q": "text"},
    **{"%w": "words", "%i": "words", "%r": "regexp", "/": "regexp"},
}
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_WITH_A_MEANING = "$*+.?^|)]}>"
"""In a Regexp, a backslash before one of these delimiters is kept."""


class Exhausted(Exception):
    """The bound of all work is reached: nothing more is read."""


class Text:
    """The text and where its reader stands.

    :ivar at: an index of the text.
    :param steps: how much work reading and running may take.
    """

    def __init__(self, source: str, steps: int) -> None:
        # The text behind __END__ is no code.
        self.source = re.split(r"^__END__\r?$", source, maxsplit=1, flags=re.MULTILINE)[0]
        self.at = 0
        self._steps = self._most = steps
        self._ends = [match.start() for match in re.finditer("\n", self.source)]
        # Where the last comment of several lines ends. Behind it nothing is looked for.
        ends = re.finditer(r"^=end\b", self.source, re.MULTILINE)
        self._last_comment = max((end.start() for end in ends), default=0)
        self._resume: int | None = None  # Where the text goes on behind this line's heredocs.

    def code(self) -> Code:
        """Read the code in the braces of a text, with the closing one. It gives a text."""
        raise NotImplementedError

    def spend(self, count: int = 1) -> None:
        """Count work. Raises :class:`Exhausted` when it is too much."""
        self._steps -= count
        if self._steps < 0:
            raise Exhausted(f"it takes more than {self._most} steps")

    def line(self) -> int:
        """Return the number of the line of the position, counted from 1."""
        return 1 + bisect.bisect_left(self._ends, self.at)

    def error(self, reason: str) -> Refused:
        return Refused(reason, self.line())

    def unexpected(self) -> Refused:
        """Return an error that names what stands at the position."""
        rest = t.cast("re.Match[str]", self.look(_UNEXPECTED))[0]
        end = "the end of the text" if self.at >= len(self.source) else "the end of the line"
        return self.error(f"{rest or end} is unexpected")

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

    def word(self) -> str:
        """Return the word or the sign at the position."""
        self.blanks()
        return t.cast("re.Match[str]", self.look(_WORD))[0]

    def keyword(self, *words: str) -> str:
        """Go behind one of these words and return it; else return the empty string."""
        word = self.word()
        self.at += len(word) if word in words else 0
        return word if word in words else ""

    def demand(self, sign: str) -> None:
        if not self.sign(sign):
            raise self.unexpected()

    def name(self) -> str:
        self.blanks()
        match = self.look(NAME)
        if match is None or match[0] in KEYWORDS or match[0][0].isupper():
            raise self.unexpected()
        self.at = match.end()
        return match[0]

    def parameters(self, closing: str) -> list[str]:
        """Read names with commas between them, and the closing sign."""
        names: list[str] = []
        while not self.sign(closing):
            if names:
                self.demand(",")
            names.append(self.name())
        return names

    def lines(self) -> None:
        """Go over blanks, comments and the ends of lines and statements."""
        while True:
            self.spend()
            self.blanks()
            comment = self.at < self._last_comment and self.take(_COMMENT_LINES)
            if self.source.startswith("\n", self.at):
                self.at, self._resume = self._resume or self.at + 1, None
            elif not comment and not self.take(_IGNORED):
                return

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

    def symbol(self, name: str | None) -> Code:
        """Return a Symbol of this name, or of the text behind the opening quote."""
        if name is not None:
            return constant(Symbol(name))
        parts = self._quoted()
        return lambda: Symbol(joined(parts))

    def label(self) -> Code | None:
        """Read a Symbol with its colon behind it, if one begins here."""
        match = self.take(_LABEL)
        symbol = None if match is None else self.symbol(match[1])
        self.at += 1 if match and match[2] else 0
        return symbol

    def literal(self) -> Code | None:
        """Read a number, Symbol, String, Array of words or Regexp, if one begins here."""
        number = self.number()
        if number is not None:
            return constant(number)
        symbol = self.take(_SYMBOL)
        if symbol is not None:
            return self.symbol(symbol[1])
        heredoc, percent = self.look(_HEREDOC), self.look(_PERCENT)
        opening = percent[2] if percent else self.source[self.at : self.at + 1]
        mode = "text" if heredoc else _MODES.get(f"%{percent[1] or 'Q'}" if percent else opening)
        if mode is None:
            return None
        self.at = percent.end() if percent else self.at + 1
        parts = self._heredoc(heredoc) if heredoc else self._delimited(opening, mode)
        if mode == "regexp":
            flags = self.take(_FLAGS)
            if flags is None:
                raise self.error("a Regexp with other flags than i, m and x")
            options = "".join(flag for flag in "imx" if flag in flags[0])
            return lambda: Regexp(joined(parts), options)
        if mode == "words" and percent:
            kind = Symbol if percent[1] == "i" else str
            words = re.findall(r"(?:\\.|[^\\\s])+", joined(parts), re.DOTALL)
            return lambda: [kind(re.sub(r"\\([\s\\])", r"\1", word)) for word in words]
        while self.take(_NEXT_QUOTE):
            parts += self._quoted()
        return lambda: joined(parts)

    def _quoted(self) -> list[str | Code]:
        """Read a text behind its opening quote."""
        quote = self.source[self.at - 1]
        return self._delimited(quote, _MODES[quote])

    def _delimited(self, opening: str, mode: str) -> list[str | Code]:
        """Read a literal up to its closing sign. Opening ones may stand in it if they differ."""
        closing, start, first = _PAIRS.get(opening, opening), self.at, self.line()
        opening = opening if opening != closing else ""
        parts = self._content(opening, closing, mode, len(self.source))
        found = self.at < len(self.source)
        self.spend((self.at - start) // (64 if found else 4))
        if not found:
            raise Refused(f"a text without its closing {closing}", first)
        self.at += 1
        if self._resume is not None and self.line() > first:
            raise Refused("a text of several lines behind a heredoc", first)
        return parts

    def _content(
        self, opening: str, closing: str, mode: str, end: int, indent: int = 0
    ) -> list[str | Code]:
        """Read a literal's content up to its closing sign or an index.

        :param mode: "text", "raw", "words", "regexp" or "heredoc", which is a raw one: what
            backslashes and ``#{`` mean.
        :param indent: how many blanks each line loses.
        """
        parts: list[str | Code] = []
        depth = 0
        ordinary = re.compile(rf"[^\\#{re.escape(opening + closing)}]+")
        while self.at < end:
            char = self.source[self.at]
            run = ordinary.match(self.source, self.at, end)
            if run is not None:
                parts.append(re.sub(rf"\n {{0,{indent}}}", "\n", run[0]) if indent else run[0])
                self.at = run.end()
            elif char == closing and depth == 0:
                break
            elif char == "\\":
                parts.append(self._escaped(opening, closing, mode))
            elif char == "#" and mode in ("text", "regexp") and self.look(_CODE):
                if self.source[self.at + 1] != "{":
                    raise self.error("a variable without braces in a text")
                self.at += 2
                parts.append(self.code())
            else:
                depth += (char == opening) - (char == closing)
                parts.append(char)
                self.at += 1
        if self.at > end:
            raise self.error("code in a heredoc that does not end in it")
        return parts

    def _heredoc(self, match: re.Match[str]) -> list[str | Code]:
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
        self.at = start + (indent if body[:indent].isspace() else 0)
        resume, self._resume = self._resume, None
        try:
            return self._content("", "", "heredoc" if match[2] == "'" else "text", end, indent)
        finally:
            self.at, self._resume = match.end(), resume

    def _escaped(self, opening: str, closing: str, mode: str) -> str:
        """Read a backslash and what stands behind it."""
        if mode == "text":
            return self._escape()
        following = self.source[self.at + 1 : self.at + 2]
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


def constant(value: t.Any) -> Code:
    return lambda: value


def joined(parts: t.Iterable[str | Code]) -> str:
    """Return the text that a literal's parts make. The code among them is run."""
    return "".join(part if isinstance(part, str) else part() for part in parts)
