# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Just enough NATS to see whether a broker is there and what goes over it.

The client under test is not used for this: the testbed tests the client, so the client must not
prove that the testbed is ready.
"""

from __future__ import annotations

import json
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
        self._messages: list[Message] = []
        try:
            raw = socket.create_connection(("127.0.0.1", port), timeout)
            self._socket = raw
            self._file = raw.makefile("rb", buffering=0)
            self._expect(b"INFO")
            context = ssl.create_default_context(cafile=str(authority))
            context.load_cert_chain(own.path, own.key)
            self._socket = context.wrap_socket(raw, server_hostname="localhost")
            self._file = self._socket.makefile("rb")
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
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                self._step()
            except TimeoutError:
                return None
            finally:
                self._socket.settimeout(5.0)
        return self._messages.pop(0)

    def take(self, seconds: float) -> list[Message]:
        """Return all messages until none has arrived for that time."""
        found = []
        while (message := self.poll(seconds)) is not None:
            found.append(message)
        return found

    def _step(self) -> str:
        """Read one operation and return its name; messages are kept."""
        line = self._file.readline()
        if not line:
            raise NatsError("the broker closed the connection")
        name, _space, rest = line.decode().strip().partition(" ")
        if name == "PING":
            self._send(b"PONG\r\n")
        elif name == "-ERR":
            raise NatsError(rest)
        elif name == "MSG":
            subject, *_between, size = rest.split()
            payload = self._file.read(int(size) + 2)
            self._messages.append(Message(subject, payload[:-2]))
        return name

    def _expect(self, name: bytes) -> None:
        line = b""
        while not line.endswith(b"\n"):
            piece = self._file.read(1)
            if not piece:
                raise NatsError("the broker closed the connection")
            line += piece
        if not line.startswith(name):
            raise NatsError(f"{name!r} expected, not {line[:80]!r}")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NatsError(f"cannot send: {error}") from error
