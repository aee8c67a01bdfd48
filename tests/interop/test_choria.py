# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module and the inventory on real nodes of Choria, with ``choria req`` as the judge."""

from __future__ import annotations

import json
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from calling import call, choria_config, run, senders
from conftest import SUBS
from testbed.choria.collective import AGENTS, LIBDIR

from ansible_collections.pymco.mcollective.plugins.filter.from_mco import from_mco
from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.choria.collective import ChoriaCollective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

ALL = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB = ALL[2:]
#: What every node has beside the agents of the tests.
OWN_AGENTS = {"choria_util", "discovery", "rpcutil", "scout"}
VERSION = "0.29.4"


@pytest.fixture
def config(choria: ChoriaCollective) -> Config:
    """The configuration of the collective's client."""
    return choria_config(choria)


def by_sender(replies: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Replies in our order, with the keys that both clients give, without what counts messages."""
    names = ("sender", "statuscode", "statusmsg", "data")
    short = [{name: reply[name] for name in names} for reply in replies]
    for reply in short:
        reply["data"].pop("client_stats", None)
    return sorted(short, key=lambda reply: t.cast("str", reply["sender"]))


# -- calls ---------------------------------------------------------------------------------------

SAME: list[tuple[str, str, dict[str, t.Any]]] = [
    ("rpcutil", "get_fact", {"fact": "site"}),
    ("rpcutil", "get_facts", {"facts": "role,processorcount,os.release.major,nosuch"}),
    ("rpcutil", "collective_info", {}),
    ("rpcutil", "agent_inventory", {}),
    ("rpcutil", "inventory", {}),
    ("rpcutil", "get_config_item", {"item": "identity"}),
    ("rpcutil", "get_data", {"source": "nosuch", "query": "x"}),
    ("choria_util", "info", {}),
    ("choria_util", "machine_states", {}),
    ("scout", "checks", {}),
    ("probe", "produce", {}),
    ("probe", "tally", {}),
    ("failer", "fail", {}),
    ("failer", "fail", {"code": 5, "message": "Zürich ☃ {{ 6 * 7 }}"}),
    ("failer", "crash", {}),
    ("failer", "partial", {"match": "^web"}),
    ("sleeper", "sleep", {"seconds": 0.1}),
]


@pytest.mark.parametrize(
    "agent,action,arguments", SAME, ids=lambda value: value if isinstance(value, str) else None
)
def test_replies_are_those_that_choria_req_shows(
    choria: ChoriaCollective, agent: str, action: str, arguments: dict[str, t.Any]
) -> None:
    given = {"agent": agent, "action": action, "arguments": arguments, "fail_on": []}
    nodes = WEB if agent == "sleeper" else ALL[:1] + WEB if agent in AGENTS else ALL
    ours = run(RpcTask, choria.client_conf, **given, nodes=nodes)
    words = [f"{name}={value}" for name, value in arguments.items()]
    chosen = [word for node in nodes for word in ("-I", node)]
    theirs = choria.req(agent, action, *words, *chosen)
    assert by_sender(ours["replies"]) == by_sender(theirs["replies"])
    assert from_mco(json.dumps(theirs)) == ours["replies"]
    assert ours["stats"]["ok"] == theirs["request_stats"]["ok"]
    assert ours["no_response"] == theirs["request_stats"]["no_responses"] == []
    assert "rejected" not in ours["stats"]


VALUES: dict[str, t.Any] = {
    "string": "1,000",
    "int": 42,
    "float": 2.5,
    "number": -1,
    "bool": False,
    "value": {
        "strings": ["1,000", "yes", ":foo", "2001-01-01", "0x1f", "", "~", "a\nb\n", "🚀", "\\"],
        "numbers": [0, 4294967296, 2**53, -1.5e-7],
        "others": [True, False, None, {}, []],
    },
    "list": [1, "two", [3.5, {"four": None}]],
}


def test_values_arrive_and_come_back_with_their_types(config: Config) -> None:
    result = call(config, "probe", "echo", arguments=VALUES, nodes=WEB)
    assert senders(result) == WEB
    for reply in result.replies:
        data = dict(reply.data)
        assert json.loads(data.pop("request")) == VALUES
        assert data == VALUES
        assert data["bool"] is False and data["int"] is not True


def test_large_integers_arrive_whole_but_come_back_as_go_has_them(config: Config) -> None:
    """A node hands on the request as it came, and reads an external agent's reply as floats."""
    arguments = {"value": {"number": 2**60 + 1}}
    (reply,) = call(config, "probe", "echo", arguments=arguments, nodes=WEB[:1]).replies
    assert json.loads(reply.data["request"]) == arguments
    assert reply.data["value"]["number"] == pytest.approx(2**60)


def test_a_task_may_run_as_a_module(ansible: Ansible, choria: ChoriaCollective) -> None:
    ansible.leave_out_actions()
    given = {"config_file": str(choria.client_conf), "agent": "probe", "action": "echo"}
    result = ansible.rpc(**given, arguments=VALUES, nodes=WEB)
    assert not result["failed"], result
    assert [reply["data"]["value"] for reply in result["replies"]] == [VALUES["value"]] * len(WEB)


def test_an_undeclared_input_is_refused_by_the_node(config: Config) -> None:
    arguments = {"match": "x", "nosuch": 1}
    result = call(config, "failer", "partial", arguments=arguments, nodes=WEB[:1])
    (reply,) = result.replies
    assert reply.statuscode == 1
    assert "'nosuch' that is not declared" in reply.statusmsg


def test_an_unknown_action_is_told(config: Config) -> None:
    result = call(config, "rpcutil", "nosuch", nodes=WEB)
    assert [(reply.sender, reply.statuscode) for reply in result.replies] == [(n, 2) for n in WEB]
    assert result.replies[0].statusmsg == "Unknown action nosuch for agent rpcutil"


def test_an_unknown_agent_is_silence_that_is_explained(choria: ChoriaCollective) -> None:
    with pytest.raises(TaskFailed) as caught:
        run(RpcTask, choria.client_conf, agent="nosuch", action="x", nodes=WEB, timeout=1)
    assert caught.value.result["no_response"] == WEB
    with pytest.raises(TaskFailed, match="[Nn]o node"):
        run(RpcTask, choria.client_conf, agent="nosuch", action="x")


def test_slow_nodes_are_named_and_the_others_answer(config: Config) -> None:
    result = call(config, "sleeper", "sleep", arguments={"seconds": 3}, nodes=WEB, timeout=1)
    assert (result.no_response, result.replies) == (WEB, [])


def test_each_node_acts_once_in_batches(choria: ChoriaCollective, tmp_path: Path) -> None:
    path = tmp_path / "touched"
    given = {"agent": "sleeper", "action": "touch", "arguments": {"path": str(path)}}
    returned = run(RpcTask, choria.client_conf, **given, batch_size=1)
    assert returned["nodes"] == WEB and returned["changed"]
    assert sorted(path.read_text().split()) == WEB


def test_nobody_waits_for_replies_that_are_not_wanted(
    choria: ChoriaCollective, tmp_path: Path
) -> None:
    path = tmp_path / "touched"
    given = {"agent": "sleeper", "action": "touch", "arguments": {"path": str(path)}}
    returned = run(RpcTask, choria.client_conf, **given, nodes=WEB, process_results=False)
    assert returned["replies"] == []
    deadline = time.monotonic() + 20
    while not (path.exists() and len(path.read_text().split()) == len(WEB)):
        assert time.monotonic() < deadline, "a node did not act"
        time.sleep(0.05)


# -- whom ----------------------------------------------------------------------------------------

COMPOUND = "with('processorcount>=8') && fact('os.family') == 'Debian' && !with('nosuch')"
FILTERS: list[tuple[dict[str, t.Any], list[str], list[str]]] = [
    ({}, [], ALL),
    ({"fact_filters": ["role=web"]}, ["-F", "role=web"], WEB),
    ({"fact_filters": ["processorcount>=8"]}, ["-F", "processorcount>=8"], [ALL[0], ALL[3]]),
    ({"fact_filters": ["os.release.major=12"]}, ["-F", "os.release.major=12"], WEB),
    ({"fact_filters": ["is_virtual=true"]}, ["-F", "is_virtual=true"], WEB),
    ({"fact_filters": ["role=/^(w|d)/"]}, ["-F", "role=/^(w|d)/"], [ALL[0], *WEB]),
    ({"class_filters": ["role::web"]}, ["-C", "role::web"], WEB),
    ({"class_filters": ["ROLE::WEB"]}, ["-C", "ROLE::WEB"], WEB),
    ({"identity_filters": ["/^(db|old)/"]}, ["-I", "/^(db|old)/"], ALL[:2]),
    ({"agent_filters": ["sleeper"]}, ["-A", "sleeper"], WEB),
    (
        {"fact_filters": ["role=web"], "class_filters": ["common"], "identity_filters": ["/2/"]},
        ["-F", "role=web", "-C", "common", "-I", "/2/"],
        WEB[1:],
    ),
    ({"compound_filter": COMPOUND}, ["-S", COMPOUND], [ALL[0], WEB[1]]),
]


def test_find_finds_what_choria_discover_finds(choria: ChoriaCollective) -> None:
    def ours(given: dict[str, t.Any]) -> list[str]:
        return t.cast("list[str]", run(DiscoveryInfoTask, choria.client_conf, **given)["nodes"])

    def theirs(arguments: list[str]) -> list[str]:
        found = choria.choria("discover", "-j", "--discovery-timeout", "2", *arguments)
        return sorted(json.loads(found.stdout or "[]"))

    # All at once, since each of them only waits for two seconds.
    with ThreadPoolExecutor(len(FILTERS) * 2) as pool:
        found = pool.map(ours, [given for given, _arguments, _expected in FILTERS])
        judged = pool.map(theirs, [arguments for _given, arguments, _expected in FILTERS])
        expected = [nodes for _given, _arguments, nodes in FILTERS]
        assert list(found) == expected
        assert list(judged) == expected


def test_those_answer_a_ping_who_are_there(choria: ChoriaCollective) -> None:
    returned = run(PingTask, choria.client_conf)
    assert returned["nodes"] == ALL
    assert all(0 < node["seconds"] < 5 for node in returned["times"])
    given = {"nodes": ALL, "class_filters": ["role::web"], "fail_on": []}
    some = run(PingTask, choria.client_conf, **given)
    assert (some["nodes"], some["no_response"]) == (WEB, ALL[:2])


def test_only_members_of_a_sub_collective_are_reached(choria: ChoriaCollective) -> None:
    members = sorted(SUBS["eu"])
    found = run(DiscoveryInfoTask, choria.client_conf, collective="eu")
    assert found["nodes"] == members
    given = {"agent": "rpcutil", "action": "ping", "collective": "eu"}
    assert run(RpcTask, choria.client_conf, **given)["nodes"] == members
    silent = run(RpcTask, choria.client_conf, **given, nodes=ALL, timeout=1.5, fail_on=["failed"])
    assert silent["no_response"] == [node for node in ALL if node not in members]


# -- what nodes tell of themselves -----------------------------------------------------------------


def test_node_info_is_what_the_nodes_have_in_their_files(choria: ChoriaCollective) -> None:
    returned = run(NodeInfoTask, choria.client_conf)
    found = {node["identity"]: node for node in returned["node_info"]}
    assert list(found) == ALL
    for identity, info in found.items():
        node = choria.nodes[identity]
        # Unlike MCollective's, nodes keep the types of their facts.
        assert {name: info["facts"][name] for name in node.facts} == node.facts
        assert info["classes"] == node.classes
        assert set(info["agents"]) == OWN_AGENTS | node.agents.intersection(AGENTS)
        assert sorted(info["collectives"]) == sorted(choria.collectives(identity))
        assert info["version"] == VERSION


def test_an_agent_is_described_as_its_ddl_has_it(choria: ChoriaCollective) -> None:
    for agent in AGENTS:
        path = LIBDIR / "mcollective" / "agent" / f"{agent}.json"
        ddl = json.loads(path.read_text(encoding="utf-8"))
        ours = run(AgentInfoTask, choria.client_conf, agent=agent)["ddl"]
        assert ours["path"] == str(path)
        for name in ("name", "description", "author", "version", "timeout"):
            assert ours["metadata"][name] == ddl["metadata"][name]
        for found, action in zip(ours["actions"], ddl["actions"], strict=True):
            assert found["name"] == action["action"]
            types = {name: item["type"] for name, item in action["input"].items()}
            assert {item["name"]: item["type"] for item in found["inputs"]} == types
            assert [item["name"] for item in found["outputs"]] == list(action["output"])


def test_what_the_ddl_refuses_is_not_sent(choria: ChoriaCollective) -> None:
    given = {"agent": "probe", "action": "echo", "nodes": WEB}
    for arguments in ({"int": "x"}, {"bool": 1}, {"list": {}}, {"value": []}):
        (name,) = arguments
        with pytest.raises(TaskFailed, match=name) as caught:
            run(RpcTask, choria.client_conf, **given, arguments=arguments)
        assert "replies" not in caught.value.result


def test_facts_are_one_nodes(choria: ChoriaCollective) -> None:
    found = run(FactsTask, choria.client_conf, node="db1.example.com")
    facts = found["ansible_facts"]["mcollective"]
    assert facts["identity"] == "db1.example.com"
    assert facts["facts"]["motd"] == "{{ 6 * 7 }}"
    assert facts["facts"]["processorcount"] == 16


def test_the_inventory_has_the_nodes_as_they_are(
    ansible: Ansible, choria: ChoriaCollective, tmp_path: Path
) -> None:
    source = tmp_path / "real.mcollective.yml"
    options = {
        "plugin": "pymco.mcollective.mcollective",
        "config_file": str(choria.client_conf),
        "discovery_timeout": 1.0,
        "group_by": ["class", "agent", "collective", "fact:os.release.major"],
    }
    source.write_text(json.dumps(options))
    done = ansible.run("ansible-inventory", "-i", str(source), "--list")
    assert done.returncode == 0, done.stderr
    assert "[WARNING]" not in done.stderr
    listed = json.loads(done.stdout)
    hosts = listed["_meta"]["hostvars"]
    assert sorted(hosts) == ALL
    assert sorted(listed["class_role__web"]["hosts"]) == WEB
    assert sorted(listed["agent_sleeper"]["hosts"]) == WEB
    assert sorted(listed["collective_eu"]["hosts"]) == sorted(SUBS["eu"])
    assert listed["os_release_major_11"]["hosts"] == ALL[:1]
