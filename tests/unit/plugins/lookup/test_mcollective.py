# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup plugin: where its options come from, and what it refuses. These tests run only under ansible-test."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar

from ansible_collections.pymco.mcollective.plugins.module_utils._task.lookup import LookupTask

CONFIG = {"connector": "rabbitmq", "plugin.rabbitmq.pool.1.host": "b", "plugin.psk": "x"}
WEB = {"inventory_hostname": "one", "mcollective_identity": "web1", "ansible_play_hosts_all": "ab"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, t.Any]]:
    """The options of the tasks that would have asked."""
    found: list[dict[str, t.Any]] = []

    def ask(task: LookupTask) -> list[t.Any]:
        found.append(dict(task.params))
        return ["said"]

    monkeypatch.setattr(LookupTask, "ask", ask)
    return found


def look_up(*terms: str, variables: dict[str, t.Any] | None = None, **options: t.Any) -> t.Any:
    """What the plugin returns."""
    variables = variables or {"inventory_hostname": "localhost"}
    plugin = lookup_loader.get(
        "pymco.mcollective.mcollective", loader=DataLoader(), templar=Templar(DataLoader())
    )
    return plugin.run(list(terms), variables, **{"config": CONFIG, **options})


def test_options_are_those_of_tasks(
    asked: list[dict[str, t.Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_DISCOVERY_TIMEOUT", "7.5")
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_COLLECTIVE", "eu")
    given = {"arguments": {"fact": "x"}, "nodes": "a,b", "count": "2"}
    assert look_up("rpcutil", "get_fact", **given) == ["said"]
    expected = {
        "agent": "rpcutil",
        "action": "get_fact",
        "arguments": {"fact": "x"},
        "nodes": ["a", "b"],
        "expected_nodes": 2,
        "discovery_timeout": 7.5,
        "collective": "eu",
        "config": CONFIG,
    }
    (params,) = asked
    assert {name: params[name] for name in expected} == expected


def test_the_agent_may_be_an_option(asked: list[dict[str, t.Any]]) -> None:
    look_up(agent="rpcutil", action="ping", target="collective")
    assert (asked[0]["agent"], asked[0]["nodes"]) == ("rpcutil", None)


def test_for_a_host_of_the_inventory_it_asks_its_node(asked: list[dict[str, t.Any]]) -> None:
    look_up("rpcutil", "ping", variables=WEB)
    look_up("rpcutil", "ping", variables=WEB, target="collective")
    look_up("rpcutil", "ping", variables=WEB, class_filters=["web"])
    assert [each["nodes"] for each in asked] == [["web1"], None, None]


def test_no_identity_becomes_a_key_of_ansibles_own(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [{"sender": name, "data": {}} for name in ("__ansible_type", "web1")]
    monkeypatch.setattr(LookupTask, "run", lambda _task, check_mode: {"replies": replies})
    (found,) = look_up("rpcutil", "ping", return_format="by_sender")
    assert found == {'"__ansible_type"': {}, "web1": {}}


def test_for_one_of_many_hosts_it_must_be_said(asked: list[dict[str, t.Any]]) -> None:
    variables = {"inventory_hostname": "one", "ansible_play_hosts_all": ["one", "two"]}
    with pytest.raises(
        AnsibleLookupError, match="would address the whole collective, and not only one"
    ):
        look_up("rpcutil", "ping", variables=variables)
    assert asked == []


@pytest.mark.parametrize(
    "terms,options,words",
    [
        (["rpcutil"], {}, "the action is missing"),
        (["a", "b", "c"], {}, "there are more terms"),
        (["a", "b"], {"node": "x"}, "there is no such option: node"),
        (["a", "b"], {"nodes": None}, "nodes is empty"),
        (["rpcutil", "ping"], {"timeout": "hush"}, "the option timeout must be of type float"),
        (["rpcutil", "ping"], {"serializer": "hush"}, "the option serializer must be one of"),
        (["rpcutil", "ping"], {"validate_certs": "hush"}, "the option validate_certs must be"),
        (["puppet", "runonce"], {}, "the action runonce of the agent puppet may change something"),
        (["rpcutil", "ping"], {"read_only": False}, "the action ping of the agent rpcutil may"),
    ],
)
def test_it_refuses(
    asked: list[dict[str, t.Any]], terms: list[str], options: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(AnsibleLookupError, match=words) as caught:
        look_up(*terms, **options)
    assert "hush" not in str(caught.value)
    assert asked == []
