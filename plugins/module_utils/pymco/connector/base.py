# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every connector does: addresses, headers, and how a request reaches nodes."""

from __future__ import annotations

import abc
import base64
import binascii
import time
import typing as t

from .. import exc
from .session import Login, Session

if t.TYPE_CHECKING:
    from ..config import Broker, Config


class Connector(abc.ABC):
    """A way to the nodes. It moves payloads and does not know what they mean.

    Use it as a context manager: it is connected inside and leaves nothing behind.
    """

    max_payload: int | None = None
    """Bytes that a message may have; None if the middleware sets no limit of its own."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.brokers = config.brokers()
        self.use_b64 = config.getboolean(f"plugin.{config.connector}.base64", False)
        """Whether payloads travel in Base64."""
        self.connect_timeout = config.getseconds("connection_timeout")
        self._session: Session | None = None

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

    @abc.abstractmethod
    def open_replies(self, agent: str, collective: str, deadline: float) -> str:
        """Have replies delivered to us, before the request leaves. Returns their address.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: the connection is gone.
        """

    # -- connection ----------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The open session. Raises :class:`.exc.ConnectorError` if there is none."""
        if self._session is None:
            raise exc.ConnectorError("not connected")
        return self._session

    def connect(self, timeout: float | None = None) -> Connector:
        """Connect to the first broker of the pool that takes us.

        :param timeout: seconds for the whole pool; default: the configuration's
            connection_timeout.
        :raises exc.ConnectFailed: none does; the message tells why, for each.
        """
        seconds = self.connect_timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        failures: list[exc.ConnectFailed] = []
        for position, broker in enumerate(self.brokers):
            share = (deadline - time.monotonic()) / (len(self.brokers) - position)
            try:
                self._session = Session.open(broker, self.login(broker), max(share, 0.1))
            except exc.ConnectFailed as error:
                failures.append(error)
            else:
                return self
        raise _combined(failures)

    def login(self, broker: Broker) -> Login:
        """What CONNECT says to a broker."""
        vhost = self.config.get(f"plugin.{self.config.connector}.vhost")
        return Login(broker.user, broker.password, vhost)

    def disconnect(self) -> None:
        """Close the connection, if there is one. Never fails."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def __enter__(self) -> Connector:
        return self.connect()

    def __exit__(self, *_exc: object) -> None:
        self.disconnect()

    # -- messages ------------------------------------------------------------------------------

    def publish(
        self,
        payload: bytes,
        agent: str,
        collective: str,
        ttl: int,
        reply_to: str,
        deadline: float,
        nodes: t.Iterable[str] | None = None,
    ) -> None:
        """Send a request: once to everybody, or once to each of the nodes.

        :param deadline: on the monotonic clock; when the broker must have taken all of it.
        :raises exc.ConnectorError: the connection is gone, or the broker too slow. Some of the
            nodes may have got it.
        """
        body = self._wrap(payload)
        targets: t.Iterable[str | None] = [None] if nodes is None else nodes
        for node in targets:
            target = self.get_target(agent, collective, node)
            self.session.send(target, body, self.headers(ttl, reply_to, node), deadline)

    def next_payload(self, timeout: float) -> bytes | None:
        """The next payload that came in; None if there is none within timeout seconds.

        :raises exc.DecodingError: something came that is no payload; it is dropped.
        :raises exc.ConnectorError: nothing more can come.
        """
        body = self.session.next_message(timeout)
        return None if body is None else self._unwrap(body)

    def _wrap(self, payload: bytes) -> bytes:
        return base64.encodebytes(payload) if self.use_b64 else payload

    def _unwrap(self, body: bytes) -> bytes:
        if not self.use_b64:
            return body
        try:
            return base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error as error:
            raise exc.DecodingError(
                "a message is not in Base64, as the configuration says"
            ) from error


def _combined(failures: list[exc.ConnectFailed]) -> exc.ConnectFailed:
    """One error for a pool of brokers; a single broker's own error stays what it is."""
    if len(failures) == 1:
        return failures[0]
    return exc.ConnectFailed(
        "no broker of the pool took us: " + "; ".join(str(failure) for failure in failures)
    )
