# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls over a real broker that dies, or that reads passwords and permissions in its own way."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest
from conftest import BOUND, ODD_PASSWORDS
from testbed.real.brokers import BROKERS
from testbed.real.collective import Collective

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from testbed.real.activemq import ActiveMQ
    from testbed.real.broker import Broker
    from testbed.real.place import Place
    from testbed.real.rabbitmq import RabbitMQ


@pytest.fixture(params=["rabbitmq", "activemq"])
def doomed(request: pytest.FixtureRequest) -> t.Iterator[Collective]:
    """A collective on a broker of its own, which a test may kill."""
    kind: type[Broker] = BROKERS[request.param]
    with kind(["doomed"]) as broker, Collective(broker, "doomed", "ssl-yaml") as collective:
        yield collective


def test_a_broker_that_dies_in_the_middle_costs_no_result(doomed: Collective) -> None:
    config = Config.from_configfile(str(doomed.client_cfg), environ={})
    # web1 answers at once, web2 not within its time.
    request = rpc.Request("rpcutil", "ping", nodes=["web1.example.com", "nosuch.example.com"])
    killer = threading.Timer(1.0, doomed.broker.kill)
    start = time.monotonic()
    with rpc.Client(config) as client:
        killer.start()
        result = client.call(request)
    assert time.monotonic() - start < result.timeout
    assert [reply.sender for reply in result.replies] == ["web1.example.com"]
    assert result.no_response == ["nosuch.example.com"]
    assert isinstance(result.lost, exc.ConnectionLost)
    killer.join()

    with pytest.raises(exc.ConnectFailed, match="connection refused"), rpc.Client(config):
        pass

    doomed.broker.start()
    assert _answers_again(config)


def _answers_again(config: Config) -> bool:
    """Nodes come back by themselves within a second or so."""
    deadline = time.monotonic() + BOUND
    while time.monotonic() < deadline:
        with rpc.Client(config) as client:
            request = rpc.Request("rpcutil", "ping", nodes=["web1.example.com"], timeout=1)
            if client.call(request).replies:
                return True
    return False


def test_a_broker_that_dies_before_any_answer_is_told_with_who_was_asked(
    doomed: Collective,
) -> None:
    config = Config.from_configfile(str(doomed.client_cfg), environ={})
    request = rpc.Request("rpcutil", "ping", nodes=["nosuch.example.com"])
    killer = threading.Timer(0.5, doomed.broker.kill)
    with rpc.Client(config) as client:
        killer.start()
        result = client.call(request)
    killer.join()
    assert result.no_response == ["nosuch.example.com"]
    assert result.requestid
    assert "closed the connection" in str(result.lost)


@pytest.mark.parametrize("number", range(len(ODD_PASSWORDS)), ids=repr)
@pytest.mark.parametrize("connector", ["rabbitmq", "activemq"])
def test_passwords_that_a_broker_could_read_otherwise(
    request: pytest.FixtureRequest, connector: str, number: int
) -> None:
    broker: Broker = request.getfixturevalue(connector)
    place = broker.places[f"odd-{number}"]
    with rpc.Client(bare_config(broker, place)) as client:
        assert client.middleware.session.broker.name == f"127.0.0.1:{broker.stomp_port}"


def bare_config(broker: Broker, place: Place, **changes: str) -> Config:
    """Return the configuration of a place without nodes."""
    return Config(
        {
            "securityprovider": "psk",
            "plugin.psk": "x",
            "identity": "operator.example.com",
            **broker.client_settings(place),
            **changes,
        }
    )


def test_what_activemq_says_of_a_wrong_password(activemq: ActiveMQ) -> None:
    wrong = {"plugin.activemq.pool.1.password": "SECRET-and-wrong"}
    config = bare_config(activemq, activemq.places["bare"], **wrong)
    with pytest.raises(exc.AuthenticationFailed) as caught, rpc.Client(config):
        pass
    assert "refused the login of user 'user-bare'" in str(caught.value)
    assert "password is invalid" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_collective_that_the_user_has_no_right_to(activemq: ActiveMQ) -> None:
    """The error comes at once, and names the cause."""
    theirs = activemq.collective(activemq.places["psk"], "mcollective")
    config = bare_config(activemq, activemq.places["bare"], main_collective=theirs)
    start = time.monotonic()
    with rpc.Client(config) as client, pytest.raises(exc.BrokerError) as caught:
        client.call(rpc.Request("rpcutil", "ping"))
    assert time.monotonic() - start < 2
    assert "User user-bare is not authorized to" in str(caught.value)
    assert theirs in str(caught.value)


def test_a_stalled_broker_does_not_hold_us(rabbitmq: RabbitMQ) -> None:
    """Ten thousand requests to nodes that do not exist are over at the deadline."""
    config = bare_config(rabbitmq, rabbitmq.places["stalled"])
    nodes = [f"node{number}.example.com" for number in range(10_000)]
    rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        start = time.monotonic()
        with rpc.Client(config) as client:
            request = rpc.Request(
                "rpcutil", "ping", {"padding": "x" * 20_000}, nodes=nodes, timeout=2
            )
            result = client.call(request)
        assert time.monotonic() - start < BOUND
    finally:
        rabbitmq.ctl("set_vm_memory_high_watermark", "0.8")
    # Its sockets hold a few requests, which may have arrived.
    assert sorted(result.unsent + result.no_response) == sorted(nodes)
    assert len(result.unsent) > 5_000
    assert "is it overloaded?" in str(result.lost)
