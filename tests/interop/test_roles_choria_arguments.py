# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles refuse for Choria, before they change anything."""

from __future__ import annotations

import typing as t

import pytest
from test_roles_arguments import Case, key, refusals

BROKER: dict[str, t.Any] = {
    "broker_kind": "choria",
    "broker_users": [],
    "broker_plain_port": 0,
    "broker_tls_port": 4222,
    **dict.fromkeys(("broker_tls_authority", "broker_tls_certificate", "broker_tls_key"), __file__),
}
SERVER: dict[str, t.Any] = {
    "server_connector": "nats",
    "server_brokers": [{"host": "b"}],
    "server_clients": ["alice"],
    "server_choria_binary": "/bin/true",
    **dict.fromkeys(("server_tls_authority", "server_tls_certificate", "server_tls_key"), __file__),
}
CLIENT: dict[str, t.Any] = {
    "client_connector": "nats",
    "client_brokers": [{"host": "b"}],
    **dict.fromkeys(("client_tls_authority", "client_tls_certificate", "client_tls_key"), __file__),
}
CASES = [
    Case(
        "broker",
        "users",
        "broker_users must be empty with broker_kind=choria",
        {**BROKER, "broker_users": [{"name": "a", "kind": "node", "password": "SECRET-1"}]},
    ),
    Case(
        "broker",
        "a port without TLS",
        "A Choria broker listens on broker_tls_port (4222) only",
        {**BROKER, "broker_plain_port": 4223},
    ),
    Case(
        "broker",
        "tokens that are not there",
        "do not exist on the control host: /nonexistent/issuer.pub, /nonexistent/tokens/broker.jwt",
        {
            **BROKER,
            "broker_choria_security": "choria",
            "broker_keys_directory": "/nonexistent",
        },
    ),
    Case(
        "server",
        "a password",
        "With server_connector=nats, server_brokers has neither user, password",
        {**SERVER, "server_brokers": [{"host": "b", "user": "a", "password": "SECRET-2"}]},
    ),
    Case(
        "server",
        "a broker without TLS",
        "With server_connector=nats, server_brokers has neither user, password",
        {**SERVER, "server_brokers": [{"host": "b", "tls": False}]},
    ),
    Case(
        "server",
        "a Puppet agent",
        "the node needs server_installation=package. The Puppet agent does not contain Choria.",
        {**SERVER, "server_installation": "aio"},
    ),
    Case(
        "server",
        "no clients",
        "server_choria_callers or server_clients must name a client",
        {**SERVER, "server_clients": []},
    ),
    Case(
        "server",
        "a name that would be a policy",
        "names in server_choria_callers may contain letters",
        {**SERVER, "server_choria_callers": ["alice.mcollective\t*"]},
    ),
    Case(
        "server",
        "no program",
        "There is no /nonexistent/choria. Add a repository with the package choria",
        {**SERVER, "server_choria_binary": "/nonexistent/choria"},
    ),
    Case(
        "server",
        "a broker of RabbitMQ without a user",
        "Each broker in server_brokers needs a user. These brokers have none: b.",
        {"server_brokers": [{"host": "b", "password": "SECRET-3"}]},
    ),
    Case(
        "client",
        "a password",
        "With client_connector=nats, client_brokers has neither user, password",
        {**CLIENT, "client_brokers": [{"host": "b", "password": "SECRET-4"}]},
    ),
    Case(
        "client",
        "a caller that nodes would not take",
        "client_choria_caller may contain letters, digits, '_', '.' and '-', so it cannot be 'a b'",
        {**CLIENT, "client_choria_caller": "a b", "client_identity": "alice"},
    ),
    Case(
        "client",
        "a seed that is not there",
        "do not exist on the control host: /nonexistent/tokens/alice.mcollective.jwt",
        {**CLIENT, "client_choria_security": "choria", "client_keys_directory": "/nonexistent"},
    ),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why each role refused."""
    return refusals(CASES, tmp_path_factory.mktemp("arguments"))


@pytest.mark.parametrize("case", CASES, ids=key)
def test_what_cannot_work_is_refused_at_the_start(said: dict[str, str], case: Case) -> None:
    assert key(case) in said, "it was not refused"
    assert case.words in said[key(case)]
