# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet answers, in the bytes that real nodes would write.

Ruby writes and the nodes' key signs each answer once, with a stand-in for the identity; a node's
reply replaces it by the node's identity. So thousands of replies cost little, and each is as real as any.
"""

from __future__ import annotations

import base64
import collections
import json
import subprocess
import time
import typing as t
from pathlib import Path

from ..embedded.nodes import Node, same
from ..embedded.security import NodeSecurity
from ..real import programs

VARIANTS = 100
"""How many different answers there are. Node N gives the answer N modulo this number."""
STAND_IN = "node#####.example.com"
_STAND_IN = STAND_IN.encode()
KEPT = 10_000
"""How many signed bodies are kept for the next request. Only bodies that contain the time are many."""


def identity(number: int) -> str:
    """Return the identity of a node. All have the same length, so that they can be replaced in Marshal."""
    return f"node{number:05d}.example.com"


def variant(number: int) -> Node:
    """Return a node with seven facts, a usual number of classes, and the usual agents."""
    return Node(
        STAND_IN,
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
        agents=["rpcutil", "service"],
    )


class Ruby:
    """A Ruby that serializes for us."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("dump.rb")
        self._process = subprocess.Popen(
            [str(programs.require("ruby")), "-W0", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )

    def dump(self, format_: str, value: t.Any, body: bytes | None = None) -> bytes:
        """Return a value's bytes, in yaml or marshal. A body is added unchanged."""
        assert self._process.stdin is not None and self._process.stdout is not None
        embedded = None if body is None else base64.b64encode(body).decode()
        self._process.stdin.write(json.dumps([format_, value, embedded]) + "\n")
        self._process.stdin.flush()
        return base64.b64decode(self._process.stdout.readline())


class Replies:
    """Makes the payloads of all nodes for a request.

    :param security: as the testbed names it: psk, ssl-marshal or ssl-yaml.
    """

    def __init__(self, security: str, keys: NodeSecurity) -> None:
        self._format = "yaml" if security.endswith("yaml") else "marshal"
        self._keys = keys
        self._ruby = Ruby()
        self._signed: dict[str, tuple[bytes, str]] = {}
        self.variants = [variant(number) for number in range(VARIANTS)]

    def seal(self, request: dict[str, t.Any], answer: t.Any) -> bytes:
        """Return a payload with an answer to a request, and with the stand-in for the identity."""
        body, signature = self._body(answer)
        envelope = {
            ":senderid": STAND_IN,
            ":requestid": request[":requestid"],
            ":senderagent": request[":agent"],
            ":msgtime": int(time.time()),
            ":hash": signature,
        }
        return self._ruby.dump(self._format, envelope, body)

    def _body(self, answer: t.Any) -> tuple[bytes, str]:
        """Return an answer's serialized body and its signature."""
        if isinstance(answer, dict):
            data = {f":{key}": item for key, item in answer["data"].items()}
            answer = {
                ":statuscode": answer["statuscode"],
                ":statusmsg": answer["statusmsg"],
                ":data": data,
            }
        key = json.dumps(answer)
        if key not in self._signed:
            if len(self._signed) >= KEPT:
                self._signed.clear()
            body = self._ruby.dump(self._format, answer)
            self._signed[key] = (body, self._keys.signature(body))
        return self._signed[key]


class Answers:
    """The nodes' answers to one request. Each different answer is made once, when it is needed."""

    def __init__(self, replies: Replies, request: dict[str, t.Any]) -> None:
        self._replies, self._request = replies, request
        self._others = {**request[":filter"], "identity": []}
        self._made: dict[int, bytes | None] = {}

    def of(self, number: int, name: bytes) -> bytes | None:
        """Return a node's payload. None: the filter, apart from identities, does not fit it, or it is silent."""
        which = number % len(self._replies.variants)
        if which not in self._made:
            self._made[which] = self._template(self._replies.variants[which])
        template = self._made[which]
        return None if template is None else template.replace(_STAND_IN, name)

    def _template(self, node: Node) -> bytes | None:
        agent = self._request[":agent"]
        if not node.has_agent(agent) or not node.fits(self._others):
            return None
        answer = node.answer(agent, self._request[":body"])
        return None if answer is None else self._replies.seal(self._request, answer)


class Names:
    """The identities of a fleet."""

    def __init__(self, count: int) -> None:
        self.encoded = [identity(number).encode() for number in range(count)]
        self._numbers = {name.decode(): number for number, name in enumerate(self.encoded)}

    def number(self, name: str) -> int | None:
        """Return the number of the node with that name, or None."""
        return self._numbers.get(name)

    def fitting(self, wanted: t.Sequence[str]) -> t.Collection[int]:
        """Return the nodes that fit exactly one of a filter's identities, as on real nodes (MC:security/base.rb)."""
        if not wanted:
            return range(len(self.encoded))
        fits: collections.Counter[int] = collections.Counter()
        for entry in wanted:
            if entry.startswith("/"):
                fits.update(n for name, n in self._numbers.items() if same(entry, name))
            elif entry in self._numbers:
                fits[self._numbers[entry]] += 1
        return dict.fromkeys(number for number in sorted(fits) if fits[number] == 1)
