# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One STOMP connection to one broker: log in, send, receive, log out."""

from __future__ import annotations

import contextlib
import secrets
import time
import typing as t

from .. import exc
from ..listener import Event, QueueListener
from ..utils import reason
from .transport import CLOSING, HAS_STOMP, SocketTransport, StompConnection

if t.TYPE_CHECKING:
    from ..config import Broker

LAST_WORDS = 0.5
"""Seconds to wait for a broker's ERROR once sending to it has failed."""


class Login(t.NamedTuple):
    """What CONNECT says, as the broker wants it spelled.

    :ivar vhost: the virtual host to ask for, if any.
    """

    user: str
    password: str
    vhost: str | None


class Session:
    """An open connection. Make it with :meth:`open`; close it in every path."""

    def __init__(self, broker: Broker, transport: SocketTransport) -> None:
        self.broker = broker
        self._transport = transport
        self._connection = StompConnection(transport)
        self._listener = QueueListener()
        self._connection.set_listener("replies", self._listener)
        self._ended: exc.ConnectorError | None = None

    @classmethod
    def open(cls, broker: Broker, login: Login, timeout: float) -> Session:
        """Connect and log in.

        :param timeout: seconds for all of it.
        :raises exc.ConnectFailed: no connection; the message tells the step and the cause.
        :raises exc.AuthenticationFailed: the broker refused us.
        """
        if not HAS_STOMP:
            raise exc.MissingDependency("stomp.py", "connections to a broker")
        deadline = time.monotonic() + timeout
        session = cls(broker, SocketTransport(broker, timeout))
        try:
            session._log_in(login, deadline)
        except BaseException:
            session._end()
            raise
        return session

    def _log_in(self, login: Login, deadline: float) -> None:
        self._transport.start()
        headers = {"host": login.vhost} if login.vhost else {}
        self._transmit(
            lambda: self._connection.connect(login.user, login.password, headers=headers), deadline
        )
        event = self._listener.next(deadline - time.monotonic())
        if event is None:
            raise exc.ConnectFailed(
                f"{self.broker.name} takes connections, but did not answer STOMP's CONNECT in time:"
                " is this its STOMP port?",
                self.broker.name,
            )
        if event.kind != "connected":
            raise self._refused(event, login.vhost)

    def _refused(self, event: Event, vhost: str | None) -> exc.ConnectFailed:
        if event.kind != "error":
            return exc.ConnectFailed(
                f"{self.broker.name} closed the connection during the login: is this its STOMP"
                " port, and does it want TLS?",
                self.broker.name,
            )
        return exc.AuthenticationFailed(
            f"{self.broker.name} refused the login of user {self.broker.user!r}"
            + (f" to the virtual host {vhost!r}" if vhost else "")
            + f": {_words(event)}. Check user, password and virtual host",
            self.broker.name,
        )

    def send(
        self, destination: str, body: bytes, headers: t.Mapping[str, str], deadline: float
    ) -> None:
        """Publish one message.

        :param deadline: on the monotonic clock; when the broker must have taken it.
        :raises exc.ConnectorError: the connection is gone, or the broker takes nothing more.
        """
        self._transmit(
            lambda: self._connection.send(
                destination, body, content_type="text/plain; charset=UTF-8", headers=dict(headers)
            ),
            deadline,
        )

    def subscribe(self, destination: str, subscription: str, deadline: float) -> None:
        """Have a destination's messages delivered. Raises as :meth:`send` does."""
        self._transmit(lambda: self._connection.subscribe(destination, subscription), deadline)

    def _transmit(self, action: t.Callable[[], None], deadline: float) -> None:
        """Have stomp.py send something. Where that fails, half a frame may be out, so the session
        is over."""
        if self._ended is not None:
            raise self._ended
        self._transport.send_deadline = deadline
        try:
            action()
        except Exception as error:
            # stomp.py raises its own, the socket's and, when the receiver has just closed the
            # socket, AttributeErrors. The broker may have said why before it closed.
            fault = self._listener.fault(LAST_WORDS)
            self._ended = (
                exc.ConnectionLost(
                    f"sending to {self.broker.name} failed: {reason(error)}", self.broker.name
                )
                if fault is None
                else self._error(fault)
            )
            raise self._ended from error

    def next_message(self, timeout: float) -> bytes | None:
        """The next message's body. What had come before the connection ended is still delivered.

        :param timeout: seconds to wait for it.
        :returns: None if there is none in time.
        :raises exc.Oversized: it was too large, and is dropped.
        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone.
        """
        event = self._listener.next(timeout if self._ended is None else 0)
        if event is None and self._ended is not None:
            raise self._ended
        if event is None or event.kind == "receipt":
            return None
        if event.kind == "message":
            return event.body
        if event.kind == "oversized":
            raise exc.Oversized(f"a message of more than {self._listener.max_size} bytes")
        if self._ended is None:
            self._ended = self._end_by(event)
        raise self._ended

    def _end_by(self, event: Event) -> exc.ConnectorError:
        if event.kind == "error":
            return self._error(event)
        return exc.ConnectionLost(f"{self.broker.name} closed the connection", self.broker.name)

    def _error(self, event: Event) -> exc.BrokerError:
        return exc.BrokerError(
            f"{self.broker.name} refused what we sent: {_words(event)}", self.broker.name
        )

    def close(self) -> None:
        """Log out and close. Never fails, takes :data:`CLOSING` seconds at the most twice."""
        receipt = secrets.token_hex(8)
        deadline = time.monotonic() + CLOSING
        self._listener.close()
        with contextlib.suppress(Exception):
            if self._ended is None and self._transport.is_connected():
                self._transmit(lambda: self._connection.say_goodbye(receipt), deadline)
                self._await_goodbye(receipt, deadline)
        self._end()

    def _end(self) -> None:
        self._listener.close()
        self._transport.end()

    def _await_goodbye(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has taken all that we sent; closing earlier could lose it."""
        while time.monotonic() < deadline:
            event = self._listener.next(deadline - time.monotonic())
            if event is None or event.kind in ("error", "disconnected"):
                return
            if event.kind == "receipt" and event.headers.get("receipt-id") == receipt:
                return


def _words(event: Event) -> str:
    """What an ERROR frame says, in one line."""
    body = event.body.decode("utf-8", "replace")
    parts = [event.headers.get("message", ""), " ".join(body.split())]
    return ": ".join(part for part in parts if part).rstrip(".") or "it gave no reason"
