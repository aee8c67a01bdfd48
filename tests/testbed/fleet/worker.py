# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that is a fleet: ``python tests/testbed/fleet/worker.py``, its settings on stdin."""

from __future__ import annotations

import json
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from testbed.embedded.security import NodeSecurity, Unacceptable
from testbed.fleet.replies import Answers, Names, Replies
from testbed.keys import KeyPair
from testbed.later import GOLDEN, Later
from testbed.real.stomp import Connection, Frame, StompError

AT_ONCE = 200
"""Replies that are written to the broker at once."""


@dataclass(frozen=True)
class Settings:
    """What a fleet needs to know.

    :ivar spread: seconds within which nodes answer a request to all.
    :ivar silent: how many nodes answer to discovery and to nothing else: the last ones.
    :ivar pairs: the files of the key pairs of the nodes and of the client, if they need any.
    :ivar broadcasts: the destinations of requests to all.
    :ivar directed: where requests to single nodes arrive, without the node's name.
    """

    count: int
    spread: float
    silent: int
    security: str
    psk: str
    pairs: list[tuple[str, str]]
    port: int
    vhost: str
    user: str
    password: str
    broadcasts: list[str]
    directed: str


class Worker:
    """Answers requests for all nodes of a fleet."""

    def __init__(self, settings: Settings) -> None:
        pairs = (KeyPair(*map(Path, pair)) for pair in settings.pairs)
        self._keys = NodeSecurity(settings.security, settings.psk, *pairs)
        self._replies = Replies(settings.security, self._keys)
        self._names = Names(settings.count)
        self._settings = settings
        self._later = Later()
        self._latest = b""
        self._opened: tuple[Answers, t.Collection[int]] | None = None
        self._connection = Connection(
            settings.port, settings.vhost, settings.user, settings.password, timeout=60
        )
        for destination in (*settings.broadcasts, f"{settings.directed}/#"):
            self._connection.subscribe(destination)

    def run(self) -> None:
        """Answer until the broker is gone."""
        while True:
            frame = self._connection.poll(self._later.left(time.monotonic()))
            if frame is not None:
                self._answer(frame)
            if due := self._later.due(time.monotonic()):
                self._connection.send_raw(due)

    def _answer(self, frame: Frame) -> None:
        try:
            answers, numbers = self._read(frame.body)
        except Unacceptable:
            return
        place, _slash, name = frame.headers.get("destination", "").rpartition("/")
        if place == self._settings.directed:
            number = self._names.number(name)
            numbers = [number] if number is not None and number in numbers else []
        replies = self._frames(numbers, answers, frame.headers["reply-to"])
        if self._settings.spread and len(numbers) > 1:
            self._spread(replies)
        else:
            self._send(replies)

    def _read(self, payload: bytes) -> tuple[Answers, t.Collection[int]]:
        """Return a request's answers, and the names that it is for. Many single nodes get the same request."""
        if self._opened is None or self._latest != payload:
            request = self._keys.open(payload)
            self._opened = Answers(self._replies, request), self._loud(request)
            self._latest = payload
        return self._opened

    def _loud(self, request: dict[str, t.Any]) -> t.Collection[int]:
        fitting = self._names.fitting(request[":filter"].get("identity") or [])
        loud = self._settings.count - self._settings.silent
        if request[":agent"] == "discovery" or loud == self._settings.count:
            return fitting
        return dict.fromkeys(number for number in fitting if number < loud)

    def _frames(
        self, numbers: t.Collection[int], answers: Answers, reply_to: str
    ) -> t.Iterator[tuple[int, bytes]]:
        """Return the SEND frames of these nodes."""
        head = b"SEND\ndestination:%s\ncontent-length:" % reply_to.encode()
        for number in numbers:
            payload = answers.of(number, self._names.encoded[number])
            if payload is not None:
                yield number, b"%s%d\n\n%s\0" % (head, len(payload), payload)

    def _spread(self, replies: t.Iterable[tuple[int, bytes]]) -> None:
        now = time.monotonic()
        for number, data in replies:
            self._later.add(now + self._settings.spread * (number * GOLDEN % 1), data)

    def _send(self, replies: t.Iterable[tuple[int, bytes]]) -> None:
        pending = []
        for _number, data in replies:
            pending.append(data)
            if len(pending) == AT_ONCE:
                self._connection.send_raw(b"".join(pending))
                pending.clear()
        self._connection.send_raw(b"".join(pending))


def main() -> None:
    """Be a fleet until the broker or the starter ends it."""
    worker = Worker(Settings(**json.loads(sys.stdin.readline())))
    print("ready", flush=True)
    try:
        worker.run()
    except StompError as error:
        sys.exit(f"the fleet's nodes are gone: {error}")


if __name__ == "__main__":
    main()
