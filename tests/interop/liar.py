# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that gives wrong answers, next to real nodes on a real broker."""

from __future__ import annotations

import threading
import time
import typing as t

import stomp
from testbed.embedded.security import NodeSecurity

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

Lie = t.Callable[["Liar", dict[str, t.Any]], list[bytes]]


class Liar:
    """Receives the broadcasts to an agent, and sends what the lie makes of each.

    It knows the nodes' key (as every node does), and another key that nobody knows.
    """

    def __init__(self, collective: Collective, agent: str, lie: Lie) -> None:
        kind, keys = collective.security, collective.keys
        self.honest = NodeSecurity(kind, collective.psk, keys.server, keys.operator)
        self.rogue = NodeSecurity(kind, "another key", keys.rogue, keys.operator)
        self.heard = 0
        self._lie = lie
        self._subscribed = threading.Event()
        self._connection = stomp.StompConnection11(
            [("127.0.0.1", collective.broker.stomp_port)],
            vhost=collective.vhost,
            auto_decode=False,
        )
        self._connection.set_listener("liar", self)
        self._connection.connect(collective.user, collective.password, wait=True)
        name = collective.nodes[0].collectives[0]
        destination = collective.broadcasts(name, agent)
        self._connection.subscribe(destination, "liar", headers={"receipt": "subscribed"})

    def __enter__(self) -> Liar:
        assert self._subscribed.wait(10)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.disconnect(receipt="end")

    def reply(
        self, request: dict[str, t.Any], sender: str, rogue: bool = False, **changes: t.Any
    ) -> bytes:
        """Return a reply that says how many lies were sent."""
        envelope = {
            "senderid": sender,
            "requestid": request[":requestid"],
            "senderagent": request[":agent"],
            "msgtime": int(time.time()),
            **changes,
        }
        body = {"statuscode": 0, "statusmsg": "OK", "data": {"pong": "a lie"}}
        return (self.rogue if rogue else self.honest).seal(envelope, body)

    def on_receipt(self, _frame: t.Any) -> None:
        """Called by stomp.py's thread when the broker has done what it was told."""
        self._subscribed.set()

    def on_message(self, frame: t.Any) -> None:
        """Called by stomp.py's thread for each request."""
        request = self.honest.open(frame.body)
        self.heard += 1
        for payload in self._lie(self, request):
            self._connection.send(frame.headers["reply-to"], payload)
