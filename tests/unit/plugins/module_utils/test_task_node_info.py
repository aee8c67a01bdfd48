# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mcollective_node_info: what many nodes tell about themselves."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathered
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.fake_client import (
    reply,
    result,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    at,
    options,
    outcome,
    pinged,
    unwarned,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    Script,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    done,
    read,
)


def inventory(*classes: str, **facts: str) -> dict[Symbol, t.Any]:
    """A reply to the action inventory."""
    data = {
        "agents": ["discovery", "rpcutil"],
        "facts": facts,
        "classes": list(classes),
        "collectives": ["mcollective", "eu"],
        "main_collective": "mcollective",
        "version": "2.12.5",
        "data_plugins": ["fact_data"],
    }
    return done(data={Symbol(name): value for name, value in data.items()})


def asked(replies: dict[str, t.Any], seen: list[t.Any], count: int, ping: bool = False) -> Script:
    """A connection over which a request comes in so many messages, and these replies are given."""

    def script(peer: Peer) -> None:
        peer.log_in()
        if ping:
            first = read(peer.expect("SEND"))
            for node in replies:
                answer(peer, first, node, "pong")
        requests = [read(peer.expect("SEND")) for _node in range(count)]
        seen.extend(requests)
        for node, body in replies.items():
            answer(peer, requests[0], node, body)
        peer.log_out()

    return script


@pytest.mark.parametrize("check_mode", [False, True])
def test_all_that_nodes_tell_is_returned_by_default(check_mode: bool) -> None:
    seen: list[t.Any] = []
    replies = {"b": inventory("web", os="Debian"), "a": inventory("db", "common", cpus="8")}
    with ScriptedBroker(asked(replies, seen, 2, ping=True)) as broker:
        returned, message = outcome(NodeInfoTask, broker.port, check_mode)
    assert message == ""
    assert [request[":body"][":action"] for request in seen] == ["inventory"] * 2
    same = {
        "agents": ["discovery", "rpcutil"],
        "collectives": ["mcollective", "eu"],
        "version": "2.12.5",
    }
    assert sorted(returned["node_info"], key=lambda node: str(node["identity"])) == [
        {**same, "identity": "a", "facts": {"cpus": "8"}, "classes": ["db", "common"]},
        {**same, "identity": "b", "facts": {"os": "Debian"}, "classes": ["web"]},
    ]
    assert [node["identity"] for node in returned["node_info"]] == ["a", "b"]
    assert returned["nodes"] == ["a", "b"]
    assert returned["changed"] is False
    assert (returned["no_response"], returned["failures"]) == ([], [])
    assert returned["collectives"] == [
        {"name": name, "nodes": ["a", "b"]} for name in ("eu", "mcollective")
    ]
    stats = returned["stats"]
    assert (stats["nodes"], stats["gathered"], stats["requests"]) == (2, 2, 1)


def test_parts_are_gathered_alone() -> None:
    replies = {"a": inventory("web", os="Debian")}
    with ScriptedBroker(asked(replies, [], 1)) as broker:
        returned = outcome(NodeInfoTask, broker.port, nodes=["a"], gather=["classes"])[0]
    assert returned["node_info"] == [{"identity": "a", "classes": ["web"], "version": "2.12.5"}]


def test_agents_are_listed_with_the_nodes_that_have_them() -> None:
    """An agent has an entry for each of its versions, and Symbols are their names."""

    def body(*agents: tuple[str, str]) -> dict[Symbol, t.Any]:
        known = [
            {Symbol("agent"): name, Symbol("version"): version, Symbol("description"): "d"}
            for name, version in agents
        ]
        return done(data={Symbol("agents"): known})

    replies = {"a": body(("probe", "1"), ("sleeper", "1")), "b": body(("probe", "2"))}
    with ScriptedBroker(asked(replies, [], 2)) as broker:
        given = {"nodes": ["a", "b"], "gather": ["agent_details"]}
        returned = outcome(NodeInfoTask, broker.port, **given)[0]
    assert "collectives" not in returned
    assert returned["agents"] == [
        {"name": "probe", "version": "1", "description": "d", "nodes": ["a"]},
        {"name": "probe", "version": "2", "description": "d", "nodes": ["b"]},
        {"name": "sleeper", "version": "1", "description": "d", "nodes": ["a"]},
    ]
    assert returned["node_info"][1]["agent_details"] == [
        {"agent": "probe", "version": "2", "description": "d"}
    ]


def test_odd_facts_become_what_json_can_carry() -> None:
    odd = {2: "two", True: "yes", "bytes": b"\xff", "list": [{2: 3}], Symbol("os"): Symbol("Linux")}
    body = inventory("web")
    body[":data"][":facts"] = odd
    with ScriptedBroker(asked({"a": body}, [], 1)) as broker:
        (node,) = outcome(NodeInfoTask, broker.port, nodes=["a"])[0]["node_info"]
    assert node["facts"] == {
        **{"2": "two", "true": "yes", "list": [{"2": 3}], "os": "Linux"},
        "bytes": {"content": "/w==", "encoding": "base64"},
    }


@pytest.mark.parametrize("given", [{}, {"gather": ["facts"]}])
def test_named_facts_are_asked_for_alone(given: dict[str, t.Any]) -> None:
    seen: list[t.Any] = []
    body = done(data={Symbol("values"): {"os": "Debian", "cpus": None}})
    with ScriptedBroker(asked({"a": body}, seen, 1)) as broker:
        given = {**given, "facts": ["os", "cpus"]}
        returned = outcome(NodeInfoTask, broker.port, nodes=["a"], **given)[0]
    (request,) = seen
    assert request[":body"][":action"] == "get_facts"
    assert request[":body"][":data"][":facts"] == "os,cpus"
    assert returned["node_info"] == [{"identity": "a", "facts": {"os": "Debian"}}]


def test_named_facts_narrow_an_inventory() -> None:
    replies = {"a": inventory("web", os="Debian", cpus="8")}
    given = {"nodes": ["a"], "gather": ["facts", "classes"], "facts": ["os"]}
    with ScriptedBroker(asked(replies, [], 1)) as broker:
        (node,) = outcome(NodeInfoTask, broker.port, **given)[0]["node_info"]
    assert (node["facts"], node["classes"]) == ({"os": "Debian"}, ["web"])


def test_silent_and_failing_nodes_are_named_and_the_rest_returned() -> None:
    replies = {"a": inventory("web"), "b": done(5, "no facts")}
    given = {"nodes": ["a", "b", "c"], "timeout": 0.5}
    with ScriptedBroker(asked(replies, [], 3), asked(replies, [], 3)) as broker:
        returned, message = outcome(NodeInfoTask, broker.port, **given)
        assert message.startswith(
            "1 of 3 nodes failed: b (5: no facts); 1 of 3 nodes did not answer: c within 0.5 s."
            " Other nodes answered"
        )
        assert [node["identity"] for node in returned["node_info"]] == ["a"]
        assert returned["failures"] == [{"identity": "b", "msg": "5: no facts"}]
        assert returned["no_response"] == ["c"]
        assert outcome(NodeInfoTask, broker.port, fail_on=["no_nodes"], **given)[1] == ""


@pytest.mark.parametrize("answered", ["a", "a b"])
def test_nodes_that_have_answered_the_first_request_have_the_agent(answered: str) -> None:
    task = NodeInfoTask(options(NodeInfoTask, config=at(1), nodes=["a", "b"]), unwarned, environ={})
    first = result("a b", *map(reply, answered.split()), discovered=False)
    gathered = Gathered(nodes={"a": {}}, results=[first])
    message = "; ".join(task._complaints(gathered))
    assert ("They have answered an earlier request" in message) is (answered == "a b")
    assert ("lack the agent" in message) is (answered == "a")


def test_what_a_node_says_is_escaped_in_the_message_and_returned_as_it_is() -> None:
    said = "\x1b[2J\u202e" + "x" * 100_000

    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "b", done(5, said))
        peer.log_out()

    with ScriptedBroker(script) as broker:
        returned, message = outcome(NodeInfoTask, broker.port, nodes=["b"])
    assert message.startswith("1 of 1 nodes failed: b (5: \\x1b[2J\\u202exxx")
    assert message.isprintable() and len(message) < 300
    assert returned["failures"] == [{"identity": "b", "msg": f"5: {said}"}]


def test_a_lost_connection_is_why_nodes_did_not_answer() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        requests = [read(peer.expect("SEND")) for _node in range(2)]
        answer(peer, requests[0], "a", inventory("web"))

    warnings: list[str] = []
    with ScriptedBroker(script) as broker:
        given = options(NodeInfoTask, config=at(broker.port), nodes=["a", "b"])
        with pytest.raises(TaskFailed) as caught:
            NodeInfoTask(given, warnings.append, environ={}).run(check_mode=False)
    assert str(caught.value).startswith("1 of 2 nodes did not answer: b because the connection was")
    assert [node["identity"] for node in caught.value.result["node_info"]] == ["a"]
    (warning,) = warnings
    assert warning.startswith("the connection ended before all replies were in: ")


def test_nobody_and_too_few_are_failures_unless_they_may_be() -> None:
    with ScriptedBroker(pinged(looked=True), pinged(), pinged("a")) as broker:
        returned, message = outcome(NodeInfoTask, broker.port)
        assert message.startswith("no node answered the discovery for agent rpcutil")
        assert (returned["node_info"], returned["stats"]["requests"]) == ([], 0)
        assert outcome(NodeInfoTask, broker.port, fail_on=[])[1] == ""
        returned, message = outcome(NodeInfoTask, broker.port, expected_nodes=2)
        assert message.startswith("1 nodes were found, but 2 were expected, so the request was not")
        assert (returned["nodes"], returned["no_response"]) == (["a"], ["a"])
        assert "did not answer" not in message


@pytest.mark.parametrize(
    "given,why",
    [
        ({"facts": ["a b"]}, "'a b' cannot be the name of a fact"),
        ({"facts": ["os"], "gather": ["classes"]}, "facts are named, but"),
        ({"timeout": 0}, "timeout must be more than 0"),
    ],
)
def test_a_wrong_option_fails_before_anything_is_opened(given: dict[str, t.Any], why: str) -> None:
    with pytest.raises(TaskFailed, match=why):
        NodeInfoTask(options(NodeInfoTask, config=at(1), **given), unwarned, environ={}).run(False)
