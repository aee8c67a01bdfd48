# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every middleware does: connect to a pool of brokers, publish a request, take in payloads."""

from __future__ import annotations

import abc
import dataclasses
import itertools
import logging
import random
import secrets
import time
import typing as t

from .. import exc
from ..pool import Pool, pool

if t.TYPE_CHECKING:
    from ..pool import Broker
    from ..settings import Settings

_SelfType = t.TypeVar("_SelfType", bound="BaseMiddleware")


class AnySession(t.Protocol):
    """An open connection to one broker (:mod:`..wire`). Deadlines are on the monotonic clock.

    The header "receipt" of a message asks the broker to confirm that it has this message and all before it;
    ``await_receipt`` waits for that. ``crowded`` is True if so much waits to be taken that there will soon be
    no room for more. ``close`` logs out in bounded time and never fails. All else may raise
    :class:`.exc.ConnectorError`.
    """

    broker: Broker

    @property
    def alive(self) -> bool: ...

    @property
    def crowded(self) -> bool: ...

    def send(
        self, destination: str, body: bytes, headers: t.Mapping[str, str], deadline: float
    ) -> None: ...

    def subscribe(self, destination: str, subscription: str, deadline: float) -> None: ...

    def await_receipt(self, receipt: str, deadline: float) -> None: ...

    def next_message(self, timeout: float) -> bytes | None: ...

    def close(self) -> None: ...


@dataclasses.dataclass(frozen=True)
class Outgoing:
    """A request on its way out.

    :ivar ttl: seconds for which nodes take it.
    :ivar reply_to: where replies go: what :meth:`BaseMiddleware.open_replies` returned, or any other place.
    """

    payload: bytes = dataclasses.field(repr=False)
    agent: str
    collective: str
    ttl: int
    reply_to: str


class BaseMiddleware(abc.ABC):
    """A way to the nodes. It moves payloads and does not know what they mean.

    Use it as a context manager: it is connected inside and leaves nothing behind.

    :param callerid: the sender, as the security provider names it. Some addresses contain it.
    :param logger: gets what the middleware does; default: the settings'.
    :ivar max_payload: bytes that a wrapped payload may have; None if the middleware sets no limit.
    :ivar remedy: what to do about it, for the end of a sentence.
    :ivar takes_reply_to: False if replies can only go to :meth:`reply_target`.
    :ivar replies_survive: True if replies to an address still reach us after we subscribe to it over another
        connection.
    :ivar max_reply_bytes: bytes that all accepted replies to a request may have together on the wire.
    :ivar passed_over: why brokers were passed over before one accepted the connection.
    """

    max_payload: int | None = None
    remedy = ""
    takes_reply_to = True
    replies_survive = True

    def __init__(
        self, settings: Settings, callerid: str = "", logger: logging.Logger | None = None
    ) -> None:
        self.settings, self.callerid = settings, callerid
        self.logger = logger or settings.logger
        self.passed_over: list[str] = []
        self._sequence = itertools.count(secrets.randbelow(10**9))
        self._session: AnySession | None = None
        self._was_connected = False
        self._replies: set[str] = set()
        self.read_options()

    # -- what differs --------------------------------------------------------------------------

    @abc.abstractmethod
    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        """Return where a request goes: to all nodes of a collective with an agent, or to one node.

        :raises exc.BadRequest: there can be no address for a node of this name.
        """

    @abc.abstractmethod
    def reply_target(self, agent: str, collective: str) -> str:
        """Return where the replies to the next request can go."""

    @abc.abstractmethod
    def open_session(self, broker: Broker, seconds: float) -> AnySession:
        """Connect to a broker and log in.

        :param seconds: how long that may take.
        :raises exc.ConnectFailed: it cannot be done; the message tells the step and the cause.
        """

    def read_options(self) -> None:
        """Read the options, so that a wrong one is refused when the middleware is made."""
        self.pool = self.make_pool()
        self.connect_timeout = self.settings.getseconds("connection_timeout")
        self.max_reply_bytes = self.settings.max_reply_bytes

    def make_pool(self) -> Pool:
        """Return the brokers to try. Raises :class:`.exc.ImproperlyConfigured`."""
        return pool(self.settings)

    def headers(self, outgoing: Outgoing, node: str | None) -> dict[str, str]:
        """Return what the middleware says about a message outside of its body.

        :param node: the receiver; None: everybody.
        """
        return {}

    def joins(self, size: int) -> int:
        """Return how many messages of this many bytes are sent at once. They have the headers of the first."""
        return 1

    def deliver(
        self, addresses: t.Sequence[str], body: bytes, headers: dict[str, str], deadline: float
    ) -> None:
        """Send a message to as many addresses as :meth:`joins` says, or less.

        :raises exc.ConnectorError: see :class:`AnySession`. ``unsent`` has the addresses of those that it was
            certainly not sent to, if there are several.
        """
        (address,) = addresses
        self.session.send(address, body, headers, deadline)

    def subscription(self, target: str, agent: str) -> str | None:
        """Return the identifier of the subscription to an address for replies. None: the broker
        subscribes us by itself when it sees the address in a request.

        :param agent: the agent that replies.
        """
        return target

    def wrap(self, outgoing: Outgoing) -> bytes:
        """Return the body of a message. It is the same for all nodes."""
        return outgoing.payload

    def unwrap(self, body: bytes) -> bytes:
        """Return the payload of a message.

        :raises exc.DecodingError: the body has another form.
        """
        return body

    # -- connection ----------------------------------------------------------------------------

    def option(self, name: str) -> str:
        """Return the full name of an option of this middleware."""
        return f"plugin.{self.settings.connector}.{name}"

    def flag(self, name: str) -> bool:
        """Return the value of an option of this middleware that is off by default."""
        return self.settings.getboolean(self.option(name), False)

    @property
    def session(self) -> AnySession:
        """The open session. Raises :class:`.exc.ConnectorError` without one."""
        if self._session is None:
            raise exc.ConnectorError("not connected")
        return self._session

    def connect(self: _SelfType, *, timeout: float | None = None) -> _SelfType:
        """Connect to the first broker of the pool that accepts it, unless there is a connection.

        :param timeout: seconds for the whole pool; default: the option connection_timeout.
        :raises exc.ConnectFailed: no broker does; the message tells why, for each.
        :raises exc.CredentialError: a file cannot be used, and none has been used before.
        """
        if self._session is None or not self._session.alive:
            self.disconnect()
            self.passed_over = self._connect(timeout, self.pool.brokers)
        return self

    def reconnect(self, lost: exc.ConnectorError, timeout: float | None = None) -> None:
        """Connect anew after a connection was lost, to the next broker of the pool if there is another.

        :param lost: how it was lost; :attr:`passed_over` tells it from now on.
        :param timeout: see :meth:`connect`.
        :raises exc.ConnectFailed: see :meth:`connect`; the message begins with how the connection was lost.
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
        """Connect to the first of these that accepts it. Return why others were passed over."""
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
            share = max(left / (len(brokers) - attempt % len(brokers)), 0.1)
            self.logger.debug("connecting to %s", broker.name)
            try:
                self._session = self.open_session(broker, min(share, self.pool.attempt_timeout))
            except exc.CredentialError as error:
                if not self._was_connected:
                    raise
                # The files were good before: somebody replaces them. What a call has brought must not be lost.
                failure = exc.ConnectFailed(str(error), broker.name)
            except exc.ConnectFailed as error:
                failure = error
            else:
                self.logger.debug("connected to %s", broker.name)
                self._was_connected = True
                return list(failures)
            self.logger.debug("not connected to %s: %s", broker.name, type(failure).__name__)
            failures.setdefault(str(failure), failure)
        if len(failures) == 1:
            raise next(iter(failures.values()))  # a single broker's own error stays what it is
        raise exc.ConnectFailed(
            "no broker of the pool accepted the connection: " + "; ".join(failures)
        )

    def _turns(self, brokers: t.Sequence[Broker]) -> t.Iterator[Broker]:
        """Yield the brokers of the pool, one after the other, for ever."""
        while True:
            turn = list(brokers)
            if self.pool.randomize:
                random.shuffle(turn)
            yield from turn

    def disconnect(self: _SelfType) -> _SelfType:
        """Close the connection, if there is one. Never fails."""
        session, self._session = self._session, None
        self._replies.clear()
        if session is not None:
            self.logger.debug("disconnecting from %s", session.broker.name)
            session.close()
        return self

    def __enter__(self: _SelfType) -> _SelfType:
        return self.connect()

    def __exit__(self, *_exc: object) -> None:
        self.disconnect()

    # -- messages ------------------------------------------------------------------------------

    def open_replies(self, agent: str, collective: str, deadline: float) -> str:
        """Subscribe to an address for the replies to one request, before it leaves. Return the address.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: the connection is gone.
        """
        target = self.reply_target(agent, collective)
        self.reopen_replies(target, agent, deadline)
        return target

    def reopen_replies(self, target: str, agent: str, deadline: float) -> None:
        """Subscribe to an address for replies, unless this connection has done so. Raises as
        :meth:`open_replies` does."""
        subscription = self.subscription(target, agent)
        if subscription is not None and target not in self._replies:
            self.logger.debug("subscribing to %s", target)
            self.session.subscribe(target, subscription, deadline)
            self._replies.add(target)

    def publish(
        self,
        outgoing: Outgoing,
        deadline: float,
        *,
        nodes: t.Sequence[str] | None = None,
        receipt: str | None = None,
        meanwhile: t.Callable[[], None] | None = None,
    ) -> list[str]:
        """Send a request: once to everybody, or once to each of the nodes.

        :param deadline: on the monotonic clock; the broker must have taken all of it then.
        :param receipt: what :meth:`confirm` can wait for, once all of it has been sent.
        :param meanwhile: is called when many replies wait, and takes some, so that there is room for
            more. It raises nothing.
        :returns: the nodes that did not get it before the deadline.
        :raises exc.BadRequest: it is too large, or cannot be addressed; nothing has left.
        :raises exc.ConnectorError: the connection is gone, or the broker takes nothing. A request to
            everybody has not left. :attr:`.exc.ConnectorError.unsent` has the nodes that did not get it;
            the others may have got it.
        """
        agent, collective = outgoing.agent, outgoing.collective
        self.check_reply_to(outgoing.reply_to, agent, collective)
        body = self.wrap(outgoing)
        if self.max_payload is not None and len(body) > self.max_payload:
            raise exc.BadRequest(
                f"the request has {len(body)} bytes; the middleware takes {self.max_payload}{self.remedy}"
            )
        receivers: t.Sequence[str | None] = [None] if nodes is None else nodes
        addresses = [self.target(agent, collective, node) for node in receivers]
        self.logger.debug(
            "publishing %d bytes for the agent %s on %s nodes of %s",
            *(len(body), agent, "all" if nodes is None else len(nodes), collective),
        )
        step = self.joins(len(body))
        for position in range(0, len(receivers), step):
            if position and time.monotonic() >= deadline:
                return [name for name in receivers[position:] if name is not None]
            headers, end = self.headers(outgoing, receivers[position]), position + step
            if receipt is not None and end >= len(receivers):
                # RabbitMQ reports a missing exchange only if a receipt was asked for.
                headers["receipt"] = receipt
            try:
                self.deliver(addresses[position:end], body, headers, deadline)
            except exc.ConnectorError as error:
                first = min(end, len(receivers)) - max(len(error.unsent), 1)
                error.unsent = [name for name in receivers[first:] if name is not None]
                raise
            if meanwhile is not None and self.crowded:
                meanwhile()
        return []

    def check_reply_to(self, reply_to: str, agent: str, collective: str) -> None:
        """Refuse a place for replies that this middleware cannot use.

        :raises exc.BadRequest: it takes only its own.
        """
        if not self.takes_reply_to and reply_to != self.reply_target(agent, collective):
            raise exc.BadRequest(
                f"connector = {self.settings.connector} always has replies sent to"
                f" {self.reply_target(agent, collective)}, not to {reply_to}"
            )

    def confirm(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has what was published with this receipt.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: the broker refused something, or is gone.
        """
        self.session.await_receipt(receipt, deadline)

    @property
    def crowded(self) -> bool:
        """True if so much waits to be taken that there will soon be no room for more."""
        return self.session.crowded

    def next_payload(self, timeout: float) -> bytes | None:
        """Return the next payload, or None if none comes within timeout seconds.

        :raises exc.DecodingError: the message that came has no payload, and is dropped.
        :raises exc.RequestRefused: the broker did not take a request to one node.
        :raises exc.ConnectorError: nothing more can come.
        """
        body = self.session.next_message(timeout)
        return None if body is None else self.unwrap(body)
