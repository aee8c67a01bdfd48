# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broker that misbehaves on purpose: what it can do with a connection apart from speaking STOMP."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import typing as t

from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
)

LONGEST = 60.0
"""Seconds, far more than any call may take, after which a script gives up."""
STEP = 0.05
"""Seconds between two bytes of what never becomes complete."""
CHUNK = 256 * 1024
"""Bytes that a flood sends at once, or more."""


class Wrong(Peer):
    """One connection of a broker that misbehaves.

    :param over: is set when the client's call has ended.
    """

    def __init__(self, sock: socket.socket, over: threading.Event) -> None:
        super().__init__(sock)
        self.over = over

    # -- the honest part -----------------------------------------------------------------------

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt everything from now on."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def first_flight(self, context: ssl.SSLContext) -> bytes:
        """Read the client's first message of a handshake, and return a server's answer."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            self.read_some()
            incoming.write(self._buffer)
            self._buffer = b""
            try:
                server.do_handshake()
            except ssl.SSLWantReadError:
                continue
        return outgoing.read()

    def expect_begin(self, command: str) -> None:
        """Read the head of a frame with this command, and no more."""
        while b"\n" not in self._buffer.lstrip(b"\n"):
            self.read_some()
        found = self._buffer.lstrip(b"\n").split(b"\n", 1)[0].decode()
        assert found == command, f"expected {command}, got {found}"

    # -- what is wrong -------------------------------------------------------------------------

    def drain(self) -> None:
        """Read everything until the client closes, and send nothing."""
        self._go_on(b"", reads=True, pause=None)

    def hold(self) -> None:
        """Do not read or write. The connection stays until the client has left."""
        assert self.over.wait(LONGEST), "the client's call did not end"

    def flood(self, data: bytes, reads: bool = True, first: bytes = b"") -> None:
        """Send the same data again and again, as quickly as possible, until the client closes."""
        self._go_on(data * (CHUNK // len(data) + 1), reads, pause=None, first=first)

    def drip(self, data: bytes) -> None:
        """Send one byte after the other slowly, without end."""
        assert len(data) * STEP > 15, "this would become complete"
        for position in range(len(data)):
            if self._wait(select.POLLIN, STEP) & select.POLLIN and not self._read():
                return
            if not self._write(data[position : position + 1]):
                return
        raise AssertionError("the client waited for all of it")

    def sip(self) -> None:
        """Read one byte after the other, slowly."""
        while not self.over.wait(STEP):
            try:
                if not self._socket.recv(1):
                    return
            except OSError:
                return

    def reset(self) -> None:
        """End the connection at once, with RST."""
        linger = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()

    def close(self) -> None:
        """End the connection. TLS does not announce it either."""
        self._socket.close()

    def complain(self, message: str, body: str) -> None:
        """Answer with ERROR and close, as brokers do."""
        self.send("ERROR", body.encode(), message=message)
        self.close()

    # -- below ---------------------------------------------------------------------------------

    def _go_on(self, data: bytes, reads: bool, pause: float | None, first: bytes = b"") -> None:
        """Read and write at the same time, until the client closes or its call is over."""
        self._socket.settimeout(0)
        rest = memoryview(first + data)
        while not self.over.is_set():
            wanted = (select.POLLIN if reads else 0) | (select.POLLOUT if data else 0)
            ready = self._wait(wanted, STEP)
            if ready & ~select.POLLOUT and reads and not self._read():
                return
            if ready & ~select.POLLIN and data:
                sent = self._write(rest)
                if sent is None:
                    return
                rest = rest[sent:] or memoryview(data)

    def _wait(self, wanted: int, seconds: float) -> int:
        poll = select.poll()
        poll.register(self._socket, wanted)
        found = poll.poll(seconds * 1000)
        return found[0][1] if found else 0

    def _read(self) -> bool:
        """Read data and drop it. Return True if the connection is still open."""
        try:
            return bool(self._socket.recv(CHUNK))
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            return False

    def _write(self, data: bytes | memoryview) -> int | None:
        """Write a part. Return its size, or None if the connection is closed."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError:
            return None


Script = t.Callable[[Wrong], None]


class WrongBroker(ScriptedBroker):
    """Takes one connection. After that, its port refuses further ones."""

    def __init__(self, script: Script) -> None:
        self.over = threading.Event()
        super().__init__(lambda peer: script(t.cast(Wrong, peer)))
        self._socket.settimeout(LONGEST)

    def _serve(self, script: t.Callable[[Peer], None]) -> None:
        plain, _address = self._socket.accept()
        self._socket.close()
        plain.settimeout(LONGEST)
        with plain:
            script(Wrong(plain, self.over))

    def __exit__(self, *failure: t.Any) -> None:
        self.over.set()
        super().__exit__(*failure)


class DeafBroker:
    """Listens and takes no connection. Its queue is full, so the system drops further ones."""

    def __init__(self) -> None:
        self._server = socket.socket()
        self._server.bind(("127.0.0.1", 0))
        self._server.listen(0)
        self.port = self._server.getsockname()[1]
        self._waiting: list[socket.socket] = []

    def __enter__(self) -> DeafBroker:
        """Fill the queue. The system tells at once which connections it has taken."""
        for _attempt in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))
            self._waiting.append(sock)
        return self

    def __exit__(self, *_exc: object) -> None:
        for sock in (*self._waiting, self._server):
            sock.close()
