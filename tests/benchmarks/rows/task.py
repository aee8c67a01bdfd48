# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task for each of many hosts, compared with a task that does nothing and with the same task as a module."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import tempfile
import typing as t
from pathlib import Path

from ..framework import USUAL, Bench, Incomplete, Line, Pair, Target, in_turns
from ..programs import Ansible, Finished, link

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.fleet.fleet import Fleet

FORKS = 10
TARGET = Target(1.5)
DEBUG = {"name": "Do nothing", "ansible.builtin.debug": {"msg": "nothing"}}
NODES = {"nodes": ["{{ inventory_hostname }}"]}
"""The host's own node for a module, which cannot know the host that it is for."""


def run(bench: Bench) -> list[Line]:
    """Lines with the seconds of whole plays, with what the tasks add to a play without any, and with the processor
    time of Ansible alone, since broker and nodes of the benchmark share the processors with it."""
    with bench.fleet(nodes=bench.hosts) as fleet, _plays(fleet) as plays:
        call = _Play(plays, [_call(bench, fleet, {"target": "host"})])
        named = [_call(bench, fleet, NODES)]
        debug, empty = _Play(plays, [DEBUG]), _Play(plays, [])
        action = in_turns(bench.rounds, call, debug)
        templated, module = plays.run(named).seconds, plays.run(named, "no-action").seconds
        start = statistics.median(empty() for _round in range(bench.rounds))
    what = f"{bench.hosts} tasks, {FORKS} forks, {USUAL}"
    added = Pair(action.ours - start, action.other - start)
    used = Pair(call.processor, debug.processor)
    return [
        action.times_slower(what, "ansible.builtin.debug", TARGET),
        added.times_slower(f"  less the {start:.2f} s of no task", "ansible.builtin.debug"),
        used.times_slower("  processor time of Ansible alone", "ansible.builtin.debug"),
        Pair(action.ours, templated).times_faster(what, "the same with nodes from a template"),
        Pair(templated, module).times_faster(f"{what}, nodes from a template", "as a module"),
    ]


def _call(bench: Bench, fleet: Fleet, whom: dict[str, t.Any]) -> dict[str, t.Any]:
    options = {
        **whom,
        "config_file": str(fleet.client_cfg),
        "agent": "rpcutil",
        "action": "ping",
        "timeout": bench.timeout,
        "read_only": True,
    }
    return {"name": "Call", "pymco.mcollective.mcollective_rpc": options}


class _Plays:
    """Runs plays with one host for each node of a fleet."""

    def __init__(self, directory: Path, fleet: Fleet) -> None:
        self._directory, self._fleet = directory, fleet
        self._ansible = Ansible(directory)
        # A task of a collection without the action is the module.
        link(directory / "no-action", "action")
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        hosts = dict.fromkeys(fleet.identities, {})
        inventory = {"all": {"hosts": hosts, "vars": variables}}
        (directory / "hosts.json").write_text(json.dumps(inventory))

    def run(self, tasks: list[dict[str, t.Any]], collections: str = "whole") -> Finished:
        """Run a play. Every task must succeed on every host."""
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        path = self._directory / "play.json"
        path.write_text(json.dumps([play]))
        finished = self._ansible.run(
            "ansible-playbook",
            *("-i", str(self._directory / "hosts.json"), "-f", str(FORKS), str(path)),
            collections=collections,
        )
        _check(finished, self._fleet.count if tasks else 0)
        return finished


class _Play:
    """Runs the same tasks again and again, and returns how many seconds a play takes."""

    def __init__(self, plays: _Plays, tasks: list[dict[str, t.Any]]) -> None:
        self._plays, self._tasks = plays, tasks
        self._processor: list[float] = []

    def __call__(self) -> float:
        finished = self._plays.run(self._tasks)
        self._processor.append(finished.processor)
        return finished.seconds

    @property
    def processor(self) -> float:
        """The median of the seconds of processor time."""
        return statistics.median(self._processor)


def _check(finished: Finished, hosts: int) -> None:
    recap = finished.stdout.partition("PLAY RECAP")[2].splitlines()
    good = sum("ok=1 " in line and "failed=0 " in line for line in recap)
    if finished.code or good != hosts:
        words = (finished.stdout + finished.stderr)[-1500:]
        raise Incomplete(f"{good} of {hosts} hosts had their task: {words}")


@contextlib.contextmanager
def _plays(fleet: Fleet) -> Iterator[_Plays]:
    with tempfile.TemporaryDirectory(prefix="mcotest-plays-") as directory:
        yield _Plays(Path(directory), fleet)
