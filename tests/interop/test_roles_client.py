# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role client where there is a configuration already: it keeps a copy, and shows what changes without secrets."""

from __future__ import annotations

import json
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible

OLD = "connector = rabbitmq\nmain_collective = old\nplugin.psk = old-SECRET\nplugin.odd.thing = odd-SECRET\n# x = SECRET\n"


def test_a_configuration_that_is_there_is_kept_and_compared(
    ansible: Ansible, tmp_path: Path
) -> None:
    (tmp_path / "psk").write_text("new-SECRET")
    path = tmp_path / ".mcollective"
    path.write_text(OLD)
    broker = {"host": "broker.example.com", "password": "broker-SECRET", "tls": False}
    options = {
        "client_name": "alice",
        "client_brokers": [broker],
        "client_security_provider": "psk",
        "client_psk_file": str(tmp_path / "psk"),
        "client_home": str(tmp_path),
        "client_python_libraries": "none",
        "client_ping": False,
    }
    role = {"role": "pymco.mcollective.client", "vars": options}
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "gather_subset": ["min"], "roles": [role]}]))
    foretold = ansible.run("ansible-playbook", "--check", "--diff", str(play))
    assert "plugin.rabbitmq.pool.1.host = broker.example.com" in foretold.stdout, foretold.stdout
    assert path.read_text() == OLD
    done = ansible.run("ansible-playbook", "--diff", str(play))
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "main_collective = old",
        "main_collective = mcollective",
        "plugin.psk = (hidden)",
        "plugin.odd.thing = (hidden)",
        "plugin.rabbitmq.pool.1.password = (hidden)",
    ):
        assert words in done.stdout, done.stdout
    assert "SECRET" not in foretold.stdout + done.stdout
    assert "new-SECRET" in path.read_text()
    (copy,) = tmp_path.glob(".mcollective.*~")
    assert copy.read_text() == OLD
    again = ansible.run("ansible-playbook", "--diff", str(play))
    assert "changed=0" in again.stdout, again.stdout
