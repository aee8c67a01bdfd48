# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the control host needs for a fleet, and whether a straight line tells it before.

The model is ``need(N) = base + N * each``. The need of one node gives the base, the need of a fifth of all nodes gives
what each further node costs. Two fifths and all of them are then predicted, measured, and compared. The guide
``scale_guide`` explains the figures.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ..choria import choria_fleet, unavailable
from ..framework import USUAL, Bench, Incomplete, Line, Target
from ..inventory import Inventory

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..framework import AnyFleet

FIT = Target(1.3)
"""How far a measured point may be above the line."""
QUIET = 300.0
"""Seconds without a reply that end a call though nodes are missing."""
CONNECTIONS = 1000
"""How many connections of nodes are opened to find out what a broker needs for each."""
MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Point:
    """What one call needed.

    :ivar nodes: how many answered.
    :ivar processor: seconds of processor time on the control host, from the start of the process to its end.
    :ivar peak: most bytes of memory.
    :ivar received: bytes that came from the broker; 0 if they were not counted.
    :ivar sent: bytes that went to the broker.
    :ivar note: what else is known.
    """

    nodes: int
    processor: float
    peak: float
    received: float = 0.0
    sent: float = 0.0
    note: str = ""

    def __str__(self) -> str:
        found = [f"{self.processor:.2f} s processor, {self.peak / MIB:.0f} MiB memory"]
        if self.received:
            found.append(f"{self.received / MIB:.2f} MiB received, {self.sent / MIB:.3f} MiB sent")
        return ", ".join([*found, *([self.note] if self.note else [])])


@dataclasses.dataclass(frozen=True)
class Model:
    """A straight line through two points, for each need."""

    first: Point
    second: Point

    def predict(self, nodes: int) -> Point:
        """Return what a call to so many nodes should need."""
        part = (nodes - self.first.nodes) / (self.second.nodes - self.first.nodes)

        def on_line(name: str) -> float:
            low, high = getattr(self.first, name), getattr(self.second, name)
            return float(low + part * (high - low))

        return Point(nodes, *map(on_line, ("processor", "peak", "received", "sent")))

    def lines(self, what: str, measured: list[Point]) -> list[Line]:
        """Return a line with the model, and one for each point that it should have predicted."""
        each = self.predict(self.first.nodes + 10_000)
        processor, peak = each.processor - self.first.processor, each.peak - self.first.peak
        received = each.received - self.first.received
        sent = max(each.sent - self.first.sent, 0.0)
        model = Point(10_000, processor, peak, received, sent)
        return [
            Line(f"{what}, one node", str(self.first)),
            Line(f"{what}, each 10000 more", str(model)),
            *(self._line(what, point) for point in measured),
        ]

    def _line(self, what: str, point: Point) -> Line:
        predicted = self.predict(point.nodes)
        worst = max(point.processor / predicted.processor, point.peak / predicted.peak)
        name = f"{what}, {point.nodes} nodes"
        return Line(name, str(point), f"{predicted} by the model", ratio=worst, target=FIT)


def run(bench: Bench) -> list[Line]:
    """Lines for a call, an inventory, a call over Choria, and the connections of a broker."""
    # Processor time is measured, so the last node ends a call and not a time.
    bench = dataclasses.replace(bench, counted=True, quiet=QUIET)
    ends = sizes(bench.nodes)
    lines = [
        *_series(ends, f"find and call, {USUAL}", lambda size: _call(bench, size)),
        *_series(ends, f"inventory, {USUAL}", lambda size: _inventory(bench, size)),
    ]
    if unavailable() is None:
        lines += _series(ends, "find and call, choria v1", lambda size: _choria(bench, size))
    return [*lines, _connections(bench)]


def sizes(nodes: int) -> list[int]:
    """Return the sizes that are measured: two for the model, and those that it predicts."""
    fifth = max(nodes // 5, 2)
    return sorted({1, fifth, max(2 * nodes // 5, fifth + 1), max(nodes, fifth + 2)})


def _series(ends: list[int], what: str, measure: Callable[[int], Point]) -> list[Line]:
    points = []
    for size in ends:
        points.append(measure(size))
        print(f"  {what}, {size} nodes: {points[-1]}", file=sys.stderr, flush=True)
    return Model(points[0], points[1]).lines(what, points[2:])


def _call(bench: Bench, size: int) -> Point:
    """Find all nodes by a broadcast and get seven facts of each, in a process of its own."""
    with bench.fleet(nodes=size) as fleet:
        before = _broker_seconds(bench)
        found = bench.child(fleet, "call")
        broker = f"broker {_broker_seconds(bench) - before:.1f} s"
        return _point(fleet, found, broker)


def _choria(bench: Bench, size: int) -> Point:
    with choria_fleet(dataclasses.replace(bench, nodes=size), 1) as fleet:
        return _point(fleet, bench.child(fleet, "call"))


def _point(fleet: AnyFleet, found: dict[str, t.Any], note: str = "") -> Point:
    seconds = found["seconds"]
    wall = f"{found['sockets']} socket, {seconds['discovery']:.1f} + {seconds['call']:.1f} s wall"
    return Point(
        fleet.count,
        found["processor"],
        found["peak"],
        found["received"],
        found["sent"],
        ", ".join(filter(None, (wall, note))),
    )


def _broker_seconds(bench: Bench) -> float:
    """Return the processor time that RabbitMQ has used."""
    return int(bench.broker.ctl("eval", "element(1, erlang:statistics(runtime)).")) / 1000


def _inventory(bench: Bench, size: int) -> Point:
    """Print the inventory of all nodes, grouped by two keys. Each node must be in it."""
    with bench.fleet(nodes=size) as fleet, tempfile.TemporaryDirectory() as scratch:
        inventory = Inventory(Path(scratch), fleet.client_cfg, size)
        program, environment = inventory.command("ours", "--graph")
        with subprocess.Popen(
            program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            # In every group but "all" and "ungrouped": its class "common", another class, and its role.
            hosts = sum(line.count("|--node") for line in process.stdout)
            words = process.stderr.read()
            _pid, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or hosts != 3 * size:
            raise Incomplete(f"{hosts} of {3 * size} lines of hosts: {words[-500:]}")
    return Point(size, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _connections(bench: Bench) -> Line:
    """Open connections that subscribe as nodes do, and see what the broker needs for them."""
    place, wanted = bench.broker.places["benchmark"], min(CONNECTIONS, 100 * bench.nodes)
    before, opened = _broker_memory(bench), []
    try:
        for number in range(wanted):
            opened.append(connection := bench.broker.connect(place))
            for agent in ("discovery", "rpcutil", "service"):
                connection.subscribe(f"/exchange/mcollective_broadcast/{agent}")
            connection.subscribe(f"/exchange/mcollective_directed/node{number:05d}.example.com")
        each = (_broker_memory(bench) - before) / wanted
    finally:
        for connection in opened:
            connection.close()
    return Line(
        "a node's connection to RabbitMQ",
        f"{each / 1024:.0f} KiB of the broker's memory",
        f"{wanted} connections with 4 subscriptions",
    )


def _broker_memory(bench: Bench) -> int:
    """Return the resident memory of RabbitMQ, after garbage collection. What Erlang counts has buffers that nobody uses."""
    collect = "[erlang:garbage_collect(P) || P <- erlang:processes()], io:format(os:getpid())."
    found = re.search(r"\d+", bench.broker.ctl("eval", collect))
    assert found is not None
    status = Path(f"/proc/{found[0]}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
