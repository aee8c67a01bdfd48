# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The socket below a STOMP connection.

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
import select
import socket
import ssl
import threading
import time
import typing as t

from .. import exc
from ..utils import reason

# On import, stomp.py looks its own host up in the DNS, for a feature that we do not use.
_SCAN = "STOMP_SKIP_HOSTNAME_SCAN"
_scan_before = os.environ.get(_SCAN)
os.environ[_SCAN] = "1"
try:
    from stomp.transport import Transport
    from stomp.utils import Frame, convert_frame

    HAS_STOMP = True
except ImportError:
    Frame, Transport = (type(name, (), {}) for name in ("Frame", "Transport"))
    HAS_STOMP = False
finally:
    if _scan_before is None:
        del os.environ[_SCAN]
    else:
        os.environ[_SCAN] = _scan_before

if t.TYPE_CHECKING:
    from ..pool import Broker

logging.getLogger("stomp.py").addHandler(logging.NullHandler())

CLOSING = 2.0
"""Seconds that closing a connection may take."""
SHORTEST = 0.1
"""Seconds; no step of connecting gets less."""
CHUNK = 65536
"""Bytes that are read or written at once."""
MAX_FRAME = 64 * 2**20
"""Bytes. stomp.py keeps a frame until its end has come; a broker that sends more without an end is
left. With each piece it copies all that it has, so the pieces grow with the frame."""
_FROM_BROKER = frozenset(("CONNECTED", "MESSAGE", "RECEIPT", "ERROR"))


class SocketTransport(Transport):
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
        self.last_sent = self.last_received = time.monotonic()
        self.unfinished = 0
        """Bytes that have come since the last frame's end."""
        self.alert: ssl.SSLError | None = None
        """With what the broker, or we, ended TLS."""
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
        size = max(CHUNK, self.unfinished // 4)
        try:
            data = self._retried(sock, lambda: sock.recv(size), select.POLLIN, None)
            if size > CHUNK:
                data += self._at_once(sock, size - len(data))
        except ssl.SSLError as error:
            self.alert = error
        except (OSError, ValueError, AttributeError):
            # The other thread may close the socket at any time; then there is no more to read.
            pass
        self.last_received = time.monotonic()
        self.unfinished += len(data)
        if not data or self.unfinished > MAX_FRAME:
            self.running = False
            return b""
        return data

    def _at_once(self, sock: socket.socket, size: int) -> bytes:
        """What is there already; TLS gives 16 KiB at a time. Where it ends, the next reading tells."""
        pieces = []
        with contextlib.suppress(OSError, ValueError), self.turn:
            while size > 0 and (piece := sock.recv(size)):
                pieces.append(piece)
                size -= len(piece)
        return b"".join(pieces)

    def send_frame(self, command: str, headers: dict[str, str], body: bytes) -> None:
        """Send a frame whose headers are as they have to be on the wire.

        stomp.py's own way to send would write all of it to its log.
        """
        self.send(b"".join(convert_frame(Frame(command, headers, body))))

    def process_frame(self, f: t.Any, frame_str: bytes) -> None:
        """Called by stomp.py for each frame; its own would write bodies to its log."""
        self.unfinished = 0
        if f.cmd in _FROM_BROKER:
            self.notify(f.cmd.lower(), f)

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
        self.last_sent = time.monotonic()

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
    if (left is not None and left <= 0) or not poll.poll(left):
        raise TimeoutError("it takes nothing more; is it overloaded?")


def _open_socket(broker: Broker, timeout: float) -> socket.socket:
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
        if context is not None:
            sock.settimeout(max(deadline - time.monotonic(), SHORTEST))
            sock = context.wrap_socket(sock, server_hostname=broker.host)
    except (OSError, ValueError) as error:
        sock.close()
        raise exc.ConnectFailed(
            f"no TLS connection to {broker.name}: {_tls_reason(error)}", broker.name
        ) from error
    sock.setblocking(False)
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
    if not broker.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    _set_ciphers(context, broker)
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


def _set_ciphers(context: ssl.SSLContext, broker: Broker) -> None:
    if broker.ciphers is None:
        return
    try:
        context.set_ciphers(broker.ciphers)
    except (ssl.SSLError, ValueError) as error:
        raise exc.ImproperlyConfigured(
            f"the ssl.ciphers of {broker.name}, {broker.ciphers!r}, name no cipher that OpenSSL has"
        ) from error


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
    **dict.fromkeys((62, 64), "give the broker a name in the configuration that it bears"),
}


def _tls_reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        return "; ".join(part for part in (words, _REMEDIES.get(error.verify_code)) if part)
    if isinstance(error, socket.timeout):
        return "the broker did not finish the handshake in time; does this port speak TLS?"
    return f"{reason(error)}; does this port speak TLS?"
