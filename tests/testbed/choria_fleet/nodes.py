# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes of a fleet: their properties, and what their agents answer.

The answers are shaped as those of Go's agents (Go: providers/agent/mcorpc/golang/). None of them
contains the node's identity: many nodes give the same answer.
"""

from __future__ import annotations

import json
import time
import typing as t
from dataclasses import dataclass, field

Answer = tuple[int, str, dict[str, t.Any]]
"""A reply's statuscode, statusmsg and data."""

VARIANTS = 100
"""How many different nodes there are. Node N is like node N modulo this number."""
VERSION = "0.29.4"
STARTED = int(time.time())
AGENTS = ("rpcutil", "probe", "failer", "sleeper")


@dataclass
class ChoriaNode:
    """One emulated node. Classes are in lower case, as Puppet writes them."""

    facts: dict[str, t.Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=lambda: ["discovery", *AGENTS])
    collective: str = "mcollective"

    def fact(self, path: str) -> t.Any:
        """Return the fact at a path such as os.family, or None."""
        found: t.Any = self.facts
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def answer(self, agent: str, body: bytes) -> str | None:
        """Return a reply's text, or None if the node stays silent."""
        if agent == "discovery":
            return "pong" if body.strip(b'" ') == b"ping" else f"Unknown Request: {body.decode()}"
        try:
            request = json.loads(body)
            action, data = str(request["action"]), request.get("data") or {}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return _reply("", (4, f"Could not process request: {error}", {}))
        function = ACTIONS.get(f"{agent}.{action}")
        if function is None:
            return _reply(action, (2, f"Unknown action {action} for agent {agent}", {}))
        return _reply(action, function(self, data))


def variant(number: int, collective: str) -> ChoriaNode:
    """Return a node with seven facts, a usual number of classes, and the usual agents."""
    return ChoriaNode(
        facts={
            "role": ("web", "app", "db", "cache", "queue")[number % 5],
            "site": f"site{number % 7}",
            "rack": f"r{number % 40:02d}",
            "os": {"family": "Debian", "release": {"major": str(10 + number % 3)}},
            "processorcount": 2 ** (number % 6),
            "is_virtual": bool(number % 2),
            "ipaddress": f"10.0.{number}.1",
        },
        classes=["common", f"role::{number % 5}"],
        collective=collective,
    )


def delay(agent: str, body: bytes) -> float:
    """Return the seconds that a request takes on a node."""
    if agent != "sleeper":
        return 0.0
    try:
        return float(json.loads(body)["data"].get("seconds", 0))
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0.0


def _reply(action: str, answer: Answer) -> str:
    code, message, data = answer
    document = {"action": action, "statuscode": code, "statusmsg": message, "data": data}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _ping(_node: ChoriaNode, _data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"pong": int(time.time())}


def _get_fact(node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    name = str(data.get("fact", ""))
    return 0, "OK", {"fact": name, "value": node.fact(name)}


def _get_facts(node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    names = [name.strip() for name in str(data.get("facts", "")).split(",")]
    return 0, "OK", {"values": {name: node.fact(name) for name in names}}


def _inventory(node: ChoriaNode, _data: dict[str, t.Any]) -> Answer:
    return (
        0,
        "OK",
        {
            "agents": node.agents,
            "facts": node.facts,
            "classes": node.classes,
            "collectives": [node.collective],
            "main_collective": node.collective,
            "data_plugins": ["choria", "scout"],
            "machines": [],
            "upgradable": False,
            "version": VERSION,
        },
    )


def _agent_inventory(node: ChoriaNode, _data: dict[str, t.Any]) -> Answer:
    about = {"license": "Apache-2.0", "timeout": 10, "version": VERSION, "url": "", "author": "us"}
    found = [{"agent": name, "name": name, "description": name, **about} for name in node.agents]
    return 0, "OK", {"agents": found}


def _collective_info(node: ChoriaNode, _data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"main_collective": node.collective, "collectives": [node.collective]}


def _daemon_stats(node: ChoriaNode, _data: dict[str, t.Any]) -> Answer:
    counters = ("filtered", "passed", "replies", "total", "ttlexpired", "unvalidated", "validated")
    return (
        0,
        "OK",
        {
            **dict.fromkeys(counters, 0),
            "agents": node.agents,
            "configfile": "/etc/choria/server.conf",
            "pid": 4711,
            "events": 0,
            "starttime": STARTED,
            "threads": ["Go with 20 go procs on 2 cores"],
            "times": {"utime": 1, "stime": 1, "cutime": 0, "cstime": 0},
            "version": VERSION,
        },
    )


def _echo(_node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {**data, "request": json.dumps(data, sort_keys=True)}


def _big(_node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"text": "x" * int(data.get("size", 0))}


def _fail(_node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    return int(data.get("code", 1)), str(data.get("message", "failed on request")), {}


def _partial(node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    """The nodes of a role fail. The real agent takes identities, which answers here do not know."""
    if node.facts.get("role") == data.get("match"):
        return 1, "failed on a node that matches", {}
    return 0, "OK", {"spared": True}


def _sleep(_node: ChoriaNode, data: dict[str, t.Any]) -> Answer:
    return 0, "OK", {"seconds": data.get("seconds")}


ACTIONS: dict[str, t.Callable[[ChoriaNode, dict[str, t.Any]], Answer]] = {
    "rpcutil.ping": _ping,
    "rpcutil.get_fact": _get_fact,
    "rpcutil.get_facts": _get_facts,
    "rpcutil.inventory": _inventory,
    "rpcutil.agent_inventory": _agent_inventory,
    "rpcutil.collective_info": _collective_info,
    "rpcutil.daemon_stats": _daemon_stats,
    "probe.echo": _echo,
    "probe.big": _big,
    "failer.fail": _fail,
    "failer.partial": _partial,
    "sleeper.sleep": _sleep,
}
