# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""TLS on a socket, a bounded piece at a time.

OpenSSL on a socket of its own reads as long as a broker sends something other than data, such as session tickets
without end, and meanwhile nobody looks at a deadline. Here it gets only what has been read for it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import typing as t

PIECE = 65536
"""Bytes that OpenSSL is given at once. It is given no more while as many wait to be sent."""


class EncryptedSocket:
    """The part of a non-blocking socket that :class:`.Stream` uses, with TLS. The handshake comes first.

    It raises as an SSL socket does: SSLWantReadError or SSLWantWriteError for what has to be waited for.

    :ivar tls: what OpenSSL knows of the connection.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._rest = b""
        self._taken = 0
        self._failure: ssl.SSLError | None = None
        self.fileno = sock.fileno
        self.shutdown = sock.shutdown
        self.close = sock.close

    def shake_hands(self, wait: t.Callable[[int], int]) -> None:
        """Do the whole handshake, however many pieces the broker cuts its part into.

        :param wait: waits until the socket can be read (select.POLLIN) or written (select.POLLOUT), and returns
            0 if that takes too long.
        :raises socket.timeout: it has not ended then.
        :raises OSError: it failed.
        """
        while True:
            try:
                return self._step()
            except ssl.SSLWantReadError:
                wanted = select.POLLIN
            except ssl.SSLWantWriteError:
                wanted = select.POLLOUT
            if not wait(wanted):
                raise socket.timeout("the handshake has not ended in time")

    def _step(self) -> None:
        """Go on with the handshake as long as one piece of what the broker says allows."""
        try:
            with contextlib.suppress(ssl.SSLWantReadError):
                return self.tls.do_handshake()
            self._fill()
            return self.tls.do_handshake()
        finally:
            # A refusal of the broker's certificate goes out, too.
            with contextlib.suppress(OSError):
                self._flush()

    def recv(self, most: int) -> bytes:
        """Return up to so many bytes; none at the end. At most one piece is read from the socket."""
        data = self._read(most)
        if data is None:
            self._fill()
            data = self._read(most)
        if data is None:
            raise ssl.SSLWantReadError
        return data

    def _read(self, most: int) -> bytes | None:
        """Return the bytes of all records that OpenSSL has whole; none at the end; None if it has no record."""
        parts: list[bytes] = []
        while most and self._failure is None:
            try:
                parts.append(self.tls.read(most))
            except ssl.SSLError as error:
                if isinstance(error, ssl.SSLWantReadError):
                    return b"".join(parts) if parts else None
                self._failure = error  # is told behind the bytes that came before it
            else:
                if not parts[-1]:
                    break
                most -= len(parts[-1])
        if not parts and self._failure and not isinstance(self._failure, ssl.SSLEOFError):
            raise self._failure
        return b"".join(parts)

    def send(self, data: bytes | memoryview) -> int:
        """Return how many of the bytes the system has taken. If it raises, send the same bytes again."""
        if not self._taken:
            self._taken = self.tls.write(data)
        if not self._flush():
            raise ssl.SSLWantWriteError
        taken, self._taken = self._taken, 0
        return taken

    def _fill(self) -> None:
        """Give OpenSSL one piece of what has come.

        :raises ssl.SSLWantReadError: nothing has come.
        :raises ssl.SSLWantWriteError: what OpenSSL has to answer first does not go out.
        """
        if not self._flush() and len(self._rest) > PIECE:
            raise ssl.SSLWantWriteError
        try:
            data = self._socket.recv(PIECE)
        except BlockingIOError:
            raise ssl.SSLWantReadError from None
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> bool:
        """Send what OpenSSL has to say. Return True if all of it is out."""
        self._rest += self._outgoing.read()
        with contextlib.suppress(BlockingIOError):
            while self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
        return not self._rest
