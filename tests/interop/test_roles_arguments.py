# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the roles refuse before they do anything, and what they say. The tests need no broker."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Ansible
from testbed.real import programs


@dataclass(frozen=True)
class Case:
    """Variables that a role refuses, and its message."""

    role: str
    name: str
    words: str
    variables: dict[str, t.Any]


BROKER: dict[str, t.Any] = {
    "broker_kind": "rabbitmq",
    "broker_users": [{"name": "alice", "kind": "client", "password": "SECRET-1"}],
    "broker_tls_port": 0,
    "broker_plain_port": 61613,
    "broker_install": False,
    "broker_service": "none",
}
SERVER: dict[str, t.Any] = {
    "server_brokers": [{"host": "b", "user": "nodes", "password": "SECRET-2", "tls": False}],
    "server_identity": "web1.example.com",
    "server_security_provider": "psk",
    "server_psk_file": __file__,
    "server_install": False,
    "server_service": "none",
    "server_daemon": __file__,
}
CLIENT: dict[str, t.Any] = {
    "client_name": "alice",
    "client_brokers": [{"host": "b", "password": "SECRET-3", "tls": False}],
    "client_security_provider": "psk",
    "client_psk_file": __file__,
    "client_ping": False,
}
GOOD = {"broker": BROKER, "server": SERVER, "client": CLIENT, "keys": {}}


def user(**changes: t.Any) -> dict[str, t.Any]:
    return {"name": "alice", "kind": "client", "password": "SECRET-4", **changes}


def node(**changes: t.Any) -> dict[str, t.Any]:
    return {"host": "b", "user": "nodes", "tls": False, **changes}


CASES = [
    Case("keys", "no directory", "missing required arguments: keys_directory", {}),
    Case("broker", "no kind", "missing required arguments: broker_kind", {"broker_kind": None}),
    Case(
        "broker",
        "a kind that is none",
        "value of broker_kind must be one of: rabbitmq, activemq, choria, got: kafka",
        {"broker_kind": "kafka"},
    ),
    Case("broker", "no users", "broker_users is empty", {"broker_users": None}),
    Case(
        "broker",
        "a user of no kind",
        "missing required arguments: kind found in broker_users",
        {"broker_users": [{"name": "alice", "password": "SECRET-5"}]},
    ),
    Case(
        "broker",
        "a user without password",
        "neither password nor password_file: bob",
        {"broker_users": [user(), {"name": "bob", "kind": "node"}]},
    ),
    Case(
        "broker",
        "a user with two passwords",
        "both password and password_file, so remove one of the two: alice",
        {"broker_users": [user(password_file="/dev/null")]},
    ),
    Case(
        "broker",
        "a password file that is not there",
        "do not exist on the control host: /nonexistent/password",
        {"broker_users": [{"name": "a", "kind": "node", "password_file": "/nonexistent/password"}]},
    ),
    Case(
        "broker",
        "two users of one name",
        "broker_users has the same name more than once",
        {"broker_users": [user(), user()]},
    ),
    Case(
        "broker",
        "a name that would be a pattern",
        "These names of users are not allowed: a.b",
        {"broker_users": [user(name="a.b")]},
    ),
    Case(
        "broker",
        "a name with something after it",
        "These names of collectives are not allowed: mcollective\\n",
        {"broker_collectives": ["mcollective\n"]},
    ),
    Case(
        "broker",
        "a collective that is none",
        "broker_users contains the collectives eu, which are not in broker_collectives (mcollective)",
        {"broker_users": [user(collectives=["eu"])]},
    ),
    Case("broker", "no collective", "broker_collectives is empty", {"broker_collectives": []}),
    Case(
        "broker",
        "a user who must not be",
        "alice cannot be in both broker_users and broker_absent_users",
        {"broker_absent_users": ["alice"]},
    ),
    Case(
        "broker",
        "no port",
        "broker_tls_port (0) and broker_plain_port (0) must differ",
        {"broker_plain_port": 0},
    ),
    Case(
        "broker",
        "TLS without certificates",
        "do not exist on the control host: /nonexistent/ca.pem, /nonexistent/tls/broker.pem",
        {"broker_tls_port": 61614, "broker_keys_directory": "/nonexistent"},
    ),
    Case(
        "broker",
        "a service that would not find its configuration",
        "RabbitMQ reads /etc/rabbitmq, so broker_config_directory cannot be /srv/rabbitmq",
        {"broker_service": "systemd", "broker_config_directory": "/srv/rabbitmq"},
    ),
    Case(
        "broker",
        "RabbitMQ without STOMP",
        "MCollective needs rabbitmq_stomp in broker_rabbitmq_plugins",
        {"broker_rabbitmq_plugins": ["rabbitmq_management"]},
    ),
    Case(
        "server",
        "no brokers",
        "missing required arguments: server_brokers",
        {"server_brokers": None},
    ),
    Case("server", "an empty pool", "server_brokers is empty", {"server_brokers": []}),
    Case(
        "server",
        "a broker without password",
        "These brokers have none or both: b",
        {"server_brokers": [node()]},
    ),
    Case(
        "server",
        "an identity with a blank",
        "server_identity cannot be 'web 1'",
        {"server_identity": "web 1"},
    ),
    Case(
        "server",
        "a main collective that it is not in",
        "server_main_collective (eu) is not in server_collectives (mcollective)",
        {"server_main_collective": "eu"},
    ),
    Case(
        "server",
        "signatures of nobody",
        "With server_security_provider=ssl, nodes obey only clients that they know",
        {"server_security_provider": "ssl"},
    ),
    Case(
        "server",
        "no keys",
        "do not exist on the control host: /nonexistent/server.pem, /nonexistent/server-private.pem",
        {
            "server_security_provider": "ssl",
            "server_clients": ["alice"],
            "server_keys_directory": "/nonexistent",
        },
    ),
    Case(
        "server",
        "an agent that is not there",
        "do not exist on the control host: /nonexistent/agent.rb",
        {"server_agents": ["/nonexistent/agent.rb"]},
    ),
    Case(
        "server",
        "facts that nobody writes",
        "with server_manage_facts=false the role does not write",
        {"server_facts": {"role": "web"}, "server_manage_facts": False},
    ),
    Case(
        "server",
        "a workaround for nothing",
        "server_psych_workaround is for YAML, but neither",
        {"server_psych_workaround": True},
    ),
    Case(
        "server",
        "settings of a plugin that would not be read",
        "server_plugin_settings cannot contain my-agent",
        {"server_plugin_settings": {"my-agent": {}}},
    ),
    Case(
        "server",
        "no daemon",
        "There is no /nonexistent/mcollectived, or no /usr/bin/ruby to run it. Install the package",
        {"server_daemon": "/nonexistent/mcollectived"},
    ),
    Case(
        "server",
        "no Puppet agent",
        "The packages of Puppet agent 4 and 5 contain MCollective, those of 6 and newer do not.",
        {"server_installation": "aio", "server_ruby": "/nonexistent/ruby"},
    ),
    Case("client", "no name", "missing required arguments: client_name", {"client_name": None}),
    Case(
        "client",
        "a name with a dot",
        "so it cannot be 'a.b'",
        {"client_name": "a.b"},
    ),
    Case("client", "an empty pool", "client_brokers is empty", {"client_brokers": []}),
    Case(
        "client",
        "an identity whose replies another user could read",
        "begin with the user's name and a dot. client_identity (control.example.com) does not begin with",
        {"client_connector": "activemq", "client_identity": "control.example.com"},
    ),
    Case(
        "client",
        "a Python that is too bare",
        "/usr/bin/false does not have the libraries of the collection, stomp.py>=4.1.24",
        {"client_python": "/usr/bin/false"},
    ),
    Case(
        "client",
        "no keys",
        "do not exist on the control host: /nonexistent/clients/alice.pem",
        {"client_security_provider": "ssl", "client_keys_directory": "/nonexistent"},
    ),
]
YAML_CASES = [
    Case(
        "server",
        "facts in YAML on a new Ruby",
        "cannot read YAML, so the daemon would have no facts. Use server_facts_source=json",
        {"server_facts_source": "yaml"},
    ),
    Case(
        "server",
        "messages in YAML on a new Ruby",
        "the daemon would drop every request. Use server_serializer=marshal, here and on clients",
        {
            "server_security_provider": "ssl",
            "server_client_public_keys": [__file__],
            **dict.fromkeys(("server_private_key", "server_public_key"), __file__),
            "server_serializer": "yaml",
        },
    ),
]


def variables(case: Case) -> dict[str, t.Any]:
    """Return good variables with those of the case. None leaves a variable out."""
    mixed = {**GOOD[case.role], **case.variables}
    return {name: value for name, value in mixed.items() if value is not None}


def block(case: Case) -> dict[str, t.Any]:
    """Return a block that runs the role and records why it failed."""
    role = {"name": f"pymco.mcollective.{case.role}"}
    noted = f"{{{{ said | default({{}}) | combine({{ {key(case)!r}: words | to_json }}) }}}}"
    return {
        "block": [{"ansible.builtin.include_role": role, "vars": variables(case)}],
        "rescue": [
            {
                "ansible.builtin.set_fact": {"said": noted},
                "vars": {
                    "words": "{{ ansible_failed_result.msg | default(ansible_failed_result) }}"
                },
            }
        ],
    }


def key(case: Case) -> str:
    """Which case it is."""
    return f"{case.role}: {case.name}"


def refusals(cases: list[Case], directory: Path) -> dict[str, str]:
    """Return why each role refused, by role and case. One playbook runs all cases, since each playbook takes seconds."""
    answers, content = directory / "said.json", "{{ said | to_json }}"
    play = {
        "hosts": "localhost",
        "gather_subset": ["!all"],
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": [
            *map(block, cases),
            {"ansible.builtin.copy": {"dest": str(answers), "mode": "0600", "content": content}},
        ],
    }
    path = directory / "play.json"
    path.write_text(json.dumps([play]))
    done = Ansible(directory / "ansible").run("ansible-playbook", str(path), "-vvv", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SECRET" not in done.stdout + done.stderr
    found: dict[str, str] = json.loads(answers.read_text())
    return found


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why each role refused."""
    return refusals(CASES + YAML_CASES, tmp_path_factory.mktemp("arguments"))


@pytest.mark.parametrize("case", CASES, ids=key)
def test_what_cannot_work_is_refused_at_the_start(said: dict[str, str], case: Case) -> None:
    assert key(case) in said, "it was not refused"
    assert case.words in said[key(case)]


@pytest.mark.parametrize("case", YAML_CASES, ids=key)
def test_yaml_is_refused_where_ruby_cannot_read_it(said: dict[str, str], case: Case) -> None:
    if programs.find("ruby") is None or ruby_version() < (3, 1):
        pytest.skip("needs Ruby 3.1 or newer")
    test_what_cannot_work_is_refused_at_the_start(said, case)


def ruby_version() -> tuple[int, ...]:
    command = [str(programs.require("ruby")), "-e", "print RUBY_VERSION"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(map(int, text.split(".")))


# -- the example -----------------------------------------------------------------------------------

EXAMPLE = ROOT / "playbooks" / "inventory" / "example.yml"


def test_the_inventory_of_the_guide_is_the_example() -> None:
    guide = (ROOT / "docs/docsite/rst/collective_guide.rst").read_text(encoding="utf-8")
    block = re.search(r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", guide, re.M)
    assert block is not None
    assert yaml.safe_load(block[1]) == yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))


def test_the_playbook_takes_the_example(tmp_path: Path) -> None:
    arguments = ("-i", str(EXAMPLE), "pymco.mcollective.collective", "--list-tasks")
    done = Ansible(tmp_path / "ansible").run("ansible-playbook", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    plays = re.findall(r"play #\d+ \((\S+)\)", done.stdout)
    groups = ["mcollective_broker", "mcollective_nodes", "mcollective_control"]
    assert plays == ["localhost", "mcollective_control[0]", *groups]


def test_an_inventory_that_lacks_a_group(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("mcollective_nodes: {hosts: {web1.example.com: }}")
    arguments = ("-i", str(inventory), "pymco.mcollective.collective")
    done = Ansible(tmp_path / "ansible").run("ansible-playbook", *arguments)
    assert done.returncode != 0
    assert (
        "These groups have none: mcollective_broker, mcollective_control."
        in done.stdout + done.stderr
    )
