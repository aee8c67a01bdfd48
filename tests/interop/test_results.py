# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plays and people see of results: the filters, the lookup, differences, progress, and short results."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from conftest import FEW
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective

on_few = pytest.mark.parametrize("collective", FEW, indirect=True)
HOSTILE = "{{ 'EVAL' ~ 'UATED' }}"
PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    find: pymco.mcollective.mcollective
  tasks:
    - pymco.mcollective.mcollective_rpc: {agent: rpcutil, action: get_fact, arguments: {fact: role}, expected_nodes: %(count)d}
      register: role
    - pymco.mcollective.mcollective_node_info: {facts: [role], expected_nodes: %(count)d}
      register: info
    - pymco.mcollective.mcollective_ping: {expected_nodes: %(count)d}
      register: ping
    - pymco.mcollective.mcollective_rpc: {agent: rpcutil, action: ping, nodes: "{{ ping.nodes }}"}
      register: named
    - ansible.builtin.copy:
        dest: "%(results)s"
        content: "{{ seen | to_json }}"
      vars:
        seen:
          by_sender: "{{ role | pymco.mcollective.by_sender('data.value') }}"
          report: "{{ info | pymco.mcollective.fact_report('role') }}"
          named: "{{ named.nodes }}"
          lookup: "{{ lookup(find, 'rpcutil', 'get_fact', arguments={'fact': 'role'}, count=%(count)d, return_format='by_sender') }}"
          one: "{{ lookup(find, 'rpcutil', 'get_fact', arguments={'fact': 'role'}, nodes=[ping.nodes[0]]).value }}"
          query: "{{ query(find, agent='rpcutil', action='get_fact', arguments={'fact': 'role'}, nodes=ping.nodes) }}"
"""


@pytest.fixture(scope="module")
def emulated() -> t.Iterator[EmbeddedCollective]:
    """Three nodes, one of which tries to be evaluated."""
    roles = {"a": "web", "b": HOSTILE, "c": "web"}
    nodes = [Node(name, facts={"role": role}) for name, role in roles.items()]
    with EmbeddedCollective(nodes, "psk") as running:
        yield running


def played(ansible: Ansible, client_cfg: Path, place: Path, count: int) -> dict[str, t.Any]:
    """What :data:`PLAY` has seen."""
    (place / "play.yml").write_text(PLAY % {"results": place / "seen", "count": count})
    done = ansible.run(
        "ansible-playbook",
        str(place / "play.yml"),
        ANSIBLE_MCOLLECTIVE_CONFIG_FILE=str(client_cfg),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return t.cast("dict[str, t.Any]", json.loads((place / "seen").read_text()))


def test_a_play_sees_results_by_node(
    ansible: Ansible, emulated: EmbeddedCollective, tmp_path: Path
) -> None:
    seen = played(ansible, emulated.client_cfg, tmp_path, 3)
    roles = {"a": "web", "b": HOSTILE, "c": "web"}
    assert seen["by_sender"] == roles
    assert seen["report"] == [
        {"value": "web", "count": 2, "nodes": ["a", "c"]},
        {"value": HOSTILE, "count": 1, "nodes": ["b"]},
    ] or seen["report"] == [
        {"value": HOSTILE, "count": 1, "nodes": ["b"]},
        {"value": "web", "count": 2, "nodes": ["a", "c"]},
    ]
    assert seen["named"] == ["a", "b", "c"]
    assert {node: data["value"] for node, data in seen["lookup"].items()} == roles
    assert seen["one"] == "web"
    assert [data["value"] for data in seen["query"]] == list(roles.values())


@on_few
def test_so_it_does_with_real_nodes(
    ansible: Ansible, collective: Collective, tmp_path: Path
) -> None:
    seen = played(ansible, collective.client_cfg, tmp_path, len(collective.nodes))
    roles = {node.identity: node.facts["role"] for node in collective.nodes}
    assert seen["by_sender"] == roles
    assert {node: data["value"] for node, data in seen["lookup"].items()} == roles
    counts = {line["value"]: line["count"] for line in seen["report"]}
    assert sum(counts.values()) == len(roles)
    assert seen["named"] == sorted(roles)
    from_mco = "pymco.mcollective.from_mco | pymco.mcollective.by_sender('data.value')"
    printed = collective.mco("rpc", "-j", "rpcutil", "get_fact", "fact=role").stdout
    expression = "msg={{ lookup('ansible.builtin.file', '%s') | %s }}"
    (tmp_path / "printed").write_text(printed)
    done = ansible.run(
        *("ansible", "localhost", "-m", "ansible.builtin.debug", "-a"),
        expression % (tmp_path / "printed", from_mco),
    )
    assert json.loads(done.stdout[done.stdout.index("{") :])["msg"] == roles, done.stdout


# -- the lookup ----------------------------------------------------------------------------------


def looked_up(ansible: Ansible, emulated: EmbeddedCollective, words: str, *more: str) -> str:
    """What Ansible shows of a lookup."""
    expression = f"msg={{{{ lookup('pymco.mcollective.mcollective', {words}) }}}}"
    done = ansible.run(
        *("ansible", "localhost", "-m", "ansible.builtin.debug", "-a", expression, *more),
        ANSIBLE_MCOLLECTIVE_CONFIG_FILE=str(emulated.client_cfg),
    )
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    "words,message",
    [
        ("'service', 'restart'", "the action restart of the agent service may change something"),
        ("'rpcutil'", "the action is missing"),
        ("'a', 'b', 'c'", "there are more terms than the agent and the action"),
        ("'rpcutil', 'ping', node=['a']", "there is no such option: node"),
        ("'rpcutil', 'ping', nodes=[]", "nodes is empty"),
        ("'rpcutil', 'ping', timeout='soon'", "the option timeout must be of type float"),
        ("'rpcutil', 'ping', target='host'", "target = host needs a host that stands for a node"),
        ("'rpcutil', 'get_fact', nodes='a'", "input fact refuses this: it is required"),
        ("'rpcutil', 'ping', nodes='z', timeout=1", "1 of 1 nodes did not answer"),
    ],
)
def test_a_lookup_refuses_and_fails(
    ansible: Ansible, emulated: EmbeddedCollective, words: str, message: str
) -> None:
    before = sum(len(node.calls) for node in emulated.nodes)
    shown = looked_up(ansible, emulated, words)
    assert "FAILED" in shown and message in shown, shown
    assert sum(len(node.calls) for node in emulated.nodes) == before


def test_a_lookup_does_what_is_said_to_be_harmless(
    ansible: Ansible, emulated: EmbeddedCollective
) -> None:
    words = "'service', 'restart', arguments={'service': 'nginx'}, nodes='a', read_only=true"
    assert "running" in looked_up(ansible, emulated, words)
    assert "did not" in looked_up(ansible, emulated, "'rpcutil', 'ping', nodes='z', timeout=1")
    words = "'rpcutil', 'ping', nodes='z', timeout=1, fail_on=[]"
    assert '"msg": []' in looked_up(ansible, emulated, words)


def test_a_secret_in_the_wrong_option_is_not_shown(
    ansible: Ansible, emulated: EmbeddedCollective
) -> None:
    shown = looked_up(ansible, emulated, "'rpcutil', 'ping', serializer='hush9', timeout='hush9'")
    assert shown.count("hush9") <= 2, shown  # in the expression itself, which Ansible may show


# -- what is shown -------------------------------------------------------------------------------


def rpc(ansible: Ansible, emulated: EmbeddedCollective, *arguments: str, **options: t.Any) -> t.Any:
    """What Ansible has done ad hoc."""
    words = ("-m", "pymco.mcollective.mcollective_rpc", "-a", json.dumps(options))
    return ansible.run(
        *("ansible", "localhost", *words, *arguments),
        ANSIBLE_MCOLLECTIVE_CONFIG_FILE=str(emulated.client_cfg),
    )


@pytest.mark.parametrize("as_module", [False, True])
@pytest.mark.parametrize("check", [["--check"], []])
def test_differences_list_the_nodes_that_are_touched(
    ansible: Ansible, emulated: EmbeddedCollective, as_module: bool, check: list[str]
) -> None:
    if as_module:
        ansible.leave_out_actions()
    options = {"agent": "service", "action": "restart", "arguments": {"service": "nginx"}}
    done = rpc(ansible, emulated, "--diff", *check, **options, nodes=["a", "c"])
    assert "+a: service restart\n+c: service restart\n" in done.stdout, done.stdout
    done = rpc(ansible, emulated, *check, **options, nodes=["a", "c"])
    assert "+a" not in done.stdout


def test_an_ad_hoc_result_is_short(ansible: Ansible, emulated: EmbeddedCollective) -> None:
    done = rpc(ansible, emulated, agent="rpcutil", action="ping", nodes=["a", "c"])
    returned = json.loads(done.stdout[done.stdout.index("{") :])
    assert set(returned["stats"]) == {
        *("broker", "configuration", "requestid", "seconds", "timeout"),
        *("nodes", "responses", "ok", "failed", "no_response"),
    }


def test_the_progress_of_a_task_of_one_host_names_its_node(
    ansible: Ansible, emulated: EmbeddedCollective, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {one: {mcollective_identity: nosuch}}}")
    options = {
        "agent": "rpcutil",
        "action": "ping",
        "timeout": 2,
        "progress": 0.5,
        "target": "host",
    }
    done = ansible.run(
        *("ansible", "one", "-i", str(inventory), "-c", "local"),
        *("-m", "pymco.mcollective.mcollective_rpc", "-a", json.dumps(options)),
        ANSIBLE_MCOLLECTIVE_CONFIG_FILE=str(emulated.client_cfg),
    )
    assert "mcollective_rpc [nosuch]: 0 of 1 nodes answered" in done.stderr, done.stderr
