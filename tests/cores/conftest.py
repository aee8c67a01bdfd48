# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's programs of every core that tests/run.py has prepared, on an embedded collective."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "cores")]

from testbed.embedded.collective import EmbeddedCollective  # noqa: E402
from testbed.embedded.nodes import Node  # noqa: E402

CORES: dict[str, str] = json.loads(os.environ.get("TEST_CORES", "{}"))
"""The directory of each core's environment, by the core's name. If there is no environment, "!" and the reason."""
REFUSED = "2.18"
TEMPLATE = "{{ 'EVAL' ~ 'UATED' }}"
BARE = "'EVAL' ~ 'UATED'"


@dataclasses.dataclass
class Evil(Node):
    """A node that sends harmful data."""

    def answer(self, agent: str, body: t.Any) -> t.Any:
        """A reply's body."""
        reply = super().answer(agent, body)
        if agent == "rpcutil" and reply is not None and body[":action"] == "inventory":
            reply["data"]["facts"] = {
                **{
                    "role": TEMPLATE,
                    "site": BARE,
                    TEMPLATE: BARE,
                    "os": {"family": [TEMPLATE, BARE]},
                },
                **{"ansible_connection": "evil", 5: {None: True}, "huge": "x" * 5_000_000},
            }
            reply["data"]["classes"] = [TEMPLATE, BARE, "common"]
        return reply


def nodes() -> list[Node]:
    """Return three honest nodes and four dishonest ones."""
    honest = [
        Node(
            f"web{number}.example.com",
            facts={"role": "web", "site": "z", "os": {"family": "Debian"}, "number": number},
            classes=["common", "role::web"],
        )
        for number in (1, 2, 3)
    ]
    odd = [Node("bad\nname"), Node("-oProxyCommand=evil"), Node("localhost")]
    return [*honest, Evil("evil.example.com"), *odd, Node("twice.example.com", lie="duplicate")]


HOSTS = ["evil.example.com", "twice.example.com", *(f"web{n}.example.com" for n in (1, 2, 3))]


class Ansible:
    """The programs of one core, in a directory of its own."""

    def __init__(self, name: str, directory: Path, collective: EmbeddedCollective) -> None:
        self.name, self.directory = name, directory
        self._programs = Path(CORES[name], "bin")
        place = directory / "ansible_collections" / "pymco"
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        self.collective = collective
        self.source = directory / "all.mcollective.yml"
        self.write()

    def write(self, **options: t.Any) -> None:
        """Write the configuration of the inventory."""
        plain = {
            "plugin": "pymco.mcollective.mcollective",
            "config_file": str(self.collective.client_cfg),
            "discovery_timeout": 0.5,
            "group_by": ["class", "fact:role", "fact:os.family"],
            "keyed_groups": [{"key": "mcollective_facts.site", "prefix": "site"}],
            "compose": {"composed": "mcollective_facts.site"},
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(self.directory / "cache"),
        }
        self.source.write_text(json.dumps({**plain, **options}))

    def run(
        self, program: str, *arguments: str, stdin: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the inventory."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON"))}
        return subprocess.run(
            [str(self._programs / program), "-i", str(self.source), *arguments],
            env={
                **kept,
                "ANSIBLE_COLLECTIONS_PATH": str(self.directory),
                "ANSIBLE_HOME": str(self.directory / "home"),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_INVENTORY_ENABLED": "pymco.mcollective.mcollective,host_list,auto,yaml,ini",
                **environ,
            },
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="session")
def collective() -> t.Iterator[EmbeddedCollective]:
    """Honest nodes and others."""
    with EmbeddedCollective(nodes()) as running:
        yield running


@pytest.fixture(params=[name for name in CORES if name != REFUSED] or ["none"], scope="module")
def ansible(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    collective: EmbeddedCollective,
) -> Ansible:
    """Each supported core."""
    return core(request.param, tmp_path_factory, collective)


@pytest.fixture
def too_old(tmp_path_factory: pytest.TempPathFactory, collective: EmbeddedCollective) -> Ansible:
    """The core that the plugin refuses."""
    return core(REFUSED, tmp_path_factory, collective)


def core(name: str, factory: pytest.TempPathFactory, collective: EmbeddedCollective) -> Ansible:
    """A core, if there is one."""
    found = CORES.get(name)
    if found is None:
        pytest.skip("tests/run.py cores prepares what these tests need")
    if found.startswith("!"):
        pytest.skip(f"ansible-core {name}: {found[1:]}")
    return Ansible(name, factory.mktemp(f"core-{name}"), collective)
