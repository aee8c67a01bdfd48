# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What comes from a broker, and how it is cut out of a stream of bytes, whatever the protocol."""

from __future__ import annotations

import abc
import typing as t

MAX_FRAME = 64 * 2**20
"""Bytes. A broker that sends a longer frame is left."""
MAX_HEAD = 2**20
"""Bytes that may come before the body of a frame."""
MAX_REPLY = 16 * 2**20
"""Bytes. A larger message is dropped, and counted as oversized."""
MAX_UNFINISHED = MAX_REPLY + 2 * MAX_HEAD
"""Bytes that are held of a frame whose end has not come, before it is looked at."""
OVERHEAD = 1024
"""Bytes that an item counts for while it waits, in addition to its content."""


class Event(t.NamedTuple):
    """Something that comes from the broker and is no message.

    :ivar kind: connected, oversized, receipt, error, or refused if the broker did not take a message to one
        node; the last event of a connection is disconnected, or overlong if we leave the broker because it sends a
        frame without end.
    :ivar headers: those that somebody looks at. An oversized message has ``sender`` if it names its sender, and
        what was refused has ``node``.
    :ivar size: bytes that it counts for while it waits.
    """

    kind: str
    body: bytes = b""
    headers: t.Mapping[str, str] = {}
    size: int = OVERHEAD


Item = t.Union[bytes, Event]
"""The body of a message, or an event."""


def weight(item: Item) -> int:
    """Return the bytes that an item counts for while it waits."""
    return OVERHEAD + len(item) if isinstance(item, bytes) else item.size


class Unfinished(t.NamedTuple):
    """A frame whose end has not come.

    :ivar start: where it begins.
    :ivar size: bytes of the whole frame; 0 if it does not tell.
    :ivar ends: what may end the part that has begun, if it does not tell its size. None of it has come.
    :ivar most: bytes that may come without an end: :data:`MAX_HEAD` in its head.
    :ivar dropped: True if it is too large. The protocol has made an item of it already.
    """

    start: int
    size: int
    ends: tuple[bytes, ...] = ()
    most: int = MAX_UNFINISHED
    dropped: bool = False


class Reader(abc.ABC):
    """Cuts a stream of bytes into items. It knows no socket.

    It holds at most :data:`MAX_REPLY` bytes and somewhat more of a frame whose end has not come. It looks again
    at such a frame only when the end may be there, and searches only new bytes for it, so that many small pieces
    take linear time.

    :ivar unfinished: bytes that have come of a frame whose end has not.
    """

    def __init__(self) -> None:
        self.unfinished = 0
        self._begun = bytearray()
        self._rest: Unfinished | None = None

    @abc.abstractmethod
    def cut(self, data: bytes, items: list[Item]) -> Unfinished | None:
        """Append the items of all complete frames. Return the frame that is not complete, if there is one."""

    @property
    def overlong(self) -> bool:
        """Return True if the broker has to be left because it sends something without end."""
        return self.unfinished > MAX_FRAME

    def feed(self, data: bytes) -> list[Item]:
        """Take the next bytes. Return the items that they complete."""
        rest = self._rest
        if rest is not None:
            self.unfinished += len(data)
            if not rest.dropped:
                self._begun += data
            if self._is_awaited(rest, data):
                return []
            if not rest.dropped:
                data = bytes(self._begun)
            elif rest.size:
                data = data[len(data) - (self.unfinished - rest.size) :]
            else:
                data = data.partition(rest.ends[0])[2]
        items: list[Item] = []
        self._rest = rest = self.cut(data, items)
        self._begun, self.unfinished = bytearray(), 0
        if rest is not None:
            self.unfinished = len(data) - rest.start
            if not rest.dropped:
                self._begun += data[rest.start :]
            if not rest.size and not rest.dropped and self.unfinished > rest.most:
                self.unfinished = MAX_FRAME + 1  # this is no frame
        return items

    def _is_awaited(self, rest: Unfinished, data: bytes) -> bool:
        """Return True if the end of a frame cannot have come with these bytes."""
        if rest.size:
            return self.unfinished < rest.size
        if rest.dropped:
            return rest.ends[0] not in data
        searched = len(self._begun) - len(data)
        return self.unfinished <= rest.most and all(
            self._begun.find(end, max(0, searched - len(end) + 1)) < 0 for end in rest.ends
        )
