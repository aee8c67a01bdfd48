# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds out why nobody was found: which nodes are there, and which entry of the filter none of them fits."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from . import exc
from .filters import Filter
from .gathering import AGENT, Gathering, Node, Wish
from .request import Request

if t.TYPE_CHECKING:
    from .client import Client
    from .request import Prepared
    from .result import Result

SAMPLES = 3
"""How many nodes are asked what they have."""
WINDOWS = 2
"""How many discovery_timeouts a look may take."""
LEAST = 0.2
"""Seconds below which a look is not worth its while."""
_PARTS = {"agent": "agents", "class": "classes", "fact": "facts"}
"""What nodes tell of themselves, by the kind of a filter's entry."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One entry of a filter.

    :ivar kind: "agent", "class", "fact", "identity" or "compound".
    :ivar name: of the agent, class or fact; of the other kinds the whole entry.
    :ivar text: the whole entry.
    :ivar filter: a filter with this entry alone.
    """

    kind: str
    name: str
    text: str
    filter: Filter


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """What a look at the collective has shown.

    :ivar there: how many nodes answer a ping without filters.
    :ivar obstacle: the first entry of the filter that none of them fits, if one was found.
    :ivar each_fits: True if each entry fits some node.
    :ivar samples: some of the nodes that are there, with what they have of the obstacle's kind.
    """

    there: int
    obstacle: Entry | None = None
    each_fits: bool = False
    samples: t.Sequence[Node] = ()


def seconds_for(prepared: Prepared, result: Result) -> float:
    """Return how many seconds a look may take; 0 if there shall be none.

    It may take what the call has left of its timeout, and no more than :data:`WINDOWS` times the
    discovery_timeout. There is none for nodes that are named: many tasks for one node each would look
    again and again. Nor is there one if replies were rejected, since nodes are there then.
    """
    request = prepared.request
    if prepared.names is not None or result.lost is not None or result.rejected:
        return 0.0
    left = request.timeout - result.seconds.get("call", 0.0)
    seconds = min(left, WINDOWS * request.discovery_timeout)
    return seconds if seconds >= LEAST else 0.0


def diagnose(
    client: Client,
    prepared: Prepared,
    seconds: float,
    *,
    clock: t.Callable[[], float] = time.monotonic,
) -> Diagnosis | None:
    """Look why a request found no node. The client must be connected. Only questions are sent.

    :param seconds: how long it may take.
    :returns: None if the connection does not last.
    """
    try:
        return _Look(client, prepared, clock() + seconds, clock).diagnosis()
    except exc.PyMcoException:
        return None  # the failure that is to be explained is told all the same


class _Look:
    """Pings with less and less of a filter.

    :param deadline: by the clock.
    """

    def __init__(
        self, client: Client, prepared: Prepared, deadline: float, clock: t.Callable[[], float]
    ) -> None:
        self._client, self._prepared = client, prepared
        self._deadline, self._clock = deadline, clock

    def diagnosis(self) -> Diagnosis:
        bare = Filter()
        bare.dialect = self._prepared.filter.dialect
        # One is enough to know that nodes are there. Those that answer as quickly are counted.
        there = self._pinged(bare, expected_nodes=1)
        if not there:
            return Diagnosis(0)
        entries = entries_of(self._prepared.filter)
        for entry in entries:
            if self._left < LEAST:
                return Diagnosis(len(there))
            if len(entries) == 1 or not self._fits(entry):
                return Diagnosis(len(there), entry, samples=self._samples(entry, there[:SAMPLES]))
        return Diagnosis(len(there), each_fits=True)

    @property
    def _left(self) -> float:
        return self._deadline - self._clock()

    def _pinged(self, filter_: Filter, **fields: t.Any) -> list[str]:
        """Return the nodes that fit a filter and answer in time. Of very many, not all do."""
        window = min(self._prepared.request.discovery_timeout, self._left)
        request = self._request("discovery", "ping", filter=filter_, discovery_timeout=window)
        request = dataclasses.replace(request, discovery_method="mc", **fields)
        return list(self._client.ping(request, longest=self._left).seconds)

    def _fits(self, entry: Entry) -> bool:
        """Return True if a node fits an entry. The first answer tells."""
        return bool(self._pinged(entry.filter, limit=1, limit_method="first"))

    def _samples(self, entry: Entry, nodes: list[str]) -> list[Node]:
        """Return what some nodes have of an entry's kind."""
        if entry.kind not in _PARTS or self._left < LEAST:
            return []
        request = self._request(AGENT, "inventory", nodes=nodes)
        wish = Wish.of([_PARTS[entry.kind]])
        return list(Gathering(self._client, request, wish).gather().nodes.values())

    def _request(self, agent: str, action: str, **fields: t.Any) -> Request:
        wanted, left = self._prepared.request, self._left
        bounds = {"timeout": left, "publish_timeout": left, "ttl": wanted.ttl}
        return Request(agent, action, collective=wanted.collective, **{**bounds, **fields})


def entries_of(filter_: Filter) -> list[Entry]:
    """Return the entries of a filter. All identities are one, since a node needs to fit one of them."""
    found = [_entry(filter_, "agent", name, name, agents=[name]) for name in filter_.agents]
    found += [_entry(filter_, "class", name, name, classes=[name]) for name in filter_.classes]
    for fact in filter_.facts:
        name, value, operator = fact
        found.append(_entry(filter_, "fact", name, f"{name}{operator}{value}", facts=[fact]))
    if filter_.identities:
        text = " or ".join(filter_.identities)
        found.append(_entry(filter_, "identity", text, text, identities=filter_.identities))
    for compound in filter_.compounds:
        text = compound.text or "given as tokens"
        found.append(_entry(filter_, "compound", text, text, compounds=[compound]))
    return found


def _entry(filter_: Filter, kind: str, name: str, text: str, **fields: list[t.Any]) -> Entry:
    alone = Filter()
    alone.dialect = filter_.dialect
    for field, entries in fields.items():
        setattr(alone, field, list(entries))
    return Entry(kind, name, text, alone)
