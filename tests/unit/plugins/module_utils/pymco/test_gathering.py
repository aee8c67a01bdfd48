# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nodes tell about themselves, from an embedded collective."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import (
    EVERYTHING,
    Gathered,
    Gathering,
    Wish,
    chunks,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    OtherKey,
    Symbol,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

LONG = tuple(f"a_fact_with_a_rather_long_name_{number:02d}" for number in range(20))
FACTS = {"os": {"family": "Debian"}, "role": "web", **{name: name[-2:] for name in LONG}}


@dataclasses.dataclass
class Odd(Node):
    """A node whose agent answers as the test has it.

    :ivar answers: what the data of an action's reply are made into.
    :ivar only: how often it answers at all.
    """

    answers: dict[str, t.Callable[[t.Any], t.Any]] = dataclasses.field(default_factory=dict)
    only: int = 100

    def answer(self, agent: str, body: t.Any) -> t.Any:
        """A reply's body."""
        reply = super().answer(agent, body)
        if agent == "discovery":
            return reply
        self.only -= 1
        if self.only < 0:
            return None
        change = self.answers.get(body[":action"])
        return reply if change is None else change(reply)


def refused(_reply: t.Any) -> t.Any:
    """What a node says that has no such action."""
    return {"statuscode": 4, "statusmsg": "no such action", "data": {}}


def undeclared(_reply: t.Any) -> t.Any:
    """What a node of 2.2 says that has no such action."""
    words = "Attempted to call action get_facts for rpcutil but it's not declared in the DDL"
    return {"statuscode": 5, "statusmsg": words, "data": {}}


def unknown_error(_reply: t.Any) -> t.Any:
    """What a node says whose agent raised an error."""
    return {"statuscode": 5, "statusmsg": "undefined method", "data": {}}


def without(output: str, value: t.Any = None) -> t.Callable[[t.Any], t.Any]:
    """Another value for one of the outputs."""
    return lambda reply: {**reply, "data": {**reply["data"], output: value}}


def gathered(
    nodes: list[Node],
    wish: Wish = EVERYTHING,
    *,
    settings: t.Mapping[str, str] | None = None,
    **request: t.Any,
) -> Gathered:
    """Gather from these nodes."""
    # All that there are end it, and no time, unless the test wants it so.
    patience = {"timeout": 30, "discovery_timeout": 2, "expected_nodes": len(nodes)}
    fields = {**patience, "discovery_method": "none", **request}
    with EmbeddedCollective(nodes, "psk") as collective:
        config = Config.from_configfile(str(collective.client_cfg), {}, settings or {})
        with rpc.Client(config) as client:
            return Gathering(client, rpc.Request("rpcutil", "inventory", **fields), wish).gather()


def test_one_broadcast_brings_everything() -> None:
    nodes = [Node(f"n{n}", FACTS, ["common", "", "role::web"]) for n in range(3, 0, -1)]
    found = gathered([*nodes])
    assert list(found.nodes) == ["n1", "n2", "n3"]
    assert found.nodes["n1"] == {
        "identity": "n1",
        "facts": FACTS,
        "classes": ["common", "role::web"],
        "agents": ["discovery", "rpcutil", "service"],
        "collectives": ["mcollective"],
        "version": "2.12.5",
    }
    assert [node.requests for node in nodes] == [1, 1, 1]
    assert not found.failed and not found.no_response and not found.rejected and not found.lost


def test_only_what_is_wanted_is_kept() -> None:
    found = gathered([Node("n1", FACTS, ["c"])], Wish.of(["facts", "classes"], ["role", "none"]))
    assert found.nodes["n1"] == {
        "identity": "n1",
        "facts": {"role": "web"},
        "classes": ["c"],
        "version": "2.12.5",
    }


@pytest.mark.parametrize("count", [2, 12])
@pytest.mark.parametrize("method", ["none", "mc"])
def test_a_few_facts_are_asked_for_in_as_many_requests_as_it_takes(count: int, method: str) -> None:
    nodes: list[Node] = [Node(f"n{number:02d}", FACTS) for number in range(count)]
    wish = Wish.of(["facts"], [*LONG, "os", "no_such_fact", "os"])
    found = gathered(nodes, wish, discovery_method=method)
    assert list(found.nodes) == [node.identity for node in nodes]
    wanted = {name: FACTS[name] for name in (*LONG, "os")}
    assert all(node["facts"] == wanted for node in found.nodes.values())
    assert not found.no_response
    calls = len(chunks(wish.facts or ()))
    assert calls > 2
    assert {node.requests for node in nodes} == {calls + (method == "mc")}


def test_no_name_of_a_fact_is_cut() -> None:
    texts = chunks(LONG)
    assert max(map(len, texts)) <= 200
    assert ",".join(texts).split(",") == [*LONG]
    assert chunks(["a" * 150, "b" * 49]) == ["a" * 150 + "," + "b" * 49]
    assert chunks(["a" * 150, "b" * 50]) == ["a" * 150, "b" * 50]


def test_further_requests_go_to_those_who_were_found() -> None:
    """Also where a limit keeps some of those that fit the filter out."""
    nodes: list[Node] = [Node(f"n{number}", FACTS) for number in range(4)]
    wish = Wish.of(["facts"], LONG)
    found = gathered(nodes, wish, discovery_method="mc", limit=2)
    assert len(found.nodes) == 2
    asked = sorted(node.requests for node in nodes)
    assert asked[:2] == [1, 1] and asked[2:] == [asked[3]] * 2 and asked[3] > 3


@pytest.mark.parametrize("by_default", [False, True])
def test_further_requests_go_to_the_nodes_of_a_file(
    by_default: bool, tmp_path: pathlib.Path
) -> None:
    """Not to others, whose answers would end the waiting."""
    path = tmp_path / "nodes"
    path.write_text("".join(f"n{number:02d}\n" for number in range(12)))
    nodes: list[Node] = [Node(f"n{number:02d}", FACTS) for number in range(14)]
    options = {"discovery_method": "flatfile", "discovery_options": [str(path)]}
    settings = {"default_discovery_method": "flatfile", "default_discovery_options": str(path)}
    if by_default:
        options = {"discovery_method": None}
    wish = Wish.of(["facts"], LONG)
    found = gathered(nodes, wish, settings=settings if by_default else {}, **options)
    assert list(found.nodes) == [node.identity for node in nodes[:12]]
    assert {node.requests for node in nodes[12:]} == {0}


def test_who_answers_half_is_no_node_with_half_of_the_facts() -> None:
    nodes = [Node("n1", FACTS), Odd("n2", FACTS, only=1)]
    found = gathered(nodes, Wish.of(["facts"], LONG), timeout=3)
    assert list(found.nodes) == ["n1"]
    assert found.no_response == ["n2"]


@pytest.mark.parametrize("answer", [refused, undeclared])
def test_an_old_node_is_asked_for_all_it_has(answer: t.Callable[[t.Any], t.Any]) -> None:
    nodes = [Node("n2", FACTS), Odd("n1", FACTS, answers={"get_facts": answer})]
    found = gathered(nodes, Wish.of(["facts"], [*LONG, "role"]))
    assert list(found.nodes) == ["n1", "n2"]
    assert found.nodes["n1"]["facts"] == found.nodes["n2"]["facts"]
    assert not found.failed and not found.no_response


@pytest.mark.parametrize(
    "change,why",
    [
        (without("facts"), "its inventory has no facts"),
        (without("facts", ["a"]), "its inventory has no facts"),
        (without("classes", "common"), "its inventory has no classes"),
        (lambda reply: "text", "5: the node sent no SimpleRPC reply"),
        (refused, "4: no such action"),
    ],
)
def test_an_answer_of_no_use_is_named(change: t.Callable[[t.Any], t.Any], why: str) -> None:
    nodes = [Node("n1", FACTS), Odd("n2", FACTS, answers={"inventory": change})]
    found = gathered(nodes)
    assert list(found.nodes) == ["n1"]
    assert found.failed == {"n2": why}


def test_facts_of_no_use_are_named() -> None:
    nodes = [
        Odd("n1", answers={"get_facts": without("values", ["x"])}),
        Odd("n2", failing={"rpcutil.get_facts": "broken"}),
        Odd("n3", answers={"get_facts": unknown_error}),
    ]
    found = gathered(nodes, Wish.of(["facts"], ["role"]))
    assert found.failed == {
        "n1": "its reply has no values of facts",
        "n2": "1: broken",
        "n3": "5: undefined method",
    }


ODD_FACTS = {2: "two", None: "nil", True: "yes", "bytes": b"\xff", "list": [{2: 3}]}


def odd(reply: t.Any) -> t.Any:
    classes = ["common", None, 5, "  ", ["x"], "role::web"]
    return {**reply, "data": {**reply["data"], "facts": ODD_FACTS, "classes": classes}}


def test_facts_are_as_they_were_decoded_and_classes_are_texts() -> None:
    found = gathered([Odd("n1", answers={"inventory": odd})])
    assert found.nodes["n1"]["facts"] == ODD_FACTS
    assert found.nodes["n1"]["classes"] == ["common", "role::web"]


def test_facts_are_chosen_by_the_names_that_ruby_gives_their_keys() -> None:
    wish = Wish.of(["facts"], ["kernel", "true", "2", "none"])
    facts = {Symbol("kernel"): "Linux", True: "yes", 2: "two", OtherKey("2"): "again", "os": 1}
    other = next(key for key in facts if isinstance(key, OtherKey))
    assert wish.of_facts(facts) == {Symbol("kernel"): "Linux", True: "yes", other: "again"}


def test_silent_nodes_are_named_where_it_is_known_who_was_asked() -> None:
    nodes = [Node("n1"), Node("n2", silent={"rpcutil.inventory"})]
    found = gathered(nodes, discovery_method="mc", timeout=3)
    assert list(found.nodes) == ["n1"]
    assert found.no_response == ["n2"]


def test_whoever_is_rejected_is_named() -> None:
    nodes = [Node("n1", lie="duplicate"), Node("n2", lie="forged"), Node("n3\nevil")]
    found = gathered(nodes)
    assert list(found.nodes) == ["n1"]
    assert found.culprits == {"duplicate": ["n1"], "forged": ["n2"], "malformed": [r"'n3\nevil'"]}


@pytest.mark.parametrize("name", ["", "a,b", "a b", "é", "x" * 201])
def test_a_fact_that_cannot_be_asked_for_is_refused(name: str) -> None:
    with pytest.raises(exc.BadRequest, match="cannot be the name of a fact"):
        Wish.of(["facts"], [name])


def test_facts_that_are_named_must_be_wanted() -> None:
    with pytest.raises(exc.BadRequest, match="facts are named, but"):
        Wish.of(["classes"], ["role"])


def test_a_daemon_and_its_agents_are_told_by_a_request_each() -> None:
    nodes = [Node("a"), Node("b")]
    parts = ["collectives", "main_collective", "data_plugins", "stats", "agent_details"]
    found = gathered([*nodes], Wish.of(parts))
    assert not found.failed and not found.no_response
    assert [node.requests for node in nodes] == [3, 3]
    assert list(found.nodes) == ["a", "b"]
    node = found.nodes["b"]
    assert (node["collectives"], node["main_collective"]) == (["mcollective"], "mcollective")
    assert "fact_data" in node["data_plugins"]
    assert (node["stats"]["total"], node["version"]) == (2, "2.12.5")
    assert "agents" not in node["stats"] and "agents" not in node
    agents = [agent[Symbol("agent")] for agent in node["agent_details"]]
    assert agents == ["discovery", "rpcutil", "service"]


def test_figures_alone_need_no_inventory() -> None:
    node = Node("a")
    found = gathered([node], Wish.of(["stats"]))
    assert set(found.nodes["a"]) == {"identity", "stats", "version"}
    assert node.requests == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (refused, "4: no such action"),
        (without("agents"), "its agent_inventory has no agents"),
        (without("agents", "rpcutil"), "its agent_inventory has no agents"),
    ],
)
def test_a_node_that_does_not_tell_of_its_agents_has_failed(
    change: t.Callable[[t.Any], t.Any], why: str
) -> None:
    nodes = [Node("a"), Odd("b", answers={"agent_inventory": change})]
    found = gathered([*nodes], Wish.of(["classes", "agent_details"]))
    assert (list(found.nodes), found.failed) == (["a"], {"b": why})
    assert found.no_response == []


def test_a_node_that_tells_a_half_has_not_answered() -> None:
    nodes = [Node("a"), Odd("b", only=1)]
    found = gathered([*nodes], Wish.of(["classes", "stats"]), timeout=1)
    assert (list(found.nodes), found.no_response) == (["a"], ["b"])


def test_details_that_are_no_details_are_left_out() -> None:
    change = without("agents", [{"agent": "x"}, "y", None])
    found = gathered([Odd("a", answers={"agent_inventory": change})], Wish.of(["agent_details"]))
    assert found.nodes["a"] == {"identity": "a", "agent_details": [{"agent": "x"}]}
