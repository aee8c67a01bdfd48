# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Gathers what nodes tell of themselves: facts, classes, agents, collectives, and figures of their daemons.

One broadcast of rpcutil's ``inventory`` brings most of it. If only a few facts are wanted, ``get_facts``
brings these alone. It takes 200 characters of names, so more names need more requests. A node that is
too old for it (before 2.3.3) is asked for its inventory instead. ``daemon_stats`` and ``agent_inventory``
are requests of their own.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import exc
from .client import Client
from .filters import Filter
from .intake import Reception
from .request import Prepared, Request
from .result import Reply, Result
from .ruby_values import to_s
from .serializers import OtherKey, Symbol

Node = dict[str, t.Any]
"""A node's ``identity`` and what it told: ``facts`` (a dict, with keys and values as they were decoded),
``classes``, ``agents``, ``collectives`` and ``data_plugins`` (lists of texts), ``main_collective`` (a text),
``stats`` (a dict as it was decoded), ``agent_details`` (a list of such dicts), and its MCollective's ``version``,
if it told that."""

_INVENTORY = "inventory"
_KINDS: dict[str, type] = {"facts": dict, "classes": list, "agents": list, "collectives": list}
PARTS = tuple(_KINDS)
"""The parts that everything has."""
_ALL_KINDS: dict[str, type] = {
    **_KINDS,
    **{"main_collective": str, "data_plugins": list, "stats": dict, "agent_details": list},
}
ALL_PARTS = tuple(_ALL_KINDS)
"""All parts. Those beyond :data:`PARTS` are gathered only if they are named: few want them, some nodes lack
them, and the last two need a request of their own."""
_ACTIONS = {"stats": "daemon_stats", "agent_details": "agent_inventory"}
"""Which action brings a part (MC:agent/rpcutil.rb; Go: providers/agent/mcorpc/golang/rpcutil). The others come with the
inventory."""
_OUTPUTS = {"agent_details": "agents"}
"""The name of the output that is a part, where it has another name."""
AGENT = "rpcutil"
MOST_NAMES = 200
"""Characters that get_facts takes (MC:agent/rpcutil.ddl)."""
_FACT_NAME = re.compile(r"[\w.\-]+", re.ASCII)
_REFUSED = frozenset((2, 4))
"""Status codes of a node without the action: one comes from the agent, the other from its DDL."""
_UNKNOWN_ERROR = 5
_NOT_DECLARED = "not declared in the DDL"
"""What a node of 2.2 without the action says, as an unknown error (MC 2.2: ddl/agentddl.rb)."""
_FEW = 10
"""Up to so many nodes are asked again by name. More are asked by a broadcast."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What to gather.

    :ivar parts: which of :data:`ALL_PARTS`.
    :ivar facts: the names of the facts to gather, without those of nested ones; None: all facts.
    """

    parts: frozenset[str] = frozenset(PARTS)
    facts: tuple[str, ...] | None = None

    @classmethod
    def of(cls, parts: t.Iterable[str], facts: t.Iterable[str] | None = None) -> Wish:
        """Return a wish, checked.

        :raises exc.BadRequest: a name cannot be that of a fact, or facts are named but not gathered.
        """
        wish = cls(frozenset(parts), None if facts is None else tuple(dict.fromkeys(facts)))
        if wish.facts is not None and "facts" not in wish.parts:
            raise exc.BadRequest("facts are named, but facts are not among the parts to gather")
        for name in wish.facts or ():
            if not _FACT_NAME.fullmatch(name) or len(name) > MOST_NAMES:
                raise exc.BadRequest(
                    f"{name!r} cannot be the name of a fact: names consist of letters, digits, dots,"
                    f" dashes and underscores, {MOST_NAMES} at most"
                )
        return wish

    def of_facts(self, found: t.Mapping[t.Any, t.Any]) -> dict[t.Any, t.Any]:
        """Return the wanted facts of a node that has these."""
        if self.facts is None:
            return dict(found)
        if set(map(type, found)) == {str}:
            return {name: found[name] for name in self.facts if name in found}
        keys = {to_s(key.value if isinstance(key, OtherKey) else key): key for key in found}
        return {keys[name]: found[keys[name]] for name in self.facts if name in keys}


EVERYTHING = Wish()


@dataclasses.dataclass
class Gathered(Reception):
    """What nodes told.

    :ivar nodes: by identity, sorted; each of them told all that was wanted.
    :ivar failed: why a node's answer cannot be used, by identity.
    :ivar results: of each request; the first one tells who was asked.
    """

    nodes: dict[str, Node] = dataclasses.field(default_factory=dict)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    results: list[Result] = dataclasses.field(default_factory=list)

    @property
    def no_response(self) -> list[str]:
        """The identities that did not answer, or not every request, or were too few to be asked; sorted."""
        first = self.results[0]
        return [node for node in first.nodes if node not in self.nodes and node not in self.failed]

    def take(self, result: Result) -> None:
        """Take in the result of a further request, except its replies."""
        self.results.append(result)
        self.add(result)


class Gathering:
    """The requests that one wish needs. The first one is prepared here, before there is a connection.

    :param request: which nodes to ask, and how patiently; its action does not matter. With the
        discovery method "none" there is one broadcast, and every node that answers is taken in.
    :ivar first: the first request, prepared.
    :raises exc.BadRequest: it cannot be sent.
    """

    def __init__(self, client: Client, request: Request, wish: Wish = EVERYTHING) -> None:
        self._client, self._request, self._wish = client, request, wish
        self._parts: dict[str, list[str]] = {}
        for part in ALL_PARTS:
            if part in wish.parts:
                self._parts.setdefault(_ACTIONS.get(part, _INVENTORY), []).append(part)
        self._names = chunks(wish.facts or ()) if wish.parts == {"facts"} else []
        self._old: set[str] = set()
        self._found = Gathered()
        action = next(iter(self._parts), _INVENTORY)
        first = _facts(request, self._names[0]) if self._names else _plain(request, action)
        self.first = client.prepare(first)

    def gather(self) -> Gathered:
        """Ask nodes for what is wanted. The client must be connected.

        :raises exc.ConnectorError: the broker cannot be used. If the connection ends later,
            :attr:`Gathered.lost` tells it.
        """
        if self._names:
            self._ask_for_facts()
        else:
            first, *others = list(self._parts) or [_INVENTORY]
            self._found.nodes = self._ask_for_parts(self.first, first)
            for action in others:
                if self._found.nodes:
                    self._ask_for_more(action)
        return self._found

    def _ask_for_more(self, action: str) -> None:
        """Ask the nodes that have answered for the parts that another action brings."""
        nodes = self._found.nodes
        more = self._ask_for_parts(_plain(self._again(sorted(nodes)), action), action)
        # A node that told a half of it would seem to lack the other.
        self._found.nodes = {node: {**more[node], **nodes[node]} for node in nodes if node in more}

    def _ask_for_parts(self, request: Request | Prepared, action: str) -> dict[str, Node]:
        """Return what nodes tell that an action brings, as far as it is wanted, by identity."""
        found = {}
        for reply in self._call(request):
            try:
                if reply.ok:
                    found[reply.sender] = self._node(reply, action)
                else:
                    self._fail(reply)
            except _Lacking as lacking:
                self._found.failed[reply.sender] = str(lacking)
        return found

    def _ask_for_facts(self) -> None:
        """Ask for named facts: a request for each 200 characters of their names."""
        facts = self._ask(self.first)
        for names in self._names[1:]:
            if facts:
                more = self._ask(_facts(self._again(sorted(facts)), names))
                # A node with half of the facts would seem to lack the others.
                facts = {node: {**facts[node], **more[node]} for node in facts if node in more}
        nodes = self._found.nodes
        nodes.update({node: {"identity": node, "facts": facts[node]} for node in facts})
        if self._old:
            old = _plain(self._to(sorted(self._old)), _INVENTORY)
            nodes.update(self._ask_for_parts(old, _INVENTORY))
        self._found.nodes = {node: nodes[node] for node in sorted(nodes)}

    def _node(self, reply: Reply, action: str) -> Node:
        """Return the wanted parts of a reply. Raises :class:`_Lacking` if it has not all of them."""
        data = _outputs(reply)
        node: Node = {"identity": reply.sender}
        for part in self._parts.get(action, ()):
            name = _OUTPUTS.get(part, part)
            value = data if part == "stats" else data.get(name)
            if not isinstance(value, _ALL_KINDS[part]):
                raise _Lacking(f"its {action} has no {name}")
            node[part] = self._part(part, value)
        if isinstance(data.get("version"), str):
            node["version"] = str(data["version"])
        return node

    def _part(self, part: str, value: t.Any) -> t.Any:
        """Return a part without what is not wanted or has not the form of the part."""
        if part == "facts":
            return self._wish.of_facts(value)
        if part == "stats":
            return {name: each for name, each in value.items() if name != "agents"}
        if part == "agent_details":
            return [each for each in value if isinstance(each, dict)]
        return str(value) if part == "main_collective" else _texts(value)

    def _ask(self, request: Request | Prepared) -> dict[str, dict[t.Any, t.Any]]:
        """Return the facts of the nodes that give them, by identity."""
        found = {}
        for reply in self._call(request):
            values = _outputs(reply).get("values")
            if _lacks_action(reply):
                self._old.add(reply.sender)
            elif not reply.ok:
                self._fail(reply)
            elif not isinstance(values, dict):
                self._found.failed[reply.sender] = "its reply has no values of facts"
            else:
                # nil stands for a fact that the node lacks; a fact that is nil comes as "".
                known = {key: value for key, value in values.items() if value is not None}
                found[reply.sender] = self._wish.of_facts(known)
        return found

    def _call(self, request: Request | Prepared) -> list[Reply]:
        result = self._client.call(request)
        self._found.take(result)
        return result.replies

    def _fail(self, reply: Reply) -> None:
        self._found.failed[reply.sender] = f"{reply.statuscode}: {reply.statusmsg}"

    def _again(self, nodes: list[str]) -> Request:
        """Return a further request to nodes that have answered one."""
        request = self._request
        few = len(nodes) <= _FEW or request.limit is not None
        if few or self.first.names is not None:
            return self._to(nodes)
        return dataclasses.replace(
            request, discovery_method="none", expected_nodes=len(nodes), minimum_nodes=1
        )

    def _to(self, nodes: list[str]) -> Request:
        """Return a request to these nodes, which are known to fit the filters."""
        named = dataclasses.replace(self._request, nodes=nodes, filter=Filter(), limit=None)
        return dataclasses.replace(named, expected_nodes=None, minimum_nodes=1)


class _Lacking(Exception):
    """A reply that lacks what is wanted."""


def _plain(request: Request, action: str) -> Request:
    return dataclasses.replace(request, agent=AGENT, action=action, arguments={})


def _facts(request: Request, names: str) -> Request:
    return dataclasses.replace(request, agent=AGENT, action="get_facts", arguments={"facts": names})


def _lacks_action(reply: Reply) -> bool:
    """Return True if a node says that it has no such action."""
    if reply.statuscode == _UNKNOWN_ERROR:
        return _NOT_DECLARED in str(reply.statusmsg)
    return reply.statuscode in _REFUSED


def _outputs(reply: Reply) -> dict[str, t.Any]:
    return {str(key).lstrip(":"): value for key, value in reply.data.items()}


def _texts(values: t.Iterable[t.Any]) -> list[str]:
    """Return the texts of a list without blank ones, which come from blank lines of a file of classes."""
    texts = [text for text in values if isinstance(text, str) and text.strip()]
    return [text.name if isinstance(text, Symbol) else text for text in texts]


def chunks(names: t.Iterable[str]) -> list[str]:
    """Return names, separated by commas, in as few texts of :data:`MOST_NAMES` characters as possible."""
    found: list[str] = []
    for name in names:
        if found and len(found[-1]) + 1 + len(name) <= MOST_NAMES:
            found[-1] += f",{name}"
        else:
            found.append(name)
    return found
