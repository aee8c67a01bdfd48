# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A collective that the collection's own playbook builds, in one directory of this machine."""

from __future__ import annotations

import getpass
import grp
import json
import os
import re
import ssl
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from testbed.real import programs
from testbed.real.ports import free_ports
from testbed.real.service import Service
from testbed.real.stomp import Connection

HERE = Path(__file__).resolve().parent
AGENT = HERE / "roles" / "agent"
NODES = ("web1.example.com", "db1.example.com")

#: The daemons that the playbook starts are no children of ours; their process ids are in files.
#: Told to by the end of its input, this ends them, whatever became of us.
_GUARD = r"""
trap '' HUP INT TERM
playbooks=
while read -r group; do playbooks="$playbooks $group"; done
for group in $playbooks; do kill -s KILL -- "-$group"; done
for file in $(find "$1" -name '*.run.pid'); do kill -s KILL "$(cat "$file")"; done
sleep 0.2
rm -rf -- "$1"
"""


@dataclass(frozen=True)
class Run:
    """A finished run of a playbook."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Return how many tasks changed something, by host."""
        found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", self.output, re.M)
        return {host: int(count) for host, count in found}


@dataclass
class Site(Service):
    """A broker, two nodes and a control host with the clients alice and bob. It is alice's.

    ``variables`` are further ones of the inventory.
    """

    directory: Path
    collections: Path
    kind: t.Literal["rabbitmq", "activemq"]
    variables: dict[str, t.Any] = field(default_factory=dict)
    nodes: tuple[str, ...] = NODES

    def start(self) -> None:
        """Write the inventory. Nothing runs before the playbook."""
        self.port, epmd, distribution = free_ports(3)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self.inventory = self.directory / "inventory.json"
        self.inventory.write_text(json.dumps(self._inventory(epmd, distribution), indent=1))

    def close(self) -> None:
        """End all that the playbook has started, and remove the directory."""
        self._guard.communicate()

    def play(self, *arguments: str, playbook: str = "pymco.mcollective.collective") -> Run:
        """Run the playbook."""
        program = Path(sys.executable).with_name("ansible-playbook")
        process = subprocess.Popen(
            [str(program), "-i", str(self.inventory), playbook, *arguments],
            env=self._environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        if self._guard.stdin is not None:
            self._guard.stdin.write(f"{process.pid}\n".encode())
            self._guard.stdin.flush()
        output, _nothing = process.communicate(timeout=900)
        return Run(process.returncode, output)

    @property
    def client_cfg(self) -> Path:
        """The configuration of the control host."""
        return self.directory / "home" / ".mcollective"

    @property
    def keys(self) -> Path:
        """The directory of the role keys."""
        return self.directory / "keys"

    def secrets(self) -> list[str]:
        """Return every secret text. Of each private key, it is one line."""
        found = []
        for path in self.keys.rglob("*"):
            if path.name.endswith("-private.pem"):
                found.append(path.read_text().splitlines()[5])
            elif path.name in ("psk", *self.users) or path.name.endswith("-store-password"):
                found.append(path.read_text().strip())
        return found

    #: The users of the broker.
    users = ("alice", "bob", "nodes")

    def connect(self, user: str, tls: str | None = "nodes") -> Connection:
        """A session of a user of the broker, with the certificate of that name or without one."""
        context = ssl.create_default_context(cafile=str(self.keys / "ca.pem"))
        if tls is not None:
            base = self.keys / "tls" / tls
            context.load_cert_chain(f"{base}.pem", f"{base}-private.pem")
        password = (self.keys / "passwords" / user).read_text().strip()
        return Connection(self.port, "/mcollective", user, password, 10.0, context)

    def mco(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the reference client with the configuration of the control host."""
        return subprocess.run(
            [
                *(str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)),
                *(str(programs.require("mco")), *arguments, "-c", str(self.client_cfg)),
            ],
            env=programs.environment(self.directory / "home"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        foreign = ("ANSIBLE", "MCOLLECTIVE", "STOMP", "RABBITMQ", "RUBY")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_INJECT_FACT_VARS": "false",
            "ANSIBLE_PIPELINING": "true",
        }

    def _inventory(self, epmd: int, distribution: int) -> dict[str, t.Any]:
        broker = {
            "mcollective_broker_address": "localhost",
            "broker_address": "127.0.0.1",
            "broker_install": False,
            "broker_service": "direct",
            "broker_owner": getpass.getuser(),
            "broker_group": grp.getgrgid(os.getgid()).gr_name,
            "broker_config_directory": str(self.directory / "broker" / "etc"),
            "broker_data_directory": str(self.directory / "broker" / "data"),
            "broker_log_directory": str(self.directory / "broker" / "log"),
            "broker_rabbitmq_node": f"roles{self.port}@localhost",
            "broker_rabbitmq_epmd_port": epmd,
            "broker_rabbitmq_distribution_port": distribution,
            # A small disk must not block the senders of a test.
            "broker_rabbitmq_settings": {"disk_free_limit.absolute": "1MB"},
            "broker_activemq_memory": "256m",
        }
        place = str(self.directory / "{{ inventory_hostname }}")
        node = {
            "server_install": False,
            "server_service": "direct",
            "server_owner": getpass.getuser(),
            "server_group": grp.getgrgid(os.getgid()).gr_name,
            "server_config_directory": f"{place}/etc",
            "server_log_file": f"{place}/mcollective.log",
            "server_run_directory": place,
            "server_agents": [str(path) for path in sorted(AGENT.iterdir())],
            "server_plugin_settings": {"greeter": {"word": "Good morning,"}},
        }
        control = {
            "client_home": str(self.directory / "home"),
            "client_ddls": [str(AGENT / "greeter.ddl")],
            "client_ping_nodes": list(self.nodes),
        }
        own = {name: self._node_variables(name) for name in self.nodes}
        return {
            "all": {
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": sys.executable,
                    "mcollective_become": False,
                    "mcollective_broker_kind": self.kind,
                    "mcollective_broker_port": self.port,
                    "mcollective_clients": ["alice", "bob"],
                    "mcollective_keys_directory": str(self.keys),
                    **self.variables,
                },
                "children": {
                    "mcollective_broker": {"hosts": {"machine": broker}},
                    "mcollective_nodes": {"hosts": own, "vars": node},
                    "mcollective_control": {"hosts": {"control": control}},
                },
            }
        }

    def _node_variables(self, name: str) -> dict[str, t.Any]:
        role = name.partition(".")[0].rstrip("0123456789")
        facts = {"role": role, "site": "Zürich ☃", "cpus": 4, "os": {"family": "Debian"}}
        return {"server_facts": facts, "server_classes": ["common", f"role::{role}"]}
