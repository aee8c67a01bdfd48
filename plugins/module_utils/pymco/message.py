# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a request says: the envelope and the filter in it."""

from __future__ import annotations

import collections.abc
import secrets
import time
import typing as t

from . import compound, exc, ranges
from .serializers import Symbol

if t.TYPE_CHECKING:
    from .config import Config

FACT_OPERATORS = ("==", "=~", "<=", "=>", ">=", "=<", "<", ">", "!=")
"""Those that python-mcollective took; ``=>`` and ``=<`` are other spellings (MC:util.rb)."""
_SAME_OPERATOR = {"=>": ">=", "=<": "<="}


class Filter(t.Mapping[str, t.Any]):
    """Which nodes a request is for. Nodes must fit every kind of entry, and all of each kind but
    identities, of which they must fit one.

    :ivar compounds: the compound filters, with their text and their tokens.
    :ivar seconds: how long nodes may take for data functions, before they answer as ever.

    It reads as the mapping that goes on the wire (MC:util.rb, empty_filter): String keys, and
    facts with Symbol keys and String values, the only form that nodes match.
    """

    def __init__(self) -> None:
        self._classes: list[str] = []
        self._agents: list[str] = []
        self._facts: list[tuple[str, str, str]] = []
        self._identities: list[str] = []
        self.compounds: list[compound.Compound] = []
        self.seconds = 0.0

    def add_cfclass(self, name: str) -> Filter:
        """Ask for a class by its name, or by a regular expression between slashes."""
        return self._add(self._classes, _not_empty("class", name))

    def add_agent(self, agent: str) -> Filter:
        """Ask for an agent by its name, or by a regular expression between slashes."""
        return self._add(self._agents, _not_empty("agent", agent))

    def add_identity(self, identity: str) -> Filter:
        """Ask for an identity by its name, or by a regular expression between slashes."""
        return self._add(self._identities, _not_empty("identity", identity))

    def add_fact(self, fact: str, value: t.Any, operator: str | None = None) -> Filter:
        """Ask for a fact whose value stands in the given relation (default ``==``) to value.

        :raises exc.BadFilterFactOperator: MCollective has no such operator.
        """
        _not_empty("fact", fact)
        operator = operator or "=="
        if operator not in FACT_OPERATORS:
            known = " ".join(FACT_OPERATORS)
            raise exc.BadFilterFactOperator(f"{operator!r} is no operator; there are {known}")
        return self._add(
            self._facts, (fact, _fact_text(value), _SAME_OPERATOR.get(operator, operator))
        )

    def add_compound(self, expression: str | t.Sequence[compound.Token]) -> Filter:
        """Ask for what an expression says, given as text (-S) or as its tokens.

        :raises exc.BadCompoundFilter: the text does not parse, or nodes could not do what it says.
        """
        if isinstance(expression, str):
            return self._add(self.compounds, compound.parse(expression))
        tokens = _not_empty("compound", expression)
        return self._add(self.compounds, compound.Compound(None, tokens))

    def copy(self) -> Filter:
        """A filter of its own with the same entries."""
        twin = Filter()
        twin._classes, twin._agents = list(self._classes), list(self._agents)
        twin._facts, twin._identities = list(self._facts), list(self._identities)
        twin.compounds, twin.seconds = list(self.compounds), self.seconds
        return twin

    @property
    def identities(self) -> list[str]:
        """The identities that it asks for, by name or by regular expression between slashes."""
        return list(self._identities)

    def with_identities(self, identities: t.Iterable[str]) -> Filter:
        """A filter with these identities in place of its own."""
        twin = self.copy()
        twin._identities = list(identities)
        return twin

    def narrows_beyond(self, agent: str) -> bool:
        """Whether it asks for more than that the node has the agent, and is one of its identities."""
        others = set(self._agents) - {agent}
        return bool(self._classes or self._facts or self.compounds or others)

    def _add(self, entries: list[t.Any], entry: t.Any) -> Filter:
        if entry not in entries:
            entries.append(entry)
        return self

    def _wire(self) -> dict[str, t.Any]:
        return {
            "fact": [
                {Symbol("fact"): name, Symbol("value"): value, Symbol("operator"): operator}
                for name, value, operator in self._facts
            ],
            "cf_class": list(self._classes),
            "agent": list(self._agents),
            "identity": _one_identity(self._identities),
            "compound": [list(entry.tokens) for entry in self.compounds],
        }

    def __getitem__(self, key: str) -> t.Any:
        return self._wire()[key]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._wire())

    def __len__(self) -> int:
        return len(self._wire())


def _not_empty(kind: str, entry: t.Any) -> t.Any:
    """Return an entry of a filter. Raises :class:`.exc.BadFilter` for an empty one, which fits no node."""
    if not entry:
        raise exc.BadFilter(f"an entry of a {kind} filter is empty, which addresses nobody")
    return entry


def _fact_text(value: t.Any) -> str:
    """A fact's value as nodes hold it: text, with Ruby's spelling of true and nil."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _one_identity(identities: list[str]) -> list[str]:
    """The wire form of the identities.

    A node takes a request only if exactly one entry fits it (MC:security/base.rb, "matched == 1"):
    two overlapping patterns would exclude the very nodes that fit both. Where a pattern is among
    several entries they become one pattern with alternatives.
    """
    if len(identities) < 2 or not any(identity.startswith("/") for identity in identities):
        return list(identities)
    return ["/" + "|".join(f"(?:{_pattern(identity)})" for identity in identities) + "/"]


def _pattern(identity: str) -> str:
    if identity.startswith("/"):
        return identity.replace("/", "")
    return "^" + identity.replace(".", "\\.") + "$"


class Message(collections.abc.MutableMapping[str, t.Any]):
    """A request's envelope (MC:security/base.rb, create_request), readable and writable as a dict.

    :param body: what the agent gets: "ping" for the discovery agent, a dict for RPC agents.
    :param agent: the agent's name.
    :param config: gives identity, collective and ttl.
    :param filter_: default: every node that has the agent.
    :param collective: default: the configuration's main_collective.
    :param ttl: seconds for which nodes take the request; default: the configuration's.
    :param now: the clock that stamps it.
    """

    def __init__(
        self,
        body: t.Any,
        agent: str,
        config: Config,
        filter_: t.Mapping[str, t.Any] | None = None,
        collective: str | None = None,
        ttl: int | None = None,
        now: t.Callable[[], float] = time.time,
    ) -> None:
        if filter_ is None:
            filter_ = Filter().add_agent(agent)
        self._envelope: dict[str, t.Any] = {}
        self["senderid"] = config.identity
        self["requestid"] = secrets.token_hex(16)
        self["filter"] = filter_
        self["collective"] = collective or config.main_collective
        self["agent"] = agent
        self["ttl"] = _checked_ttl(ttl) if ttl is not None else config.getint("ttl")
        self["msgtime"] = int(now())
        self["body"] = body

    def __getitem__(self, key: str) -> t.Any:
        return self._envelope[_symbol(key)]

    def __setitem__(self, key: str, value: t.Any) -> None:
        symbol = _symbol(key)
        self._envelope[symbol] = dict(value) if symbol == ":filter" else value

    def __delitem__(self, key: str) -> None:
        del self._envelope[_symbol(key)]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._envelope)

    def __len__(self) -> int:
        return len(self._envelope)


def _checked_ttl(ttl: int) -> int:
    """Return the ttl. Raises :class:`.exc.BadRequest` for one with which no node would take the message."""
    fault = ranges.fault("ttl", ttl)
    if fault is not None:
        raise exc.BadRequest(f"ttl {fault}, not {ttl}")
    return ttl


def _symbol(key: str) -> Symbol:
    """Every key of an envelope is a Symbol; its colon may be left out."""
    return Symbol(key[1:] if key.startswith(":") else key)
