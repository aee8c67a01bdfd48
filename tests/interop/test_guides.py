# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README and the guide of the inventory show: commands and plays, run as they stand on real nodes."""

from __future__ import annotations

import re
import shlex
import textwrap
import typing as t

import pytest
from conftest import FEW, ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.real.collective import Collective

pytestmark = pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")

WEB = ["web1.example.com", "web2.example.com"]
INVENTORY = "all.mcollective.yml"
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "docsite" / "rst" / "inventory_guide.rst").read_text()
FIRST_PLAY = README.partition("```yaml\n")[2].partition("```")[0]
NOT_HERE = "    - hosts: class_role__web:&at_zurich\n"
"""The beginning of a play over SSH."""


def blocks(kind: str) -> list[str]:
    """The blocks of the guide in a language."""
    pattern = rf"^\.\. code-block:: {kind}\n\n((?: {{4}}.*\n|\n)+)"
    found = re.findall(pattern, GUIDE, re.MULTILINE)
    return [textwrap.dedent(block) for block in found if not block.startswith(NOT_HERE)]


YAML = blocks("yaml")
PLAYS = [block for block in YAML if block.startswith("- hosts: ")]
PROGRAMS = ("$ ansible ", "$ ansible-inventory ")
COMMANDS = [
    line[2:]
    for block in blocks("console")
    for line in block.splitlines()
    if line.startswith(PROGRAMS)
]


class Day:
    """A directory in which somebody works with the collection.

    :ivar path: the directory, with the inventory of the guide.
    """

    def __init__(self, ansible: Ansible, collective: Collective, path: Path) -> None:
        self._ansible, self.path = ansible, path
        self._environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
        (path / INVENTORY).write_text(next(block for block in YAML if INVENTORY in block))

    def run(self, command: str, **environment: str) -> str:
        """Run a command as it is printed. Return its output."""
        program, *arguments = shlex.split(command.replace(INVENTORY, str(self.path / INVENTORY)))
        done = self._ansible.run(program, *arguments, **{**self._environment, **environment})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def play(self, text: str) -> str:
        """Run plays on the inventory."""
        path = self.path / "play.yml"
        path.write_text(text)
        return self.run(f"ansible-playbook -i {INVENTORY} {path}")


@pytest.fixture
def day(ansible: Ansible, collective: Collective, tmp_path: Path) -> Day:
    """The directory, before anything was done."""
    return Day(ansible, collective, tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_guide(day: Day, command: str) -> None:
    assert "web1.example.com" in day.run(command)


def test_the_guide_has_commands_and_plays(collective: Collective) -> None:
    del collective
    assert len(COMMANDS) > 5
    assert len(PLAYS) > 6


@pytest.mark.parametrize("number", range(len(PLAYS)))
def test_a_play_of_the_guide(day: Day, number: int) -> None:
    output = day.play(PLAYS[number])
    assert "no hosts matched" not in output
    assert "failed=0" in output
    assert "unreachable=0" in output


def test_the_first_play_of_the_readme_restarts_or_tells_why_not(
    ansible: Ansible, collective: Collective, tmp_path: Path
) -> None:
    path = tmp_path / "play.yml"
    environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
    path.write_text(FIRST_PLAY.replace("site=zurich", "role=web"))
    done = ansible.run("ansible-playbook", str(path), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 restarted" in done.stdout
    path.write_text(FIRST_PLAY)
    done = ansible.run("ansible-playbook", str(path), **environment)
    assert done.returncode != 0
    assert "site" in done.stdout
    path.write_text(FIRST_PLAY.replace("site=zurich", "role=web").replace("nginx", "broken"))
    done = ansible.run("ansible-playbook", str(path), **environment)
    assert done.returncode != 0
    assert all(node in done.stdout.partition("2 of 2 nodes failed")[2] for node in WEB)
