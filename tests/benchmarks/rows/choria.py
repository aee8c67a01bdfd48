# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choria: calls to a fleet of emulated nodes on nats-server, compared with a bare reader and with ``choria``."""

from __future__ import annotations

import dataclasses
import json
import time
import typing as t

from pymco import rpc
from pymco.conversation import GRACE

from ..bare_nats import drain
from ..choria import choria_fleet, unavailable
from ..framework import (
    FACTS,
    Bench,
    Incomplete,
    Line,
    Target,
    check_senders,
    config_of,
    in_turns,
    stopwatch,
)

if t.TYPE_CHECKING:
    from testbed.choria_fleet.fleet import ChoriaFleet

BARE = Target(1.5)
NOT_SLOWER = Target(1.0, at_least=True)
VERIFIED = 2
"""The version in which replies are signed. We verify two signatures of each; neither the bare reader nor ``choria``
verifies any (Go: protocol/v2/secure_reply.go), so no target can compare them."""


def run(version: int, bench: Bench) -> list[Line]:
    """Lines of a version of the protocol: replies, whole programs, discovery."""
    problem = unavailable()
    if problem is not None:
        return [Line(f"choria v{version}", problem)]
    with choria_fleet(bench, version) as fleet:
        return [*_replies(bench, fleet), *_programs(bench, fleet), _found(bench, fleet)]


def _replies(bench: Bench, fleet: ChoriaFleet) -> list[Line]:
    """The time is from sending to the last reply, decoded and verified."""
    request = bench.request(fleet)
    # No pause between two replies ends it. After the last one the client listens for others, which is not counted.
    everybody = dataclasses.replace(
        request,
        discovery_method="none",
        expected_nodes=fleet.count,
        discovery_timeout=request.timeout,
    )
    named = dataclasses.replace(request, nodes=fleet.identities, expected_nodes=None)

    def ours(asked: rpc.Request) -> float:
        with rpc.Client(config_of(fleet)) as client:
            result = client.call(asked)
            if result.lost:
                raise Incomplete(str(result.lost))
            check_senders([reply.sender for reply in result.replies], fleet, result.rejected)
            return result.seconds["call"] - (0.0 if result.known else GRACE)

    at_once = in_turns(bench.rounds, lambda: ours(everybody), lambda: drain(fleet, request))
    singly = in_turns(bench.rounds, lambda: ours(named), lambda: drain(fleet, request, singly=True))
    what = f"replies of all nodes, choria v{fleet.version}"
    target = None if fleet.version == VERIFIED else BARE
    return [
        at_once.times_slower(f"{what}, asked at once", "bare reader", target),
        singly.times_slower(f"{what}, asked singly", "bare reader", target),
    ]


def _programs(bench: Bench, fleet: ChoriaFleet) -> list[Line]:
    """A line for a call with discovery, and one for nodes whose names are known, each from start to exit."""
    names = fleet.directory / "names.txt"
    names.write_text("".join(f"{name}\n" for name in fleet.identities))
    what = f"choria v{fleet.version}, new process"
    return [
        _program(bench, fleet, f"find and call, {what}", []),
        _program(bench, fleet, f"call by name, {what}", ["--nodes", str(names)], str(names)),
    ]


def _program(
    bench: Bench, fleet: ChoriaFleet, what: str, options: list[str], names: str | None = None
) -> Line:
    counts: list[int] = []

    def ours() -> None:
        found = bench.child(fleet, "replies", names)
        if len(found["replies"]) != fleet.count:
            raise Incomplete(f"{len(found['replies'])} of {fleet.count} replies were printed")

    def theirs() -> None:
        counts.append(_choria_req(fleet, options))

    pair = in_turns(bench.rounds, stopwatch(ours), stopwatch(theirs))
    line = pair.times_faster(what, f"choria req, {min(counts)} of {fleet.count}", NOT_SLOWER)
    # A part is no pair to the whole.
    comparable = min(counts) == fleet.count and fleet.version != VERIFIED
    return line if comparable else dataclasses.replace(line, target=None)


def _choria_req(fleet: ChoriaFleet, options: list[str]) -> int:
    """Return how many good replies ``choria req`` prints."""
    arguments = [f"{name}={value}" for name, value in FACTS.items()]
    shown = ("--json", "--display", "all", "--np")
    printed = fleet.choria("req", "rpcutil", "get_facts", *arguments, *shown, *options, timeout=600)
    good = {reply["sender"] for reply in json.loads(printed)["replies"] if not reply["statuscode"]}
    if not good <= set(fleet.identities):
        raise Incomplete(f"choria got replies of others: {good - set(fleet.identities)}")
    return len(good)


def _found(bench: Bench, fleet: ChoriaFleet) -> Line:
    """Discovery with usual options; the ratio is ours found to the other's."""
    start = time.perf_counter()
    with rpc.Client(config_of(fleet)) as client:
        result = client.targets(bench.request(fleet))
    seconds = time.perf_counter() - start
    check_senders(result.nodes, fleet, result.rejected)
    start = time.perf_counter()
    theirs = set(fleet.choria("discover").split())
    other = time.perf_counter() - start
    if not theirs or not theirs <= set(fleet.identities):
        raise Incomplete(f"choria discover printed {len(theirs)} names, not all of the fleet")
    return Line(
        f"nodes found of {fleet.count}, choria v{fleet.version}",
        f"{len(result.nodes)} in {seconds:.2f} s",
        f"{len(theirs)} in {other:.2f} s choria discover",
        ratio=len(result.nodes) / len(theirs),
    )
