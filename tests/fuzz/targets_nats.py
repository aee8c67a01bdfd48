# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a NATS server says: in pieces of any size it is the same, and through a session on a real socket each message is
a payload or an error that is documented. The end of the connection is always noticed.

An input is a byte and what the server says; the byte's bits choose how.
"""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import network
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.event import Item
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.nats import LineReader
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.nats_session import (
    Login,
    Session,
)

from .mutation import NUMBERS, Mutator
from .target import Target
from .targets_frames import CHUNKS, PATIENCE, Broker, listen
from .targets_serializers import wording

if t.TYPE_CHECKING:
    import random

ANSWERED = 2
"""The bit that makes the server first let us log in as it should."""
INFO = b'INFO {"server_id":"X","version":"2.9.10","proto":1,"max_payload":1048576,"nonce":"abc_-9"}\r\n'
WORDS = [
    *(
        b"MSG ",
        b"HMSG ",
        b"INFO ",
        b"PING\r\n",
        b"PONG\r\n",
        b"+OK\r\n",
        b"-ERR '",
        b"MSG\t",
        b"msg ",
    ),
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b"  ", b"a.b", b"*", b">", b"\0", b"\xff", b"'\r\n"),
    *(b"MSG a 1 5\r\nhello\r\n", b"MSG a 1 0\r\n\r\n", b"MSG a 1 b 3\r\nabc\r\n", INFO),
    *(b'"ldm":true', b'"max_payload":', b'"nonce":', b'"tls_required":true', b"{", b"}", b"["),
    *(b"MSG a 1 " + number + b"\r\n" for number in NUMBERS),
]


def message(body: bytes) -> bytes:
    """A message as a server delivers it."""
    return b"MSG mcollective.reply.x 7 %d\r\n%b\r\n" % (len(body), body)


SEEDS = [
    INFO + b"PONG\r\n" + message(b"x"),
    message(b"payload \r\n of \xff bytes" * 4) + message(b"") + b"PING\r\n" + message(b"text"),
    b"MSG a 1 reply.to 4\r\n\r\n\r\n\r\nHMSG a 1 12 15\r\nNATS/1.0\r\n\r\nabc\r\n+OK\r\n",
    message(b"x" * 5000) + b"-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n",
    b"-ERR 'Authorization Violation'\r\n",
    b"PONG\r\nPONG\r\nmsg\ta  1 \t3\r\nabc\r\n-ERR 'Slow Consumer'\r\n" + INFO,
    INFO[:-3] + b',"ldm":true}\r\n' + message(b"y"),
]


class NatsTarget(Target):
    """Lines and messages of NATS."""

    def __init__(self) -> None:
        self._broker = Broker(begins=True)
        self._mutator = Mutator(WORDS)
        self._pool = pool.Broker("127.0.0.1", self._broker.port, "", "")
        self._login = Login("me", token="t", answer=self._sign)

    def _sign(self, nonce: str) -> str:
        assert len(nonce) <= 64, "a long text is signed"
        assert nonce.isascii() and not set(nonce) & set(
            ' {}.:,"\n'
        ), "a text that is no nonce is signed"
        return "signed"

    def memory(self, size: int) -> int:
        """The messages, parts of them, and what was read at once."""
        return 2**20 + 64 * size

    def seeds(self) -> t.Iterable[bytes]:
        """All that a server says."""
        for number, seed in enumerate(SEEDS):
            for how in (ANSWERED, 0):
                yield bytes([how | (number % len(CHUNKS)) << 2]) + seed

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Return changed lines that are read in pieces of any size."""
        size, how = chance.randrange(len(CHUNKS)) << 2, chance.choice((ANSWERED, ANSWERED, 0))
        if chance.random() < 0.002:
            pump = chance.choice((b"PING\r\n", b"+OK\r\n", b"MSG a 1 0\r\n\r\n", b"x", b" ", INFO))
            begin = chance.choice((b"", b"INFO ", b"MSG a 1 400000\r\n", b"-ERR '"))
            return bytes([how | 7 << 2]) + begin + pump * (500_000 // len(pump))
        return bytes([how | size]) + self._mutator.change(chance, [seed[1:] for seed in corpus])

    def run(self, payload: bytes) -> str:
        """Read it in two ways, then log in, and take all messages."""
        how = payload[0] if payload else 0
        said = payload[1:]
        network.CHUNK = CHUNKS[how >> 2 & 7] if len(payload) < 20_000 else 65536
        assert _read(said, network.CHUNK) == _read(said, 65536), "other pieces, other items"
        self._broker.words = (INFO + b"PONG\r\n" if how & ANSWERED else b"") + said
        try:
            session = Session.open(self._pool, self._login, PATIENCE)
        except exc.ConnectorError as error:
            return f"refused {wording(error)}"
        try:
            return listen(session.next_message)
        finally:
            session.close()


def _read(data: bytes, size: int) -> tuple[list[Item], tuple[object, ...]]:
    """Return the items, and what is counted, if the bytes come in pieces of a size."""
    reader = LineReader()
    items: list[Item] = []
    for start in range(0, len(data), size):
        items += reader.feed(data[start : start + size])
    return items, (reader.pings, reader.pongs, reader.infos, reader.info, reader.unfinished)
