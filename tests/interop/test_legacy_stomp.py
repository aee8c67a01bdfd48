# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connector stomp of MCollective up to 2.3.0, on a real ActiveMQ with nodes of that time."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from legacy_node import LegacyNode
from testbed.embedded.nodes import Node
from testbed.embedded.security import NodeSecurity
from testbed.real.security import Secrets

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter

if t.TYPE_CHECKING:
    from pathlib import Path

    from testbed.real.activemq import ActiveMQ

NODES = [
    Node(f"old{number}", facts={"role": "web" if number < 3 else "db"}) for number in (1, 2, 3)
]


class Old(t.NamedTuple):
    """A collective of old nodes: the nodes, and the options of a client."""

    nodes: list[LegacyNode]
    options: dict[str, str]

    def client(self, **changes: str) -> rpc.Client:
        return rpc.Client(Config({**self.options, **changes}))


@pytest.fixture(params=["single", "pool"])
def old(request: pytest.FixtureRequest, activemq: ActiveMQ, tmp_path: Path) -> t.Iterator[Old]:
    """Three nodes, and a client that has both forms in which the connector names its brokers."""
    place = activemq.places["legacy"]
    secrets = Secrets(tmp_path, "psk")
    security = NodeSecurity("psk", secrets.psk)
    number, pool = ("", "") if request.param == "single" else ("1", "pool.")
    options = {
        "connector": "stomp",
        "identity": "operator",
        "collectives": activemq.collective(place, "mcollective"),
        "main_collective": activemq.collective(place, "mcollective"),
        "discovery_timeout": "1.5",
        "plugin.psk": secrets.psk,
        "plugin.psk.callertype": "identity",
        f"plugin.stomp.{pool}host{number}": "127.0.0.1",
        f"plugin.stomp.{pool}port{number}": str(activemq.stomp_port),
        f"plugin.stomp.{pool}user{number}": place.user,
        f"plugin.stomp.{pool}password{number}": place.password,
        **({"plugin.stomp.pool.size": "1"} if pool else {}),
    }
    with contextlib.ExitStack() as stack:
        nodes = [LegacyNode(activemq, place, node, security) for node in NODES]
        yield Old([stack.enter_context(node) for node in nodes], options)


PING = rpc.Request("rpcutil", "ping")


def test_a_broadcast_reaches_old_nodes(old: Old) -> None:
    with old.client(direct_addressing="0") as client:
        result = client.call(PING)
    assert result.nodes == ["old1", "old2", "old3"]
    assert [reply.sender for reply in result.replies if reply.ok] == result.nodes
    assert all("reply-to" not in frame.headers for node in old.nodes for frame in node.frames)


def test_a_direct_request_reaches_the_queue_of_its_node_and_no_other(old: Old) -> None:
    with old.client() as client:
        result = client.call(rpc.Request("rpcutil", "ping", nodes=["old2"]))
    assert [reply.sender for reply in result.replies] == ["old2"]
    assert [len(node.frames) for node in old.nodes] == [0, 1, 0]


def test_a_filter_is_for_the_nodes_to_apply(old: Old) -> None:
    request = rpc.Request("rpcutil", "ping", filter=Filter().add_fact("role", "db"))
    with old.client() as client:
        assert [reply.sender for reply in client.call(request).replies] == ["old3"]


def test_the_replies_to_another_client_are_not_ours(old: Old) -> None:
    """All clients hear all replies of an agent."""
    with old.client() as one, old.client() as other:
        results = [one.call(PING), other.call(PING), one.call(PING)]
    assert [len(result.replies) for result in results] == [3, 3, 3]
    assert results[2].rejected["other_request"] >= 3
