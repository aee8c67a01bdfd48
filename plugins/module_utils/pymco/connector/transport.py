# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The socket below a STOMP connection.

There is no thread: whoever waits for a message reads the socket, and whoever sends reads too while the
broker takes nothing, so that neither side waits for the other. stomp.py makes the frames and reads all
but messages (:mod:`.frames`); its own transport has a thread, waits without bounds, does not tell the
cause of a failure, and may leave TLS unverified. Checked with stomp.py 4.1.24 to 9.0.
"""

from __future__ import annotations

import collections
import contextlib
import select
import socket
import ssl
import time
import typing as t

from .. import exc, files
from ..printable import printable
from ..utils import reason
from .encrypted import EncryptedSocket
from .frames import MAX_FRAME, Event, FrameReader
from .library import Frame, convert_frame

if t.TYPE_CHECKING:
    from ..pool import Broker

CLOSING = 1.0
"""Seconds that closing a connection may take."""
SHORTEST = 0.1
"""Seconds; no step of connecting gets less."""
CHUNK = 65536
"""Bytes that are read or written at once."""
MAX_HELD = 64 * 2**20
"""Bytes that may wait to be taken. More are left to the broker."""
AnySocket = t.Union[socket.socket, EncryptedSocket]
_FAILURES = (OSError, ValueError)
"""What a socket raises; ValueError once it is closed."""


class SocketTransport:
    """A connection to a broker. It is open once it is made.

    :param timeout: seconds that connecting may take.
    :raises exc.ConnectFailed: the message tells the step and the cause.
    :ivar alert: with what the broker, or we, ended TLS.
    """

    def __init__(self, broker: Broker, timeout: float) -> None:
        self.broker = broker
        self.alert: ssl.SSLError | None = None
        self.socket = _open_socket(broker, timeout)
        self.last_sent = self.last_received = time.monotonic()
        self._reader = FrameReader()
        self._events: collections.deque[Event] = collections.deque()
        self._held = 0
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return not self._ended

    @property
    def crowded(self) -> bool:
        """Whether a quarter of what may wait to be taken waits."""
        return self._held > MAX_HELD // 4

    @property
    def overlong(self) -> bool:
        """Whether the broker has sent a frame without an end, for which it was left."""
        return self._reader.unfinished > MAX_FRAME

    # -- receiving -----------------------------------------------------------------------------

    def next_message(self) -> bytes | None:
        """The body of the next event, if it has come already and is a message."""
        events = self._events
        if not events or events[0].kind != "message":
            return None
        event = events.popleft()
        self._held -= event.size
        return event.body

    def next(self, timeout: float) -> Event | None:
        """The next event; None if there is none within timeout seconds. Behind the last one, which
        tells of the end, there is none any more."""
        events = self._events
        if not events:
            self._read_until(time.monotonic() + timeout, lambda: bool(events))
            if not events:
                return None
        event = events.popleft()
        self._held -= event.size
        return event

    def read(self) -> None:
        """Read some of what has come."""
        self._read_until(0.0, lambda: False)

    def fault(self, timeout: float) -> Event | None:
        """What the broker complains of, if it does so within timeout seconds. It can still be taken."""

        def found() -> Event | None:
            return next((event for event in self._events if event.kind == "error"), None)

        self._read_until(time.monotonic() + timeout, lambda: found() is not None)
        return found()

    def _read_until(self, deadline: float, done: t.Callable[[], bool]) -> None:
        """Read until done() is true, the deadline, the end of the connection, or until no more may wait.
        It reads once if the deadline has passed already, and not again, however much the broker sends.
        """
        while not self._ended and self._held < MAX_HELD:
            wanted = self._read()
            if done() or self._ended:
                return
            if wanted:
                if not _ready(self.socket, wanted, deadline):
                    return
            elif time.monotonic() >= deadline:
                return

    def _read(self) -> int:
        """Read what is there. Returns what the socket has to be waited for; 0 if there may be more."""
        try:
            data = self.socket.recv(CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return select.POLLIN
        except ssl.SSLWantWriteError:
            return select.POLLOUT
        except _FAILURES as error:
            self.alert = error if isinstance(error, ssl.SSLError) else None
            data = b""
        self.last_received = time.monotonic()
        if data:
            self._take(self._reader.feed(data))
        if not data or self.overlong:
            self._end()
        return 0

    def _take(self, events: list[Event]) -> None:
        self._events.extend(events)
        self._held += sum([event.size for event in events])

    def _end(self) -> None:
        self._ended = True
        self._take([Event("disconnected")])

    # -- sending -------------------------------------------------------------------------------

    def send_frame(
        self, command: str, headers: dict[str, str], body: bytes, deadline: float
    ) -> None:
        """Send a frame whose headers are as they have to be on the wire. Raises as :meth:`send`."""
        self.send(b"".join(convert_frame(Frame(command, headers, body))), deadline)

    def send(self, data: bytes, deadline: float) -> None:
        """Send bytes, and read meanwhile if the broker wants that first.

        :param deadline: on the monotonic clock.
        :raises TimeoutError: the broker takes nothing more.
        :raises OSError: the connection is gone. Either way the broker did not get all of the bytes.
        """
        rest, wanted = memoryview(data), 0
        if self._held < MAX_HELD:
            # Once the broker has gone, sending may end what it said before, unread.
            self._read()
        while rest:
            if self._ended:
                raise ConnectionError("the connection is closed")
            try:
                rest = rest[self.socket.send(rest[:CHUNK]) :]
                continue
            except (BlockingIOError, ssl.SSLWantWriteError):
                wanted = select.POLLOUT
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            if self._held < MAX_HELD:
                wanted |= select.POLLIN
            found = _ready(self.socket, wanted, deadline)
            if not found:
                raise TimeoutError("it takes nothing more; is it overloaded?")
            if found & ~select.POLLOUT and wanted & select.POLLIN:
                self._read()
        self.last_sent = time.monotonic()

    def close(self) -> None:
        """Close the socket. Never fails."""
        self._ended = True
        with contextlib.suppress(*_FAILURES):
            self.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(*_FAILURES):
            self.socket.close()


def _ready(sock: AnySocket, wanted: int, deadline: float) -> int:
    """Wait until the socket can be read or written, as wanted. Returns for what; 0 at the deadline."""
    left = deadline - time.monotonic()
    if left <= 0:
        return 0
    poll = select.poll()
    poll.register(sock, wanted)
    found = poll.poll(left * 1000)
    return found[0][1] if found else 0


def _open_socket(broker: Broker, timeout: float) -> AnySocket:
    """A connected socket, wrapped in verified TLS if the broker wants it."""
    context = _tls_context(broker) if broker.tls else None
    deadline = time.monotonic() + timeout
    try:
        sock = _connected(broker, deadline)
    except (OSError, UnicodeError) as error:
        raise exc.ConnectFailed(
            f"cannot connect to {broker.name}: {_tcp_reason(error, timeout)}", broker.name
        ) from error
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        if context is not None:
            encrypted = EncryptedSocket(sock, context, broker.host)
            end = max(deadline, time.monotonic() + SHORTEST)
            encrypted.shake_hands(lambda wanted: _ready(encrypted, wanted, end))
            return encrypted
    except (OSError, ValueError) as error:
        sock.close()
        raise exc.ConnectFailed(
            f"no TLS connection to {broker.name}: {_tls_reason(error)}", broker.name
        ) from error
    return sock


def _connected(broker: Broker, deadline: float) -> socket.socket:
    """A socket that is connected to one of the host's addresses; they share the time."""
    addresses = socket.getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the host has no address")
    for position, (family, kind, protocol, _name, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - position)
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # a family that this machine does not have
            failure = error
            continue
        try:
            sock.settimeout(max(share, SHORTEST))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _tls_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer, verified against the broker's ca files; without any, the system's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A common name is what an authority lets anybody choose (RFC 9525, 1.3): only a subjectAltName counts.
    context.hostname_checks_common_name = False
    _set_ciphers(context, broker)
    try:
        _check_files(broker)
        if not broker.verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif not broker.ca:
            context.load_default_certs()
        else:
            for path in broker.ca:
                context.load_verify_locations(path)
        if broker.cert:
            # Without a callback OpenSSL would ask for a passphrase on the terminal.
            context.load_cert_chain(broker.cert, broker.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise exc.CredentialError(
            f"cannot use the TLS files of {broker.name} (ca {', '.join(broker.ca) or 'none'},"
            f" cert {broker.cert}, key {broker.key}): {_file_reason(error)}",
            broker.cert or "",
        ) from error
    return context


def _check_files(broker: Broker) -> None:
    """Refuse files that OpenSSL would wait for or read without end. Raises OSError or ValueError."""
    for path in broker.ca if broker.verified else ():
        files.check(path, files.MAX_LIST_SIZE)
    if broker.cert:
        for path in filter(None, (broker.cert, broker.key)):
            files.check(path)


def _set_ciphers(context: ssl.SSLContext, broker: Broker) -> None:
    if broker.ciphers is None:
        return
    try:
        context.set_ciphers(broker.ciphers)
    except (ssl.SSLError, ValueError) as error:
        raise exc.ImproperlyConfigured(
            f"the ssl.ciphers of {broker.name}, {broker.ciphers!r}, name no cipher that OpenSSL has"
        ) from error


def _file_reason(error: OSError | ValueError) -> str:
    """Return why a TLS file cannot be used, with its name if our own check refused it. OpenSSL names none."""
    words = reason(error)
    if isinstance(error, OSError) and error.filename:
        return f"{printable(error.filename)}: {words}"
    return words


def _tcp_reason(error: OSError | UnicodeError, timeout: float) -> str:
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:.0f} s; is the address right, and no firewall between?"
    if isinstance(error, UnicodeError):
        return "this is no host name"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; does the broker run there, with its STOMP plugin on that port?"
    return reason(error)


# By OpenSSL's number of the error (X509_V_ERR_...).
_REMEDIES = {
    9: "check the clocks",
    10: "have it renewed; or is the clock wrong here?",
    **dict.fromkeys((2, 18, 19, 20, 21), "name the authority that signed it in ssl.ca"),
    **dict.fromkeys(
        (62, 64),
        "give the broker a name in the configuration that is among the certificate's subjectAltName, or"
        " have it reissued with a subjectAltName; a common name (CN) does not count",
    ),
}


def _tls_reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        return "; ".join(part for part in (words, _REMEDIES.get(error.verify_code)) if part)
    if isinstance(error, socket.timeout):
        return "the broker did not finish the handshake in time; does this port speak TLS?"
    return f"{reason(error)}; does this port speak TLS?"
