# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a task of a host is about, and what becomes of a host whose node is silent, in plays on an embedded collective."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    from conftest import Ansible

NAMES = ("web1", "web2", "web3")
STATIC = """
all:
  children:
    known:
      hosts:
        one:
          mcollective_identity: web1
        two:
          mcollective_identity: "{{ 'web' ~ 2 }}"
        dead:
          mcollective_identity: nosuch
    plain:
      hosts:
        web1:
        web3:
"""
PING = {"agent": "rpcutil", "action": "ping", "read_only": True, "discovery_timeout": 1}
ALONE = {"timeout": 1}
"""Options for a node that is not there."""
MODULE = {"async": 60, "poll": 1}
"""Keywords that have the module run, in a process of its own."""
SHOW = {
    "ansible.builtin.debug": {
        "msg": "<{{ inventory_hostname }} about {{ result.nodes | join('+') }}>"
    }
}
"""A task that shows the nodes of the result of the host."""
PYTHON = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
_RECAP = re.compile(r"^(\S+) +: (ok=.*)$", re.MULTILINE)
_COUNT = re.compile(r"(\w+)=(\d+)")

Counts = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def collective() -> t.Iterator[EmbeddedCollective]:
    """Three nodes."""
    with EmbeddedCollective([Node(name) for name in NAMES], "psk") as running:
        yield running


class Stage:
    """Runs plays, and tells what has become of hosts and which nodes have been asked."""

    def __init__(self, ansible: Ansible, collective: EmbeddedCollective, place: Path) -> None:
        self._ansible, self._place, self.collective = ansible, place, collective
        self.environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
        (place / "static.yml").write_text(STATIC)
        (place / "single.yml").write_text("{all: {hosts: {bastion: {}}}}")
        (place / "our.mcollective.yml").write_text(
            "plugin: pymco.mcollective.mcollective\nexpected_nodes: 3\n"
        )
        self.output = ""
        self._before = [node.requests for node in collective.nodes]

    @property
    def asked(self) -> dict[str, int]:
        """How many requests nodes have had from plays, if they had any."""
        pairs = zip(self.collective.nodes, self._before)
        counts = {node.identity: node.requests - before for node, before in pairs}
        return {name: count for name, count in counts.items() if count}

    def play(
        self,
        *tasks: dict[str, t.Any],
        hosts: str = "known",
        inventory: str = "static.yml",
        arguments: t.Sequence[str] = (),
        **keywords: t.Any,
    ) -> Counts:
        """Run a play. Return the recap."""
        play = {"hosts": hosts, "gather_facts": False, "connection": "local", "tasks": tasks}
        variables = {**PYTHON, "ansible_async_dir": self.path("async"), **keywords.pop("vars", {})}
        path = self._place / "play.yml"
        path.write_text(json.dumps([{**play, **keywords, "vars": variables}]))
        words = ("-i", str(self._place / inventory), *arguments)
        return self.run("ansible-playbook", *words, str(path))

    def run(self, program: str, *words: str) -> Counts:
        """Run a program. Return the recap, if there is one."""
        done = self._ansible.run(program, *words, **self.environment)
        self.output = " ".join((done.stdout + done.stderr).split())
        return {
            host: {name: int(count) for name, count in _COUNT.findall(counts)}
            for host, counts in _RECAP.findall(done.stdout)
        }

    def path(self, name: str) -> str:
        """The path of a file of the play."""
        return str(self._place / name)

    @property
    def results(self) -> dict[str, list[str]]:
        """The nodes that :data:`SHOW` has shown, by host."""
        found = re.findall(r"<(\S+) about (\S*)>", self.output)
        return {host: nodes.split("+") for host, nodes in found}


def rpc(**options: t.Any) -> dict[str, t.Any]:
    """A task that pings."""
    keywords = ("register", "run_once", "delegate_to", "ignore_unreachable", "async", "poll")
    own = {name: options.pop(name) for name in keywords if name in options}
    return {"pymco.mcollective.mcollective_rpc": {**PING, **options}, "register": "result", **own}


@pytest.fixture
def stage(ansible: Ansible, collective: EmbeddedCollective, tmp_path: Path) -> Stage:
    """A place for plays."""
    return Stage(ansible, collective, tmp_path)


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


# -- silence -------------------------------------------------------------------------------------

SILENT = [
    ("rpc", {**PING, **ALONE}),
    ("ping", {"discovery_timeout": 1}),
    ("node_info", ALONE),
    ("facts", ALONE),
]


@pytest.mark.parametrize("keywords", [{}, {"become": True, "become_user": "root"}])
@pytest.mark.parametrize("name,options", SILENT)
def test_a_silent_node_makes_its_host_unreachable(
    stage: Stage, name: str, options: dict[str, t.Any], keywords: dict[str, t.Any]
) -> None:
    task = {f"pymco.mcollective.mcollective_{name}": options, **keywords}
    after = {"ansible.builtin.debug": {"msg": "on {{ inventory_hostname }}"}}
    recap = stage.play(task, after, hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (1, 0), stage.output
    assert (recap["one"]["ok"], recap["one"]["unreachable"]) == (2, 0), stage.output
    assert re.search("UNREACHABLE!.*1 of 1 nodes did not answer.*: nosuch", stage.output)
    assert "on dead" not in stage.output


def test_that_a_host_is_unreachable_can_be_ignored(stage: Stage) -> None:
    after = {"ansible.builtin.debug": {"msg": "on {{ inventory_hostname }}"}}
    recap = stage.play(rpc(**ALONE, ignore_unreachable=True), after, hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (0, 0), stage.output
    assert "on dead" in stage.output


def test_it_is_unreachable_in_the_background_too(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, **MODULE), hosts="one,dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["failed"]) == (1, 0), stage.output
    assert recap["one"]["ok"] == 1


@pytest.mark.parametrize(
    "hosts,node,unreachable",
    [("localhost", "nosuch", 0), ("one", "nosuch", 0), ("dead", "nosuch", 1)],
)
def test_facts_of_another_node_make_nobody_unreachable(
    stage: Stage, hosts: str, node: str, unreachable: int
) -> None:
    facts = {"pymco.mcollective.mcollective_facts": {**ALONE, "node": node}}
    recap = stage.play(facts, hosts=hosts)
    counts = recap[hosts]["unreachable"], recap[hosts]["failed"]
    assert counts == (unreachable, 1 - unreachable), stage.output


@pytest.mark.parametrize("both", [False, True])
def test_gather_facts_through_our_action_is_like_a_task(stage: Stage, both: bool) -> None:
    """It knows the host, reads ansible.cfg, and leaves other modules to Ansible's action."""
    cfg = Path(stage.path("ansible.cfg"))
    path = stage.environment.pop("ANSIBLE_MCOLLECTIVE_CONFIG_FILE")
    cfg.write_text(f"[mcollective_collection]\nconfig_file = {path}\n")
    stage.environment["ANSIBLE_CONFIG"] = str(cfg)
    show = {
        "ansible.builtin.debug": {
            "msg": "<{{ inventory_hostname }} about {{ ansible_facts.mcollective.identity }}>"
            "{{ ansible_facts.pkg_mgr | default('no') }}-manager"
        }
    }
    recap = stage.play(
        show,
        gather_facts=True,
        collections=["pymco.mcollective"],
        vars={
            "ansible_facts_modules": [
                "mcollective_facts",
                *(["ansible.builtin.setup"] if both else []),
            ]
        },
        module_defaults={
            # Only some modules of the group have the second one.
            "group/pymco.mcollective.mcollective": {"timeout": 2, "fail_on": ["failed"]},
            "ansible.builtin.setup": {"gather_subset": ["!all", "!min", "pkg_mgr"]},
        },
    )
    assert stage.results == {"one": ["web1"], "two": ["web2"]}, stage.output
    assert ("no-manager" in stage.output) is not both
    assert recap["dead"]["unreachable"] == 1, stage.output
    assert "1 of 1 nodes did not answer: nosuch within 2 s" in stage.output


def test_gather_facts_fails_for_a_silent_node(stage: Stage) -> None:
    recap = stage.play(
        hosts="dead",
        gather_facts=True,
        vars={"ansible_facts_modules": ["pymco.mcollective.mcollective_facts"]},
        module_defaults={
            "pymco.mcollective.mcollective_facts": {**ALONE, "node": "{{ mcollective_identity }}"}
        },
    )
    assert recap["dead"]["failed"] == 1, stage.output


def test_silence_that_the_task_allows_is_no_failure(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, fail_on=["failed"]), hosts="dead")
    assert (recap["dead"]["unreachable"], recap["dead"]["ok"]) == (0, 1), stage.output


def test_a_selection_of_silent_nodes_makes_nobody_unreachable(stage: Stage) -> None:
    recap = stage.play(rpc(**ALONE, nodes=["nosuch"]), hosts="one,dead")
    for host in ("one", "dead"):
        assert (recap[host]["unreachable"], recap[host]["failed"]) == (0, 1), stage.output


@pytest.mark.parametrize("name", ["rpc", "facts"])
def test_a_broker_that_is_down_is_a_failure_of_the_control_host(stage: Stage, name: str) -> None:
    options = {"brokers": [{"host": "127.0.0.1", "port": 1}], "connect_timeout": 1}
    task = {f"pymco.mcollective.mcollective_{name}": options}
    if name == "rpc":
        task = rpc(**options)
    recap = stage.play(task, hosts="one")
    assert (recap["one"]["unreachable"], recap["one"]["failed"]) == (0, 1), stage.output
    assert "cannot connect" in stage.output


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
