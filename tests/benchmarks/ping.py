# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a call to two named nodes takes, beside ``mco`` doing the same: python tests/benchmarks/ping.py

Both talk to the same real nodes on the same real broker, in one run. A figure of one run says little on
another machine; the ratio does.
"""

from __future__ import annotations

import statistics
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "plugins" / "module_utils")]

from pymco import rpc  # noqa: E402
from pymco.config import Config  # noqa: E402
from testbed.real.collective import Collective  # noqa: E402
from testbed.real.rabbitmq import RabbitMQ  # noqa: E402
from testbed.real.security import SECURITIES  # noqa: E402

NODES = ["web1.example.com", "web2.example.com"]
CALLS, MCO_CALLS = 50, 5


def ours(config: Config) -> None:
    """Connect, call two nodes, disconnect."""
    with rpc.Client(config) as client:
        assert len(client.call(rpc.Request("rpcutil", "ping", nodes=NODES)).replies) == len(NODES)


def reference(collective: Collective) -> None:
    """The same by mco, with the start of its interpreter."""
    identities = [word for node in NODES for word in ("-I", node)]
    done = collective.mco("rpc", "rpcutil", "ping", "-j", *identities)
    assert done.stdout.count('"pong"') == len(NODES), done.stdout + done.stderr


def median(function: t.Callable[[], None], times: int) -> float:
    """The median of several runs, in seconds."""
    seconds = []
    for _run in range(times):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    """Print a line for each security setting."""
    print(f"{'security':12} {'ours':>9} {'mco':>9} {'ratio':>6}")
    with RabbitMQ(SECURITIES) as broker:
        for security in SECURITIES:
            with Collective(broker, security, security) as collective:
                config = Config.from_configfile(str(collective.client_cfg), environ={})
                mine = median(lambda c=config: ours(c), CALLS)
                theirs = median(lambda c=collective: reference(c), MCO_CALLS)
                print(f"{security:12} {mine:7.3f} s {theirs:7.3f} s {theirs / mine:6.0f}")


if __name__ == "__main__":
    main()
