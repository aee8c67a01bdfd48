# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a task of a host is about, in plays on an embedded collective."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from plays import MODULE, NAMES, PING, SHOW, Counts, Stage, rpc

if t.TYPE_CHECKING:
    from conftest import Ansible


# -- whom ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keywords", [{}, MODULE, {"delegate_to": "localhost"}])
def test_a_host_of_our_inventory_asks_its_own_node(
    stage: Stage, keywords: dict[str, t.Any]
) -> None:
    stage.play(rpc(**keywords), SHOW, hosts="all", inventory="our.mcollective.yml")
    assert stage.results == {name: [name] for name in NAMES}, stage.output
    # The inventory has asked each of them too.
    assert stage.asked == dict.fromkeys(NAMES, 2)


def test_so_it_does_ad_hoc_and_under_a_limit(stage: Stage) -> None:
    words = ("-i", stage.path("our.mcollective.yml"), "-c", "local")
    module = ("-m", "pymco.mcollective.mcollective_rpc", "-a", "agent=rpcutil action=ping")
    stage.run("ansible", "all", *words, *module)
    assert stage.output.count("SUCCESS") == 3, stage.output
    assert stage.asked == dict.fromkeys(NAMES, 2)
    stage.run("ansible", "all", "-l", "web2", *words, *module)
    assert stage.asked == {"web1": 3, "web2": 4, "web3": 3}


def test_the_variable_is_enough_also_as_a_template(stage: Stage) -> None:
    stage.play(rpc(), SHOW, hosts="one,two")
    assert stage.results == {"one": ["web1"], "two": ["web2"]}, stage.output
    assert stage.asked == {"web1": 1, "web2": 1}


def test_a_task_is_tried_again_with_the_same_options(stage: Stage) -> None:
    again = {"until": "result.attempts == 2", "retries": 3, "delay": 0}
    stage.play({**rpc(), **again}, SHOW, hosts="one,two")
    assert stage.results == {"one": ["web1"], "two": ["web2"]}, stage.output
    assert stage.asked == {"web1": 2, "web2": 2}


@pytest.mark.parametrize("arguments", [[], ["--limit", "web1"]])
@pytest.mark.parametrize("keywords", [{}, MODULE])
def test_of_other_hosts_it_must_be_said(
    stage: Stage, arguments: list[str], keywords: dict[str, t.Any]
) -> None:
    recap = stage.play(rpc(**keywords), hosts="plain", arguments=arguments)
    assert all(counts["failed"] == 1 for counts in recap.values()), stage.output
    assert len(recap) == (1 if arguments else 2)
    assert "would address the whole collective, and not only web1" in stage.output
    assert "Write target: host" in stage.output
    assert stage.asked == {}


def test_what_is_said_holds(stage: Stage) -> None:
    stage.play(rpc(target="host"), SHOW, hosts="plain")
    assert stage.results == {"web1": ["web1"], "web3": ["web3"]}, stage.output
    assert stage.asked == {"web1": 1, "web3": 1}
    task = rpc(target="collective", expected_nodes=3)
    stage.play({**task, "run_once": True}, SHOW, hosts="plain")
    assert stage.results["web1"] == list(NAMES), stage.output


@pytest.mark.parametrize(
    "hosts,inventory", [("localhost", "static.yml"), ("bastion", "single.yml")]
)
def test_localhost_and_the_only_host_of_an_inventory_ask_the_collective(
    stage: Stage, hosts: str, inventory: str
) -> None:
    stage.play(rpc(expected_nodes=3), SHOW, hosts=hosts, inventory=inventory)
    assert stage.results == {hosts: list(NAMES)}, stage.output


def test_a_host_that_is_alone_in_its_play_stands_for_no_collective(stage: Stage) -> None:
    """Its group may have two hosts tomorrow, and one only today."""
    stage.play(rpc(), hosts="web3")
    assert "would address the whole collective, and not only web3" in stage.output
    assert stage.asked == {}


@pytest.mark.parametrize(
    "selection,expected",
    [
        ({"nodes": ["web3"]}, ["web3"]),
        ({"identity_filters": "web2,web3"}, ["web2", "web3"]),
        ({"identity_filters": "/web/", "expected_nodes": 3}, list(NAMES)),
    ],
)
def test_a_selection_is_from_the_collective_as_ever(
    stage: Stage, selection: dict[str, t.Any], expected: list[str]
) -> None:
    stage.play(rpc(**selection), SHOW, hosts="one,web1")
    assert stage.results == {"one": expected, "web1": expected}, stage.output


@pytest.mark.parametrize(
    "hosts,options,words",
    [
        ("one,two", {"run_once": True}, "with run_once, it is not clear which nodes"),
        ("one", {"target": "host", "nodes": ["web2"]}, "target = host and nodes exclude"),
        ("localhost", {"target": "host"}, "but this task is for localhost"),
    ],
)
def test_what_contradicts_itself_is_refused(
    stage: Stage, hosts: str, options: dict[str, t.Any], words: str
) -> None:
    stage.play(rpc(**options), hosts=hosts)
    assert words in stage.output
    assert stage.asked == {}


def test_filters_also_hold_for_the_node_of_the_host(stage: Stage) -> None:
    task = rpc(target="host", agent_filters=["service"])
    recap = stage.play(task, SHOW, hosts="one")
    assert stage.results == {"one": ["web1"]}, stage.output
    recap = stage.play(rpc(target="host", agent_filters=["puppet"]), hosts="one")
    # Its silence may mean that it does not fit.
    assert (recap["one"]["unreachable"], recap["one"]["failed"]) == (0, 1)


def test_a_module_alone_cannot_know_its_host(stage: Stage, ansible: Ansible) -> None:
    ansible.leave_out_actions()
    stage.play(rpc(target="host"), hosts="one")
    assert "target = host needs one name in the option nodes" in stage.output
    assert stage.asked == {}


# -- defaults of the group -----------------------------------------------------------------------

DEFAULTS = {
    **{"nodes": ["web1"], "fact_filters": "{{ [] | default(omit, true) }}", "progress": 0},
    **{"discovery_timeout": 1, "expected_nodes": 1, "ttl": 60, "timeout": "{{ 2 + 3 }}"},
    **{"fail_on": ["failed", "no_nodes"], "connect_timeout": 5},
}


def test_defaults_of_the_group_break_none_of_its_modules(stage: Stage) -> None:
    tasks = [
        {f"pymco.mcollective.mcollective_{name}": options}
        for name, options in {
            "rpc": PING,
            "ping": {"timeout": 0},
            "discovery_info": {},
            "node_info": {},
            "facts": {"node": "web1"},
            "agent_info": {"agent": "rpcutil"},
        }.items()
    ]
    group = {"group/pymco.mcollective.mcollective": DEFAULTS}
    recap = stage.play(*tasks, hosts="localhost", module_defaults=group)
    assert recap["localhost"]["ok"] == len(tasks), stage.output
    recap = stage.play(*tasks, hosts="one", module_defaults=group)
    assert recap["one"]["ok"] == len(tasks), stage.output


def test_defaults_of_the_group_that_other_options_leave_without_use_break_nothing(
    stage: Stage,
) -> None:
    group = {"expected_nodes": 2, "max_fail_percentage": 10, "batch_size": 1, "timeout": 2}
    tasks = [
        {"pymco.mcollective.mcollective_ping": {"state": "absent", "nodes": ["nosuch"]}},
        rpc(process_results=False, target="collective"),
        rpc(discovery_method="none", target="collective"),
    ]
    recap = stage.play(
        *tasks,
        hosts="localhost",
        module_defaults={"group/pymco.mcollective.mcollective": group},
    )
    assert recap["localhost"]["ok"] == len(tasks), stage.output


def test_delegation_to_a_node_addresses_not_the_whole_collective(stage: Stage) -> None:
    recap = stage.play({**rpc(), "delegate_to": "one"}, hosts="localhost")
    assert recap["localhost"]["failed"] == 1, stage.output
    assert "delegate_to: one says where this task runs" in stage.output
    recap = stage.play({**rpc(nodes=["web1"]), "delegate_to": "one"}, hosts="localhost")
    assert recap["localhost"]["ok"] == 1, stage.output


@pytest.mark.parametrize(
    "task,defaults,words",
    [
        ({}, {"nodez": ["web1"]}, "Unsupported parameters"),
        ({"limit": "1"}, {"nodes": ["web1"]}, "Unsupported parameters"),
        ({"limit": "1"}, {"limit": "2"}, "Unsupported parameters"),
    ],
)
def test_a_wrong_option_is_refused_nevertheless(
    stage: Stage, task: dict[str, t.Any], defaults: dict[str, t.Any], words: str
) -> None:
    group = {"group/pymco.mcollective.mcollective": defaults}
    info = {"pymco.mcollective.mcollective_agent_info": {"agent": "rpcutil", **task}}
    stage.play(info, hosts="localhost", module_defaults=group)
    assert words in stage.output


# -- the documentation ---------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite" / "rst"
DOWN = "[class_role__web]\ndown mcollective_identity=nosuch\n"


@pytest.fixture
def web(stage: Stage) -> t.Iterator[Stage]:
    """Web servers in Zurich, and one that is down."""
    for node in stage.collective.nodes:
        node.classes, node.facts, node.failing = ["role::web"], {"site": "zurich"}, {}
    with Path(stage.path("our.mcollective.yml")).open("a", encoding="utf-8") as file:
        file.write("group_by: class\n")
    Path(stage.path("down.ini")).write_text(DOWN)
    yield stage
    for node in stage.collective.nodes:
        node.classes, node.facts, node.failing = [], {}, {}


def blocks(section: str) -> list[str]:
    """The plays that a section of the guide shows."""
    text = (GUIDES / "inventory_guide.rst").read_text(encoding="utf-8")
    _title, body = text.split(f"\n{section}\n{'-' * len(section)}\n")
    body = re.split(r"\n\S.*\n-+\n", body)[0]
    found = re.findall(r"^\.\. code-block:: yaml\n\n((?: {4}.*\n|\n)+)", body, re.MULTILINE)
    return [re.sub("^ {4}", "", block, flags=re.MULTILINE) for block in found]


def run_block(stage: Stage, block: str) -> Counts:
    """Run a play of the documentation as it stands."""
    path = Path(stage.path("shown.yml"))
    path.write_text(block, encoding="utf-8")
    inventories = ("-i", stage.path("our.mcollective.yml"), "-i", stage.path("down.ini"))
    return stage.run("ansible-playbook", *inventories, str(path))


def test_the_first_play_on_hosts_needs_no_more_than_a_local_connection(web: Stage) -> None:
    recap = run_block(web, blocks("A play")[0])
    assert all(recap[name]["ok"] == 2 for name in NAMES), web.output
    assert (recap["down"]["unreachable"], recap["down"]["failed"]) == (1, 0), web.output


@pytest.mark.parametrize("number", [0, 1])
def test_hosts_that_are_down_need_not_be_waited_for(web: Stage, number: int) -> None:
    recap = run_block(web, blocks("Hosts that are down")[number])
    for counts in recap.values():
        assert (counts["unreachable"], counts["failed"]) == (0, 0), web.output
    assert [recap[name]["changed"] for name in NAMES] == [1, 1, 1], web.output
    assert recap.get("down", {}).get("changed", 0) == 0
    # By the inventory, the ping and the restart.
    assert web.asked == dict.fromkeys(NAMES, 3)


def test_the_first_play_of_the_readme_fails_if_it_should(web: Stage) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    play = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)[0]
    recap = run_block(web, play)
    assert "3 restarted" in web.output and recap["localhost"]["failed"] == 0, web.output
    web.collective.nodes[1].failing = {"service.restart": "the disk is full"}
    recap = run_block(web, play)
    assert "web2" in web.output and "the disk is full" in web.output, web.output
    assert recap["localhost"]["failed"] == 1
    web.collective.nodes[1].silent = {"service.restart"}
    slow = play.replace("        agent: service\n", "        agent: service\n        timeout: 1\n")
    recap = run_block(web, slow)
    assert "nodes did not answer" in web.output and "web2" in web.output, web.output
    assert recap["localhost"]["failed"] == 1
    for node in web.collective.nodes:
        node.facts = {"site": "geneva"}
    recap = run_block(web, play)
    assert "no node answered the discovery for agent service" in web.output
    assert recap["localhost"]["failed"] == 1


DDL = """
metadata :name => "web", :description => "d", :author => "a", :license => "l", :version => "1",
         :url => "u", :timeout => 5
action "listen", :description => "d" do
  input :port, :prompt => "p", :description => "d", :type => :integer, :optional => false
end
"""


def test_the_example_on_the_command_line_is_understood(stage: Stage) -> None:
    guide = (GUIDES / "rpc_guide.rst").read_text(encoding="utf-8")
    (example,) = re.findall(r"""``-a "(agent=web .*?)"``""", guide)
    Path(stage.path("web.ddl")).write_text(DDL)
    module = ("localhost", "-m", "pymco.mcollective.mcollective_rpc", "-a")
    stage.run("ansible", *module, f"{example} ddl_path={stage.path('')}")
    assert "no node answered the discovery for agent web" in stage.output, stage.output
    wrong = example.replace("80", "http")
    stage.run("ansible", *module, f"{wrong} ddl_path={stage.path('')}")
    assert "port" in stage.output and "no node answered" not in stage.output, stage.output
