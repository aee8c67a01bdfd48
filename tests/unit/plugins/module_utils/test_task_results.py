# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task returns, how it fails, what it warns of, and what it shows."""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.fake_client import (
    LOST,
    FakeClient,
    called,
    params,
    reply,
    result,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import unwarned

ONE_FAILED = ("a b c", reply("a"), reply("b", 1, "broken"), reply("c"))
ONE_SILENT = ("a b", reply("a"))


def test_a_good_result_is_returned_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    good = result(
        "a b",
        reply("a"),
        reply("b"),
        unexpected=["z"],
        seconds={"call": 0.5},
        batches=1,
        timeout=12.0,
    )
    good.rejected["forged"] = 2
    returned, message, _calls = called(monkeypatch, good)
    assert message == ""
    six = {"agent": "rpcutil", "action": "ping", "statuscode": 0, "statusmsg": "OK"}
    assert returned == {
        "changed": False,
        "replies": [
            {**six, "sender": "a", "data": {":pong": "x"}},
            {**six, "sender": "b", "data": {":pong": "x"}},
        ],
        "nodes": ["a", "b"],
        "no_response": [],
        "unsent": [],
        "unexpected": ["z"],
        "stats": {
            "requestid": "f" * 32,
            "configuration": "the given options",
            "broker": "b:1",
            "nodes": 2,
            "responses": 2,
            "ok": 2,
            "failed": 0,
            "no_response": 0,
            "rejected": {"forged": 2},
            "timeout": 12.0,
            "seconds": {"call": 0.5},
        },
    }
    json.dumps(returned)


def test_one_node_that_answered_is_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, result("a", reply("a")))[0]["reply"]["sender"] == "a"
    assert "reply" not in called(monkeypatch, result("a"))[0]
    assert "reply" not in called(monkeypatch, result("a b", reply("a")))[0]


@pytest.mark.parametrize(
    "given,fail_on,failed",
    [
        (ONE_FAILED, ["failed", "no_response", "no_nodes"], True),
        (ONE_FAILED, ["failed"], True),
        (ONE_FAILED, ["no_response", "no_nodes"], False),
        (ONE_FAILED, [], False),
        (ONE_SILENT, ["failed", "no_response", "no_nodes"], True),
        (ONE_SILENT, ["no_response"], True),
        (ONE_SILENT, ["failed", "no_nodes"], False),
        (ONE_SILENT, [], False),
        (("",), ["failed", "no_response", "no_nodes"], True),
        (("",), ["no_nodes"], True),
        (("",), ["failed", "no_response"], False),
        (("",), [], False),
    ],
)
def test_it_fails_on_what_it_is_told_to(
    given: t.Any, fail_on: list[str], failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = result(*given)
    returned, message, _calls = called(monkeypatch, outcome, fail_on=fail_on)
    assert bool(message) is failed
    assert len(returned["replies"]) == len(outcome.replies)
    assert returned["nodes"] == outcome.nodes


def test_failures_are_named_with_their_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [reply(name, 1, f"no {name}") for name in "abcde"]
    message = called(monkeypatch, result("a b c d e f", *replies, reply("f")))[1]
    assert message == ("5 of 6 nodes failed: a (1: no a), b (1: no b), c (1: no c) and 2 more")


def test_silence_is_told_with_nodes_time_and_usual_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = result("a b c d e", timeout=2.5, discovered=False)
    silent.rejected.update({"forged": 2, "duplicate": 1})
    message = called(monkeypatch, silent)[1]
    assert message.startswith(
        "5 of 5 nodes did not answer: a, b, c and 2 more within 2.5 s"
        " (replies that were rejected: 1 duplicate, 2 forged). Nodes say nothing about requests"
    )


def test_a_lost_connection_is_why_nodes_did_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    returned, message, _calls = called(monkeypatch, result("a b", reply("a"), lost=LOST))
    assert message == (
        "1 of 2 nodes did not answer: b because the connection was lost: b:1 closed the connection."
    )
    assert returned["stats"]["lost"] == "b:1 closed the connection"
    json.dumps(returned)


@pytest.mark.parametrize("fail_on", [[], ["failed", "no_response", "no_nodes"]])
def test_a_lost_connection_is_a_warning_whether_the_task_fails_or_not(
    fail_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(base, "Client", FakeClient(result("a b", reply("a"), lost=LOST)))
    with contextlib.suppress(TaskFailed):
        RpcTask(params(fail_on=fail_on), warnings.append, environ={}).run(check_mode=False)
    assert warnings == [
        "the connection ended before all replies were in: b:1 closed the connection"
    ]


def warnings_of(monkeypatch: pytest.MonkeyPatch, result_: rpc.Result) -> list[str]:
    warnings: list[str] = []
    monkeypatch.setattr(base, "Client", FakeClient(result_))
    RpcTask(params(fail_on=[], max_reply_bytes=1000), warnings.append, environ={}).run(
        check_mode=False
    )
    return warnings


def test_a_node_whose_replies_differ_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = result("a b", reply("a"), reply("b"), culprits={"contradictory": ["a"]})
    found.rejected["contradictory"] = 1
    (warning,) = warnings_of(monkeypatch, found)
    assert warning.startswith("a answered more than once, and differently")


def test_replies_that_had_no_room_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = result("a b", reply("a"), culprits={"over_limit": ["b"]})
    found.rejected["over_limit"] = 1
    (warning,) = warnings_of(monkeypatch, found)
    assert "may have 1000 bytes: those of b. Raise max_reply_bytes" in warning


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("unsigned", "b do not sign their replies. Set plugin.security.choria.sign_replies = true"),
        ("untrusted", "b have tokens that no issuer signed .* plugin.security.issuer.NAME.public"),
        ("expired", "b have tokens that have expired, .* make new ones"),
    ],
)
def test_nodes_that_do_not_prove_themselves_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, reason: str, words: str
) -> None:
    found = result("a b", reply("a"), culprits={reason: ["b"]})
    found.rejected[reason] = 2
    (warning,) = warnings_of(monkeypatch, found)
    assert re.search(f"^2 replies were dropped: {words}", warning)


def test_a_connection_that_was_replaced_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    (warning,) = warnings_of(monkeypatch, result("a", reply("a"), resumed=["b:1 closed it"]))
    assert "the connection was lost: b:1 closed it. Listening went on" in warning


def test_who_was_not_sent_to_is_told_with_the_connection_that_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = result("a b", reply("a"), unsent=["b"], resumed=["b:1 closed it"])
    message = called(monkeypatch, found)[1]
    assert (
        message
        == "1 of 2 nodes were not sent the request since the connection was lost: b:1 closed it: b"
    )


def test_a_lost_connection_changed_something_for_all_we_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = result("a b", lost=LOST)
    returned = called(monkeypatch, outcome, fail_on=[], read_only=False)[0]
    assert (returned["changed"], returned["no_response"]) == (True, ["a", "b"])


def test_failures_and_silence_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    message = called(monkeypatch, result("a b", reply("a", 1, "broken")))[1]
    assert message.startswith("1 of 2 nodes failed: a (1: broken); 1 of 2 nodes did not answer: b")


def test_no_nodes_is_told_with_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = result("")
    nobody.rejected["forged"] = 3
    message = called(monkeypatch, nobody)[1]
    assert message.startswith(
        "no node answered the discovery for agent rpcutil"
        " (replies that were rejected: 3 forged). Nodes say nothing"
    )


def test_no_nodes_is_told_with_what_could_not_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "Client", FakeClient(result("")))
    monkeypatch.setattr(base.CollectiveTask, "look", lambda *_arguments: None)
    with pytest.raises(TaskFailed) as caught:
        RpcTask(params(compound_filter="new('x').y=1"), [].append, environ={}).run(check_mode=False)
    assert "Also: the data function new is sent unchecked" in str(caught.value)


@pytest.mark.parametrize(
    "read_only,action,looks",
    [
        (False, "service.restart", False),
        (True, "service.restart", True),
        (None, "service.restart", False),
        (False, "service.status", False),
        (None, "service.status", True),
        (None, "ourservice.status", False),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_check_mode_sends_nothing_that_changes_something(
    check_mode: bool,
    read_only: bool | None,
    action: str,
    looks: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcome = result("a", reply("a"))
    named = dict(zip(("agent", "action"), action.split(".")))
    given = {**named, "read_only": read_only, "validate": "off"}
    returned, _message, made = called(monkeypatch, outcome, check_mode, **given)
    assert made == ["prepare", "targets" if check_mode and not looks else "call"]
    assert returned["changed"] is not looks


def test_check_mode_does_not_call_it_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = result("a b")
    returned, message, _calls = called(monkeypatch, outcome, check_mode=True, read_only=False)
    assert message == ""
    assert (returned["no_response"], returned["stats"]["no_response"]) == ([], 0)
    assert (returned["nodes"], returned["replies"]) == (["a", "b"], [])


def test_check_mode_fails_too_when_there_are_no_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no node answered" in called(monkeypatch, result(""), check_mode=True)[1]
    assert called(monkeypatch, result(""), check_mode=True, fail_on=[])[1] == ""


def test_nodes_that_were_not_asked_are_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    few = result("a b", requestid=None, unsent=["a", "b"], stopped="2 nodes were found, but")
    returned, message, _calls = called(monkeypatch, few, expected_nodes=3)
    assert message.startswith(
        "2 nodes were found, but 3 were expected, so the request was not sent."
    )
    assert "did not answer" not in message
    assert message.count("2 nodes were found") == 1 and "not asked" not in message
    assert (returned["no_response"], returned["changed"]) == ([], False)
    assert (returned["unsent"], returned["stats"]["unsent"]) == (["a", "b"], 2)


def test_nothing_sent_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, result(""), fail_on=[])[0]["changed"] is False


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def client(_config: t.Any, progress: t.Any = None) -> t.NoReturn:
        raise exc.MissingDependency("stomp.py", "connections to a broker")

    monkeypatch.setattr(base, "Client", client)
    with pytest.raises(TaskFailed) as caught:
        RpcTask(params(), unwarned, environ={}).run(check_mode=False)
    assert caught.value.missing == "stomp.py"
    assert str(caught.value) == (
        "the Python library stomp.py is needed for connections to a broker; install it"
    )


# -- what is shown ---------------------------------------------------------------------------------


def test_a_task_of_one_host_returns_its_reply_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"target": "host", "nodes": ["a"]}
    returned = called(monkeypatch, result("a", reply("a"), known=True), **given)[0]
    assert returned["reply"]["sender"] == "a"
    assert "replies" not in returned


@pytest.mark.parametrize("check_mode", [False, True])
def test_differences_are_the_nodes_of_a_call(
    check_mode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "Client", FakeClient(result("a b", reply("a"), reply("b"))))
    for given, after in (
        ({"action": "restart", "agent": "service"}, "a: service restart\nb: service restart\n"),
        ({"action": "status", "agent": "service"}, None),
    ):
        task = RpcTask(params(**given, validate="off"), unwarned, environ={})
        diff = task.run(check_mode, diff=True).get("diff")
        assert diff == (after and {"before": "", "after": after})
        assert "diff" not in task.run(check_mode)


def test_figures_with_nothing_to_tell_are_left_out() -> None:
    given = {"failed": 0, "unsent": 0, "batches": 1, "lost": None, "rejected": {}, "resumed": []}
    assert base.concise(given) == {"failed": 0}
    told = {"unsent": 2, "batches": 3, "rejected": {"forged": 1}}
    assert base.concise(told) == told
