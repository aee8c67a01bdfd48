# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The literals that Ruby's lexer reads as a whole: strings, words, regexps and heredocs.

Each yields its parts: str, and the syntax trees of what stands in ``#{...}`` between them.
"""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from .lexer import Lexer

Parts = list[t.Any]
"""str and syntax trees."""

_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_SIMPLE = dict(zip("ntrabefsv", b"\n\t\r\a\b\x1b\f \v"))
_ESCAPE = re.compile(
    r"(?P<octal>[0-7]{1,3})|x(?P<hex>[0-9a-fA-F]{1,2})|u(?P<unicode>[0-9a-fA-F]{4})"
    r"|u\{[ \t]*(?P<codes>[0-9a-fA-F]{1,6}(?:[ \t]+[0-9a-fA-F]{1,6})*)[ \t]*\}|c(?P<control>[a-zA-Z])"
    r"|(?P<simple>[ntrabefsv])|(?P<newline>\n)|(?P<other>[^xucCM])",
    re.DOTALL,
)
_HEREDOC = re.compile(r"<<([-~]?)(?:([\"'])([^\"'\n]+)\2|([^\W\d]\w*))")
_REGEXP_FLAGS = "imxou"
_REGEXP_META = frozenset("$*+.?^|)]}>")
"""The closing delimiters that mean something in a Regexp: their backslash is kept."""


class _Collector:
    """Gathers a literal's parts; text is gathered as bytes, for \\x may write half a character."""

    def __init__(self, lexer: Lexer) -> None:
        self._lexer = lexer
        self._bytes = bytearray()
        self._parts: list[t.Any] = []

    def add(self, text: str) -> None:
        self._bytes += text.encode("utf-8")

    def add_bytes(self, data: bytes) -> None:
        self._bytes += data

    def add_code(self, tree: t.Any) -> None:
        self._flush()
        self._parts.append(tree)

    def finish(self) -> Parts:
        self._flush()
        return self._parts or [""]

    def _flush(self) -> None:
        try:
            text = self._bytes.decode("utf-8")
        except UnicodeDecodeError:
            raise self._lexer.error("a string whose escapes are not text in UTF-8") from None
        if text:
            self._parts.append(text)
        self._bytes.clear()


def quoted(lexer: Lexer, quote: str) -> Parts:
    """A string in quotes, which the lexer stands at."""
    if quote == "`":
        raise lexer.error("a shell command in backquotes")
    lexer.at += 1
    return _delimited(lexer, quote, quote, raw=quote == "'")


def percent(lexer: Lexer) -> tuple[str, t.Any] | None:
    """``%w[...]`` and its kin; None if it is none."""
    match = re.compile(r"%([qQwWiIrsx]?)([^\w\s])").match(lexer.source, lexer.at)
    if match is None:
        return None
    kind, opening = match[1], match[2]
    if kind == "x":
        raise lexer.error("a shell command in %x")
    if kind == "r":
        lexer.at = match.end() - 1
        return regexp(lexer, opening)
    lexer.at = match.end()
    closing = _PAIRS.get(opening, opening)
    if kind in ("w", "i", "W", "I"):
        return "words", (kind, _words(lexer, opening, closing, kind))
    parts = _delimited(lexer, opening, closing, raw=kind in ("q", "s"))
    return ("symbol" if kind == "s" else "string"), parts


def regexp(lexer: Lexer, opening: str) -> tuple[str, t.Any]:
    """A Regexp, whose opening delimiter the lexer stands at: its parts and its flags."""
    line = lexer.line
    lexer.at += 1
    parts = _delimited(lexer, opening, _PAIRS.get(opening, opening), raw=False, in_regexp=True)
    match = re.compile(r"[a-z]*").match(lexer.source, lexer.at)
    flags = match[0] if match else ""
    lexer.at += len(flags)
    if any(flag not in _REGEXP_FLAGS for flag in flags):
        raise lexer.error(f"a Regexp with the flags {flags!r}", line)
    return "regexp", (parts, "".join(flag for flag in "imx" if flag in flags))


def _delimited(
    lexer: Lexer, opening: str, closing: str, raw: bool, in_regexp: bool = False
) -> Parts:
    """Read up to the closing delimiter, which may be nested if it differs from the opening one."""
    start_line, start, depth = lexer.line, lexer.at, 0
    out = _Collector(lexer)
    while True:
        char = lexer.source[lexer.at : lexer.at + 1]
        if not char:
            raise lexer.error(f"a literal without its closing {closing}", start_line)
        if char == closing and depth == 0:
            lexer.at += 1
            break
        depth += (char == opening != closing) - (char == closing != opening)
        if char == "\\" and in_regexp:
            _regexp_escape(lexer, out, opening, closing)
        elif char == "\\":
            _escape(lexer, out, (opening, closing) if raw else None)
        elif raw or not _interpolation(lexer, out):
            out.add(char)
            lexer.at += 1
    if lexer.after_heredocs is not None and "\n" in lexer.source[start : lexer.at]:
        raise lexer.error("a literal of several lines behind a heredoc", start_line)
    return out.finish()


def _interpolation(lexer: Lexer, out: _Collector) -> bool:
    """Read ``#{code}``, if it stands here."""
    following = lexer.source[lexer.at : lexer.at + 2]
    if re.match(r"#[@$]\w?", lexer.source[lexer.at : lexer.at + 3]) and following != "#":
        raise lexer.error("an instance or global variable in a string")
    if following != "#{":
        return False
    lexer.at += 2
    out.add_code(lexer.interpolate())
    return True


def _escape(lexer: Lexer, out: _Collector, raw_delimiters: tuple[str, str] | None) -> None:
    """Read a backslash and what it stands before."""
    following = lexer.source[lexer.at + 1 : lexer.at + 2]
    if raw_delimiters is not None:
        known = following in ("\\", *raw_delimiters) and following != ""
        out.add(following if known else "\\" + following)
        lexer.at += 2
        return
    match = _ESCAPE.match(lexer.source, lexer.at + 1)
    if match is None:
        raise lexer.error(f"the escape \\{following}")
    lexer.at = match.end()
    _add_escape(lexer, out, str(match.lastgroup), match[str(match.lastgroup)])


def _add_escape(lexer: Lexer, out: _Collector, kind: str, text: str) -> None:
    if kind == "octal":
        out.add_bytes(bytes([int(text, 8) & 0xFF]))
    elif kind == "hex":
        out.add_bytes(bytes([int(text, 16)]))
    elif kind in ("unicode", "codes"):
        codes = [int(code, 16) for code in text.split()]
        if any(code > 0x10FFFF or 0xD800 <= code <= 0xDFFF for code in codes):
            raise lexer.error(f"the escape \\u{{{text}}}, which is no character")
        out.add("".join(map(chr, codes)))
    elif kind == "control":
        out.add_bytes(bytes([ord(text) & 0x1F]))
    elif kind == "simple":
        out.add_bytes(bytes([_SIMPLE[text]]))
    elif kind == "other":
        out.add(text)


def _regexp_escape(lexer: Lexer, out: _Collector, opening: str, closing: str) -> None:
    """A Regexp keeps its escapes, but for those of a delimiter that means nothing in it."""
    following = lexer.source[lexer.at + 1 : lexer.at + 2]
    if following and following in "cCM":
        raise lexer.error(f"the escape \\{following} in a Regexp")
    lexer.at += 2
    if following == "\n":
        return
    means_nothing = following == closing and following not in _REGEXP_META and opening == closing
    if means_nothing or not following.isascii():
        out.add(following)
    else:
        out.add("\\" + following)


def _words(lexer: Lexer, opening: str, closing: str, kind: str) -> list[str]:
    """The words of ``%w`` and ``%i``; ``%W`` and ``%I`` without interpolation."""
    line, depth = lexer.line, 0
    words: list[str] = []
    word: list[str] | None = None
    while True:
        char = lexer.source[lexer.at : lexer.at + 1]
        if not char:
            raise lexer.error(f"a literal without its closing {closing}", line)
        if char == closing and depth == 0:
            break
        depth += (char == opening != closing) - (char == closing != opening)
        if char in " \t\n\f\v\r":
            words += ["".join(word)] if word is not None else []
            word, lexer.at = None, lexer.at + 1
        else:
            word = [] if word is None else word
            word.append(_word_piece(lexer, opening, closing, kind))
    lexer.at += 1
    if lexer.after_heredocs is not None and lexer.line != line:
        raise lexer.error("a literal of several lines behind a heredoc", line)
    return words + (["".join(word)] if word is not None else [])


def _word_piece(lexer: Lexer, opening: str, closing: str, kind: str) -> str:
    char, following = lexer.source[lexer.at], lexer.source[lexer.at + 1 : lexer.at + 2]
    if char == "#" and following in ("{", "@", "$") and kind.isupper():
        raise lexer.error(f"an interpolation in %{kind}")
    if char != "\\":
        lexer.at += 1
        return char
    if following and following in (" \t\n\f\v\r\\" + opening + closing):
        lexer.at += 2
        return following
    out = _Collector(lexer)
    _escape(lexer, out, None if kind.isupper() else (opening, closing))
    return str(out.finish()[0])


def heredoc(lexer: Lexer) -> tuple[str, t.Any] | None:
    """A heredoc, whose ``<<`` the lexer stands at; None if it is none.

    Its body begins on the next line, or behind the body of the line's previous heredoc.
    """
    match = _HEREDOC.match(lexer.source, lexer.at)
    if match is None:
        return None
    style, quote, tag = match[1], match[2], match[3] or match[4]
    resume, line = match.end(), lexer.line
    start = lexer.after_heredocs
    if start is None:
        start = lexer.source.find("\n", resume) + 1 or len(lexer.source)
    body, lexer.after_heredocs = _body(lexer, start, tag, bool(style))
    if style == "~":
        body = _dedented(lexer, body, quote == "'")
    lexer.at = resume
    if quote == "'":
        return "string", [body]
    return "string", _expanded(lexer, body, line)


def _body(lexer: Lexer, start: int, tag: str, indented: bool) -> tuple[str, int]:
    """The lines up to the tag, and where the line behind it starts."""
    margin = r"[ \t]*" if indented else ""
    terminator = re.compile(rf"^{margin}{re.escape(tag)}$\n?", re.MULTILINE)
    match = terminator.search(lexer.source, start)
    if match is None:
        raise lexer.error(f"a heredoc without its closing {tag}")
    return lexer.source[start : match.start()], match.end()


def _expanded(lexer: Lexer, body: str, line: int) -> Parts:
    """A heredoc's escapes and interpolations, read in place of the source."""
    state = lexer.replace_source(body, line + 1)
    out = _Collector(lexer)
    try:
        while lexer.at < len(lexer.source):
            char = lexer.source[lexer.at]
            if char == "\\":
                _escape(lexer, out, None)
            elif not _interpolation(lexer, out):
                out.add(char)
                lexer.at += 1
    finally:
        lexer.restore_source(state)
    return out.finish()


def _dedented(lexer: Lexer, body: str, raw: bool) -> str:
    """The body of ``<<~`` without the blanks that all of its lines begin with."""
    lines = re.findall(r"[^\n]*\n", body)
    if not raw and any(line.endswith("\\\n") for line in lines):
        raise lexer.error("a backslash at the end of a line in <<~")
    if any(_is_blank(line) and after[:1] not in " \t\n" for line, after in zip(lines, lines[1:])):
        # Ruby 3.1 does not see that the line behind it has no margin.
        raise lexer.error("a line of blanks before one without a margin in <<~")
    filled = [line for line in lines if line.strip(" \t\n")]
    width = min(map(_indentation, filled), default=len(body) * 8)
    return "".join(_without_indentation(line, width) for line in lines)


def _is_blank(line: str) -> bool:
    """Whether a line has blanks and nothing else."""
    return line != "\n" and not line.strip(" \t\n")


def _columns(line: str) -> t.Iterator[int]:
    """The column behind each of a line's leading blanks; a tab goes to the next eighth."""
    column = 0
    for char in line:
        if char not in " \t":
            return
        column = column + 1 if char == " " else (column // 8 + 1) * 8
        yield column


def _indentation(line: str) -> int:
    return max(_columns(line), default=0)


def _without_indentation(line: str, width: int) -> str:
    return line[sum(column <= width for column in _columns(line)) :]
