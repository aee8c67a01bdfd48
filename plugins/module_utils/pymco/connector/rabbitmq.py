# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""RabbitMQ: exchanges for requests, temporary queues for replies (MC:connector/rabbitmq.rb)."""

from __future__ import annotations

import logging
import typing as t

from .base import GRACE
from .python_mcollective import Connector

if t.TYPE_CHECKING:
    from ..config import Config


class RabbitMQConnector(Connector):
    """``connector = rabbitmq``.

    The exchanges COLLECTIVE_broadcast (topic) and COLLECTIVE_directed (direct) must exist, and
    mcollective_reply (direct) where ``use_reply_exchange`` is set.
    """

    vhost = "/"
    resolves_backslashes = True

    def __init__(
        self, config: Config, connection: t.Any = None, logger: logging.Logger | None = None
    ) -> None:
        super().__init__(config, connection, logger)
        self._multiplex = self.flag("agents_multiplex")
        self._reply_exchange = self.flag("use_reply_exchange")
        # A temporary queue ends with the connection.
        self.replies_survive = self._reply_exchange

    def get_target(self, agent: str, collective: str, node: str | None = None) -> str:
        """See :meth:`.Connector.get_target`."""
        if node is not None:
            return f"/exchange/{collective}_directed/{node}"
        exchange = f"/exchange/{collective}_broadcast"
        return exchange if self._multiplex else f"{exchange}/{agent}"

    def get_reply_target(self, agent: str, collective: str) -> str:
        """See :meth:`.Connector.get_reply_target`."""
        if not self._reply_exchange:
            return f"/temp-queue/mcollective_reply_{agent}"
        return f"/exchange/mcollective_reply/{self.reply_name('_')}"

    def subscription(self, target: str, agent: str) -> str | None:
        """See :meth:`.Connector.subscription`.

        RabbitMQ makes a temporary queue and subscribes us when it sees the address in a request's
        reply-to; a SUBSCRIBE to it is an error.
        """
        if not self._reply_exchange:
            return None
        return f"mcollective_{agent}_replies_{target.rpartition('_')[2]}"

    def subscribe(
        self, destination: str, id: str | None = None, *args: t.Any, **kwargs: t.Any  # noqa: A002
    ) -> RabbitMQConnector:
        """See :meth:`.Connector.subscribe`; to a temporary queue RabbitMQ subscribes us itself."""
        if not destination.startswith("/temp-queue/"):
            super().subscribe(destination, id)
        return self

    def headers(self, ttl: int, reply_to: str, node: str | None) -> dict[str, str]:
        """See :meth:`.Connector.headers`."""
        return {
            "reply-to": reply_to,
            "expiration": str((ttl + GRACE) * 1000),
            "mc_sender": self.config.identity,
        }
