# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure, and print one table: ``python tests/benchmarks [--only NAME ...] [--nodes N] [--rounds N]``.

A figure of one run says little on another machine. A ratio of two that were measured in turns does. No figure makes it
fail: a lost reply does.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT / "tests")
sys.path.insert(1, str(ROOT / "plugins" / "module_utils"))

from testbed.real.programs import missing
from testbed.real.rabbitmq import RabbitMQ

from benchmarks.framework import NODES, PLACES, Bench, Line, table
from benchmarks.rows import ROWS


def main() -> int:
    """Run the command line; return the exit code: 1 if a row failed."""
    parser = argparse.ArgumentParser(prog="tests/benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument("--nodes", type=int, default=NODES, help=f"how many; usually {NODES}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair is measured")
    arguments = parser.parse_args()
    problem = missing()
    if problem is not None:
        sys.exit(problem)
    start = time.monotonic()
    lines: list[Line] = []
    with RabbitMQ(PLACES) as broker:
        bench = Bench.of_size(broker, arguments.nodes, arguments.rounds)
        for name in arguments.only:
            lines += _lines(name, bench)
    print(table(lines, arguments.nodes, time.monotonic() - start))
    return int(any(line.failed for line in lines))


def _lines(name: str, bench: Bench) -> list[Line]:
    """What a row has to say; whatever it is that went wrong, the others are run."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        return ROWS[name](bench)
    except Exception as error:
        traceback.print_exc()
        return [Line(name, failed=f"{type(error).__name__}: {error}"[:200])]


if __name__ == "__main__":
    sys.exit(main())
