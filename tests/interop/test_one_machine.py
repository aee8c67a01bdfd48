# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of the guide for a collective on one machine builds one, and the guide's commands find it."""

from __future__ import annotations

import json
import re
import shlex
import typing as t

import pytest
import yaml
from conftest import ROOT
from roles_site import NODES, Site
from testbed.real import missing
from testbed.real.ports import free_ports

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible

EXAMPLE = ROOT / "playbooks" / "inventory" / "one_machine.yml"
SECTION = (
    (ROOT / "docs" / "docsite" / "rst" / "collective_guide.rst")
    .read_text()
    .partition("\nOn one machine\n")[2]
    .partition("\nThe keys\n")[0]
)
COMMANDS = re.findall(r"^    \$ (ansible .+)$", SECTION, re.MULTILINE)


def test_the_inventory_of_the_guide_is_the_file() -> None:
    block = re.search(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", SECTION, re.MULTILINE)
    assert block is not None
    assert yaml.safe_load(block[1]) == yaml.safe_load(EXAMPLE.read_text())


def test_it_builds_a_collective_that_the_commands_of_the_guide_find(
    ansible: Ansible, tmp_path: Path
) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    collections = tmp_path / "ansible"
    with Site(tmp_path, collections, "rabbitmq") as site:
        site.inventory = tmp_path / "one_machine.yml"
        site.inventory.write_text(EXAMPLE.read_text())
        names = ("mcollective_broker_port", "broker_rabbitmq_epmd_port")
        ports = dict(zip((*names, "broker_rabbitmq_distribution_port"), free_ports(3)))
        # Of this machine, and no matter of the guide: a small disk must not block senders.
        more = {"broker_rabbitmq_settings": {"disk_free_limit.absolute": "1MB"}}
        run = site.play("-e", json.dumps({**ports, **more}))
        assert run.code == 0, run.output
        assert len(COMMANDS) == 2
        environment = {
            "ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(tmp_path / "collective/home/.mcollective")
        }
        for command in COMMANDS:
            done = ansible.run(*shlex.split(command), **environment)
            assert done.returncode == 0, done.stdout + done.stderr
            assert all(node in done.stdout for node in NODES)
