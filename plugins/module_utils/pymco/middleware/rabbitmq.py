# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""RabbitMQ: exchanges for requests, temporary queues for replies (MC:connector/rabbitmq.rb)."""

from __future__ import annotations

import typing as t

from .stomp import GRACE, OverStomp

if t.TYPE_CHECKING:
    from .base import Outgoing


class RabbitMQMiddleware(OverStomp):
    """``connector = rabbitmq``.

    The exchanges COLLECTIVE_broadcast (topic) and COLLECTIVE_directed (direct) must exist, and
    mcollective_reply (direct) where ``use_reply_exchange`` is set.
    """

    vhost = "/"
    resolves_backslashes = True

    def read_options(self) -> None:
        super().read_options()
        self._multiplex = self.flag("agents_multiplex")
        # Without the exchange, replies go to a temporary queue, which ends with the connection.
        self.replies_survive = self._reply_exchange = self.flag("use_reply_exchange")

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        if node is not None:
            return f"/exchange/{collective}_directed/{node}"
        exchange = f"/exchange/{collective}_broadcast"
        return exchange if self._multiplex else f"{exchange}/{agent}"

    def reply_target(self, agent: str, collective: str) -> str:
        if not self._reply_exchange:
            return f"/temp-queue/mcollective_reply_{agent}"
        return f"/exchange/mcollective_reply/{self.reply_name('_')}"

    def subscription(self, target: str, agent: str) -> str | None:
        if target.startswith("/temp-queue/"):
            return None  # the broker makes it when it sees a request's reply-to; to SUBSCRIBE is an error
        return f"mcollective_{agent}_replies_{target.rpartition('_')[2]}"

    def headers(self, outgoing: Outgoing, node: str | None) -> dict[str, str]:
        return {
            "reply-to": outgoing.reply_to,
            "expiration": str((outgoing.ttl + GRACE) * 1000),
            "mc_sender": self.settings.identity,
        }
