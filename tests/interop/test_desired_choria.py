# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state on real nodes of Choria, with each version of its protocol."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from calling import run
from testbed.choria import missing
from testbed.choria.broker import Broker
from testbed.choria.collective import ChoriaCollective
from testbed.real.default_nodes import DEFAULT_NODES

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask

if t.TYPE_CHECKING:
    from testbed.certificates import Authority
    from testbed.choria.tokens import Issuer

WEB = ["web1.example.com", "web2.example.com"]


@pytest.fixture(scope="module", params=["v1", "v2"])
def web(
    request: pytest.FixtureRequest, authority: Authority, issuer: Issuer
) -> t.Iterator[ChoriaCollective]:
    """Two real nodes."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    organisation = issuer if request.param == "v2" else None
    agents = {"service", "package", "puppet"}
    nodes = [replace(node, agents=agents) for node in DEFAULT_NODES if node.identity in WEB]
    with (
        Broker(authority, organisation) as broker,
        ChoriaCollective(broker, authority, organisation, nodes=nodes) as running,
    ):
        yield running


def changed(returned: dict[str, t.Any]) -> list[str]:
    return [each["sender"] for each in returned["outcomes"] if each["changed"]]


def test_services_stop_and_start_once(web: ChoriaCollective) -> None:
    one = {"nodes": WEB[:1]}
    stopped = run(ServiceTask, web.client_conf, name="nginx", state="stopped", **one)
    assert stopped["outcome"]["after"] == "stopped"
    for nodes in (WEB[:1], []):
        returned = run(ServiceTask, web.client_conf, name="nginx", state="started")
        assert (changed(returned), returned["nodes"]) == (nodes, WEB)


def test_a_service_that_ends_at_once_stops_the_batches(web: ChoriaCollective) -> None:
    options = {"batch_size": "1", "max_fail_percentage": 0.0}
    with pytest.raises(TaskFailed) as caught:
        run(ServiceTask, web.client_conf, name="brittle", state="restarted", **options)
    assert "stopped after 1 of 2 nodes" in str(caught.value)
    assert caught.value.result["unsent"] == WEB[1:]


def test_packages_come_and_go_once(web: ChoriaCollective) -> None:
    states: list[dict[str, t.Any]] = [{}, {"version": "2.0-1"}, {"state": "absent"}]
    for state in states:
        for nodes in (WEB, []):
            assert changed(run(PackageTask, web.client_conf, name="nginx", **state)) == nodes


def test_puppet_runs_in_turn(web: ChoriaCollective) -> None:
    returned = run(PuppetTask, web.client_conf, concurrency=1, interval=0.3)
    assert [each["after"] for each in returned["outcomes"]] == ["1 of 20 resources changed"] * 2
