# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state: what nodes tell, and how runs of Puppet take turns. tests/interop has the tasks as a whole."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base, package, report
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.report import Node
from ansible_collections.pymco.mcollective.plugins.module_utils._task.runs import Run, Runs
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Reply, Result
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


# -- outcomes --------------------------------------------------------------------------------------


class Fleet:
    """Replaces the client: its nodes answer at once.

    :param statuses: what each node tells as the status of its service; None: it is silent.
    :param silent: actions that nobody answers.
    """

    warnings: t.ClassVar[list[str]] = []

    def __init__(self, silent: t.Sequence[str] = (), **statuses: str | None) -> None:
        self.statuses, self.silent = statuses, silent
        self.names: list[str] | None = None
        self.sent: list[tuple[str, list[str]]] = []

    def __call__(self, *_given: object, **_more: object) -> Fleet:
        return self

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def prepare(self, request: Request) -> Addressed:
        return Addressed(request, self)

    def call(self, addressed: Addressed, good: t.Any = None) -> Result:
        action, names = addressed.request.action, addressed.nodes
        self.sent.append((action, names))
        found = Result(nodes=names, found=len(names), discovered=action == "status")
        found.requestid, found.timeout = "f" * 32, 2.0
        size = int(addressed.request.batch_size or 0) or len(names)
        for name in names[:size]:
            status = self.statuses[name]
            if status is not None and action not in self.silent:
                code = 5 if status == "broken" else 0
                found.replies.append(Reply("service", action, name, code, "", {"status": status}))
        if names[size:]:
            found.unsent, found.stopped = names[size:], "a node of batch 1 failed"
        return found


class Addressed:
    """Replaces a prepared request."""

    names = None

    def __init__(
        self, request: Request, fleet: Fleet, nodes: t.Sequence[str] | None = None
    ) -> None:
        self.request, self.fleet = request, fleet
        self.nodes = sorted(fleet.statuses if nodes is None else nodes)

    def to(self, nodes: t.Sequence[str]) -> Addressed:
        return Addressed(self.request, self.fleet, nodes)


def served(
    monkeypatch: pytest.MonkeyPatch, fleet: Fleet, check_mode: bool = False, **given: t.Any
) -> tuple[dict[str, t.Any], str]:
    """What the task of a service returns, and its message if it failed."""
    monkeypatch.setattr(base, "Client", fleet)
    try:
        return task(ServiceTask, **{"name": "nginx", **given}).run(check_mode), ""
    except TaskFailed as failure:
        return failure.result, str(failure)


def told(returned: dict[str, t.Any]) -> dict[str, tuple[bool, bool, str]]:
    """Return whether each node changed and failed, and its message."""
    return {
        each["sender"]: (each["changed"], each["failed"], each["msg"])
        for each in returned["outcomes"]
    }


@pytest.mark.parametrize("check_mode", [False, True])
def test_nodes_that_differ_are_unsent_and_failed_if_the_question_stops_the_task(
    check_mode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(a="broken", b="stopped", c="running")
    options = {"state": "started", "batch_size": "2", "max_fail_percentage": 0.0}
    returned, message = served(monkeypatch, fleet, check_mode, **options)
    assert [action for action, _names in fleet.sent] == ["status"]
    assert message.count("nothing was changed, since 1 of 3 nodes failed") == 1
    assert "1 of 3 nodes failed: a (5: )" in message
    assert told(returned)["b"][:2] == (False, True)
    assert told(returned)["b"][2].startswith("not sent: nothing was changed, since 1 of 3 nodes")
    assert told(returned)["c"] == (False, False, "")
    assert (returned["unsent"], returned["changed"]) == (["b"], False)
    assert (returned["stats"]["failed"], returned["stats"]["unsent"]) == (1, 1)


def test_nodes_of_batches_that_were_not_sent_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(a="stopped", b="stopped", c="stopped")
    options = {"batch_size": "2", "max_fail_percentage": 0.0}
    returned, message = served(monkeypatch, fleet, state="started", **options)
    assert "2 of 3 nodes failed: a (the action start succeeded" in message
    assert told(returned)["c"] == (False, True, "not sent: a node of batch 1 failed")
    assert (returned["unsent"], returned["stats"]["failed"]) == (["c"], 2)


def test_nodes_that_have_answered_have_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = Fleet(silent=["restart"], a="running", b="running")
    returned, message = served(monkeypatch, fleet, state="restarted")
    assert message.startswith("2 of 2 nodes did not answer: a, b within 2 s. They have answered an")
    assert "lack the agent" not in message and "do not know our key" not in message
    assert (returned["no_response"], returned["changed"]) == (["a", "b"], True)


def test_a_node_that_does_not_tell_the_state_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "x" * 40
    fleet = Fleet(a="unknown")
    returned, message = served(monkeypatch, fleet, name=name, state="started")
    said = f"the agent service does not tell the state of the service {name}, but only"
    assert message == f"1 of 1 nodes failed: a ({said} {{'status': 'unknown'}})"
    long = task(ServiceTask, name=name, state="started")._untold(reply({"x\x1b": "y" * 9000}))
    assert len(long) < 180 and long.isprintable()


def test_an_action_after_which_a_node_does_not_tell_the_state() -> None:
    node = Node("a", before="stopped")
    task(ServiceTask, name="nginx", state="started")._take(node, reply({}, action="start"))
    assert node.msg == "the agent service does not tell the state of the service nginx, but only {}"


def test_too_few_nodes_are_all_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, few = Fleet(a="running", b="stopped"), "2 nodes were found, but at least 3 are needed"
    found = Result(nodes=["a", "b"], found=2, unsent=["a", "b"], stopped=few, discovered=True)
    monkeypatch.setattr(fleet, "call", lambda _question: found)
    returned, message = served(monkeypatch, fleet, state="started", expected_nodes=3)
    assert message.startswith("2 nodes were found, but 3 were expected, so the request was not")
    assert message.count("2 nodes") == 1
    assert (returned["nodes"], returned["unsent"]) == (["a", "b"], ["a", "b"])
    assert told(returned) == {name: (False, True, f"not sent: {few}") for name in "ab"}
    assert (returned["stats"]["failed"], returned["stats"]["unsent"]) == (0, 2)


def expired(*_given: object, **_more: object) -> Result:
    """Take the place of a client's method call when its token has expired."""
    raise exc.SerializationError("the token has expired")


def test_a_token_that_expires_before_the_action_loses_no_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = Fleet(a="running", b="stopped")
    call = fleet.call

    def once(addressed: Addressed, **more: t.Any) -> Result:
        return expired() if fleet.sent else call(addressed, **more)

    monkeypatch.setattr(fleet, "call", once)
    returned, message = served(monkeypatch, fleet, state="started")
    assert message == "the token has expired"
    assert told(returned)["b"] == (False, True, "not sent: the token has expired")
    assert (told(returned)["a"][1], returned["unsent"]) == (False, ["b"])


def test_a_token_that_expires_before_the_second_look_loses_no_outcome() -> None:
    installing = task(PackageTask, name="x", version="2.0")
    installing._asking({})
    installing._nodes = {"a": Node("a", before="absent")}
    done = Reply("package", "install", "a", 0, "OK", {"ensure": "1.0"})
    client = types.SimpleNamespace(call=expired)
    assert installing._confirmed(client, report.Report(), Result(replies=[done])) == {}


def test_nodes_that_were_not_asked_for_updates_are_unsent() -> None:
    latest = task(PackageTask, name="x", state="latest")
    latest._stopped = lambda _report: "nothing was changed"
    latest._asking({})
    there = Reply("package", "status", "a", 0, "OK", {"ensure": "1.0"})
    stopped = latest._ask(None, Result(nodes=["a"], found=1, replies=[there], requestid="f"))
    assert (stopped.unsent, stopped.failed) == (["a"], {})
    assert stopped.nodes["a"].failed


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
        self.dies = float("inf")
        self.silent: set[str] = set()

    def runs(self) -> list[Run]:
        return [Run(Node(name, before="stopped"), lastrun=10) for name in self.seconds]

    def carry_out(self, runs: list[Run] | None = None, **given: t.Any) -> tuple[Runs, list[Node]]:
        limits = {"concurrency": 0, "seconds": 100.0, "interval": 5.0, **given}
        carrying = Runs(self.ask, clock=lambda: self.now, sleep=self.sleep, **limits)
        return carrying, carrying.carry_out(self.runs() if runs is None else runs)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def ask(self, action: str, names: list[str]) -> tuple[dict[str, Reply], dict[str, str]]:
        if self.away or self.now >= self.dies:
            self.away = max(0, self.away - 1)
            return {}, dict.fromkeys(names, "no broker can be used")
        replies = {}
        for name in names:
            self.log.append((self.now, action, name))
            answer = self._answer(action, name)
            if answer is not None:
                replies[name] = answer
        return replies, {}

    def _answer(self, action: str, name: str) -> Reply | None:
        if action in self.silent:
            return None
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
    assert [run.silent for run in runs] == [True, False]
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


@pytest.mark.parametrize(
    "dies,asked,msg",
    [(1006, True, "how its run went"), (1000, False, "to run")],
)
def test_no_node_is_blamed_for_a_broker_that_dies(dies: float, asked: bool, msg: str) -> None:
    machines = Machines(a=20)
    machines.dies = dies
    runs = machines.runs()
    machines.carry_out(runs, seconds=60.0)
    why = f"the node could not be asked {msg} within 60 s: no broker can be used"
    assert (runs[0].node.failed, runs[0].node.msg) == (True, why)
    assert (runs[0].silent, runs[0].node.changed, runs[0].asked) == (False, asked, asked)


@pytest.mark.parametrize(
    "action,msg",
    [
        ("runonce", "no answer came to the request to run, and no run ended"),
        ("last_run_summary", "the run ended, but the node did not answer when it was asked for"),
    ],
)
def test_a_node_that_does_not_answer_a_request_of_a_run_is_silent(action: str, msg: str) -> None:
    machines = Machines(a=8)
    machines.silent.add(action)
    runs = machines.runs()
    machines.carry_out(runs, seconds=60.0)
    assert runs[0].node.msg.startswith(msg)
    assert (runs[0].silent, runs[0].node.changed, runs[0].node.after) == (True, True, None)


def test_a_node_that_runs_without_an_answer_is_not_silent() -> None:
    machines = Machines(a=8)
    runs = machines.runs()
    runs[0].begin(None)
    machines.ends["a"] = machines.now + 8
    machines.carry_out(runs)
    assert (runs[0].silent, runs[0].node.msg) == (False, "")


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
