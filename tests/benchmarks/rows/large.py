# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A call to five times as many nodes: that it ends, and how much memory its process takes."""

from __future__ import annotations

from ..bare import drain
from ..framework import USUAL, Bench, Line, config_of

TIMES = 5


def run(bench: Bench) -> list[Line]:
    """One line. Ours is measured in a process of its own."""
    with bench.fleet(nodes=TIMES * bench.nodes) as fleet:
        found = bench.child(fleet, "call")
        bare, size = drain(config_of(fleet), bench.request(fleet), fleet.count)
    seconds = found["seconds"]
    peak = f"{found['peak'] / 2**20:.0f} MiB at most"
    return [
        Line(
            f"replies of {fleet.count} nodes, {USUAL}",
            f"{seconds['call']:.2f} s after {seconds['discovery']:.2f} s of discovery, {peak}",
            f"{bare:.2f} s bare stomp.py, {size / 2**20:.0f} MiB on the wire",
            ratio=seconds["call"] / bare,
        )
    ]
