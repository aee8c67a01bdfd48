# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nodes did, and when: the agent probe writes it into a file."""

from __future__ import annotations

import time
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

    from testbed.real.collective import Collective

GAP = 1.0
"""Seconds between two marks that tell one batch from the next; less than any pause here."""


class Marks:
    """A file in which each node writes its name and the time when it acted."""

    def __init__(self, path: Path) -> None:
        self.arguments: dict[str, t.Any] = {"path": str(path)}
        self._path = path

    def __call__(self) -> list[tuple[float, str]]:
        """Return times and nodes, in order."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return sorted((float(when), who) for who, when in map(str.split, lines))

    def who(self) -> list[str]:
        """Return the nodes that left a mark."""
        return sorted(who for _when, who in self())

    def batches(self) -> list[list[str]]:
        """Return groups of nodes that left marks at about the same time."""
        found: list[list[str]] = []
        last = float("-inf")
        for when, who in self():
            if when - last > GAP:
                found.append([])
            found[-1].append(who)
            last = when
        return found

    def wait_for(self, count: int) -> list[str]:
        """Return the nodes that left a mark, once they are this many."""
        deadline = time.monotonic() + 10
        while len(self()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.who()


def mco(collective: Collective, marks: Marks, *words: str) -> str:
    """Let the reference call the action that leaves marks. Return its output."""
    arguments = [f"{name}={value}" for name, value in marks.arguments.items()]
    return collective.mco("rpc", "probe", "mark", *arguments, "--dt", "1", *words).stdout
