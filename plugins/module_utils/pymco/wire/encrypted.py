# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""TLS on a socket, a bounded piece at a time.

OpenSSL on a socket of its own reads for as long as a broker sends what is no data, such as session tickets
without end, and nobody looks at a deadline meanwhile. Here it gets only what has been read for it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import typing as t

PIECE = 65536
"""Bytes that OpenSSL is given at once, and that may wait to be sent before it is given more."""


class EncryptedSocket:
    """What the transport uses of a socket that does not block, with TLS. The handshake comes first.

    It raises as an SSL socket does: SSLWantReadError or SSLWantWriteError for what has to be waited for.

    :ivar tls: what OpenSSL knows of the connection.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._socket = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._rest = b""
        self._taken = 0

    def fileno(self) -> int:
        """The descriptor to be waited for."""
        return self._socket.fileno()

    def shake_hands(self, wait: t.Callable[[int], int]) -> None:
        """The handshake as a whole, however many pieces the broker cuts its part into.

        :param wait: waits until the socket can be read (select.POLLIN) or written (select.POLLOUT), and returns
            0 if that takes too long.
        :raises socket.timeout: it has not ended by then.
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

    def recv(self, most: int) -> bytes:
        """Up to so many bytes; none at the end. One piece is read from the socket at the most."""
        try:
            return self._read(most)
        except ssl.SSLWantReadError:
            self._fill()
        return self._read(most)

    def send(self, data: bytes | memoryview) -> int:
        """How many of the bytes the system has taken. Where it has to be waited for, send the same again."""
        if not self._taken:
            self._taken = self.tls.write(data)
        if not self._flush():
            raise ssl.SSLWantWriteError
        taken, self._taken = self._taken, 0
        return taken

    def shutdown(self, how: int) -> None:
        """As of a socket; TLS's own end is not sent."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _step(self) -> None:
        """Go on with the handshake, as far as one piece of what the broker says leads."""
        try:
            with contextlib.suppress(ssl.SSLWantReadError):
                return self.tls.do_handshake()
            self._fill()
            return self.tls.do_handshake()
        finally:
            # What refuses the broker's certificate goes out, too.
            with contextlib.suppress(OSError):
                self._flush()

    def _read(self, most: int) -> bytes:
        try:
            return self.tls.read(most)
        except ssl.SSLEOFError:
            return b""

    def _fill(self) -> None:
        """Have OpenSSL get one piece of what has come. Raises if there is nothing, or if what it has to
        answer first does not go out."""
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
        """Send what OpenSSL has to say. Returns whether all of it is out."""
        self._rest += self._outgoing.read()
        with contextlib.suppress(BlockingIOError):
            while self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
        return not self._rest
