# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task says when nodes are missing: on emulated nodes, on real daemons, and on nodes of Choria."""

from __future__ import annotations

import json
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from conftest import FEW

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import InventoryTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.choria.collective import ChoriaCollective
    from testbed.real.collective import Collective

WINDOW = 1.5
PING = {"agent": "rpcutil", "action": "ping"}
WEB = ["web1.example.com", "web2.example.com"]


@pytest.fixture(scope="module")
def emulated() -> t.Iterator[EmbeddedCollective]:
    """Four nodes, of which one never answers an action."""
    nodes = [
        Node("web1", facts={"osfamily": "Debian", "os": {"family": "Debian"}}, classes=["web"]),
        Node("web2", facts={"osfamily": "Debian"}, classes=["web", "proxy"]),
        Node("db1", facts={"osfamily": "RedHat"}, classes=["db"]),
        Node("deaf", facts={"osfamily": "RedHat"}, classes=["deaf"], silent={"rpcutil.ping"}),
    ]
    with EmbeddedCollective(nodes, "psk") as running:
        yield running


def outcome(kind: type[Task], path: Path, **given: t.Any) -> tuple[str, list[str]]:
    """Return a task's failure, "" if there is none, and its warnings."""
    window = {} if kind is FactsTask else {"discovery_timeout": WINDOW}
    given = {"config_file": str(path), **window, **given}
    checked = ArgumentSpecValidator(kind.options).validate(given)
    assert checked.error_messages == []
    warnings: list[str] = []
    task = kind(checked.validated_parameters, warnings.append, environ={})
    try:
        task.collect() if isinstance(task, InventoryTask) else task.run(check_mode=False)
    except TaskFailed as failure:
        return str(failure), warnings
    return "", warnings


def told(path: Path, **given: t.Any) -> str:
    """Return why a call fails that warns of nothing."""
    message, warnings = outcome(RpcTask, path, **{**PING, **given})
    assert warnings == []
    return message


# -- nobody is found -------------------------------------------------------------------------------

NOBODY: list[tuple[dict[str, t.Any], str]] = [
    (
        {"agent": "rpcutl", "validate": "off"},
        "for agent rpcutl. 4 nodes are there, but none has the agent rpcutl; is rpcutil meant? The",
    ),
    ({"class_filters": ["wbe"]}, "but none has the class wbe; is web meant? The configuration"),
    ({"class_filters": ["web", "db"]}, "Each filter fits some of them, but all filters together"),
    ({"class_filters": ["/zz/"]}, "but none has the class /zz/. The configuration is"),
    (
        {"fact_filters": ["os.family=Debian"]},
        "but none fits os.family==Debian; the 3 looked at have no fact os.family: facts in filters are"
        " top-level; use osfamily. The",
    ),
    (
        {"fact_filters": ["osfamily=Suse"]},
        "none fits osfamily==Suse; the 3 looked at have osfamily",
    ),
    ({"fact_filters": ["osfamli=Debian"]}, "have no fact osfamli; is osfamily meant? The"),
    ({"identity_filters": ["/^mail/"]}, "but none has an identity that fits /^mail/. The"),
    ({"compound_filter": "web and db"}, "but none fits the compound filter web and db. The"),
]


@pytest.mark.parametrize(("given", "why"), NOBODY)
def test_a_look_tells_why_nobody_fits(
    emulated: EmbeddedCollective, given: dict[str, t.Any], why: str
) -> None:
    start = time.monotonic()
    message = told(emulated.client_cfg, **given)
    assert message.startswith("no node answered the discovery for agent rpcut")
    assert why in message
    assert f"The configuration is {emulated.client_cfg}" in message
    assert "usual causes" not in message
    assert time.monotonic() - start < 3 * WINDOW + 2


@pytest.mark.parametrize("kind", [DiscoveryInfoTask, NodeInfoTask, InventoryTask])
def test_every_task_looks(emulated: EmbeddedCollective, kind: type[Task]) -> None:
    given = {"class_filters": ["wbe"]}
    if kind is InventoryTask:
        given["timeout"] = 8  # of which it waits 8 - 3 for the first reply
        given["discovery_method"] = "mc"
    message = outcome(kind, emulated.client_cfg, **given)[0]
    assert "4 nodes are there, but none has the class wbe; is web meant? The" in message
    assert message.endswith("the filters are class wbe.")


def test_there_is_no_look_where_it_would_cost_more(emulated: EmbeddedCollective) -> None:
    """Nodes that are named, a call that has used its time up, and a task that may find nobody."""
    named = told(emulated.client_cfg, nodes=["web1"], class_filters=["wbe"])
    assert "are there" not in named and "Nodes say nothing" in named
    blind = told(emulated.client_cfg, class_filters=["wbe"], discovery_method="none", timeout=1)
    assert blind.startswith("no node answered for agent rpcutil. Nodes say nothing")
    start = time.monotonic()
    assert told(emulated.client_cfg, class_filters=["wbe"], fail_on=[]) == ""
    assert time.monotonic() - start < 2 * WINDOW


def test_nobody_answers_without_filters_either(emulated: EmbeddedCollective) -> None:
    path = emulated.write_client_cfg("foreign.cfg", {"plugin.psk": "another"})
    message = told(path, class_filters=["web"])
    assert "No node answers a ping without filters, either. Nodes say nothing" in message
    assert "do not know our key" in message and "lack the agent" not in message


# -- some are silent -------------------------------------------------------------------------------


def test_nodes_that_were_found_are_slow(emulated: EmbeddedCollective) -> None:
    message = told(emulated.client_cfg, class_filters=["/deaf|db/"], timeout=0.5)
    assert message.startswith(
        "1 of 2 nodes did not answer: deaf within 0.5 s. They have answered the discovery, so they have"
        " the agent and accept our requests. The action takes longer than the timeout (raise timeout), or"
    )
    assert message.endswith("the filters are class /deaf|db/.")
    assert "our key" not in message


def test_what_others_answered_proves_our_configuration(emulated: EmbeddedCollective) -> None:
    message = told(emulated.client_cfg, nodes=["web1", "deaf"], timeout=0.5)
    assert "deaf within 0.5 s. Other nodes answered, so our configuration is right" in message


def test_many_dead_hosts_have_one_warning(emulated: EmbeddedCollective) -> None:
    seen = set()
    for number in range(3):
        message, (warning,) = outcome(
            FactsTask, emulated.client_cfg, node=f"dead{number}", timeout=0.2
        )
        assert message == f"1 of 1 nodes did not answer: dead{number} within 0.2 s."
        seen.add(warning)
    (warning,) = seen
    assert warning.startswith("Why a node may stay silent: Nodes say nothing about requests")
    assert f"The configuration is {emulated.client_cfg}." in warning


@pytest.mark.parametrize("name", ["facts", "rpc", "ping"])
def test_a_play_over_dead_hosts_can_be_read(
    emulated: EmbeddedCollective, ansible: Ansible, tmp_path: Path, name: str
) -> None:
    """Twelve dead hosts, in Ansible's process and, of facts, as modules, too."""
    hosts = {f"dead{number}.example.com": None for number in range(12)}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory, play = tmp_path / "hosts.yml", tmp_path / "play.yml"
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": local}}))
    task = {"config_file": str(emulated.client_cfg)}
    task |= {"facts": {"timeout": 0.3}, "rpc": {**PING, "timeout": 0.3, "target": "host"}}.get(
        name, {"discovery_timeout": 0.3, "target": "host"}
    )
    tasks = [{f"pymco.mcollective.mcollective_{name}": task}]
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    for as_module in (False, True) if name == "facts" else (False,):
        if as_module:
            ansible.leave_out_actions()
            task["node"] = "{{ inventory_hostname }}"
            play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        done = ansible.run("ansible-playbook", "-i", str(inventory), str(play), "-f", "4")
        printed = done.stdout + done.stderr
        assert printed.count("Why a node may stay silent") == 1, printed
        assert printed.count("usual causes") == 1
        for host in hosts:
            assert f"fatal: [{host}]: " in printed
        assert printed.count("UNREACHABLE!") == (0 if as_module else len(hosts))
        assert len(printed) < (13_000 if name == "rpc" else 7_000), len(printed)


def test_nobody_is_said_to_be_silent_who_was_not_asked(emulated: EmbeddedCollective) -> None:
    message = told(emulated.client_cfg, nodes=["web1"], expected_nodes=2)
    assert message == "1 nodes are named, but 2 were expected, so the request was not sent."
    message = told(emulated.client_cfg, nodes=["web1"], identity_filters=["/db/"])
    assert (
        message
        == "none of the named nodes matches the identity filters (or none is named), so no node was asked."
    )


# -- more than expected ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["mc", "none"])
@pytest.mark.parametrize("kind", [RpcTask, NodeInfoTask, InventoryTask])
def test_more_than_expected_are_taken_in_and_told(
    emulated: EmbeddedCollective, kind: type[Task], method: str
) -> None:
    given = {"expected_nodes": 2, "discovery_method": method, "class_filters": ["/web|db/"]}
    given |= PING if kind is RpcTask else {}
    message, (warning,) = outcome(kind, emulated.client_cfg, **given)
    assert message == ""
    assert warning.startswith("expected_nodes is 2, but 3 nodes answered. All of them are taken in")


# -- real nodes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")
def test_real_daemons(collective: Collective) -> None:
    path = collective.client_cfg
    assert "4 nodes are there, but none has the agent rpcutl; is rpcutil meant? The" in told(
        path, agent="rpcutl", validate="off"
    )
    assert "is role::web meant?" in told(path, class_filters=["role::wbe"])
    message = told(path, fact_filters=["os.family=Debian"])
    assert "have no fact os.family: facts in filters are top-level" in message
    _warned(path, "web")


def test_real_nodes_of_choria(choria: ChoriaCollective) -> None:
    path = choria.client_conf
    assert "4 nodes are there, but none has the agent rpcutl; is rpcutil meant? The" in told(
        path, agent="rpcutl", validate="off"
    )
    assert "is role::web meant?" in told(path, class_filters=["role::wbe"])
    message = told(path, fact_filters=["os.family=Suse"])
    assert "none fits os.family==Suse; the 3 looked at have os.family = Debian. The" in message
    assert "is role meant?" in told(path, fact_filters=["rol=web"])
    _warned(path, "web")


def _warned(path: Path, role: str) -> None:
    given = {**PING, "fact_filters": [f"role={role}"], "expected_nodes": 1}
    message, (warning,) = outcome(RpcTask, path, **given)
    assert message == ""
    assert warning.startswith("expected_nodes is 1, but 2 nodes answered.")
