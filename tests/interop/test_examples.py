# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All examples of the documentation run unchanged, or a table says why one cannot.

Those of plugins, of README.md and of the guides run on real nodes behind a RabbitMQ, which have what the examples
speak of. The user's home has a client.cfg where the client looks first, so no example needs an option for that.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sys
import textwrap
import typing as t
from dataclasses import replace

import pytest
import yaml
from examples import Example, examples
from examples_tables import COMMANDS, ELSEWHERE, EXCEPTIONS, EXPECTED, FILES, Why
from testbed.choria import missing as missing_choria
from testbed.choria.broker import Broker as ChoriaBroker
from testbed.choria.collective import ChoriaCollective
from testbed.fleet.fleet import Fleet
from testbed.real.collective import Collective
from testbed.real.nodes import Node
from testbed.real.programs import SHIM

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.certificates import Authority
    from testbed.choria.tokens import Issuer
    from testbed.real.rabbitmq import RabbitMQ

# -- a day of a user -------------------------------------------------------------------------------

OS = {"family": "Debian", "name": "Debian", "release": {"major": "12"}}
COMMON = {
    "env": "staging",
    "kernel": "Linux",
    "maintenance": "no",
    "operatingsystem": "Debian",
    "operatingsystemmajrelease": 12,
    "os": OS,
}
AGENTS = {"service", "package", "puppet", "power"}


def _node(name: str, role: str, number: int, **facts: t.Any) -> Node:
    own = {"ipaddress": f"10.0.0.{number}", "kernelrelease": "6.1.0-18-amd64", "processorcount": 8}
    facts = {**COMMON, **own, "role": role, "site": "zurich", "rack": 12, **facts}
    classes = ["common", f"role::{role}", f"role::{role}::shop"]
    return Node(f"{name}.example.com", facts, classes, agents=set(AGENTS))


NODES = [
    _node("web1", "web", 1),
    _node("web2", "web", 2),
    _node("web3", "web", 3, rack=14),
    _node("db1", "db", 4, processorcount=32, kernelrelease="6.1.0-21-amd64"),
    _node("app1", "app", 5, site="geneva", kernelrelease="6.1.0-21-amd64"),
]
MACHINE: dict[str, t.Any] = {
    "packages": {"openssl": "3.0.11-1", "telnetd": "0.17-44", "postgresql": "15.6-0+deb12u1"},
    "updates": {"openssl": "3.0.15-1"},
}
MACHINES = {"web2.example.com": {**MACHINE, "services": {"nginx": "stopped"}}}
HOSTS = f"""
web1.example.com

[webservers]
web1.example.com
web2.example.com

[all:vars]
ansible_python_interpreter={sys.executable}
"""
HOST = f"web1.example.com ansible_python_interpreter={sys.executable}\n"
MACHINES_OF_ROLES = """
broker.example.com
control.example.com

[nodes]
web1.example.com
"""
VARIABLES = {"site": "zurich", "vaulted_password": "x", "vaulted_psk": "x"}


class Day:
    """A directory in which a user works, and the user's home.

    :ivar path: the directory. It has an inventory of hosts, and those that the guides write.
    :ivar variables: a file with variables that examples take from elsewhere.
    :ivar password: of the broker's user.
    """

    password = ""

    def __init__(self, ansible: Ansible, path: Path, name: str, configuration: Path) -> None:
        self._ansible = ansible
        self.path, self.home = path / "day", path / "home"
        self.path.mkdir()
        self.home.mkdir()
        shutil.copy(configuration, self.home / name)
        (self.path / "hosts").write_text(HOSTS)
        self.variables = self.home / "variables.json"
        self.variables.write_text(json.dumps(VARIABLES))

    def run(self, command: str, **environment: str) -> tuple[int, str]:
        """Run a command as it is printed, by a shell. Return its code and all that it prints."""
        # MCollective's own command needs help to run with a new Ruby.
        environment = {"HOME": str(self.home), "RUBYOPT": f"-W0 -r{SHIM}", **environment}
        done = self._ansible.shell(command, self.path, **environment)
        return done.returncode, done.stdout + done.stderr

    def inventory(self, text: str) -> str:
        """Write an inventory of the plugin. Return its name."""
        name = re.match(r"# (\S+\.mcollective\.yml)", text)
        path = self.path / (name[1] if name else "shown.mcollective.yml")
        if not re.search(r"^plugin: ", text, re.MULTILINE):
            # A part of one.
            text = f"plugin: pymco.mcollective.mcollective\n{text}"
        path.write_text(text)
        return path.name

    def play(self, text: str, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run plays, or tasks as those of a host that is the only one of its inventory."""
        inventories = ["-i hosts"]
        plays = yaml.safe_load(text)
        if "roles" in plays[0]:
            (self.path / "hosts").write_text(MACHINES_OF_ROLES)
        elif "hosts" in plays[0]:
            inventories.append("-i all.mcollective.yml")
        else:
            (self.path / "hosts").write_text(HOST)
            head = (
                "- hosts: web1.example.com\n  connection: local\n  gather_facts: false\n  tasks:\n"
            )
            text = head + textwrap.indent(text, "    ")
        (self.path / "play.yml").write_text(text)
        words = ["ansible-playbook", *inventories, f"-e @{self.variables}", *arguments, "play.yml"]
        return self.run(" ".join(words), **environment)


ALL = """\
plugin: pymco.mcollective.mcollective
group_by:
  - class
  - key: fact:site
    prefix: at
"""


@pytest.fixture(scope="module")
def real(rabbitmq: RabbitMQ) -> t.Iterator[Collective]:
    """Nodes that have what the examples speak of."""
    with Collective(rabbitmq, "examples", "psk", NODES) as running:
        yield running


@pytest.fixture
def day(real: Collective, ansible: Ansible, tmp_path: Path) -> Day:
    """A new day, on which all machines are as they were."""
    for node in NODES:
        directory = real.directory / "nodes" / node.identity
        machine = MACHINES.get(node.identity, MACHINE)
        (directory / "machine.json").write_text(json.dumps(machine))
        (directory / "services.log").unlink(missing_ok=True)
    day = Day(ansible, tmp_path, ".mcollective", real.client_cfg)
    day.password = real.password
    (day.path / "all.mcollective.yml").write_text(ALL)
    (day.home / ".psk").write_text(real.psk)
    (day.home / "zurich").mkdir()
    shutil.copy(real.client_cfg, day.home / "zurich" / "client.cfg")
    return day


@pytest.fixture(scope="module")
def choria_nodes(authority: Authority, issuer: Issuer) -> t.Iterator[ChoriaCollective]:
    """The same nodes of Choria, with tokens."""
    reason = missing_choria()
    if reason:
        pytest.skip(reason)
    nodes = [replace(node, agents={"service"}) for node in NODES]
    with (
        ChoriaBroker(authority, issuer) as broker,
        ChoriaCollective(broker, authority, issuer, nodes=nodes) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def fleet(rabbitmq: RabbitMQ) -> t.Iterator[Fleet]:
    """Ten thousand emulated nodes."""
    with Fleet(rabbitmq, "fleet", 10_000, "psk") as running:
        yield running


# -- which is which --------------------------------------------------------------------------------

EXAMPLES = examples()
PLUGIN_KINDS = ("modules/", "inventory/", "lookup/", "filter/")


def _said(kind: str, text: str) -> str:
    """Return what two texts share that say the same."""
    return json.dumps(yaml.safe_load(text)) if kind == "yaml" else text.strip()


def _elsewhere() -> dict[str, str]:
    """Return the tests that run examples, by what these say."""
    found = {}
    for test, texts in ELSEWHERE.items():
        for text in texts:
            found[_said("", text)] = test
            with contextlib.suppress(yaml.YAMLError):
                found[_said("yaml", text)] = test
    return found


RUN_BY = _elsewhere()


def elsewhere(example: Example) -> str | None:
    """Return the other test that runs an example."""
    return RUN_BY.get(_said(example.kind, example.text))


def why_not(example: Example) -> Why | None:
    """Return why an example does not run."""
    if example.kind == "command":
        reasons = [why for start, why in COMMANDS.items() if example.text.startswith(start)]
        return Why(reasons[0]) if reasons else None
    return EXCEPTIONS.get((example.name.rpartition("-")[0], example.first_line))


def some(*kinds: str) -> list[t.Any]:
    """Return the examples of these kinds that run here, for parametrize."""
    return [
        pytest.param(example, id=example.name)
        for example in EXAMPLES
        if example.kind in kinds and not elsewhere(example) and not why_not(example)
    ]


def is_inventory(example: Example) -> bool:
    """Return True for an inventory of the plugin, or a part of one."""
    return isinstance(example.data, dict)


COMMAND = some("command")
YAML = some("yaml")
INVENTORIES = [each for each in YAML if is_inventory(each.values[0])]
PLAYS = [each for each in YAML if each not in INVENTORIES]
ROLES = [each for each in PLAYS if each.id.startswith("roles/")]
TASKS = [each for each in PLAYS if each not in ROLES]
CONFIGURATIONS = some("ini")
REASONS = [(example, why_not(example)) for example in EXAMPLES]
NOT_RUN = [(example, why) for example, why in REASONS if why]
FAILING = [pytest.param(*each, id=each[0].name) for each in NOT_RUN if each[1].evidence]


def test_each_example_is_run_or_has_a_reason() -> None:
    known = {"command", "yaml", "ini"}
    left = [
        example.name
        for example in EXAMPLES
        if example.kind not in known and not elsewhere(example) and not why_not(example)
    ]
    assert left == []


def test_each_exception_is_needed() -> None:
    names = {(example.name.rpartition("-")[0], example.first_line) for example, _why in NOT_RUN}
    assert EXCEPTIONS.keys() - names == set()
    texts = [example.text for example, _why in NOT_RUN]
    assert [start for start in COMMANDS if not any(text.startswith(start) for text in texts)] == []
    twice = [example.name for example, _why in NOT_RUN if elsewhere(example)]
    assert twice == []


def test_each_expectation_is_of_an_example_that_runs() -> None:
    names = {each.id for each in YAML}
    assert EXPECTED.keys() - names == set()
    assert {name for name in names if name.startswith(PLUGIN_KINDS)} - EXPECTED.keys() == set()


# -- they run --------------------------------------------------------------------------------------


@pytest.fixture
def place(request: pytest.FixtureRequest, ansible: Ansible, tmp_path: Path) -> Day:
    """The day of an example: with MCollective, or with Choria for what its guide shows."""
    example = request.node.callspec.params["example"]
    if not example.name.startswith("choria_guide"):
        return t.cast("Day", request.getfixturevalue("day"))
    nodes = request.getfixturevalue("choria_nodes")
    day = Day(ansible, tmp_path, ".choriarc", nodes.client_conf)
    shown = [each for each in EXAMPLES if each.name.startswith("choria_guide")]
    (fleet,) = [each.text for each in shown if each.first_line.startswith("plugin: ")]
    (day.path / "fleet.mcollective.yml").write_text(fleet)
    return day


def judge(name: str, code: int, output: str) -> None:
    """Check that plays did all that they say."""
    assert code == 0, output
    assert "no hosts matched" not in output, output
    recap = re.findall(r"^\S+ +: (ok=\d+ .*)$", output, re.MULTILINE)
    assert recap, output
    for line in recap:
        counts = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
        assert counts["ok"] > 0, output
        wrong = {key: counts[key] for key in ("unreachable", "failed", "skipped", "ignored")}
        assert set(wrong.values()) == {0}, output
    missing = [words for words in EXPECTED.get(name, []) if words not in output]
    assert missing == [], output


@pytest.mark.parametrize("example", COMMAND)
def test_a_command(place: Day, example: Example) -> None:
    code, output = place.run(example.text)
    assert code == 0, output
    wanted = "web1.example.com" if "inventory" in example.text else r"\| (?:SUCCESS|CHANGED) =>"
    assert re.search(wanted, output), output


@pytest.mark.parametrize("example", TASKS)
def test_tasks_and_plays(place: Day, example: Example) -> None:
    judge(example.name, *place.play(example.text))


@pytest.mark.parametrize("example", INVENTORIES)
def test_an_inventory(place: Day, example: Example, request: pytest.FixtureRequest) -> None:
    if example.data.get("minimum_nodes", 0) > len(NODES):
        # As many as it speaks of.
        fleet = request.getfixturevalue("fleet")
        shutil.copy(fleet.client_cfg, place.home / ".mcollective")
    name = place.inventory(example.text)
    command = f"ansible-inventory -i {name} -e @{place.variables} --graph"
    code, output = place.run(command, BROKER_PASSWORD=place.password)
    assert code == 0, output
    words = EXPECTED.get(example.name, ["web1.example.com"])
    assert [each for each in words if each not in output] == [], output
    assert "[WARNING]" not in output, output


LISTS = {
    "broker": "broker_users",
    "client": "client_brokers",
    "keys": "keys_certificates",
    "server": "server_brokers",
}
"""A variable of each role that is a list of dictionaries."""


@pytest.mark.parametrize("example", ROLES)
def test_the_arguments_of_a_role(place: Day, example: Example) -> None:
    """The roles themselves change machines: test_roles.py runs them. Their arguments are always checked."""
    # Only a role for this machine can look at it.
    gathering = "implicit" if "connection: local" in example.text else "explicit"
    code, output = place.play(example.text, "--tags none", ANSIBLE_GATHERING=gathering)
    assert code == 0, output
    assert "Validating arguments against arg spec 'main'" in output
    role = example.name.partition("/")[2].partition("-")[0]
    wrong = LISTS[role]
    code, output = place.play(
        example.text, "--tags none", f"-e {wrong}=7", ANSIBLE_GATHERING=gathering
    )
    assert code != 0, output
    assert wrong in output


# -- and others cannot -----------------------------------------------------------------------------


@pytest.mark.parametrize(("example", "why"), FAILING)
def test_an_example_that_cannot_run(place: Day, example: Example, why: Why) -> None:
    code, output = place.play(example.text)
    assert code != 0, output
    assert why.evidence is not None
    assert why.evidence in output


@pytest.mark.parametrize("example", CONFIGURATIONS)
def test_a_configuration(place: Day, example: Example) -> None:
    """It is read without a warning, up to the first file that this machine does not have."""
    (missing,) = [path for part, path in FILES.items() if part in example.text]
    environment = {}
    if "[mcollective_collection]" in example.text:
        (place.path / "ansible.cfg").write_text(example.text)
        environment["ANSIBLE_CONFIG"] = str(place.path / "ansible.cfg")
    else:
        (place.home / ".choriarc").write_text(example.text)
    command = "ansible localhost -m pymco.mcollective.mcollective_ping"
    code, output = place.run(command, **environment)
    assert code != 0, output
    assert missing in output, output
    assert "unknown" not in output, output
