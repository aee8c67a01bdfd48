# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes: their properties, which filters fit them, and what their agents answer."""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass, field

from pymco.serializers import Symbol

from . import compound, machines

Answer = tuple[int, str, dict[str, t.Any]]
"""A reply's statuscode, statusmsg and data."""

STARTED = int(time.time())


@dataclass
class Node:
    """One emulated node.

    :ivar silent: the actions, as "agent.action", that it never answers.
    :ivar failing: the actions that fail there, and with which message.
    :ivar delay: seconds that it takes to answer.
    :ivar files: the content of its files, for the data function fstat.
    :ivar broken: the services that do not start.
    :ivar packages: the installed version of each package.
    :ivar updates: the newest version of each package that has one.
    :ivar calls: all actions that were called, as "agent.action".
    :ivar lie: a way to answer wrongly, of :data:`.lies.LIES`.
    """

    identity: str
    facts: dict[str, t.Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=lambda: ["rpcutil", "service"])
    collectives: list[str] = field(default_factory=lambda: ["mcollective"])
    silent: set[str] = field(default_factory=set)
    failing: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    lie: str | None = None
    services: dict[str, str] = field(default_factory=lambda: {"nginx": "running"})
    files: dict[str, str] = field(default_factory=lambda: {"/etc/hosts": "127.0.0.1 localhost"})
    broken: set[str] = field(default_factory=set)
    packages: dict[str, str] = field(default_factory=dict)
    updates: dict[str, str] = field(default_factory=dict)
    puppet: machines.Puppet = field(default_factory=machines.Puppet)
    requests: int = 0
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = _as_text(self.facts)

    def has_agent(self, agent: str) -> bool:
        """Return True if requests for the agent reach it. The discovery agent is always there."""
        return agent in ("discovery", *self.agents)

    def fits(self, filter_: t.Mapping[str, t.Any]) -> bool:
        """Return True if the node takes a request with this filter (MC:security/base.rb)."""
        identities = [same(wanted, self.identity) for wanted in filter_.get("identity", [])]
        return (
            (not identities or sum(identities) == 1)
            and all(self.has_class(wanted) for wanted in filter_.get("cf_class", []))
            and all(self._has_agent(wanted) for wanted in filter_.get("agent", []))
            and all(self.has_fact(wanted) for wanted in filter_.get("fact", []))
            and all(compound.fits(tokens, self) for tokens in filter_.get("compound", []))
        )

    def has_class(self, wanted: str) -> bool:
        """Return True if it has a class of that name, or a class that matches that pattern."""
        return any(same(wanted, name) for name in self.classes)

    def _has_agent(self, wanted: str) -> bool:
        return any(same(wanted, name) for name in ("discovery", *self.agents))

    def has_fact(self, wanted: t.Mapping[str, t.Any]) -> bool:
        """Return True if a fact fits an entry of a filter."""
        value = self.facts.get(wanted[":fact"])
        if value is None:
            return False
        if isinstance(value, (list, dict)):
            return any(_compare(item, wanted) for item in value)
        return _compare(value, wanted)

    def answer(self, agent: str, body: t.Any) -> t.Any:
        """Return a reply's body, or None if the node stays silent."""
        self.requests += 1
        if agent == "discovery":
            return "pong" if body == "ping" else f"Unknown Request: {body}"
        action, data = body[":action"], _plain(body[":data"])
        name = f"{agent}.{action}"
        self.calls.append(name)
        if name in self.silent:
            return None
        code, message, output = self._act(name, data)
        return {"statuscode": code, "statusmsg": message, "data": output}

    def _act(self, name: str, data: dict[str, t.Any]) -> Answer:
        if name in self.failing:
            return 1, self.failing[name], {}
        action = ACTIONS.get(name)
        if action is None:
            return 4, f"Attempted to call action {name}, which is not declared in the DDL", {}
        return action(self, data)


def _as_text(value: t.Any) -> t.Any:
    """Return facts as nodes store them: every scalar is text (MC:facts/base.rb, normalize_facts)."""
    if isinstance(value, dict):
        return {str(key): _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _plain(data: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key.lstrip(":"): value for key, value in data.items()}


def same(wanted: str, value: str) -> bool:
    """Return True if both are equal, or if a pattern between slashes matches. All slashes are removed (MC:util.rb)."""
    if wanted.startswith("/"):
        return re.search(wanted.replace("/", ""), value) is not None
    return wanted == value


def _compare(text: str, wanted: t.Mapping[str, t.Any]) -> bool:
    operator, other = wanted[":operator"], wanted[":value"]
    if operator == "=~":
        return re.search(other.strip("/"), text) is not None
    left, right = _comparable(text, other)
    return {
        "==": text == other,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[operator]


def _comparable(left: str, right: str) -> tuple[t.Any, t.Any]:
    for pattern, kind in ((r"\d+", int), (r"\d+\.\d+", float)):
        if re.fullmatch(pattern, left) and re.fullmatch(pattern, right):
            return kind(left), kind(right)
    return left, right


def _ping(_node: Node, _data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"pong": int(time.time())}


def _inventory(node: Node, _data: dict[str, t.Any]) -> Answer:
    return (
        0,
        "OK",
        {
            "agents": ["discovery", *node.agents],
            "facts": node.facts,
            "classes": node.classes,
            "collectives": node.collectives,
            "main_collective": node.collectives[0],
            "version": "2.12.5",
            "data_plugins": ["agent_data", "collective_data", "fact_data", "fstat_data"],
        },
    )


def _get_fact(node: Node, data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"fact": data.get("fact"), "value": node.facts.get(data.get("fact", ""))}


def _get_facts(node: Node, data: dict[str, t.Any]) -> Answer:
    names = [name.strip() for name in str(data.get("facts", "")).split(",")]
    return 0, "OK", {"values": {name: node.facts.get(name) for name in names}}


def _daemon_stats(node: Node, _data: dict[str, t.Any]) -> Answer:
    return (
        0,
        "OK",
        {
            "version": "2.12.5",
            "starttime": STARTED,
            "total": node.requests,
            "agents": ["discovery", *node.agents],
            "times": {"utime": 0.1, "stime": 0.05, "cutime": 0.0, "cstime": 0.0},
        },
    )


def _agent_inventory(node: Node, _data: dict[str, t.Any]) -> Answer:
    about = {"license": "BSD-2-Clause", "timeout": 10, "version": "1.0", "url": "", "author": "us"}
    found = [
        {
            Symbol(key): value
            for key, value in {"agent": agent, "name": agent, "description": agent, **about}.items()
        }
        for agent in sorted(["discovery", *node.agents])
    ]
    return 0, "OK", {"agents": found}


def _collective_info(node: Node, _data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"main_collective": node.collectives[0], "collectives": node.collectives}


ACTIONS: dict[str, t.Callable[[Node, dict[str, t.Any]], Answer]] = {
    "rpcutil.ping": _ping,
    "rpcutil.inventory": _inventory,
    "rpcutil.get_fact": _get_fact,
    "rpcutil.get_facts": _get_facts,
    "rpcutil.daemon_stats": _daemon_stats,
    "rpcutil.agent_inventory": _agent_inventory,
    "rpcutil.collective_info": _collective_info,
    **machines.ACTIONS,
}
