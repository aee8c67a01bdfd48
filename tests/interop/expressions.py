# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes random compound filters. It knows the meaning of each without parsing it."""

from __future__ import annotations

import json
import re
import typing as t

from hypothesis import strategies as st
from reference import NodeData

FACTS = ("os", "cpus", "load", "os.family", "net-1", "my fact")
TEXTS = ("Debian", "Debian Linux", "debian", "a(b)", "7", "10", "0.25", "2.5", "", "b>c", "ü ☃")
CLASSES = ("common", "role::web", "role.db", "and", "android", "not-here", "Über")
SOURCES = ("^role", "web$", "o.*e", "a|b", "(?i)DEB", "^$", r"^[0-9]+\.", "e b", r"\d$")
OPERATORS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


class Silent(Exception):
    """A node cannot compare, and then does not answer at all, whatever the rest of the filter says."""


class Expression(t.NamedTuple):
    """A text and what it means.

    :ivar binding: 0 if an "or" holds it together, 1 if an "and", 2 if nothing can part it.
    """

    text: str
    holds: t.Callable[[NodeData], bool]
    binding: int = 2

    def within(self, binding: int) -> str:
        """Return its text for a place that needs at least this binding."""
        return self.text if self.binding >= binding else f"({self.text})"


nodes = st.builds(
    NodeData,
    facts=st.dictionaries(
        st.sampled_from(FACTS),
        st.sampled_from(TEXTS) | st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2),
        min_size=1,
    ),
    classes=st.lists(st.sampled_from(CLASSES), unique=True),
)


def needs_quotes(text: str) -> bool:
    """Return True if a value needs quotes."""
    return not re.fullmatch(r"[^\s()'\"<>=~]+", text)


def _quoted(text: str, quote: str) -> str:
    return f"{quote}{text}{quote}" if quote or not needs_quotes(text) else f'"{text}"'


def _comparable(left: str, right: str) -> tuple[t.Any, t.Any]:
    for pattern, kind in (("[0-9]+", int), (r"[0-9]+\.[0-9]+", float)):
        if re.fullmatch(pattern, left) and re.fullmatch(pattern, right):
            return kind(left), kind(right)
    return left, right


def _has(node: NodeData, fact: str, fits: t.Callable[[str], bool]) -> bool:
    value = node.facts.get(fact)
    values = value if isinstance(value, list) else [] if value is None else [value]
    return any(fits(item) for item in values)


@st.composite
def facts(draw: st.DrawFn) -> Expression:
    """Such as ``os = "Debian Linux"`` and ``cpus>=7``."""
    fact, value = draw(st.sampled_from(FACTS)), draw(st.sampled_from([x for x in TEXTS if x]))
    operator = draw(st.sampled_from(sorted(OPERATORS)))
    if operator == ">" and ">" in value:
        operator = "="
    blanks, quote = draw(st.sampled_from(["", " "])), draw(st.sampled_from(["", "'", '"']))
    text = f"{_quoted(fact, quote)}{blanks}{operator}{blanks}{_quoted(value, quote)}"

    def fits(item: str) -> bool:
        if operator == "=":
            return item == value
        return OPERATORS[operator](*_comparable(item, value))

    return Expression(text, lambda node: _has(node, fact, fits))


@st.composite
def fact_regexes(draw: st.DrawFn) -> Expression:
    """Such as ``os=/^Deb/``."""
    fact, source = draw(st.sampled_from(FACTS)), draw(st.sampled_from(SOURCES))
    return Expression(
        f"{_quoted(fact, '')}=/{source}/",
        lambda node: _has(node, fact, lambda item: bool(re.search(source, item))),
    )


@st.composite
def classes(draw: st.DrawFn) -> Expression:
    """Such as ``role::web``, and sometimes a class that must be quoted."""
    name = draw(st.sampled_from(CLASSES))
    text = f'"{name}"' if name == "and" else name
    return Expression(text, lambda node: name in node.classes)


@st.composite
def class_regexes(draw: st.DrawFn) -> Expression:
    """Such as ``/^role/``."""
    source = draw(st.sampled_from(SOURCES))
    return Expression(
        f"/{source}/", lambda node: any(re.search(source, name) for name in node.classes)
    )


@st.composite
def fact_functions(draw: st.DrawFn) -> Expression:
    """Such as ``fact('os').value != "Debian Linux"``; a fact that is not there is false."""
    fact = draw(st.sampled_from(["os", "cpus", "load", "net-1", "my fact"]))
    value, equal = draw(st.sampled_from([x for x in TEXTS if x])), draw(st.booleans())
    quote = draw(st.sampled_from("'\""))
    text = f"fact({quote}{fact}{quote}).value{'=' if equal else '!='}{_quoted(value, '')}"

    def holds(node: NodeData) -> bool:
        found = node.facts.get(fact, False)
        if found is False:
            raise Silent
        # A list becomes JSON text, which none of our values is.
        return (found == value) is equal

    return Expression(text, holds)


@st.composite
def regex_functions(draw: st.DrawFn) -> Expression:
    """Such as ``fact('os').value=/^Deb/``, which is true only of text, and so is its negation."""
    source, equal = draw(st.sampled_from(["^Deb", "0", "(?i)DEB", "^$"])), draw(st.booleans())
    text = f"fact('os').value{'=' if equal else '!='}/{source}/"

    def holds(node: NodeData) -> bool:
        found = node.facts.get("os")
        if isinstance(found, list):
            found = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        return found is not None and bool(re.search(source, found)) is equal

    return Expression(text, holds)


def _not(inner: Expression, word: str) -> Expression:
    return Expression(f"{word}{inner.within(2)}", lambda node: not inner.holds(node))


def _joined(parts: list[Expression], word: str) -> Expression:
    """All parts are evaluated before anything is decided, as on nodes."""
    binding, decide = (1, all) if word == "and" else (0, any)
    text = f" {word} ".join(part.within(binding) for part in parts)
    return Expression(text, lambda node: decide([part.holds(node) for part in parts]), binding)


leaves = facts() | fact_regexes() | classes() | class_regexes() | fact_functions()
expressions = st.recursive(
    leaves | regex_functions(),
    lambda inner: st.builds(_not, inner, st.sampled_from(["not ", "!", "! ", "not  "]))
    | st.builds(_joined, st.lists(inner, min_size=2, max_size=3), st.sampled_from(["and", "or"])),
    max_leaves=6,
)

FRAGMENTS = (
    *(" ", " ", "  ", "(", ")", "!", "not ", " and ", " or ", "and", "or", "not", "a", "b::c"),
    *(
        "/re/",
        "/a b/",
        "=",
        "<",
        ">=",
        "1",
        "x",
        '"',
        "'",
        "\\",
        "/",
        "os=x",
        'os="a b"',
        "~",
        "!=",
    ),
    *("os=/x y/", "fact('x').value=1", "fstat('/etc').md5=/a/", "().", "f('", "')", ".v"),
)
garbage = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=8).map("".join)
"""Texts that look like filters; few are."""
