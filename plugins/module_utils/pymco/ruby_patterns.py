# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Ruby's regular expressions, matched by Python's ``re`` behind a small translation.

A pattern that the translation does not know is :class:`Untranslatable`, never guessed. So are letters
beyond ASCII where Ruby looks at their properties.

``re`` cannot be told to give up, and a pattern such as ``(a+)+$`` backtracks for ever. But it looks
for signals every few thousand steps. A :class:`Allowance` therefore sets the process' timer for its
own processor time (``ITIMER_VIRTUAL``, which Ansible does not use), and the signal's handler ends
the match. A busy machine does not shorten that time. Python handles signals in the main thread only:
other threads match a pattern that cannot take long, see :class:`Pattern`; any other is
Untranslatable there.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from types import FrameType

MAX_LENGTH = 2000
"""Characters that a pattern may have."""

MAX_COUNT = 1000
"""The largest number in a counted repeat."""

SECONDS = 0.25
"""Processor time that the matches of one request may take together."""

_PROMPT = 2000
"""Characters of text that a simple pattern looks through in a few milliseconds."""


class Untranslatable(Exception):
    """It cannot be told here if the pattern matches; the text says why."""


class Allowance:
    """Bounds the time that matches may take together.

    :param seconds: of the process' own processor time.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._left = seconds

    @contextlib.contextmanager
    def limited(self) -> t.Iterator[None]:
        """End the work in the context when the time is over.

        :raises Untranslatable: the time is over, or this is not the main thread.
        """
        if threading.current_thread() is not threading.main_thread():
            raise Untranslatable("it may take long, and only the main thread can stop it")
        if self._left <= 0:
            raise Untranslatable("the time for matching is over")
        handler = signal.signal(signal.SIGVTALRM, self._over)
        timer = signal.setitimer(signal.ITIMER_VIRTUAL, self._left)
        try:
            try:
                yield
            finally:
                self._left = min(self._left, signal.setitimer(signal.ITIMER_VIRTUAL, *timer)[0])
        finally:
            signal.signal(signal.SIGVTALRM, signal.SIG_DFL if handler is None else handler)

    def _over(self, _number: int, _frame: FrameType | None) -> None:
        self._left = 0.0
        raise Untranslatable("it takes too long")


@dataclass(frozen=True)
class Pattern:
    """A translated regular expression.

    :ivar ascii_only: it looks at properties of letters that Ruby and Python tell differently.
    :ivar simple: it repeats at most one character or class, so it takes at most quadratic time.
    """

    regex: re.Pattern[str]
    ascii_only: bool
    simple: bool

    def search(self, text: str, allowance: Allowance) -> bool:
        """Return True if it matches anywhere in a text.

        :raises Untranslatable: that cannot be told.
        """
        return self._match(text, allowance) is not None

    def replace(self, text: str, replacement: str, allowance: Allowance) -> str:
        """Replace the first match, as Ruby's ``sub`` does with a plain replacement.

        :raises Untranslatable: that cannot be told.
        """
        match = self._match(text, allowance)
        return text if match is None else text[: match.start()] + replacement + text[match.end() :]

    def _match(self, text: str, allowance: Allowance) -> re.Match[str] | None:
        if self.ascii_only and not text.isascii():
            raise Untranslatable("it depends on properties of letters, and the text has others")
        if self.simple and len(text) <= _PROMPT:
            return self.regex.search(text)
        with allowance.limited():
            return self.regex.search(text)


def compile_ruby(source: str, flags: str = "") -> Pattern:
    """Translate the source of a Ruby Regexp.

    :param flags: those of "imx" that are set.
    :raises Untranslatable: it is not known here what Ruby makes of it.
    """
    if len(source) > MAX_LENGTH:
        raise Untranslatable(f"it has more than {MAX_LENGTH} characters")
    translator = _Translator(source, flags)
    translated = "".join(translator.translated())
    options = re.ASCII | (re.IGNORECASE if "i" in flags else 0) | (re.DOTALL if "m" in flags else 0)
    try:
        return Pattern(re.compile(translated, options), translator.ascii_only, translator.simple)
    except (re.error, RecursionError, OverflowError) as error:
        raise Untranslatable(str(error)) from None


_ESCAPES = r"""
    \\x(?P<byte>[0-9a-fA-F]{1,2}) | \\u(?P<code>[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\})
    | \\p\{(?P<property>\w+)\} | \\(?P<set>[wWdDsSh]) | \\(?P<control>[ntrfvae]) | \\(?P<escaped>[^\w]|_)
"""
_TOKEN = re.compile(
    rf"""{_ESCAPES} | (?P<assertion>\\[AzZb]|[\^$]) | (?P<dot>\.) | (?P<bar>\|) | (?P<close>\))
    | (?P<open>\((?:\?(?:=|!|<=|<!|<[^\W\d]\w*>|'[^\W\d]\w*'|[im]*(?:-[im]+)?:))?(?!\?))
    | (?P<quantifier>(?:[*+?]|\{{(?:\d{{1,4}}(?:,\d{{0,4}})?|,\d{{1,4}})\}})\??) | (?P<class>\[\^?(?!\]))
    | (?P<literal>[^\\()\[|*+?{{]|\{{(?!,?\d))""",
    re.VERBOSE,
)
_MEMBER = re.compile(
    rf"""{_ESCAPES} | \[:(?P<posix>\w+):\] | \\(?P<backspace>b) | (?P<literal>[^\[\]\\&]|&(?!&))""",
    re.VERBOSE,
)
_BLANKS = re.compile(r"(?:[ \t\n\v\f\r]+|#[^\n]*)+")
_GLOBAL = re.compile(r"\(\?([im]+)\)")
_ASSERTIONS = {
    **{"\\A": r"\A", "\\z": r"\Z", "\\Z": r"(?=\n?\Z)", "\\b": r"\b"},
    **{"^": r"(?:\A|(?<=\n)(?!\Z))", "$": r"(?=\n|\Z)"},
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_HEX = "0-9a-fA-F"
_PROPERTIES = {
    **{"alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z"},
    **{"space": r"\s", "blank": r" \t", "xdigit": _HEX, "cntrl": r"\x00-\x1f\x7f"},
    **{"graph": r"\x21-\x7e", "print": r"\x20-\x7e", "word": r"\w"},
}
"""What POSIX's classes hold of ASCII."""


class _Translator:
    """Writes a Ruby pattern anew in Python's notation, token by token.

    Groups capture nothing: references to them are not translated.
    """

    def __init__(self, source: str, flags: str) -> None:
        self._source, self._at = source, 0
        self._extended = "x" in flags
        self._folds = self.ascii_only = "i" in flags
        self._beyond_ascii = not source.isascii()
        self._repeats = 0
        self.simple = True

    def translated(self) -> t.Iterator[str]:
        """Give the parts of the translation."""
        options = _GLOBAL.match(self._source)
        if options is not None:
            # Python wants the options of a part in a group. They hold behind a bar, too.
            self._at = options.end()
            yield self._opening(f"(?{options[1]}:")
        opened: list[str] = []
        before = ""  # What a quantifier would repeat; empty for nothing.
        while self._at < len(self._source):
            blanks = _BLANKS.match(self._source, self._at) if self._extended else None
            if blanks is not None:
                self._at = blanks.end()
                continue
            match = self._take(_TOKEN)
            kind, text = match.lastgroup, match[0]
            repeated, before = before, ""
            if kind == "quantifier":
                yield self._quantifier(text, repeated)
            elif kind == "open":
                opened.append("" if text[-1] in "=!" else "group")
                yield self._opening(text)
            elif kind == "close":
                if not opened:
                    raise Untranslatable("a ) without a (")
                before = opened.pop()
                yield ")"
            else:
                before = "" if kind in ("assertion", "bar") else "character"
                self.simple = self.simple and kind != "bar"
                yield self._atom(match)
        if opened:
            raise Untranslatable("a ( without a )")
        if self._folds and self._beyond_ascii:
            raise Untranslatable("letters beyond ASCII in either case")
        yield ")" if options is not None else ""

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._source, self._at)
        if match is None:
            found = self._source[self._at : self._at + 4] or "its end"
            raise Untranslatable(f"what {found} means is not known here")
        self._at = match.end()
        return match

    def _quantifier(self, text: str, kind: str) -> str:
        """Return a quantifier, by which Python means the same. Two of them have another meaning."""
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        lazy = text.endswith("?") and text != "?"
        ordered = numbers == sorted(numbers) and max(numbers, default=0) <= MAX_COUNT
        if not kind or not ordered or (lazy and text[0] == "{" and "," not in text):
            raise Untranslatable(f"the quantifier {text}")
        self._repeats += 1
        self.simple = self.simple and kind == "character" and self._repeats == 1
        return text

    def _opening(self, text: str) -> str:
        if text[-1] in "=!":
            self.simple = False
            return text
        if not text.endswith(":"):
            return "(?:"
        on, _minus, off = text[2:-1].partition("-")
        self._folds = self._folds or "i" in on
        self.ascii_only = self.ascii_only or self._folds
        # Ruby's m is Python's s.
        on, off = ("".join(dict.fromkeys(part.replace("m", "s"))) for part in (on, off))
        return f"(?{on}{'-' if off else ''}{off}:"

    def _atom(self, match: re.Match[str]) -> str:
        kind, text = match.lastgroup, match[0]
        if kind == "assertion":
            self.ascii_only = self.ascii_only or text == "\\b"
            return _ASSERTIONS[text]
        if kind in ("dot", "bar"):
            return text
        if kind == "class":
            return text + self._members()
        members, literal = self._member(match)
        return f"[{members}]" if literal is None else members

    def _members(self) -> str:
        """Return the members of a class. The position is behind the opening bracket."""
        members = ""
        while not self._source.startswith("]", self._at):
            text, literal = self._member(self._take(_MEMBER))
            range_ = re.compile(r"-(?!\])").match(self._source, self._at)
            if literal is not None and range_ is not None:
                self._at = range_.end()
                last, end = self._member(self._take(_MEMBER))
                if end is None or end < literal or "-" in (literal, end):
                    raise Untranslatable("a range of something other than two characters")
                text = f"{text}-{last}"
            members += text
        self._at += 1
        return members + "]"

    def _member(self, match: re.Match[str]) -> tuple[str, str | None]:
        """Return what a token matches, as members of a class, and the character if it is one."""
        kind = str(match.lastgroup)
        text = match[kind]
        if kind in ("property", "posix"):
            if text.lower() not in _PROPERTIES:
                raise Untranslatable(f"the property {text}")
            self.ascii_only = True
            return _PROPERTIES[text.lower()], None
        if kind == "set":
            return _HEX if text == "h" else f"\\{text}", None
        if kind in ("byte", "code"):
            number = int(text.strip("{}"), 16)
            if number > (0x7F if kind == "byte" else 0x10FFFF):
                raise Untranslatable(f"the escape {match[0]}")
            self._beyond_ascii = self._beyond_ascii or number > 0x7F
            text = chr(number)
        text = "\b" if kind == "backspace" else _CONTROLS[text] if kind == "control" else text
        return re.escape(text), text
