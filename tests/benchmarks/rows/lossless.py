# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many calls in a row to a whole fleet lose no reply."""

from __future__ import annotations

from pymco import rpc

from ..framework import USUAL, Bench, Line, check, config_of

RUNS = 10


def run(bench: Bench) -> list[Line]:
    """One line, with the replies counted."""
    replies = 0
    with bench.fleet() as fleet:
        for _run in range(RUNS):
            with rpc.Client(config_of(fleet)) as client:
                replies += len(check(client.call(bench.request(fleet)), fleet).replies)
    ours = f"{replies} of {RUNS * bench.nodes} replies"
    return [Line(f"{RUNS} calls in a row, {USUAL}", ours)]
