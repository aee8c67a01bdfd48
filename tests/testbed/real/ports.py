# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Free ports on loopback."""

from __future__ import annotations

import random
import socket
import time
from contextlib import ExitStack

#: Below the ports that a kernel gives to outgoing connections (32768 and up on Linux), one of
#: which could otherwise take a port between our look and the bind of the program it is for.
_RANGE = range(20000, 32000)


def free_ports(count: int) -> list[int]:
    """Return so many different ports on 127.0.0.1 on which nobody listened a moment ago."""
    with ExitStack() as held:
        return [_hold_one(held) for _index in range(count)]


def _hold_one(held: ExitStack) -> int:
    for _attempt in range(200):
        port = random.choice(_RANGE)
        listener = socket.socket()
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            continue
        held.enter_context(listener)
        return port
    raise RuntimeError("No free port on 127.0.0.1 after 200 attempts")


def wait_for_listener(port: int, patience: float = 5.0) -> None:
    """Wait until something listens there. If nothing does, the caller must notice it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
