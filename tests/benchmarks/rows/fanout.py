# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a call to a whole fleet takes, compared with only receiving its replies."""

from __future__ import annotations

import typing as t

from pymco import rpc

from ..bare import drain
from ..framework import Bench, Line, Target, check, config_of, in_turns

if t.TYPE_CHECKING:
    from testbed.real.security import Security

SECURITIES: tuple[Security, ...] = ("psk", "ssl-marshal", "ssl-yaml")
TARGET = Target(2.5)


def run(bench: Bench) -> list[Line]:
    """A line for each security setting. The time is from sending to the last reply, decoded and verified."""
    return [_line(bench, security) for security in SECURITIES]


def _line(bench: Bench, security: Security) -> Line:
    with bench.fleet(security) as fleet:
        config, request = config_of(fleet), bench.request(fleet)

        def ours() -> float:
            with rpc.Client(config) as client:
                return check(client.call(request), fleet).seconds["call"]

        pair = in_turns(bench.rounds, ours, lambda: drain(config, request, fleet.count)[0])
    return pair.times_slower(f"replies of all nodes, {security}", "bare stomp.py", TARGET)
