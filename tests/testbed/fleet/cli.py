# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a fleet from the command line."""

from __future__ import annotations

import shlex
import signal
import threading
import typing as t

from ..real.programs import missing
from ..real.rabbitmq import RabbitMQ
from .fleet import Behaviour, Fleet, fleet_place

if t.TYPE_CHECKING:
    from pathlib import Path

    from ..real.security import Security

USUAL = 10_000
_PLACE = "mcollective"


def run(
    security: Security, count: int | None, directory: Path | None, spread: float, out: t.TextIO
) -> int:
    """Start a fleet of count nodes and keep it until SIGINT or SIGTERM.

    Returns the exit code. To be called from the main thread, which alone may handle signals.
    """
    problem = missing()
    if problem is not None:
        print(problem, file=out)
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    behaviour = Behaviour(spread=spread)
    with (
        RabbitMQ([fleet_place(_PLACE)]) as broker,
        Fleet(broker, _PLACE, count or USUAL, security, behaviour, directory) as fleet,
    ):
        options = f"config_file={shlex.quote(str(fleet.client_cfg))} agent=rpcutil action=ping"
        print(
            f"{fleet.count} nodes are up; client.cfg is {fleet.client_cfg}",
            f'Try: ansible localhost -m pymco.mcollective.mcollective_rpc -a "{options}"',
            "Ctrl-C stops it.",
            sep="\n",
            file=out,
            flush=True,
        )
        stopped.wait()
    return 0
