# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a task is about, by its options and its host."""

from __future__ import annotations

import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.pymco.mcollective.plugins.plugin_utils._target import (
    Host,
    Undecided,
    aimed,
)

OURS = Host("web1", "web1.example.com", 3)
PLAIN = Host("web1", "", 3)
LOCALHOST = Host("localhost", "", 3)
ONLY = Host("web1")
LIMITED = Host("web1", limited=True)
HOST, ALL = {"target": "host"}, {"target": "collective"}


@pytest.mark.parametrize(
    "host,given,node",
    [
        (OURS, {}, "web1.example.com"),
        (OURS, {"target": None}, "web1.example.com"),
        (Host("web1", "web1.example.com", limited=True), {}, "web1.example.com"),
        (Host("web1", "web1.example.com", run_once=True), {}, "web1.example.com"),
        # Where groups set the variable for all hosts.
        (Host("localhost", "localhost", 1), HOST, "localhost"),
        *((host, HOST, "web1") for host in (PLAIN, ONLY, LIMITED)),
        (OURS, {**HOST, "class_filters": ["web"], "limit": 1}, "web1.example.com"),
        (OURS, {"discovery_timeout": 1, "expected_nodes": 1}, "web1.example.com"),
    ],
)
def test_it_is_about_the_node_of_the_host(host: Host, given: dict[str, t.Any], node: str) -> None:
    assert aimed(given, host) == {**given, "target": "host", "nodes": [node]}


@pytest.mark.parametrize(
    "host,given",
    [
        (LOCALHOST, {}),
        (Host("127.0.0.1", "", 3), {}),
        (Host("localhost", "localhost", 3), {}),
        (Host("localhost", run_once=True), {}),
        (ONLY, {}),
        (Host("web1", run_once=True), {}),
        *((host, ALL) for host in (OURS, PLAIN, LOCALHOST, LIMITED)),
        (Host("localhost", delegated="web1"), {"nodes": ["web1"]}),
        (Host("localhost", delegated="web1"), ALL),
        (Host("web1", "web1.example.com", 3, run_once=True), {"nodes": ["web2"]}),
        (PLAIN, {"identity_filters": "web1"}),
        (OURS, {"fact_filters": ["os=Debian"]}),
        (OURS, {"discovery_method": "flatfile", "discovery_options": ["nodes.txt"]}),
        (LIMITED, {"limit": "10%"}),
    ],
)
def test_it_is_about_the_collective(host: Host, given: dict[str, t.Any]) -> None:
    assert aimed(given, host) == given


@pytest.mark.parametrize(
    "host,given,words",
    [
        (PLAIN, {}, "would address the whole collective, and not only web1"),
        (
            LIMITED,
            {"discovery_timeout": 1},
            "would address the whole collective, and not only web1",
        ),
        (Host("web1", others=True), {}, "would address the whole collective, and not only web1"),
        (Host("web1", "web1.example.com", 3, run_once=True), {}, "with run_once, it is not clear"),
        (Host("web1", "", 3, run_once=True), {}, "with run_once, it is not clear"),
        (OURS, {**HOST, "nodes": ["web1"]}, "exclude each other"),
        (LOCALHOST, HOST, "this task is for localhost"),
        (Host("localhost", delegated="web1"), {}, "delegate_to: web1 says where this task runs"),
    ],
)
def test_what_is_not_clear_is_refused(host: Host, given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(Undecided, match=words):
        aimed(given, host)


def test_a_host_is_what_ansible_tells_of_it() -> None:
    variables = {
        "inventory_hostname": "a",
        "mcollective_identity": trust_as_template("{{ inventory_hostname ~ '.b' }}"),
        "ansible_play_hosts_all": ["a", "b"],
        "ansible_limit": "a*",
    }
    templar = Templar(DataLoader(), variables=variables)
    assert Host.of(variables, templar, run_once=True) == Host("a", "a.b", 2, True, True)
    variables["hostvars"] = {"web1": {"mcollective_identity": "w"}, "bastion": {}}
    for name, stands in (("web1", "web1"), ("bastion", ""), ("unknown", ""), (None, "")):
        assert Host.of(variables, templar, delegate_to=name).delegated == stands
    for names, others in ((["a"], False), (["a", "127.0.0.1"], False), (["a", "b"], True)):
        variables["groups"] = {"all": names}
        assert Host.of(variables, templar).others == others
    assert Host.of({}, Templar(DataLoader(), variables={})) == Host("localhost")
