# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible shows of a call while it runs, and where."""

from __future__ import annotations

import json
import typing as t

import pytest
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node
from testbed.real.collective import Collective

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Ansible
    from testbed.real.rabbitmq import RabbitMQ

MODULE = "pymco.mcollective.mcollective_rpc"
WORDS = "0 of 1 nodes answered"


@pytest.fixture(scope="module")
def nobody(rabbitmq: RabbitMQ) -> Iterator[Collective]:
    """A collective without nodes: a call to a named one takes all of its time."""
    with Collective(rabbitmq, "interrupted", "psk", []) as running:
        yield running


def options(nobody: Collective | EmbeddedCollective, **more: t.Any) -> dict[str, t.Any]:
    """A call of two seconds."""
    task = {"agent": "rpcutil", "action": "ping", "nodes": ["nosuch.example.com"], "timeout": 2}
    return {**task, "config_file": str(nobody.client_cfg), "progress": 0.7, "fail_on": [], **more}


def test_lines_go_to_the_standard_error(ansible: Ansible, nobody: Collective) -> None:
    done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", json.dumps(options(nobody)))
    assert f"{MODULE}: {WORDS}" in done.stderr
    assert WORDS not in done.stdout


def test_replies_that_have_come_are_counted(ansible: Ansible) -> None:
    with EmbeddedCollective([Node("web1"), Node("web2")]) as emulated:
        nodes = ["web1", "web2", "nosuch"]
        asked = options(emulated, nodes=nodes, action="no_such_action", validate="off")
        done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", json.dumps(asked))
    assert f"{MODULE}: 2 of 3 nodes answered, 2 failed\n" in done.stderr
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "more,arguments",
    [({"progress": 0}, []), ({"progress": 5}, []), ({}, ["-o"])],
    ids=["not wanted", "a short call", "one line"],
)
def test_no_lines(
    ansible: Ansible, nobody: Collective, more: dict[str, t.Any], arguments: list[str]
) -> None:
    task = json.dumps(options(nobody, **more))
    done = ansible.run("ansible", "localhost", "-m", MODULE, "-a", task, *arguments)
    assert done.returncode == 0, done.stdout
    assert WORDS not in done.stdout + done.stderr
