# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the command ``ansible`` takes with one task for a whole fleet, from its start to its end.

The quiet window, after which discovery ends, is left out of the figures: it is a matter of the nodes.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import typing as t
from pathlib import Path

from ..framework import USUAL, Bench, Incomplete, Line, Target
from ..programs import Ansible

if t.TYPE_CHECKING:
    from testbed.fleet.fleet import Fleet

WINDOW = 2.0
"""Seconds without an answer that end the discovery."""
TARGET = Target(2.5)
WAYS: dict[str, tuple[str, dict[str, t.Any]]] = {
    "mcollective_ping": ("mcollective_ping", {}),
    "mcollective_rpc, one broadcast": (
        "mcollective_rpc",
        {"agent": "rpcutil", "action": "ping", "discovery_method": "none"},
    ),
    "mcollective_rpc": ("mcollective_rpc", {"agent": "rpcutil", "action": "ping"}),
}
"""The module and its options, by the name of the line."""


def run(bench: Bench) -> list[Line]:
    """A line for each way to ask all nodes. What looks like the ratio are the seconds beyond the quiet window."""
    with bench.fleet() as fleet, tempfile.TemporaryDirectory(prefix="mcotest-adhoc-") as directory:
        ansible = Ansible(Path(directory))
        return [_line(bench, fleet, ansible, way) for way in WAYS]


def _line(bench: Bench, fleet: Fleet, ansible: Ansible, way: str) -> Line:
    module, options = WAYS[way]
    window = WINDOW if bench.quiet is None else bench.quiet
    options = {
        "config_file": str(fleet.client_cfg),
        "discovery_timeout": window,
        "timeout": bench.timeout,
        "progress": 0,
        **options,
    }
    if bench.counted:
        options["expected_nodes"], window = fleet.count, 0.0
    arguments = ("-m", f"pymco.mcollective.{module}", "-a", json.dumps(options))
    found = []
    for _round in range(bench.rounds):
        finished = ansible.run("ansible", "localhost", *arguments)
        _check(finished.stdout, fleet)
        found.append(finished.seconds)
    whole = statistics.median(found)
    return Line(
        f"ansible localhost -m {way}, {fleet.count} nodes, {USUAL}",
        f"{whole:.2f} s",
        f"{window:g} s quiet window",
        ratio=whole - window,
        target=TARGET,
    )


def _check(printed: str, fleet: Fleet) -> None:
    """Raise :class:`Incomplete` unless all nodes have answered."""
    start = printed.find("=> {")
    result = json.loads(printed[start + 3 :]) if start >= 0 else {}
    if result.get("stats", {}).get("responses") != fleet.count:
        raise Incomplete(f"ansible printed no {fleet.count} responses: {printed[:1000]}")
