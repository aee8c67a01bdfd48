# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure, and print one table: ``python tests/benchmarks [--only NAME ...] [--nodes N] [--rounds N]``.

A figure of one run says little on another machine. A ratio of two that were measured in turns does. So two versions of
the client are compared by their ratios: ``--save FILE`` keeps those of the first, ``--before FILE`` shows them beside
those of the second. No figure makes it fail: a lost reply does.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
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
    parser.add_argument("--save", type=Path, metavar="FILE", help="where to keep the ratios")
    parser.add_argument("--before", type=Path, metavar="FILE", help="ratios that were kept before")
    arguments = parser.parse_args()
    before = json.loads(arguments.before.read_text()) if arguments.before else {}
    problem = missing()
    if problem is not None:
        sys.exit(problem)
    # Users' Python keeps what it has compiled, as other programs come compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.monotonic()
    with RabbitMQ(PLACES) as broker:
        bench = Bench.of_size(broker, arguments.nodes, arguments.rounds)
        found = {name: _lines(name, bench) for name in arguments.only}
    if arguments.save:
        ratios = {name: [line.ratio for line in rows] for name, rows in found.items()}
        arguments.save.write_text(json.dumps(ratios))
    lines = [
        dataclasses.replace(line, before=ratio)
        for name, rows in found.items()
        for line, ratio in zip(rows, itertools.chain(before.get(name, ()), itertools.repeat(None)))
    ]
    print(table(lines, arguments.nodes, time.monotonic() - start))
    return int(any(line.failed for line in lines))


def _lines(name: str, bench: Bench) -> list[Line]:
    """Return the lines of a row. If it fails, the others are run all the same."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        return ROWS[name](bench)
    except Exception as error:
        traceback.print_exc()
        return [Line(name, failed=f"{type(error).__name__}: {error}"[:200])]


if __name__ == "__main__":
    sys.exit(main())
