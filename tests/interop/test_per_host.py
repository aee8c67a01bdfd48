# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays for hosts whose nodes are asked one by one, one of them dead, on real nodes: what Ansible makes of the dead one."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from testbed.choria import missing
from testbed.choria.broker import Broker
from testbed.choria.collective import ChoriaCollective
from testbed.real.collective import Collective
from testbed.real.default_nodes import DEFAULT_NODES

if t.TYPE_CHECKING:
    from conftest import Ansible

WEB = [node for node in DEFAULT_NODES if node.identity.startswith("web")]
ONE, TWO = (node.identity for node in WEB)
DEAD = "dead.example.com"
_RECAP = re.compile(r"^(\S+) +: ok=(\d+) .*unreachable=(\d+) +failed=(\d+)", re.MULTILINE)

Recap = dict[str, tuple[int, int, int]]
"""By host: how many tasks were ok, were unreachable and failed."""


@pytest.fixture(scope="module", params=["mcollective", "v1", "v2"])
def client_config(request: pytest.FixtureRequest) -> t.Iterator[Path]:
    """The configuration of a client of two real nodes."""
    if request.param == "mcollective":
        broker = request.getfixturevalue("rabbitmq")
        with Collective(broker, "perhost", "ssl-yaml", WEB) as running:
            yield running.client_cfg
        return
    reason = missing()
    if reason:
        pytest.skip(reason)
    authority = request.getfixturevalue("authority")
    issuer = request.getfixturevalue("issuer") if request.param == "v2" else None
    with (
        Broker(authority, issuer) as broker,
        ChoriaCollective(
            broker, authority, issuer, nodes=[replace(node, agents=set()) for node in WEB]
        ) as choria,
    ):
        yield choria.client_conf


class Stage:
    """Runs a play of two tasks for the hosts of the nodes and a dead one."""

    def __init__(self, ansible: Ansible, config: Path, place: Path) -> None:
        self._ansible, self._place = ansible, place
        self._environment = {
            "ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(config),
            "ANSIBLE_RETRY_FILES_ENABLED": "1",
            "ANSIBLE_RETRY_FILES_SAVE_PATH": str(place),
        }
        self.retry = place / "play.retry"

    def play(self, *arguments: str, **keywords: t.Any) -> Recap:
        """Return what has become of the hosts that the recap names, in the order of the inventory."""
        hosts = {DEAD: {"patience": 1}, ONE: {}, TWO: {}}
        inventory = self._place / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        ping = {
            "pymco.mcollective.mcollective_rpc": {
                **{"agent": "rpcutil", "action": "ping", "target": "host"},
                "timeout": "{{ patience | default(60) }}",
            }
        }
        task = {key: keywords.pop(key) for key in ("ignore_unreachable",) if key in keywords}
        after = {"ansible.builtin.debug": {"msg": "after"}}
        play = {"hosts": "all", "gather_facts": False, "connection": "local", **keywords}
        path = self._place / "play.yml"
        path.write_text(json.dumps([{**play, "tasks": [{**ping, **task}, after]}]))
        done = self._ansible.run(
            "ansible-playbook", "-i", str(inventory), *arguments, str(path), **self._environment
        )
        self.output = done.stdout + done.stderr
        return {
            host: (int(ok), int(gone), int(failed))
            for host, ok, gone, failed in _RECAP.findall(done.stdout)
        }


@pytest.fixture
def stage(ansible: Ansible, client_config: Path, tmp_path: Path) -> Stage:
    return Stage(ansible, client_config, tmp_path)


def test_the_others_go_on_and_the_dead_one_is_kept_for_another_try(stage: Stage) -> None:
    both = {ONE: (2, 0, 0), TWO: (2, 0, 0)}
    assert stage.play(strategy="free") == {**both, DEAD: (0, 1, 0)}, stage.output
    assert stage.retry.read_text().split() == [DEAD]
    # The second try is for the dead one only.
    again = stage.play("--limit", f"@{stage.retry}", ignore_unreachable=True)
    assert again == {DEAD: (2, 0, 0)}, stage.output


def test_any_errors_fatal_ends_the_play_for_all(stage: Stage) -> None:
    recap = stage.play(any_errors_fatal=True)
    assert recap == {DEAD: (0, 1, 0), ONE: (1, 0, 0), TWO: (1, 0, 0)}, stage.output


@pytest.mark.parametrize("serial,rest", [([1, 2], False), ([2, 1], True)])
def test_a_batch_of_dead_hosts_ends_the_play(stage: Stage, serial: list[int], rest: bool) -> None:
    others = {ONE: (2, 0, 0), TWO: (2, 0, 0)} if rest else {}
    assert stage.play(serial=serial) == {DEAD: (0, 1, 0), **others}, stage.output
