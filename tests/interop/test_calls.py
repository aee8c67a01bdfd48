# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client with real daemons: which nodes it reaches, and what they answer."""

from __future__ import annotations

import threading
import typing as t

import pytest
from calling import call, senders
from conftest import FEW

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    filters,
    message,
    rpc,
)

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

pytestmark = pytest.mark.parametrize("collective", FEW[1:], indirect=True, scope="session")

NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]


def test_discovery_finds_all_nodes_and_all_answer(config: Config) -> None:
    result = call(config, "rpcutil", "ping")
    assert result.nodes == NODES
    assert senders(result) == NODES
    assert all(reply.ok and reply.data[":pong"] > 1_600_000_000 for reply in result.replies)
    assert result.no_response == []
    assert not result.rejected


def test_named_nodes_are_asked_without_discovery(config: Config) -> None:
    result = call(config, "rpcutil", "ping", nodes=["web2.example.com", "db1.example.com"])
    assert senders(result) == ["db1.example.com", "web2.example.com"]
    assert "discovery" not in result.seconds


def test_named_nodes_must_fit_the_filters_too(config: Config) -> None:
    filter_ = message.Filter().add_cfclass("role::web")
    nodes = ["web2.example.com", "db1.example.com"]
    result = call(config, "rpcutil", "ping", nodes=nodes, filter=filter_, discovery_timeout=1)
    assert result.nodes == senders(result) == ["web2.example.com"]


FILTERS: list[tuple[str, list[str], list[str]]] = [
    ("facts", ["role=web"], ["web1.example.com", "web2.example.com"]),
    ("facts", ["role!=web"], ["db1.example.com", "old1.example.com"]),
    ("facts", ["role=~^(web|db)$"], ["db1.example.com", "web1.example.com", "web2.example.com"]),
    ("facts", ["role=/^w/", "processorcount>=8"], ["web2.example.com"]),
    ("facts", ["processorcount<8"], ["old1.example.com", "web1.example.com"]),
    ("facts", ["is_virtual=true"], ["web1.example.com", "web2.example.com"]),
    ("facts", ["site=Zürich ☃"], ["db1.example.com", "web1.example.com"]),
    ("facts", ["interfaces=eth1"], ["web2.example.com"]),
    ("classes", ["role::web"], ["web1.example.com", "web2.example.com"]),
    ("classes", ["common", "/^role::(db|cache)$/"], ["db1.example.com"]),
    ("agents", ["sleeper"], ["web1.example.com", "web2.example.com"]),
    (
        "identities",
        ["web1.example.com", "old1.example.com"],
        ["old1.example.com", "web1.example.com"],
    ),
    ("identities", ["web1.example.com", "/^web/"], ["web1.example.com", "web2.example.com"]),
    (
        "identities",
        ["/^web/", "/1/"],
        ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"],
    ),
]


@pytest.mark.parametrize(("kind", "texts", "expected"), FILTERS)
def test_filters_select_as_nodes_see_it(
    config: Config, kind: str, texts: list[str], expected: list[str]
) -> None:
    filter_ = message.Filter()
    add = {
        "facts": filters.add_facts,
        "classes": filters.add_classes,
        "agents": filters.add_agents,
        "identities": filters.add_identities,
    }[kind]
    add(filter_, texts)
    result = call(config, "rpcutil", "ping", filter=filter_, discovery_timeout=1.5)
    assert senders(result) == expected


def test_kinds_of_filters_are_anded(config: Config) -> None:
    filter_ = message.Filter().add_identity("/^(web1|db1)/").add_fact("role", "db")
    result = call(config, "rpcutil", "ping", filter=filter_.add_cfclass("common"))
    assert senders(result) == ["db1.example.com"]


def test_the_reference_client_finds_the_same(config: Config, collective: Collective) -> None:
    found = collective.mco("find", "-F", "role=web", "-C", "common").stdout.split()
    filter_ = message.Filter().add_fact("role", "web").add_cfclass("common")
    with rpc.Client(config) as client:
        assert client.targets(rpc.Request("rpcutil", "ping", filter=filter_)).nodes == sorted(found)


def test_failures_carry_the_agents_code_and_words(config: Config) -> None:
    arguments = {"message": "no space left", "code": 3}
    result = call(config, "failer", "fail", arguments=arguments, nodes=["web1.example.com"])
    assert [(reply.statuscode, reply.statusmsg) for reply in result.failed] == [
        (3, "no space left")
    ]
    assert result.no_response == []


def test_an_exception_on_the_node_is_a_failed_reply(config: Config) -> None:
    result = call(config, "failer", "crash", nodes=["web1.example.com"])
    assert result.replies[0].statuscode == 5
    assert "crashed on request" in result.replies[0].statusmsg


def test_the_node_refuses_what_its_ddl_forbids(config: Config) -> None:
    result = call(config, "probe", "echo", arguments={"int": "5"}, nodes=["web1.example.com"])
    assert result.replies[0].statuscode == 4


def test_what_is_there_at_the_deadline_is_returned(config: Config) -> None:
    result = call(
        config,
        "sleeper",
        "sleep",
        arguments={"seconds": 3},
        nodes=["web1.example.com", "nosuch.example.com"],
        timeout=4.5,
    )
    assert senders(result) == ["web1.example.com"]
    assert result.no_response == ["nosuch.example.com"]


def test_a_reply_that_comes_too_late_does_not_disturb_the_next_call(config: Config) -> None:
    with rpc.Client(config) as client:
        late = rpc.Request(
            "sleeper", "sleep", {"seconds": 1}, nodes=["web1.example.com"], timeout=0.5
        )
        assert client.call(late).no_response == ["web1.example.com"]
        again = rpc.Request("sleeper", "sleep", {"seconds": 2}, nodes=["web1.example.com"])
        result = client.call(again)
    assert [reply.data[":seconds"] for reply in result.replies] == [2]
    assert result.rejected == {"other_request": 1}


def test_nothing_is_left_behind(config: Config) -> None:
    before = set(threading.enumerate())
    call(config, "rpcutil", "ping", nodes=["web1.example.com"])
    assert set(threading.enumerate()) <= before


def test_python_mcollectives_ping(config: Config) -> None:
    msg = message.Message(body="ping", agent="discovery", config=config)
    replies = rpc.SimpleAction(config=config, msg=msg, agent="discovery").call()
    assert sorted(reply[":senderid"] for reply in replies) == NODES
    assert {reply[":body"] for reply in replies} == {"pong"}
    keys = {":body", ":msgtime", ":requestid", ":senderagent", ":senderid"}
    assert all(set(reply) == keys for reply in replies)
