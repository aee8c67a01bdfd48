# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records what a client and a broker say to each other, frame by frame."""

from __future__ import annotations

import selectors
import socket
import threading
import time
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from types import TracebackType

_CHUNK = 65536
_ESCAPES = {"\\n": "\n", "\\c": ":", "\\\\": "\\"}


@dataclass(frozen=True)
class Frame:
    """One frame: its headers in the order of the wire, names that come twice included."""

    command: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def fields(self) -> dict[str, str]:
        """Return the headers by name. Raises ValueError if a name occurs twice."""
        found = dict(self.headers)
        if len(found) != len(self.headers):
            raise ValueError(f"{self.command} has a header twice: {self.headers}")
        return found


def parse(data: bytes, escaped: bool) -> list[Frame]:
    """Return all frames of one direction of a connection.

    Between frames there may be any number of newlines, which are heartbeats.

    :param escaped: True if headers are written in STOMP 1.1's way.
    :raises ValueError: the data is not made of whole frames.
    """
    frames = []
    rest = data.lstrip(b"\n")
    while rest:
        frame, rest = _first_frame(rest, escaped)
        frames.append(frame)
        rest = rest.lstrip(b"\n")
    return frames


def _first_frame(data: bytes, escaped: bool) -> tuple[Frame, bytes]:
    head, blank, rest = data.partition(b"\n\n")
    if not blank:
        raise ValueError(f"no end of the headers in {data[:200]!r}")
    command, *lines = head.decode("utf-8").split("\n")
    headers = tuple(_header(line, escaped and command != "CONNECT") for line in lines)
    # The first of two headers of one name counts, and a length of zero is one.
    lengths = [value for name, value in headers if name == "content-length"]
    end = int(lengths[0]) if lengths else rest.find(b"\0")
    if end < 0 or rest[end : end + 1] != b"\0":
        raise ValueError(f"{command} does not end with a NUL at {end}: {rest[:200]!r}")
    return Frame(command, headers, rest[:end]), rest[end + 1 :]


def _header(line: str, escaped: bool) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"no colon in the header {line!r}")
    return (_unescaped(name), _unescaped(value)) if escaped else (name, value)


def _unescaped(text: str) -> str:
    found, rest = "", text
    while rest:
        width = 2 if rest[0] == "\\" else 1
        piece, rest = rest[:width], rest[width:]
        # Nothing but the three escapes may begin with a backslash.
        found += _ESCAPES[piece] if width == 2 else piece
    return found


@dataclass
class Wire:
    """One connection through the tap: the bytes of both directions, and whether both are over."""

    client: socket.socket
    broker: socket.socket
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    ended: bool = False

    @property
    def version(self) -> str:
        """The version of STOMP that the broker chose, or "" if it refused the login."""
        for frame in parse(bytes(self.received), escaped=False)[:1]:
            if frame.command == "CONNECTED":
                return frame.fields().get("version", "1.0")
        return ""

    def requests(self) -> list[Frame]:
        """What the client sent."""
        return parse(bytes(self.sent), escaped=self.version == "1.1")

    def responses(self) -> list[Frame]:
        """What the broker sent."""
        return parse(bytes(self.received), escaped=self.version == "1.1")


class Recorder:
    """A port on loopback that leads to another one, and keeps all that passes.

    >>> with Recorder(broker.stomp_port) as recorder:
    ...     run_a_client_against(recorder.port)
    >>> [frame.command for frame in recorder.wires[0].requests()]
    ['CONNECT', 'SEND', 'DISCONNECT']
    """

    def __init__(self, broker_port: int) -> None:
        self.wires: list[Wire] = []
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"recorder-{self.port}")

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, patience: float = 5.0) -> None:
        """Take in what ended clients have sent, for some seconds at most, and then end."""
        deadline = time.monotonic() + patience
        while not all(wire.ended for wire in self.wires) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._closing = True
        self._thread.join()
        for wire in self.wires:
            wire.client.close()
            wire.broker.close()
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closing:
            for key, _events in self._selector.select(0.05):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._pass_on(t.cast(socket.socket, key.fileobj), key.data)

    def _accept(self) -> None:
        client, _address = self._listener.accept()
        wire = Wire(client, socket.create_connection(("127.0.0.1", self._broker_port)))
        self.wires.append(wire)
        for end in (wire.client, wire.broker):
            self._selector.register(end, selectors.EVENT_READ, wire)

    def _pass_on(self, source: socket.socket, wire: Wire) -> None:
        if wire.ended:
            return
        from_client = source is wire.client
        target, record = (wire.broker, wire.sent) if from_client else (wire.client, wire.received)
        try:
            data = source.recv(_CHUNK)
            record += data
            target.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._end(wire)

    def _end(self, wire: Wire) -> None:
        """One end has closed. Record what the other end has sent before, and then end."""
        for end, record in ((wire.client, wire.sent), (wire.broker, wire.received)):
            self._selector.unregister(end)
            end.setblocking(False)
            try:
                while data := end.recv(_CHUNK):
                    record += data
            except OSError:
                pass
            end.close()
        wire.ended = True
