# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound filters, DDLs and built-in agents of real nodes of Choria."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from calling import choria_config, run
from testbed.choria.collective import LIBDIR

from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
    agent_of,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import builtin
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import Client, Request

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.choria.collective import ChoriaCollective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

ALL = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
DB, OLD, WEB1, WEB2 = ALL
WEB = ALL[2:]

#: In MCollective's language, and the nodes that fit.
OLD_LANGUAGE = [
    ("role=web", WEB),
    ("role=web and not processorcount>4", [WEB1]),
    ("role::web", WEB),
    ("/^role::(web|db)/", [DB, *WEB]),
    ("not (role=web or role=db)", [OLD]),
    ("role=/^(w|d)/ and common", [DB, *WEB]),
    ('site="Genève"', [WEB2]),
]
#: In Choria's, and the nodes that fit.
NEW_LANGUAGE = [
    ("with('role=web')", WEB),
    ("with('role=web') && !with('processorcount>4')", [WEB1]),
    ("fact('os.release.major') == '11'", [DB]),
    ("fact('processorcount') > 4 and fact('processorcount') < 16", [WEB2]),
    ("include(fact('interfaces'), 'bond0')", [DB]),
    ("'role::db' in classes", [DB]),
    ("'sleeper' in agents // all that sleep", WEB),
    # It takes lists of facts only; these lists have another type in Go.
    ("include(agents, 'sleeper')", []),
    ("with('sleeper')", WEB),
    ('fact("site") matches "^G"', [WEB2]),
    ("fact('nosuch') == nil", ALL),
    ("semver('1.2.3', '>= 1.2')", ALL),
    ("let role = fact('role'); role == 'db' || role == 'legacy'", [DB, OLD]),
]


@pytest.fixture
def config(choria: ChoriaCollective) -> Config:
    """The configuration of the collective's client."""
    return choria_config(choria)


def found(config: Config, filter_: Filter, quiet: float = 2.0) -> list[str]:
    """Return the nodes that a discovery with this filter finds.

    :param quiet: seconds without an answer after which it ends.
    """
    request = Request("rpcutil", "ping", filter=filter_, discovery_timeout=quiet)
    with Client(config) as client:
        return client.targets(request).nodes


def all_found(config: Config, texts: list[str]) -> list[list[str]]:
    """Return what each expression finds. All are asked at once, since each of them only waits.

    So many questions at once keep the nodes of a busy machine longer than a usual discovery waits.
    """
    with ThreadPoolExecutor(len(texts)) as pool:
        filters = [Filter().add_compound(text) for text in texts]
        return list(pool.map(lambda filter_: found(config, filter_, quiet=6.0), filters))


def test_nodes_evaluate_the_expression(config: Config) -> None:
    texts = [text for text, _nodes in NEW_LANGUAGE]
    assert dict(zip(texts, all_found(config, texts))) == dict(NEW_LANGUAGE)


def test_what_is_told_to_write_instead_means_the_same(config: Config) -> None:
    instead = []
    for text, _nodes in OLD_LANGUAGE:
        with pytest.raises(exc.BadCompoundFilter) as caught:
            found(config, Filter().add_compound(text))
        instead.append(str(caught.value).rpartition(": write ")[2])
    expected = dict(zip(instead, (nodes for _text, nodes in OLD_LANGUAGE)))
    assert dict(zip(instead, all_found(config, instead))) == expected


def test_of_several_expressions_all_must_be_true(config: Config) -> None:
    # Nodes count true and false ones: with a list for each, web2 would fit.
    filter_ = Filter()
    for text in ("with('role=web')", "with('common') // everywhere", "with('processorcount=4')"):
        filter_.add_compound(text)
    assert found(config, filter_) == [WEB1]


def test_nodes_say_nothing_to_an_expression_that_they_cannot_evaluate(
    config: Config,
) -> None:
    filter_ = Filter().add_compound("nosuch('x').y == 1").add_fact("role", "web")
    assert found(config, filter_) == []


def test_patterns_tell_an_empty_fact_from_another(config: Config) -> None:
    assert found(config, Filter().add_fact("site", "^$", "=~")) == [OLD]
    assert found(config, Filter().add_fact("site", ".", "=~")) == [DB, *WEB]


def test_a_task_finds_and_calls_by_an_expression(choria: ChoriaCollective) -> None:
    given: Mapping[str, t.Any] = {"compound_filter": "with('role=web') && with('role::db')"}
    assert run(DiscoveryInfoTask, choria.client_conf, **given, fail_on=[])["nodes"] == []
    given = {"compound_filter": "fact('processorcount') == 8"}
    assert run(DiscoveryInfoTask, choria.client_conf, **given)["nodes"] == [WEB2]
    returned = run(RpcTask, choria.client_conf, agent="rpcutil", action="ping", **given)
    assert [reply["sender"] for reply in returned["replies"]] == [WEB2]
    with pytest.raises(TaskFailed, match=r"write with\('role=web'\)"):
        run(DiscoveryInfoTask, choria.client_conf, compound_filter="role=web")


def test_identities_are_found_without_asking(config: Config) -> None:
    with Client(config) as client:
        filter_ = Filter().add_identity(WEB1).add_identity("nobody.example.com")
        result = client.targets(Request("rpcutil", "ping", filter=filter_))
    assert result.nodes == ["nobody.example.com", WEB1]
    assert "discovery" not in result.seconds


def test_named_facts_come_with_their_types(choria: ChoriaCollective) -> None:
    names = ["role", "processorcount", "os.release.major", "is_virtual", "interfaces", "load"]
    returned = run(NodeInfoTask, choria.client_conf, facts=names)
    found = {node["identity"]: node["facts"] for node in returned["node_info"]}
    assert found[DB] == {
        **{"role": "db", "processorcount": 16, "os.release.major": "11", "is_virtual": False},
        **{"interfaces": ["bond0", "lo"], "load": 0.25},
    }
    # A fact that a node lacks is left out.
    assert "load" not in found[WEB1]
    long = [f"nosuch{number}" for number in range(60)]
    assert run(NodeInfoTask, choria.client_conf, facts=[*long, "role"])["stats"]["requests"] > 1


# -- agents ----------------------------------------------------------------------------------------


def rules(found: ddl.DDL) -> dict[str, t.Any]:
    """Return what a DDL says, without words for people."""
    told = agent_of(t.cast("ddl.AgentDDL", found))
    kept = ("name", "type", "optional", "default", "validation", "validator", "maxlength", "list")
    actions = {
        action["name"]: {
            "display": action["display"],
            "inputs": [{key: item[key] for key in kept} for item in action["inputs"]],
            "outputs": [item["name"] for item in action["outputs"]],
            "aggregates": [(item["function"], item["output"]) for item in action["aggregates"]],
        }
        for action in told["actions"]
    }
    for action in actions.values():
        for part in ("inputs", "outputs", "aggregates"):
            action[part].sort(key=str)
    return {"timeout": told["metadata"]["timeout"], **actions}


@pytest.mark.parametrize("name", builtin.names("agent", "choria"))
def test_what_is_built_in_is_what_the_program_says(choria: ChoriaCollective, name: str) -> None:
    theirs = choria.choria("plugin", "doc", "--json", f"agent/{name}")
    read = ddl.read_json(theirs.stdout, "agent", name, "the program")
    ours = builtin.find("agent", name, "choria")
    assert ours is not None
    assert rules(ours) == rules(read)
    assert ours.metadata.version == read.metadata.version


ASKED: list[tuple[str, str, dict[str, t.Any]]] = [
    ("choria_util", "info", {}),
    ("choria_util", "machine_states", {}),
    ("scout", "checks", {}),
    ("rpcutil", "get_config_item", {"item": "identity"}),
    ("rpcutil", "inventory", {}),
    ("rpcutil", "daemon_stats", {}),
]


@pytest.mark.parametrize("agent,action,arguments", ASKED)
def test_replies_have_the_outputs_that_are_built_in(
    choria: ChoriaCollective, agent: str, action: str, arguments: dict[str, t.Any]
) -> None:
    given = {"agent": agent, "action": action, "arguments": arguments, "validate": "strict"}
    returned = run(RpcTask, choria.client_conf, **given)
    known = t.cast("ddl.AgentDDL", builtin.find("agent", agent, "choria")).actions[action]
    assert [reply["sender"] for reply in returned["replies"]] == ALL
    for reply in returned["replies"]:
        assert set(reply["data"]) <= set(known.outputs)
    if known.aggregates and action != "machine_states":  # no node has a machine
        assert returned["summary"]


def test_ddls_are_found_in_the_libdir_of_the_configuration(choria: ChoriaCollective) -> None:
    conf = choria.write_client_conf("libdir.conf", {"libdir": str(LIBDIR)})
    listed = run(AgentInfoTask, conf)
    names = {agent["name"] for agent in listed["agents"]}
    assert names >= {"probe", "failer", "sleeper", "rpcutil", "choria_util", "scout"}
    assert run(AgentInfoTask, conf, agent="probe")["ddl"]["path"].startswith(str(LIBDIR))
    only = {"plugin.choria.agent_provider.mcorpc.libdir": str(LIBDIR), "libdir": None}
    conf = choria.write_client_conf("rubylib.conf", only)
    assert run(AgentInfoTask, conf, agent="probe")["ddl"]["name"] == "probe"
