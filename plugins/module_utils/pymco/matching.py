# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The text forms in which people write filters, as ``mco`` takes them, into a :class:`.Filter`.

What does not parse is refused here, with the rule, before anything is sent.
"""

from __future__ import annotations

import re
import typing as t

from . import exc
from .filters import Filter

_FACT = re.compile(
    r"\s*(?P<fact>[^\s=~<>!]+)\s*(?P<operator>=~|>=|=>|<=|=<|!=|==|=|<|>)\s*(?P<value>.*\S|.)\s*"
)
_NAME = re.compile(r"[\w.:\-]+")
IDENTITY = re.compile(r"[A-Za-z0-9_][\w.\-]{0,254}", re.ASCII)
"""An identity that we address or report: MCollective's rule (MC:config.rb), with the ends anchored
and no leading dash, since identities become file names, host names and arguments."""


def is_identity(text: t.Any) -> bool:
    """Whether a value that came from a node or a user can be an identity."""
    return isinstance(text, str) and IDENTITY.fullmatch(text) is not None


def checked_identity(text: str) -> str:
    """The identity, or :class:`.exc.BadFilter`."""
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
        if operator == "=" and len(value) > 2 and value[0] == value[-1] == "/":
            operator = "=~"
        filter_.add_fact(fact, value, "==" if operator == "=" else operator)


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
    for text in texts:
        for part in text.split():
            is_fact = re.search("[=<>]", part) and not part.startswith("/")
            (add_facts if is_fact else add_classes)(filter_, [part])


def _name_or_regex(kind: str, text: str) -> str:
    text = text.strip()
    if text.startswith("/"):
        return _regex(kind, text)
    if not _NAME.fullmatch(text):
        raise exc.BadFilter(f"{kind} filter {text!r} is neither a name nor a /regular expression/")
    return text


def _regex(kind: str, text: str) -> str:
    if len(text) < 3 or not text.endswith("/"):
        raise exc.BadFilter(f"{kind} filter {text!r} lacks its closing slash")
    if "/" in text[1:-1]:
        raise exc.BadFilter(
            f"{kind} filter {text!r} has a slash inside: nodes remove every slash; write . for it"
        )
    return text
