# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many calls to one real node of Choria on its own broker, compared with ``choria req``."""

from __future__ import annotations

import tempfile
import time
import typing as t
from pathlib import Path

from pymco import rpc
from pymco.config import Config
from testbed.certificates import Authority
from testbed.choria.broker import Broker
from testbed.choria.collective import ChoriaCollective, Options
from testbed.choria.tokens import Issuer
from testbed.real.nodes import Node

from ..choria import unavailable
from ..framework import Bench, Incomplete, Line, Target, in_turns, stopwatch

if t.TYPE_CHECKING:
    from collections.abc import Callable

NODE = "web1.example.com"
REQUEST = rpc.Request("rpcutil", "ping", nodes=[NODE], timeout=30)
NOT_SLOWER = Target(1.0, at_least=True)


def run(bench: Bench) -> list[Line]:
    """Two lines for each version of the protocol; the figures are seconds for one call."""
    problem = unavailable()
    if problem is not None:
        return [Line("a call to a real node, choria", problem)]
    return [line for version in (1, 2) for line in _lines(bench, version)]


def _lines(bench: Bench, version: int) -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="mcotest-keys-") as directory:
        authority = Authority(Path(directory) / "authority")
        issuer = Issuer(Path(directory) / "issuer") if version == 2 else None
        options = Options(collectives=("mcollective" if issuer is None else "choria",))
        with (
            Broker(authority, issuer) as broker,
            ChoriaCollective(
                broker, authority, issuer, nodes=[Node(NODE)], options=options
            ) as collective,
        ):
            return _measured(bench, collective)


def _measured(bench: Bench, collective: ChoriaCollective) -> list[Line]:
    config = Config.from_configfile(str(collective.client_conf), environ={})
    theirs = stopwatch(lambda: _choria(collective))
    connected = in_turns(bench.rounds, _each(bench.calls, config), theirs)
    connecting = in_turns(bench.rounds, stopwatch(lambda: _calls(config, 1)), theirs)
    what = f"a call to a real node, choria v{collective.version}"
    return [
        connected.times_faster(f"{what}, connected", "choria req", NOT_SLOWER),
        connecting.times_faster(f"{what}, and connecting", "choria req", NOT_SLOWER),
    ]


def _each(calls: int, config: Config) -> Callable[[], float]:
    """Return a function that repeats a call on a connection and returns the seconds for each call."""

    def timed() -> float:
        start = time.perf_counter()
        _calls(config, calls)
        return (time.perf_counter() - start) / calls

    return timed


def _calls(config: Config, calls: int) -> None:
    with rpc.Client(config) as client:
        for _call in range(calls):
            result = client.call(REQUEST)
            if [reply.sender for reply in result.replies if reply.ok] != [NODE]:
                raise Incomplete(f"no good reply of {NODE}: {dict(result.rejected)}")


def _choria(collective: ChoriaCollective) -> None:
    found = collective.req("rpcutil", "ping", "-I", NODE)
    if [reply["sender"] for reply in found["replies"]] != [NODE]:
        raise Incomplete(f"choria got no reply of {NODE}: {found}")
