# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job, end to end: a playbook and ad-hoc commands on real nodes."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective

PLAYBOOK = Path(__file__).with_name("playbook.yml")
MODULE = "pymco.mcollective.mcollective_rpc"


def on(*settings: str) -> pytest.MarkDecorator:
    """Run a test only on these collectives, since Ansible needs seconds for each."""
    return pytest.mark.parametrize("collective", settings, indirect=True, scope="session")


@on("rabbitmq-ssl-yaml", "activemq-aes-marshal")
def test_a_playbook_calls_agents_on_real_nodes(ansible: Ansible, collective: Collective) -> None:
    name = collective.nodes[0].collectives[0]
    variables = f"client_cfg={collective.client_cfg} collective_name={name}"
    done = ansible.run("ansible-playbook", str(PLAYBOOK), "-e", variables)
    assert done.returncode == 0, done.stdout + done.stderr
    # The agent echoes whatever it is sent, and its DDL cannot say so.
    undeclared = "probe is sent the input value, which its DDL does not declare for the action echo"
    assert re.findall(r"\[WARNING\]: (.*)", done.stderr) == [undeclared]
    assert "[DEPRECATION" not in done.stderr


@on("activemq-psk")
def test_ad_hoc_with_key_value_arguments(ansible: Ansible, collective: Collective) -> None:
    options = f"config_file={collective.client_cfg} agent=rpcutil action=ping"
    done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"pong"') == 4


@on("activemq-psk")
def test_the_configuration_is_found_where_mco_finds_it(
    ansible: Ansible, collective: Collective, tmp_path: Path
) -> None:
    (tmp_path / ".mcollective").write_text(collective.client_cfg.read_text())
    options = "agent=rpcutil action=ping nodes=web1.example.com"
    done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", options, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


@on("activemq-ssl-yaml")
def test_no_configuration_file_is_needed(ansible: Ansible, collective: Collective) -> None:
    lines = collective.client_cfg.read_text().splitlines()
    config = dict(line.split(" = ", 1) for line in lines)
    task = {"config": config, "nodes": ["web1.example.com"]}
    result = ansible.rpc(agent="rpcutil", action="ping", **task)
    assert result["reply"]["statuscode"] == 0


@on("rabbitmq-psk")
def test_an_unknown_option_is_a_warning(ansible: Ansible, collective: Collective) -> None:
    path = collective.write_client_cfg("odd.cfg", {"no_such_option": "1"})
    options = f"config_file={path} agent=rpcutil action=ping nodes=web1.example.com"
    done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", options)
    assert done.returncode == 0
    assert "unknown option no_such_option" in done.stderr


@pytest.mark.parametrize("in_process", [True, False])
@on("rabbitmq-psk", "activemq-aes-marshal")
def test_no_secret_is_shown_however_much_is_asked_for(
    ansible: Ansible, collective: Collective, tmp_path: Path, in_process: bool
) -> None:
    """Neither those of the file nor those given as options, in success and in failure, in the
    controller's process and in one of its own."""
    secrets = {
        "password": collective.password,
        "psk": collective.psk,
        "wrong": "SECRET-of-the-option",
    }
    variables = tmp_path / "variables.json"
    more: dict[str, t.Any] = {
        "client_cfg": str(collective.client_cfg),
        "connector": collective.broker.connector,
    }
    variables.write_text(json.dumps({**secrets, **more}))
    if not in_process:
        ansible.leave_out_actions()
    play = str(PLAYBOOK.with_name("secrets.yml"))
    done = ansible.run("ansible-playbook", play, "-e", f"@{variables}", "-vvvvv")
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert ("EXEC" in shown) is not in_process, "it ran elsewhere, or was not verbose"
    assert '"invocation"' in shown
    assert not [secret for secret in secrets.values() if secret in shown]
    assert "SECRET" not in shown
    assert "PRIVATE KEY" not in shown
    assert collective.user in shown, "more is hidden than secrets"
