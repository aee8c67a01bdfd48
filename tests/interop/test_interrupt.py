# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ctrl-C in the middle of a call leaves no process, thread, connection or queue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from conftest import ROOT
from testbed.real import missing
from testbed.real.activemq import ActiveMQ
from testbed.real.collective import Collective

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Ansible
    from testbed.real.broker import Broker
    from testbed.real.rabbitmq import RabbitMQ

PATIENCE = 20.0
NOBODY = "nosuch.example.com"
ESTABLISHED = "01"
SCRIPT = """
import sys, threading
sys.path.insert(0, {root!r})
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
try:
    with rpc.Client(Config.from_configfile({config!r}, {{}})) as client:
        client.call(rpc.Request("rpcutil", "ping", nodes=[{node!r}], timeout=120))
except KeyboardInterrupt:
    print("interrupted with", threading.active_count(), "thread")
"""


@pytest.fixture(scope="module", params=["rabbitmq", "activemq"])
def nobody(request: pytest.FixtureRequest) -> Iterator[Collective]:
    """A collective without nodes: a call to a named one lasts until it is interrupted."""
    broker = request.getfixturevalue(request.param)
    with Collective(broker, "interrupted", "psk", []) as running:
        yield running


def connections(broker: Broker) -> int:
    """How many connections there are to the broker's STOMP port, seen from the clients' side."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    port = f":{broker.stomp_port:04X}"
    return sum(row[2].endswith(port) and row[3] == ESTABLISHED for row in rows)


def processes(mark: str) -> list[int]:
    """Return the processes that belong to this test by their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes() and _runs(entry):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def _runs(entry: Path) -> bool:
    """Return True if a process runs, and is not only an entry that its parent has not removed."""
    return (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(found: Callable[[], t.Any], wanted: t.Any) -> None:
    """Wait until a value is as expected."""
    deadline = time.monotonic() + PATIENCE
    while (value := found()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert value == wanted


def queues(broker: Broker, place: str) -> list[str]:
    """The queues of a place of RabbitMQ."""
    rabbitmq = t.cast("RabbitMQ", broker)
    return rabbitmq.ctl("list_queues", "-p", place, "name", "--no-table-headers").split()


def script(collective: Collective) -> list[str]:
    """The command line of a client that waits for a reply, and tells how it ended."""
    root = str(ROOT.parents[2])
    config = str(collective.client_cfg)
    return [sys.executable, "-c", SCRIPT.format(root=root, config=config, node=NOBODY)]


@pytest.mark.parametrize("target", ["the group", "the main process"])
@pytest.mark.parametrize("how", ["action", "module"])
def test_an_interrupted_play_leaves_nothing(
    ansible: Ansible, nobody: Collective, tmp_path: Path, how: str, target: str
) -> None:
    if how == "module":
        ansible.leave_out_actions()
    before = connections(nobody.broker)
    options = {"agent": "rpcutil", "action": "ping", "nodes": [NOBODY], "timeout": 120}
    options["config_file"] = str(nobody.client_cfg)
    task = json.dumps(options)
    play = ansible.start(
        "ansible", "localhost", "-m", "pymco.mcollective.mcollective_rpc", "-a", task
    )
    try:
        eventually(lambda: connections(nobody.broker), before + 1)
        time.sleep(0.3)  # the request is out, and replies are awaited
        assert len(processes(str(tmp_path))) >= (3 if how == "module" else 2)
        if target == "the group":
            os.killpg(play.pid, signal.SIGINT)
        else:
            os.kill(play.pid, signal.SIGINT)
        play.communicate(timeout=PATIENCE)
    finally:
        play.kill()
        play.communicate()
    assert play.returncode != 0
    eventually(lambda: processes(str(tmp_path)), [])
    eventually(lambda: connections(nobody.broker), before)
    if nobody.broker.connector == "rabbitmq":
        eventually(lambda: queues(nobody.broker, "interrupted"), [])


def test_an_interrupted_client_leaves_no_thread(nobody: Collective) -> None:
    before = connections(nobody.broker)
    client = subprocess.Popen(script(nobody), stdout=subprocess.PIPE, text=True)
    try:
        eventually(lambda: connections(nobody.broker), before + 1)
        time.sleep(0.3)
        if nobody.broker.connector == "rabbitmq":
            assert len(queues(nobody.broker, "interrupted")) == 1, "nothing would be left anyway"
        client.send_signal(signal.SIGINT)
        said, _none = client.communicate(timeout=PATIENCE)
    finally:
        client.kill()
        client.communicate()
    assert said == "interrupted with 1 thread\n"
    eventually(lambda: connections(nobody.broker), before)
    if nobody.broker.connector == "rabbitmq":
        eventually(lambda: queues(nobody.broker, "interrupted"), [])


def test_activemq_drops_a_queue_that_nobody_uses_any_more() -> None:
    """It has no queues that end with a connection; those for replies go some time after it."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with (
        ActiveMQ(["interrupted"], inactive=1) as broker,
        Collective(broker, "interrupted", "psk", []) as collective,
    ):
        client = subprocess.Popen(script(collective), stdout=subprocess.PIPE)
        try:
            eventually(lambda: connections(broker), 1)
            time.sleep(2)
            assert dropped(broker.log) == 0, "it is in use"
            client.send_signal(signal.SIGINT)
            client.communicate(timeout=PATIENCE)
        finally:
            client.kill()
            client.communicate()
        eventually(lambda: dropped(broker.log), 1)


def dropped(log: Path) -> int:
    """How many queues for replies ActiveMQ says it removed."""
    lines = log.read_text(errors="replace").splitlines()
    return sum("Inactive for longer" in line and ".reply." in line for line in lines)
