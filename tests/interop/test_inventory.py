# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory from real nodes on real brokers, with `mco find` as the judge of filters."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective

pytestmark = pytest.mark.parametrize(
    "collective", ["rabbitmq-ssl-yaml", "activemq-aes-marshal"], indirect=True, scope="session"
)
NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]


class Inventory:
    """A configuration file of the plugin, and what ansible-inventory makes of it."""

    def __init__(self, ansible: Ansible, collective: Collective, directory: Path) -> None:
        self._ansible, self._collective = ansible, collective
        self.path = directory / "real.mcollective.yml"

    def write(self, **options: t.Any) -> None:
        """Write it."""
        plain = {
            "plugin": "pymco.mcollective.mcollective",
            "config_file": str(self._collective.client_cfg),
            "discovery_timeout": 1.0,
        }
        self.path.write_text(json.dumps({**plain, **options}))

    def listed(self, **options: t.Any) -> dict[str, t.Any]:
        """What ``--list`` prints, without the marks of what is not to be trusted."""
        self.write(**options)
        environ = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
        done = self._ansible.run("ansible-inventory", "-i", str(self.path), "--list", **environ)
        assert done.returncode == 0, done.stderr
        assert "[WARNING]" not in done.stderr
        return t.cast("dict[str, t.Any]", _plain(json.loads(done.stdout)))


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def inventory(ansible: Ansible, collective: Collective, tmp_path: Path) -> Inventory:
    """The plugin on this collective."""
    return Inventory(ansible, collective, tmp_path)


def test_nodes_appear_as_they_are(inventory: Inventory, collective: Collective) -> None:
    keys = ["class", "agent", "collective", "fact:os.release.major", "fact:interfaces"]
    listed = inventory.listed(group_by=keys)
    hosts = listed["_meta"]["hostvars"]
    assert sorted(hosts) == NODES
    for node in collective.nodes:
        found = hosts[node.identity]
        assert found["mcollective_identity"] == node.identity
        assert found["mcollective_classes"] == node.classes
        assert set(found["mcollective_agents"]) == {"discovery", "rpcutil", *node.agents}
        assert found["mcollective_collectives"] == node.collectives
        assert found["mcollective_version"] == "2.12.5"
        facts = found["mcollective_facts"]
        # Nodes add facts of their own; what they have from the file they hold as text.
        assert facts["os"] == node.facts["os"]
        assert facts["interfaces"] == node.facts["interfaces"]
        assert facts["processorcount"] == str(node.facts["processorcount"])
        assert facts["site"] == node.facts["site"]
    assert hosts["db1.example.com"]["mcollective_facts"]["motd"] == "{{ 6 * 7 }}"
    assert sorted(listed["class_role__web"]["hosts"]) == NODES[2:]
    assert sorted(listed["agent_sleeper"]["hosts"]) == NODES[2:]
    assert listed["os_release_major_11"]["hosts"] == NODES[:1]
    assert listed["interfaces_bond0"]["hosts"] == NODES[:1]
    (name,) = {name for node in collective.nodes for name in node.collectives}
    group = re.sub(r"\W", "_", f"collective_{name}")
    assert sorted(listed[group]["hosts"]) == NODES


@pytest.mark.parametrize(
    "options,mco",
    [
        ({"fact_filters": ["role=web"]}, ["-F", "role=web"]),
        ({"fact_filters": ["processorcount>=8"]}, ["-F", "processorcount>=8"]),
        ({"class_filters": ["/^role/"]}, ["-C", "/^role/"]),
        ({"agent_filters": ["sleeper"]}, ["-A", "sleeper"]),
        ({"identity_filters": ["/1/"]}, ["-I", "/1/"]),
        ({"identity_filters": ["db1.example.com"]}, ["-I", "db1.example.com"]),
        ({"compound_filter": "common and not role=web"}, ["-S", "common and not role=web"]),
        (
            {"class_filters": ["common"], "fact_filters": ["is_virtual=true"]},
            ["-C", "common", "-F", "is_virtual=true"],
        ),
    ],
)
def test_filters_narrow_as_those_of_mco_do(
    inventory: Inventory, collective: Collective, options: dict[str, t.Any], mco: list[str]
) -> None:
    found = sorted(collective.mco("find", *mco).stdout.split())
    assert found
    assert sorted(inventory.listed(**options)["_meta"]["hostvars"]) == found


def test_a_few_facts_are_all_that_is_asked_for(inventory: Inventory) -> None:
    names = ["os", "role", "no_such_fact", *(f"a_long_name_of_no_fact_{n:02d}" for n in range(12))]
    listed = inventory.listed(gather=["facts"], fact_names=names)
    facts = listed["_meta"]["hostvars"]["web1.example.com"]["mcollective_facts"]
    assert set(facts) == {"os", "role"}
    assert facts["os"]["release"]["major"] == "12"


def test_a_play_runs_on_what_was_found(
    inventory: Inventory, ansible: Ansible, collective: Collective
) -> None:
    """The facts come by gather_facts, the fact cache of Ansible keeps them, and an agent is called."""
    inventory.write(group_by=["class"], compose={"ansible_connection": "'local'"})
    play = Path(__file__).with_name("inventory.yml")
    cache = {
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(inventory.path.parent / "facts"),
    }
    command = ["ansible-playbook", "-i", str(inventory.path), str(play)]
    done = ansible.run(*command, "-e", f"cfg={collective.client_cfg}", **cache)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stderr and "[DEPRECATION" not in done.stderr
    (kept,) = inventory.path.parent.joinpath("facts").glob("*web1.example.com")
    assert '\\"role\\": \\"web\\"' in kept.read_text()


def test_facts_of_a_node_that_is_not_there(ansible: Ansible, collective: Collective) -> None:
    options = {"config_file": str(collective.client_cfg), "node": "nobody", "timeout": 1}
    arguments = ["-m", "pymco.mcollective.mcollective_facts", "-a", json.dumps(options)]
    done = ansible.run("ansible", "localhost", *arguments)
    assert done.returncode != 0
    assert "1 of 1 nodes did not answer: nobody within 1 s" in " ".join(done.stdout.split())


def test_gather_facts_says_what_it_lacks(
    inventory: Inventory, ansible: Ansible, collective: Collective
) -> None:
    inventory.write(nodes=["web1.example.com"], compose={"ansible_connection": "'local'"})
    play = inventory.path.parent / "play.yml"
    play.write_text(
        "- hosts: all\n  vars:\n    ansible_facts_modules: pymco.mcollective.mcollective_facts\n"
        "    ansible_python_interpreter: '{{ ansible_playbook_python }}'\n"
    )
    environ = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
    done = ansible.run("ansible-playbook", "-i", str(inventory.path), str(play), **environ)
    assert done.returncode != 0
    shown = " ".join((done.stdout + done.stderr).split())
    assert "gather_facts does not tell its modules which host they are for" in shown, shown
