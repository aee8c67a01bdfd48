# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Just enough STOMP 1.0 to see whether a broker is there and what a daemon sends it.

The client under test is not used for this: the testbed tests the client, so the
client must not prove that the testbed is ready.
"""

from __future__ import annotations

import select
import socket
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    import ssl
    from types import TracebackType


class StompError(Exception):
    """The broker cannot be reached, refused us, or gave an unexpected answer."""


@dataclass(frozen=True)
class Frame:
    """One frame. Its body stays bytes, since nobody reads it here."""

    command: str
    headers: dict[str, str]
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        lines = [self.command, *(f"{key}:{value}" for key, value in self.headers.items()), "", ""]
        return "\n".join(lines).encode() + self.body + b"\0"


class Connection:
    """A session on 127.0.0.1, open from its construction on. With ``tls``, the broker is localhost."""

    def __init__(
        self,
        port: int,
        vhost: str,
        user: str,
        password: str,
        timeout: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        except OSError as error:
            raise StompError(f"no connection to port {port}: {error}") from error
        self._received = b""
        try:
            self._log_in(vhost, user, password)
        except StompError:
            self.close()
            raise

    def _log_in(self, vhost: str, user: str, password: str) -> None:
        headers = {"accept-version": "1.0", "host": vhost, "login": user, "passcode": password}
        self._send(Frame("CONNECT", headers))
        answer = self.receive()
        if answer.command != "CONNECTED":
            raise StompError(f"CONNECT answered with {answer.command}: {answer.headers}")

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def subscribe(self, destination: str) -> None:
        """Subscribe. When this returns, the broker has done it."""
        headers = {"destination": destination, "receipt": destination}
        self._send(Frame("SUBSCRIBE", headers))
        answer = self.receive()
        if answer.command != "RECEIPT":
            raise StompError(f"SUBSCRIBE {destination} answered with {answer.command}")

    def receive(self) -> Frame:
        """Return the next frame."""
        while (frame := self._take_frame()) is None:
            self._read_more()
        return frame

    def poll(self, seconds: float) -> Frame | None:
        """Return the next frame, or None if none arrives within that time."""
        frame = self._take_frame()
        while frame is None and select.select([self._socket], [], [], seconds)[0]:
            self._read_more()
            frame = self._take_frame()
        return frame

    def _take_frame(self) -> Frame | None:
        """Return the next complete frame of what was received, or None."""
        self._received = self._received.lstrip(b"\n")
        head, blank, rest = self._received.partition(b"\n\n")
        if not blank:
            return None
        frame = _parse_head(head)
        length = frame.headers.get("content-length")
        end = int(length) if length is not None else rest.find(b"\0")
        if not 0 <= end < len(rest):
            return None
        self._received = rest[end + 1 :]
        return Frame(frame.command, frame.headers, rest[:end])

    def _send(self, frame: Frame) -> None:
        self.send_raw(frame.encode())

    def send_raw(self, data: bytes) -> None:
        """Send frames that are bytes already."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise StompError(f"cannot send: {error}") from error

    def _read_more(self) -> None:
        try:
            piece = self._socket.recv(65536)
        except OSError as error:
            raise StompError(f"nothing received: {error}") from error
        if not piece:
            raise StompError("the broker closed the connection")
        self._received += piece


def _parse_head(head: bytes) -> Frame:
    command, *lines = head.decode("utf-8", "replace").split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        key, _colon, value = line.partition(":")
        headers.setdefault(key, value)
    return Frame(command, headers)
