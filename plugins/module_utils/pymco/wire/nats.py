# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""NATS without a socket: bytes to items, and operations to bytes.

A server sends lines that end with CRLF. Only a message has more: its line ends with the size of the body that
follows, and the body has a CRLF of its own (NATS documentation: reference, client protocol).
"""

from __future__ import annotations

import json
import re
import typing as t

from .. import exc, json_text
from .event import MAX_HEAD, MAX_REPLY, OVERHEAD, Event, Item, Reader, Unfinished

MAX_INFO = 2**18
"""Bytes of an INFO. It lists the addresses of the whole cluster."""
MAX_WORDS = 4096
"""Bytes that are kept of what a broker complains of."""
END = b"\r\n"
PING, PONG = b"PING\r\n", b"PONG\r\n"
_REFUSED = re.compile(rb'permissions violation for publish to "([^"]*)"', re.IGNORECASE)
"""How a broker complains of a message that we may not send, with its subject (Go: nats-server, client.go)."""
_MOST_DIGITS = 15
"""Digits of a size. A larger one has no end that we would wait for."""
_TOKEN = r"[^.*>\s\x00-\x20\x7f]+"
_SUBJECT = re.compile(rf"{_TOKEN}(?:\.{_TOKEN})*")


class LineReader(Reader):
    """Cuts NATS's lines and messages out of a stream of bytes.

    Items are messages, complaints, and the event "garbled" if the stream is not NATS, after which nothing more is
    read. All else needs no turn, and is only counted.

    :param node_of: returns the node that has a subject; None if the subject is not that of one node.
    :ivar pings: how many PING have come.
    :ivar pongs: how many PONG.
    :ivar infos: how many INFO.
    :ivar info: the text of the last INFO; None if none has come, or if it was too long.
    """

    def __init__(self, node_of: t.Callable[[str], str | None] = lambda subject: None) -> None:
        super().__init__()
        self._node_of = node_of
        self.pings = self.pongs = self.infos = 0
        self.info: bytes | None = None
        self._garbled = False

    def cut(self, data: bytes, items: list[Item]) -> Unfinished | None:
        """See :meth:`.Reader.cut`."""
        position, come, find, append = 0, len(data), data.find, items.append
        while position < come and not self._garbled:
            body = find(b"\n", position) + 1
            if not body:
                return Unfinished(position, 0, (b"\n",), MAX_HEAD)
            skipped = 0
            if data.startswith(b"MSG ", position) and data.startswith(END, body - 2):
                digits = data[data.rfind(b" ", position, body) + 1 : body - 2]
            else:
                sizes = self._line(data[position:body], items)
                if sizes is None:
                    position = body
                    continue
                digits, skipped = sizes
            if not digits.isdigit() or len(digits) > _MOST_DIGITS:
                self._give_up(items)
                return None
            stop = body + int(digits)
            large = stop - body - skipped > MAX_REPLY or skipped > MAX_HEAD
            if stop + 2 > come:
                if large:
                    append(Event("oversized"))
                return Unfinished(position, stop + 2 - position, dropped=large)
            if large:
                append(Event("oversized"))
            elif data.startswith(END, stop) and stop >= body + skipped:
                append(data[body + skipped : stop])
            else:
                self._give_up(items)
            position = stop + 2
        return None

    def _line(self, line: bytes, items: list[Item]) -> tuple[bytes, int] | None:
        """Take a line that does not begin as messages usually do.

        :returns: if the line begins a message, the size of the body that follows, as it is written, and how many
            bytes of it are a head.
        """
        word, rest = [*line.strip().split(None, 1), b"", b""][:2]
        word = word.upper()
        if word == b"PING":
            self.pings += 1
        elif word == b"PONG":
            self.pongs += 1
        elif word == b"INFO":
            self.infos += 1
            self.info = rest if len(rest) <= MAX_INFO else None
        elif word == b"-ERR":
            items.append(self._complaint(rest[:MAX_WORDS]))
        elif word in (b"MSG", b"HMSG"):
            return self._sizes(rest.split(), word == b"HMSG", items)
        elif word != b"+OK":
            self._give_up(items)
        return None

    def _complaint(self, words: bytes) -> Event:
        """Return the event of a complaint. What is refused for one node says nothing about the connection."""
        found = _REFUSED.search(words)
        node = self._node_of(found[1].decode("utf-8", "replace")) if found else None
        size = OVERHEAD + len(words)
        if node is None:
            return Event("error", words, size=size)
        return Event("refused", words, {"node": node}, size)

    def _sizes(
        self, words: list[bytes], headed: bool, items: list[Item]
    ) -> tuple[bytes, int] | None:
        """Return the sizes with which the line of a message ends. With headers it has one more: theirs."""
        head = words[-2] if headed and len(words) > 3 else b"0"
        if len(words) < 3 + headed or not head.isdigit() or len(head) > _MOST_DIGITS:
            self._give_up(items)
            return None
        return words[-1], int(head)

    def _give_up(self, items: list[Item]) -> None:
        self._garbled = True
        items.append(Event("garbled"))


class Info(t.NamedTuple):
    """What a broker says of itself.

    :ivar tls: it takes TLS.
    :ivar tls_required: it takes nothing else.
    :ivar max_payload: bytes that a message may have; None: it does not say.
    :ivar nonce: what it wants signed at the login; empty: nothing.
    :ivar leaving: it will close its connections soon, "lame duck mode".
    """

    tls: bool = False
    tls_required: bool = False
    max_payload: int | None = None
    nonce: str = ""
    leaving: bool = False


def read_info(text: bytes) -> Info:
    """Return what an INFO says. A value of a wrong type counts as left out.

    :raises exc.DecodingError: it is not a JSON object.
    """
    found = json_text.read(text)
    if not isinstance(found, dict):
        raise exc.DecodingError("it is not an object")
    size, nonce = found.get("max_payload"), found.get("nonce")
    required = found.get("tls_required") is True
    return Info(
        tls=required or found.get("tls_available") is True,
        tls_required=required,
        max_payload=size if isinstance(size, int) and size > 0 and size is not True else None,
        nonce=nonce if isinstance(nonce, str) else "",
        leaving=found.get("ldm") is True,
    )


def connect(options: t.Mapping[str, t.Any]) -> bytes:
    """Return the operation that logs in."""
    return b"CONNECT " + json.dumps(options, separators=(",", ":")).encode() + END


def publish(subject: str, body: bytes) -> bytes:
    """Return the operation that sends a message."""
    return b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(body), body)


def subscribe(subject: str, subscription: str) -> bytes:
    """Return the operation that has a subject's messages delivered."""
    return f"SUB {subject} {subscription}\r\n".encode()


def unsubscribe(subscription: str) -> bytes:
    """Return the operation that has them delivered no more."""
    return f"UNSUB {subscription}\r\n".encode()


def is_subject(text: str) -> bool:
    """Return True if a text is the subject of a single message: tokens with dots between, without wildcards,
    blanks or control characters."""
    return _SUBJECT.fullmatch(text) is not None
