# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A connection to a broker: a stream of bytes, and a deadline for each step.

There is no thread. Whoever waits reads the socket, and whoever sends also reads while the broker takes nothing, so
that neither side waits for the other. Nothing here knows what the bytes mean.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
import typing as t

from .. import exc
from ..utils import reason
from . import tls

if t.TYPE_CHECKING:
    from ..pool import Broker

SHORTEST = 0.1
"""Seconds. No step of connecting gets less."""
CHUNK = 65536
"""Bytes that are read or written at once."""
_FAILURES = (OSError, ValueError)
"""What a socket raises; ValueError once it is closed."""


class Stream:
    """An open connection. It can go over to TLS at any moment.

    :param sock: does not block.
    :ivar tls: None if nothing is encrypted.
    :ivar alert: the error with which the broker, or we, ended TLS.
    :ivar ended: True once the connection is known to be over.
    :ivar last_sent: when something was sent, on the monotonic clock.
    :ivar last_received: when something came, or the end.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.tls: tls.Encryption | None = None
        self.alert: ssl.SSLError | None = None
        self.ended = False
        self.last_sent = self.last_received = time.monotonic()
        self._unsent: bytes | memoryview = b""
        self._rest: bytes | memoryview = b""

    @property
    def unsent(self) -> int:
        """Return how many bytes of the last :meth:`send` certainly did not leave."""
        return len(self._rest) + (len(self._unsent) if self.tls is None else 0)

    @classmethod
    def open(cls, broker: Broker, timeout: float, *, listener: str) -> Stream:
        """Connect. Nothing is encrypted yet.

        :param timeout: seconds. The time that the resolver takes is not counted.
        :param listener: what listens on the port, for the message if nothing does: "STOMP plugin".
        :raises exc.ConnectFailed: the message tells the cause.
        """
        try:
            sock = _connected(broker, time.monotonic() + timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
        except (OSError, UnicodeError) as error:
            why = _tcp_reason(error, timeout, listener)
            raise exc.ConnectFailed(
                f"cannot connect to {broker.name}: {why}", broker.name
            ) from error
        return cls(sock)

    def start_tls(self, broker: Broker, context: ssl.SSLContext, deadline: float) -> None:
        """Go over to TLS. The connection is closed if that fails.

        :param deadline: on the monotonic clock; of the whole handshake, however many pieces the broker sends.
        :raises exc.ConnectFailed: the message tells the cause.
        """
        end = max(deadline, time.monotonic() + SHORTEST)
        try:
            self.tls = tls.Encryption(context, broker.host)
            while not self._shake_hands(self.tls):
                if not self._ready(select.POLLIN | (select.POLLOUT if self._unsent else 0), end):
                    raise socket.timeout("the handshake has not ended in time")
        except _FAILURES as error:
            self.close()
            raise exc.ConnectFailed(
                f"no TLS connection to {broker.name}: {tls.failure(error, broker)}", broker.name
            ) from error

    def _shake_hands(self, encryption: tls.Encryption) -> bool:
        """Go on with the handshake. Return True if it is complete."""
        try:
            with contextlib.suppress(BlockingIOError):
                encryption.feed(self.socket.recv(CHUNK))
            return encryption.shake_hands()
        finally:
            # A refusal of the broker's certificate goes out, too.
            with contextlib.suppress(OSError):
                self._flush()

    # -- receiving -----------------------------------------------------------------------------

    def read(self) -> bytes | None:
        """Return some of what has come; None if nothing has; no bytes at the end of the connection."""
        try:
            data = self.socket.recv(CHUNK) if self.tls is None else self._decrypted(self.tls)
        except BlockingIOError:
            return None
        except _FAILURES as error:
            self.alert = error if isinstance(error, ssl.SSLError) else None
            data = b""
        if data is not None:
            self.last_received = time.monotonic()
            self.ended = self.ended or not data
        return data

    def _decrypted(self, encryption: tls.Encryption) -> bytes | None:
        """Return what has come, of which one piece is read. Nothing more is read from a broker that does not
        take OpenSSL's answers."""
        data = encryption.decrypted()
        if data is None:
            self._flush()
            if self._stalled:
                return None
            encryption.feed(self.socket.recv(CHUNK))
            data = encryption.decrypted()
        return data

    @property
    def _stalled(self) -> bool:
        return self.tls is not None and len(self._unsent) > 2 * CHUNK

    def wait(self, deadline: float) -> bool:
        """Wait until :meth:`read`, which has returned None, has more to return. Return False at the deadline.

        :param deadline: on the monotonic clock.
        """
        return bool(self._ready(select.POLLOUT if self._stalled else select.POLLIN, deadline))

    # -- sending -------------------------------------------------------------------------------

    def send(self, data: bytes, deadline: float, take: t.Callable[[], bool]) -> None:
        """Send bytes, and have what comes read meanwhile if the broker wants that first.

        :param deadline: on the monotonic clock.
        :param take: reads what is there, and returns True if it has room for more.
        :raises TimeoutError: the broker takes nothing more.
        :raises OSError: the connection is gone. Either way the broker did not get all of the bytes.
        """
        # Once the broker has gone, sending may end what it said before, unread.
        self._rest, room = memoryview(data), take()
        while self._rest or self._unsent:
            if self.ended:
                raise ConnectionError("the connection is closed")
            if not self._unsent:
                piece, self._rest = self._rest[:CHUNK], self._rest[CHUNK:]
                self._unsent = piece if self.tls is None else self.tls.encrypted(piece)
            self._flush()
            if self._unsent:
                found = self._ready(select.POLLOUT | (select.POLLIN if room else 0), deadline)
                if not found:
                    raise TimeoutError("it takes nothing more; is it overloaded?")
                if room and found & ~select.POLLOUT:
                    room = take()
        self.last_sent = time.monotonic()

    def send_soon(self, data: bytes) -> None:
        """Send a few bytes without waiting. What the system does not take at once goes out before what is sent
        next. They are dropped if the broker has not even taken what was sent before.

        :raises OSError: the connection is gone.
        """
        if not self._unsent:
            self._unsent = data if self.tls is None else self.tls.encrypted(memoryview(data))
            self._flush()

    def _flush(self) -> None:
        """Have the system take as much as it does of what is not sent yet."""
        if self.tls is not None:
            self._unsent = b"".join((self._unsent, self.tls.answer()))
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def _ready(self, wanted: int, deadline: float) -> int:
        """Wait until the socket can be read or written, as wanted. Return for what; 0 at the deadline."""
        left = deadline - time.monotonic()
        if left <= 0:
            return 0
        poll = select.poll()
        poll.register(self.socket, wanted)
        found = poll.poll(left * 1000)
        return found[0][1] if found else 0

    def close(self) -> None:
        """Close the socket. Never fails."""
        self.ended = True
        with contextlib.suppress(*_FAILURES):
            self.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*_FAILURES):
            self.socket.close()


def _connected(broker: Broker, deadline: float) -> socket.socket:
    """Return a socket that is connected to one of the host's addresses. They share the time."""
    addresses = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the host has no address")
    for position, (family, kind, protocol, _name, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - position)
        sock = None
        try:
            sock = socket.socket(family, kind, protocol)  # fails if this machine lacks the family
            sock.settimeout(max(share, SHORTEST))
            sock.connect(address)
            return sock
        except OSError as error:
            failure = error
            if sock is not None:
                sock.close()
    raise failure


def _tcp_reason(error: OSError | UnicodeError, timeout: float, listener: str) -> str:
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:.0f} s; is the address right, and no firewall between?"
    if isinstance(error, UnicodeError):
        return "this is no host name"
    if isinstance(error, ConnectionRefusedError):
        return f"connection refused; does the broker run there, with its {listener} on that port?"
    return reason(error)
