# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a real collective from the command line."""

from __future__ import annotations

import shlex
import signal
import threading
import typing as t

from .brokers import BROKERS
from .collective import Collective
from .default_nodes import DEFAULT_NODES
from .nodes import Node
from .programs import missing

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .security import Security

_PLACE = "mcollective"


def run(
    broker: str, security: Security, count: int | None, directory: Path | None, out: t.TextIO
) -> int:
    """Start a collective of ``count`` nodes and keep it until SIGINT or SIGTERM.

    Returns the exit code. To be called from the main thread, which alone may handle signals.
    """
    problem = missing()
    if problem is not None:
        print(problem, file=out)
        return 1
    stopped = threading.Event()
    handlers = {number: _stop_on(number, stopped) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with (
            BROKERS[broker]([_PLACE]) as running,
            Collective(running, _PLACE, security, some_nodes(count), directory) as collective,
        ):
            _tell(collective, out)
            stopped.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return 0


def _stop_on(number: signal.Signals, stopped: threading.Event) -> t.Any:
    return signal.signal(number, lambda _number, _frame: stopped.set())


def some_nodes(count: int | None) -> Sequence[Node]:
    """Return the default nodes, fewer of them, or more."""
    if count is None:
        return DEFAULT_NODES
    extra = range(1, count - len(DEFAULT_NODES) + 1)
    more = [Node(f"node{index}.example.com", facts={"role": "extra"}) for index in extra]
    return [*DEFAULT_NODES, *more][:count]


def _tell(collective: Collective, out: t.TextIO) -> None:
    path = shlex.quote(str(collective.client_cfg))
    options = f"config_file={path} agent=rpcutil action=ping"
    print(
        f"{len(collective.nodes)} nodes are up; client.cfg is {collective.client_cfg}",
        f'Try: ansible localhost -m pymco.mcollective.mcollective_rpc -a "{options}"',
        "Ctrl-C stops it.",
        sep="\n",
        file=out,
        flush=True,
    )
