# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""ActiveMQ: topics for requests, a queue for each request's replies (MC:connector/activemq.rb)."""

from __future__ import annotations

import time
import typing as t

from .stomp import GRACE, OverStomp

if t.TYPE_CHECKING:
    from .base import Outgoing


class ActiveMQMiddleware(OverStomp):
    """``connector = activemq``, MCollective's default.

    Requests to single nodes share one queue, from which each node selects its own by the header
    mc_identity. The broker should drop unused reply queues (gcInactiveDestinations).
    """

    vhost = "mcollective"
    resolves_backslashes = True

    def read_options(self) -> None:
        super().read_options()
        self._multiplex = self.flag("agents_multiplex")
        self._priority = self.priority()

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        if node is not None:
            return f"/queue/{collective}.nodes"
        return f"/topic/{collective}." + ("agents" if self._multiplex else f"{agent}.agent")

    def reply_target(self, agent: str, collective: str) -> str:
        return f"/queue/{collective}.reply.{self.reply_name('.')}"

    def headers(self, outgoing: Outgoing, node: str | None) -> dict[str, str]:
        """Times are in milliseconds since 1970."""
        now = int(time.time())
        found = {
            "reply-to": outgoing.reply_to,
            "timestamp": str(now * 1000),
            "expires": str((now + outgoing.ttl + GRACE) * 1000),
            "mc_sender": self.settings.identity,
            **self._priority,
        }
        return found if node is None else {**found, "mc_identity": node}
