# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix as text."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.pymco.mcollective.tests.faults import lies, nats
from ansible_collections.pymco.mcollective.tests.faults.behaviours import BEHAVIOURS
from ansible_collections.pymco.mcollective.tests.faults.cells import no_meaning
from ansible_collections.pymco.mcollective.tests.faults.commands import COMMANDS
from ansible_collections.pymco.mcollective.tests.faults.phases import PHASES

Place = tuple[str, str, str]
"""A row, a column, and what is told apart within a cell."""
Write = t.Callable[[str], None]


@dataclass(frozen=True)
class Table:
    """One table.

    :ivar parts: what a cell tells apart, one character for each.
    :ivar absent: the places that have no meaning.
    """

    title: str
    rows: list[str]
    columns: list[str]
    parts: list[str]
    absent: frozenset[Place] = frozenset()

    def write(self, outcomes: t.Mapping[Place, bool], write: Write) -> None:
        """Write the rows of which at least one cell was tried."""
        rows = [row for row in self.rows if any(place[0] == row for place in outcomes)]
        if not rows:
            return
        write("")
        write(f"{self.title}; in each cell one sign for each of: {', '.join(self.parts)}")
        write("  . ok   F FAIL   - has no meaning   blank: not run")
        widths = [max(len(column), len(self.parts)) for column in self.columns]
        first = max(map(len, rows))
        titles = [column.ljust(width) for column, width in zip(self.columns, widths)]
        write("  ".join(["".ljust(first), *titles]).rstrip())
        for row in rows:
            cells = [
                self._cell(row, column, outcomes).ljust(width)
                for column, width in zip(self.columns, widths)
            ]
            write("  ".join([row.ljust(first), *cells]).rstrip())

    def _cell(self, row: str, column: str, outcomes: t.Mapping[Place, bool]) -> str:
        return "".join(self._sign((row, column, part), outcomes) for part in self.parts)

    def _sign(self, place: Place, outcomes: t.Mapping[Place, bool]) -> str:
        if place in outcomes:
            return "." if outcomes[place] else "F"
        return "-" if place in self.absent else " "


BROKERS = Table(
    "Brokers",
    [behaviour.name for behaviour in BEHAVIOURS],
    [phase.name for phase in PHASES],
    [command.name for command in COMMANDS],
    frozenset(
        (behaviour.name, phase.name, command.name)
        for behaviour in BEHAVIOURS
        for phase in PHASES
        for command in COMMANDS
        if no_meaning(behaviour, phase, command) is not None
    ),
)
NATS = Table(
    "NATS servers",
    [behaviour.name for behaviour in nats.BEHAVIOURS],
    [phase.name for phase in nats.PHASES],
    list(nats.COMMANDS),
    frozenset(
        (behaviour.name, phase.name, command.name)
        for behaviour in nats.BEHAVIOURS
        for phase in nats.PHASES
        for command in COMMANDS
        if nats.no_meaning(behaviour, phase, command) is not None
    ),
)
_LIES = [*(lie.name for lie in lies.LIES), lies.TOO_MUCH]
REPLIES = Table(
    "Replies",
    _LIES,
    lies.PROVIDERS,
    lies.WAYS,
    frozenset(
        (lie, provider, way)
        for lie in _LIES
        for provider in lies.PROVIDERS
        for way in lies.WAYS
        if lies.no_meaning(lie, provider) is not None
    ),
)
TABLES = [BROKERS, NATS, REPLIES]


def print_tables(outcomes: t.Mapping[Place, bool], write: Write) -> None:
    """Write all of them."""
    for table in TABLES:
        table.write(outcomes, write)
