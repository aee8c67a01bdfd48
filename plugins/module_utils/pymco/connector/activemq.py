# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""ActiveMQ: topics for requests, a queue for each request's replies (MC:connector/activemq.rb)."""

from __future__ import annotations

import logging
import time
import typing as t

from .base import GRACE
from .python_mcollective import Connector

if t.TYPE_CHECKING:
    from ..config import Config


class ActiveMQConnector(Connector):
    """``connector = activemq``, MCollective's default.

    Requests to single nodes share one queue, from which each node selects its own by the header
    mc_identity. The broker should drop unused reply queues (gcInactiveDestinations).
    """

    vhost = "mcollective"
    resolves_backslashes = True

    def __init__(
        self, config: Config, connection: t.Any = None, logger: logging.Logger | None = None
    ) -> None:
        super().__init__(config, connection, logger)
        self._multiplex = self.flag("agents_multiplex")
        self._priority = config.getint(self.option("priority"), 0)

    def get_target(self, agent: str, collective: str, node: str | None = None) -> str:
        """See :meth:`.Connector.get_target`."""
        if node is not None:
            return f"/queue/{collective}.nodes"
        return f"/topic/{collective}." + ("agents" if self._multiplex else f"{agent}.agent")

    def get_reply_target(self, agent: str, collective: str) -> str:
        """See :meth:`.Connector.get_reply_target`."""
        return f"/queue/{collective}.reply.{self.reply_name('.')}"

    def headers(self, ttl: int, reply_to: str, node: str | None) -> dict[str, str]:
        """See :meth:`.Connector.headers`. Times are in milliseconds since 1970."""
        now = int(time.time())
        found = {
            "reply-to": reply_to,
            "timestamp": str(now * 1000),
            "expires": str((now + ttl + GRACE) * 1000),
            "mc_sender": self.config.identity,
        }
        if self._priority > 0:
            found["priority"] = str(self._priority)
        if node is not None:
            found["mc_identity"] = node
        return found
