# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""How python-mcollective's users speak to a connector: in messages, one method for each step.

The client itself does not go this way. It hands payloads to :class:`.BaseMiddleware`.
"""

from __future__ import annotations

import functools
import logging
import time
import typing as t

from .. import exc
from ..conversation import Conversation, Line, Patience
from ..message import envelope_of
from ..middleware.base import Outgoing
from ..middleware.stomp import OverStomp
from ..pool import pool
from ..security import SecurityProvider, symbolic
from ..serializers import with_symbols

if t.TYPE_CHECKING:
    from ..settings import Settings
    from ..wire.stomp_session import Session

_SelfType = t.TypeVar("_SelfType", bound="Connector")


def conn_params(config: Settings) -> dict[str, t.Any]:
    """Return what stomp.py's Connection takes: host_and_ports, a list of (host, port); reconnect_sleep_initial and
    reconnect_sleep_max, in seconds; reconnect_attempts_max; and vhost.

    :raises exc.ImproperlyConfigured: an option is missing or wrong.
    """
    found = pool(config)
    return {
        "host_and_ports": [(broker.host, broker.port) for broker in found.brokers],
        "reconnect_sleep_initial": found.delay,
        "reconnect_sleep_max": found.longest_delay,
        "reconnect_attempts_max": found.attempts,
        "vhost": config.get(f"plugin.{config.connector}.vhost"),
    }


class Connector(OverStomp):
    """A middleware with python-mcollective's methods. Arguments that say nothing here make no difference.

    What is left out: ``plugins``, since Ansible ships only what is imported by name, and ``id``,
    since two subscriptions cannot share one.

    :param connection: is kept as the attribute of that name and not used: a connection that somebody
        else made has neither bounded waits nor TLS that is verified for certain.
    :param logger: gets what the connector does; default: the configuration's.
    """

    def __init__(
        self, config: Settings, connection: t.Any = None, logger: logging.Logger | None = None
    ) -> None:
        super().__init__(config, logger=logger)
        self.config = config
        self.connection = connection
        self._subscriptions: dict[str, str] = {}
        self._conversation: Conversation | None = None

    def connect(
        self: _SelfType, wait: bool | None = None, *, timeout: float | None = None
    ) -> _SelfType:
        """See :meth:`.BaseMiddleware.connect`. The broker's answer is always waited for."""
        return super().connect(timeout=timeout)

    def disconnect(self: _SelfType) -> _SelfType:
        """See :meth:`.BaseMiddleware.disconnect`."""
        self._subscriptions.clear()
        self._conversation = None
        return super().disconnect()

    @functools.cached_property
    def security(self) -> SecurityProvider:
        """The provider that signs what :meth:`send` sends."""
        return symbolic(self.config, self.logger)

    def get_target(self, agent: str, collective: str, node: str | None = None) -> str:
        """See :meth:`.BaseMiddleware.target`."""
        return self.target(agent, collective, node)

    def get_reply_target(self, agent: str, collective: str) -> str:
        """See :meth:`.BaseMiddleware.reply_target`."""
        return self.reply_target(agent, collective)

    def get_current_host_and_port(self) -> tuple[str | None, int | None]:
        """Return the broker that we are connected to; two times None without a connection."""
        if self._session is None:
            return None, None
        return self._session.broker.host, self._session.broker.port

    def set_listeners(self) -> None:
        """Do nothing: a connector takes in what comes, and knows its broker, by itself."""

    def set_ssl(self) -> None:
        """Do nothing: a connector makes TLS connections by itself where a broker wants them."""

    def subscribe(
        self: _SelfType,
        destination: str,
        id: str | None = None,  # noqa: A002
        *args: t.Any,
        **kwargs: t.Any,
    ) -> _SelfType:
        """Have a destination's messages delivered, if they are not yet.

        To a temporary queue of RabbitMQ the broker subscribes us by itself.

        :param id: of the subscription; default: the destination.
        :raises exc.ConnectorError: the connection is gone.
        """
        if destination in self._subscriptions or self.subscription(destination, "") is None:
            return self
        subscription = destination if id is None else str(id)
        self.logger.debug("subscribing to %s", destination)
        self.session.subscribe(destination, subscription, self._soon())
        self._subscriptions[destination] = subscription
        return self

    def unsubscribe(self: _SelfType, destination: str, *args: t.Any, **kwargs: t.Any) -> _SelfType:
        """Have them delivered no more, if they are. Raises as :meth:`subscribe` does."""
        subscription = self._subscriptions.pop(destination, None)
        if subscription is not None:
            self.logger.debug("unsubscribing from %s", destination)
            t.cast("Session", self.session).unsubscribe(destination, subscription, self._soon())
        return self

    def send(
        self: _SelfType,
        msg: t.Mapping[str, t.Any],
        destination: str,
        *args: t.Any,
        **headers: t.Any,
    ) -> _SelfType:
        """Sign a message and send it, with the headers that MCollective sends too.

        :param msg: a :class:`.Message`, or a dict with all that one has.
        :param headers: win over ours; in ``**{"reply-to": ...}`` goes the address for replies.
        :raises exc.SerializationError: the message has no form in the provider's format.
        :raises exc.ConnectorError: the connection is gone.
        """
        message = with_symbols(dict(msg))
        given = {name: str(value) for name, value in headers.items()}
        outgoing = Outgoing(
            payload=self.security.encode(message),
            agent=message[":agent"],
            collective=message[":collective"],
            ttl=message[":ttl"],
            reply_to=given.get("reply-to", ""),
        )
        usual = self.headers(outgoing, given.get("mc_identity"))
        merged = {name: value for name, value in {**usual, **given}.items() if value}
        body = self.wrap(outgoing)
        self.logger.debug("publishing %d bytes to %s", len(body), destination)
        self.session.send(destination, body, merged, self._soon())
        self._conversation = Conversation(Line(self, self.security), envelope_of(message))
        return self

    def receive(self, timeout: float, *args: t.Any, **kwargs: t.Any) -> list[dict[str, t.Any]]:
        """Wait for replies to the message that was sent last. Called again, it returns further ones.

        :param timeout: seconds to wait for the first reply, and at the most. Replies end when none
            has come for the configuration's discovery_timeout.
        :returns: one verified envelope for each node.
        :raises exc.TimeoutError: nobody answered.
        :raises exc.BadRequest: no message was sent.
        :raises exc.ConnectorError: the connection was lost before a reply came.
        """
        if self._conversation is None:
            raise exc.BadRequest("there is nothing to receive before a message is sent")
        outcome = self._conversation.outcome
        before = len(outcome.replies)
        self._conversation.listen(
            Patience(total=timeout, quiet=self.config.getseconds("discovery_timeout"))
        )
        replies = list(outcome.replies.values())[before:]
        if not replies:
            raise outcome.lost or exc.TimeoutError(f"nobody answered within {timeout} s")
        return [received.fields for received in replies]

    @classmethod
    def default_connection(cls, config: Settings) -> t.Any:
        """Return a connection of stomp.py to the configured brokers that is not open yet. The connectors
        do not use it: they make their own.

        :raises exc.ImproperlyConfigured: a broker wants TLS, which not every release of stomp.py
            that we support verifies.
        """
        try:
            from stomp import StompConnection11
        except (ImportError, AttributeError) as error:
            raise exc.MissingDependency("stomp.py", "connections to a broker") from error
        if any(broker.tls for broker in pool(config).brokers):
            raise exc.ImproperlyConfigured(
                f"{config.source}: default_connection makes no TLS connections; use connect"
            )
        return StompConnection11(
            try_loopback_connect=False, auto_decode=False, **conn_params(config)
        )

    def _soon(self) -> float:
        """Return when a frame has to be out, on the monotonic clock."""
        return time.monotonic() + self.connect_timeout
