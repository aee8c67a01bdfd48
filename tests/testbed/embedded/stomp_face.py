# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RabbitMQ as a STOMP client sees it."""

from __future__ import annotations

import asyncio
import itertools
import re
import typing as t
from dataclasses import dataclass, field


@dataclass
class Frame:
    """A STOMP frame."""

    command: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self) -> bytes:
        """Return the frame as bytes."""
        headers = {**self.headers, "content-length": str(len(self.body))}
        lines = [self.command, *(f"{key}:{_escape(value)}" for key, value in headers.items())]
        return "\n".join(lines).encode() + b"\n\n" + self.body + b"\0\n"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace(":", "\\c")


def _unescape(value: str) -> str:
    return re.sub(r"\\([cn\\])", lambda match: {"c": ":", "n": "\n"}.get(match[1], "\\"), value)


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """The next frame. Raises asyncio.IncompleteReadError at the end of the stream."""
    head = b""
    while not head.strip():
        head = (await reader.readuntil(b"\n")).strip(b"\r\n")
    command = head.decode()
    headers: dict[str, str] = {}
    while line := (await reader.readuntil(b"\n")).rstrip(b"\r\n"):
        key, _colon, value = line.decode().partition(":")
        # RabbitMQ does this in CONNECT too, although STOMP forbids it.
        headers.setdefault(key, _unescape(value))
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
        await reader.readexactly(1)
    else:
        body = (await reader.readuntil(b"\0"))[:-1]
    return Frame(command, headers, body)


class Router(t.Protocol):
    """Delivers what clients publish."""

    def request(self, session: Session, frame: Frame, exchange: str, key: str) -> None:
        """Take a message that was sent to an exchange."""


class Refused(Exception):
    """The broker answers with an ERROR frame and closes the connection."""

    def __init__(self, message: str, body: str) -> None:
        super().__init__(message)
        self.frame = Frame("ERROR", {"message": message, "version": "1.0,1.1,1.2"}, body.encode())


@dataclass(frozen=True)
class Login:
    """What a client must say to log in."""

    user: str
    password: str
    vhost: str


class Session:
    """One client's connection."""

    _numbers = itertools.count(1)

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.subscriptions: dict[str, str] = {}
        self.number = next(self._numbers)

    def deliver(self, reply_to: str, payload: bytes) -> None:
        """Send a reply to this client, if it is still there and listens at that address."""
        subscription = self.subscriptions.get(reply_to)
        if subscription is None or self._writer.is_closing():
            return
        headers = {
            "subscription": subscription,
            "destination": f"/queue/stomp-{self.number}",
            "message-id": f"T_{subscription}@@{self.number}@@{next(self._numbers)}",
        }
        self.send(Frame("MESSAGE", headers, payload))

    def send(self, frame: Frame) -> None:
        """Send any frame."""
        if not self._writer.is_closing():
            self._writer.write(frame.encode())


class StompFace:
    """Listens on a free port of the loopback interface and hands requests to a router.

    :param exchanges: the names of the exchanges that exist.
    """

    def __init__(self, login: Login, exchanges: t.Collection[str], router: Router) -> None:
        self._login = login
        self._exchanges = frozenset(exchanges)
        self._router = router
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen; afterwards :attr:`port` is known."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(writer)
        try:
            self._log_in(session, await read_frame(reader))
            while self._handle(session, await read_frame(reader)):
                await writer.drain()
        except Refused as refused:
            session.send(refused.frame)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass
        finally:
            writer.close()

    def _log_in(self, session: Session, frame: Frame) -> None:
        if frame.command not in ("CONNECT", "STOMP"):
            raise Refused("Illegal command", "You must log in using CONNECT first")
        user = frame.headers.get("login")
        if (user, frame.headers.get("passcode")) != (self._login.user, self._login.password):
            raise Refused("Bad CONNECT", f"Access refused for user '{user}'")
        vhost = frame.headers.get("host", "/")
        if vhost != self._login.vhost:
            raise Refused("Bad CONNECT", f"Virtual host '{vhost}' access denied")
        session.send(Frame("CONNECTED", {"version": "1.1", "heart-beat": "0,0"}))

    def _handle(self, session: Session, frame: Frame) -> bool:
        """Handle a frame. Return True if the client stays."""
        if frame.command == "SEND":
            self._publish(session, frame)
        elif frame.command == "SUBSCRIBE":
            self._subscribe(session, frame)
        elif frame.command == "UNSUBSCRIBE":
            wanted = frame.headers.get("id")
            for address, subscription in list(session.subscriptions.items()):
                if subscription == wanted:
                    del session.subscriptions[address]
        if "receipt" in frame.headers:
            session.send(Frame("RECEIPT", {"receipt-id": frame.headers["receipt"]}))
        return frame.command != "DISCONNECT"

    def _publish(self, session: Session, frame: Frame) -> None:
        exchange, key = self._exchange(frame.headers.get("destination", ""))
        reply_to = frame.headers.get("reply-to", "")
        if reply_to.startswith("/temp-queue/"):
            session.subscriptions.setdefault(reply_to, reply_to)
        self._router.request(session, frame, exchange, key)

    def _subscribe(self, session: Session, frame: Frame) -> None:
        destination = frame.headers.get("destination", "")
        if destination.startswith("/temp-queue/"):
            raise Refused("Invalid destination", f"'{destination}' cannot be subscribed to")
        self._exchange(destination)
        session.subscriptions[destination] = frame.headers.get("id", destination)

    def _exchange(self, destination: str) -> tuple[str, str]:
        _empty, _kind, name, key = (destination.split("/", 3) + [""] * 4)[:4]
        if not destination.startswith("/exchange/") or not key:
            raise Refused("Unknown destination", f"'{destination}' is not a valid destination")
        if name not in self._exchanges:
            vhost = self._login.vhost
            raise Refused("not_found", f"NOT_FOUND - no exchange '{name}' in vhost '{vhost}'")
        return name, key
