# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state: what nodes tell, and how runs of Puppet take turns. tests/interop has the tasks as a whole."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import package, report
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.report import Node
from ansible_collections.pymco.mcollective.plugins.module_utils._task.runs import Run, Runs
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Reply
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    at,
    options,
    unwarned,
)


def reply(data: dict[str, t.Any], code: int = 0, action: str = "status", words: str = "") -> Reply:
    return Reply("agent", action, "a", code, words, data)


def task(kind: type[t.Any], **given: t.Any) -> t.Any:
    return kind(options(kind, config=at(1), **given), unwarned, environ={})


# -- packages and services -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told,state",
    [
        ({"ensure": "1.2-3", "status": "installed"}, "1.2-3"),
        ({Symbol("ensure"): Symbol("absent")}, "absent"),
        ({"ensure": "purged"}, "absent"),
        ({"status": "Not installed"}, "absent"),
        ({"version": "1.2"}, "1.2"),
        ({"status": "Failed"}, None),
        ({"ensure": ["1.2"]}, None),
        ({}, None),
    ],
)
def test_providers_of_packages_tell_the_state_in_their_own_ways(
    told: dict[str, t.Any], state: str | None
) -> None:
    assert task(PackageTask, name="x")._state(reply(told)) == state


@pytest.mark.parametrize(
    "installed,wanted,fits",
    [
        ("1.2-3", "1.2-3", True),
        ("1.2-3", "1.2", True),
        ("1.2-3", "1.2-4", False),
        ("1.2-3", "1", False),
        ("1.20-3", "1.2", False),
        ("2:1.2-3", "1.2-3", True),
        ("2:1.2-3", "1.2", True),
        ("2:1.2-3", "2:1.2", True),
        ("2:1.2-3", "1:1.2-3", False),
        ("1.2-3", "2:1.2-3", True),
        ("1.2-beta-3", "1.2-beta", True),
        ("absent", "1.2", False),
    ],
)
def test_versions(installed: str, wanted: str, fits: bool) -> None:
    assert package.fits_version(installed, wanted) is fits


@pytest.mark.parametrize(
    "listed,named",
    [
        ("bash", True),
        ("bash.x86_64", True),
        ("bash:i386", True),
        ("bash.completion", False),
        ("bash-doc", False),
        (None, False),
        (7, False),
    ],
)
def test_names_in_lists_of_updates(listed: t.Any, named: bool) -> None:
    assert package._is_named(listed, "bash") is named


@pytest.mark.parametrize(
    "state,code,status,good",
    [
        ("started", 0, "running", True),
        ("started", 1, "running", True),  # somebody else has started it
        ("started", 0, "stopped", False),
        ("started", 0, None, False),
        ("started", 0, "unknown", False),
        ("restarted", 0, "running", True),
        ("restarted", 1, "running", False),
        ("stopped", 1, "stopped", True),
    ],
)
def test_replies_are_judged_by_the_state(
    state: str, code: int, status: str | None, good: bool
) -> None:
    told = {} if status is None else {"status": status}
    assert task(ServiceTask, name="x", state=state)._good(reply(told, code, "start")) is good


def test_the_default_of_the_ddl_is_no_state() -> None:
    service = task(ServiceTask, name="x", state="started")
    assert service._state(reply({"status": "unknown"}, 5, "start")) is None
    assert service._state(reply({"status": "stopped"}, 5, "start")) == "stopped"


def test_differences_show_no_control_characters() -> None:
    node = Node("a", before="\x1b[2Jstopped\nb: x", after=None, changed=True)
    shown = report.diff([node, Node("c", before="running", after="running")])
    assert shown["before"].count("\n") == 1
    assert "\x1b" not in shown["before"]
    assert shown["after"] == "a: unknown\n"


# -- runs ------------------------------------------------------------------------------------------


class Machines:
    """Nodes with Puppet, and a clock that moves only when somebody sleeps.

    :param seconds: how long a run takes on each node; None: it is silent after its start.
    """

    def __init__(self, **seconds: float | None) -> None:
        self.now = 1000.0
        self.seconds = seconds
        self.ends: dict[str, float] = {}
        self.log: list[tuple[float, str, str]] = []
        self.refusals: dict[str, str] = {}
        self.failed: set[str] = set()
        self.away = 0

    def runs(self) -> list[Run]:
        return [Run(Node(name, before="stopped"), lastrun=10) for name in self.seconds]

    def carry_out(self, runs: list[Run] | None = None, **given: t.Any) -> tuple[Runs, list[Node]]:
        limits = {"concurrency": 0, "seconds": 100.0, "interval": 5.0, **given}
        carrying = Runs(self.ask, clock=lambda: self.now, sleep=self.sleep, **limits)
        return carrying, carrying.carry_out(self.runs() if runs is None else runs)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, action: str, names: list[str]) -> tuple[dict[str, Reply], t.Collection[str]]:
        if self.away:
            self.away -= 1
            return {}, names
        replies = {}
        for name in names:
            self.log.append((self.now, action, name))
            answer = self._answer(action, name)
            if answer is not None:
                replies[name] = answer
        return replies, []

    def _answer(self, action: str, name: str) -> Reply | None:
        if action == "runonce":
            if name in self.refusals:
                return reply({}, 1, action, self.refusals.pop(name))
            self.ends[name] = self.now + (self.seconds[name] or 0)
            return None if self.seconds[name] is None else reply({"initiated_at": int(self.now)})
        if self.seconds[name] is None:
            return None
        end = self.ends.get(name, 10)
        if action == "status":
            lastrun = int(end) if end <= self.now else 10
            return reply({"enabled": True, "applying": end > self.now, "lastrun": lastrun})
        failed = int(name in self.failed)
        return reply({"total_resources": 9, "changed_resources": 1, "failed_resources": failed})

    def started(self) -> list[tuple[float, str]]:
        return [(moment, name) for moment, action, name in self.log if action == "runonce"]


def test_the_next_node_has_its_turn_as_soon_as_one_is_done() -> None:
    machines = Machines(a=8, b=28, c=8, d=8)
    machines.carry_out(concurrency=2)
    assert machines.started() == [(1000, "a"), (1000, "b"), (1010, "c"), (1020, "d")]


def test_results_are_taken_when_runs_have_ended() -> None:
    machines = Machines(a=8, b=8)
    machines.failed.add("b")
    runs = machines.runs()
    machines.carry_out(runs)
    assert [(run.node.changed, run.node.failed, run.node.msg) for run in runs] == [
        (True, False, ""),
        (True, True, "1 of 9 resources failed"),
    ]
    assert runs[0].node.after == "1 of 9 resources changed"


def test_a_node_that_goes_silent_is_given_up_in_its_time() -> None:
    machines = Machines(a=None, b=8)
    runs = machines.runs()
    machines.carry_out(runs, seconds=60.0)
    assert runs[0].node.msg == "the node stopped answering within 60 s"
    assert (runs[0].node.changed, runs[1].node.failed) == (True, False)
    assert machines.started() == [(1000, "a"), (1000, "b")]  # nobody is asked twice


def test_a_node_that_just_began_to_run_is_asked_again_later() -> None:
    machines = Machines(a=8)
    machines.refusals["a"] = "Puppet is currently applying a catalog, cannot run now"
    machines.carry_out()
    assert machines.started() == [(1000, "a"), (1005, "a")]


def test_any_other_refusal_is_a_failure() -> None:
    machines = Machines(a=8)
    machines.refusals["a"] = "Cannot specify any custom puppet options when the daemon is running"
    runs = machines.runs()
    machines.carry_out(runs)
    assert runs[0].node.msg.startswith("1: Cannot specify")
    assert not runs[0].node.changed


def test_a_broker_that_is_away_costs_time_only() -> None:
    machines = Machines(a=8)
    machines.away = 2
    runs = machines.runs()
    machines.carry_out(runs)
    assert machines.started() == [(1010, "a")]
    assert not runs[0].node.failed


def test_too_many_failures_stop_further_runs_and_those_in_progress_end() -> None:
    machines = Machines(a=8, b=28, c=8, d=8)
    machines.failed.add("a")
    runs = machines.runs()
    carrying, left = machines.carry_out(runs, concurrency=2, most=0.0)
    assert [node.sender for node in left] == ["c", "d"]
    assert runs[1].node.after == "1 of 9 resources changed"
    assert carrying.stopped.startswith("1 of 4 nodes failed, which is more than 0 %")


def test_what_hostile_nodes_say_does_no_harm() -> None:
    run = Run(Node("a"))
    for odd in ({"lastrun": [], "enabled": 0}, {"lastrun": "x" * 9}, {"lastrun": float("nan")}, {}):
        run.look(reply(odd))
        assert (run.lastrun, run.over) == (0, False)
    run.finish(reply({"total_resources": {"a": 1}, "failed_resources": float("inf")}))
    assert run.node.msg == "no catalog was applied; see the log of Puppet on the node"
