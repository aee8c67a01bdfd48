# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module tells a user when something is wrong on a real broker."""

from __future__ import annotations

import socket
import typing as t

import pytest

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective
    from testbed.real.rabbitmq import RabbitMQ

POOL = "plugin.rabbitmq.pool.1"


pytestmark = pytest.mark.parametrize(
    "collective", ["rabbitmq-ssl-yaml"], indirect=True, scope="session"
)


def test_closed_port(ansible: Ansible, collective: Collective) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        result = ansible.failure(collective, config={f"{POOL}.port": str(port)})
    assert f"cannot connect to 127.0.0.1:{port}: connection refused" in result["msg"]


def test_unknown_host(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, config={f"{POOL}.host": "broker.invalid"})
    assert "cannot connect to broker.invalid:" in result["msg"]


def test_wrong_password(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, config={f"{POOL}.password": "SECRET-and-wrong"})
    assert f"refused the login of user '{collective.user}'" in result["msg"]
    assert "Access refused" in result["msg"]


def test_missing_vhost(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, config={"plugin.rabbitmq.vhost": "/nowhere"})
    assert "to the virtual host '/nowhere'" in result["msg"]


def test_missing_exchange(ansible: Ansible, rabbitmq: RabbitMQ, collective: Collective) -> None:
    bare = rabbitmq.places["bare"]
    changes = {
        "plugin.rabbitmq.vhost": "bare",
        f"{POOL}.user": bare.user,
        f"{POOL}.password": bare.password,
    }
    result = ansible.failure(collective, config=changes)
    assert "no exchange 'mcollective_broadcast' in vhost 'bare'" in result["msg"]


def test_port_of_something_else(ansible: Ansible, collective: Collective) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = str(silent.getsockname()[1])
        changes = {f"{POOL}.port": port, "connection_timeout": "2"}
        result = ansible.failure(collective, config=changes)
    assert "did not answer STOMP's CONNECT in time" in result["msg"]


def test_tls_on_a_plain_port(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, config={f"{POOL}.ssl": "yes", "connection_timeout": "3"})
    assert "no TLS connection to 127.0.0.1:" in result["msg"]


def test_no_such_agent(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, agent="nosuch")
    assert "no node answered the discovery for agent nosuch" in result["msg"]
    assert "4 nodes are there, but none has the agent nosuch. The" in result["msg"]
    assert result["nodes"] == result["replies"] == []


def test_no_such_node(ansible: Ansible, collective: Collective) -> None:
    nodes = ["web1.example.com", "nosuch.example.com"]
    result = ansible.failure(collective, nodes=nodes, timeout=1)
    assert "1 of 2 nodes did not answer: nosuch.example.com within 1 s" in result["msg"]
    assert result["no_response"] == ["nosuch.example.com"]
    assert [reply["sender"] for reply in result["replies"]] == ["web1.example.com"]


def test_no_such_action(ansible: Ansible, collective: Collective) -> None:
    task = {"action": "nosuch", "nodes": ["web1.example.com"]}
    result = ansible.failure(collective, **task)
    assert "the DDL of rpcutil, action nosuch refuses this: no such action; it" in result["msg"]
    result = ansible.failure(collective, validate="off", **task)
    assert "1 of 1 nodes failed: web1.example.com (4: " in result["msg"]


@pytest.mark.parametrize("content", [None, "no key at all"])
def test_unusable_private_key(
    ansible: Ansible, collective: Collective, tmp_path: t.Any, content: str | None
) -> None:
    path = tmp_path / "private.pem"
    if content is not None:
        path.write_text(content)
    changes = {
        "securityprovider": "ssl",
        "plugin.ssl_client_private": str(path),
        "plugin.ssl_client_public": str(collective.keys.operator.public),
        "plugin.ssl_server_public": str(collective.keys.server.public),
    }
    result = ansible.failure(collective, config=changes)
    assert f"the client's private key (plugin.ssl_client_private) {path}" in result["msg"]


def test_no_configuration_file(ansible: Ansible, collective: Collective) -> None:
    result = ansible.failure(collective, config_file="/nonexistent/client.cfg")
    assert "cannot read the configuration file /nonexistent/client.cfg" in result["msg"]


def test_what_cannot_be_sent_is_refused_before_connecting(
    ansible: Ansible, collective: Collective
) -> None:
    unreachable = {f"{POOL}.host": "broker.invalid"}
    result = ansible.failure(collective, config=unreachable, fact_filters=["no operator"])
    assert "fact filter 'no operator' does not parse" in result["msg"]
