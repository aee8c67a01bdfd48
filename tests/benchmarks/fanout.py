# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the replies of a whole fleet take, against no more than receiving them.

``python tests/benchmarks/fanout.py [nodes]``: emulated nodes answer over a real RabbitMQ with seven facts each. A bare
listener of stomp.py counts the same replies. Both are measured in turns, three times; the ratio of the medians counts.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "plugins" / "module_utils")]

import stomp  # noqa: E402
from pymco import rpc  # noqa: E402
from pymco.config import Config  # noqa: E402
from testbed.fleet.fleet import Fleet, fleet_place  # noqa: E402
from testbed.real.rabbitmq import RabbitMQ  # noqa: E402

FACTS = "role,site,rack,os,processorcount,is_virtual,ipaddress"
REQUEST = rpc.Request("rpcutil", "get_facts", {"facts": FACTS}, timeout=300)
ROUNDS = 3


def client_seconds(config: Config, count: int) -> float:
    """What a call takes, from publishing to the last verified and decoded reply."""
    with rpc.Client(config) as client:
        result = client.call(REQUEST)
    if len(result.replies) != count or result.rejected:
        raise RuntimeError(f"{len(result.replies)} of {count} replies, {dict(result.rejected)}")
    return result.seconds["call"]


def bare_seconds(config: Config, count: int) -> float:
    """What stomp.py takes to receive the same replies and count them."""
    client, last = rpc.Client(config), threading.Event()
    payload = client.security.encode(client._message(REQUEST, rpc._addressed(REQUEST)))
    listener, (broker,) = Counter(count, last), config.brokers()
    connection = stomp.StompConnection11(
        [(broker.host, broker.port)], vhost=config["plugin.rabbitmq.vhost"], auto_decode=False
    )
    connection.set_listener("counter", listener)
    connection.connect(broker.user, broker.password, wait=True)
    start = time.monotonic()
    connection.send(
        "/exchange/mcollective_broadcast/rpcutil", payload, headers={"reply-to": "/temp-queue/bare"}
    )
    if not last.wait(300):
        raise RuntimeError(f"{listener.left} of {count} replies did not come")
    seconds = time.monotonic() - start
    connection.disconnect()
    return seconds


class Counter(stomp.ConnectionListener):
    """Counts messages down."""

    def __init__(self, left: int, last: threading.Event) -> None:
        self.left, self._last = left, last

    def on_message(self, frame: t.Any) -> None:
        """Called by stomp.py's thread."""
        self.left -= 1
        if not self.left:
            self._last.set()


def main() -> None:
    """Print a line for each security setting."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"{count} nodes\n{'security':12} {'ours':>9} {'bare':>9} {'ratio':>6}")
    with RabbitMQ([fleet_place("fleet")]) as broker:
        for security in ("psk", "ssl-marshal", "ssl-yaml"):
            with Fleet(broker, "fleet", count, security) as fleet:
                config = Config.from_configfile(str(fleet.client_cfg), environ={})
                rounds = [
                    (client_seconds(config, count), bare_seconds(config, count))
                    for _round in range(ROUNDS)
                ]
            ours, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{security:12} {ours:7.2f} s {bare:7.2f} s {ours / bare:6.2f}", flush=True)


if __name__ == "__main__":
    main()
