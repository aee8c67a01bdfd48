# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long ``mco`` needs to discover the nodes of a fleet and get their facts."""

from __future__ import annotations

import json
import math
import time
import typing as t

from pymco import rpc

from ..framework import FACTS, USUAL, Bench, Incomplete, Line, Target, check, config_of, stopwatch

if t.TYPE_CHECKING:
    from testbed.fleet.fleet import Fleet

TARGET = Target(20, at_least=True)
MARGIN = 1.4
"""Times as long as it seems to need it is told to listen, so that it finds all."""
ATTEMPTS = 4
SHORTEST = 2
"""Seconds that it listens by itself."""
LONGEST = 120
"""Seconds that it waits for replies, where it has time."""


def run(bench: Bench) -> list[Line]:
    """Two lines for mco with its defaults, and two for mco that listens long enough.

    It needs a minute, so it runs once for each; ours run before and after. How long it has to listen is
    found out by trying, from below.
    """
    with bench.fleet() as fleet:
        return _lines(bench, fleet)


def _lines(bench: Bench, fleet: Fleet) -> list[Line]:
    inside, fresh = stopwatch(lambda: _inside(bench, fleet)), stopwatch(
        lambda: _fresh(bench, fleet)
    )
    first = inside(), fresh()
    found = max(1, len(fleet.mco("find").split()))
    usual = _mco(fleet)
    listening, patient = _patient(fleet, math.ceil(MARGIN * SHORTEST * fleet.count / found))
    ours = [sum(times) / 2 for times in zip(first, (inside(), fresh()), strict=True)]
    lines = []
    for (count, seconds), name in ((usual, "mco"), (patient, f"mco --dt {listening}")):
        theirs = f"{seconds:.2f} s {name}, {count} of {fleet.count}"
        for where, own in zip(("here", "new process"), ours, strict=True):
            what = f"find and call, {USUAL}, {where}"
            # A part is no pair to the whole.
            target = TARGET if count == fleet.count else None
            lines.append(Line(what, f"{own:.2f} s, all answered", theirs, seconds / own, target))
    return lines


def _inside(bench: Bench, fleet: Fleet) -> None:
    with rpc.Client(config_of(fleet)) as client:
        check(client.call(bench.request(fleet)), fleet)


def _fresh(bench: Bench, fleet: Fleet) -> None:
    """Measure with the start of an interpreter and with printed replies, as mco works."""
    found = bench.child(fleet, "replies")
    if len(found["replies"]) != fleet.count:
        raise Incomplete(f"{len(found['replies'])} of {fleet.count} replies were printed")


def _patient(fleet: Fleet, listening: int) -> tuple[int, tuple[int, float]]:
    """Return the shortest time to listen in which mco found all nodes, and its outcome."""
    for attempt in range(1, ATTEMPTS + 1):
        count, seconds = _mco(fleet, "--dt", str(listening), "-t", str(LONGEST))
        if count == fleet.count or attempt == ATTEMPTS:
            break
        listening = math.ceil(listening * max(1.2, min(2, MARGIN * fleet.count / max(1, count))))
    return listening, (count, seconds)


def _mco(fleet: Fleet, *options: str) -> tuple[int, float]:
    """Return how many replies mco printed, and how many seconds it took.

    Where its discovery ends in the middle of a message it has lost its connection and with it the place
    for replies: there are none then.
    """
    arguments = [f"{name}={value}" for name, value in FACTS.items()]
    start = time.perf_counter()
    printed = fleet.mco("rpc", "rpcutil", "get_facts", *arguments, "-j", *options, timeout=600)
    seconds = time.perf_counter() - start
    good = {reply["sender"] for reply in json.loads(printed) if reply["statuscode"] == 0}
    if not good <= set(fleet.identities):
        raise Incomplete(f"mco got replies of others: {good - set(fleet.identities)}")
    return len(good), seconds
