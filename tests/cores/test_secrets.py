# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With every ansible-core, data stay data and secrets stay secret, also in the most verbose output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Ansible, EmbeddedCollective, Node

PLAY = Path(__file__).with_name("secrets.yml")


WRONG = "a-password-in-the-wrong-place"


@pytest.mark.parametrize("background", [False, True])
def test_data_are_returned_and_secrets_not_shown(ansible: Ansible, background: bool) -> None:
    """In the controller's process and as modules."""
    node = Node("web1.example.com", classes=["common", "role::web"])
    with EmbeddedCollective([node], "psk") as collective:
        node.facts["word"] = collective.psk
        variables = {
            "client_cfg": str(collective.client_cfg),
            "connector": "rabbitmq",
            "psk": collective.psk,
            "wrong": WRONG,
            "background": background,
        }
        given = ansible.directory / "variables.json"
        given.write_text(json.dumps(variables))
        done = ansible.run(
            *("ansible-playbook", str(PLAY), "-e", f"@{given}", "-vvv"),
            ANSIBLE_INJECT_INVOCATION="true",
            ANSIBLE_ASYNC_DIR=str(ansible.directory / "jobs"),
        )
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert "unknown option ttll; is ttl meant?" in shown
    assert '"psk": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in shown
    assert WRONG not in shown
    # Before ansible-core 2.22, what a node says is shown as anything else.
    assert shown.count(collective.psk) == shown.count(f'"word": "{collective.psk}"')
