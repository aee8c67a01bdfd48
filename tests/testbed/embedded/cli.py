# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts an embedded collective from the command line."""

from __future__ import annotations

import signal
import threading
import typing as t

from .collective import EmbeddedCollective
from .fleet import fleet

if t.TYPE_CHECKING:
    from pathlib import Path


def run(security: str, count: int | None, directory: Path | None, out: t.TextIO) -> int:
    """Start a collective of count nodes and keep it until SIGINT or SIGTERM.

    Returns the exit code. To be called from the main thread, which alone may handle signals.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    with EmbeddedCollective(fleet(count), security, directory=directory) as collective:
        options = f"config_file={collective.client_cfg} agent=rpcutil action=ping"
        print(
            f"{len(collective.nodes)} nodes are up; client.cfg is {collective.client_cfg}",
            f"Try: ansible localhost -m pymco.mcollective.mcollective_rpc -a '{options}'",
            "Ctrl-C stops it.",
            sep="\n",
            file=out,
            flush=True,
        )
        stopped.wait()
    return 0
