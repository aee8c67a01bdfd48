# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of many hosts, as a play gathers them. ``facts.py`` tells what they are compared with."""

from __future__ import annotations

from ..facts import figures
from ..framework import Bench, Line, Pair


def run(bench: Bench) -> list[Line]:
    """A line for ``gather_facts`` and one for the task. One round: ``setup`` takes its time."""
    found = figures(bench.hosts, 1)
    return [
        Pair(found[ours], found["setup"]).times_slower(
            f"facts of {bench.hosts} hosts, {ours}", "setup"
        )
        for ours in ("ours", "ours, as a task")
    ]
