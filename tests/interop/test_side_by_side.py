# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that puts our commands beside those of mco: each of its lines is run, and mco is the judge."""

from __future__ import annotations

import re
import shlex
import typing as t

import pytest
from conftest import FEW
from side_by_side import PLAYS, ROWS, Result, Row, answered, here, named

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.real.collective import Collective

pytestmark = pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")

ALL = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB = ALL[2:]

Judge = t.Callable[[str, Result], None]


# -- judges ----------------------------------------------------------------------------------------


def same_nodes(theirs: str, ours: Result) -> None:
    """Both name the same nodes, and there are some."""
    assert named(theirs) == answered(ours) != []


def filters(theirs: str, ours: Result) -> None:
    assert "Check if fact 'role' == 'web'" in theirs
    assert "Check if class 'common' is present on the host" in theirs
    assert ours["filters"] == ["agent rpcutil", "class common", "fact role==web"]


def inventory(theirs: str, ours: Result) -> None:
    (node,) = ours["node_info"]
    assert re.findall(r"Inventory for (\S+):", theirs) == [node["identity"]]
    told = dict(re.findall(r"^ +([A-Z][A-Za-z ]+): (.+)$", theirs, re.MULTILINE))
    stats = node["stats"]
    assert told["Version"] == node["version"] == stats["version"]
    assert told["Config File"] == stats["configfile"]
    assert told["Process ID"] == str(stats["pid"])
    assert told["Main Collective"] == node["main_collective"]
    assert told["Collectives"] == ", ".join(node["collectives"])
    # mco came first, so the node has had more since.
    for words, name in (("Total Messages", "total"), ("Replies Sent", "replies")):
        assert int(told[words]) < stats[name]
    words = set(theirs.split())
    assert set(node["agents"]) | set(node["classes"]) <= words
    assert {name[: -len("_data")] for name in node["data_plugins"]} <= words
    facts = theirs.partition("   Facts:")[2]
    assert {name for name in node["facts"] if f"      {name} => " not in facts} == set()


def collectives(theirs: str, ours: Result) -> None:
    counts = dict(re.findall(r"^ +(\S+) +(\d+)$", theirs, re.MULTILINE))
    found = {each["name"]: str(len(each["nodes"])) for each in ours["collectives"]}
    assert found.items() == counts.items()
    assert found


def values(theirs: str, ours: Result) -> None:
    counts = dict(re.findall(r"^ +(\S+) +found (\d+) times$", theirs, re.MULTILINE))
    (table,) = [each for each in ours["summary"] if each["output"] == "value"]
    assert counts == {each["value"]: str(each["count"]) for each in table["counts"]}
    assert counts["web"] == "2"


def agents(theirs: str, ours: Result) -> None:
    described = dict(re.findall(r"^  (\w+) +(\S.*)$", theirs.partition("Agents:")[2], re.MULTILINE))
    found = {each["name"]: each["description"] for each in ours["agents"]}
    assert {"rpcutil", "discovery", "probe", "service"} <= set(found)
    assert found["rpcutil"] == described["rpcutil"]
    assert next(each for each in ours["agents"] if each["name"] == "sleeper")["nodes"] == WEB


def ddl(theirs: str, ours: Result) -> None:
    for action in ours["ddl"]["actions"]:
        assert f"{action['name']}" in theirs
        assert action["description"] in theirs


def sent(theirs: str, ours: Result) -> None:
    assert re.search(r"Request sent with id: \w+", theirs)
    assert (ours["replies"], len(ours["stats"]["requestid"])) == ([], 32)


def help_(theirs: str, ours: Result) -> None:
    assert "inventory" in theirs
    assert "pymco.mcollective.mcollective_node_info" in ours["output"]


def as_many_nodes(theirs: str, ours: Result) -> None:
    """Which ones a seed picks depends on the order in which nodes answered the discovery."""
    assert len(named(theirs)) == len(answered(ours)) == 2


JUDGES: dict[str, Judge] = {
    "mco describe_filter": filters,
    "mco inventory web1.example.com": inventory,
    "mco inventory --list-collectives": collectives,
    "mco facts": values,
    "mco plugin doc agent/service": ddl,
    "mco plugin doc": agents,
    "mco rpc rpcutil ping --no-results": sent,
    "mco rpc rpcutil ping --limit 2": as_many_nodes,
    "mco rpc": same_nodes,
    "mco help": help_,
}
"""What holds of the two outputs, by the beginning of mco's command. The first one counts. The default is
:func:`same_nodes`."""


def judge_of(command: str) -> Judge:
    found = [judge for start, judge in JUDGES.items() if command.startswith(start)]
    return found[0] if found else same_nodes


# -- the lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ROWS, ids=[row.mco for row in ROWS])
def test_a_line_does_what_mco_does(ansible: Ansible, collective: Collective, row: Row) -> None:
    program, *arguments = shlex.split(row.mco)
    assert program == "mco"
    theirs = collective.mco(*arguments)
    judge_of(row.mco)(theirs.stdout, here(ansible, collective.client_cfg, row.ours))


def test_every_judge_has_its_line(collective: Collective) -> None:
    del collective
    assert [start for start in JUDGES if not any(row.mco.startswith(start) for row in ROWS)] == []
    assert len(ROWS) > 20


def test_the_plays_of_the_page(ansible: Ansible, collective: Collective, tmp_path: Path) -> None:
    path = tmp_path / "play.yml"
    path.write_text("".join(PLAYS))
    environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
    done = ansible.run("ansible-playbook", str(path), **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert named(done.stdout) == WEB
    lines = (tmp_path / "report.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in lines] == ALL
    assert lines[2] == "web1.example.com: web, common role::web"
