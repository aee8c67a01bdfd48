# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet's one connection to a broker, made for many messages."""

from __future__ import annotations

import json
import select
import socket
import ssl
import typing as t
from dataclasses import dataclass

_PIECE = 1 << 20


class BrokerGone(Exception):
    """The broker closed the connection or refuses something."""


@dataclass(frozen=True)
class Files:
    """The authority, our certificate, and its key."""

    ca: str
    certificate: str
    key: str


class Connection:
    """A session on 127.0.0.1 over TLS, subscribed from its construction on.

    :param subjects: what to subscribe to.
    """

    def __init__(self, port: int, files: Files, subjects: t.Sequence[str]) -> None:
        raw = socket.create_connection(("127.0.0.1", port), 60)
        _skip_line(raw)
        context = ssl.create_default_context(cafile=files.ca)
        context.load_cert_chain(files.certificate, files.key)
        self._socket = context.wrap_socket(raw, server_hostname="localhost")
        self._buffer = b""
        self._position = 0
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "0"}
        lines = [f"SUB {subject} {number}" for number, subject in enumerate(subjects, 1)]
        commands = [f"CONNECT {json.dumps(options)}", *lines, "PING"]
        self.send("".join(f"{command}\r\n" for command in commands).encode())
        while self._line() != b"PONG":
            pass

    def poll(self, seconds: float) -> tuple[bytes, bytes] | None:
        """Return subject and payload of the next message, or None if there is none within that time.

        :raises BrokerGone: there will be no more.
        """
        while self._buffer.find(b"\n", self._position) >= 0 or self._readable(seconds):
            words = self._line().split(b" ")
            if words[0] == b"MSG":
                return words[1], self._take(int(words[-1]))
            if words[0] == b"PING":
                self.send(b"PONG\r\n")
            if words[0] == b"-ERR":
                raise BrokerGone(b" ".join(words).decode())
        return None

    def send(self, data: bytes) -> None:
        """Send whole commands. Raises :class:`BrokerGone`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise BrokerGone(str(error)) from error

    def _readable(self, seconds: float) -> bool:
        return bool(self._socket.pending() or select.select([self._socket], [], [], seconds)[0])

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n", self._position)) < 0:
            self._fill()
        line = self._buffer[self._position : end]
        self._position = end + 2
        return line

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < self._position + size + 2:
            self._fill()
        payload = self._buffer[self._position : self._position + size]
        self._position += size + 2
        return payload

    def _fill(self) -> None:
        try:
            data = self._socket.recv(_PIECE)
        except OSError as error:
            raise BrokerGone(str(error)) from error
        if not data:
            raise BrokerGone("the broker closed the connection")
        self._buffer = self._buffer[self._position :] + data
        self._position = 0


def _skip_line(raw: socket.socket) -> None:
    """Read INFO to its end and no further: what follows is TLS."""
    while raw.recv(1) not in (b"\n", b""):
        pass
