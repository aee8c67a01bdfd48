# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One playbook on MCollective and on Choria, unchanged but for the configuration that it names."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from calling import PATIENCE
from conftest import Ansible
from testbed.real.collective import Collective

if t.TYPE_CHECKING:
    from testbed.choria.collective import ChoriaCollective
    from testbed.real.rabbitmq import RabbitMQ

PLAYBOOK = Path(__file__).with_name("both.yml")


def results(ansible: Ansible, client_cfg: Path, directory: Path) -> dict[str, t.Any]:
    """Run the playbook with a configuration, and return what it wrote down."""
    paths = {"client_cfg": client_cfg, "results": directory / "r", "touched": directory / "t"}
    variables = json.dumps({name: str(path) for name, path in paths.items()})
    done = ansible.run("ansible-playbook", str(PLAYBOOK), "-e", variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr and "[DEPRECATION" not in done.stderr, done.stderr
    return t.cast("dict[str, t.Any]", json.loads(paths["results"].read_text()))


@pytest.fixture(scope="module")
def usual(rabbitmq: RabbitMQ, tmp_path_factory: pytest.TempPathFactory) -> dict[str, t.Any]:
    """The results on MCollective."""
    with Collective(rabbitmq, "ssl-yaml", "ssl-yaml") as running:
        ansible = Ansible(tmp_path_factory.mktemp("ansible"))
        config = running.write_client_cfg("patient.cfg", PATIENCE)
        return results(ansible, config, tmp_path_factory.mktemp("mcollective"))


def test_the_same_playbook_has_the_same_results(
    ansible: Ansible, choria: ChoriaCollective, usual: dict[str, t.Any], tmp_path: Path
) -> None:
    config = choria.write_client_conf("patient.conf", PATIENCE)
    found = results(ansible, config, tmp_path)
    for name, value in usual.items():
        assert (name, found[name]) == (name, value)
    assert found.keys() == usual.keys()


def test_its_results_are_those_that_it_should_have(usual: dict[str, t.Any]) -> None:
    assert usual["plan"] == [True, ["web1.example.com", "web2.example.com"], []]
    assert usual["partial"][:2] == [True, True]
    assert usual["messages"] == ["Zürich ☃"] * 2
    assert usual["facts"]["motd"] == "{{ 6 * 7 }}"
