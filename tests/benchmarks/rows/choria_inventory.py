# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a whole fleet of Choria nodes. ``inventory.py`` tells what it is compared with."""

from __future__ import annotations

from ..choria import choria_fleet, unavailable
from ..framework import Bench, Line, Pair, Target
from ..inventory import measured

TARGET = Target(1.3)
BARE = "bare, asked"


def run(bench: Bench) -> list[Line]:
    """A line for an inventory that asks the nodes."""
    problem = unavailable()
    if problem is not None:
        return [Line("inventory, choria v1", problem)]
    with choria_fleet(bench, 1) as fleet:
        found = measured(fleet.client_conf, fleet.count, bench.rounds, ("ours", BARE))
    what = f"inventory of {fleet.count}, choria v1, ours"
    return [Pair(found["ours"], found[BARE]).times_slower(what, BARE, TARGET)]
