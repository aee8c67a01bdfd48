# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Just enough NATS to see whether a broker is there and what goes over it.

The client under test is not used for this: the testbed tests the client, so the client must not
prove that the testbed is ready.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import time
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from pathlib import Path

    from ..certificates import Certificate


class NatsError(Exception):
    """The broker cannot be reached, refused us, or gave an unexpected answer."""


@dataclass(frozen=True)
class Message:
    """What was published, and where."""

    subject: str
    payload: bytes


class Connection:
    """A session on 127.0.0.1 over TLS, open from its construction on."""

    def __init__(self, port: int, authority: Path, own: Certificate, timeout: float = 5.0) -> None:
        self._received = b""
        self._messages: list[Message] = []
        context = ssl.create_default_context(cafile=str(authority))
        context.load_cert_chain(own.path, own.key)
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout)
            # INFO is all that the broker sends before TLS.
            self._line()
            self._socket = context.wrap_socket(self._socket, server_hostname="localhost")
        except OSError as error:
            raise NatsError(f"no connection to port {port}: {error}") from error
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "0"}
        self._send(b"CONNECT " + json.dumps(options).encode() + b"\r\n")
        self.flush()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def subscribe(self, subject: str) -> None:
        """Subscribe. When this returns, the broker has done it."""
        self._send(f"SUB {subject} 1\r\n".encode())
        self.flush()

    def publish(self, subject: str, payload: bytes) -> None:
        """Publish, without waiting for anything."""
        self._send(f"PUB {subject} {len(payload)}\r\n".encode() + payload + b"\r\n")

    def flush(self) -> None:
        """Return when the broker has read all that was sent."""
        self._send(b"PING\r\n")
        while self._step() != "PONG":
            pass

    def poll(self, seconds: float) -> Message | None:
        """Return the next message, or None if none arrives within that time."""
        deadline = time.monotonic() + seconds
        while not self._messages:
            left = deadline - time.monotonic()
            if left <= 0 or not (self._received or self._readable(left)):
                return None
            self._step()
        return self._messages.pop(0)

    def take(self, seconds: float) -> list[Message]:
        """Return all messages until none has arrived for that time."""
        found = []
        while (message := self.poll(seconds)) is not None:
            found.append(message)
        return found

    def _readable(self, seconds: float) -> bool:
        pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        return bool(pending or select.select([self._socket], [], [], seconds)[0])

    def _step(self) -> str:
        """Read one operation and return its name; messages are kept."""
        name, _space, rest = self._line().decode().partition(" ")
        if name == "PING":
            self._send(b"PONG\r\n")
        elif name == "-ERR":
            raise NatsError(rest)
        elif name == "MSG":
            subject, *_between, size = rest.split()
            self._messages.append(Message(subject, self._take(int(size) + 2)[:-2]))
        return name

    def _line(self) -> bytes:
        while b"\n" not in self._received:
            self._read_more()
        return self._take(self._received.index(b"\n") + 1).strip()

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._read_more()
        found, self._received = self._received[:size], self._received[size:]
        return found

    def _read_more(self) -> None:
        try:
            piece = self._socket.recv(65536)
        except OSError as error:
            raise NatsError(f"nothing received: {error}") from error
        if not piece:
            raise NatsError("the broker closed the connection")
        self._received += piece

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NatsError(f"cannot send: {error}") from error
