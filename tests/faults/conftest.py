# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the matrix as a table after the results."""

from __future__ import annotations

import typing as t

import pytest

HOME = "ansible_collections.pymco.mcollective.tests.faults"
pytest.register_assert_rewrite(*(f"{HOME}.{name}" for name in ("cells", "commands", "lies")))

from ansible_collections.pymco.mcollective.tests.faults.tables import print_tables  # noqa: E402

if t.TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: t.Any) -> t.Any:
    """Called by xdist. All cases with the same first part of their name go to one process, which tries brokers
    several at a time and starts the nodes of a provider once."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByFirstPart(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("[")[2].partition("/")[0]

    return ByFirstPart(config, log)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Called by pytest when all tests have run, those of other processes too."""
    outcomes = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            place = dict(report.user_properties).get("cell")
            if place is not None:
                outcomes[tuple(place)] = outcome == "passed"
    if outcomes:
        print_tables(outcomes, terminalreporter.write_line)
