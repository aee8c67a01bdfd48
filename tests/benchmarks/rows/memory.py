# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory a reply takes, in proportion to its size on the wire."""

from __future__ import annotations

import typing as t

from ..bare import drain
from ..framework import Bench, Line, Target, config_of

if t.TYPE_CHECKING:
    from testbed.real.security import Security

SECURITIES: tuple[Security, ...] = ("psk", "ssl-yaml")
TARGET = Target(2)
PART = 5
"""Of all nodes the part that is enough: to measure it takes long, and what one holds is not a matter of how many."""


def run(bench: Bench) -> list[Line]:
    """A line for two security settings."""
    return [_line(bench, security) for security in SECURITIES]


def _line(bench: Bench, security: Security) -> Line:
    with bench.fleet(security, nodes=max(1, bench.nodes // PART)) as fleet:
        held = bench.child(fleet, "memory")["held"] / fleet.count
        wire = drain(config_of(fleet), bench.request(fleet), fleet.count)[1] / fleet.count
    return Line(
        f"memory of a held reply, {security}",
        f"{held:.0f} bytes",
        f"{wire:.0f} bytes on the wire",
        ratio=held / wire,
        target=TARGET,
    )
