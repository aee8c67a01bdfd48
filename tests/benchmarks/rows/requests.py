# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many calls to one real node, compared with the same requests of stomp.py alone, and with ``mco``."""

from __future__ import annotations

import functools
import time
import typing as t

from pymco import rpc
from pymco.config import Config
from testbed.real.collective import Collective
from testbed.real.nodes import Node

from ..bare import DIRECTED, Bare
from ..framework import FLEET, Bench, Incomplete, Line, in_turns, stopwatch

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.real.security import Security

SECURITIES: tuple[Security, ...] = ("psk", "ssl-yaml")
NODE = "web1.example.com"
REQUEST = rpc.Request("rpcutil", "ping", nodes=[NODE], timeout=30)
TARGET = f"{DIRECTED}/{NODE}"


def run(bench: Bench) -> list[Line]:
    """Three lines for two security settings, the figures are seconds for one call."""
    return [line for security in SECURITIES for line in _lines(bench, security)]


def _lines(bench: Bench, security: Security) -> list[Line]:
    with Collective(bench.broker, FLEET, security, [Node(NODE)]) as collective:
        config = Config.from_configfile(str(collective.client_cfg), environ={})
        once = in_turns(
            bench.rounds,
            _each(bench.calls, functools.partial(_ours_connected, config)),
            _each(bench.calls, functools.partial(_bare_connected, config)),
        )
        each = in_turns(
            bench.rounds,
            _each(bench.calls, functools.partial(_repeated, lambda: _ours_connected(config, 1))),
            _each(bench.calls, functools.partial(_repeated, lambda: _bare_connected(config, 1))),
        )
        mco = in_turns(
            bench.rounds,
            stopwatch(lambda: _ours_connected(config, 1)),
            stopwatch(lambda: _mco(collective)),
        )
    what = f"a call to a real node, {security}"
    return [
        once.times_slower(f"{what}, connected", _rates(once)),
        each.times_slower(f"{what}, and connecting", _rates(each)),
        mco.times_faster(f"{what}, and connecting", "mco"),
    ]


def _rates(pair: t.Any) -> str:
    return f"bare stomp.py: {1 / pair.ours:.0f} a second to {1 / pair.other:.0f}"


def _each(calls: int, function: Callable[[int], None]) -> Callable[[], float]:
    """Return a function that repeats a call and returns the seconds for each call."""

    def timed() -> float:
        start = time.perf_counter()
        function(calls)
        return (time.perf_counter() - start) / calls

    return timed


def _repeated(function: Callable[[], None], calls: int) -> None:
    for _call in range(calls):
        function()


def _ours_connected(config: Config, calls: int) -> None:
    """Connect and call so many times."""
    with rpc.Client(config) as client:
        for _call in range(calls):
            result = client.call(REQUEST)
            if [reply.sender for reply in result.replies if reply.ok] != [NODE]:
                raise Incomplete(f"no good reply of {NODE}: {dict(result.rejected)}")


def _bare_connected(config: Config, calls: int) -> None:
    with Bare(config, REQUEST, TARGET, 30) as bare:
        for _call in range(calls):
            bare.exchange(1)


def _mco(collective: Collective) -> None:
    done = collective.mco("rpc", "rpcutil", "ping", "-j", "-I", NODE)
    if done.stdout.count('"pong"') != 1:
        raise Incomplete(f"mco got no reply of {NODE}: {done.stdout}{done.stderr}")
