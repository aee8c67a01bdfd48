# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cells of the matrix: each tries a broker's behaviour in a phase with a command, and checks the outcome."""

from __future__ import annotations

import concurrent.futures
import contextlib
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.pymco.mcollective.tests.faults import nats, phases
from ansible_collections.pymco.mcollective.tests.faults.behaviours import (
    BEHAVIOURS,
    STUCK,
    Behaviour,
    Expected,
    drain,
    refuse,
)
from ansible_collections.pymco.mcollective.tests.faults.client import MIB, Client, Seen
from ansible_collections.pymco.mcollective.tests.faults.commands import (
    COMMANDS,
    Command,
    Ending,
    judge,
)
from ansible_collections.pymco.mcollective.tests.faults.phases import (
    LISTENING,
    LOGIN,
    PHASES,
    Phase,
    Scene,
)
from ansible_collections.pymco.mcollective.tests.faults.wrong import DeafBroker, Wrong, WrongBroker
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    closed_port,
)

if t.TYPE_CHECKING:
    import ssl

    from ansible_collections.pymco.mcollective.tests.testbed.certificates import Certificate

SHORT = 2.0
"""Seconds of each timeout that has to pass. An honest broker needs milliseconds; the machine may be busy."""
SIGNING = 6.0
"""The same, where a large request has to be signed first, and many are at once."""
AMPLE = 20.0
"""Seconds of each timeout that must not pass."""
ENDED = re.compile("closed the connection during|refused the login")
"""Fits what is told of brokers that end the login."""
GRACE = 5.0
"""Seconds beyond its timeouts in which a call must have ended."""
HUNG = 60.0
"""Seconds beyond them after which it is killed; a machine that is busy with other things may be the cause."""
MACHINE = 1.0
"""Seconds that are the machine's."""
MOST_MEMORY = 128 * MIB
"""Bytes by which a call may grow, its own request aside."""
AT_ONCE = {False: 24, True: 8}
"""How many cells are tried at the same time: those that only wait, and those that keep a processor busy."""
COPIES = 6
"""How often a request may be in memory: as an option, as text, as its body, signed, and framed."""


@dataclass(frozen=True)
class Cell:
    """One place of the matrix."""

    behaviour: Behaviour
    phase: Phase
    command: Command

    def __str__(self) -> str:
        return f"{self.behaviour.name}/{self.phase.name}/{self.command.name}"

    @property
    def expected(self) -> Expected:
        """How the call must end."""
        found = self.behaviour.expected[self.phase]
        if not self.phase.grown or found.ending is Ending.UNSENT:
            return found
        # The broker takes the request. On a busy machine that may last as long as there is to send it.
        if not self.command.awaits:
            late = next(at for phase, at in self.behaviour.expected.items() if phase.confirms)
            return Expected(Ending.UNCONFIRMED, f"{late.words}|{STUCK}")
        if self.command.discovers:
            words = f"{found.words}|{STUCK}" if found.words else STUCK
            return Expected(Ending.SILENT_OR_LOST, words)
        return found

    @property
    def patience(self) -> float:
        """The seconds of each of the client's timeouts after it has connected."""
        if self.phase.connects or not self.phase.waits:
            return AMPLE
        # To sign a large request of Choria takes its time, which the time for sending includes.
        return SIGNING if self.phase.grown and self.phase.connector == "nats" else SHORT

    @property
    def to_connect(self) -> float:
        """Seconds of the client's time for connecting. A broker that goes away ends it at once, and many are at once."""
        if not self.phase.connects:
            return AMPLE
        return SIGNING if ENDED.search(self.expected.words) else SHORT

    @property
    def to_send(self) -> float:
        """Seconds of the client's time for sending."""
        taken = self.phase.grown and self.expected.ending is not Ending.UNSENT
        return AMPLE if taken and self.command.awaits else self.patience

    @property
    def seconds(self) -> float:
        """Seconds that all timeouts together allow."""
        if self.phase.connects:
            return SHORT
        sending = self.to_send if self.phase.grown else SHORT
        waiting = min(self.patience, SIGNING) if self.phase.grown else SHORT
        return (sending + waiting) * len(self.command.steps)

    @property
    def host(self) -> str:
        """The broker's host name, which its certificate must contain."""
        return "localhost" if self.phase.tls else "127.0.0.1"


def no_meaning(behaviour: Behaviour, phase: Phase, command: Command) -> str | None:
    """Return why a combination is not in the matrix, or None if it is."""
    if not command.awaits and phase in (phases.SUBSCRIBE, *LISTENING):
        return "a call without replies does not subscribe and does not listen"
    if command.awaits and phase is phases.RECEIPT:
        return "who waits for replies asks for no receipt"
    if command.reconnects and phase is phases.DISCONNECT:
        return "its further questions go over connections of their own, which this broker does not take"
    if phase.grown and command.grown is None:
        return "the request is so small that it leaves whether the broker reads or not"
    if phase in behaviour.expected:
        return None
    if behaviour.name == "refuses":
        return "the connection already stands"
    if behaviour.name == "never reads":
        return "what the client sends here fits into the system's buffers"
    if phase is phases.TCP:
        return "without a word of the client this is what it is at CONNECT"
    if phase is phases.TLS:
        return "to a handshake all that is no TLS is the same, see ERROR"
    if phase is phases.SEND and behaviour.name == "silent":
        return "a broker that reads the request and says nothing is silent while it is waited for"
    if phase is phases.SEND and behaviour.name == "half-open":
        return "on a network that loses nothing this is what never reads is"
    if phase in LOGIN and behaviour.name == "floods: CONNECTED":
        return "the first CONNECTED is the right answer; what follows, follows in the next phases"
    raise AssertionError(f"no entry and no reason: {behaviour.name}, {phase.name}")


CELLS = [
    Cell(behaviour, phase, command)
    for behaviour in BEHAVIOURS
    for phase in PHASES
    for command in COMMANDS
    if no_meaning(behaviour, phase, command) is None
] + [
    Cell(behaviour, phase, command)
    for behaviour in nats.BEHAVIOURS
    for phase in nats.PHASES
    for command in COMMANDS
    if nats.no_meaning(behaviour, phase, command) is None
]


class Workshop:
    """Tries several cells at once, since they wait most of the time.

    :param ca: the authority of the certificate that context shows.
    :param own: the client's certificate.
    """

    def __init__(self, client: Client, ca: Path, context: ssl.SSLContext, own: Certificate) -> None:
        self._client, self._ca, self._context, self._own = client, ca, context, own
        self._outcomes: dict[str, BaseException | Seen] = {}

    def outcome(self, cell: Cell, together: t.Sequence[Cell]) -> BaseException | Seen:
        """Return the outcome of a cell. Other cells that are needed run at the same time."""
        if str(cell) not in self._outcomes:
            workers = AT_ONCE[cell.behaviour.heavy]
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                for each, outcome in zip(together, pool.map(self._try, together)):
                    self._outcomes[str(each)] = outcome
        return self._outcomes[str(cell)]

    def _try(self, cell: Cell) -> BaseException | Seen:
        try:
            with self._broker(cell) as port:
                seen = self._client.call(
                    cell.command.task, self._options(cell, port), cell.seconds + HUNG
                )
            demand(cell, port, seen)
        except Exception as error:  # raised by the test of the cell
            return error
        return seen

    @contextlib.contextmanager
    def _broker(self, cell: Cell) -> t.Iterator[int]:
        """Return the port of the broker that misbehaves."""
        if cell.behaviour.act is refuse:
            yield closed_port()
        elif cell.phase.deaf and cell.behaviour.act is drain:
            with DeafBroker() as deaf:
                yield deaf.port
        else:
            scene = Scene(cell.command, cell.phase, self._context)

            def script(peer: Wrong) -> None:
                cell.phase.reach(peer, scene)
                cell.behaviour.act(peer, scene)

            with WrongBroker(script) as broker:
                yield broker.port

    def _options(self, cell: Cell, port: int) -> dict[str, t.Any]:
        config = self._broker_options(cell, port) | {
            "identity": "me",
            "connector": cell.phase.connector,
            "publish_timeout": cell.to_send,
            "discovery_timeout": cell.patience,
        }
        options = {
            "config": config,
            "connect_timeout": cell.to_connect,
            **cell.command.options,
        }
        if cell.command.task not in ("ping", "find"):
            options["timeout"] = cell.patience
        if cell.phase.grown and cell.command.grown is not None:
            options |= cell.command.grown("x" * grown())
        return options

    def _broker_options(self, cell: Cell, port: int) -> dict[str, t.Any]:
        if cell.phase.connector == "nats":
            return nats.config(cell.phase, f"{cell.host}:{port}", self._ca, self._own)
        prefix = f"plugin.{cell.phase.connector}.pool"
        config: dict[str, t.Any] = {
            "plugin.psk": "key",
            f"{prefix}.size": 1,
            f"{prefix}.1.host": cell.host,
            f"{prefix}.1.port": port,
        }
        if cell.phase.tls:
            config |= {f"{prefix}.1.ssl": True, f"{prefix}.1.ssl.ca": str(self._ca)}
        return config


def grown() -> int:
    """Return more bytes than a socket buffers."""
    return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2]) + 4 * MIB


def demand(cell: Cell, port: int, seen: Seen) -> None:
    """Check all demands on a call."""
    expected = cell.expected
    assert seen.crash == ""
    answered = cell.command.early if cell.phase.answers else []
    words = expected.words.replace("{broker}", re.escape(f"{cell.host}:{port}"))
    judge(cell.command, expected.ending, answered, words, seen)
    if cell.behaviour.rejected is not None and cell.phase.answers and "stats" in seen.returned:
        rejected = seen.returned["stats"].get("rejected", {})
        assert rejected.get(cell.behaviour.rejected), rejected
    most = MOST_MEMORY + (COPIES * grown() if cell.phase.grown else 0)
    assert seen.growth <= most, f"it grew by {seen.growth / MIB:.0f} MiB"
    assert seen.seconds <= cell.seconds + GRACE + MACHINE, f"it took {seen.seconds:.1f} s"
    assert (seen.threads, seen.sockets) == ([], 0), "it left threads or sockets behind"
