# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which examples of the documentation do not run, and why; and what the others print."""

from __future__ import annotations

import re
import typing as t

import side_by_side
import test_eda
import test_execution_environments
import test_guides
import test_one_machine
import test_python_api
from conftest import ROOT

# -- what does not run here ------------------------------------------------------------------------

ELSEWHERE: dict[str, t.Iterable[str]] = {
    "test_eda.py": [test_eda.rulebook(), test_eda.program_of_the_guide()],
    "test_execution_environments.py": test_execution_environments.TEXTS,
    "test_guides.py": [*test_guides.COMMANDS, *test_guides.PLAYS],
    "test_one_machine.py": [*test_one_machine.COMMANDS, test_one_machine.EXAMPLE.read_text()],
    "test_python_api.py": [
        *test_python_api.PROGRAMS,
        *re.findall(r"```python\n(.*?)```", test_guides.README, re.DOTALL),
    ],
    "test_roles_arguments.py": [(ROOT / "playbooks/inventory/example.yml").read_text()],
    "test_side_by_side.py": side_by_side.PLAYS,
}
"""Other tests, and the texts that they run."""

COMMANDS: dict[str, str] = {
    "ansible-builder build": "it needs a container engine; cores/test_install.py makes the container file",
    "ansible-galaxy collection build": "cores/test_install.py runs it in an empty environment",
    "ansible-galaxy collection install": "cores/test_install.py runs it in an empty environment",
    "ansible-navigator ": "it needs a container engine; test_execution_environments.py runs the jobs",
    "ansible-playbook -i inventory.yml": "it needs a machine for each host; test_roles.py runs this playbook",
    "ansible-playbook -i one_machine.yml": "test_one_machine.py runs it, with ports that are free",
    "ansible-rulebook ": "test_eda.py runs this rulebook",
    "cd ee": "it is a step to the image",
    "echo ": "it writes a file, and prints nothing",
    "export ": "test_one_machine.py sets this variable for the commands that follow",
    "mkdir ee": "it is a step to the image",
    "mv ": "it is a step to the image",
    "pip install": "it changes the Python that runs this test",
    "pipx ": "it changes the user's programs",
    "sudo apt install": "it changes the machine",
    "uv tool install": "it changes the user's programs",
}
"""Beginnings of commands that do not run, and why."""


class Why(t.NamedTuple):
    """Why an example does not run.

    :ivar evidence: what its failure says, if it is run all the same. Then it must fail. None: it is nothing to run.
    """

    reason: str
    evidence: str | None = None


NOBODY = Why("its broker is a host that does not exist", "broker.example.com")
EXCEPTIONS: dict[tuple[str, str], Why] = {
    ("architecture", "from __future__ import annotations"): Why(
        "a pattern with NAME, AGENT and ACTION"
    ),
    ("choria_guide", "mcollective_broker_kind: choria"): Why(
        "two variables; test_roles_choria.py sets them"
    ),
    ("choria_guide", "- name: Find the nodes with a token"): Why(
        "it names files of a user alice", "/home/alice/.choria.d/"
    ),
    ("collective_guide", "mcollective_nodes:"): Why(
        "variables of an inventory; test_roles.py sets them"
    ),
    ("inventory_guide", "- hosts: class_role__web:&at_zurich"): Why(
        "it needs hosts with SSH", "UNREACHABLE"
    ),
    ("python_api", "[{':body': 'pong',"): Why("the output of the program above it"),
    ("python_api", "rpc.Client(settings, *, progress=...)"): Why("a list of names"),
    ("python_api", "exc.PyMcoException"): Why("a list of names"),
    ("python_api", "config.INFINITE"): Why("a list of names"),
    ("README", "collections:"): Why("ansible-galaxy reads it, and fetches the collection"),
    ("rpc_guide", "- hosts: localhost"): NOBODY,
    ("scale_guide", "need(N) = base + N / 10000 * each"): Why("a formula"),
    ("scale_guide", "plugin.rabbitmq.use_reply_exchange = 1"): Why(
        "one option; test_rabbitmq_cluster.py sets it"
    ),
}
"""Examples by their guides and first lines."""

FILES: dict[str, str] = {
    "middleware_hosts = broker1.example.com:4222, ": "/home/alice/.choria.d/alice.mcollective",
    "middleware_hosts = broker1.example.com:4222\n": "/home/alice/.choria.d/alice.jwt",
    "ca_cert = ~/mcollective/ca.pem": "mcollective/alice",
    "config_file = /etc/mcollective/ansible.cfg": "/etc/mcollective/ansible.cfg",
}
"""Configurations by a part of them. Each is read, and then a ping names the first file that is missing."""

# -- what examples print ---------------------------------------------------------------------------

ONLY_WEB2 = '"msg": [\n        "web2.example.com"\n    ]'
EXPECTED: dict[str, list[str]] = {
    "modules/gather_facts-1": ["common, role::web"],
    "modules/mcollective_agent_info-2": ["get_fact takes ['fact']", '"package": "1.0"'],
    "modules/mcollective_discovery_info-2": ["(item=db1.example.com)", "All assertions passed"],
    "modules/mcollective_facts-1": ["web1.example.com runs Debian", "role::app::shop"],
    "modules/mcollective_keys-1": ["clients/alice.pem", "passwords/nodes"],
    "modules/mcollective_node_info-2": ["6.1.0-18-amd64 runs on 3 nodes", "mcollective: 5"],
    "modules/mcollective_package-2": ["3.0.11-1 -> 3.0.15-1"],
    "modules/mcollective_ping-2": ["of 5 nodes", '"list.no_response": []'],
    "modules/mcollective_puppet-2": ["2 of 20 resources changed"],
    "modules/mcollective_rpc-2": [
        "web1.example.com runs 6.1.0-18-amd64",
        "failed: [], silent: []",
        " requests",
    ],
    "modules/mcollective_service-2": [ONLY_WEB2, '"msg": "running"'],
    "inventory/mcollective-2": ["class_role__web", "os_family_Debian", "db1.example.com"],
    "inventory/mcollective-3": ["site_zurich", "release_12"],
    "inventory/mcollective-4": ["site_site3", "node09999.example.com"],
    "lookup/mcollective-1": ["15.6-0+deb12u1", "The maintenance is over."],
    "filter/by_sender-1": ['"web1.example.com": "running"', '"web2.example.com": "stopped"'],
    "filter/fact_report-1": ["Debian: 5 nodes, app1.example.com"],
    "filter/from_mco-1": ['"web1.example.com": "running"', '"web2.example.com": "stopped"'],
    "README-1": ["3 restarted"],
    "collective_guide-8": ["web1.example.com: Linux"],
    "desired_state_guide-1": [ONLY_WEB2],
}
"""What examples show of the nodes. An example of a plugin has an entry here."""
