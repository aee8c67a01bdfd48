# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One source of configuration: what the inventory plugin reads, tasks read too, in process and as modules."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    import subprocess

    from conftest import Ansible

PING = {"agent": "rpcutil", "action": "ping", "nodes": ["web1"], "timeout": 20}
WRONG = "stomp://nobody:wrong-SECRET@127.0.0.1:1"
"""A broker that is not there."""
SHOW = {
    "ansible.builtin.debug": {"msg": "<{{ ping.nodes | join }} by {{ ping.stats.configuration }}>"}
}
INVENTORY = "plugin: pymco.mcollective.mcollective\nexpected_nodes: 1\n"


@pytest.fixture(scope="module")
def collective() -> t.Iterator[EmbeddedCollective]:
    """One node."""
    with EmbeddedCollective([Node("web1")], "psk") as running:
        yield running


class Source:
    """Says in one place how to reach the collective, and nowhere else."""

    def __init__(self, ansible: Ansible, collective: EmbeddedCollective, place: Path) -> None:
        self._ansible, self.collective, self.place = ansible, collective, place
        lines = collective.client_cfg.read_text().splitlines()
        settings = dict(line.split(" = ", 1) for line in lines)
        broker = (
            settings[f"plugin.rabbitmq.pool.1.{name}"] for name in ("user", "password", "port")
        )
        self.options = {
            "connector": "rabbitmq",
            "brokers": "stomp://{}:{}@127.0.0.1:{}".format(*broker),
            "vhost": settings["plugin.rabbitmq.vhost"],
            "psk": settings["plugin.psk"],
        }
        self.variables = {"HOME": str(place)}
        self.expected = "the given options"

    def environment(self, **more: str) -> None:
        """Say it in the environment."""
        given = {**self.options, **more}
        self.variables.update(
            {f"ANSIBLE_MCOLLECTIVE_{name.upper()}": text for name, text in given.items()}
        )

    def ansible_cfg(self, **more: str) -> None:
        """Say it in ansible.cfg."""
        lines = [f"{name} = {text}" for name, text in {**self.options, **more}.items()]
        path = self.place / "ansible.cfg"
        path.write_text("\n".join(["[mcollective_collection]", *lines, ""]))
        self.variables["ANSIBLE_CONFIG"] = str(path)

    def file(self) -> None:
        """Say it in a client.cfg where every program looks."""
        (self.place / ".mcollective").write_bytes(self.collective.client_cfg.read_bytes())
        (self.place / ".mcollective").chmod(0o600)
        self.expected = str(self.place / ".mcollective")

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program."""
        return self._ansible.run(program, *words, **self.variables)

    def play(self, **keywords: t.Any) -> str:
        """Run a play of one task, and return what was shown."""
        task = {"pymco.mcollective.mcollective_rpc": PING, "register": "ping", **keywords}
        variables = {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "ansible_async_dir": str(self.place / "async"),
        }
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": variables,
            "tasks": [task, SHOW],
        }
        path = self.place / "play.yml"
        path.write_text(json.dumps([play]))
        done = self.run("ansible-playbook", "-vvv", str(path))
        return done.stdout + done.stderr


@pytest.fixture
def source(ansible: Ansible, collective: EmbeddedCollective, tmp_path: Path) -> Source:
    """Nothing is said yet."""
    return Source(ansible, collective, tmp_path)


@pytest.mark.parametrize("place", ["environment", "ansible_cfg", "file"])
def test_all_ways_read_the_same_place(source: Source, place: str) -> None:
    getattr(source, place)()
    told = f"<web1 by {source.expected}>"
    assert told in source.play()
    assert told in source.play(**{"async": 60, "poll": 1})
    adhoc = source.run(
        *("ansible", "localhost", "-m", "pymco.mcollective.mcollective_rpc"),
        *("-a", "agent=rpcutil action=ping nodes=web1"),
    )
    assert "web1" in adhoc.stdout and source.expected in adhoc.stdout, adhoc.stdout + adhoc.stderr
    (source.place / "all.mcollective.yml").write_text(INVENTORY)
    listed = source.run(
        "ansible-inventory", "-i", str(source.place / "all.mcollective.yml"), "--list"
    )
    assert "web1" in json.loads(listed.stdout)["_meta"]["hostvars"], listed.stderr


def test_the_environment_wins_over_ansible_cfg_and_an_option_over_both(source: Source) -> None:
    source.ansible_cfg(brokers=WRONG)
    right = source.options["brokers"]
    keyword = {"environment": {"ANSIBLE_MCOLLECTIVE_BROKERS": right}}
    for more in ({}, {"async": 60, "poll": 1}):
        shown = source.play(**more)
        assert "cannot connect to 127.0.0.1:1" in shown
        assert "The configuration is the given options" in shown
        assert "SECRET" not in shown
        assert "<web1 by" in source.play(**keyword, **more)
    source.variables["ANSIBLE_MCOLLECTIVE_BROKERS"] = right
    shown = source.play()
    assert "<web1 by" in shown
    assert f":{source.collective.login.password}@" not in shown
    source.variables["ANSIBLE_MCOLLECTIVE_BROKERS"] = WRONG
    assert "<web1 by" in source.play(
        **{"pymco.mcollective.mcollective_rpc": {**PING, "brokers": [right]}}
    )


@pytest.mark.parametrize("module", [False, True])
def test_the_second_name_of_a_variable_does_the_same_and_the_first_one_wins(
    source: Source, module: bool
) -> None:
    """AWX sets no variable whose name begins with ANSIBLE."""
    keywords = {"async": 60, "poll": 1} if module else {}
    for name, text in source.options.items():
        source.variables[f"PYMCO_{name.upper()}"] = text
    source.ansible_cfg(brokers=WRONG)
    (source.place / "all.mcollective.yml").write_text(INVENTORY)
    listing = ("ansible-inventory", "-i", str(source.place / "all.mcollective.yml"), "--list")
    assert "<web1 by the given options>" in source.play(**keywords)
    assert "web1" in json.loads(source.run(*listing).stdout)["_meta"]["hostvars"]
    source.variables["ANSIBLE_MCOLLECTIVE_BROKERS"] = WRONG
    assert "cannot connect to 127.0.0.1:1" in source.play(**keywords)
    assert "cannot connect to 127.0.0.1:1" in source.run(*listing).stderr


def test_a_file_of_another_name_is_told_the_rule(source: Source) -> None:
    source.environment()
    (source.place / "mco.yml").write_text(INVENTORY)
    done = source.run("ansible-inventory", "-i", str(source.place / "mco.yml"), "--list")
    assert "does not end in mcollective.yml or mcollective.yaml" in " ".join(done.stderr.split())
