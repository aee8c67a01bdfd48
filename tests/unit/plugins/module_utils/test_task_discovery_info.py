# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mcollective_discovery_info: which nodes a request would address."""

from __future__ import annotations

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    outcome,
    pinged,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    ScriptedBroker,
    closed_port,
    polite,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import read


@pytest.mark.parametrize("check_mode", [False, True])
def test_nodes_that_fit_are_found_and_sorted(check_mode: bool) -> None:
    seen: list[Frame] = []
    with ScriptedBroker(pinged("b", "c", "a", seen=seen)) as broker:
        returned, message = outcome(
            DiscoveryInfoTask, broker.port, check_mode, fact_filters=["os=Debian"]
        )
    request = read(seen[0])
    assert (request[":agent"], request[":body"]) == ("discovery", "ping")
    assert request[":filter"]["agent"] == ["rpcutil"]
    assert [fact[":fact"] for fact in request[":filter"]["fact"]] == ["os"]
    assert (message, returned["nodes"], returned["count"]) == ("", ["a", "b", "c"], 3)
    assert returned["changed"] is False
    assert returned["stats"]["found"] == 3
    assert set(returned["stats"]["seconds"]) == {"connect", "discovery"}
    assert returned["stats"]["broker"] == f"127.0.0.1:{broker.port}"


def test_check_mode_finds_the_nodes_of_a_call_whose_replies_nobody_awaits() -> None:
    options = {"agent": "shop", "action": "sell", "process_results": False}
    with ScriptedBroker(pinged("b", "a")) as broker:
        returned, message = outcome(RpcTask, broker.port, True, **options)
    assert (message, returned["nodes"], returned["changed"]) == ("", ["a", "b"], True)


def test_a_limit_leaves_so_many() -> None:
    with ScriptedBroker(pinged("b", "c", "a", "d")) as broker:
        returned = outcome(DiscoveryInfoTask, broker.port, limit="50%", limit_method="first")[0]
    assert (returned["nodes"], returned["count"]) == (["b", "c"], 2)
    assert returned["stats"]["found"] == 4


def test_nobody_is_a_failure_unless_it_may_be() -> None:
    with ScriptedBroker(pinged(looked=True), pinged()) as broker:
        returned, message = outcome(DiscoveryInfoTask, broker.port)
        assert message.startswith(
            "no node answered the discovery for agent rpcutil. No node answers a ping"
        )
        assert "without filters, either. Nodes say nothing" in message
        assert "lack the agent" not in message
        assert (returned["nodes"], returned["count"]) == ([], 0)
        assert outcome(DiscoveryInfoTask, broker.port, fail_on=[])[1] == ""


def test_fewer_than_expected_is_a_failure_unless_it_may_be() -> None:
    with ScriptedBroker(pinged("b", "a"), pinged("b", "a")) as broker:
        returned, message = outcome(DiscoveryInfoTask, broker.port, expected_nodes=3)
        assert message.startswith("2 nodes were found, but 3 were expected. Other nodes answered")
        assert returned["nodes"] == ["a", "b"]
        assert outcome(DiscoveryInfoTask, broker.port, expected_nodes=3, fail_on=[])[1] == ""


def test_names_are_taken_as_they_are() -> None:
    with ScriptedBroker(polite) as broker:
        assert outcome(DiscoveryInfoTask, broker.port, nodes=["b", "a"])[0]["nodes"] == ["a", "b"]


def test_names_must_fit_other_filters() -> None:
    with ScriptedBroker(pinged("b", asked=2)) as broker:
        returned = outcome(DiscoveryInfoTask, broker.port, nodes=["b", "a"], class_filters=["web"])[
            0
        ]
    assert returned["nodes"] == ["b"]


def test_looking_for_nobody_is_refused() -> None:
    message = outcome(DiscoveryInfoTask, closed_port(), discovery_method="none")[1]
    assert message.startswith("discovery_method = none finds no nodes")


def test_filters_are_told_in_words() -> None:
    given = {
        "class_filters": ["/^role::/"],
        "fact_filters": ["cpus>=4"],
        "identity_filters": ["/^a/", "/b/"],
        "compound_filter": "common and not (os=Debian or fstat('/x').size > 3)",
    }
    with ScriptedBroker(pinged("a")) as broker:
        returned = outcome(DiscoveryInfoTask, broker.port, **given)[0]
    assert returned["filters"] == [
        "agent rpcutil",
        "class /^role::/",
        "fact cpus>=4",
        "identity /^a/ or /b/",
        "compound class common and not (fact os=Debian or data fstat(/x).size > 3)",
    ]
