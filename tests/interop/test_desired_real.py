# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state on real nodes, whose agents have the interface of the public ones."""

from __future__ import annotations

import json
import re
import sys
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from calling import run
from testbed.real.collective import Collective
from testbed.real.default_nodes import DEFAULT_NODES

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.rabbitmq import RabbitMQ

ELSEWHERE = """
DOCUMENTATION = '''
name: elsewhere
short_description: this host, by another name
description: [As ansible.builtin.local, but tasks do not take it for that.]
author: The pymco.mcollective authors
extends_documentation_fragment: [connection_pipelining]
'''
from ansible.plugins.connection.local import Connection as Local

class Connection(Local):
    transport = "elsewhere"
"""
"""A connection over which tasks run as modules, in processes of their own."""
PLAY = Path(__file__).resolve().parents[2] / "docs" / "examples" / "desired.yml"
WEB1, WEB2, DB1 = "web1.example.com", "web2.example.com", "db1.example.com"
MACHINES: dict[str, dict[str, t.Any]] = {
    WEB1: {"packages": {"nginx": "1.18-1"}, "updates": {"nginx": "1.22-1"}},
    WEB2: {"services": {"nginx": "stopped"}, "updates": {"nginx": "1.22-1"}},
    DB1: {"services": {"workers@16": "stopped"}},
}


@pytest.fixture(scope="module")
def real(rabbitmq: RabbitMQ) -> t.Iterator[Collective]:
    """Three real nodes."""
    agents = {"service", "package", "puppet"}
    nodes = [replace(node, agents=agents) for node in DEFAULT_NODES if node.identity in MACHINES]
    with Collective(rabbitmq, "desired", "ssl-yaml", nodes) as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(real: Collective) -> None:
    """Give the nodes the machines that they had."""
    for name, machine in MACHINES.items():
        directory = real.directory / "nodes" / name
        (directory / "machine.json").write_text(json.dumps(machine))
        for journal in ("machine.log", "services.log"):
            (directory / journal).unlink(missing_ok=True)


def done(real: Collective) -> dict[str, list[str]]:
    """Return what changed something, by node."""
    found = {}
    for name in MACHINES:
        directory = real.directory / "nodes" / name
        journals = [directory / "machine.log", directory / "services.log"]
        lines = [path.read_text().splitlines() for path in journals if path.exists()]
        if any(lines):
            found[name] = [line for each in lines for line in each]
    return found


def changed(returned: dict[str, t.Any]) -> list[str]:
    return [each["sender"] for each in returned["outcomes"] if each["changed"]]


@pytest.mark.parametrize("in_process", [True, False])
def test_a_play_runs_twice_and_the_second_run_changes_nothing(
    ansible: Ansible, real: Collective, tmp_path: Path, in_process: bool
) -> None:
    elsewhere = f"ansible_connection=elsewhere ansible_python_interpreter={sys.executable}"
    more = [] if in_process else ["-e", elsewhere]
    (tmp_path / "elsewhere.py").write_text(ELSEWHERE)
    inventory = tmp_path / "all.mcollective.yml"
    inventory.write_text(
        "plugin: pymco.mcollective.mcollective\ngroup_by: [class]\nexpected_nodes: 3\n"
    )
    environment = {
        "ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(real.client_cfg),
        "ANSIBLE_CONNECTION_PLUGINS": str(tmp_path),
    }

    def play(*arguments: str) -> list[tuple[str, str]]:
        """Return what became of each task, by host."""
        ended = ansible.run(
            "ansible-playbook", "-i", str(inventory), str(PLAY), *more, *arguments, **environment
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "[WARNING]" not in ended.stderr, ended.stderr
        return re.findall(r"^(ok|changed|skipping): \[([\w.]+)", ended.stdout, re.MULTILINE)

    plan = play("--check", "--diff")
    assert done(real) == {}
    first = play()
    assert first == plan
    assert [what for what, _host in first] == ["changed", "changed", "changed", "ok", "changed"]
    acted = done(real)
    assert acted[DB1] == ["running workers@16"]
    assert acted[WEB1][0] == "install nginx"
    assert acted[WEB2][:2] == ["install nginx", "running nginx"]
    assert [len(acted[WEB1]), len(acted[WEB2])] == [2, 3]  # each was restarted, too
    second = play()
    assert [what for what, _host in second] == ["ok"] * 4
    assert done(real) == acted


def test_a_service_that_ends_at_once_stops_the_batches(real: Collective) -> None:
    options = {"batch_size": "1", "batch_sleep": 0.0, "max_fail_percentage": 0.0}
    with pytest.raises(TaskFailed) as caught:
        run(ServiceTask, real.client_cfg, name="brittle", state="restarted", **options)
    assert "stopped after 1 of 3 nodes" in str(caught.value)
    assert "the action restart succeeded, but left the service brittle stopped" in str(caught.value)
    assert list(done(real)) == [DB1]


def test_services_start_and_stop_once(real: Collective) -> None:
    for state, nodes in (("started", [WEB2]), ("started", []), ("stopped", sorted(MACHINES))):
        returned = run(ServiceTask, real.client_cfg, name="nginx", state=state)
        assert changed(returned) == nodes


def test_packages_come_and_go_once(real: Collective) -> None:
    for state, nodes in (("present", [DB1, WEB2]), ("absent", sorted(MACHINES)), ("absent", [])):
        returned = run(PackageTask, real.client_cfg, name="nginx", state=state)
        assert changed(returned) == nodes
    returned = run(PackageTask, real.client_cfg, name="nginx", version="1.18")
    assert {each["after"] for each in returned["outcomes"]} == {"1.18"}


def test_puppet_runs_in_turn_and_is_disabled_once(real: Collective) -> None:
    for count in (2, 0):
        returned = run(PuppetTask, real.client_cfg, concurrency=2, interval=0.2, tags=["web"])
        assert changed(returned) == (sorted(MACHINES) if count else [])
        assert {each["after"] for each in returned["outcomes"]} == {
            f"{count} of 20 resources changed"
        }
        assert returned["outcomes"][0]["run"]["config_version"] == "7"
    disabled = {"state": "disabled", "reason": "moving"}
    assert changed(run(PuppetTask, real.client_cfg, **disabled)) == sorted(MACHINES)
    assert changed(run(PuppetTask, real.client_cfg, **disabled)) == []
    with pytest.raises(TaskFailed) as caught:
        run(PuppetTask, real.client_cfg)
    assert "(Puppet is disabled: moving)" in str(caught.value)
    assert changed(run(PuppetTask, real.client_cfg, state="enabled")) == sorted(MACHINES)


def test_mco_takes_the_agents_for_what_they_are(real: Collective) -> None:
    """So that the tests' own agents are judged by somebody else, too."""
    shown = real.mco("rpc", "service", "status", "service=nginx", "-j").stdout
    assert {reply["data"]["status"] for reply in json.loads(shown)} == {"running", "stopped"}
    run(PackageTask, real.client_cfg, name="nginx")
    shown = real.mco("rpc", "package", "status", "package=nginx", "-j").stdout
    assert {reply["data"]["ensure"] for reply in json.loads(shown)} == {"1.0-1", "1.18-1", "1.22-1"}
