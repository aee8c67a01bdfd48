# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a whole fleet, grouped by two keys. ``inventory.py`` tells what it is compared with."""

from __future__ import annotations

from ..framework import USUAL, Bench, Line, Pair, Target
from ..inventory import awake, measured

OTHERS = {
    "bare, asked": ("ours", Target(1.1)),
    "bare, told": ("cached", Target(1.2)),
    "yaml": ("ours", Target(1.0)),
}
"""Each with ours that has the same source, and what the ratio should be."""


def run(bench: Bench) -> list[Line]:
    """A line for each other way."""
    with bench.fleet() as fleet, awake(fleet.client_cfg):
        found = measured(fleet.client_cfg, fleet.count, bench.rounds)
    what = f"inventory of {bench.nodes}, {USUAL}"
    return [
        Pair(found[ours], found[other]).times_slower(f"{what}, {ours}", other, target)
        for other, (ours, target) in OTHERS.items()
    ]
