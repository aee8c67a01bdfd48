# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the inventory of a whole fleet takes, against the least that any plugin must do for it.

``python tests/benchmarks/inventory.py [nodes [rounds]]``: emulated nodes on a real RabbitMQ, and ``ansible-inventory --graph``,
each way in turns. What counts are the ratios of the medians:

- ours: one broadcast, grouped by two keys;
- bare, asked: a plugin that gathers the same and adds the same hosts and variables, without any group;
- bare, told: the same plugin, which finds the data in a file of JSON;
- yaml: Ansible's own plugin, with the same hosts, variables and groups in a static file;
- cached: ours from its cache;
- keyed: ours from its cache, with the two groups by keyed_groups on plain paths.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "plugins" / "module_utils")]

import yaml  # noqa: E402
from pymco import rpc  # noqa: E402
from pymco.config import Config  # noqa: E402
from pymco.message import Filter  # noqa: E402
from testbed.fleet.fleet import Fleet, fleet_place  # noqa: E402
from testbed.real.rabbitmq import RabbitMQ  # noqa: E402

ROUNDS = 3
PLUGIN = "pymco.mcollective.mcollective"
KEYS = ("class", "fact:role")
KEYED = [
    {"key": "mcollective_classes", "prefix": "class"},
    {"key": "mcollective_facts.role", "prefix": "role"},
]
SOURCES = {
    "ours": "ours.mcollective.yml",
    "bare, asked": "nodes.bare-broadcast.json",
    "bare, told": "nodes.bare.json",
    "yaml": "static.yml",
    "cached": "cached.mcollective.yml",
    "keyed": "keyed.mcollective.yml",
}

ASKING = {"ours", "bare, asked"}
"""The sources that need no data from another."""


class Inventory:
    """Runs ansible-inventory in a directory of its own."""

    def __init__(self, directory: Path, client_cfg: Path, count: int) -> None:
        self._directory, self._client_cfg, self._count = directory, client_cfg, count
        place = directory / "ansible_collections" / "pymco"
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        self._write_sources()

    def command(self, name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Return the command that reads a source, and its environment."""
        return self._command(SOURCES[name], *arguments)

    def run(self, source: str, *arguments: str) -> str:
        """Return what the program prints."""
        command, environment = self._command(source, *arguments)
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        if done.returncode or "[WARNING]" in done.stderr:
            raise RuntimeError(done.stderr)
        return done.stdout

    def _command(self, source: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        program = Path(sys.executable).with_name("ansible-inventory")
        foreign = ("ANSIBLE_", "MCOLLECTIVE_", "STOMP_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        environment = {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(self._directory),
            "ANSIBLE_HOME": str(self._directory / "home"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            "ANSIBLE_INVENTORY_ENABLED": f"{PLUGIN},bare,yaml",
            "ANSIBLE_INVENTORY_PLUGINS": str(Path(__file__).with_name("plugins")),
            "PYTHONPATH": str(self._directory),
        }
        return [str(program), "-i", str(self._directory / source), *arguments], environment

    def seconds(self, name: str) -> float:
        """Return how long it takes to print the graph."""
        start = time.monotonic()
        graph = self.run(SOURCES[name], "--graph")
        seconds = time.monotonic() - start
        groups = "@class_common:" in graph
        if graph.count("node00000.") < 1 + 2 * groups or groups == name.startswith("bare"):
            raise RuntimeError(f"{name}: that is not what it should print:\n{graph[:1000]}")
        return seconds

    def _write_sources(self) -> None:
        ours: dict[str, t.Any] = {
            "plugin": PLUGIN,
            "config_file": str(self._client_cfg),
            "expected_nodes": self._count,
            "minimum_nodes": self._count,
            "discovery_timeout": 300,
            "timeout": 300,
        }
        cached = {
            **ours,
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(self._directory / "cache"),
        }
        self._write("ours", {**ours, "group_by": [*KEYS]})
        self._write("cached", {**cached, "group_by": [*KEYS]})
        self._write("keyed", {**cached, "keyed_groups": KEYED})
        asked = {"config_file": str(self._client_cfg), "expected_nodes": self._count}
        (self._directory / SOURCES["bare, asked"]).write_text(json.dumps(asked))

    def write_static(self) -> None:
        """Write the data of the collective into static files, and fill the caches."""
        content = json.loads(self.run(SOURCES["cached"], "--list", "--export"))
        self.run(SOURCES["keyed"], "--graph")
        hosts = {host: plain(values) for host, values in content["_meta"]["hostvars"].items()}
        (self._directory / SOURCES["bare, told"]).write_text(json.dumps(hosts))
        names = content.keys() - {"_meta", "all", "ungrouped"}
        groups = {name: {"hosts": dict.fromkeys(content[name]["hosts"])} for name in names}
        static = {"all": {"hosts": hosts, "children": groups}}
        with (self._directory / SOURCES["yaml"]).open("w") as file:
            yaml.dump(static, file, Dumper=yaml.CSafeDumper)

    def _write(self, name: str, options: dict[str, t.Any]) -> None:
        (self._directory / SOURCES[name]).write_text(json.dumps(options))


def plain(value: t.Any) -> t.Any:
    """Return values without the marks that ``--list`` puts on untrusted text."""
    if isinstance(value, dict):
        if value.keys() == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@contextlib.contextmanager
def awake(client_cfg: Path) -> t.Iterator[None]:
    """Call one node now and then. Otherwise, emulated nodes assume that the broker is dead."""
    config = Config.from_configfile(str(client_cfg), environ={})
    one = Filter().add_identity("node00000.example.com")
    request = rpc.Request("rpcutil", "ping", filter=one, discovery_method="none", expected_nodes=1)
    over = threading.Event()

    def call() -> None:
        while not over.wait(10):
            with rpc.Client(config) as client:
                client.call(request)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield
    finally:
        over.set()
        caller.join()


def figures(count: int, times: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each way."""
    with (
        RabbitMQ([fleet_place("fleet")]) as broker,
        Fleet(broker, "fleet", count, "ssl-yaml") as fleet,
        awake(fleet.client_cfg),
    ):
        return measured(fleet.client_cfg, count, times)


def measured(
    client_cfg: Path, count: int, times: int, names: t.Collection[str] = tuple(SOURCES)
) -> dict[str, float]:
    """The median seconds of these ways for a fleet that runs."""
    with tempfile.TemporaryDirectory(prefix="mcotest-inventory-") as scratch:
        inventory = Inventory(Path(scratch), client_cfg, count)
        if not ASKING.issuperset(names):
            inventory.write_static()
        rounds = [{name: inventory.seconds(name) for name in names} for _round in range(times)]
    return {name: statistics.median(one[name] for one in rounds) for name in names}


def main() -> None:
    """Print a line for each way."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found = figures(count, int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS)
    print(f"inventory of {count} nodes, grouped by two keys")
    for name, seconds in found.items():
        print(f"{name:12} {seconds:7.2f} s {found['ours'] / seconds:6.2f}", flush=True)


if __name__ == "__main__":
    main()
