# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state on emulated nodes, whose agents have the interface of the public ones."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client

LOOKS = {"status", "checkupdates", "last_run_summary"}
NAMES = ("a", "b", "c", "d")


@pytest.fixture
def fleet() -> t.Iterator[EmbeddedCollective]:
    """Four nodes: nginx runs on a and b only, they have openssl 1.0-1, and a has an update of it."""
    agents = ["rpcutil", "service", "package", "puppet"]
    nodes = [Node(name, agents=list(agents)) for name in NAMES]
    for node in nodes:
        node.services["nginx"] = "running" if node.identity in "ab" else "stopped"
        node.packages = {"openssl": "1.0-1"} if node.identity in "ab" else {}
    nodes[0].updates["openssl"] = "1.1-1"
    with EmbeddedCollective(nodes, security="psk") as running:
        yield running


def prepared(kind: type[Task], fleet: EmbeddedCollective, **given: t.Any) -> dict[str, t.Any]:
    """Return options as Ansible hands them over."""
    options = {"config_file": str(fleet.client_cfg), "discovery_timeout": 0.4, **given}
    checked = ArgumentSpecValidator(kind.options).validate(options)
    assert checked.error_messages == []
    return t.cast("dict[str, t.Any]", checked.validated_parameters)


def ran(
    kind: type[Task],
    fleet: EmbeddedCollective,
    check_mode: bool = False,
    warns: t.Sequence[str] = (),
    **given: t.Any,
) -> tuple[dict[str, t.Any], str]:
    """Run a task that gives these warnings. Return its result, and its message if it failed."""
    warnings: list[str] = []
    message = ""
    try:
        task = kind(prepared(kind, fleet, **given), warnings.append, environ={})
        returned = task.run(check_mode)
    except TaskFailed as failure:
        returned, message = failure.result, str(failure)
    assert warnings == list(warns)
    json.dumps(returned)
    return returned, message


def calls(fleet: EmbeddedCollective) -> dict[str, list[str]]:
    """Return the actions that change something, by node, and forget all calls."""
    found = {
        node.identity: [call for call in node.calls if call.partition(".")[2] not in LOOKS]
        for node in fleet.nodes
    }
    for node in fleet.nodes:
        node.calls.clear()
    return {name: called for name, called in found.items() if called}


def changed(returned: dict[str, t.Any]) -> list[str]:
    """Return the nodes that a task has changed."""
    return [each["sender"] for each in returned["outcomes"] if each["changed"]]


def states(returned: dict[str, t.Any]) -> dict[str, tuple[t.Any, t.Any]]:
    """Return the states of the nodes before and after."""
    return {each["sender"]: (each["before"], each["after"]) for each in returned["outcomes"]}


# -- service ---------------------------------------------------------------------------------------


def test_only_nodes_that_differ_are_started(fleet: EmbeddedCollective) -> None:
    plan, message = ran(ServiceTask, fleet, True, name="nginx", state="started")
    assert (message, changed(plan), calls(fleet)) == ("", ["c", "d"], {})
    first, message = ran(ServiceTask, fleet, name="nginx", state="started")
    assert message == ""
    assert calls(fleet) == {"c": ["service.start"], "d": ["service.start"]}
    assert {key: first[key] for key in ("changed", "nodes", "diff")} == {
        "changed": True,
        "nodes": list(NAMES),
        "diff": {"before": "c: stopped\nd: stopped\n", "after": "c: running\nd: running\n"},
    }
    assert (changed(plan), plan["diff"], states(plan)) == (
        changed(first),
        first["diff"],
        states(first),
    )
    assert first["outcomes"][0] == {
        **{"sender": "a", "changed": False, "failed": False, "msg": ""},
        **{"before": "running", "after": "running"},
    }
    assert len(first["stats"]["requestids"]) == 2
    second, message = ran(ServiceTask, fleet, name="nginx", state="started")
    assert (message, second["changed"], calls(fleet)) == ("", False, {})
    assert len(second["stats"]["requestids"]) == 1


def test_a_restart_is_always_needed(fleet: EmbeddedCollective) -> None:
    for _time in range(2):
        returned, message = ran(ServiceTask, fleet, name="nginx", state="restarted", limit="2")
        assert (message, len(changed(returned))) == ("", 2)
        assert [len(called) for called in calls(fleet).values()] == [1, 1]


def test_a_service_that_ends_after_its_start_is_a_failure(fleet: EmbeddedCollective) -> None:
    fleet.nodes[2].broken.add("nginx")
    returned, message = ran(ServiceTask, fleet, name="nginx", state="started")
    assert message == (
        "1 of 4 nodes failed: c (the action start succeeded, but left the service nginx stopped)"
    )
    assert states(returned)["c"] == ("stopped", "stopped")
    assert states(returned)["d"] == ("stopped", "running")


def test_somebody_else_may_have_started_it(fleet: EmbeddedCollective) -> None:
    """Between the question and the action. The agent then fails, and the service runs."""
    node = fleet.nodes[2]
    answer = node.answer

    def hastened(agent: str, body: t.Any) -> t.Any:
        reply = answer(agent, body)
        node.services["nginx"] = "running"
        return reply

    node.answer = hastened  # type: ignore[method-assign]
    returned, message = ran(ServiceTask, fleet, name="nginx", state="started", nodes=["c"])
    assert message == ""
    assert returned["outcome"]["after"] == "running"
    assert not returned["outcome"]["failed"]
    assert calls(fleet) == {"c": ["service.start"]}


def test_a_node_that_does_not_answer_the_question_is_left_alone(fleet: EmbeddedCollective) -> None:
    fleet.nodes[3].silent.add("service.status")
    returned, message = ran(ServiceTask, fleet, name="nginx", state="started", timeout=0.5)
    assert message.startswith("1 of 4 nodes did not answer: d within 0.5 s")
    assert returned["no_response"] == ["d"]
    assert calls(fleet) == {"c": ["service.start"]}
    assert returned["outcomes"][3]["msg"] == "did not answer"
    allowed, message = ran(
        ServiceTask, fleet, name="nginx", state="started", timeout=0.5, fail_on=["failed"]
    )
    assert (message, allowed["changed"], allowed["stats"]["no_response"]) == ("", False, 1)


def test_the_silent_node_of_a_host_is_unreachable(fleet: EmbeddedCollective) -> None:
    options = {"target": "host", "nodes": ["d"], "timeout": 0.3}
    for silent in ("service.status", "service.start"):
        fleet.nodes[3].silent = {silent}
        warnings: list[str] = []
        task = ServiceTask(
            prepared(ServiceTask, fleet, name="nginx", state="started", **options), warnings.append
        )
        with pytest.raises(TaskFailed) as caught:
            task.run(False)
        # The causes are a warning, which Ansible shows once for all hosts.
        (why,) = warnings
        assert why.startswith("Why a node may stay silent: ")
        assert "1 of 1 nodes did not answer: d within 0.3 s." in str(caught.value)
        assert "The usual causes" not in str(caught.value)
        # A node that has answered the question can be reached.
        assert caught.value.unreachable is (silent == "service.status")


def test_a_node_that_does_not_answer_the_action_may_have_changed(fleet: EmbeddedCollective) -> None:
    fleet.nodes[3].silent.add("service.start")
    returned, message = ran(ServiceTask, fleet, name="nginx", state="started", timeout=0.5)
    assert message.startswith("1 of 2 nodes did not answer: d within 0.5 s")
    assert changed(returned) == ["c", "d"]
    assert "may have carried out the action start" in returned["outcomes"][3]["msg"]


def test_a_node_that_could_not_be_asked_is_told_and_left_alone(
    fleet: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Client.call

    def refused(client: Client, request: t.Any, **more: t.Any) -> t.Any:
        result = call(client, request, **more)
        if "d" in result.nodes and "good" not in more:
            result.replies = [reply for reply in result.replies if reply.sender != "d"]
            result.unsent, result.refused = ["d"], {"d": "the broker refused it"}
        return result

    monkeypatch.setattr(Client, "call", refused)
    options = {"name": "nginx", "state": "started", "batch_size": "2"}
    for most, acts in ((None, {"c": ["service.start"]}), (0.0, {})):
        returned, message = ran(ServiceTask, fleet, max_fail_percentage=most, **options)
        why = "not sent: the broker refused it"
        assert f"1 of 4 nodes were not sent the request: d ({why})" in message
        assert ("nothing was changed" in message) is (most is not None)
        unsent = ["d"] if most is None else ["c", "d"]  # c differs, and nothing was changed
        assert (returned["unsent"], returned["no_response"]) == (unsent, [])
        assert (returned["outcomes"][3]["failed"], returned["outcomes"][3]["msg"]) == (True, why)
        assert returned["stats"]["failed"] == 0
        assert calls(fleet) == acts
        fleet.nodes[2].services["nginx"] = "stopped"


@pytest.mark.parametrize(
    "kind,options,count",
    [
        (ServiceTask, {"name": "nginx", "state": "started"}, 2),
        (PuppetTask, {"interval": 0.2}, 4),
    ],
)
def test_each_request_is_prepared_once(
    kind: type[Task],
    options: dict[str, t.Any],
    count: int,
    fleet: EmbeddedCollective,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare, actions = Client.prepare, []

    def noted(client: Client, request: t.Any) -> t.Any:
        actions.append(request.action)
        return prepare(client, request)

    monkeypatch.setattr(Client, "prepare", noted)
    assert ran(kind, fleet, **options)[1] == ""
    assert len(actions) == count, actions


def test_a_broker_that_is_lost_before_the_action_is_told(
    fleet: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Client.call

    def failing(client: Client, request: t.Any, **more: t.Any) -> t.Any:
        if "good" in more:
            raise exc.ConnectorError("the broker is gone")
        return call(client, request, **more)

    monkeypatch.setattr(Client, "call", failing)
    cut = "the connection ended before all replies were in: the broker is gone"
    returned, message = ran(ServiceTask, fleet, name="nginx", state="started", warns=[cut])
    why = "not sent: the connection was lost: the broker is gone"
    assert message == f"2 of 4 nodes were not sent the request: c ({why}), d ({why})"
    assert (returned["changed"], returned["unsent"], calls(fleet)) == (False, ["c", "d"], {})


def test_too_many_silent_nodes_stop_it_before_any_change(fleet: EmbeddedCollective) -> None:
    fleet.nodes[3].silent.add("service.status")
    options = {"batch_size": "1", "max_fail_percentage": 20, "timeout": 0.5}
    returned, message = ran(ServiceTask, fleet, name="nginx", state="restarted", **options)
    assert "nothing was changed, since 1 of 4 nodes failed or did not answer" in message
    assert (returned["changed"], calls(fleet)) == (False, {})


def test_nothing_is_changed_if_there_are_too_few_nodes(fleet: EmbeddedCollective) -> None:
    for more in ({"class_filters": ["nosuch"]}, {"expected_nodes": 5}):
        returned, message = ran(ServiceTask, fleet, name="nginx", state="restarted", **more)
        assert "no node answered" in message or "5 were expected" in message
        assert (returned["changed"], calls(fleet)) == (False, {})


def test_a_rolling_restart_of_200_nodes_stops_at_the_broken_one() -> None:
    nodes = [Node(f"n{number:03}", agents=["service"]) for number in range(200)]
    nodes[57].broken.add("nginx")
    options: dict[str, t.Any] = {"batch_size": "10%", "batch_sleep": 0, "max_fail_percentage": 0}
    with EmbeddedCollective(nodes, security="psk") as fleet:
        returned, message = ran(ServiceTask, fleet, name="nginx", state="restarted", **options)
        assert sorted(calls(fleet)) == [f"n{number:03}" for number in range(60)]
    assert "stopped after 60 of 200 nodes: 1 of the 20 nodes of batch 3 failed" in message
    assert "n057 (the action restart succeeded, but left the service nginx stopped)" in message
    assert returned["stats"]["batches"] == 3
    assert (len(changed(returned)), len(returned["unsent"])) == (60, 140)
    assert returned["outcomes"][60]["msg"].startswith("not sent: 1 of the 20 nodes of batch 3")


# -- package ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,acted",
    [
        ({}, {"c": ["package.install"], "d": ["package.install"]}),
        ({"state": "absent"}, {"a": ["package.uninstall"], "b": ["package.uninstall"]}),
        (
            {"state": "latest"},
            {"a": ["package.update"], "c": ["package.install"], "d": ["package.install"]},
        ),
        ({"version": "1.0-1"}, {"c": ["package.install"], "d": ["package.install"]}),
        ({"version": "2.0"}, {name: ["package.install"] for name in NAMES}),
    ],
)
def test_packages_change_once_and_as_foretold(
    options: dict[str, t.Any], acted: dict[str, list[str]], fleet: EmbeddedCollective
) -> None:
    plan, message = ran(PackageTask, fleet, True, name="openssl", **options)
    assert (message, calls(fleet)) == ("", {})
    first, message = ran(PackageTask, fleet, name="openssl", **options)
    assert (message, calls(fleet)) == ("", acted)
    assert changed(first) == changed(plan) == sorted(acted)
    second, message = ran(PackageTask, fleet, name="openssl", **options)
    assert (message, second["changed"], calls(fleet)) == ("", False, {})


def test_versions_before_and_after_are_told(fleet: EmbeddedCollective) -> None:
    plan, _message = ran(PackageTask, fleet, True, name="openssl", state="latest")
    first, _message = ran(PackageTask, fleet, name="openssl", state="latest")
    assert states(plan)["a"] == states(first)["a"] == ("1.0-1", "1.1-1")
    assert states(plan)["c"] == ("absent", "latest")
    assert states(first)["c"] == ("absent", "1.0-1")


def test_a_package_that_cannot_be_installed_is_named(fleet: EmbeddedCollective) -> None:
    fleet.nodes[2].broken.add("openssl")
    returned, message = ran(PackageTask, fleet, name="openssl")
    assert message == "1 of 4 nodes failed: c (5: openssl has unmet dependencies)"
    assert changed(returned) == ["d"]


def test_nodes_that_cannot_tell_of_updates_are_left_alone(fleet: EmbeddedCollective) -> None:
    fleet.nodes[0].failing["package.checkupdates"] = "no apt-get"
    fleet.nodes[1].silent.add("package.checkupdates")
    returned, message = ran(PackageTask, fleet, name="openssl", state="latest", timeout=0.5)
    assert "a (the node cannot tell which packages have updates (1: no apt-get))" in message
    assert "1 of 2 nodes did not answer: b" in message
    assert changed(returned) == ["c", "d"]


# -- puppet ----------------------------------------------------------------------------------------

QUICK = {"interval": 0.1}


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


@pytest.mark.parametrize(
    "kind,options,complaint",
    [
        (PackageTask, {"name": "x", "state": "latest", "version": "1"}, "version is of use with"),
        (PuppetTask, {"state": "enabled", "tags": ["web"]}, "tags is of use with state = ran"),
        (PuppetTask, {"reason": "x"}, "reason is of use with state = disabled only"),
        (PuppetTask, {"concurrency": 0}, "concurrency must be at least 1"),
        (PuppetTask, {"splay_limit": 5}, "splay_limit is of use with splay = true"),
        (PuppetTask, {"max_fail_percentage": 101}, "max_fail_percentage must be from 0 to 100"),
        (ServiceTask, {"name": "x", "state": "started", "batch_size": "a"}, "batch_size must be"),
        (
            ServiceTask,
            {"name": "x", "state": "started", "max_fail_percentage": 1},
            "needs a batch_size",
        ),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(
    kind: type[Task], options: dict[str, t.Any], complaint: str, fleet: EmbeddedCollective
) -> None:
    returned, message = ran(kind, fleet, **options)
    assert complaint in message
    assert returned == {}
    assert [node.calls for node in fleet.nodes] == [[]] * 4
