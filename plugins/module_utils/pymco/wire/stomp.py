# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""STOMP without a socket: bytes to events, and frames to bytes.

stomp.py reads frames too, in seven times the time, which at ten thousand replies is a third of a second.
So messages are cut out here, and whatever else a broker says is left to stomp.py. Tests hold this to what
stomp.py's parser makes of the same bytes.
"""

from __future__ import annotations

import re
import typing as t

from .event import OVERHEAD, Event
from .library import Frame, convert_frame, parse_frame

MAX_FRAME = 64 * 2**20
"""Bytes. A broker that sends a longer frame is left."""
MAX_HEAD = 2**20
"""Bytes that the headers of a frame may have."""
MAX_REPLY = 16 * 2**20
"""Bytes. A larger message is dropped, and counted as oversized."""
MAX_WORDS = 4096
"""Bytes of what a broker says itself (the body of an ERROR, each header) that are kept."""

_KINDS = {"CONNECTED": "connected", "RECEIPT": "receipt", "ERROR": "error"}
_KEPT = frozenset(("heart-beat", "message", "receipt-id", "version"))
"""The headers that somebody looks at. A frame may have a million others."""
_HEAD_END = re.compile(rb"\n\n|\r\n\r\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r?(?=\n)")
_FIRST = re.compile(rb"[^\r\n]")
_MESSAGE = re.compile(rb"MESSAGE\r?\n")
_NONE: t.Mapping[str, str] = {}
_SENDER = re.compile(rb"\nmc_sender:([\w.\-]{1,255})\r?\n")


class FrameReader:
    """Cuts a stream of bytes into events. It holds at most :data:`MAX_REPLY` bytes and somewhat more of a
    frame whose end has not come.

    :ivar unfinished: bytes that have come of a frame whose end has not.
    """

    def __init__(self) -> None:
        self.unfinished = 0
        self._parts: list[bytes] = []
        self._wanted, self._ends = 0, b""
        self._dropping: int | None = None

    @property
    def overlong(self) -> bool:
        """Whether the broker has to be left, since what it sends has no end."""
        return self.unfinished > MAX_FRAME

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes. Returns the events that they complete."""
        if self._dropping is not None:
            data = self._behind_dropped(data)
        if self._parts:
            self._parts.append(data)
            self.unfinished += len(data)
            if self._still_waits(data):
                return []
            data = b"".join(self._parts)
            self._parts = []
        events: list[Event] = []
        rest = self._cut(data, events)
        if self._dropping is not None:
            return events
        self.unfinished = len(rest)
        if rest:
            self._parts = [rest]
        if not self._wanted and self._ends == b"\n" and len(rest) > MAX_HEAD:
            self.unfinished = MAX_FRAME + 1  # this is no frame
        return events

    def _still_waits(self, data: bytes) -> bool:
        """Whether the frame that has begun cannot be complete yet, so that nothing is joined and
        looked through again and again."""
        if self._wanted:
            return self.unfinished < self._wanted
        return self._ends not in data and self.unfinished <= MAX_REPLY + 2 * MAX_HEAD

    def _behind_dropped(self, data: bytes) -> bytes:
        """Return the bytes behind the frame that is being dropped."""
        missing = t.cast(int, self._dropping)
        stop = missing if missing else data.find(b"\0") + 1
        if missing > len(data) or not stop:
            self._dropping = max(missing - len(data), 0)
            self.unfinished += len(data)
            return b""
        self._dropping, self.unfinished = None, 0
        return data[stop:]

    def _cut(self, data: bytes, events: list[Event]) -> bytes:
        """Take all frames that are complete; returns what is left. A frame that is too large is taken as
        soon as that is known, and the rest of it dropped."""
        position = 0
        while True:
            first = _FIRST.search(data, position)
            if first is None:
                return b""
            start = first.start()
            # A NUL ends a frame also where it has no body; headers have none.
            stop = body = data.find(b"\0", start)
            head = _HEAD_END.search(data, start, stop if stop >= 0 else len(data))
            if head is not None:
                body = head.end()
                stop = self._end(data, start, head)
            if stop < 0:
                if head is None:
                    self._wanted, self._ends = 0, b"\n"
                elif max(self._wanted - 1 - (body - start), len(data) - body) > MAX_REPLY:
                    missing = self._wanted - (len(data) - start) if self._wanted else 0
                    self._dropping, self.unfinished = missing, len(data) - start
                    events.extend(_event(data, start, body, body + MAX_REPLY + 1))
                return data[start:]
            events.extend(_event(data, start, body, stop))
            position = stop + 1

    def _end(self, data: bytes, start: int, head: re.Match[bytes]) -> int:
        """Where the NUL behind a frame's body is; -1 if it has not come."""
        length = _LENGTH.search(data, start, head.end())
        if length is None:
            self._wanted, self._ends = 0, b"\0"
            return data.find(b"\0", head.end())
        stop = head.end() + int(length[1])
        self._wanted = stop + 1 - start
        return stop if stop < len(data) else -1


def _event(data: bytes, start: int, body: int, stop: int) -> t.Iterator[Event]:
    """The event that a frame is, if it is one that brokers send."""
    size = stop - body
    if _MESSAGE.match(data, start):
        if size <= MAX_REPLY:
            yield Event("message", data[body:stop], _NONE, OVERHEAD + size)
        else:
            sender = _SENDER.search(data, start, body)
            yield Event("oversized", headers={"mc_sender": sender[1].decode()} if sender else {})
        return
    if stop == start:
        return
    frame: t.Any = parse_frame(data[start : min(stop, body + MAX_WORDS)])
    kind = None if frame is None else _KINDS.get(frame.cmd)
    if kind is None:
        return
    words = frame.body or b""
    headers = {name: frame.headers[name][:MAX_WORDS] for name in _KEPT & frame.headers.keys()}
    yield Event(kind, words, headers, OVERHEAD + len(words) + sum(map(len, headers.values())))


def frame(command: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a frame on the wire.

    :param headers: as they have to be there, escaped where the version of STOMP wants that.
    """
    return b"".join(convert_frame(Frame(command, headers, body)))
