# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task makes of Ansible's options."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.fake_client import (
    CONFIG,
    FakeClient,
    params,
    reply,
    result,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import unwarned


def test_a_config_with_a_connector_needs_no_file() -> None:
    task = RpcTask(params(), unwarned, environ={})
    assert task.config.source == "the given options"
    assert task.config["plugin.rabbitmq.pool.1.port"] == "1"


def test_config_wins_over_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nidentity = file\nttl = 5\nodd = 1\n")
    warnings: list[str] = []
    task = RpcTask(params(config_file=str(path), config={"ttl": 7}), warnings.append, environ={})
    assert (task.config.identity, task.config.getint("ttl")) == ("file", 7)
    assert warnings == [f"{path}:4: unknown option odd"]


def test_every_task_warns_of_a_file_that_lets_others_in(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nplugin.psk = hush\n")
    path.chmod(0o646)
    warnings: list[str] = []
    RpcTask(
        params(config_file=str(path), config={"plugin.psk": "other"}), warnings.append, environ={}
    )
    (warning,) = warnings
    assert warning.startswith(f"{path} has mode 0646: everybody on this machine can change it, ")
    assert warning.endswith(f"; mend it with: chmod o-w,o-r {path}")


def test_a_boolean_of_config_is_a_truth_value() -> None:
    config = {**CONFIG, "plugin.rabbitmq.base64": True, "direct_addressing": False}
    task = RpcTask(params(config=config), unwarned, environ={})
    assert task.config.getboolean("plugin.rabbitmq.base64") is True
    assert task.config.getboolean("direct_addressing") is False


def test_a_file_that_is_missing_fails_the_task() -> None:
    with pytest.raises(TaskFailed, match=r"/no/such\.cfg: No such file"):
        RpcTask(params(config_file="/no/such.cfg"), unwarned, environ={})


def test_null_in_config_is_not_set(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\nidentity = file\nttl = 5\n")
    given = {"ttl": None, "identity": "given", "connector": None}
    task = RpcTask(params(config_file=str(path), config=given), unwarned, environ={})
    assert (task.config.getint("ttl"), task.config.identity) == (5, "given")
    assert task.config.connector == "rabbitmq"
    task = RpcTask(params(config={**CONFIG, "ttl": None}), unwarned, environ={})
    assert task.config.getint("ttl") == 60


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}])
def test_a_list_or_dict_in_config_is_refused(value: t.Any) -> None:
    with pytest.raises(
        TaskFailed, match="^the option config: main_collective must be a single value$"
    ):
        RpcTask(params(config={**CONFIG, "main_collective": value}), unwarned, environ={})


@pytest.mark.parametrize(
    "given,why",
    [
        ({"fact_filters": ["os"]}, "fact filter 'os' does not parse"),
        ({"class_filters": ["/a"]}, "class filter '/a' lacks its closing slash"),
        ({"agent_filters": ["a b"]}, "agent filter 'a b' is neither"),
        ({"identity_filters": ["a:b"]}, "'a:b' is not an identity"),
        ({"compound_filter": "a and"}, "compound filter 'a and' is wrong at its end"),
        ({"compound_filter": ""}, "compound_filter is empty, or has an empty entry"),
        ({"nodes": ["{{ x }}"]}, "is not an identity"),
        ({"agent": "a b"}, "'a b' is not the name of an agent"),
        ({"timeout": 0.0}, "timeout must be more than 0"),
        ({"arguments": {"process_results": True}}, "process_results is"),
        ({"config": {**CONFIG, "connector": "pigeon"}}, "the value of connector is not supported"),
        (
            {"config": {**CONFIG, "securityprovider": "rot13"}},
            "the value of securityprovider is not supported",
        ),
        ({"config": {**CONFIG, "plugin.psk": ""}}, r"needs the option plugin\.psk"),
        ({"arguments": {":process_results": True}}, "process_results is"),
        ({"arguments": {"a": 1, ":a": 2}}, "argument a is there twice"),
        ({"collective": "elsewhere"}, "'elsewhere' is not among the collectives of the given"),
        ({"timeout": float("nan")}, "timeout must be more than 0"),
        ({"timeout": float("inf")}, "timeout must be more than 0"),
        ({"discovery_timeout": 3e6}, "discovery_timeout must be more than 0"),
        ({"config": {**CONFIG, "discovery_timeout": "nan"}}, "discovery_timeout is not a number"),
        ({"config": {**CONFIG, "connection_timeout": 0}}, "connection_timeout = 0 is not between"),
        ({"config": {**CONFIG, "ttl": "soon"}}, "ttl is not a whole number"),
        ({"reply_to": " "}, "reply_to is empty"),
        ({"process_results": False, "batch_size": "2"}, "a call in batches waits for the replies"),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_wrong_option_fails_before_anything_is_opened(
    check_mode: bool, given: dict[str, t.Any], why: str
) -> None:
    # Port 1 would be refused with another message.
    with pytest.raises(TaskFailed, match=why):
        RpcTask(params(**given), unwarned, environ={}).run(check_mode)


def test_a_data_function_that_a_ddl_does_not_allow_fails_before_anything_is_opened() -> None:
    with pytest.raises(TaskFailed, match="the DDL of fstat_data refuses this: it does not return"):
        RpcTask(params(compound_filter="fstat('/x').inode=1"), unwarned, environ={}).run(
            check_mode=False
        )


def test_a_data_function_without_ddl_is_a_warning() -> None:
    warnings: list[str] = []
    task = RpcTask(params(compound_filter="new('x').y=1"), warnings.append, environ={})
    with pytest.raises(TaskFailed):  # there is no broker
        task.run(check_mode=False)
    assert "the data function new is sent unchecked" in warnings[0]


def test_a_broker_that_is_down_fails_the_task() -> None:
    with pytest.raises(
        TaskFailed, match="cannot connect to 127.0.0.1:1: connection refused"
    ) as caught:
        RpcTask(params(), unwarned, environ={}).run(check_mode=False)
    assert "a password" not in str(caught.value)
    assert caught.value.result == {}


def test_the_options_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[rpc.Request] = []
    client = FakeClient(result("a", reply("a")))
    monkeypatch.setattr(client, "prepare", seen.append)
    monkeypatch.setattr(base, "Client", client)
    options: dict[str, t.Any] = {
        "validate": "off",
        "arguments": {":port": 80},
        "nodes": ["a"],
        "collective": "fleet",
        "timeout": 3.0,
        "discovery_timeout": 1.5,
        "ttl": 9,
    }
    filters = {
        "fact_filters": ["os=Debian"],
        "class_filters": ["/web/"],
        "agent_filters": ["puppet"],
        "identity_filters": ["a"],
        "compound_filter": "web and fstat('/x').size>1",
    }
    RpcTask(params(**options, **filters), unwarned, environ={}).run(check_mode=False)
    (request,) = seen
    for name in options.keys() - {"validate"}:
        assert getattr(request, name) == options[name]
    kinds = ("fact", "cf_class", "agent", "identity", "compound")
    assert [len(request.filter[kind]) for kind in kinds] == [1] * 5
    assert request.filter.seconds == 1
