# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every connector does: addresses, headers, and how a request reaches nodes."""

from __future__ import annotations

import abc
import itertools
import os
import random
import secrets
import time
import typing as t

from .. import exc
from ..utils import base64_lines, from_base64
from ..wire import heartbeat
from ..wire.stomp_session import Login, Session

if t.TYPE_CHECKING:
    from ..config import Config
    from ..pool import Broker

Self = t.TypeVar("Self", bound="BaseConnector")

GRACE = 10
"""Seconds that a broker keeps a request beyond its ttl (MC:connector/activemq.rb, headers_for)."""


class BaseConnector(abc.ABC):
    """A way to the nodes. It moves payloads and does not know what they mean.

    Use it as a context manager: it is connected inside and leaves nothing behind.
    """

    max_payload: int | None = None
    """Bytes that a message may have; None if the middleware sets no limit of its own."""

    takes_reply_to = True
    """Whether a request may name any place for its replies."""
    vhost: str | None = None
    """The virtual host that CONNECT asks for where the configuration names none."""
    resolves_backslashes = False
    """Whether the broker resolves backslashes in CONNECT's headers, where STOMP has none."""
    replies_survive = True
    """Whether replies to an address still reach us when it is subscribed to over another connection."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.logger = config.logger
        self.pool = config.pool()
        self.use_b64 = self.flag("base64")
        """Whether payloads travel in Base64."""
        self.connect_timeout = config.getseconds("connection_timeout")
        self.max_reply_bytes = config.max_reply_bytes
        """Bytes that all accepted replies to a request may have together on the wire."""
        self.passed_over: list[str] = []
        """Why brokers were passed over before one took us."""
        self.login(self.pool.brokers[0])  # so that a bad option is refused now
        self._sequence = itertools.count(secrets.randbelow(10**9))
        self._session: Session | None = None
        self._replies: set[str] = set()

    # -- what differs --------------------------------------------------------------------------

    @abc.abstractmethod
    def get_target(self, agent: str, collective: str, node: str | None = None) -> str:
        """Where a request goes: to all nodes of a collective that have an agent, or to one node."""

    @abc.abstractmethod
    def get_reply_target(self, agent: str, collective: str) -> str:
        """Where the replies to the next request are to go."""

    @abc.abstractmethod
    def headers(self, ttl: int, reply_to: str, node: str | None) -> dict[str, str]:
        """The headers of a request, its destination aside.

        :param ttl: seconds for which nodes take the request.
        """

    def subscription(self, target: str, agent: str) -> str | None:
        """The identifier of the subscription to an address for replies; None: the broker subscribes us
        by itself when it sees the address in a request.

        :param agent: whose replies go there.
        """
        return target

    # -- for subclasses ------------------------------------------------------------------------

    def option(self, name: str) -> str:
        """The full name of an option of this connector."""
        return f"plugin.{self.config.connector}.{name}"

    def flag(self, name: str) -> bool:
        """An option of this connector that is no by default."""
        return self.config.getboolean(self.option(name), False)

    def reply_name(self, separator: str) -> str:
        """A name for replies that nobody else uses: IDENTITY_PID and a number. The reference counts
        its requests; here the count begins anywhere, since one process may have several clients."""
        return f"{self.config.identity}_{os.getpid()}{separator}{next(self._sequence)}"

    # -- connection ----------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The open session. Raises :class:`.exc.ConnectorError` if there is none."""
        if self._session is None:
            raise exc.ConnectorError("not connected")
        return self._session

    def connect(self: Self, *, timeout: float | None = None) -> Self:
        """Connect to the first broker of the pool that takes us, unless we are connected.

        :param timeout: seconds for the whole pool; default: the configuration's
            connection_timeout.
        :raises exc.ConnectFailed: none does; the message tells why, for each.
        """
        if self._session is None or not self._session.alive:
            self.disconnect()
            self.passed_over = self._connect(timeout, self.pool.brokers)
        return self

    def reconnect(self, lost: exc.ConnectorError, timeout: float | None = None) -> None:
        """Connect anew after a connection was lost, to the next broker of the pool if there is another.

        :param lost: how it was lost; :attr:`passed_over` tells it from now on.
        :param timeout: see :meth:`connect`.
        :raises exc.ConnectFailed: see :meth:`connect`; it begins with how the connection was lost.
        """
        names = [broker.name for broker in self.pool.brokers]
        self.logger.debug("the connection to %s is lost", lost.broker)
        turn = names.index(lost.broker) + 1 if lost.broker in names else 0
        before = [*self.passed_over, str(lost)]
        self.disconnect()
        try:
            failures = self._connect(timeout, self.pool.brokers[turn:] + self.pool.brokers[:turn])
        except exc.ConnectFailed as error:
            raise exc.ConnectFailed(f"{lost}; then {error}", error.broker) from error
        self.passed_over = list(dict.fromkeys([*before, *failures]))

    def _connect(self, timeout: float | None, brokers: t.Sequence[Broker]) -> list[str]:
        """Connect to the first of these that takes us. Returns why others were passed over."""
        seconds = self.connect_timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        failures: dict[str, exc.ConnectFailed] = {}  # by their words, each once
        for attempt, (broker, delay) in enumerate(zip(self._turns(brokers), self.pool.delays())):
            left = deadline - time.monotonic() - delay
            if attempt and left <= 0:
                break
            if delay:
                time.sleep(delay)
            # The brokers that are still to come in this round need time too.
            share = left / (len(brokers) - attempt % len(brokers))
            self.logger.debug("connecting to %s", broker.name)
            try:
                self._session = Session.open(broker, self.login(broker), self._bounded(share))
            except exc.ConnectFailed as error:
                self.logger.debug("not connected to %s: %s", broker.name, type(error).__name__)
                failures.setdefault(str(error), error)
            else:
                self.logger.debug("connected to %s", broker.name)
                return list(failures)
        raise _combined(failures)

    def _turns(self, brokers: t.Sequence[Broker]) -> t.Iterator[Broker]:
        """The brokers of the pool, one after the other, for ever."""
        while True:
            turn = list(brokers)
            if self.pool.randomize:
                random.shuffle(turn)
            yield from turn

    def _bounded(self, share: float) -> float:
        return min(max(share, 0.1), self.pool.attempt_timeout)

    def login(self, broker: Broker) -> Login:
        """What CONNECT says to a broker (MC:connector/rabbitmq.rb, connection_headers)."""
        vhost = self.config.get(self.option("vhost"), self.vhost)
        fallback = self.config.getboolean(self.option("stomp_1_0_fallback"), True)
        # A password that everybody sees in other places is no secret. To mask it in the name of an
        # exchange would reveal it.
        known = {broker.user, vhost, self.config.identity, *self.config.collectives}
        hidden = {broker.password, *self.config.secrets()}
        return Login(
            user=self._spelled(broker.user),
            password=self._spelled(broker.password),
            vhost=None if vhost is None else self._spelled(vhost),
            versions=("1.1", "1.0") if fallback else ("1.1",),
            heartbeat=heartbeat.offer(self.config.getint(self.option("heartbeat_interval"), 0)),
            missed=self.config.getint(self.option("max_hbread_fails"), 2),
            secrets=tuple(hidden - known),
        )

    def _spelled(self, text: str) -> str:
        return text.replace("\\", "\\\\") if self.resolves_backslashes else text

    def disconnect(self: Self) -> Self:
        """Close the connection, if there is one. Never fails."""
        session, self._session = self._session, None
        self._replies.clear()
        if session is not None:
            self.logger.debug("disconnecting from %s", session.broker.name)
            session.close()
        return self

    def confirm(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has what was published with this receipt.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: it refused something, or is gone.
        """
        self.session.await_receipt(receipt, deadline)

    def __enter__(self: Self) -> Self:
        return self.connect()

    def __exit__(self, *_exc: object) -> None:
        self.disconnect()

    # -- messages ------------------------------------------------------------------------------

    def open_replies(self, agent: str, collective: str, deadline: float) -> str:
        """Have replies to one request delivered to us, before it leaves. Returns their address.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: the connection is gone.
        """
        target = self.get_reply_target(agent, collective)
        self.reopen_replies(target, agent, deadline)
        return target

    def reopen_replies(self, target: str, agent: str, deadline: float) -> None:
        """Have what comes to an address for replies delivered over this connection, if it is not yet.
        Raises as :meth:`open_replies` does."""
        subscription = self.subscription(target, agent)
        if subscription is not None and target not in self._replies:
            self.logger.debug("subscribing to %s", target)
            self.session.subscribe(target, subscription, deadline)
            self._replies.add(target)

    def publish(
        self,
        payload: bytes,
        agent: str,
        collective: str,
        ttl: int,
        reply_to: str,
        deadline: float,
        *,
        nodes: t.Sequence[str] | None = None,
        receipt: str | None = None,
        meanwhile: t.Callable[[], None] | None = None,
    ) -> list[str]:
        """Send a request: once to everybody, or once to each of the nodes.

        :param reply_to: what :meth:`open_replies` returned, or any other place.
        :param deadline: on the monotonic clock; when the broker must have taken all of it.
        :param receipt: what :meth:`confirm` can wait for, when all of it has been sent.
        :param meanwhile: is called when many replies wait, and takes some, so that there is room for
            more. It raises nothing.
        :returns: the nodes that it was not sent to since the deadline had come.
        :raises exc.BadRequest: this middleware takes no other place for replies.
        :raises exc.ConnectorError: the connection is gone, or the broker takes nothing. A request to
            everybody has not left. Of the nodes, :attr:`.exc.ConnectorError.unsent` has those that it
            was not sent to; the others may have got it.
        """
        self.check_reply_to(reply_to, agent, collective)
        body = self._wrap(payload)
        targets: t.Sequence[str | None] = [None] if nodes is None else nodes
        whom = "all" if nodes is None else len(nodes)
        self.logger.debug(
            "publishing %d bytes for the agent %s on %s nodes of %s",
            len(body),
            agent,
            whom,
            collective,
        )
        for position, node in enumerate(targets):
            if position and time.monotonic() >= deadline:
                return [name for name in targets[position:] if name is not None]
            target = self.get_target(agent, collective, node)
            headers = self.headers(ttl, reply_to, node)
            if receipt is not None and position == len(targets) - 1:
                # RabbitMQ tells of a missing exchange only whoever wants to know that it has a message.
                headers["receipt"] = receipt
            try:
                self.session.send(target, body, headers, deadline)
            except exc.ConnectorError as error:
                error.unsent = [name for name in targets[position:] if name is not None]
                raise
            if meanwhile is not None and self.crowded:
                meanwhile()
        return []

    def check_reply_to(self, reply_to: str, agent: str, collective: str) -> None:
        """Refuse a place for replies that this middleware cannot use.

        :raises exc.BadRequest: it takes no other than its own.
        """
        if not self.takes_reply_to and reply_to != self.get_reply_target(agent, collective):
            raise exc.BadRequest(
                f"connector = {self.config.connector} always has replies sent to"
                f" {self.get_reply_target(agent, collective)}, not to {reply_to}"
            )

    @property
    def crowded(self) -> bool:
        """Whether so much waits to be taken that there will soon be no room for more."""
        return self.session.crowded

    def next_payload(self, timeout: float) -> bytes | None:
        """The next payload that came in; None if there is none within timeout seconds.

        :raises exc.DecodingError: something came that is no payload; it is dropped.
        :raises exc.ConnectorError: nothing more can come.
        """
        body = self.session.next_message(timeout)
        return None if body is None else self._unwrap(body)

    def _wrap(self, payload: bytes) -> bytes:
        return base64_lines(payload).encode() if self.use_b64 else payload

    def _unwrap(self, body: bytes) -> bytes:
        return from_base64(body) if self.use_b64 else body


def _combined(failures: dict[str, exc.ConnectFailed]) -> exc.ConnectFailed:
    """One error for a pool of brokers; a single broker's own error stays what it is."""
    if len(failures) == 1:
        return next(iter(failures.values()))
    return exc.ConnectFailed("no broker of the pool took us: " + "; ".join(failures))
