# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzz the decoders: ``python tests/fuzz --seconds 60``."""

from __future__ import annotations

import argparse
import random
import sys
import typing as t
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from fuzz import supervisor  # noqa: E402


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests/fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=60, help="for each decoder; other targets get a part of it"
    )
    parser.add_argument("--seed", type=int, help="repeat the run with this seed")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this; repeatable")
    parser.add_argument("--jobs", type=int, default=2, help="targets at the same time")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="one input, for one --target")
    parser.add_argument("--findings", type=Path, help="where to put the inputs of failures")
    parser.add_argument("--junit", type=Path, help="write the results there too")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        from fuzz.worker import work

        return work(arguments.target[0], arguments.seed, arguments.seconds, arguments.worker)
    if arguments.replay and len(arguments.target or ()) != 1:
        parser.error("--replay needs one --target")
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(2**32)
    try:
        return supervisor.run(supervisor.Plan(**_plan(arguments)))
    except KeyboardInterrupt:
        return 130


def _plan(arguments: argparse.Namespace) -> dict[str, t.Any]:
    return {name: value for name, value in vars(arguments).items() if name != "worker"}


if __name__ == "__main__":
    sys.exit(main())
