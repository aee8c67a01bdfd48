# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Filters in the text forms of ``mco`` are added to a :class:`.Filter`, and identities are checked.

A text that does not parse is refused with the rule that it breaks.
"""

from __future__ import annotations

import re
import typing as t

from . import exc
from .message import Filter

_FACT = re.compile(
    r"\s*(?P<fact>[^\s=~<>!]+)\s*(?P<operator>=~|>=|=>|<=|=<|!=|==|=|<|>)\s*(?P<value>.*\S|.)\s*"
)
_NAME = re.compile(r"[\w.:\-]+")
_IDENTITY = re.compile(r"[A-Za-z0-9_][\w.\-]{0,254}", re.ASCII)
"""MCollective's rule for identities (MC:config.rb), with both ends anchored. A dash cannot be the
first character, since identities become file names, host names and arguments."""


def is_identity(text: t.Any) -> bool:
    """Return True if a value from a node or a user can be an identity."""
    return isinstance(text, str) and _IDENTITY.fullmatch(text) is not None


def checked_identity(text: str) -> str:
    """Return an identity. Raises :class:`.exc.BadFilter` for a text that cannot be one."""
    if not is_identity(text):
        raise exc.BadFilter(
            f"{text!r} is no identity: those have letters, digits, dots, dashes and underscores only"
        )
    return text


def add_facts(filter_: Filter, texts: t.Iterable[str]) -> None:
    """Add facts such as ``os=Debian``, ``os=~^Deb``, ``os=/^Deb/`` or ``cpus>=4`` (-F)."""
    for text in texts:
        match = _FACT.fullmatch(text)
        if match is None:
            raise exc.BadFilter(
                f"fact filter {text!r} does not parse: it takes NAME OPERATOR VALUE, with one of"
                " = == != =~ < <= > >= between the two"
            )
        fact, operator, value = match["fact"], match["operator"], match["value"]
        if operator == "=":
            is_regex = len(value) > 2 and value[0] == value[-1] == "/"
            operator = "=~" if is_regex else "=="
        filter_.add_fact(fact, value, operator)


def add_classes(filter_: Filter, texts: t.Iterable[str]) -> None:
    """Add classes, by name or ``/regex/`` (-C)."""
    for text in texts:
        filter_.add_cfclass(_name_or_regex("class", text))


def add_agents(filter_: Filter, texts: t.Iterable[str]) -> None:
    """Add agents, by name or ``/regex/`` (-A)."""
    for text in texts:
        filter_.add_agent(_name_or_regex("agent", text))


def add_identities(filter_: Filter, texts: t.Iterable[str]) -> None:
    """Add identities, by name or ``/regex/`` (-I)."""
    for text in texts:
        name = _name_or_regex("identity", text)
        filter_.add_identity(name if name.startswith("/") else checked_identity(name))


def add_with(filter_: Filter, texts: t.Iterable[str]) -> None:
    """Add facts and classes, several in a text, with blanks between them (-W)."""
    for part in " ".join(texts).split():
        is_fact = re.search("[=<>]", part) and not part.startswith("/")
        (add_facts if is_fact else add_classes)(filter_, [part])


def _name_or_regex(kind: str, text: str) -> str:
    text = text.strip()
    if not text.startswith("/"):
        if not _NAME.fullmatch(text):
            wrong = "is neither a name nor a /regular expression/"
            raise exc.BadFilter(f"{kind} filter {text!r} {wrong}")
    elif len(text) < 3 or not text.endswith("/"):
        raise exc.BadFilter(f"{kind} filter {text!r} lacks its closing slash")
    elif "/" in text[1:-1]:
        raise exc.BadFilter(
            f"{kind} filter {text!r} has a slash inside: nodes remove every slash; write . for it"
        )
    return text
