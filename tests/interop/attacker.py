# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An attacker on the broker who has seen a request. He reads and writes envelopes, and has no key."""

from __future__ import annotations

import time
import typing as t

from testbed.real.stomp import Frame

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    Symbol,
)

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

Envelope = dict[str, t.Any]
PATIENCE = 20.0
"""Seconds, far more than a node here takes to answer."""


class Attacker:
    """A session on the collective's broker, which must be RabbitMQ.

    What it does to an envelope needs no key: the serializer is all that it shares with the nodes.
    """

    reply_to = "/temp-queue/attacker"

    def __init__(self, collective: Collective) -> None:
        self.collective = collective
        self.serializer = SERIALIZERS["yaml" if "yaml" in collective.security else "marshal"]()
        self._connection = collective.broker.connect(collective.place, PATIENCE)

    def __enter__(self) -> Attacker:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()

    def opened(self, payload: bytes) -> Envelope:
        """Return an envelope in its form on the wire. Its body stays unchanged."""
        envelope: Envelope = self.serializer.deserialize(payload)
        return envelope

    def requestid(self, payload: bytes) -> t.Any:
        """Return the identifier of a captured payload, or None if it is no envelope."""
        found = self.opened(payload)
        return found.get(":requestid") if isinstance(found, dict) else None

    def changed(self, payload: bytes, **fields: t.Any) -> bytes:
        """Return a captured payload with other fields in its envelope."""
        named = {Symbol(name): value for name, value in fields.items()}
        return self.written({**self.opened(payload), **named})

    def written(self, envelope: Envelope) -> bytes:
        """A payload of an envelope whose body is a serialized text or bytes."""
        body = envelope[":body"]
        raw = body.encode() if isinstance(body, str) else body
        return self.serializer.serialize({**envelope, Symbol("body"): self.serializer.embed(raw)})

    def broadcast(self, payload: bytes, agent: str = "rpcutil") -> None:
        """Publish a request for all nodes."""
        self._send(self.collective.broadcasts("mcollective", agent), payload)

    def direct(self, payload: bytes, node: str) -> None:
        """Publish a request for one node."""
        self._send(f"/exchange/mcollective_directed/{node}", payload)

    def _send(self, destination: str, payload: bytes) -> None:
        headers = {"destination": destination, "reply-to": self.reply_to}
        headers["content-length"] = str(len(payload))
        self._connection.send_raw(Frame("SEND", headers, payload).encode())

    def replies(self, count: int) -> list[bytes]:
        """Return this number of replies. Raises AssertionError if they do not come."""
        found: list[bytes] = []
        deadline = time.monotonic() + PATIENCE
        while len(found) < count:
            frame = self._connection.poll(max(deadline - time.monotonic(), 0))
            assert frame is not None, f"{len(found)} of {count} nodes obeyed"
            assert frame.command == "MESSAGE", frame
            found.append(frame.body)
        return found

    def senders(self, count: int) -> list[str]:
        """Return the senders of this number of replies, sorted."""
        return sorted(self.opened(payload)[":senderid"] for payload in self.replies(count))

    def body(self, payload: bytes) -> bytes:
        """The serialized body of an envelope."""
        body = self.opened(payload)[":body"]
        return body.encode() if isinstance(body, str) else body
