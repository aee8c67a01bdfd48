# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process that is a fleet: ``python tests/testbed/choria_fleet/worker.py``, its settings on stdin."""

from __future__ import annotations

import json
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from testbed.choria_fleet import filters, lies
from testbed.choria_fleet.connection import BrokerGone, Connection, Files
from testbed.choria_fleet.documents import STAND_IN, Reply, Request, Template, Unacceptable
from testbed.choria_fleet.nodes import VARIANTS, delay, variant
from testbed.choria_fleet.version1 import Version1
from testbed.choria_fleet.version2 import Version2
from testbed.later import GOLDEN, Later

if t.TYPE_CHECKING:
    from testbed.choria_fleet.documents import Documents

AT_ONCE = 200
"""Replies that are written to the broker at once."""


@dataclass(frozen=True)
class Settings:
    """What a fleet needs to know.

    :ivar seed: of the issuer, in hex digits; empty: version 1.
    :ivar spread: seconds within which nodes answer a request to all.
    :ivar late: seconds that nodes of the lie "late" take.
    :ivar lies: by identity, what it sends in place of a reply to anything but discovery.
    """

    names: list[str]
    port: int
    files: dict[str, str]
    seed: str
    collective: str
    spread: float
    late: float
    lies: dict[str, str]


class Answers:
    """The nodes' answers to one request. Each different answer is made once, when it is needed."""

    def __init__(self, documents: Documents, request: Request, collective: str) -> None:
        self.request = request
        self._documents = documents
        self._collective = collective
        self._made: dict[int, Template | None] = {}

    def of(self, number: int, name: bytes) -> bytes | None:
        """Return a node's payload. None: the filter, apart from identities, does not fit it, or it is silent."""
        which = number % VARIANTS
        if which not in self._made:
            reply = self.reply(number, STAND_IN.decode())
            self._made[which] = None if reply is None else self._documents.template(reply)
        template = self._made[which]
        return None if template is None else template.of(name)

    def reply(self, number: int, name: str) -> Reply | None:
        """Return what a node replies, not yet wrapped."""
        request, node = self.request, variant(number % VARIANTS, self._collective)
        if request.agent not in node.agents or not filters.fits(node, request.filter):
            return None
        text = node.answer(request.agent, request.body)
        if text is None:
            return None
        return Reply(request.requestid, name, request.agent, text, time.time())


class Worker:
    """Answers requests for all nodes of a fleet."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._documents: Documents = _documents(settings)
        self._numbers = {name: number for number, name in enumerate(settings.names)}
        self._encoded = [name.encode() for name in settings.names]
        self._later = Later()
        self._latest: bytes | None = None
        self._opened: tuple[Answers, t.Collection[int]] | None = None
        collective = settings.collective
        self._directed = f"{collective}.node.".encode()
        subjects = [f"{collective}.broadcast.agent.>", f"{collective}.node.>"]
        self._connection = Connection(settings.port, Files(**settings.files), subjects)

    def run(self) -> None:
        """Answer until the broker is gone."""
        while True:
            message = self._connection.poll(self._later.left(time.monotonic()))
            if message is not None:
                self._answer(*message)
            if due := self._later.due(time.monotonic()):
                self._connection.send(due)

    def _answer(self, subject: bytes, payload: bytes) -> None:
        try:
            answers, numbers = self._read(payload)
        except Unacceptable as error:
            print(f"dropped what came by {subject.decode()}: {error}", file=sys.stderr)
            return
        if subject.startswith(self._directed):
            number = self._numbers.get(subject[len(self._directed) :].decode())
            numbers = [number] if number is not None and number in numbers else []
        self._send(numbers, answers)

    def _read(self, payload: bytes) -> tuple[Answers, t.Collection[int]]:
        """Return a request's answers, and the nodes that it is for. Many single nodes get the same request."""
        if self._opened is None or self._latest != payload:
            request = self._documents.open(payload)
            if request.collective != self._settings.collective:
                raise Unacceptable(f"not in the collective {request.collective}")
            found = filters.fitting(self._settings.names, request.filter["identity"])
            answers = Answers(self._documents, request, self._settings.collective)
            self._opened = answers, dict.fromkeys(self._numbers[name] for name in found)
            self._latest = payload
        return self._opened

    def _send(self, numbers: t.Collection[int], answers: Answers) -> None:
        """Send what these nodes answer, now or when it is time."""
        head = f"PUB {answers.request.reply_to} ".encode()
        spread = self._settings.spread if len(numbers) > 1 else 0.0
        wait = delay(answers.request.agent, answers.request.body)
        now, pending = time.monotonic(), []
        for number in numbers:
            data = self._commands(head, number, answers)
            late = wait + spread * (number * GOLDEN % 1) + self._late(number, answers)
            if late:
                self._later.add(now + late, data)
            elif data:
                pending.append(data)
            if len(pending) == AT_ONCE:
                self._connection.send(b"".join(pending))
                pending.clear()
        self._connection.send(b"".join(pending))

    def _commands(self, head: bytes, number: int, answers: Answers) -> bytes:
        """Return the PUB commands of a node."""
        lie = self._lie(number, answers)
        if lie in ("", "late"):
            payload = answers.of(number, self._encoded[number])
            return b"" if payload is None else b"%s%d\r\n%s\r\n" % (head, len(payload), payload)
        reply = answers.reply(number, self._settings.names[number])
        found = [] if reply is None else lies.payloads(lie, lies.Truth(self._documents, reply))
        return b"".join(b"%s%d\r\n%s\r\n" % (head, len(one), one) for one in found)

    def _lie(self, number: int, answers: Answers) -> str:
        if not self._settings.lies or answers.request.agent == "discovery":
            return ""
        return self._settings.lies.get(self._settings.names[number], "")

    def _late(self, number: int, answers: Answers) -> float:
        return self._settings.late if self._lie(number, answers) == "late" else 0.0


def _documents(settings: Settings) -> Documents:
    if not settings.seed:
        return Version1(Path(settings.files["ca"]))
    found = Version2(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(settings.seed)))
    for name in settings.names:
        found.signer(name.encode())
    return found


def main() -> None:
    """Be a fleet until the broker or the starter ends it."""
    worker = Worker(Settings(**json.loads(sys.stdin.readline())))
    print("ready", flush=True)
    try:
        worker.run()
    except BrokerGone as error:
        sys.exit(f"the fleet's nodes are gone: {error}")


if __name__ == "__main__":
    main()
