# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which broker of a pool the client uses, as which user, and how it keeps the connection alive."""

from __future__ import annotations

import itertools
import socket
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from calling import call, config_of, senders
from testbed.real.collective import Collective
from testbed.real.default_nodes import DEFAULT_NODES
from testbed.real.security import SECURITIES

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Ansible

WEB = DEFAULT_NODES[0]


@pytest.fixture
def closed_port() -> Iterator[str]:
    """A port on which nobody listens during the test."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield str(held.getsockname()[1])


def pool(lone: Collective, first_port: str) -> dict[str, str]:
    """A pool whose second broker is the collective's; the first one has other credentials."""
    settings = {
        "size": "2",
        "1.port": first_port,
        "1.user": "somebody",
        "1.password": "SECRET-of-the-first",
        "2.host": lone.broker.host,
        "2.port": str(lone.broker.stomp_port),
        "2.user": lone.user,
        "2.password": lone.password,
    }
    return {lone.option(f"pool.{name}"): value for name, value in settings.items()}


def test_the_second_broker_is_used_when_the_first_is_down(
    lone: Collective, closed_port: str
) -> None:
    result = call(config_of(lone, pool(lone, closed_port)), "rpcutil", "ping")
    assert senders(result) == [WEB.identity]
    assert result.broker == f"127.0.0.1:{lone.broker.stomp_port}"
    assert [
        f"127.0.0.1:{closed_port}: connection refused" in why for why in result.passed_over
    ] == [True]


def test_the_second_broker_is_used_when_the_first_refuses_us(lone: Collective) -> None:
    port = str(lone.broker.stomp_port)
    result = call(config_of(lone, pool(lone, port)), "rpcutil", "ping")
    assert senders(result) == [WEB.identity]
    assert ["user 'somebody'" in why for why in result.passed_over] == [True]


def test_all_brokers_are_named_when_none_takes_us(lone: Collective, closed_port: str) -> None:
    settings = pool(lone, closed_port)
    settings[lone.option("pool.2.password")] = "SECRET-and-wrong"
    config = config_of(lone, settings)
    with pytest.raises(exc.ConnectFailed) as caught, rpc.Client(config):
        pass
    assert f"127.0.0.1:{closed_port}: connection refused" in str(caught.value)
    assert f"refused the login of user '{lone.user}'" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_broker_is_tried_again_as_often_as_is_wanted(lone: Collective) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging_up:
        settings = {
            lone.option("pool.1.port"): str(hanging_up.getsockname()[1]),
            lone.option("max_reconnect_attempts"): "2",
        }
        with ThreadPoolExecutor() as aside:
            counted = aside.submit(_hang_up, hanging_up)
            with pytest.raises(exc.ConnectFailed), rpc.Client(config_of(lone, settings)):
                pass
            assert counted.result() == 3


def _hang_up(listener: socket.socket) -> int:
    """Close connections until none has come for a second. Return how many came."""
    listener.settimeout(1)
    for count in itertools.count():
        try:
            listener.accept()[0].close()
        except TimeoutError:
            return count
    raise AssertionError


def test_the_module_tells_which_broker_it_used(
    ansible: Ansible, lone: Collective, closed_port: str
) -> None:
    path = lone.write_client_cfg("pool.cfg", pool(lone, closed_port))
    task = {"config_file": str(path), "agent": "rpcutil", "action": "ping"}
    result = ansible.rpc("-vvv", nodes=[WEB.identity], **task)
    assert not result["failed"]
    told = str(result)
    assert f"127.0.0.1:{lone.broker.stomp_port}" in told
    assert f"127.0.0.1:{closed_port}" in told
    assert "SECRET" not in told


def test_credentials_from_the_environment(lone: Collective) -> None:
    """They win over those of the file, for each broker of the pool."""
    settings = pool(lone, str(lone.broker.stomp_port))
    settings[lone.option("pool.2.password")] = "SECRET-and-wrong"
    environ = {"STOMP_USER": lone.user, "STOMP_PASSWORD": lone.password}
    result = call(config_of(lone, settings, environ), "rpcutil", "ping")
    assert senders(result) == [WEB.identity]
    assert result.passed_over == []


@pytest.mark.parametrize("interval", ["30", "1"])
def test_heartbeats_are_agreed_on(lone: Collective, interval: str) -> None:
    """Less than 30 s is taken for 30 s. With half a second in reserve each way, as mco has it."""
    settings = {lone.option("heartbeat_interval"): interval}
    with rpc.Client(config_of(lone, settings)) as client:
        beat = client.middleware.session._heartbeat
        result = client.call(rpc.Request("rpcutil", "ping", nodes=[WEB.identity]))
    assert senders(result) == [WEB.identity]
    assert beat.every is not None
    assert beat.silence is not None
    assert 29 <= beat.every <= 31
    assert 29 * 3 <= beat.silence <= 31 * 3


def test_without_heartbeats_there_are_none(lone: Collective) -> None:
    with rpc.Client(config_of(lone)) as client:
        assert client.middleware.session._heartbeat == (None, None)


@pytest.mark.parametrize("security", SECURITIES)
def test_keys_from_the_environment(rabbitmq: t.Any, security: t.Any) -> None:
    """They win over those of the file, which the nodes do not know."""
    with Collective(rabbitmq, "environment", security, [WEB]) as collective:
        operator = collective.keys.operator
        provider = security.partition("-")[0].upper()
        environ = {
            "MCOLLECTIVE_PSK": collective.psk,
            f"MCOLLECTIVE_{provider}_PRIVATE": str(operator.private),
            f"MCOLLECTIVE_{provider}_PUBLIC": str(operator.public),
        }
        wrong = collective.secrets.client(collective.keys.rogue) or {"plugin.psk": "SECRET"}
        request = {"nodes": [WEB.identity], "timeout": 1}
        unknown = call(config_of(collective, wrong), "rpcutil", "ping", **request)
        assert unknown.no_response == [WEB.identity]
        known = call(config_of(collective, wrong, environ), "rpcutil", "ping", **request)
        assert senders(known) == [WEB.identity]
