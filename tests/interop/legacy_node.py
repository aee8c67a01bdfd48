# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node of a release up to 2.3.0 with the connector stomp, which the packaged daemon lacks.

It is an emulated node on a real broker. Its addresses are those of the old connector
(2.2.4:connector/stomp.rb, make_target): a topic for each agent's requests and another for the
replies to all clients, and a queue named by the MD5 of its identity.
"""

from __future__ import annotations

import hashlib
import threading
import time
import typing as t

import stomp
from testbed.embedded.security import NodeSecurity, Unacceptable

if t.TYPE_CHECKING:
    from testbed.embedded.nodes import Node
    from testbed.real.broker import Broker
    from testbed.real.place import Place

AGENTS = ("discovery", "rpcutil")


class LegacyNode:
    """Answers what reaches it. Use it as a context manager."""

    def __init__(self, broker: Broker, place: Place, node: Node, security: NodeSecurity) -> None:
        self.node = node
        self.frames: list[t.Any] = []
        self._subscribed = threading.Event()
        self._collective = broker.collective(place, place.collectives[0])
        self._security = security
        self._connection = stomp.StompConnection10(
            [("127.0.0.1", broker.stomp_port)], auto_decode=False
        )
        self._connection.set_listener("node", self)
        self._connection.connect(place.user, place.password, wait=True)

    def __enter__(self) -> LegacyNode:
        digest = hashlib.md5(self.node.identity.encode()).hexdigest()
        self._connection.subscribe(f"/queue/{self._collective}.{digest}")
        for agent in AGENTS:
            self._connection.subscribe(f"/topic/{self._collective}.{agent}.command")
        # The broker handles a connection's frames in order: after this, the subscriptions are there.
        self._connection.send(f"/topic/{self._collective}.nowhere", b"", receipt="subscribed")
        assert self._subscribed.wait(5)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.disconnect(receipt="end")

    def on_receipt(self, _frame: t.Any) -> None:
        """Called by stomp.py's thread when the broker has read all that was sent."""
        self._subscribed.set()

    def on_message(self, frame: t.Any) -> None:
        """Called by stomp.py's thread for each request."""
        self.frames.append(frame)
        try:
            request = self._security.open(frame.body)
        except Unacceptable:
            return
        if self.node.fits(request[":filter"]):
            self._answer(request, self.node.answer(request[":agent"], request[":body"]))

    def _answer(self, request: dict[str, t.Any], body: t.Any) -> None:
        envelope = {
            "senderid": self.node.identity,
            "requestid": request[":requestid"],
            "senderagent": request[":agent"],
            "msgtime": int(time.time()),
        }
        destination = f"/topic/{self._collective}.{request[':agent']}.reply"
        self._connection.send(destination, self._security.seal(envelope, body))
