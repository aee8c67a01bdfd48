# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Filters: they select the nodes that a request is for. ``mco``'s text forms are read here too.

A text that does not parse is refused with the rule that it breaks.
"""

from __future__ import annotations

import re
import typing as t

from . import compound, exc, expression
from .serializers import Symbol

FACT_OPERATORS = ("==", "=~", "<=", "=>", ">=", "=<", "<", ">", "!=")
"""The operators that python-mcollective takes. ``=>`` and ``=<`` are other spellings (MC:util.rb)."""
_SAME_OPERATOR = {"=>": ">=", "=<": "<="}
_FACT = re.compile(
    r"\s*(?P<fact>[^\s=~<>!]+)\s*(?P<operator>=~|>=|=>|<=|=<|!=|==|=|<|>)\s*(?P<value>.*\S|.)\s*"
)
_NAME = re.compile(r"[\w.:\-]+")
_IDENTITY = re.compile(r"[A-Za-z0-9_][\w.\-]{0,254}", re.ASCII)
"""MCollective's rule for identities (MC:config.rb), with both ends anchored. A dash cannot be the
first character, since identities become file names, host names and arguments."""


class Filter(t.Mapping[str, t.Any]):
    """Select nodes. A node fits if it fits every kind of entry, all entries of each kind, and one of
    the identities.

    Read as a mapping, it has the form that nodes of its dialect expect: String keys, all five of them,
    and facts with Symbol keys and String values (MC:util.rb, empty_filter). Choria's nodes want the same
    in JSON (Go: protocol/filter.go). They differ in identities and compound filters.

    :ivar dialect: "mcollective", or "choria"; see :meth:`in_dialect`.
    :ivar classes: names, or regular expressions between slashes; :attr:`agents` and :attr:`identities` too.
    :ivar facts: (name, value, operator) of each fact.
    :ivar compounds: the compound filters, with their text and their tokens.
    :ivar seconds: how long nodes may take for data functions before they answer.
    """

    def __init__(self) -> None:
        self.dialect = "mcollective"
        self.classes: list[str] = []
        self.agents: list[str] = []
        self.facts: list[tuple[str, str, str]] = []
        self.identities: list[str] = []
        self.compounds: list[compound.Compound] = []
        self.seconds = 0.0

    def add_cfclass(self, name: str) -> Filter:
        """Select nodes that have a class, given by name or by a regular expression between slashes."""
        return self._add(self.classes, _not_empty("class", name))

    def add_agent(self, agent: str) -> Filter:
        """Select nodes that have an agent, given by name or by a regular expression between slashes."""
        return self._add(self.agents, _not_empty("agent", agent))

    def add_identity(self, identity: str) -> Filter:
        """Select nodes by identity, given by name or by a regular expression between slashes."""
        return self._add(self.identities, _not_empty("identity", identity))

    def add_fact(self, fact: str, value: t.Any, operator: str | None = None) -> Filter:
        """Select nodes whose fact compares with a value.

        :param operator: one of :data:`FACT_OPERATORS`; default ``==``.
        :raises exc.BadFilterFactOperator: MCollective has no such operator.
        """
        _not_empty("fact", fact)
        operator = operator or "=="
        if operator not in FACT_OPERATORS:
            known = " ".join(FACT_OPERATORS)
            raise exc.BadFilterFactOperator(f"{operator!r} is not an operator; there are {known}")
        entry = (fact, _fact_text(value), _SAME_OPERATOR.get(operator, operator))
        return self._add(self.facts, entry)

    def add_compound(self, expression: str | t.Sequence[compound.Token]) -> Filter:
        """Select nodes by an expression, given as text (-S) or as its tokens.

        A text is read by :meth:`in_dialect`: it depends on the nodes which language it must be in. Tokens
        are of MCollective's.
        """
        _not_empty("compound", expression)
        given = (expression, None) if isinstance(expression, str) else (None, expression)
        return self._add(self.compounds, compound.Compound(*given))

    def in_dialect(self, dialect: str) -> Filter:
        """Return a filter of its own with the same entries, for nodes that speak this.

        :param dialect: "mcollective" or "choria"; see :attr:`.Settings.dialect`.
        :raises exc.BadFilter: these nodes could never fit it, or could not read it.
        """
        twin = self.copy()
        twin.dialect = dialect
        if dialect == "choria":
            twin.compounds = _for_choria(twin.compounds)
            _check_values(twin.facts)
        else:
            twin.compounds = _for_mcollective(twin.compounds)
        return twin

    def copy(self) -> Filter:
        """Return a filter of its own with the same entries."""
        twin = Filter()
        for name, value in vars(self).items():
            setattr(twin, name, list(value) if isinstance(value, list) else value)
        return twin

    def with_identities(self, identities: t.Iterable[str]) -> Filter:
        """Return a copy that has these identities in place of its own."""
        twin = self.copy()
        twin.identities = list(identities)
        return twin

    def narrows_beyond(self, agent: str) -> bool:
        """Return True if the filter selects by anything other than this agent and identities."""
        others = set(self.agents) - {agent}
        return bool(self.classes or self.facts or self.compounds or others)

    def for_found(self, agent: str) -> Filter:
        """Return the filter of a request to single nodes that were found to fit this one."""
        twin = Filter()
        twin.dialect = self.dialect
        return twin.add_agent(agent)

    def _add(self, entries: list[t.Any], entry: t.Any) -> Filter:
        if entry not in entries:
            entries.append(entry)
        return self

    def _mapping(self) -> dict[str, t.Any]:
        identities = self.identities
        if self.dialect == "mcollective":
            identities = _one_identity(identities)
        return {
            "fact": [
                {Symbol("fact"): name, Symbol("value"): value, Symbol("operator"): operator}
                for name, value, operator in self.facts
            ],
            "cf_class": list(self.classes),
            "agent": list(self.agents),
            "identity": list(identities),
            "compound": [list(entry.tokens) for entry in self.compounds],
        }

    def __getitem__(self, key: str) -> t.Any:
        return self._mapping()[key]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._mapping())

    def __len__(self) -> int:
        return len(self._mapping())


def is_pattern(entry: str) -> bool:
    """Return True if an entry is a regular expression between slashes."""
    return entry.startswith("/")


def _not_empty(kind: str, entry: t.Any) -> t.Any:
    """Return an entry of a filter. Raises :class:`.exc.BadFilter` if it is empty: no node fits it."""
    if not entry:
        raise exc.BadFilter(f"an entry of a {kind} filter is empty, which addresses nobody")
    return entry


def _for_mcollective(compounds: list[compound.Compound]) -> list[compound.Compound]:
    """Return compound filters that have been read, each once."""
    found: list[compound.Compound] = []
    for entry in compounds:
        tokens = entry.tokens
        if all(tokens != other.given for other in found):
            found.append(compound.Compound(entry.text, tokens))
    return found


def _for_choria(compounds: list[compound.Compound]) -> list[compound.Compound]:
    """Return one compound filter that is true if all of these are; none if there are none."""
    if not compounds:
        return []
    texts = [entry.text for entry in compounds if entry.text is not None]
    if len(texts) < len(compounds):
        raise exc.BadFilter(
            "a compound filter that is given as tokens is MCollective's; nodes of Choria take an expression,"
            " given as text"
        )
    text = expression.joined(texts)
    return [compound.Compound(text, [{"expr": text}])]


def _check_values(facts: list[tuple[str, str, str]]) -> None:
    """Refuse a fact without a value: nodes of Choria say nothing to it (Go: the schema of requests)."""
    for name, value, _operator in facts:
        if not value:
            raise exc.BadFilter(
                f"the filter of the fact {name} has an empty value, and nodes of Choria do not answer such a"
                " request; =~^$ is an empty text, and =~. any other"
            )


def _fact_text(value: t.Any) -> str:
    """Return a fact's value as nodes hold it: text, with Ruby's spelling of true and nil."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _one_identity(identities: list[str]) -> list[str]:
    """Return the form of the identities on the wire.

    A node of MCollective takes a request only if exactly one entry fits it (MC:security/base.rb, "matched == 1"): two
    overlapping patterns would exclude the nodes that fit both. Several entries with a pattern among
    them therefore become one pattern with alternatives.
    """
    if len(identities) < 2 or not any(map(is_pattern, identities)):
        return list(identities)
    return ["/" + "|".join(f"(?:{_pattern(identity)})" for identity in identities) + "/"]


def _pattern(identity: str) -> str:
    if is_pattern(identity):
        return identity.replace("/", "")
    return "^" + identity.replace(".", "\\.") + "$"


def is_identity(text: t.Any) -> bool:
    """Return True if a value from a node or a user can be an identity."""
    return isinstance(text, str) and _IDENTITY.fullmatch(text) is not None


def checked_identity(text: str) -> str:
    """Return an identity. Raises :class:`.exc.BadFilter` for a text that cannot be one."""
    if not is_identity(text):
        raise exc.BadFilter(
            f"{text!r} is not an identity: identities have letters, digits, dots, dashes and"
            " underscores only"
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
