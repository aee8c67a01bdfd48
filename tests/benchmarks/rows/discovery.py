# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes we find, and which nodes ``mco find`` finds with its usual options."""

from __future__ import annotations

import time
import typing as t

from pymco import rpc

from ..framework import USUAL, Bench, Incomplete, Line, check_senders, config_of

if t.TYPE_CHECKING:
    from testbed.fleet.fleet import Fleet


def run(bench: Bench) -> list[Line]:
    """A line for each of three sizes; the ratio is ours found to the other's."""
    sizes = sorted({max(1, bench.nodes // part) for part in (100, 10, 1)})
    return [_line(bench, size) for size in sizes]


def _line(bench: Bench, size: int) -> Line:
    with bench.fleet(nodes=size) as fleet:
        start = time.perf_counter()
        with rpc.Client(config_of(fleet)) as client:
            result = client.targets(bench.request(fleet))
        seconds = time.perf_counter() - start
        check_senders(result.nodes, fleet, result.rejected)
        found, mco_seconds = _mco(bench, fleet)
    return Line(
        f"nodes found of {size}, {USUAL}",
        f"{len(result.nodes)} in {seconds:.2f} s",
        f"{found} in {mco_seconds:.2f} s mco find",
        ratio=len(result.nodes) / found,
    )


def _mco(bench: Bench, fleet: Fleet) -> tuple[int, float]:
    start = time.perf_counter()
    options = [] if bench.listening is None else ["--dt", str(bench.listening)]
    found = fleet.mco("find", *options).split()
    seconds = time.perf_counter() - start
    if not found or not set(found) <= set(fleet.identities):
        raise Incomplete(f"mco find printed {len(found)} names, which are not all of the fleet")
    return len(found), seconds
