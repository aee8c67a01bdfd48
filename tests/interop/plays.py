# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays on an embedded collective of three nodes, and what becomes of hosts and nodes there."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

from testbed.embedded.collective import EmbeddedCollective

if t.TYPE_CHECKING:
    from conftest import Ansible


NAMES = ("web1", "web2", "web3")
STATIC = """
all:
  children:
    known:
      hosts:
        one:
          mcollective_identity: web1
        two:
          mcollective_identity: "{{ 'web' ~ 2 }}"
        dead:
          mcollective_identity: nosuch
    plain:
      hosts:
        web1:
        web3:
"""
PING = {"agent": "rpcutil", "action": "ping", "read_only": True, "discovery_timeout": 1}
ALONE = {"timeout": 1}
"""Options for a node that is not there."""
MODULE = {"async": 60, "poll": 1}
"""Keywords that have the module run, in a process of its own."""
SHOW = {
    "ansible.builtin.debug": {
        "msg": "<{{ inventory_hostname }} about {{ result.nodes | join('+') }}>"
    }
}
"""A task that shows the nodes of the result of the host."""
PYTHON = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
_RECAP = re.compile(r"^(\S+) +: (ok=.*)$", re.MULTILINE)
_COUNT = re.compile(r"(\w+)=(\d+)")

Counts = dict[str, dict[str, int]]


class Stage:
    """Runs plays, and tells what has become of hosts and which nodes have been asked."""

    def __init__(self, ansible: Ansible, collective: EmbeddedCollective, place: Path) -> None:
        self._ansible, self._place, self.collective = ansible, place, collective
        self.environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
        (place / "static.yml").write_text(STATIC)
        (place / "single.yml").write_text("{all: {hosts: {bastion: {}}}}")
        (place / "our.mcollective.yml").write_text(
            "plugin: pymco.mcollective.mcollective\nexpected_nodes: 3\n"
        )
        self.output = ""
        self._before = [node.requests for node in collective.nodes]

    @property
    def asked(self) -> dict[str, int]:
        """How many requests nodes have had from plays, if they had any."""
        pairs = zip(self.collective.nodes, self._before)
        counts = {node.identity: node.requests - before for node, before in pairs}
        return {name: count for name, count in counts.items() if count}

    def play(
        self,
        *tasks: dict[str, t.Any],
        hosts: str = "known",
        inventory: str = "static.yml",
        arguments: t.Sequence[str] = (),
        **keywords: t.Any,
    ) -> Counts:
        """Run a play. Return the recap."""
        play = {"hosts": hosts, "gather_facts": False, "connection": "local", "tasks": tasks}
        variables = {**PYTHON, "ansible_async_dir": self.path("async"), **keywords.pop("vars", {})}
        path = self._place / "play.yml"
        path.write_text(json.dumps([{**play, **keywords, "vars": variables}]))
        words = ("-i", str(self._place / inventory), *arguments)
        return self.run("ansible-playbook", *words, str(path))

    def run(self, program: str, *words: str) -> Counts:
        """Run a program. Return the recap, if there is one."""
        done = self._ansible.run(program, *words, **self.environment)
        self.output = " ".join((done.stdout + done.stderr).split())
        return {
            host: {name: int(count) for name, count in _COUNT.findall(counts)}
            for host, counts in _RECAP.findall(done.stdout)
        }

    def path(self, name: str) -> str:
        """The path of a file of the play."""
        return str(self._place / name)

    @property
    def results(self) -> dict[str, list[str]]:
        """The nodes that :data:`SHOW` has shown, by host."""
        found = re.findall(r"<(\S+) about (\S*)>", self.output)
        return {host: nodes.split("+") for host, nodes in found}


def rpc(**options: t.Any) -> dict[str, t.Any]:
    """A task that pings."""
    keywords = ("register", "run_once", "delegate_to", "ignore_unreachable", "async", "poll")
    own = {name: options.pop(name) for name in keywords if name in options}
    return {"pymco.mcollective.mcollective_rpc": {**PING, **options}, "register": "result", **own}
