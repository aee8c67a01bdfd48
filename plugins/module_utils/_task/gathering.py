# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What nodes tell of themselves: facts, classes, agents, collectives. Nothing here knows Ansible.

One broadcast of rpcutil's ``inventory`` brings all of it. Where a few facts are all that is wanted,
``get_facts`` brings these alone; it takes 200 characters of names, so that more names need more
requests. A node too old for it (before 2.3.3) is asked for its inventory instead.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Reception

from .values import to_json

Node = dict[str, t.Any]
"""A node's ``identity`` and what was gathered of it: ``facts`` (a dict), ``classes``, ``agents`` and
``collectives`` (lists of texts), and its MCollective's ``version`` if it was told. It is JSON."""

PARTS = ("facts", "classes", "agents", "collectives")
PARTS_OPTION: dict[str, t.Any] = {
    "type": "list",
    "elements": "str",
    "choices": list(PARTS),
    "default": list(PARTS),
}
"""How an option that chooses among them is specified."""
AGENT = "rpcutil"
MOST_NAMES = 200
"""Characters that get_facts takes (MC:agent/rpcutil.ddl)."""
_FACT_NAME = re.compile(r"[\w.\-]+", re.ASCII)
_REFUSED = frozenset((2, 4))
"""Status codes of a node that has no such action: the agent's word, and its DDL's."""
_UNKNOWN_ERROR = 5
_NOT_DECLARED = "not declared in the DDL"
"""What nodes of 2.2 say, with the status code of an unknown error (MC 2.2: ddl/agentddl.rb)."""
_FEW = 10
"""Up to so many nodes are asked again by name; more, by a broadcast."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What to gather.

    :ivar parts: which of :data:`PARTS`.
    :ivar facts: the names of the facts to gather, as nodes have them at the top; None: all facts.
    """

    parts: frozenset[str] = frozenset(PARTS)
    facts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, parts: t.Iterable[str], facts: t.Iterable[str] | None = None) -> Wish:
        """A wish, checked.

        :raises exc.BadRequest: a fact has a name that cannot be asked for, or facts are named and
            not wanted.
        """
        wish = cls(frozenset(parts), None if facts is None else tuple(dict.fromkeys(facts)))
        if wish.facts is not None and "facts" not in wish.parts:
            raise exc.BadRequest("facts are named, but facts are not among what is to be gathered")
        for name in wish.facts or ():
            if not _FACT_NAME.fullmatch(name) or len(name) > MOST_NAMES:
                raise exc.BadRequest(
                    f"{name!r} is no fact that can be asked for: names have letters, digits, dots,"
                    f" dashes and underscores, {MOST_NAMES} at the most"
                )
        return wish

    @property
    def few(self) -> bool:
        """Whether named facts are all that is wanted."""
        return self.parts == {"facts"} and bool(self.facts)

    def of_facts(self, found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The facts that are wanted of those that a node has."""
        if self.facts is None:
            return dict(found)
        return {name: found[name] for name in self.facts if name in found}


EVERYTHING = Wish()


@dataclasses.dataclass
class Gathered:
    """What came.

    :ivar nodes: by identity, sorted: those of which all that was wanted has come.
    :ivar no_response: identities that were asked and did not answer, or not to everything; sorted.
    :ivar failed: why a node's answer is of no use, by identity.
    :ivar results: of each request; the first tells who was asked.
    """

    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    no_response: list[str] = dataclasses.field(default_factory=list)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    results: list[rpc.Result] = dataclasses.field(default_factory=list)

    @property
    def rejected(self) -> collections.Counter[str]:
        """Payloads that were dropped, by reason."""
        return sum((result.rejected for result in self.results), collections.Counter())

    @property
    def culprits(self) -> dict[str, list[str]]:
        """Whom the payloads that were dropped name as their senders, by reason; nobody has proven it."""
        found = Reception()
        for result in self.results:
            found.add(result)
        return found.culprits

    @property
    def unexpected(self) -> list[str]:
        """Identities that answered though they were not asked, sorted."""
        return sorted({node for result in self.results for node in result.unexpected})

    @property
    def resumed(self) -> list[str]:
        """Why the connection was lost each time that listening went on over another one."""
        return [why for result in self.results for why in result.resumed]

    @property
    def lost(self) -> exc.ConnectorError | None:
        """Why the connection ended before all replies were in, if it did."""
        return next((result.lost for result in self.results if result.lost is not None), None)


def gather(client: rpc.Client, request: rpc.Request, wish: Wish = EVERYTHING) -> Gathered:
    """Ask nodes for what is wanted.

    :param client: connected.
    :param request: to whom and with what patience; which action it names does not matter. With the
        discovery method "none" there is one broadcast, and whoever answers is taken in.
    :raises exc.BadRequest: it cannot be sent.
    :raises exc.ConnectorError: the broker cannot be used. If the connection ends later,
        :attr:`Gathered.lost` tells it.
    """
    if wish.few:
        return _Facts(client, request, wish).gather()
    result = client.call(_of(request, "inventory"))
    gathered = Gathered(no_response=_silent(result), results=[result])
    for reply in result.replies:
        _take_inventory(gathered, reply, wish)
    return gathered


def _of(request: rpc.Request, action: str, **changes: t.Any) -> rpc.Request:
    return dataclasses.replace(request, **{"agent": AGENT, "action": action, **changes})


def _silent(result: rpc.Result) -> list[str]:
    return sorted({*result.no_response, *result.unsent})


def _take_inventory(gathered: Gathered, reply: rpc.Reply, wish: Wish) -> None:
    """One answer to ``inventory``."""
    if not reply.ok:
        gathered.failed[reply.sender] = f"{reply.statuscode}: {reply.statusmsg}"
        return
    data = {_name(key): value for key, value in reply.data.items()}
    node: Node = {"identity": reply.sender}
    for part in PARTS:
        if part not in wish.parts:
            continue
        value = data.get(part)
        if not isinstance(value, dict if part == "facts" else list):
            gathered.failed[reply.sender] = f"its inventory has no {part}"
            return
        node[part] = wish.of_facts(to_json(value)) if part == "facts" else _texts(value)
    if isinstance(data.get("version"), str):
        node["version"] = str(data["version"])
    gathered.nodes[reply.sender] = node


def _lacks_action(reply: rpc.Reply) -> bool:
    """Return True if a node says that it has no such action."""
    if reply.statuscode == _UNKNOWN_ERROR:
        return _NOT_DECLARED in str(reply.statusmsg)
    return reply.statuscode in _REFUSED


def _name(key: t.Any) -> str:
    """The name of an output, which is a Symbol on the wire."""
    return str(key).lstrip(":")


def _texts(values: t.Iterable[t.Any]) -> list[str]:
    """The texts of a list; blank lines of a file of classes, and whatever is no text, are dropped."""
    found = (to_json(value) for value in values)
    return [text for text in found if isinstance(text, str) and text.strip()]


class _Facts:
    """Gathers a few facts: a request for each 200 characters of their names."""

    def __init__(self, client: rpc.Client, request: rpc.Request, wish: Wish) -> None:
        self._client, self._request, self._wish = client, request, wish
        self._gathered = Gathered()
        self._refused: list[str] = []

    def gather(self) -> Gathered:
        """All of it."""
        first, *others = chunks(self._wish.facts or ())
        nodes = self._ask(self._request, first)
        for names in others:
            if nodes:
                nodes = self._add(nodes, self._ask(self._again(sorted(nodes)), names))
        gathered = self._gathered
        gathered.nodes = {
            identity: {"identity": identity, "facts": nodes[identity]} for identity in sorted(nodes)
        }
        self._ask_old_ones()
        gathered.no_response = sorted({*_silent(gathered.results[0]), *gathered.no_response})
        return gathered

    def _ask(self, request: rpc.Request, names: str) -> dict[str, dict[str, t.Any]]:
        """The facts of those that answer, by identity."""
        result = self._client.call(_of(request, "get_facts", arguments={"facts": names}))
        self._gathered.results.append(result)
        found = {}
        for reply in result.replies:
            values = next((v for k, v in reply.data.items() if _name(k) == "values"), None)
            if _lacks_action(reply):
                self._refused.append(reply.sender)
            elif not reply.ok:
                self._gathered.failed[reply.sender] = f"{reply.statuscode}: {reply.statusmsg}"
            elif not isinstance(values, dict):
                self._gathered.failed[reply.sender] = "its reply has no values of facts"
            else:
                # What a node does not have it gives as nil; a fact that is nil it gives as "".
                plain = to_json({key: item for key, item in values.items() if item is not None})
                found[reply.sender] = self._wish.of_facts(plain)
        return found

    def _again(self, nodes: list[str]) -> rpc.Request:
        """A further request to nodes that are known by now."""
        few = len(nodes) <= _FEW or self._request.limit is not None
        if few or self._request.nodes is not None:
            return self._to(nodes)
        return dataclasses.replace(
            self._request, discovery_method="none", expected_nodes=len(nodes), minimum_nodes=1
        )

    def _to(self, nodes: list[str]) -> rpc.Request:
        """A request to these nodes, whom the filters have fit already."""
        return dataclasses.replace(
            self._request,
            nodes=nodes,
            filter=Filter(),
            limit=None,
            expected_nodes=None,
            minimum_nodes=1,
        )

    def _add(
        self, nodes: dict[str, dict[str, t.Any]], more: dict[str, dict[str, t.Any]]
    ) -> dict[str, dict[str, t.Any]]:
        """Nodes with the facts of both; who gave half of them would seem not to have the others."""
        known = {*self._gathered.failed, *self._refused}
        self._gathered.no_response += [n for n in nodes if n not in more and n not in known]
        return {n: {**facts, **more[n]} for n, facts in nodes.items() if n in more}

    def _ask_old_ones(self) -> None:
        """Ask those that do not know ``get_facts`` for all that they have."""
        if not self._refused:
            return
        request = _of(self._to(sorted(set(self._refused))), "inventory", arguments={})
        result = self._client.call(request)
        self._gathered.results.append(result)
        self._gathered.no_response += _silent(result)
        for reply in result.replies:
            _take_inventory(self._gathered, reply, self._wish)
        self._gathered.nodes = dict(sorted(self._gathered.nodes.items()))


def chunks(names: t.Iterable[str]) -> list[str]:
    """Names, separated by commas, in as many texts as it takes for none to be too long."""
    found: list[str] = []
    for name in names:
        if found and len(found[-1]) + 1 + len(name) <= MOST_NAMES:
            found[-1] += f",{name}"
        else:
            found.append(name)
    return found
