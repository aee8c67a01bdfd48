# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options with names of their own, as a configuration."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)

HERE = [{"host": "127.0.0.1", "port": 61613}]


def ignore(_warning: str) -> None:
    """Takes any warning."""


def configured(
    environ: dict[str, str] | None = None,
    warn: t.Callable[[str], None] = ignore,
    **given: t.Any,
) -> Config:
    """Return the configuration of a task with these options."""
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    params = {**defaults, "agent": "rpcutil", "action": "ping", **given}
    for broker in params["brokers"] or ():
        for name in RpcTask.options["brokers"]["options"]:
            broker.setdefault(name, None)  # as Ansible hands them over
    return RpcTask(params, warn, environ=environ or {}).config


def refused(**given: t.Any) -> str:
    """Return why these options are refused."""
    with pytest.raises(TaskFailed) as why:
        configured(**given)
    return str(why.value)


def brokers(*entries: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Entries of the pool of which each test may change its own."""
    return [dict(entry) for entry in entries]


# -- where from ----------------------------------------------------------------------------------


def test_options_alone_are_enough() -> None:
    config = configured(
        connector="rabbitmq",
        brokers=brokers(
            {"host": "a", "user": "u", "password": "p"}, {"host": "b", "port": 1, "user": "v"}
        ),
        vhost="/m",
        psk="k",
        identity="me",
        connect_timeout=2.5,
        max_reply_bytes=1000,
    )
    assert (config.connector, config.identity) == ("rabbitmq", "me")
    assert config.getseconds("connection_timeout") == 2.5
    assert config.max_reply_bytes == 1000
    found = [(b.host, b.port, b.user, b.password) for b in pool(config).brokers]
    assert found == [("a", 61613, "u", "p"), ("b", 1, "v", "")]
    assert middleware(config).login(pool(config).brokers[0]).vhost == "/m"
    assert security_provider(config).callerid


def test_options_win_over_config_and_that_over_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(
        "connector = rabbitmq\nidentity = file\nplugin.psk = file\nttl = 5\n"
        "plugin.rabbitmq.pool.size = 2\nplugin.rabbitmq.pool.1.host = file\n"
        "plugin.rabbitmq.pool.2.host = file\nplugin.rabbitmq.vhost = file\n"
    )
    config = configured(
        config_file=str(path),
        config={"identity": "config", "plugin.psk": "config", "plugin.rabbitmq.vhost": "config"},
        psk="option",
        brokers=brokers({"host": "option"}),
    )
    assert config["plugin.psk"] == "option"
    assert (config.identity, config["plugin.rabbitmq.vhost"]) == ("config", "config")
    assert [broker.host for broker in pool(config).brokers] == ["option"]
    assert config.getint("ttl") == 5


def test_without_options_of_its_own_the_file_is_the_configuration(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nplugin.psk = file\n")
    config = configured(config_file=str(path))
    assert (config.source, config["plugin.psk"]) == (str(path), "file")


def test_the_connector_of_an_option_wins_over_that_of_config() -> None:
    config = configured(
        connector="stomp", config={"connector": "rabbitmq"}, brokers=brokers(*HERE), psk="k"
    )
    assert config.connector == "stomp"
    assert [(broker.host, broker.port) for broker in pool(config).brokers] == [("127.0.0.1", 61613)]


# -- security ------------------------------------------------------------------------------------

PROVIDERS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    (
        "ssl",
        {
            "private_key": "/private",
            "public_key": "/public",
            "server_public_key": "/server",
            "serializer": "yaml",
        },
        {
            "plugin.ssl_client_private": "/private",
            "plugin.ssl_client_public": "/public",
            "plugin.ssl_server_public": "/server",
            "plugin.ssl_serializer": "yaml",
        },
    ),
    (
        "aes_security",
        {"private_key": "/private", "public_key": "/public", "serializer": "marshal"},
        {
            "plugin.aes.client_private": "/private",
            "plugin.aes.client_public": "/public",
            "plugin.aes.serializer": "marshal",
        },
    ),
    ("psk", {"psk": "k"}, {"plugin.psk": "k"}),
    ("none", {"serializer": "yaml"}, {"plugin.none.serializer": "yaml"}),
]


@pytest.mark.parametrize("provider,options,keys", PROVIDERS)
@pytest.mark.parametrize("named", ["option", "config"])
def test_what_a_provider_takes(
    provider: str, options: dict[str, str], keys: dict[str, str], named: str
) -> None:
    more: dict[str, t.Any] = {"security_provider": provider}
    if named == "config":
        more = {"config": {"securityprovider": provider.upper()}}
    config = configured(connector="rabbitmq", brokers=brokers(*HERE), **more, **options)
    assert {key: config[key] for key in keys} == keys


@pytest.mark.parametrize(
    "provider,option,takes",
    [
        ("ssl", "psk", ", which takes private_key, public_key, serializer, server_public_key"),
        ("psk", "private_key", ", which takes psk"),
        ("psk", "serializer", ", which takes psk"),
        ("aes_security", "server_public_key", ", which takes private_key, public_key, serializer"),
    ],
)
def test_an_option_of_another_provider_is_refused(provider: str, option: str, takes: str) -> None:
    assert refused(connector="rabbitmq", security_provider=provider, **{option: "yaml"}) == (
        f"the option {option} has no use with security_provider = {provider}{takes}"
    )


def test_a_provider_that_there_is_not_takes_no_option() -> None:
    assert refused(connector="rabbitmq", security_provider="rot13", psk="key") == (
        "the option psk has no use with this security_provider, which is not supported; there are"
        " aes_security, choria, none, psk, ssl"
    )


# -- environment ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,environ",
    [
        ({"psk": "given"}, {"MCOLLECTIVE_PSK": "environment"}),
        (
            {"security_provider": "ssl", "private_key": "/given", "public_key": "/given"},
            {"MCOLLECTIVE_SSL_PRIVATE": "environment", "MCOLLECTIVE_SSL_PUBLIC": "environment"},
        ),
        (
            {"security_provider": "aes_security", "private_key": "/given", "public_key": "/given"},
            {"MCOLLECTIVE_AES_PRIVATE": "environment", "MCOLLECTIVE_AES_PUBLIC": "environment"},
        ),
        (
            {"brokers": [{"host": "a", "user": "given", "password": "given"}]},
            {"STOMP_USER": "environment", "STOMP_PASSWORD": "environment"},
        ),
        (
            {"client_cert": "/given", "client_key": "/given"},
            {
                "MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT": "environment",
                "MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY": "environment",
            },
        ),
        (
            {"brokers": [{"host": "a", "client_cert": "/given", "client_key": "/given"}]},
            {
                "MCOLLECTIVE_RABBITMQ_POOL1_SSL_CERT": "environment",
                "MCOLLECTIVE_RABBITMQ_POOL1_SSL_KEY": "environment",
            },
        ),
    ],
)
def test_the_references_variables_lose_to_an_option_and_win_without(
    options: dict[str, t.Any], environ: dict[str, str]
) -> None:
    """A play alone must show what it does, without a look at the environment."""
    more: dict[str, t.Any] = {"brokers": brokers({"host": "a"}), "connector": "rabbitmq"}
    assert configured(environ, **{**more, **options}).environ == {}
    assert configured(environ, **more).environ == environ


def test_an_option_beats_the_variable_where_it_counts() -> None:
    environ = {"MCOLLECTIVE_PSK": "environment", "STOMP_PASSWORD": "environment"}
    entry = {"host": "a", "password": "given"}
    config = configured(environ, connector="rabbitmq", brokers=brokers(entry), psk="given")
    assert config.secrets() == {"given"}
    assert pool(config).brokers[0].password == "given"
    config = configured(environ, connector="rabbitmq", brokers=brokers({"host": "a"}))
    assert pool(config).brokers[0].password == "environment"


def test_a_variable_that_no_option_beats_stays() -> None:
    environ = {"MCOLLECTIVE_PSK": "environment", "HOME": "/h"}
    config = configured(environ, connector="rabbitmq", brokers=brokers(*HERE), identity="me")
    assert config.environ == environ


# -- TLS -----------------------------------------------------------------------------------------


def test_what_is_said_for_all_brokers_holds_where_a_broker_says_nothing() -> None:
    config = configured(
        connector="rabbitmq",
        ca_cert="/ca",
        client_cert="/cert",
        client_key="/key",
        brokers=brokers(
            {"host": "a"},
            {"host": "b", "ca_cert": "/other", "client_cert": "/c", "client_key": "/k"},
            {"host": "c", "tls": False},
        ),
    )
    first, second, third = pool(config).brokers
    assert (first.tls, first.ca, first.cert, first.key) == (True, ("/ca",), "/cert", "/key")
    assert (second.tls, second.ca, second.cert, second.key) == (True, ("/other",), "/c", "/k")
    assert not third.tls


def test_tls_needs_no_file() -> None:
    config = configured(connector="rabbitmq", brokers=brokers({"host": "a", "tls": True}))
    (broker,) = pool(config).brokers
    assert (broker.tls, broker.ca, broker.verified) == (True, (), True)


@pytest.mark.parametrize(
    "entry,shared,verified",
    [
        ({}, True, True),
        ({}, False, False),
        ({"validate_certs": True}, False, True),
        ({"validate_certs": False}, True, False),
    ],
)
def test_certificates_are_verified_unless_somebody_says_otherwise(
    entry: dict[str, bool], shared: bool, verified: bool
) -> None:
    config = configured(
        connector="rabbitmq",
        validate_certs=shared,
        brokers=brokers({"host": "a", "tls": True, **entry}),
    )
    assert pool(config).brokers[0].verified is verified


def test_tls_options_hold_for_the_brokers_of_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(
        "connector = activemq\nplugin.activemq.pool.size = 2\n"
        "plugin.activemq.pool.1.host = a\nplugin.activemq.pool.1.ssl = 1\n"
        "plugin.activemq.pool.2.host = b\nplugin.activemq.pool.2.ssl = 1\n"
    )
    config = configured(config_file=str(path), ca_cert="/ca", validate_certs=False)
    assert [(broker.host, broker.verified) for broker in pool(config).brokers] == [
        ("a", False),
        ("b", False),
    ]
    config = configured(config_file=str(path), ca_cert="/ca")
    assert [broker.ca for broker in pool(config).brokers] == [("/ca",), ("/ca",)]


# -- what is refused -----------------------------------------------------------------------------


def test_an_empty_list_of_brokers_is_refused() -> None:
    with pytest.raises(
        Exception, match=r"plugin\.rabbitmq\.pool\.size must be from 1 to \d+ brokers, not 0"
    ):
        pool(configured(connector="rabbitmq", brokers=[]))


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    config = configured(connector="rabbitmq", brokers=brokers({"host": "a", "port": port}))
    with pytest.raises(Exception, match=r"pool\.1\.port is not a port"):
        pool(config)


@pytest.mark.parametrize("connector_", ["pigeon", "", "rabbitmq/x"])
def test_a_connector_that_there_is_not_is_refused(connector_: str) -> None:
    given: dict[str, t.Any] = {"connector": connector_, "brokers": brokers(*HERE)}
    if not connector_:
        given["config"] = {"connector": "pigeon"}
    with pytest.raises(Exception, match="is not supported; there are activemq, nats, rabbitmq, stomp"):
        middleware(configured(**given))


def test_a_collective_that_is_not_configured_is_refused() -> None:
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    params = {
        **defaults,
        "agent": "rpcutil",
        "action": "ping",
        "connector": "rabbitmq",
        "brokers": brokers(*HERE),
        "psk": "k",
        "collective": "eu",
    }
    with pytest.raises(TaskFailed, match="'eu' is not among the collectives of the given options"):
        RpcTask(params, ignore, environ={}).run(check_mode=False)


def test_secrets_of_options_are_secrets() -> None:
    task_brokers = brokers({"host": "a", "user": "u", "password": "of the broker"})
    config = configured(connector="rabbitmq", brokers=task_brokers, psk="of the option")
    assert config.secrets() == {"of the broker", "of the option"}


@pytest.mark.parametrize("most", [0, -1])
def test_a_bound_that_lets_no_reply_in_is_refused(most: int) -> None:
    config = configured(connector="rabbitmq", brokers=brokers(*HERE), psk="k", max_reply_bytes=most)
    with pytest.raises(exc.ImproperlyConfigured, match=f"must be at least 1 byte, not {most}"):
        middleware(config)
