# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each broker with each security setting, by broadcast and directly; then each option of a connector.

What went over the broker is seen by somebody who listens where all nodes do.
"""

from __future__ import annotations

import base64
import contextlib
import typing as t

import pytest
from calling import call, config_of, senders
from testbed.real.collective import Collective, Options
from testbed.real.default_nodes import DEFAULT_NODES
from testbed.real.nodes import Node

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import message, rpc

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from testbed.certificates import Authority
    from testbed.real.broker import Broker
    from testbed.real.stomp import Connection

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

WEB, DB = "web1.example.com", "db1.example.com"
ALL = sorted(node.identity for node in DEFAULT_NODES)
BOTH = ("rabbitmq", "activemq")


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Broker:
    """One of the two brokers, by the name of its connector."""
    found: Broker = request.getfixturevalue(request.param)
    return found


@contextlib.contextmanager
def listening(collective: Collective, agent: str = "rpcutil") -> Iterator[Connection]:
    """Hears requests to all nodes, and not those to single ones."""
    with collective.broker.connect(collective.place) as connection:
        name = collective.nodes[0].collectives[0]
        connection.subscribe(collective.broadcasts(name, agent))
        yield connection


@pytest.mark.parametrize("threshold", ["0", "10"], ids=["broadcast", "direct"])
def test_discovered_nodes_answer(collective: Collective, threshold: str) -> None:
    config = config_of(collective, {"direct_addressing_threshold": threshold})
    with listening(collective) as ear:
        result = call(config, "rpcutil", "inventory")
        # What is to come is waited for; what is not cannot be.
        assert (ear.poll(5 if threshold == "0" else 0.2) is not None) == (threshold == "0")
    assert result.nodes == senders(result) == ALL
    facts = {reply.sender: reply.data[":facts"] for reply in result.replies}
    assert {node.identity: node.facts["role"] for node in DEFAULT_NODES} == {
        sender: found["role"] for sender, found in facts.items()
    }
    assert not result.rejected


def test_nodes_answer_broadcasts_that_a_filter_narrows(collective: Collective) -> None:
    config = config_of(collective, {"direct_addressing": "no"})
    filter_ = message.Filter().add_fact("role", "web").add_cfclass("common")
    with listening(collective) as ear:
        result = call(config, "rpcutil", "ping", filter=filter_)
        assert ear.poll(5) is not None
    assert senders(result) == [WEB, "web2.example.com"]


def test_named_nodes_answer(config: Config, collective: Collective) -> None:
    nodes = [WEB, "nosuch.example.com"]
    with listening(collective) as ear:
        result = call(config, "probe", "echo", arguments={"string": "ü"}, nodes=nodes, timeout=5)
        assert ear.poll(0.2) is None
    assert senders(result) == [WEB]
    assert result.no_response == ["nosuch.example.com"]
    assert result.replies[0].data[":string"] == "ü"


def test_several_calls_go_over_one_connection(config: Config) -> None:
    with rpc.Client(config) as client:
        for agent, action in (("rpcutil", "ping"), ("failer", "fail"), ("rpcutil", "ping")):
            result = client.call(rpc.Request(agent, action, {"message": "no"}, nodes=[WEB]))
            assert senders(result) == [WEB]
            assert result.replies[0].action == action
            assert not result.rejected


def test_python_mcollectives_ping(config: Config) -> None:
    msg = message.Message(body="ping", agent="discovery", config=config)
    replies = rpc.SimpleAction(config=config, msg=msg, agent="discovery").call()
    assert sorted(reply[":senderid"] for reply in replies) == ALL
    assert {reply[":body"] for reply in replies} == {"pong"}


# -- options of a connector ------------------------------------------------------------------------

TWO = (DEFAULT_NODES[0], DEFAULT_NODES[2])
on_both = pytest.mark.parametrize("broker", BOTH, indirect=True)


def reached(collective: Collective, changes: Mapping[str, str | None] | None = None) -> bytes:
    """See that a broadcast and a direct request are answered; return the broadcast's payload."""
    config = config_of(collective, {"direct_addressing_threshold": "0", **(changes or {})})
    with listening(collective) as ear:
        assert senders(call(config, "rpcutil", "ping")) == [DB, WEB]
        frame = ear.poll(5)
        while frame is not None:
            payload, frame = frame.body, ear.poll(0.2)
    assert senders(call(config, "rpcutil", "ping", nodes=[WEB])) == [WEB]
    return payload


@on_both
def test_base64(broker: Broker) -> None:
    options = Options(base64=True)
    with Collective(broker, "base64", "ssl-marshal", TWO, options=options) as collective:
        payload = reached(collective)
        assert base64.b64decode(b"".join(payload.split()), validate=True).startswith(b"\x04\x08")
        off = config_of(collective, {collective.option("base64"): "no"})
        result = call(off, "rpcutil", "ping", nodes=[WEB], timeout=1)
        assert result.no_response == [WEB]


@on_both
def test_one_target_for_all_agents(broker: Broker) -> None:
    options = Options(agents_multiplex=True)
    with Collective(broker, "multiplex", "psk", TWO, options=options) as collective:
        assert reached(collective)
        separate = config_of(collective, {collective.option("agents_multiplex"): "no"})
        assert call(separate, "rpcutil", "ping").nodes == []


def test_reply_exchange(rabbitmq: Broker) -> None:
    with Collective(rabbitmq, "reply-exchange", "aes-yaml", TWO) as collective:
        changes = {collective.option("use_reply_exchange"): "yes"}
        with collective.broker.connect(collective.place) as ear:
            ear.subscribe("/exchange/mcollective_broadcast/rpcutil")
            config = config_of(collective, {"direct_addressing_threshold": "0", **changes})
            assert senders(call(config, "rpcutil", "ping")) == [DB, WEB]
            frame = ear.poll(1)
        assert frame is not None
        # RabbitMQ hands on as it is what it would otherwise replace by a queue of its own.
        assert frame.headers["reply-to"].startswith("/exchange/mcollective_reply/operator.example")


@on_both
def test_subcollectives(broker: Broker) -> None:
    names = ["mcollective", "eu"]
    nodes = [Node(WEB, collectives=names), Node(DB)]
    with Collective(broker, "subs", "ssl-yaml", nodes) as collective:
        main, sub = (broker.collective(collective.place, name) for name in names)
        assert senders(call(config_of(collective), "rpcutil", "ping")) == [DB, WEB]
        assert senders(call(config_of(collective), "rpcutil", "ping", collective=sub)) == [WEB]
        direct = call(config_of(collective), "rpcutil", "ping", collective=sub, nodes=[WEB])
        assert senders(direct) == [WEB]
        by_default = config_of(collective, {"main_collective": sub, "collectives": f"{main},{sub}"})
        assert senders(call(by_default, "rpcutil", "ping")) == [WEB]


@on_both
def test_nodes_learn_the_certificate_that_comes_with_a_request(
    broker: Broker, authority: Authority
) -> None:
    """Its common name is who calls, whatever its file is called."""
    learner = authority.client("learner")
    daemon = {"plugin.aes.learn_pubkeys": "1", "plugin.aes.ca_cert": str(authority.path)}
    options = Options(daemon=daemon)
    with Collective(broker, "learning", "aes-yaml", TWO[:1], options=options) as collective:
        keys = {
            "plugin.aes.client_private": str(learner.key),
            "plugin.aes.client_public": str(learner.path),
        }
        unknown = call(config_of(collective, keys), "rpcutil", "ping", nodes=[WEB], timeout=1)
        assert unknown.no_response == [WEB]
        known = config_of(collective, {**keys, "plugin.aes.send_pubkey": "1"})
        assert senders(call(known, "rpcutil", "ping", nodes=[WEB])) == [WEB]
