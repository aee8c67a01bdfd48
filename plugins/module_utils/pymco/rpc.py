# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Calls: :class:`.Client` and what it takes and returns, and python-mcollective's :class:`SimpleAction`."""

from __future__ import annotations

import functools
import logging
import typing as t

from . import exc
from .client import Client
from .conversation import Conversation, Line, Patience, Progress
from .find import Answers
from .message import Message, envelope_of
from .middleware import middleware
from .request import Amount, Prepared, Request
from .result import Reply, Result
from .security import security_provider
from .serializers import with_symbols

if t.TYPE_CHECKING:
    from .config import Config
    from .connector import Connector
    from .envelope import Envelope

__all__ = [
    "Amount",
    "Answers",
    "Client",
    "Prepared",
    "Progress",
    "Reply",
    "Request",
    "Result",
    "SimpleAction",
]


class SimpleAction:
    """One broadcast to an agent (python-mcollective's class).

    Each call is a request of its own, over a connection of its own, with the message's body, filter
    and ttl. The first one has the message's requestid. Threads may share an action.

    :param msg: a :class:`.Message`, or a dict with a body at least. Keys that begin with a colon are
        Symbols.
    :param logger: gets what the action does; default: the configuration's.
    :param collective: default: the configuration's main_collective.
    """

    def __init__(
        self,
        config: Config,
        msg: t.Mapping[str, t.Any],
        agent: str,
        logger: logging.Logger | None = None,
        *,
        collective: str | None = None,
    ) -> None:
        self.config = config
        self.logger = logger or config.logger
        self.msg = msg
        self.agent = agent
        self.collective = collective or config.main_collective
        self._requestids = [msg[":requestid"]] if ":requestid" in msg else []

    @functools.cached_property
    def connector(self) -> Connector:
        """The connector that the configuration names, for use step by step."""
        from .connector import connector

        return connector(self.config, self.logger)

    def get_target(self) -> str:
        """Return where the request goes."""
        return self.connector.get_target(self.agent, self.collective)

    def get_reply_target(self) -> str:
        """Return where replies to a request of :attr:`connector` can go. Some connectors give another
        place each time."""
        return self.connector.get_reply_target(self.agent, self.collective)

    def call(self, timeout: float = 5) -> list[dict[str, t.Any]]:
        """Send the message and return the verified envelopes of all replies: dicts with the keys ``:body``,
        ``:senderid``, ``:senderagent``, ``:requestid`` and ``:msgtime`` (seconds since 1970).

        :param timeout: seconds to wait for the first reply, and at the most. Replies end when none
            has come for the configuration's discovery_timeout.
        :raises exc.TimeoutError: nobody answered.
        :raises exc.ConnectorError: the broker cannot be used.
        """
        envelope = self._envelope()
        security = security_provider(self.config, self.logger)
        patience = Patience(total=timeout, quiet=self.config.getseconds("discovery_timeout"))
        with middleware(self.config, security.callerid, self.logger) as connected:
            conversation = Conversation(Line(connected, security), envelope)
            conversation.send(timeout)
            conversation.listen(patience)
        outcome = conversation.outcome
        if not outcome.replies:
            raise outcome.lost or exc.TimeoutError(f"nobody answered within {timeout} s")
        return [received.fields for received in outcome.replies.values()]

    def _envelope(self) -> Envelope:
        given = with_symbols(dict(self.msg))
        message = Message(
            given[":body"],
            self.agent,
            self.config,
            given.get(":filter"),
            self.collective,
            given.get(":ttl"),
        )
        if self._requestids:
            message[":requestid"] = self._requestids.pop()
        return envelope_of(message)
