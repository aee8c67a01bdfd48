# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Why nodes may be silent. What a call has learnt leaves fewer causes, and only these are told."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.nearest import suggestion
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

from .filter_words import in_words

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.diagnosis import (
        Diagnosis,
        Entry,
    )
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Node
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Result

_REFUSED = "Nodes say nothing about requests that they refuse. The usual causes: they"
_UNMATCHED = "lack the agent or do not match the filters,"
_DOWN = "are down or in another collective,"
UNTRUSTED = {
    "mcollective": (
        "do not know our key (or we use another pre-shared key, security provider or serializer), or our clock is"
        " behind theirs by more than the ttl"
    ),
    "choria": (
        "do not accept our certificate or token (its issuer, its permissions, or its name, which their option"
        " plugin.choria.security.certname_whitelist has to allow), speak the other version of the protocol, or our"
        " clock differs from theirs by more than the ttl"
    ),
}
"""Why nodes do not accept requests, by dialect."""
_SLOW = "or the action takes longer than the timeout"
_OTHERS = (
    "Other nodes answered, so our configuration is right for them. The {} are down or in another collective, or do not"
    " accept our requests though others do (their logs say why)"
)
_FOUND = (
    "They have answered {}, so they have the agent and accept our requests. The action takes longer than"
    " the timeout (raise timeout), or they went down meanwhile"
)
_NOT_DIRECT = (
    ", or, as none of them answered, take no requests that name them (direct_addressing = 0 there)"
)
_MISFIT = {
    "agent": "has the agent {}",
    "class": "has the class {}",
    "fact": "fits {}",
    "identity": "has an identity that fits {}",
    "compound": "fits the compound filter {}",
}
"""What no node does, by the kind of the filter's entry."""
_VALUES = 3
"""How many values of a fact are shown."""


@dataclasses.dataclass(frozen=True)
class Silence:
    """What is known of a request, for messages about nodes that do not answer. As text: the usual causes.

    :ivar dialect: see :attr:`.Settings.dialect`.
    :ivar source: where the configuration was read.
    :ivar filter: which nodes the request is for; None: it has no filter.
    :ivar diagnosis: what a look at the collective has shown, if there was one.
    """

    dialect: str
    source: str
    filter: Filter | None = None
    diagnosis: Diagnosis | None = None

    def __str__(self) -> str:
        return f"{_REFUSED} {_UNMATCHED} {self._refusal}. {self.where}"

    @property
    def where(self) -> str:
        """Which configuration was read, and which filters were sent."""
        filters = [] if self.filter is None else in_words(self.filter)
        sent = f", the filters are {', '.join(map(printable, filters))}" if filters else ""
        return f"The configuration is {printable(self.source)}{sent}"

    @property
    def _refusal(self) -> str:
        compound = self.dialect == "choria" and self.filter is not None and self.filter.compounds
        causes = f"{_DOWN} {UNTRUSTED[self.dialect]}"
        return f"{causes}, or they cannot evaluate the compound filter" if compound else causes

    def of_silent(self, result: Result, heard: Result | None = None) -> str:
        """Return why nodes that were asked may have stayed silent.

        :param heard: what an earlier request of the task brought, if these nodes have answered it.
        """
        discovered = (heard or result).discovered
        if heard or discovered:
            found = _FOUND.format("an earlier request of this task" if heard else "the discovery")
            undirected = self.dialect == "mcollective" and discovered and not result.replies
            return f"{found}{_NOT_DIRECT if undirected else ''}. {self.where}"
        if result.replies:
            which = "silent ones lack the agent,"
            return f"{_OTHERS.format(which)}, {_SLOW} (raise timeout). {self.where}"
        return f"{_REFUSED} {_UNMATCHED} {self._refusal}, {_SLOW}. {self.where}"

    def of_missing(self, found: int) -> str:
        """Return why fewer nodes may be there than were expected.

        :param found: how many are there.
        """
        which = f"missing ones {_UNMATCHED}"
        return f"{_OTHERS.format(which)}. {self.where}" if found else self.of_all()

    def of_all(self) -> str:
        """Return why no node was found: as a look has shown it, or else the usual causes."""
        seen = self.diagnosis
        if seen is None:
            return str(self)
        if not seen.there:
            causes = f"{_REFUSED} {self._refusal}"
            return f"No node answers a ping without filters, either. {causes}. {self.where}"
        there = "1 node is there" if seen.there == 1 else f"{seen.there} nodes are there"
        if seen.obstacle is not None:
            entry = seen.obstacle
            misfit = _MISFIT[entry.kind].format(printable(entry.text))
            but = f", but none {misfit}{hint(entry, seen.samples, self.dialect)}"
        elif seen.each_fits:
            but = ". Each filter fits some of them, but all filters together fit none"
        else:
            but = ", so it is the agent or the filters that none fits"
        end = "" if but.endswith("?") else "."
        return f"{there}{but}{end} {self.where}"


def hint(entry: Entry, samples: t.Sequence[Node], dialect: str) -> str:
    """Return the end of a message about an entry that no node fits: what nodes have instead.

    :param samples: some nodes, with what they have of the entry's kind.
    """
    if entry.kind == "fact":
        return _of_fact(entry.name, samples, dialect)
    part = {"agent": "agents", "class": "classes"}.get(entry.kind)
    if part is None or entry.name.startswith("/"):
        return ""
    return printable(
        suggestion(entry.name, sorted({name for node in samples for name in node[part]}))
    )


def _of_fact(name: str, samples: t.Sequence[Node], dialect: str) -> str:
    facts = [
        {to_s(key): value for key, value in node["facts"].items() if isinstance(key, (str, Symbol))}
        for node in samples
    ]
    values = {
        printable(to_s(value), 40) for each in facts for value in _values(each, name, dialect)
    }
    if values:
        shown = ", ".join(sorted(values)[:_VALUES])
        return f"; {_looked(samples)} {'has' if len(samples) == 1 else 'have'} {name} = {shown}"
    names = sorted({key for each in facts for key in each})
    if not names:
        return ""
    lacking = f"; {_looked(samples)} {'has' if len(samples) == 1 else 'have'} no fact {name}"
    if dialect == "mcollective" and "." in name:
        spellings = (name.replace(".", ""), name.replace(".", "_"), name.rpartition(".")[2])
        flat = [each for each in spellings if each in names]
        top = name.partition(".")[0]
        inside = f", and what is inside {top} cannot be selected" if top in names else ""
        use = f"; use {flat[0]}" if flat else inside or suggestion(name, names)
        return f"{lacking}: facts in filters are top-level{printable(use)}"
    return f"{lacking}{printable(suggestion(name, names))}"


def _looked(samples: t.Sequence[Node]) -> str:
    return str(samples[0]["identity"]) if len(samples) == 1 else f"the {len(samples)} looked at"


def _values(facts: t.Mapping[str, t.Any], name: str, dialect: str) -> t.Iterator[t.Any]:
    """Yield the value of a fact. A name with dots is also a path, to nodes of Choria (Go: filter/facts)."""
    if name in facts:
        yield facts[name]
        return
    value: t.Any = facts
    for step in name.split(".") if dialect == "choria" else ():
        value = value.get(step) if isinstance(value, dict) else None
    if value is not None and value is not facts:
        yield value
