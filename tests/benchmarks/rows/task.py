# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task for each of many hosts, compared with a task that does nothing and with the same task as a module."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ..framework import ROOT, USUAL, Bench, Incomplete, Line, Pair, Target, in_turns

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.fleet.fleet import Fleet

FORKS = 10
TARGET = Target(2.0)
DEBUG = {"name": "Do nothing", "ansible.builtin.debug": {"msg": "nothing"}}


def run(bench: Bench) -> list[Line]:
    """Lines with the seconds of whole plays, and with what the tasks add to a play without any."""
    with bench.fleet(nodes=bench.hosts) as fleet, _plays(fleet) as plays:
        call = _call(bench, fleet)
        action = in_turns(bench.rounds, lambda: plays.run([call]), lambda: plays.run([DEBUG]))
        module = plays.run([call], "no-action")
        start = statistics.median(plays.run([]) for _round in range(bench.rounds))
    what = f"{bench.hosts} tasks, {FORKS} forks, {USUAL}"
    added = Pair(action.ours - start, action.other - start)
    return [
        action.times_slower(what, "ansible.builtin.debug", TARGET),
        added.times_slower(f"  less the {start:.2f} s of no task", "ansible.builtin.debug"),
        Pair(action.ours, module).times_faster(what, "the same as a module"),
        Pair(added.ours, module - start).times_faster("  less no task", "the same as a module"),
    ]


def _call(bench: Bench, fleet: Fleet) -> dict[str, t.Any]:
    options = {
        "config_file": str(fleet.client_cfg),
        "agent": "rpcutil",
        "action": "ping",
        "nodes": ["{{ inventory_hostname }}"],
        "timeout": bench.timeout,
        "read_only": True,
    }
    return {"name": "Call", "pymco.mcollective.mcollective_rpc": options}


class _Plays:
    """Runs plays with one host for each node of a fleet."""

    def __init__(self, directory: Path, fleet: Fleet) -> None:
        self._directory, self._fleet = directory, fleet
        _link(directory / "whole", "")
        # A task of a collection without the action is the module.
        _link(directory / "no-action", "action")
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        hosts = dict.fromkeys(fleet.identities, {})
        inventory = {"all": {"hosts": hosts, "vars": variables}}
        (directory / "hosts.json").write_text(json.dumps(inventory))
        (directory / "ansible.cfg").write_text("[defaults]\n")

    def run(self, tasks: list[dict[str, t.Any]], collections: str = "whole") -> float:
        """Return how many seconds a play takes. Every task must succeed on every host."""
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        path = self._directory / "play.json"
        path.write_text(json.dumps([play]))
        start = time.perf_counter()
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-i", str(self._directory / "hosts.json"), "-f", str(FORKS), str(path)),
            ],
            env=self._environment(collections),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        seconds = time.perf_counter() - start
        _check(done, self._fleet.count if tasks else 0)
        return seconds

    def _environment(self, collections: str) -> dict[str, str]:
        foreign = ("ANSIBLE", "MCOLLECTIVE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "ANSIBLE_CONFIG": str(self._directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self._directory / collections),
            "ANSIBLE_HOME": str(self._directory / "home"),
        }


def _check(done: subprocess.CompletedProcess[str], hosts: int) -> None:
    recap = done.stdout.partition("PLAY RECAP")[2].splitlines()
    good = sum("ok=1 " in line and "failed=0 " in line for line in recap)
    if done.returncode or good != hosts:
        words = (done.stdout + done.stderr)[-1500:]
        raise Incomplete(f"{good} of {hosts} hosts had their task: {words}")


def _link(place: Path, without: str) -> None:
    """Make the collection appear at a place, without one kind of its plugins."""
    home = place / "ansible_collections" / "pymco" / "mcollective"
    plugins = home / "plugins"
    plugins.mkdir(parents=True)
    for name in ("galaxy.yml", "meta"):
        (home / name).symlink_to(ROOT / name)
    for path in (ROOT / "plugins").iterdir():
        if path.name != without:
            (plugins / path.name).symlink_to(path)


@contextlib.contextmanager
def _plays(fleet: Fleet) -> Iterator[_Plays]:
    with tempfile.TemporaryDirectory(prefix="mcotest-plays-") as directory:
        yield _Plays(Path(directory), fleet)
