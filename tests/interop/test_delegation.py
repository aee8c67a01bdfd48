# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose facts a host gets, and which node a task asks, in plays on an embedded collective."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    from conftest import Ansible

HOSTS = """
all:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  hosts:
    a:
      mcollective_identity: a.example.com
    b:
      mcollective_identity: "{{ inventory_hostname }}.example.com"
    plain:
"""
PLAY = """
- hosts: {hosts}
  gather_facts: false
  tasks:
    - pymco.mcollective.mcollective_facts:
        config_file: {client_cfg}
        {option}
{keywords}
- hosts: all
  gather_facts: false
  tasks:
    - copy:
        content: "{{{{ (ansible_facts.mcollective | default({{}})).identity | default('none') }}}}"
        dest: "{place}/{{{{ inventory_hostname }}}}.txt"
"""


@pytest.fixture(scope="module")
def collective() -> t.Iterator[EmbeddedCollective]:
    """Three nodes, one for each host."""
    names = ("a.example.com", "b.example.com", "plain")
    with EmbeddedCollective([Node(name) for name in names], "psk") as running:
        yield running


class Stage:
    """Runs plays, and tells which node's facts each host has then."""

    def __init__(self, ansible: Ansible, collective: EmbeddedCollective, place: Path) -> None:
        self._ansible, self._collective, self._place = ansible, collective, place
        (place / "hosts.yml").write_text(HOSTS)

    def play(self, keywords: str, hosts: str = "a", option: str = "") -> tuple[str, dict[str, str]]:
        lines = "".join(f"      {line.strip()}\n" for line in keywords.split(";"))
        text = PLAY.format(
            hosts=hosts,
            client_cfg=self._collective.client_cfg,
            option=option,
            keywords=lines,
            place=self._place,
        )
        (self._place / "play.yml").write_text(text)
        inventory, play = str(self._place / "hosts.yml"), str(self._place / "play.yml")
        done = self._ansible.run("ansible-playbook", "-i", inventory, play)
        files = {path.stem: path.read_text() for path in self._place.glob("*.txt")}
        return done.stdout + done.stderr, files


@pytest.fixture
def stage(ansible: Ansible, collective: EmbeddedCollective, tmp_path: Path) -> Stage:
    """A place for plays."""
    return Stage(ansible, collective, tmp_path)


@pytest.mark.parametrize(
    ("hosts", "keywords", "expected"),
    [
        (
            "all",
            "delegate_to: localhost",
            {"a": "a.example.com", "b": "b.example.com", "plain": "plain"},
        ),
        ("a", "delegate_to: b", {"a": "a.example.com"}),
        ("a", "delegate_to: b; delegate_facts: true", {"b": "b.example.com"}),
        ("a", "delegate_to: plain; delegate_facts: true", {"plain": "plain"}),
        ("b", "delegate_to: a; delegate_facts: true", {"a": "a.example.com"}),
        (
            "a",
            "delegate_to: '{{ item }}'; delegate_facts: true; loop: [b, plain]",
            {"b": "b.example.com", "plain": "plain"},
        ),
        ("all", "delegate_to: plain; delegate_facts: true; run_once: true", {"plain": "plain"}),
        (
            "all",
            "run_once: true",
            {"a": "a.example.com", "b": "a.example.com", "plain": "a.example.com"},
        ),
    ],
)
def test_the_facts_that_a_host_gets_are_its_own(
    stage: Stage, hosts: str, keywords: str, expected: dict[str, str]
) -> None:
    output, found = stage.play(keywords, hosts)
    assert found == {**dict.fromkeys(("a", "b", "plain"), "none"), **expected}, output
    # What Ansible does with run_once is a warning.
    assert ("all hosts get the same facts" in output) == (keywords == "run_once: true")


@pytest.mark.parametrize("host", ["localhost", "elsewhere"])
def test_facts_for_a_host_whose_node_nobody_knows_are_refused(stage: Stage, host: str) -> None:
    keywords = f"delegate_to: {host}; delegate_facts: true; vars: {{ansible_connection: local}}"
    output, found = stage.play(keywords)
    assert f"delegate_facts gives the facts to {host}, which is not a host" in " ".join(
        output.split()
    )
    assert found == {}
    output, found = stage.play(keywords, option="node: b.example.com")
    assert "FAILED" not in output
    assert found == dict.fromkeys(("a", "b", "plain"), "none")


@pytest.mark.parametrize("as_modules", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        {"identity_filters": []},
        {"identity_filters": None},
        {"identity_filters": ""},
        {"nodes": None},
        {"nodes": [""]},
        {"nodes": [None]},
        {"limit": None},
    ],
)
def test_an_empty_option_sends_nothing(
    ansible: Ansible, collective: EmbeddedCollective, given: dict[str, t.Any], as_modules: bool
) -> None:
    if as_modules:
        ansible.leave_out_actions()
    before = [node.requests for node in collective.nodes]
    task = {"agent": "rpcutil", "action": "ping", "config_file": str(collective.client_cfg)}
    result = ansible.rpc(**task, **given)
    (name,) = given
    assert result["failed"] and f"{name} is empty, or has an empty entry" in result["msg"], result
    assert [node.requests for node in collective.nodes] == before


@pytest.mark.parametrize("option", ["identity_filters=", "nodes=", "fact_filters=''"])
def test_an_empty_option_on_the_command_line_sends_nothing(
    ansible: Ansible, collective: EmbeddedCollective, option: str
) -> None:
    before = [node.requests for node in collective.nodes]
    words = f"agent=rpcutil action=ping config_file={collective.client_cfg} {option}"
    done = ansible.run(
        "ansible", "localhost", "-m", "pymco.mcollective.mcollective_rpc", "-a", words
    )
    assert f"{option.partition('=')[0]} is empty" in done.stdout + done.stderr
    assert [node.requests for node in collective.nodes] == before


def test_omit_restricts_nothing(
    ansible: Ansible, collective: EmbeddedCollective, tmp_path: Path
) -> None:
    task = {
        "pymco.mcollective.mcollective_rpc": {
            **{"agent": "rpcutil", "action": "ping", "config_file": str(collective.client_cfg)},
            **{"nodes": "{{ nothing | default(omit) }}", "fact_filters": "{{ omit }}"},
            **{"discovery_timeout": 2, "expected_nodes": 3},
        }
    }
    play = tmp_path / "omit.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    done = ansible.run("ansible-playbook", str(play))
    assert done.returncode == 0, done.stdout + done.stderr
