# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make one call to a fleet in a process of its own, and print the outcome as JSON."""

from __future__ import annotations

import gc
import json
import os
import re
import socket
import struct
import sys
import time
import tracemalloc
import typing as t
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils")

from pymco import rpc
from pymco.config import Config

FACTS = {"facts": "role,site,rack,os,processorcount,is_virtual,ipaddress"}


def main(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Discover, call, and print the outcome.

    The option "what" is: call, for that only; replies, to print them too; memory, to measure what they
    hold, which takes longer.
    """
    request = rpc.Request(
        "rpcutil",
        "get_facts",
        FACTS,
        timeout=options["timeout"],
        discovery_timeout=options["quiet"],
        expected_nodes=options["expected"],
        discovery_method="flatfile" if options["names"] else None,
        discovery_options=[options["names"]] if options["names"] else None,
    )
    config = Config.from_configfile(options["config"], environ={})
    found: dict[str, t.Any] = {}
    if options["what"] == "memory":
        result, found["held"] = _weighed(config, request)
    else:
        with rpc.Client(config) as client:
            result = client.call(request)
            found.update(_traffic(client))
    if options["what"] == "replies":
        found["replies"] = [_fields(reply) for reply in result.replies]
    return {
        **found,
        "senders": [reply.sender for reply in result.replies],
        "rejected": dict(result.rejected),
        "seconds": result.seconds,
        "peak": _peak(),
        "processor": time.process_time(),
    }


def _traffic(client: rpc.Client) -> dict[str, int]:
    """Return how many bytes the connection has moved, as the kernel has counted, and how many sockets are open."""
    stream = client.middleware.session.stream
    info = stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    sent, received = struct.unpack_from("=QQ", info, 120)  # tcpi_bytes_acked, tcpi_bytes_received
    links = (os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))
    sockets = sum("socket:" in link for link in links)
    return {"sent": sent, "received": received, "sockets": sockets}


def _fields(reply: rpc.Reply) -> dict[str, t.Any]:
    """Return a reply as JSON has it. dataclasses.asdict would copy its data first, which takes as long as all else."""
    return {name: getattr(reply, name) for name in reply.__slots__}


def _weighed(config: Config, request: rpc.Request) -> tuple[rpc.Result, int]:
    """Return a result and the bytes that it holds. It is the second result, since the first one also loads code."""
    _call(config, request)
    gc.collect()
    tracemalloc.start()
    result = _call(config, request)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return result, held


def _call(config: Config, request: rpc.Request) -> rpc.Result:
    with rpc.Client(config) as client:
        return client.call(request)


def _peak() -> int:
    """Return the most bytes of memory that this process had. getrusage may return those of the parent."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
