# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of Puppet on emulated nodes, whose agent has the interface of the public one."""

from __future__ import annotations

import time
import typing as t

import pytest
from desiring import NAMES, calls, changed, four_nodes, ran, states
from testbed.embedded.collective import EmbeddedCollective

from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client

QUICK = {"interval": 0.1}


@pytest.fixture
def fleet() -> t.Iterator[EmbeddedCollective]:
    with four_nodes() as running:
        yield running


def test_a_run_is_waited_for_and_its_result_is_returned(fleet: EmbeddedCollective) -> None:
    fleet.nodes[0].puppet.resources = (20, 3, 0, 3)
    fleet.nodes[1].puppet.resources = (20, 1, 2, 3)
    fleet.nodes[2].puppet.resources = (0, 0, 0, 0)
    options = {"noop": False, "tags": ["web", "db"], "environment": "test"}
    start = time.monotonic()
    returned, message = ran(PuppetTask, fleet, **QUICK, **options)
    assert 0.2 < time.monotonic() - start < 10
    assert message == (
        "2 of 4 nodes failed: b (2 of 20 resources failed),"
        " c (no catalog was applied; see the log of Puppet on the node)"
    )
    assert changed(returned) == ["a", "b"]
    assert states(returned)["a"] == ("stopped", "3 of 20 resources changed")
    assert returned["outcomes"][0]["run"]["changed_resources"] == 3
    assert fleet.nodes[0].puppet.runs[0][0] == {
        **{"noop": False, "tags": "web,db", "environment": "test", "force": True}
    }
    assert calls(fleet) == {name: ["puppet.runonce"] for name in NAMES}


def test_check_mode_runs_nothing(fleet: EmbeddedCollective) -> None:
    fleet.nodes[1].puppet.lock = "maintenance"
    returned, message = ran(PuppetTask, fleet, True)
    assert message == "1 of 4 nodes failed: b (Puppet is disabled: maintenance)"
    assert changed(returned) == ["a", "c", "d"]
    assert calls(fleet) == {}


def test_no_more_nodes_run_at_a_time_than_allowed(fleet: EmbeddedCollective) -> None:
    for node in fleet.nodes:
        node.puppet.seconds = 0.5
    _returned, message = ran(PuppetTask, fleet, concurrency=2, **QUICK)
    assert message == ""
    runs = [node.puppet.runs[0][1:] for node in fleet.nodes]
    most = max(sum(begin <= moment < end for begin, end in runs) for moment, _end in runs)
    assert most == 2


def test_the_first_failure_stops_further_runs(fleet: EmbeddedCollective) -> None:
    fleet.nodes[0].puppet.resources = (20, 0, 1, 1)
    options = {"concurrency": 1, "max_fail_percentage": 0}
    returned, message = ran(PuppetTask, fleet, **QUICK, **options)
    assert "1 of 4 nodes failed, which is more than 0 %, so no further run was started" in message
    assert "a (1 of 20 resources failed)" in message
    assert returned["unsent"] == ["b", "c", "d"]
    assert calls(fleet) == {"a": ["puppet.runonce"]}


def test_a_run_in_progress_is_waited_for_first(fleet: EmbeddedCollective) -> None:
    fleet.nodes[0].puppet.seconds = 1.2
    fleet.nodes[0].puppet.begin({"daemon": True})
    _returned, message = ran(PuppetTask, fleet, nodes=["a"], **QUICK)
    assert message == ""
    runs = fleet.nodes[0].puppet.runs
    assert [list(inputs) for inputs, _begin, _end in runs] == [["daemon"], ["force"]]
    assert calls(fleet) == {"a": ["puppet.runonce"]}


def test_a_run_that_does_not_end_is_a_failure(fleet: EmbeddedCollective) -> None:
    fleet.nodes[0].puppet.seconds = 60
    returned, message = ran(PuppetTask, fleet, run_timeout=0.6, **QUICK)
    assert message == "1 of 4 nodes failed: a (the run did not end within 0.6 s)"
    assert changed(returned) == ["a"]


def test_a_node_that_does_not_answer_the_request_to_run_is_silent(
    fleet: EmbeddedCollective,
) -> None:
    fleet.nodes[3].silent.add("puppet.runonce")
    options = {"run_timeout": 3.0, "timeout": 0.4, **QUICK}
    returned, message = ran(PuppetTask, fleet, **options)
    why = "no answer came to the request to run, and no run ended within 3 s"
    assert message == f"1 of 4 nodes did not answer: d ({why})"
    assert (returned["no_response"], returned["unsent"]) == (["d"], [])
    assert (returned["stats"]["no_response"], returned["stats"]["failed"]) == (1, 0)
    assert ran(PuppetTask, fleet, fail_on=["failed"], **options)[1] == ""


@pytest.mark.parametrize("kind", [exc.ConnectFailed, exc.SerializationError])
@pytest.mark.parametrize("dies", ["runonce", "status"])
def test_no_node_is_blamed_for_a_broker_that_dies_during_runs_or_a_token_that_expires(
    dies: str,
    kind: type[exc.PyMcoException],
    fleet: EmbeddedCollective,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call, actions = Client.call, []

    def failing(client: Client, request: t.Any, **more: t.Any) -> t.Any:
        actions.append(request.request.action)
        if dies in actions[1:]:
            raise kind("no broker can be used")
        return call(client, request, **more)

    monkeypatch.setattr(Client, "call", failing)
    away = "nodes could not be asked for a while: no broker can be used"
    options = {"run_timeout": 0.5, "nodes": ["a"], **QUICK}
    returned, message = ran(PuppetTask, fleet, warns=[away], **options)
    what = {"runonce": "to run", "status": "how its run went"}[dies]
    why = f"the node could not be asked {what} within 0.5 s: no broker can be used"
    said = {"runonce": "were not sent the request:", "status": "failed:"}[dies]
    assert message == f"1 of 1 nodes {said} a ({why})"
    assert returned["unsent"] == (["a"] if dies == "runonce" else [])
    assert (returned["no_response"], returned["changed"]) == ([], dies == "status")


def test_disabled_nodes_can_be_left_out(fleet: EmbeddedCollective) -> None:
    fleet.nodes[1].puppet.lock = "maintenance"
    options = {"fail_on": ["failed", "no_response", "no_nodes"]}
    returned, message = ran(PuppetTask, fleet, **QUICK, **options)
    assert message == ""
    assert "b" not in calls(fleet)
    assert returned["outcomes"][1]["msg"] == "Puppet is disabled: maintenance"


@pytest.mark.parametrize("state,acted", [("enabled", ["b"]), ("disabled", ["a", "c", "d"])])
def test_puppet_is_enabled_and_disabled_where_needed(
    state: str, acted: list[str], fleet: EmbeddedCollective
) -> None:
    fleet.nodes[1].puppet.lock = "maintenance"
    options = {"state": state, **({"reason": "moving"} if state == "disabled" else {})}
    plan, message = ran(PuppetTask, fleet, True, **options)
    assert (message, calls(fleet)) == ("", {})
    first, message = ran(PuppetTask, fleet, **options)
    assert (message, sorted(calls(fleet))) == ("", acted)
    assert changed(plan) == changed(first) == acted
    assert plan["diff"] == first["diff"]
    locks = [node.puppet.lock for node in fleet.nodes]
    assert (
        locks
        == {"enabled": [None] * 4, "disabled": ["moving", "maintenance", "moving", "moving"]}[state]
    )
    second, message = ran(PuppetTask, fleet, **options)
    assert (message, second["changed"], calls(fleet)) == ("", False, {})
