# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real broker does to a call: it dies, and it reads passwords in its own way."""

from __future__ import annotations

import threading
import time
import typing as t

import pytest
from conftest import BOUND
from testbed.real.broker import Broker
from testbed.real.collective import Collective
from testbed.real.definitions import Vhost

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config


@pytest.fixture
def doomed() -> t.Iterator[Collective]:
    """A collective on a broker of its own, which a test may kill."""
    with Broker(["doomed"]) as broker, Collective(broker, "doomed", "ssl-yaml") as collective:
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
    assert time.monotonic() - start < rpc.DEFAULT_TIMEOUT
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


@pytest.mark.parametrize("password", [r"back\slash", r"a\cb", r"a\nb", "a:b", "a b=c%d", "ü"])
def test_passwords_that_rabbitmq_would_read_otherwise(broker: Broker, password: str) -> None:
    vhost = Vhost(f"odd-{password.encode().hex()}", password=password)
    broker.add(vhost)
    pool = "plugin.rabbitmq.pool"
    config = Config(
        {
            "connector": "rabbitmq",
            "securityprovider": "none",
            "identity": "operator.example.com",
            "plugin.rabbitmq.vhost": vhost.name,
            f"{pool}.size": "1",
            f"{pool}.1.host": "127.0.0.1",
            f"{pool}.1.port": str(broker.stomp_port),
            f"{pool}.1.user": vhost.user,
            f"{pool}.1.password": password,
        }
    )
    with rpc.Client(config) as client:
        assert client.connector.session.broker.name == f"127.0.0.1:{broker.stomp_port}"


def test_a_stalled_broker_does_not_hold_us(broker: Broker, tmp_path: t.Any) -> None:
    """Ten thousand requests to nodes that do not exist are over at the deadline."""
    vhost = Vhost("stalled")
    broker.add(vhost)
    path = tmp_path / "client.cfg"
    path.write_text(f"""
connector = rabbitmq
securityprovider = psk
plugin.psk = x
identity = operator.example.com
plugin.rabbitmq.vhost = stalled
plugin.rabbitmq.pool.size = 1
plugin.rabbitmq.pool.1.host = 127.0.0.1
plugin.rabbitmq.pool.1.port = {broker.stomp_port}
plugin.rabbitmq.pool.1.user = {vhost.user}
plugin.rabbitmq.pool.1.password = {vhost.password}
""")
    nodes = [f"node{number}.example.com" for number in range(10_000)]
    broker.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
    try:
        start = time.monotonic()
        with rpc.Client(Config.from_configfile(str(path), environ={})) as client:
            request = rpc.Request(
                "rpcutil", "ping", {"padding": "x" * 20_000}, nodes=nodes, timeout=2
            )
            result = client.call(request)
        assert time.monotonic() - start < BOUND
    finally:
        broker.ctl("set_vm_memory_high_watermark", "0.8")
    assert len(result.no_response) == 10_000
    assert "is it overloaded?" in str(result.lost)
