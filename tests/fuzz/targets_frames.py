# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a broker says, through a connector on a real socket: each message is a payload or an error that is
documented, and the end of the connection is always noticed.

An input is a byte and what the broker says; the byte's bits choose how.
"""

from __future__ import annotations

import base64
import socket
import threading
import time
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import network

from .mutation import NUMBERS, Mutator
from .target import Target
from .targets_serializers import wording

if t.TYPE_CHECKING:
    import random

BASE64 = 1
"""The bit that makes the connector take messages as Base64."""
ANSWERED = 2
"""The bit that makes the broker first answer CONNECT as it should."""
CHUNKS = (1, 2, 3, 13, 100, 1000, 4096, 65536)
"""Bytes that are read at once; three bits of the first byte choose."""
PATIENCE = 5.0
"""Seconds to wait for each event; the broker has said all before, so nothing ever takes so long."""

CONNECTED = b"CONNECTED\nversion:1.1\nserver:x\nheart-beat:0,0\n\n\0"
BODY = base64.encodebytes(b"payload \0 of \xff bytes" * 4)
WORDS = [
    *(
        b"CONNECTED",
        b"MESSAGE",
        b"RECEIPT",
        b"ERROR",
        b"\n",
        b"\n\n",
        b"\r\n",
        b"\0",
        b"\0\n",
        b":",
    ),
    *(
        b"content-length:",
        b"receipt-id:",
        b"message:",
        b"heart-beat:",
        b"version:",
        b"subscription:",
    ),
    *(
        b"\\n",
        b"\\c",
        b"\\\\",
        b"\\x",
        b"\xff",
        b"\xc3\xa9",
        b"1.0",
        b"1.1",
        b"1.2",
        b"0,0",
        b"1,1",
    ),
    *(
        b"content-length:5\n",
        b"content-length:0\n",
        b"content-length:-1\n",
        b"content-type:text/plain\n",
    ),
    *(b"content-length:" + number + b"\n" for number in NUMBERS),
]


def message(body: bytes, **headers: str) -> bytes:
    """A MESSAGE frame."""
    lines = "".join(f"{name.replace('_', '-')}:{value}\n" for name, value in headers.items())
    return b"MESSAGE\nsubscription:a\nmessage-id:1\n" + lines.encode() + b"\n" + body + b"\0"


SEEDS = [
    CONNECTED,
    CONNECTED + message(BODY) + message(b"text"),
    message(b"\0\0\0", content_length="3") + b"\n" + message(BODY, content_length=str(len(BODY))),
    message(BODY * 50) + b"RECEIPT\nreceipt-id:77\n\n\0\n\n\n" + message(b""),
    b"ERROR\nmessage:Bad CONNECT\ncontent-type:text/plain\n\nAccess refused\n\0",
    message(b"x", destination="/temp-queue/a\\cb", priority="4") + b"ERROR\nmessage:x\n\n\0",
    b"\n\n\n" + message(b"Processing error") + b"\n",
]


class Broker:
    """Sends its data to every client that connects, and closes.

    :param begins: True: it does not wait for a frame of the client.
    """

    def __init__(self, begins: bool = False) -> None:
        self.words, self._begins = b"", begins
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            client, _address = self._socket.accept()
            with client:
                try:
                    while not self._begins and not client.recv(4096).endswith(b"\0"):
                        pass
                    client.sendall(self.words)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
                except OSError:
                    continue


class FramesTarget(Target):
    """Frames, and the bytes around them."""

    def __init__(self) -> None:
        self._broker = Broker()
        self._mutator = Mutator(WORDS)
        self._threads = threading.active_count()
        self._configs = [self._config("0"), self._config("1")]

    def _config(self, base64_: str) -> Config:
        return Config(
            {
                "identity": "me",
                "connector": "rabbitmq",
                "plugin.rabbitmq.base64": base64_,
                "plugin.rabbitmq.pool.size": "1",
                "plugin.rabbitmq.pool.1.host": "127.0.0.1",
                "plugin.rabbitmq.pool.1.port": str(self._broker.port),
            }
        )

    def memory(self, size: int) -> int:
        """The frame, parts of it, and what was read at once."""
        return 2**20 + 16 * size

    def seeds(self) -> t.Iterable[bytes]:
        """All kinds of frames."""
        for number, seed in enumerate(SEEDS):
            for how in (ANSWERED, ANSWERED | BASE64, 0):
                yield bytes([how | (number % len(CHUNKS)) << 2]) + seed

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Return changed frames that are read in pieces of any size."""
        size = chance.randrange(len(CHUNKS)) << 2
        how = chance.choice((ANSWERED, ANSWERED, ANSWERED | BASE64, 0, BASE64))
        if chance.random() < 0.002:
            pump = chance.choice((b"\0", b"\n", b"A\n\n\0", b"x", b"a:b\n", message(b""), b"\\n"))
            return bytes([how | 7 << 2]) + b"MESSAGE\n" + pump * (500_000 // len(pump))
        return bytes([how | size]) + self._mutator.change(chance, [seed[1:] for seed in corpus])

    def run(self, payload: bytes) -> str:
        """Connect, and take all messages."""
        how = payload[0] if payload else 0
        network.CHUNK = CHUNKS[how >> 2 & 7] if len(payload) < 20_000 else 65536
        self._broker.words = (CONNECTED if how & ANSWERED else b"") + payload[1:]
        connection = middleware(self._configs[how & BASE64])
        try:
            connection.connect(timeout=PATIENCE)
            outcome = listen(connection.next_payload)
        except exc.ConnectorError as error:
            outcome = f"refused {wording(error)}"
        finally:
            connection.disconnect()
        assert threading.active_count() <= self._threads, "a thread is left behind"
        return outcome


def listen(take: t.Callable[[float], bytes | None]) -> str:
    """Take all that comes until the connection ends. Return what it was."""
    kinds = set()
    for _message in range(1_000_000):
        start = time.monotonic()
        try:
            payload = take(PATIENCE)
        except exc.DecodingError as error:
            kinds.add(wording(error))
            continue
        except exc.ConnectorError as error:
            kinds.add(wording(error))
            break
        if payload is None:
            assert time.monotonic() - start < PATIENCE, "the connection's end was not noticed"
        kinds.add(type(payload).__name__)
    return f"accepted {sorted(kinds)}"
