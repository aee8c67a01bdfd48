# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bridge between Ansible's options and the client."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
)

CONFIG = {
    "connector": "rabbitmq",
    "identity": "me",
    "plugin.psk": "a psk",
    "plugin.rabbitmq.pool.size": 1,
    "plugin.rabbitmq.pool.1.host": "127.0.0.1",
    "plugin.rabbitmq.pool.1.port": 1,
    "plugin.rabbitmq.pool.1.user": "alice",
    "plugin.rabbitmq.pool.1.password": "a password",
}


def params(**given: t.Any) -> dict[str, t.Any]:
    """Options as Ansible hands them over."""
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    return {**defaults, "agent": "rpcutil", "action": "ping", "config": CONFIG, **given}


def unwarned(message: str) -> None:
    """Takes no warnings."""
    raise AssertionError(f"unexpected warning: {message}")


# -- configuration -------------------------------------------------------------------------------


def test_a_config_with_a_connector_needs_no_file() -> None:
    task = RpcTask(params(), unwarned, environ={})
    assert task.config.source == "the given options"
    assert task.config["plugin.rabbitmq.pool.1.port"] == "1"


def test_config_wins_over_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nidentity = file\nttl = 5\nodd = 1\n")
    warnings: list[str] = []
    task = RpcTask(params(config_file=str(path), config={"ttl": 7}), warnings.append, environ={})
    assert (task.config.identity, task.config.getint("ttl")) == ("file", 7)
    assert warnings == [f"{path}:4: unknown option odd"]


def test_every_task_warns_of_a_file_that_lets_others_in(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nplugin.psk = hush\n")
    path.chmod(0o646)
    warnings: list[str] = []
    RpcTask(
        params(config_file=str(path), config={"plugin.psk": "other"}), warnings.append, environ={}
    )
    (warning,) = warnings
    assert warning.startswith(f"{path} has mode 0646: everybody on this machine can change it, ")
    assert warning.endswith(f"; mend it with: chmod o-w,o-r {path}")


def test_a_boolean_of_config_is_a_truth_value() -> None:
    config = {**CONFIG, "plugin.rabbitmq.base64": True, "direct_addressing": False}
    task = RpcTask(params(config=config), unwarned, environ={})
    assert task.config.getboolean("plugin.rabbitmq.base64") is True
    assert task.config.getboolean("direct_addressing") is False


def test_a_file_that_is_missing_fails_the_task() -> None:
    with pytest.raises(TaskFailed, match=r"/no/such\.cfg: No such file"):
        RpcTask(params(config_file="/no/such.cfg"), unwarned, environ={})


def test_null_in_config_is_not_set(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nidentity = file\nttl = 5\n")
    given = {"ttl": None, "identity": "given", "connector": None}
    task = RpcTask(params(config_file=str(path), config=given), unwarned, environ={})
    assert (task.config.getint("ttl"), task.config.identity) == (5, "given")
    assert task.config.connector == "rabbitmq"
    task = RpcTask(params(config={**CONFIG, "ttl": None}), unwarned, environ={})
    assert task.config.getint("ttl") == 60


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
def test_a_list_or_dict_in_config_is_refused(value: t.Any) -> None:
    with pytest.raises(
        TaskFailed, match="^the option config: main_collective must be a single value$"
    ):
        RpcTask(params(config={**CONFIG, "main_collective": value}), unwarned, environ={})


@pytest.mark.parametrize(
    "given,why",
    [
        ({"fact_filters": ["os"]}, "fact filter 'os' does not parse"),
        ({"class_filters": ["/a"]}, "class filter '/a' lacks its closing slash"),
        ({"agent_filters": ["a b"]}, "agent filter 'a b' is neither"),
        ({"identity_filters": ["a:b"]}, "'a:b' is not an identity"),
        ({"compound_filter": "a and"}, "compound filter 'a and' is wrong at its end"),
        ({"compound_filter": ""}, "compound_filter is empty, or has an empty entry"),
        ({"nodes": ["{{ x }}"]}, "is not an identity"),
        ({"agent": "a b"}, "'a b' is not the name of an agent"),
        ({"timeout": 0.0}, "timeout must be more than 0"),
        ({"arguments": {"process_results": True}}, "process_results is"),
        ({"config": {**CONFIG, "connector": "pigeon"}}, "the value of connector is not supported"),
        (
            {"config": {**CONFIG, "securityprovider": "rot13"}},
            "the value of securityprovider is not supported",
        ),
        ({"config": {**CONFIG, "plugin.psk": ""}}, r"needs the option plugin\.psk"),
        ({"arguments": {":process_results": True}}, "process_results is"),
        ({"arguments": {"a": 1, ":a": 2}}, "argument a is there twice"),
        ({"collective": "elsewhere"}, "'elsewhere' is not among the collectives of the given"),
        ({"timeout": float("nan")}, "timeout must be more than 0"),
        ({"timeout": float("inf")}, "timeout must be more than 0"),
        ({"discovery_timeout": 3e6}, "discovery_timeout must be more than 0"),
        ({"config": {**CONFIG, "discovery_timeout": "nan"}}, "discovery_timeout is not a number"),
        ({"config": {**CONFIG, "connection_timeout": 0}}, "connection_timeout = 0 is not between"),
        ({"config": {**CONFIG, "ttl": "soon"}}, "ttl is not a whole number"),
        ({"reply_to": " "}, "reply_to is empty"),
        ({"process_results": False, "batch_size": "2"}, "a call in batches waits for the replies"),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_wrong_option_fails_before_anything_is_opened(
    check_mode: bool, given: dict[str, t.Any], why: str
) -> None:
    # Port 1 would be refused with another message.
    with pytest.raises(TaskFailed, match=why):
        RpcTask(params(**given), unwarned, environ={}).run(check_mode)


def test_a_data_function_that_a_ddl_does_not_allow_fails_before_anything_is_opened() -> None:
    with pytest.raises(TaskFailed, match="the DDL of fstat_data refuses this: it does not return"):
        RpcTask(params(compound_filter="fstat('/x').inode=1"), unwarned, environ={}).run(
            check_mode=False
        )


def test_a_data_function_without_ddl_is_a_warning() -> None:
    warnings: list[str] = []
    task = RpcTask(params(compound_filter="new('x').y=1"), warnings.append, environ={})
    with pytest.raises(TaskFailed):  # there is no broker
        task.run(check_mode=False)
    assert "the data function new is sent unchecked" in warnings[0]


def test_a_broker_that_is_down_fails_the_task() -> None:
    with pytest.raises(
        TaskFailed, match="cannot connect to 127.0.0.1:1: connection refused"
    ) as caught:
        RpcTask(params(), unwarned, environ={}).run(check_mode=False)
    assert "a password" not in str(caught.value)
    assert caught.value.result == {}


# -- results -------------------------------------------------------------------------------------


class FakeClient:
    """Replaces the client where only its results matter."""

    def __init__(self, result: rpc.Result) -> None:
        self.result = result
        self.calls: list[str] = []
        self.warnings: list[str] = []

    def __call__(self, config: t.Any, progress: t.Any = None) -> FakeClient:
        return self

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def prepare(self, request: rpc.Request) -> rpc.Request:
        self.calls.append("prepare")
        return request

    def call(self, request: rpc.Request) -> rpc.Result:
        self.calls.append("call")
        return self.result

    def targets(self, request: rpc.Request) -> rpc.Result:
        self.calls.append("targets")
        fields = ("nodes", "found", "known", "discovered")
        return rpc.Result(**{name: getattr(self.result, name) for name in fields})


def reply(sender: str, code: int = 0, message: str = "OK") -> rpc.Reply:
    return rpc.Reply("rpcutil", "ping", sender, code, message, {":pong": Symbol("x")})


def result(nodes: str, *replies: rpc.Reply, **more: t.Any) -> rpc.Result:
    given = {"requestid": "f" * 32 if nodes else None, "broker": "b:1", "discovered": True, **more}
    names = nodes.split()
    return rpc.Result(nodes=names, found=len(names), replies=list(replies), **given)


def called(
    monkeypatch: pytest.MonkeyPatch,
    result_: rpc.Result,
    check_mode: bool = False,
    **given: t.Any,
) -> tuple[dict[str, t.Any], str, list[str]]:
    """What the task returns, its message if it failed, and the client's calls."""
    client = FakeClient(result_)
    monkeypatch.setattr(base, "Client", client)
    monkeypatch.setattr(base.CollectiveTask, "look", lambda *_arguments: None)
    quiet = result_.lost is None and not result_.resumed
    warn = unwarned if quiet else lambda message: None
    try:
        return RpcTask(params(**given), warn, environ={}).run(check_mode), "", client.calls
    except TaskFailed as failure:
        return failure.result, str(failure), client.calls


ONE_FAILED = ("a b c", reply("a"), reply("b", 1, "broken"), reply("c"))
ONE_SILENT = ("a b", reply("a"))
LOST = exc.ConnectionLost("b:1 closed the connection", "b:1")


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


def test_the_options_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[rpc.Request] = []
    client = FakeClient(result("a", reply("a")))
    monkeypatch.setattr(client, "prepare", seen.append)
    monkeypatch.setattr(base, "Client", client)
    options: dict[str, t.Any] = {
        "validate": "off",
        "arguments": {":port": 80},
        "nodes": ["a"],
        "collective": "fleet",
        "timeout": 3.0,
        "discovery_timeout": 1.5,
        "ttl": 9,
    }
    filters = {
        "fact_filters": ["os=Debian"],
        "class_filters": ["/web/"],
        "agent_filters": ["puppet"],
        "identity_filters": ["a"],
        "compound_filter": "web and fstat('/x').size>1",
    }
    RpcTask(params(**options, **filters), unwarned, environ={}).run(check_mode=False)
    (request,) = seen
    for name in options.keys() - {"validate"}:
        assert getattr(request, name) == options[name]
    kinds = ("fact", "cf_class", "agent", "identity", "compound")
    assert [len(request.filter[kind]) for kind in kinds] == [1] * 5
    assert request.filter.seconds == 1


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
