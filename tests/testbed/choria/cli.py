# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts a collective of the real Choria from the command line."""

from __future__ import annotations

import shlex
import signal
import tempfile
import threading
import typing as t
from contextlib import ExitStack
from pathlib import Path

from ..certificates import Authority
from ..real.cli import some_nodes
from .broker import Broker
from .collective import ChoriaCollective, Options
from .program import missing, require
from .tokens import Issuer


def run(
    protocol: int, brokers: int, count: int | None, directory: Path | None, out: t.TextIO
) -> int:
    """Start a collective of ``count`` nodes and keep it until SIGINT or SIGTERM.

    Returns the exit code. To be called from the main thread, which alone may handle signals.

    :param protocol: the version of Choria's protocol.
    :param brokers: how many members the broker has.
    """
    problem = missing()
    if problem is not None:
        print(problem, file=out)
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopped.set())
    with ExitStack() as stack:
        keys = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcotest-keys-")))
        authority = Authority(keys / "certificates")
        issuer = Issuer(keys / "tokens") if protocol == 2 else None
        broker = stack.enter_context(Broker(authority, issuer, members=brokers))
        collective = ChoriaCollective(
            broker,
            authority,
            issuer,
            nodes=some_nodes(count),
            options=Options(collectives=("choria" if issuer else "mcollective",)),
            directory=directory,
        )
        _tell(stack.enter_context(collective), out)
        stopped.wait()
    return 0


def _tell(collective: ChoriaCollective, out: t.TextIO) -> None:
    path = shlex.quote(str(collective.client_conf))
    options = f"config_file={path} agent=rpcutil action=ping"
    print(
        f"{len(collective.nodes)} nodes are up; client.conf is {collective.client_conf}",
        f'Try: ansible localhost -m pymco.mcollective.mcollective_rpc -a "{options}"',
        f"Compare: USER=operator {require()} req rpcutil ping --config {path}",
        "Ctrl-C stops it.",
        sep="\n",
        file=out,
        flush=True,
    )
