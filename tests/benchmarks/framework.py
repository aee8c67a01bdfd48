# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all rows use: fleets, pairs of figures, lines of the table."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from pymco import rpc
from pymco.config import Config
from testbed.fleet.fleet import Behaviour, Fleet, fleet_place

if t.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testbed.choria_fleet.fleet import ChoriaFleet
    from testbed.real.rabbitmq import RabbitMQ
    from testbed.real.security import Security

    AnyFleet = Fleet | ChoriaFleet

ROOT = Path(__file__).resolve().parents[2]
NODES = 10_000
FLEET = "benchmark"
PLACES = [fleet_place(FLEET)]
FACTS = {"facts": "role,site,rack,os,processorcount,is_virtual,ipaddress"}
"""The arguments of the request that is measured mostly: seven facts, in some 700 bytes."""
USUAL: Security = "ssl-yaml"
"""The security setting of rows that measure one only; the most costly of those that are common."""


class Incomplete(RuntimeError):
    """A reply was lost, or something unexpected came."""


@dataclasses.dataclass(frozen=True)
class Target:
    """What a ratio should be."""

    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"

    def met(self, ratio: float) -> bool:
        """Return True if a ratio is as it should be."""
        return ratio >= self.bound if self.at_least else ratio <= self.bound


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the table.

    :ivar failed: why there is nothing else to tell, if so.
    :ivar before: the ratio of an earlier run, to compare with.
    """

    what: str
    ours: str = ""
    other: str = ""
    ratio: float | None = None
    target: Target | None = None
    failed: str = ""
    before: float | None = None

    def cells(self) -> list[str]:
        """Return the cells of the table's columns."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        if self.before is not None:
            ratio = f"{ratio} (was {self.before:.2f})".lstrip()
        target = "" if self.target is None else str(self.target)
        return [self.what, self.ours, self.other, ratio, target, self.verdict]

    @property
    def verdict(self) -> str:
        """Say whether the target is met, or why this is unknown."""
        if self.failed:
            return f"FAILED: {self.failed}"
        if self.target is None or self.ratio is None:
            return ""
        return "met" if self.target.met(self.ratio) else "missed"


HEADS = ["", "ours", "the other's", "ratio", "target", ""]


def table(lines: Sequence[Line], nodes: int, seconds: float) -> str:
    """Return all lines, as text."""
    rows = [HEADS, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS) - 1)]
    texts = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
    head = f"{nodes} nodes, brokers on this machine; measured in {seconds:.0f} s"
    return "\n".join([head, *(text.rstrip() for text in texts)])


@dataclasses.dataclass(frozen=True)
class Pair:
    """The medians of what two took in turns."""

    ours: float
    other: float

    def times_slower(self, what: str, other: str, target: Target | None = None) -> Line:
        """Return a line of the table. The ratio says how many times as long ours took."""
        figures = f"{self.ours:.3f} s", f"{self.other:.3f} s {other}"
        return Line(what, *figures, ratio=self.ours / self.other, target=target)

    def times_faster(self, what: str, other: str, target: Target | None = None) -> Line:
        """Return a line of the table. The ratio says how many times as long the other took."""
        figures = f"{self.ours:.3f} s", f"{self.other:.3f} s {other}"
        return Line(what, *figures, ratio=self.other / self.ours, target=target)


def in_turns(rounds: int, ours: Callable[[], float], other: Callable[[], float]) -> Pair:
    """Measure two in turns. Each of them begins every other time.

    :param ours: does it once and returns the seconds.
    """
    seconds: dict[Callable[[], float], list[float]] = {ours: [], other: []}
    for number in range(rounds):
        for function in (ours, other) if number % 2 == 0 else (other, ours):
            seconds[function].append(function())
    return Pair(statistics.median(seconds[ours]), statistics.median(seconds[other]))


def stopwatch(function: Callable[[], t.Any]) -> Callable[[], float]:
    """Return a function that does the same and returns how many seconds it took."""

    def timed() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return timed


@dataclasses.dataclass(frozen=True)
class Bench:
    """What rows are measured with.

    :ivar broker: has the place :data:`FLEET`.
    :ivar nodes: how many a large fleet has.
    :ivar hosts: how many tasks a play has.
    :ivar calls: how many are made one after the other.
    :ivar timeout: seconds that replies have; none should need them.
    :ivar quiet: seconds without an answer that end discovery; None: as usual.
    :ivar counted: True if discovery is told how many nodes there are, so that no time ends it.
    :ivar listening: seconds that ``mco find`` listens; None: as usual.
    """

    broker: RabbitMQ
    nodes: int = NODES
    rounds: int = 3
    hosts: int = 200
    calls: int = 200
    timeout: float = 300.0
    quiet: float | None = None
    counted: bool = False
    listening: int | None = None
    behaviour: Behaviour = dataclasses.field(default_factory=Behaviour)

    @classmethod
    def of_size(cls, broker: RabbitMQ, nodes: int, rounds: int) -> Bench:
        """Return a bench for so many nodes, and no more of anything else."""
        return cls(broker, nodes, rounds, hosts=min(200, nodes), calls=min(200, nodes))

    def fleet(self, security: Security = USUAL, nodes: int | None = None) -> Fleet:
        """Return a fleet that is not started yet."""
        return Fleet(self.broker, FLEET, nodes or self.nodes, security, self.behaviour)

    def request(self, fleet: AnyFleet) -> rpc.Request:
        """Return a request for seven facts of all nodes."""
        return rpc.Request(
            "rpcutil",
            "get_facts",
            FACTS,
            timeout=self.timeout,
            discovery_timeout=self.quiet,
            expected_nodes=fleet.count if self.counted else None,
        )

    def child(self, fleet: AnyFleet, what: str, names: str | None = None) -> dict[str, t.Any]:
        """Return what child.py measures in a process of its own. Its result must be complete.

        :param names: a file with the names of the nodes; None: they are found by broadcast.
        """
        options = {
            "config": str(fleet.client_cfg),
            "timeout": self.timeout,
            "quiet": self.quiet,
            "expected": fleet.count if self.counted else None,
            "what": what,
            "names": names,
        }
        script = Path(__file__).with_name("child.py")
        done = subprocess.run(
            [sys.executable, str(script), json.dumps(options)],
            capture_output=True,
            encoding="utf-8",
            timeout=60 + 3 * self.timeout,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"child.py ended with {done.returncode}: {done.stderr[-1000:]}")
        found: dict[str, t.Any] = json.loads(done.stdout)
        check_senders(found["senders"], fleet, found["rejected"])
        return found


def config_of(fleet: AnyFleet) -> Config:
    """Return the configuration of a fleet's client."""
    return Config.from_configfile(str(fleet.client_cfg), environ={})


def check_senders(senders: Sequence[str], fleet: AnyFleet, rejected: t.Mapping[str, int]) -> None:
    """Raise :class:`Incomplete` unless each node of a fleet answered once and nothing was rejected."""
    if list(senders) != fleet.identities or rejected:
        missed = len(set(fleet.identities) - set(senders))
        raise Incomplete(f"of {fleet.count} nodes {missed} are missing; rejected: {dict(rejected)}")


def check(result: rpc.Result, fleet: AnyFleet) -> rpc.Result:
    """Return the result. Raise :class:`Incomplete` unless every node of the fleet was found and answered well."""
    check_senders([reply.sender for reply in result.replies], fleet, result.rejected)
    if result.nodes != fleet.identities or result.failed or result.lost:
        raise Incomplete(f"{len(result.nodes)} found, {len(result.failed)} failed, {result.lost}")
    return result
