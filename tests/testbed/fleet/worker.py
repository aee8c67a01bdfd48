# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that is a fleet: ``python tests/testbed/fleet/worker.py``, its settings on stdin."""

from __future__ import annotations

import json
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from testbed.embedded.security import NodeSecurity, Unacceptable
from testbed.fleet.replies import STAND_IN, Replies, identity
from testbed.keys import KeyPair
from testbed.real.stomp import Connection, Frame

AT_ONCE = 200
"""Replies that are written to the broker at once."""


@dataclass(frozen=True)
class Settings:
    """What a fleet needs to know.

    :ivar broadcasts: the destinations of requests to all.
    :ivar directed: the destinations of requests to a single node, with its identity.
    """

    count: int
    security: str
    psk: str
    server: tuple[str, str]
    operator: tuple[str, str]
    port: int
    vhost: str
    user: str
    password: str
    broadcasts: list[str]
    directed: dict[str, str]


class Fleet:
    """Answers requests for all of its nodes."""

    def __init__(self, settings: Settings) -> None:
        server, operator = (
            KeyPair(*map(Path, pair)) for pair in (settings.server, settings.operator)
        )
        self._keys = NodeSecurity(settings.security, settings.psk, server, operator)
        self._replies = Replies(settings.security, self._keys)
        self._identities = [identity(number).encode() for number in range(settings.count)]
        self._numbers = {name.decode(): number for number, name in enumerate(self._identities)}
        self._directed = settings.directed
        self._connection = Connection(
            settings.port, settings.vhost, settings.user, settings.password, timeout=30
        )
        for destination in (*settings.broadcasts, *settings.directed):
            self._connection.subscribe(destination)

    def run(self) -> None:
        """Answer until the broker is gone."""
        while True:
            self._answer(self._connection.receive())

    def _answer(self, frame: Frame) -> None:
        try:
            request = self._keys.open(frame.body)
        except Unacceptable:
            return
        payloads = self._replies.templates(request)
        head = f"SEND\ndestination:{frame.headers['reply-to']}\n\n".encode()
        stand_in, pending = STAND_IN.encode(), []
        for number in self._reached(frame, request):
            payload = payloads[number % len(payloads)]
            if payload is not None:
                own = payload.replace(stand_in, self._identities[number])
                pending.append(b"SEND\ncontent-length:%d" % len(own) + head[4:] + own + b"\0")
            if len(pending) == AT_ONCE:
                self._connection.send_raw(b"".join(pending))
                pending.clear()
        self._connection.send_raw(b"".join(pending))

    def _reached(self, frame: Frame, request: dict[str, t.Any]) -> t.Iterable[int]:
        """The nodes for which a request is; identities are by name only."""
        single = self._directed.get(frame.headers.get("destination", ""))
        if single is not None:
            return [self._numbers[single]]
        wanted = request[":filter"].get("identity")
        if wanted:
            return [self._numbers[name] for name in wanted if name in self._numbers]
        return range(len(self._identities))


if __name__ == "__main__":
    started = Fleet(Settings(**json.loads(sys.stdin.readline())))
    print("ready", flush=True)
    started.run()
