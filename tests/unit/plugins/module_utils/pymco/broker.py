# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small STOMP broker on a real socket that does what a test tells it."""

from __future__ import annotations

import contextlib
import queue
import re
import socket
import ssl
import threading
import time
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    Outgoing,
    middleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

PATIENCE = 30.0
"""Seconds for which a script waits for what it expects."""
BUSY = 20.0
"""Seconds that a busy machine may add. What must not be waited for takes longer: see :func:`to`."""


class Frame(t.NamedTuple):
    """A STOMP frame."""

    command: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """One connection, seen from the broker."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = b""

    def expect(self, command: str) -> Frame:
        """Return the next frame, which must have this command."""
        frame = self._next()
        assert frame.command == command, f"expected {command}, got {frame}"
        return frame

    def expect_end(self) -> None:
        """Check that nothing more comes, and that the client closes the connection."""
        with contextlib.suppress(ConnectionResetError):
            rest = self._buffer.strip(b"\n") + self._socket.recv(65536)
            assert rest == b"", f"expected the end, got {rest!r}"

    def send(self, command: str, body: bytes = b"", **headers: str) -> None:
        """Send a frame; underscores in header names stand for dashes."""
        lines = [command, f"content-length:{len(body)}"]
        lines += [f"{key.replace('_', '-')}:{value}" for key, value in headers.items()]
        self.send_raw("\n".join(lines).encode() + b"\n\n" + body + b"\0")

    def send_raw(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def log_in(self) -> Frame:
        """Let the client log in. Return its CONNECT frame."""
        frame = self.expect("CONNECT")
        self.send("CONNECTED", version="1.1")
        return frame

    def read_some(self) -> None:
        """Read some of what comes, for :meth:`expect`."""
        data = self._socket.recv(65536)
        assert data, f"the client closed the connection: {self._buffer!r}"
        self._buffer += data

    def reply(self, body: bytes) -> None:
        """Deliver a message."""
        self.send("MESSAGE", body, subscription="s", message_id="1", destination="/d")

    def flood(self, data: bytes) -> None:
        """Send this again and again while the client stays, and read nothing."""
        block = data * max(2**18 // len(data), 1)
        with contextlib.suppress(OSError):
            while True:
                self._socket.sendall(block)

    def confirm(self, frame: Frame) -> None:
        """Send the receipt that a frame has asked for."""
        self.send("RECEIPT", receipt_id=frame.headers["receipt"])

    def log_out(self) -> None:
        """Let the client log out: DISCONNECT, receipt, end."""
        frame = self.expect("DISCONNECT")
        self.send("RECEIPT", receipt_id=frame.headers["receipt"])
        self.expect_end()

    def _next(self) -> Frame:
        while True:
            self._buffer = self._buffer.lstrip(b"\n")
            head, separator, rest = self._buffer.partition(b"\n\n")
            if separator:
                command, *lines = head.decode().split("\n")
                headers = dict(_header(line) for line in lines)
                size = int(headers.get("content-length", rest.find(b"\0")))
                if size >= 0:
                    return Frame(command, headers, self._body(len(head) + 2, size))
            self.read_some()

    def _body(self, start: int, size: int) -> bytes:
        parts, missing = [self._buffer], start + size + 1 - len(self._buffer)
        while missing > 0:
            parts.append(self._socket.recv(65536))
            assert parts[-1], "the client closed the connection within a frame"
            missing -= len(parts[-1])
        data = b"".join(parts)
        end = start + size
        assert data[end : end + 1] == b"\0"
        self._buffer = data[end + 1 :]
        return data[start:end]


_ESCAPES = {"n": "\n", "r": "\r", "c": ":", "\\": "\\"}


def _header(line: str) -> tuple[str, str]:
    """Return a header as RabbitMQ reads it. It resolves escapes in every frame, also in CONNECT."""
    key, value = line.split(":", 1)
    return key, re.sub(r"\\(.)", lambda match: _ESCAPES[match[1]], value)


Script = t.Callable[[Peer], None]


class ScriptedBroker:
    """Runs one script for each connection, in order. All scripts must have ended when the broker ends.

    :param context: speak TLS.
    """

    def __init__(self, *scripts: Script, context: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self._context = context
        self._errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="scripted broker", daemon=True)

    def __enter__(self) -> ScriptedBroker:
        self._thread.start()
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        self._thread.join(PATIENCE * (len(self._scripts) + 1))
        self._socket.close()
        if not self._errors.empty():
            raise self._errors.get() from error

    def wait(self) -> None:
        """Wait until all scripts have ended and their connections are closed."""
        self._thread.join(PATIENCE * len(self._scripts))
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for script in self._scripts:
                self._serve(script)
        except BaseException as error:  # raised in the test's thread
            self._errors.put(error)

    def _serve(self, script: Script) -> None:
        plain, _address = self._socket.accept()
        plain.settimeout(PATIENCE)
        with plain:
            if self._context is None:
                script(Peer(plain))
                return
            with self._context.wrap_socket(plain, server_side=True) as wrapped:
                script(Peer(wrapped))


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return t.cast(int, sock.getsockname()[1])


PAYLOAD = b"\x04\x08\x00binary\n\xff"
SECRET = "p:ss\\word"


def to(*brokers: ScriptedBroker | int, **more: str) -> BaseMiddleware:
    """Return the middleware for RabbitMQ with a pool of brokers."""
    options = {
        "identity": "me",
        "connector": "rabbitmq",
        "connection_timeout": "60",
        "plugin.rabbitmq.pool.size": str(len(brokers)),
        **{f"plugin.rabbitmq.{key.replace('__', '.')}": value for key, value in more.items()},
    }
    for number, broker in enumerate(brokers, 1):
        prefix = f"plugin.rabbitmq.pool.{number}"
        port = broker if isinstance(broker, int) else broker.port
        options.setdefault(f"{prefix}.host", "127.0.0.1")
        options[f"{prefix}.port"] = str(port)
        options[f"{prefix}.user"] = f"user{number}"
        options[f"{prefix}.password"] = f"{SECRET}{number}"
    return middleware(Settings(options))


def outgoing(payload: bytes, agent: str, collective: str, reply_to: str) -> Outgoing:
    """Return a request with the usual ttl."""
    return Outgoing(payload, agent, collective, 60, reply_to)


def within(seconds: float) -> float:
    """A deadline."""
    return time.monotonic() + seconds


def polite(peer: Peer) -> None:
    peer.log_in()
    peer.log_out()


def tls_to(broker: ScriptedBroker, ca: str, **more: str) -> BaseMiddleware:
    return to(broker, **{"pool__1__ssl": "1", "pool__1__ssl__ca": ca, **more})
