# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A connection to one broker, whatever its protocol: what comes waits to be taken, and is bounded."""

from __future__ import annotations

import abc
import collections
import contextlib
import math
import time
import typing as t

from .. import exc
from ..utils import reason
from .event import MAX_FRAME, MAX_REPLY, OVERHEAD, Event, Item, Reader, weight
from .heartbeat import Heartbeat

if t.TYPE_CHECKING:
    from ..pool import Broker
    from .network import Stream

MAX_HELD = 64 * 2**20
"""Bytes that may wait to be taken. More are left to the broker."""
LAST_WORDS = 0.5
"""Seconds to wait for a broker's ERROR once sending to it has failed."""


class Channel(abc.ABC):
    """The items of a connection, in their order. A subclass speaks the protocol."""

    BEAT: t.ClassVar[bytes]
    """What tells the broker that we are alive."""
    ENDS: t.ClassVar[t.Mapping[str, str]] = {
        "disconnected": "closed the connection",
        "overlong": f"sent a message of more than {MAX_FRAME} bytes, and was left",
    }
    """What the broker did if an event of this kind ends the connection."""

    def __init__(self, broker: Broker, stream: Stream, reader: Reader) -> None:
        self.broker = broker
        self.stream = stream
        self._reader = reader
        self._heartbeat = Heartbeat()
        self._waiting: collections.deque[Item] = collections.deque()
        self._held = 0
        self._ended: exc.ConnectorError | None = None

    @abc.abstractmethod
    def complaint(self, event: Event) -> exc.ConnectorError:
        """Return what the broker complains of with an event of the kind error."""

    @property
    def alive(self) -> bool:
        """Return True if messages can still be sent, unless the broker has gone unnoticed."""
        return self._ended is None and not self.stream.ended

    @property
    def crowded(self) -> bool:
        """Return True if a quarter of what may wait to be taken waits."""
        return self._held > MAX_HELD // 4

    # -- receiving -----------------------------------------------------------------------------

    def next_message(self, timeout: float) -> bytes | None:
        """Return the body of the next message, or wait for it.

        :param timeout: seconds.
        :returns: None if there is none in time, or if something else has come.
        :raises exc.Oversized: it was too large, and is dropped.
        :raises exc.RequestRefused: the broker did not take what we sent to one node.
        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone.
        """
        waiting = self._waiting
        if waiting and isinstance(first := waiting[0], bytes):  # as usual, with fewer calls
            waiting.popleft()
            self._held -= OVERHEAD + len(first)
            return first
        item = self._next(0.0) if waiting or self._ended else self._listen(timeout)
        if isinstance(item, bytes):
            return item
        if item is not None:
            self._raise_if_end(item)
            if item.kind == "oversized":
                words = f"a message of more than {MAX_REPLY} bytes"
                raise exc.Oversized(words, item.headers.get("sender"))
            if item.kind == "refused":
                raise exc.RequestRefused(str(self.complaint(item)), item.headers["node"])
        elif self._ended is not None:
            raise self._ended
        return None

    def _await(self, wanted: t.Callable[[Event], bool], deadline: float, what: str) -> None:
        """Wait for an event. All that comes before it is dropped. Raises as :meth:`next_message` does.

        :param what: the broker did not do if the event does not come in time, which loses the connection.
        """
        item: Item | None = b""
        late = False
        # A broker that sends other items all the time does not make the wait longer.
        while item is not None and not late:
            late = time.monotonic() >= deadline
            item = self._next(deadline - time.monotonic())
            if isinstance(item, Event):
                if wanted(item):
                    return
                self._raise_if_end(item)
        self._ended = self._lost(f"did not {what} in time")
        raise self._ended

    def _listen(self, timeout: float) -> Item | None:
        """Wait for an item, and keep the heart beating meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            pause = self._beat(deadline)
            item = self._next(min(deadline - time.monotonic(), pause))
            if item is not None or time.monotonic() >= deadline or self._ended is not None:
                return item

    def _next(self, timeout: float) -> Item | None:
        """Return the next item; None if none comes within timeout seconds, or after the end."""
        waiting = self._waiting
        if not waiting:
            self._read_until(time.monotonic() + timeout, lambda: waiting)
            if not waiting:
                return None
        item = waiting.popleft()
        self._held -= weight(item)
        return item

    def _take(self) -> bool:
        """Read some of what has come, if more may wait. Return True if more may wait then."""
        self._read_until(0.0, lambda: True)
        return self._held < MAX_HELD

    def _read_until(self, deadline: float, done: t.Callable[[], object]) -> None:
        """Read until done() is true, the deadline, the end of the connection, or until no more may wait.
        Once the deadline has passed it reads once, however much the broker sends."""
        stream = self.stream
        while not stream.ended and self._held < MAX_HELD:
            data = stream.read()
            if data is not None:
                self._cut(data)
            if done() or stream.ended:
                return
            late = time.monotonic() >= deadline
            if late or (data is None and not stream.wait(deadline)):
                return

    def _cut(self, data: bytes) -> None:
        items = self._reader.feed(data) if data else []
        if not data or self._reader.overlong:
            self.stream.ended = True
            items.append(Event("overlong" if data else "disconnected"))
        self._waiting.extend(items)
        self._held += sum(map(weight, items))

    # -- sending -------------------------------------------------------------------------------

    def _send(self, data: bytes, deadline: float) -> None:
        """Send bytes. If that fails, half of them may be out, so the connection is over.

        :param deadline: on the monotonic clock.
        :raises exc.ConnectorError: the broker did not get all of the bytes.
        """
        if self._ended is not None:
            raise self._ended
        try:
            self.stream.send(data, deadline, self._take)
        except OSError as error:
            # The broker may have said why before it closed; one that takes nothing more has not closed.
            patience = 0.0 if isinstance(error, TimeoutError) else LAST_WORDS
            self._read_until(time.monotonic() + patience, self._fault)
            why = self._fault() or self._departure()
            words, name = f"sending to {self.broker.name} failed: {reason(error)}", self.broker.name
            self._ended = self._end(why) if why else exc.ConnectionLost(words, name)
            raise self._ended from error

    def _beat(self, deadline: float) -> float:
        """Send a heart-beat if one is due, and see that the broker does. Return the seconds until this
        has to be done again. It does not raise, so that what has come is taken first."""
        every, silence = self._heartbeat
        if self._ended is not None:
            return 0.0
        now = time.monotonic()
        if every is not None and now - self.stream.last_sent >= every / 2:
            with contextlib.suppress(exc.ConnectorError):
                self._send(self.BEAT, min(deadline, now + every))
        if silence is not None and now - self.stream.last_received > silence:
            self._take()  # what has come while nobody looked
            if self.stream.last_received < now:
                self._ended = self._lost(f"has given no sign of life for {silence:.0f} s")
            return 0.0
        return min((seconds / 4 for seconds in (every, silence) if seconds), default=math.inf)

    # -- the end -------------------------------------------------------------------------------

    def _fault(self) -> Event | None:
        """Return the first complaint that waits. It can still be taken."""
        return self._first(("error",))

    def _departure(self) -> Event | None:
        """Return the event that waits and tells why we have left the broker, if we have."""
        return self._first(self.ENDS.keys() - {"disconnected"})

    def _first(self, kinds: t.Container[str]) -> Event | None:
        """Return the first event of these kinds that waits."""
        events = (item for item in self._waiting if isinstance(item, Event))
        return next((event for event in events if event.kind in kinds), None)

    def _raise_if_end(self, event: Event) -> None:
        """Raise what ends the connection if this event does."""
        if event.kind == "error" or event.kind in self.ENDS:
            self._ended = self._ended or self._end(event)
            raise self._ended

    def _end(self, event: Event) -> exc.ConnectorError:
        """Return the error for a connection that this event ends."""
        words = self.ENDS.get(event.kind)
        return self.complaint(event) if words is None else self._lost(words)

    def _lost(self, words: str) -> exc.ConnectionLost:
        """Return the error for a connection that ended because of what the broker did, or did not do."""
        return exc.ConnectionLost(f"{self.broker.name} {words}", self.broker.name)

    def close(self) -> None:
        """Close the connection. Never fails."""
        self.stream.close()
