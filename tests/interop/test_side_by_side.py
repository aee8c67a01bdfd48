# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that puts our commands beside those of mco: each of its lines is run, and mco is the judge."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import typing as t

import pytest
from conftest import FEW, ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible
    from testbed.real.collective import Collective

pytestmark = pytest.mark.parametrize("collective", FEW[1:2], indirect=True, scope="session")

PAGE = (ROOT / "docs" / "docsite" / "rst" / "side_by_side.rst").read_text()
PLAYS = [
    textwrap.dedent(block)
    for block in re.findall(r"^\.\. code-block:: yaml\n\n((?: {4}.*\n|\n)+)", PAGE, re.MULTILINE)
]
ALL = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB = ALL[2:]

Result = dict[str, t.Any]
Judge = t.Callable[[str, Result], None]


def _literal(cell: str) -> str:
    found = re.search(r"``(.+?)``", " ".join(cell.split()))
    return found[1] if found else ""


def rows() -> dict[str, str]:
    """Our commands, by those of mco, from the tables that have a column for choria."""
    found = {}
    for row in re.split(r"^  \* - ", PAGE, flags=re.MULTILINE)[1:]:
        cells = re.split(r"^    - ", row.split("\n\n")[0], flags=re.MULTILINE)
        if len(cells) == 3 and _literal(cells[0]) != "mco":
            found[_literal(cells[0])] = _literal(cells[2])
    return found


ROWS = rows()


# -- judges ----------------------------------------------------------------------------------------


def named(text: str) -> list[str]:
    """The nodes that occur in a text."""
    return sorted(set(re.findall(r"\b(?:web|db|old)\d\.example\.com\b", text)))


def same_nodes(theirs: str, ours: Result) -> None:
    """Both name the same nodes, and there are some. mco rpc names nodes that have answered."""
    nodes = [reply["sender"] for reply in ours["replies"]] if "replies" in ours else ours["nodes"]
    names = [node["identity"] if isinstance(node, dict) else node for node in nodes]
    assert named(theirs) == sorted(names) != []


def filters(theirs: str, ours: Result) -> None:
    assert "Check if fact 'role' == 'web'" in theirs
    assert "Check if class 'common' is present on the host" in theirs
    assert ours["filters"] == ["agent rpcutil", "class common", "fact role == web"]


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
    counts = dict(re.findall(r"^ +(\S+) found (\d+) times$", theirs, re.MULTILINE))
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


JUDGES: dict[str, Judge] = {
    "mco describe_filter": filters,
    "mco inventory web1.example.com": inventory,
    "mco inventory --list-collectives": collectives,
    "mco facts": values,
    "mco plugin doc agent/service": ddl,
    "mco plugin doc": agents,
    "mco rpc rpcutil ping --no-results": sent,
    "mco rpc": same_nodes,
    "mco help": help_,
}
"""What holds of the two outputs, by the beginning of mco's command. The first one counts. The default is
:func:`same_nodes`."""


def judge_of(command: str) -> Judge:
    found = [judge for start, judge in JUDGES.items() if command.startswith(start)]
    return found[0] if found else same_nodes


# -- the lines -------------------------------------------------------------------------------------


def here(ansible: Ansible, collective: Collective, command: str) -> Result:
    """Run a command of ours. Return the result of its task, or what it prints."""
    program, *arguments = shlex.split(command)
    environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(collective.client_cfg)}
    done = ansible.run(program, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    if program != "ansible":
        return {"output": done.stdout}
    start, end = done.stdout.find("=> {"), done.stdout.rfind("}")
    assert start >= 0, done.stdout + done.stderr
    return t.cast("Result", json.loads(done.stdout[start + 3 : end + 1]))


@pytest.mark.parametrize("command", list(ROWS))
def test_a_line_does_what_mco_does(ansible: Ansible, collective: Collective, command: str) -> None:
    assert ROWS[command]
    program, *arguments = shlex.split(command)
    assert program == "mco"
    theirs = collective.mco(*arguments)
    judge_of(command)(theirs.stdout, here(ansible, collective, ROWS[command]))


def test_every_judge_has_its_line(collective: Collective) -> None:
    del collective
    assert [start for start in JUDGES if not any(row.startswith(start) for row in ROWS)] == []
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
