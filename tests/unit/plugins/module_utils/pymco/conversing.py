# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies of nodes, and a middleware that delivers them at scripted times of its own clock."""

from __future__ import annotations

import hashlib
import math
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
    Conversation,
    Line,
    Patience,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Outcome
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import Outgoing
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
)

CONFIG = Config({"identity": "me", "plugin.psk": "key"})
SECURITY = security_provider(CONFIG)
REQUESTID = "0123456789abcdef" * 2
ENVELOPE = Envelope(
    identity="me",
    agent="rpcutil",
    collective="mcollective",
    filter=Filter().add_agent("rpcutil"),
    ttl=30,
    body="ping",
    requestid=REQUESTID,
)


def reply(sender: t.Any, requestid: t.Any = REQUESTID, key: str = "key", **more: t.Any) -> bytes:
    """Return a reply as a node makes it."""
    body = MarshalSerializer().serialize({Symbol("statuscode"): 0, Symbol("data"): {}})
    envelope = {
        Symbol("senderid"): sender,
        Symbol("requestid"): requestid,
        Symbol("senderagent"): "rpcutil",
        Symbol("msgtime"): 1395419893,
        Symbol("body"): body,
        Symbol("hash"): hashlib.md5(body + key.encode()).hexdigest(),
        **{Symbol(name): value for name, value in more.items()},
    }
    return MarshalSerializer().serialize(envelope)


class Clock:
    """A clock that moves only while the client waits."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedMiddleware:
    """Delivers payloads at given times, and records what it has to do.

    :param arrivals: seconds after the request, and a payload or an error. All must be taken.
    """

    max_reply_bytes = 10**6
    replies_survive = False
    crowded = False
    connect_timeout = 3.0

    def __init__(self, clock: Clock, *arrivals: tuple[float, bytes | Exception]) -> None:
        self.clock, self.start = clock, clock.now
        self.arrivals = list(arrivals)
        self.calls: list[t.Any] = []
        self.publishing = self.decoding = 0.0
        self.failure: exc.ConnectorError | None = None
        self.unsent: list[str] = []

    def open_replies(self, agent: str, collective: str, deadline: float) -> str:
        self.calls.append(("open_replies", agent, collective, deadline - self.start))
        return "/reply/here"

    def publish(
        self,
        outgoing: Outgoing,
        deadline: float,
        *,
        nodes: t.Iterable[str] | None = None,
        receipt: str | None = None,
        meanwhile: t.Callable[[], None] | None = None,
    ) -> list[str]:
        assert receipt is None
        request = (outgoing.agent, outgoing.collective, outgoing.ttl, outgoing.reply_to)
        self.calls.append(("publish", *request, deadline - self.start, nodes))
        self.payload = outgoing.payload
        self.clock.now += self.publishing
        if meanwhile is not None and self.crowded:
            meanwhile()
        if self.failure is not None:
            raise self.failure
        return self.unsent

    def next_payload(self, timeout: float) -> bytes | None:
        assert 0 <= timeout < math.inf
        self.clock.now += self.decoding
        until = self.clock.now + timeout
        if not self.arrivals or self.start + self.arrivals[0][0] > until:
            self.clock.now = until
            return None
        after, what = self.arrivals.pop(0)
        self.clock.now = max(self.clock.now, self.start + after)
        if isinstance(what, Exception):
            raise what
        return what


def line(middleware: ScriptedMiddleware) -> Line:
    """Return the line for conversations over a middleware."""
    return Line(t.cast(t.Any, middleware), SECURITY, middleware.clock)


def converse(
    middleware: ScriptedMiddleware,
    patience: Patience,
    *,
    expected: t.Collection[str] | None = None,
    direct: bool = False,
) -> Outcome:
    """Send a request once, and take in the replies."""
    conversation = Conversation(line(middleware), ENVELOPE, expected=expected)
    conversation.send(patience.total, list(expected or ()) if direct else None)
    conversation.listen(patience)
    return conversation.outcome
