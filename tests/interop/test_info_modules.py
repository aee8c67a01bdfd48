# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that change nothing, on real daemons, compared with mco."""

from __future__ import annotations

import json
import re
import threading
import time
import typing as t
from pathlib import Path

import calling
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from conftest import FEW
from ddl_oracle import comparable, unwire
from testbed.real import default_nodes, nodes

from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
    plain,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

if t.TYPE_CHECKING:
    from conftest import Ansible
    from ddl_oracle import Oracle
    from testbed.real.collective import Collective

ALL = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB = ["web1.example.com", "web2.example.com"]
DDLS = nodes.LIBDIR / "mcollective" / "agent"
REFERENCE = Path("/usr/lib/ruby/vendor_ruby/mcollective/agent")

# mco takes seconds for each filter, so that it judges each module on one of them.
on_rabbitmq = pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")
on_activemq = pytest.mark.parametrize("collective", FEW[2:], indirect=True, scope="session")
on_few = pytest.mark.parametrize("collective", FEW[1:], indirect=True, scope="session")


def run(kind: type[Task], collective: Collective, **given: t.Any) -> dict[str, t.Any]:
    """What a task returns, with little patience in discovery."""
    return calling.run(kind, collective.client_cfg, **given)


def identities(entries: list[dict[str, t.Any]]) -> list[str]:
    return [entry["identity"] for entry in entries]


FILTERS: list[tuple[dict[str, t.Any], list[str], list[str]]] = [
    ({}, [], ALL),
    ({"fact_filters": ["role=web"]}, ["-F", "role=web"], WEB),
    ({"class_filters": ["role::web"]}, ["-C", "role::web"], WEB),
    ({"identity_filters": ["/^(db|old)/"]}, ["-I", "/^(db|old)/"], ALL[:2]),
    ({"agent_filters": ["sleeper"]}, ["-A", "sleeper"], WEB),
    ({"compound_filter": "common and not role=web"}, ["-S", "common and not role=web"], ALL[:2]),
]


@on_activemq
@pytest.mark.parametrize(("given", "arguments", "expected"), FILTERS)
def test_find_finds_what_mco_finds(
    collective: Collective, given: dict[str, t.Any], arguments: list[str], expected: list[str]
) -> None:
    assert run(DiscoveryInfoTask, collective, **given)["nodes"] == expected
    assert sorted(collective.mco("find", "--dt", "1", *arguments).stdout.split()) == expected


@on_rabbitmq
@pytest.mark.parametrize(("given", "arguments", "expected"), FILTERS)
def test_those_answer_a_ping_who_answer_mcos(
    collective: Collective, given: dict[str, t.Any], arguments: list[str], expected: list[str]
) -> None:
    returned = run(PingTask, collective, **given)
    assert returned["nodes"] == expected
    assert all(0 < node["seconds"] < 5 for node in returned["times"])
    done = collective.mco("ping", "--timeout", "1", *arguments)
    assert sorted(re.findall(r"^(\S+) +time=", done.stdout, re.MULTILINE)) == expected


@on_few
def test_nodes_with_filters_answer_a_ping_if_they_fit(collective: Collective) -> None:
    given = {"nodes": ALL, "class_filters": ["role::web"], "fail_on": []}
    returned = run(PingTask, collective, **given)
    assert (returned["nodes"], returned["no_response"]) == (WEB, ALL[:2])


@on_few
def test_a_reboot_is_seen_going_and_coming(collective: Collective) -> None:
    """The node dies in the middle of one wait, and comes back in the middle of the next."""
    name = "old1.example.com"
    waiting = {"nodes": ["web1.example.com", name], "timeout": 60, "interval": 0.3}
    assert run(PingTask, collective, **waiting)["stats"]["tries"] == 1
    dying = threading.Timer(1, collective.daemons.stop, [name])
    start = time.monotonic()
    dying.start()
    gone = run(PingTask, collective, **{**waiting, "nodes": [name], "state": "absent"})
    dying.join()
    assert (gone["nodes"], gone["no_response"]) == ([], [name])
    assert gone["stats"]["tries"] > 1
    assert 1 < time.monotonic() - start < 20
    try:
        with pytest.raises(TaskFailed, match=rf"1 of 2 nodes did not answer .*: {name}\."):
            run(PingTask, collective, **{**waiting, "timeout": 1})
        with pytest.raises(TaskFailed, match="3 nodes answered .*, but 4 were expected"):
            run(PingTask, collective, count=4)
    finally:
        coming = threading.Timer(1.5, collective.daemons.start, [name])
        coming.start()
        try:
            back = run(PingTask, collective, **waiting)
        finally:
            coming.join()
    assert back["nodes"] == [name, "web1.example.com"]
    assert back["no_response"] == []
    assert back["stats"]["tries"] > 1
    assert run(PingTask, collective, count=4, timeout=30)["nodes"] == ALL


def as_node_has_it(value: t.Any) -> t.Any:
    """A fact as the daemon makes of its file: every scalar is text (MC:facts/base.rb)."""
    if isinstance(value, dict):
        return {key: as_node_has_it(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_node_has_it(item) for item in value]
    return to_s(value)


@on_few
def test_node_info_is_what_the_nodes_have_in_their_files(collective: Collective) -> None:
    returned = run(NodeInfoTask, collective)
    assert returned["nodes"] == ALL
    assert returned["stats"]["requests"] == 1
    found = {node["identity"]: node for node in returned["node_info"]}
    assert list(found) == ALL
    for node in collective.nodes:
        info = found[node.identity]
        facts = {k: v for k, v in info["facts"].items() if not k.startswith("mcollective")}
        assert facts == as_node_has_it(node.facts)
        assert info["classes"] == node.classes
        assert set(info["agents"]) == {*node.agents, "discovery", "rpcutil"}
        assert info["collectives"] == node.collectives
        assert info["version"] == "2.12.5"


@on_few
def test_named_facts_are_what_the_nodes_have_in_their_files(collective: Collective) -> None:
    returned = run(NodeInfoTask, collective, facts=["load", "os"], nodes=ALL)
    expected = {
        node.identity: {
            name: as_node_has_it(node.facts[name]) for name in ("load", "os") if name in node.facts
        }
        for node in default_nodes.DEFAULT_NODES
    }
    assert {node["identity"]: node["facts"] for node in returned["node_info"]} == expected


@on_few
def test_a_silent_node_is_named_and_the_others_are_gathered(collective: Collective) -> None:
    given = {"nodes": ["web1.example.com", "nosuch.example.com"], "timeout": 1.5}
    with pytest.raises(TaskFailed, match="1 of 2 nodes did not answer: nosuch") as caught:
        run(NodeInfoTask, collective, **given)
    assert identities(caught.value.result["node_info"]) == ["web1.example.com"]


# -- DDLs ----------------------------------------------------------------------------------------


def described(path: Path) -> dict[str, t.Any]:
    given = {"agent": path.stem, "ddl_path": [str(path)]}
    checked = ArgumentSpecValidator(AgentInfoTask.options).validate(given)
    task = AgentInfoTask(checked.validated_parameters, lambda _message: None, environ={})
    return t.cast("dict[str, t.Any]", task.run(check_mode=False)["ddl"])


def table(pairs: t.Any) -> dict[str, t.Any]:
    """A Hash of the oracle's with plain names."""
    return {str(plain(key)): value for key, value in pairs}


@pytest.mark.parametrize(
    "path", [*sorted(DDLS.glob("*.ddl")), REFERENCE / "rpcutil.ddl"], ids=lambda path: path.stem
)
def test_an_agent_is_described_as_the_references_ddl_has_it(oracle: Oracle, path: Path) -> None:
    theirs = comparable(oracle.ask("read", "agent", path.read_text()))
    ours = described(path)
    for name in ("name", "description", "author", "version", "timeout"):
        assert ours["metadata"][name] == plain(unwire(theirs["meta"][name]))
    entities = table(unwire(theirs["entities"]))
    assert [action["name"] for action in ours["actions"]] == list(entities)
    for action in ours["actions"]:
        entity = table(entities[action["name"]])
        assert action["description"] == plain(entity["description"])
        assert action["display"] == plain(entity["display"])
        inputs = {name: table(item) for name, item in table(entity["input"]).items()}
        assert [item["name"] for item in action["inputs"]] == list(inputs)
        for item in action["inputs"]:
            rules = {name: plain(value) for name, value in inputs[item["name"]].items()}
            judge = item["validation"] if item["validator"] is None else item["validator"]
            assert judge == rules.pop("validation", None)
            assert {name: item[name] for name in rules} == rules
        outputs = {name: table(item) for name, item in table(entity["output"]).items()}
        assert {item.pop("name"): item for item in action["outputs"]} == {
            name: {key: plain(value) for key, value in item.items()}
            for name, item in outputs.items()
        }
        aggregates = [table(item) for item in entity.get("aggregate", [])]
        assert [item["function"] for item in action["aggregates"]] == [
            plain(item["function"]) for item in aggregates
        ]


# -- as modules ----------------------------------------------------------------------------------


def ad_hoc(ansible: Ansible, module: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result of a task on localhost."""
    arguments = ("-m", f"pymco.mcollective.{module}", "-a", json.dumps(options))
    done = ansible.run("ansible", "localhost", *arguments)
    start, word = done.stdout.find("=> {"), "localhost | SUCCESS "
    assert done.stdout[:start].endswith(word), done.stdout + done.stderr
    return t.cast("dict[str, t.Any]", json.loads(done.stdout[start + 3 :]))


@on_rabbitmq
@pytest.mark.parametrize("in_process", [True, False])
def test_all_of_them_run_in_the_controller_and_as_modules(
    ansible: Ansible, collective: Collective, in_process: bool
) -> None:
    if not in_process:
        ansible.leave_out_actions()
    options = {"config_file": str(collective.client_cfg), "discovery_timeout": 1.5}
    found = ad_hoc(ansible, "mcollective_discovery_info", options)
    assert (found["changed"], found["nodes"]) == (False, ALL)
    pinged = ad_hoc(ansible, "mcollective_ping", {**options, "count": 4, "timeout": 9})
    assert (pinged["changed"], pinged["nodes"]) == (False, ALL)
    info = ad_hoc(ansible, "mcollective_node_info", {**options, "nodes": WEB})
    assert (info["changed"], identities(info["node_info"])) == (False, WEB)
    del options["discovery_timeout"]
    agent = ad_hoc(ansible, "mcollective_agent_info", {**options, "agent": "probe"})
    assert agent["ddl"]["path"] == str(DDLS / "probe.ddl")


def test_an_agent_is_described_where_nothing_is_configured(
    ansible: Ansible, tmp_path: Path
) -> None:
    options = {"agent": "failer", "ddl_path": [str(DDLS)]}
    arguments = ("-m", "pymco.mcollective.mcollective_agent_info", "-a", json.dumps(options))
    done = ansible.run("ansible", "localhost", *arguments, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name": "failer"' in done.stdout
