# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client refuses numbers out of range before it sends anything."""

from __future__ import annotations

import re

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settle import settle

POOL = {
    "identity": "me",
    "plugin.psk": "x",
    "plugin.{}.pool.size": "1",
    "plugin.{}.pool.1.host": "a",
    "plugin.{}.pool.host1": "a",
}


def client(connector: str, **options: str) -> rpc.Client:
    """A client that is not connected."""
    named = {**POOL, **options, "connector": connector}
    return rpc.Client(Config({key.format(connector): value for key, value in named.items()}))


@pytest.mark.parametrize(
    "connector,key,values",
    [
        ("rabbitmq", "ttl", ["-1", "0", "2592000", "1" + "0" * 30]),
        ("rabbitmq", "direct_addressing_threshold", ["-1"]),
        ("rabbitmq", "default_batch_size", ["-1"]),
        ("rabbitmq", "plugin.{}.heartbeat_interval", ["-1", "2592000"]),
        ("activemq", "plugin.{}.heartbeat_interval", ["-30"]),
        ("rabbitmq", "plugin.{}.max_hbread_fails", ["-1"]),
        ("rabbitmq", "plugin.{}.max_reconnect_attempts", ["-1"]),
        ("stomp", "plugin.{}.pool.max_reconnect_attempts", ["-1"]),
        ("rabbitmq", "plugin.{}.pool.size", ["-1", "0"]),
        ("stomp", "plugin.{}.pool.size", ["-1", "0"]),
        ("activemq", "plugin.{}.priority", ["-1", "10"]),
        ("stomp", "plugin.{}.priority", ["-1", "10"]),
        ("rabbitmq", "discovery_timeout", ["-1", "0"]),
        ("rabbitmq", "connection_timeout", ["-1", "0"]),
        ("rabbitmq", "publish_timeout", ["-1", "0"]),
        ("rabbitmq", "default_batch_sleep_time", ["-1"]),
        ("rabbitmq", "plugin.{}.initial_reconnect_delay", ["-1"]),
        ("rabbitmq", "plugin.{}.max_reconnect_delay", ["-1"]),
        ("rabbitmq", "plugin.{}.connect_timeout", ["-1"]),
        ("rabbitmq", "plugin.{}.back_off_multiplier", ["-1"]),
        ("rabbitmq", "plugin.{}.pool.1.port", ["-1", "0", "65536"]),
    ],
)
def test_a_number_out_of_its_range(connector: str, key: str, values: list[str]) -> None:
    for value in values:
        name = key.format(connector)
        with pytest.raises((exc.ImproperlyConfigured, exc.BadRequest)) as caught:
            prepared = client(connector, **{key: value})
            settle(rpc.Request("rpcutil", "ping"), prepared.settings)
        message = str(caught.value)
        assert re.search(re.escape(name), message), message
        assert re.search(r"must be from|between|is not a port|is negative", message), message


@pytest.mark.parametrize(
    "connector,options",
    [
        ("rabbitmq", {"ttl": "1", "direct_addressing_threshold": "0", "default_batch_size": "0"}),
        ("rabbitmq", {"plugin.{}.heartbeat_interval": "0", "plugin.{}.max_hbread_fails": "0"}),
        ("rabbitmq", {"plugin.{}.max_reconnect_attempts": "0", "ttl": "2591999"}),
        ("activemq", {"plugin.{}.priority": "9"}),
        ("stomp", {"plugin.{}.priority": "0"}),
    ],
)
def test_the_ends_of_a_range(connector: str, options: dict[str, str]) -> None:
    assert client(connector, **options).settings.given("identity")


def test_where_the_number_stands_is_told() -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        Config.from_configstr("identity = me\nttl = -1\n")
    assert str(caught.value) == ("the given text:2: ttl must be from 1 to 2591999 seconds, not -1")


@pytest.mark.parametrize("ttl", [-1, 0, 2592000])
def test_a_ttl_of_a_request(ttl: int) -> None:
    config = Config({"identity": "me"})
    with pytest.raises(exc.BadRequest, match=f"^ttl must be more than 0 .*, not {ttl}"):
        settle(rpc.Request("rpcutil", "ping", ttl=ttl), config)
    with pytest.raises(exc.BadRequest, match=f"^ttl must be from 1 to 2591999 .*, not {ttl}"):
        Message("ping", "discovery", config, ttl=ttl)
