# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``mco`` takes to discover the nodes of a fleet and get facts of all."""

from __future__ import annotations

import json
import time
import typing as t

from pymco import rpc

from ..framework import FACTS, USUAL, Bench, Incomplete, Line, Target, check, config_of, stopwatch

if t.TYPE_CHECKING:
    from testbed.fleet.fleet import Fleet

TARGET = Target(20, at_least=True)
MARGIN = 1.4
"""Times as long as it seems to need it is told to listen, so that it finds all."""
SHORTEST = 2
"""Seconds that it listens by itself."""


def run(bench: Bench) -> list[Line]:
    """Two lines for mco as it comes, and two for mco that listens for as long as it takes.

    It needs a minute or more, so it runs once for each; ours run before and after.
    """
    with bench.fleet() as fleet:
        return _lines(bench, fleet)


def _lines(bench: Bench, fleet: Fleet) -> list[Line]:
    inside, fresh = stopwatch(lambda: _inside(bench, fleet)), stopwatch(lambda: _fresh(bench, fleet))
    first = inside(), fresh()
    found, usual = _mco(bench, fleet, SHORTEST)
    # What it finds in the time that it listens tells for how long it has to.
    listening = max(SHORTEST, int(MARGIN * SHORTEST * fleet.count / max(found, 1)) + 1)
    all_found, patient = _mco(bench, fleet, listening)
    ours = [sum(times) / 2 for times in zip(first, (inside(), fresh()), strict=True)]
    if all_found > fleet.count:
        raise Incomplete(f"mco tells of {all_found} nodes, and there are {fleet.count}")
    lines = []
    for count, seconds, dt in ((found, usual, SHORTEST), (all_found, patient, listening)):
        theirs = f"{seconds:.2f} s mco --dt {dt}, {count} of {fleet.count} found"
        # Less than the whole is no pair to the whole.
        target = TARGET if count == fleet.count else None
        for where, own in zip(("here", "new process"), ours, strict=True):
            what = f"find and call, {USUAL}, {where}"
            lines.append(Line(what, f"{own:.2f} s, all found", theirs, seconds / own, target))
    return lines


def _inside(bench: Bench, fleet: Fleet) -> None:
    with rpc.Client(config_of(fleet)) as client:
        check(client.call(bench.request()), fleet)


def _fresh(bench: Bench, fleet: Fleet) -> None:
    """With the start of an interpreter, and the replies printed, as mco has it."""
    found = bench.child(fleet, "replies")
    if len(found["replies"]) != fleet.count:
        raise Incomplete(f"{len(found['replies'])} of {fleet.count} replies were printed")


def _mco(bench: Bench, fleet: Fleet, listening: int) -> tuple[int, float]:
    """How many replies mco printed, and how many seconds it took."""
    arguments = [f"{name}={value}" for name, value in FACTS.items()]
    options = ("-j", "--dt", str(listening), "-t", str(int(bench.timeout)))
    start = time.perf_counter()
    printed = fleet.mco(
        "rpc", "rpcutil", "get_facts", *arguments, *options, timeout=4 * bench.timeout
    )
    seconds = time.perf_counter() - start
    return sum(reply["statuscode"] == 0 for reply in json.loads(printed)), seconds
