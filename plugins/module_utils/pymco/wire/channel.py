# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Events that wait to be taken: a stream of bytes, cut by the reader of a protocol, and bounded."""

from __future__ import annotations

import collections
import time
import typing as t

from .event import Event

if t.TYPE_CHECKING:
    from .network import Stream

MAX_HELD = 64 * 2**20
"""Bytes that may wait to be taken. More are left to the broker."""


class Reader(t.Protocol):
    """Cuts bytes into events. It knows no socket."""

    @property
    def overlong(self) -> bool:
        """Whether the broker has to be left, since what it sends has no end."""

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes. Returns the events that they complete."""


class Channel:
    """The events of a connection, in their order.

    :param reader: of the broker's protocol.
    """

    def __init__(self, stream: Stream, reader: Reader) -> None:
        self.stream = stream
        self._reader = reader
        self._events: collections.deque[Event] = collections.deque()
        self._held = 0
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return not self.stream.ended

    @property
    def has_room(self) -> bool:
        """Whether more may be read."""
        return self._held < MAX_HELD

    @property
    def crowded(self) -> bool:
        """Whether a quarter of what may wait to be taken waits."""
        return self._held > MAX_HELD // 4

    @property
    def overlong(self) -> bool:
        """Whether the broker has sent something without an end, for which it was left."""
        return self._reader.overlong

    # -- receiving -----------------------------------------------------------------------------

    def next_message(self) -> bytes | None:
        """Return the body of the next event, if it has come already and is a message."""
        events = self._events
        if not events or events[0].kind != "message":
            return None
        event = events.popleft()
        self._held -= event.size
        return event.body

    def next(self, timeout: float) -> Event | None:
        """Return the next event; None if there is none within timeout seconds. Behind the last one, which
        tells of the end, there is none any more."""
        events = self._events
        if not events:
            self._read_until(time.monotonic() + timeout, lambda: bool(events))
            if not events:
                return None
        event = events.popleft()
        self._held -= event.size
        return event

    def fault(self, timeout: float) -> Event | None:
        """Return what the broker complains of, if it does so within timeout seconds. It can still be taken."""

        def found() -> Event | None:
            return next((event for event in self._events if event.kind == "error"), None)

        self._read_until(time.monotonic() + timeout, lambda: found() is not None)
        return found()

    def take(self) -> None:
        """Read some of what has come."""
        self._read_until(0.0, lambda: True)

    def _read_until(self, deadline: float, done: t.Callable[[], bool]) -> None:
        """Read until done() is true, the deadline, the end of the connection, or until no more may wait.
        It reads once if the deadline has passed already, and not again, however much the broker sends.
        """
        while not self._ended and self.has_room:
            data = self.stream.read()
            if data is not None:
                self._cut(data)
            if done() or self._ended:
                return
            late = time.monotonic() >= deadline
            if late or (data is None and not self.stream.wait(deadline)):
                return

    def _cut(self, data: bytes) -> None:
        events = self._reader.feed(data) if data else []
        if not data or self._reader.overlong:
            self._ended = self.stream.ended = True
            events.append(Event("disconnected"))
        self._events.extend(events)
        self._held += sum([event.size for event in events])

    # -- sending -------------------------------------------------------------------------------

    def send(self, data: bytes, deadline: float) -> None:
        """Send bytes. Raises as :meth:`.Stream.send` does."""
        self.stream.send(data, deadline, self)

    def close(self) -> None:
        """Close the connection. Never fails."""
        self._ended = True
        self.stream.close()
