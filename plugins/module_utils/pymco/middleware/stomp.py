# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What each middleware that speaks STOMP does, and MCollective's oldest one (2.2.4:connector/stomp.rb)."""

from __future__ import annotations

import hashlib
import os
import typing as t

from ..utils import base64_lines, from_base64
from ..wire import heartbeat
from ..wire.stomp_session import Login, Session
from .base import BaseMiddleware, Outgoing

if t.TYPE_CHECKING:
    from ..pool import Broker

GRACE = 10
"""Seconds that a broker keeps a request beyond its ttl (MC:connector/activemq.rb, headers_for)."""


class OverStomp(BaseMiddleware):
    """A middleware that speaks STOMP.

    :cvar vhost: the virtual host that CONNECT asks for where the settings name none.
    :cvar resolves_backslashes: True if the broker resolves backslashes in CONNECT's headers, where STOMP
        has none.
    :ivar use_b64: payloads travel in Base64.
    """

    vhost: str | None = None
    resolves_backslashes = False

    def read_options(self) -> None:
        super().read_options()
        self.use_b64 = self.flag("base64")
        self.login(self.pool.brokers[0])  # so that a bad option is refused now

    def open_session(self, broker: Broker, seconds: float) -> Session:
        return Session.open(broker, self.login(broker), seconds)

    def login(self, broker: Broker) -> Login:
        """Return what CONNECT says to a broker (MC:connector/rabbitmq.rb, connection_headers)."""
        settings = self.settings
        vhost = settings.get(self.option("vhost"), self.vhost)
        fallback = settings.getboolean(self.option("stomp_1_0_fallback"), True)
        # A password that everybody sees in other places is no secret. Masking it in the name of an
        # exchange would reveal it.
        known = {broker.user, vhost, settings.identity, *settings.collectives}
        hidden = {broker.password, *settings.secrets()}
        return Login(
            user=self._spelled(broker.user),
            password=self._spelled(broker.password),
            vhost=None if vhost is None else self._spelled(vhost),
            versions=("1.1", "1.0") if fallback else ("1.1",),
            heartbeat=heartbeat.offer(settings.getint(self.option("heartbeat_interval"), 0)),
            missed=settings.getint(self.option("max_hbread_fails"), 2),
            secrets=tuple(hidden - known),
        )

    def _spelled(self, text: str) -> str:
        return text.replace("\\", "\\\\") if self.resolves_backslashes else text

    def priority(self) -> dict[str, str]:
        """Return the header for the option priority; 0 needs none."""
        priority = self.settings.getint(self.option("priority"), 0)
        return {"priority": str(priority)} if priority > 0 else {}

    def reply_name(self, separator: str) -> str:
        """Return a name for replies that nobody else uses: IDENTITY_PID and a number.

        The reference counts its requests. Here the count begins anywhere, since one process may have several
        clients.
        """
        return f"{self.settings.identity}_{os.getpid()}{separator}{next(self._sequence)}"

    def wrap(self, outgoing: Outgoing) -> bytes:
        return base64_lines(outgoing.payload).encode() if self.use_b64 else outgoing.payload

    def unwrap(self, body: bytes) -> bytes:
        return from_base64(body) if self.use_b64 else body


class StompMiddleware(OverStomp):
    """``connector = stomp``: any STOMP broker, as MCollective addressed them up to 2.3.0.

    The replies to all clients go to one topic for each agent; a request cannot name another place.
    """

    takes_reply_to = False

    def read_options(self) -> None:
        super().read_options()
        self._priority = self.priority()
        self._topics = self.settings.get("topicprefix", "/topic/")
        self._queues = self.settings.get("queueprefix", "/queue/")
        self._separator = self.settings.get("topicsep", ".")

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        """A node's queue has the MD5 of its identity in its name."""
        if node is None:
            return self._topic(collective, agent, "command")
        digest = hashlib.new("md5", node.encode(), usedforsecurity=False).hexdigest()
        return self._queues + self._separator.join((collective, digest))

    def reply_target(self, agent: str, collective: str) -> str:
        return self._topic(collective, agent, "reply")

    def subscription(self, target: str, agent: str) -> str | None:
        return f"{target}{self._separator}{next(self._sequence)}"

    def headers(self, outgoing: Outgoing, node: str | None) -> dict[str, str]:
        """Nodes know where to reply without being told."""
        return dict(self._priority)

    def _topic(self, collective: str, agent: str, kind: str) -> str:
        return self._topics + self._separator.join((collective, agent, kind))
