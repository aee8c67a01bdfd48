# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Any STOMP broker, as MCollective addressed them up to 2.3.0 (2.2.4:connector/stomp.rb)."""

from __future__ import annotations

import hashlib
import logging
import typing as t

from .python_mcollective import Connector

if t.TYPE_CHECKING:
    from ..config import Config


class StompConnector(Connector):
    """``connector = stomp``, which later releases of MCollective lack.

    The replies to all clients go to one topic for each agent; a request cannot name another place.
    """

    takes_reply_to = False

    def __init__(
        self, config: Config, connection: t.Any = None, logger: logging.Logger | None = None
    ) -> None:
        super().__init__(config, connection, logger)
        self._priority = config.getint(self.option("priority"), 0)
        self._topics = config.get("topicprefix", "/topic/")
        self._queues = config.get("queueprefix", "/queue/")
        self._separator = config.get("topicsep", ".")

    def get_target(self, agent: str, collective: str, node: str | None = None) -> str:
        """See :meth:`.Connector.get_target`; a node's queue bears the MD5 of its identity."""
        if node is None:
            return self._topic(collective, agent, "command")
        digest = hashlib.new("md5", node.encode(), usedforsecurity=False).hexdigest()
        return self._queues + self._separator.join((collective, digest))

    def get_reply_target(self, agent: str, collective: str) -> str:
        """See :meth:`.Connector.get_reply_target`."""
        return self._topic(collective, agent, "reply")

    def subscription(self, target: str, agent: str) -> str | None:
        """See :meth:`.Connector.subscription`."""
        return f"{target}{self._separator}{next(self._sequence)}"

    def headers(self, ttl: int, reply_to: str, node: str | None) -> dict[str, str]:
        """See :meth:`.Connector.headers`. Nodes know where to reply without being told."""
        return {"priority": str(self._priority)} if self._priority > 0 else {}

    def _topic(self, collective: str, agent: str, kind: str) -> str:
        return self._topics + self._separator.join((collective, agent, kind))
