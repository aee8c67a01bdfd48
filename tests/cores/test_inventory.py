# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory with the programs of every ansible-core. Some of the nodes are hostile."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from conftest import BARE, HOSTS, TEMPLATE, Ansible

HERE = Path(__file__).parent
UNPARSED = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}


def plain(value: t.Any) -> t.Any:
    """Return values without the marks of untrusted text."""
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_everything_is_listed_and_nothing_runs(ansible: Ansible) -> None:
    done = ansible.run("ansible-inventory", "--list", "--flush-cache")
    assert done.returncode == 0, done.stderr
    assert "EVALUATED" not in done.stdout + done.stderr
    listed = plain(json.loads(done.stdout))
    assert sorted(listed["_meta"]["hostvars"]) == HOSTS
    evil = listed["_meta"]["hostvars"]["evil.example.com"]
    assert evil["mcollective_facts"]["role"] == TEMPLATE
    assert evil["mcollective_facts"][TEMPLATE] == evil["composed"] == BARE
    assert evil["mcollective_facts"]["5"] == {"": True}
    assert len(evil["mcollective_facts"]["huge"]) == 5_000_000
    assert "ansible_connection" not in evil
    assert listed["class_role__web"]["hosts"] == listed["role_web"]["hosts"] == HOSTS[2:]
    for named in (
        r"'bad\nname'",
        "'-oProxyCommand=evil'",
        "localhost (",
        "1 duplicate, in the name",
    ):
        assert named in " ".join(done.stderr.split()), done.stderr


def test_a_play_runs_on_the_hosts_and_nothing_of_theirs_does(ansible: Ansible) -> None:
    """The second time, all data come from the cache."""
    for _run in range(2):
        play = (
            "ansible-playbook",
            str(HERE / "hostile.yml"),
            "-e",
            f"cfg={ansible.collective.client_cfg}",
        )
        done = ansible.run(*play, ANSIBLE_INJECT_FACT_VARS="false")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "EVALUATED" not in done.stdout + done.stderr
        assert "[DEPRECATION" not in done.stderr
        assert done.stdout.count("failed=0") == 5


def test_adhoc_console_and_limit(ansible: Ansible) -> None:
    module = ("-m", "ansible.builtin.debug", "-a", "var=mcollective_facts.role")
    done = ansible.run("ansible", "class_common", *module, "--limit", "role_web:!web3*")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("| SUCCESS") == 2 and '"web"' in done.stdout
    done = ansible.run("ansible-console", "role_web", stdin="list\nexit\n")
    assert done.stdout.count("web") >= 3, done.stdout + done.stderr


def test_a_broker_that_is_down_is_one_clean_failure(ansible: Ansible) -> None:
    port = {"plugin.rabbitmq.pool.1.port": 1, "connection_timeout": 1}
    ansible.write(config=port)
    try:
        done = ansible.run("ansible-inventory", "--list", **UNPARSED)
        assert done.returncode != 0
        warning = done.stderr.partition("\n\n")[0]
        assert warning.count("cannot connect to 127.0.0.1:1") == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert "SECRET" not in done.stdout + done.stderr
        done = ansible.run("ansible", "all", "--list-hosts")
        assert "hosts (0)" in done.stdout
    finally:
        ansible.write()


def test_a_changed_filter_is_no_hit(ansible: Ansible) -> None:
    def count(**options: t.Any) -> int:
        ansible.write(**options)
        done = ansible.run("ansible-inventory", "--list")
        return len(json.loads(done.stdout)["_meta"]["hostvars"])

    try:
        assert count() == 5
        assert count(fact_filters=["number>=2"]) == 2
        assert count() == 5
    finally:
        ansible.write()


def test_options_come_from_ansible_cfg_and_extra_variables(ansible: Ansible) -> None:
    path = ansible.directory / "ansible.cfg"
    path.write_text(f"[mcollective_collection]\nconfig_file = {ansible.collective.client_cfg}\n")
    ansible.write(config_file=None, class_filters=["role::{{ role }}"])
    try:
        command = ("ansible", "all", "--list-hosts", "-e", "role=web")
        done = ansible.run(*command, ANSIBLE_CONFIG=str(path))
        assert "hosts (3)" in done.stdout, done.stderr
    finally:
        ansible.write()


def test_what_came_before_is_refused(too_old: Ansible) -> None:
    done = too_old.run("ansible-inventory", "--list", **UNPARSED)
    assert done.returncode != 0
    assert "needs ansible-core 2.19 or newer" in done.stderr
    done = too_old.run("ansible", "all", "--list-hosts")
    assert "hosts (0)" in done.stdout


def test_facts_of_one_host_for_all_are_warned_of(ansible: Ansible) -> None:
    play = {
        "hosts": "role_web",
        "gather_facts": False,
        "vars": {"ansible_connection": "local"},
        "tasks": [{"pymco.mcollective.mcollective_facts": {}, "run_once": True}],
    }
    path = ansible.directory / "once.yml"
    path.write_text(json.dumps([play]))
    config = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(ansible.collective.client_cfg)}
    done = ansible.run("ansible-playbook", str(path), **config)
    assert done.returncode == 0, done.stdout
    assert "with run_once, all hosts get the same facts" in " ".join(done.stderr.split())


def test_gather_facts_asks_the_node_of_each_host(ansible: Ansible) -> None:
    """Our action stands on the one of Ansible, which may change with each core."""
    play = {
        "hosts": "role_web",
        "collections": ["pymco.mcollective"],
        "gather_facts": True,
        "vars": {
            "ansible_connection": "local",
            "ansible_facts_modules": ["pymco.mcollective.mcollective_facts"],
        },
        "tasks": [
            {
                "ansible.builtin.assert": {
                    "that": [
                        "ansible_facts.mcollective.identity == inventory_hostname",
                        "ansible_facts.mcollective.facts == mcollective_facts",
                    ]
                }
            }
        ],
    }
    path = ansible.directory / "gathered.yml"
    path.write_text(json.dumps([play]))
    config = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(ansible.collective.client_cfg)}
    done = ansible.run("ansible-playbook", str(path), **config)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok=2") == 3, done.stdout
