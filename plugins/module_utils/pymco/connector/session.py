# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One STOMP connection to one broker, through stomp.py.

stomp.py makes and reads the frames and runs the receiver thread. This part opens, reads and writes
the socket, for what stomp.py does not give: the cause of a failure, a bound on every wait, TLS that
cannot be left unverified by accident, and no two threads in OpenSSL at once. Checked with stomp.py
8.1 to 9.0.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import select
import socket
import ssl
import threading
import time
import typing as t

from .. import exc
from ..listener import Event, QueueListener
from ..utils import reason

# On import, stomp.py looks its own host up in the DNS, for a feature that we do not use.
_SCAN = "STOMP_SKIP_HOSTNAME_SCAN"
_scan_before = os.environ.get(_SCAN)
os.environ[_SCAN] = "1"
try:
    from stomp.connect import BaseConnection
    from stomp.protocol import Protocol11
    from stomp.transport import Transport

    HAS_STOMP = True
except ImportError:
    BaseConnection, Protocol11, Transport = (
        type(name, (), {}) for name in ("BaseConnection", "Protocol11", "Transport")
    )
    HAS_STOMP = False
finally:
    if _scan_before is None:
        del os.environ[_SCAN]
    else:
        os.environ[_SCAN] = _scan_before

if t.TYPE_CHECKING:
    from ..config import Broker

logging.getLogger("stomp.py").addHandler(logging.NullHandler())

CLOSING = 2.0
"""Seconds that closing a connection may take."""
CHUNK = 65536
"""Bytes that are read or written at once."""
LAST_WORDS = 0.5
"""Seconds to wait for a broker's ERROR once it has closed the connection."""


class _Transport(Transport):
    """stomp.py's transport on a socket that we open, read and write.

    The socket does not block. The receiver thread and the caller's take turns with it, and hold it
    only while an operation goes on, never while they wait.
    """

    def __init__(self, broker: Broker, timeout: float) -> None:
        super().__init__(
            [(broker.host, broker.port)],
            prefer_localhost=False,
            try_loopback_connect=False,
            auto_decode=False,
        )
        self.broker = broker
        self.connect_timeout = timeout
        self.send_deadline = 0.0
        self.thread: threading.Thread | None = None
        self.turn = threading.Lock()
        self.override_threading(self._start_thread)

    def attempt_connection(self) -> None:
        """Called by stomp.py in place of its own; raises :class:`.exc.ConnectFailed`."""
        self.current_host_and_port = (self.broker.host, self.broker.port)
        self.socket = _open_socket(self.broker, self.connect_timeout)

    def receive(self) -> bytes:
        """Called by stomp.py for the next bytes. No bytes are the end, with TLS as without."""
        sock = self.socket
        data = b""
        # The other thread may close the socket at any time; then there is no more to read.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            data = self._retried(sock, lambda: sock.recv(CHUNK), select.POLLIN, None)
        if not data:
            self.running = False
        return data

    def send(self, encoded_frame: bytes) -> None:
        """Called by stomp.py for each frame; ends at :attr:`send_deadline`."""
        sock, rest = self.socket, memoryview(encoded_frame)
        if sock is None:
            raise ConnectionError("the connection is closed")
        while rest:
            piece = rest[:CHUNK]
            sent = self._retried(
                sock, functools.partial(sock.send, piece), select.POLLOUT, self.send_deadline
            )
            rest = rest[sent:]

    def _retried(
        self,
        sock: socket.socket,
        operation: t.Callable[[], t.Any],
        wanted: int,
        deadline: float | None,
    ) -> t.Any:
        """Repeat an operation until the socket lets it through."""
        while True:
            try:
                with self.turn:
                    return operation()
            except ssl.SSLWantReadError:
                _wait(sock, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                _wait(sock, select.POLLOUT, deadline)
            except BlockingIOError:
                _wait(sock, wanted, deadline)

    def _start_thread(self, target: t.Callable[[], None]) -> threading.Thread:
        self.thread = threading.Thread(
            target=target, name=f"mcollective-{self.broker.name}", daemon=True
        )
        self.thread.start()
        return self.thread

    def end(self) -> None:
        """Close the socket and wait for the receiver thread. Never fails, takes bounded time."""
        self.running = False
        sock = self.socket
        if sock is not None:
            with contextlib.suppress(OSError), self.turn:
                sock.shutdown(socket.SHUT_RDWR)
        if self.thread is not None:
            self.thread.join(CLOSING)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()


def _wait(sock: socket.socket, event: int, deadline: float | None) -> None:
    """Wait until the socket can be read or written; TimeoutError at the deadline, if there is one."""
    poll = select.poll()
    poll.register(sock, event)
    left = None if deadline is None else (deadline - time.monotonic()) * 1000
    if left is not None and left <= 0 or not poll.poll(left):
        raise TimeoutError("it takes nothing more; is it overloaded?")


class _Connection(BaseConnection, Protocol11):
    """STOMP 1.1 on such a transport."""

    def __init__(self, transport: _Transport) -> None:
        BaseConnection.__init__(self, transport)
        Protocol11.__init__(self, transport)

    def say_goodbye(self, receipt: str) -> None:
        """Send DISCONNECT and ask for a receipt."""
        Protocol11.disconnect(self, receipt=receipt)


class Login(t.NamedTuple):
    """What CONNECT says, as the broker wants it spelled.

    :ivar vhost: the virtual host to ask for, if any.
    """

    user: str
    password: str
    vhost: str | None


class Session:
    """An open connection. Make it with :meth:`open`; close it in every path."""

    def __init__(self, broker: Broker, transport: _Transport) -> None:
        self.broker = broker
        self._transport = transport
        self._connection = _Connection(transport)
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
        session = cls(broker, _Transport(broker, timeout))
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
        self._transport.send_deadline = deadline
        try:
            action()
        except Exception as error:
            # stomp.py raises its own, the socket's and, when the receiver has just closed the
            # socket, AttributeErrors. What the broker said, if anything, is in the queue.
            raise self._why_lost() or exc.ConnectionLost(
                f"sending to {self.broker.name} failed: {reason(error)}", self.broker.name
            ) from error

    def _why_lost(self) -> exc.ConnectorError | None:
        """What the broker said before it closed the connection, if it says so within a moment."""
        deadline = time.monotonic() + LAST_WORDS
        while self._ended is None and time.monotonic() < deadline:
            event = self._listener.next(deadline - time.monotonic())
            if event is None or event.kind == "disconnected":
                break
            if event.kind == "error":
                self._ended = self._error(event)
        return self._ended

    def next_message(self, timeout: float) -> bytes | None:
        """The next message's body.

        :param timeout: seconds to wait for it.
        :returns: None if there is none in time.
        :raises exc.Oversized: it was too large, and is dropped.
        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone.
        """
        if self._ended is not None:
            raise self._ended
        event = self._listener.next(timeout)
        if event is None or event.kind == "receipt":
            return None
        if event.kind == "message":
            return event.body
        if event.kind == "oversized":
            raise exc.Oversized(f"a message of more than {self._listener.max_size} bytes")
        self._ended = (
            self._error(event)
            if event.kind == "error"
            else exc.ConnectionLost(f"{self.broker.name} closed the connection", self.broker.name)
        )
        raise self._ended

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


def _open_socket(broker: Broker, timeout: float) -> socket.socket:
    """A connected socket, wrapped in verified TLS if the broker wants it."""
    context = _tls_context(broker) if broker.tls else None
    try:
        sock = socket.create_connection((broker.host, broker.port), timeout)
    except (OSError, UnicodeError) as error:
        raise exc.ConnectFailed(
            f"cannot connect to {broker.name}: {_tcp_reason(error, timeout)}", broker.name
        ) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock, server_hostname=broker.host)
    except (OSError, ValueError) as error:
        sock.close()
        raise exc.ConnectFailed(
            f"no TLS connection to {broker.name}: {_tls_reason(error)}", broker.name
        ) from error
    sock.setblocking(False)
    return sock


def _tls_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer, verified against the broker's ca files; without any, the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        for path in broker.ca:
            context.load_verify_locations(path)
        if not broker.ca:
            context.load_default_certs()
        if broker.cert:
            # Without a callback OpenSSL would ask for a passphrase on the terminal.
            context.load_cert_chain(broker.cert, broker.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise exc.CredentialError(
            f"cannot use the TLS files of {broker.name} (ca {', '.join(broker.ca) or 'none'},"
            f" cert {broker.cert}, key {broker.key}): {reason(error)}",
            broker.cert or "",
        ) from error
    return context


def _tcp_reason(error: OSError | UnicodeError, timeout: float) -> str:
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:.0f} s; is the address right, and no firewall between?"
    if isinstance(error, UnicodeError):
        return "this is no host name"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; does the broker run there, with its STOMP plugin on that port?"
    return reason(error)


def _tls_reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    return f"{reason(error)}; does this port speak TLS?"
