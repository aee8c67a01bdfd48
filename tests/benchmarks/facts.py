# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a play needs to gather the facts of many hosts, over the broker and with ``setup``.

``python tests/benchmarks/facts.py [hosts [rounds]]``: ``gather_facts: true`` over a local connection, in turns, with
``ansible.builtin.setup`` and with ``mcollective_facts`` as ``ansible_facts_modules``; and ``mcollective_facts`` as a task, which
runs in Ansible's own process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "plugins" / "module_utils")]

from testbed.embedded.collective import EmbeddedCollective  # noqa: E402
from testbed.embedded.fleet import fleet  # noqa: E402

ROUNDS = 3
FORKS = 5
MODULE = "pymco.mcollective.mcollective_facts"
NODE = {"node": "{{ inventory_hostname }}"}


def play(collective: EmbeddedCollective, **changes: t.Any) -> dict[str, t.Any]:
    """A play on all hosts over a local connection."""
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        **changes.pop("vars", {}),
    }
    defaults = {MODULE: {"config_file": str(collective.client_cfg), **NODE}}
    plain = {"hosts": "all", "gather_facts": False, "vars": variables, "module_defaults": defaults}
    return {**plain, **changes}


def plays(collective: EmbeddedCollective) -> dict[str, dict[str, t.Any]]:
    """The ways to gather."""
    ours = {"ansible_facts_modules": [MODULE]}
    shown = [{"ansible.builtin.assert": {"that": "ansible_facts.mcollective is defined"}}]
    return {
        "setup": play(collective, gather_facts=True),
        "ours": play(collective, gather_facts=True, vars=ours),
        "ours, as a task": play(collective, tasks=[{MODULE: {}}]),
        "ours, checked": play(collective, gather_facts=True, vars=ours, tasks=shown),
    }


def seconds(directory: Path, inventory: Path, name: str) -> float:
    """Return how long a play takes."""
    program = Path(sys.executable).with_name("ansible-playbook")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "MCOLLECTIVE_"))}
    start = time.monotonic()
    done = subprocess.run(
        [str(program), "-i", str(inventory), "-f", str(FORKS), str(directory / f"{name}.yml")],
        env={
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(directory),
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_REMOTE_TMP": str(directory / "tmp"),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.monotonic() - start


def figures(count: int, times: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each way."""
    with tempfile.TemporaryDirectory(prefix="mcotest-facts-") as scratch:
        directory = Path(scratch)
        place = directory / "ansible_collections" / "pymco"
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        with EmbeddedCollective(fleet(count)) as collective:
            inventory = directory / "hosts.ini"
            inventory.write_text("".join(f"{node.identity}\n" for node in collective.nodes))
            ways = plays(collective)
            for name, content in ways.items():
                (directory / f"{name}.yml").write_text(json.dumps([content]))
            seconds(directory, inventory, "ours, checked")
            names = [name for name in ways if name != "ours, checked"]
            rounds = [
                {n: seconds(directory, inventory, n) for n in names} for _round in range(times)
            ]
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def main() -> None:
    """Print a line for each way."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = figures(count, int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
    print(f"facts of {count} hosts, {FORKS} forks")
    for name, one in found.items():
        print(f"{name:16} {one:7.2f} s {one / found['setup']:6.2f}", flush=True)


if __name__ == "__main__":
    main()
