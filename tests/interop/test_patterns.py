# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays that the documentation shows for copying run unchanged on real nodes."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective

PATTERNS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "patterns.yml"
WEB = ["web1.example.com", "web2.example.com"]


def restarts(collective: Collective, node: str) -> list[str]:
    """The services that a node has restarted, in order."""
    journal = collective.directory / "nodes" / node / "services.log"
    return [line.split()[1] for line in journal.read_text().splitlines()]


@pytest.mark.parametrize("collective", ["rabbitmq-ssl-marshal"], indirect=True, scope="session")
def test_the_patterns_do_what_they_say(
    ansible: Ansible, collective: Collective, tmp_path: Path
) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("\n".join(["[web]", *WEB, ""]))
    environment = {
        "ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }
    done = ansible.run("ansible-playbook", "-i", str(inventory), str(PATTERNS), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 nodes answered; it does not run on none" in done.stdout
    assert done.stdout.count("1 restarts") == 2
    assert "web1.example.com failed, web2.example.com was not touched" in done.stdout or (
        "web2.example.com failed, web1.example.com was not touched" in done.stdout
    )
    for node in WEB:
        # Once as a host, once in a batch of its own, and once more where "broken" had failed.
        assert restarts(collective, node) == ["nginx", "nginx", "fallback"]
    assert restarts(collective, "db1.example.com") == ["broken"]
