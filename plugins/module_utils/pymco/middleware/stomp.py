# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Any STOMP broker, as MCollective addressed them up to 2.3.0 (2.2.4:connector/stomp.rb)."""

from __future__ import annotations

import hashlib
import typing as t

from .over_stomp import OverStomp

if t.TYPE_CHECKING:
    from .base import Outgoing


class StompMiddleware(OverStomp):
    """``connector = stomp``, which later releases of MCollective lack.

    The replies to all clients go to one topic for each agent; a request cannot name another place.
    """

    takes_reply_to = False

    def read_options(self) -> None:
        """See :meth:`.BaseMiddleware.read_options`."""
        super().read_options()
        self._priority = self.priority()
        self._topics = self.settings.get("topicprefix", "/topic/")
        self._queues = self.settings.get("queueprefix", "/queue/")
        self._separator = self.settings.get("topicsep", ".")

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        """See :meth:`.BaseMiddleware.target`. A node's queue has the MD5 of its identity in its name."""
        if node is None:
            return self._topic(collective, agent, "command")
        digest = hashlib.new("md5", node.encode(), usedforsecurity=False).hexdigest()
        return self._queues + self._separator.join((collective, digest))

    def reply_target(self, agent: str, collective: str) -> str:
        """See :meth:`.BaseMiddleware.reply_target`."""
        return self._topic(collective, agent, "reply")

    def subscription(self, target: str, agent: str) -> str | None:
        """See :meth:`.BaseMiddleware.subscription`."""
        return f"{target}{self._separator}{next(self._sequence)}"

    def headers(self, outgoing: Outgoing, node: str | None) -> dict[str, str]:
        """See :meth:`.BaseMiddleware.headers`. Nodes know where to reply without being told."""
        return dict(self._priority)

    def _topic(self, collective: str, agent: str, kind: str) -> str:
        return self._topics + self._separator.join((collective, agent, kind))
