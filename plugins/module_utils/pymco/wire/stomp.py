# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""STOMP without a socket: bytes to items, and frames to bytes.

stomp.py reads frames too, but takes many times as long. So messages are cut out here, and stomp.py reads all else
that a broker says. Tests compare the result with what stomp.py's parser makes of the same bytes.
"""

from __future__ import annotations

import re
import typing as t

from .event import MAX_HEAD, MAX_REPLY, OVERHEAD, Event, Item, Reader, Unfinished
from .library import Frame, convert_frame, parse_frame

MAX_WORDS = 4096
"""Bytes that are kept of what a broker itself says: of the body of an ERROR, and of each header."""

_KINDS = {"CONNECTED": "connected", "RECEIPT": "receipt", "ERROR": "error"}
_KEPT = frozenset(("heart-beat", "message", "receipt-id", "version"))
"""The headers that somebody looks at. A frame may have a million others."""
_MESSAGE = (b"MESSAGE\n", b"MESSAGE\r\n")
_OTHERS = tuple(map(str.encode, _KINDS))
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r?(?=\n)")
_HEAD_ENDS = (b"\n\n", b"\r\n\r\n", b"\0")
_FIRST = re.compile(rb"[^\r\n\0]")
_SENDER = re.compile(rb"\nmc_sender:([\w.\-]{1,255})\r?\n")


class FrameReader(Reader):
    """Cuts STOMP's frames out of a stream of bytes."""

    def cut(self, data: bytes, items: list[Item]) -> Unfinished | None:
        """See :meth:`.Reader.cut`."""
        position, come = 0, len(data)
        while True:
            first = _FIRST.search(data, position)
            if first is None:
                return None
            start = first.start()
            # A NUL ends a frame even if it has no body. Headers contain none.
            stop = data.find(b"\0", start)
            body = _head_end(data, start, come if stop < 0 else stop)
            size = 0
            if body < 0:
                if stop < 0:
                    return Unfinished(start, 0, _HEAD_ENDS, MAX_HEAD)
                body = stop
            elif (length := _LENGTH.search(data, start, body)) is not None:
                stop = body + int(length[1])
                size = stop + 1 - start
            if stop < 0 or stop >= come:
                large = max(stop, come) - body > MAX_REPLY
                if large:
                    _append(items, data, start, body, body + MAX_REPLY + 1)
                return Unfinished(start, size, (b"\0",), dropped=large)
            _append(items, data, start, body, stop)
            position = stop + 1


def _head_end(data: bytes, start: int, stop: int) -> int:
    """Return where the body of a frame begins; -1 if its head does not end before stop."""
    end = data.find(b"\n\n", start, stop)
    stop = stop if end < 0 else end + 1
    if data.find(b"\r", start, stop) >= 0 and (other := data.find(b"\r\n\r\n", start, stop)) >= 0:
        return other + 4
    return end if end < 0 else end + 2


def _append(items: list[Item], data: bytes, start: int, body: int, stop: int) -> None:
    """Append what a frame is, unless it is one that brokers do not send."""
    if data.startswith(_MESSAGE, start):
        if stop - body <= MAX_REPLY:
            items.append(data[body:stop])
        else:
            found = _SENDER.search(data, start, body)
            items.append(Event("oversized", headers={"sender": found[1].decode()} if found else {}))
    elif data.startswith(_OTHERS, start):
        frame: t.Any = parse_frame(data[start : min(stop, body + MAX_WORDS)])
        kind = None if frame is None else _KINDS.get(frame.cmd)
        if kind is not None:
            words, names = frame.body or b"", _KEPT & frame.headers.keys()
            headers = {name: frame.headers[name][:MAX_WORDS] for name in names}
            size = OVERHEAD + len(words) + sum(map(len, headers.values()))
            items.append(Event(kind, words, headers, size))


def frame(command: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a frame as bytes.

    :param headers: escaped already where the version of STOMP wants that.
    """
    return b"".join(convert_frame(Frame(command, headers, body)))
