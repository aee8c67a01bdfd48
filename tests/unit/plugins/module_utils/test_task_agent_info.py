# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mcollective_agent_info: DDLs as data."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
    plain,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    options,
    unwarned,
)

DDL = r"""
metadata :name => "Spooler", :description => "Prints", :author => "us", :license => "none",
         :version => "1.2", :url => "https://example.com/", :timeout => 7, :more => :odd
requires :mcollective => "2.2.1"
usage "Use it with paper"
action "print", :description => "Print a file" do
  display :always
  input :path, :prompt => "Path", :description => "What to print", :type => :string,
        :validation => /^\/\w+$/i, :optional => false, :maxlength => 64, :default => "/tmp/x"
  input :queue, :prompt => "Queue", :description => "Where", :type => :string,
        :validation => :shellsafe, :optional => true, :maxlength => 0
  input :paper, :prompt => "Paper", :description => "On what", :type => :list,
        :list => ["a4", 5, :letter], :optional => true
  input :copies, :prompt => "Copies", :description => "How many", :type => :integer,
        :optional => true
  output :pages, :description => "How many pages", :display_as => "Pages", :default => 0
  summarize do
    aggregate summary(:pages, :format => "%s pages")
  end
end
action "stop", :description => "Stop it"
"""


def info(warn: t.Callable[[str], None] = unwarned, **given: t.Any) -> dict[str, t.Any]:
    """Return what the task returns without a configuration."""
    task = AgentInfoTask(options(AgentInfoTask, **given), warn, environ={"HOME": "/no/such"})
    return task.run(check_mode=False)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory with a DDL."""
    (tmp_path / "spooler.ddl").write_text(DDL)
    return tmp_path


def test_all_that_a_ddl_says_is_returned(folder: pathlib.Path) -> None:
    returned = info(agent="spooler", ddl_path=[str(folder)])
    assert json.loads(json.dumps(returned)) == returned
    assert returned["changed"] is False
    found = returned["ddl"]
    assert (found["name"], found["path"]) == ("spooler", str(folder / "spooler.ddl"))
    assert found["metadata"] == {
        "name": "Spooler",
        "description": "Prints",
        "author": "us",
        "license": "none",
        "version": "1.2",
        "url": "https://example.com/",
        "timeout": 7,
        "more": "odd",
    }
    assert (found["usage"], found["requires"]) == ("Use it with paper", {"mcollective": "2.2.1"})
    printing, stopping = found["actions"]
    assert (printing["name"], printing["description"]) == ("print", "Print a file")
    assert printing["display"] == "always"
    rest = dict.fromkeys(["default", "validation", "validator", "maxlength", "list"])
    assert printing["inputs"] == [
        {
            **rest,
            "name": "path",
            "prompt": "Path",
            "description": "What to print",
            "type": "string",
            "optional": False,
            "default": "/tmp/x",
            "validation": r"(?i:^/\w+$)",  # as Ruby has it
            "maxlength": 64,
        },
        {
            **rest,
            "name": "queue",
            "prompt": "Queue",
            "description": "Where",
            "type": "string",
            "optional": True,
            "validator": "shellsafe",
            "maxlength": 0,
        },
        {
            **rest,
            "name": "paper",
            "prompt": "Paper",
            "description": "On what",
            "type": "list",
            "optional": True,
            "list": ["a4", 5, "letter"],
        },
        {
            **rest,
            "name": "copies",
            "prompt": "Copies",
            "description": "How many",
            "type": "integer",
            "optional": True,
        },
    ]
    assert printing["outputs"] == [
        {"name": "pages", "description": "How many pages", "display_as": "Pages", "default": 0}
    ]
    assert printing["aggregates"] == [
        {"function": "summary", "output": "pages", "format": "%s pages"}
    ]
    assert stopping == {
        "name": "stop",
        "description": "Stop it",
        "display": "failed",
        "inputs": [],
        "outputs": [],
        "aggregates": [],
    }


def test_what_is_built_in_needs_nothing() -> None:
    found = info(agent="rpcutil")["ddl"]
    assert found["path"] is None
    assert {"ping", "inventory", "get_facts"} <= {action["name"] for action in found["actions"]}


def test_the_libdir_of_the_configuration_is_looked_through(folder: pathlib.Path) -> None:
    place = folder / "lib" / "mcollective" / "agent"
    place.mkdir(parents=True)
    (place / "spooler.ddl").write_text(DDL)
    cfg = folder / "client.cfg"
    cfg.write_text(f"libdir = {folder / 'lib'}\n")
    for given in ({"config_file": str(cfg)}, {"config": {"libdir": str(folder / "lib")}}):
        assert info(agent="spooler", **given)["ddl"]["path"] == str(place / "spooler.ddl")


def test_the_configuration_is_found_where_mco_finds_it(folder: pathlib.Path) -> None:
    (folder / ".mcollective").write_text("libdir = relative\n")
    given = options(AgentInfoTask, agent="x")
    task = AgentInfoTask(given, unwarned, environ={"HOME": str(folder)})
    with pytest.raises(TaskFailed, match="libdir relative is relative"):
        task.run(check_mode=False)


def test_a_configuration_that_is_named_must_be_there() -> None:
    with pytest.raises(TaskFailed, match=r"/no/such\.cfg: No such file"):
        info(agent="rpcutil", config_file="/no/such.cfg")


def test_an_unknown_agent_is_told_with_those_that_are_known(folder: pathlib.Path) -> None:
    with pytest.raises(TaskFailed) as caught:
        info(agent="nosuch", ddl_path=[str(folder)], config={"libdir": "/l1:/l2"})
    assert str(caught.value) == (
        f"there is no DDL of the agent nosuch in {folder}, the libdir /l2 and /l1, what is built in;"
        " there are DDLs of rpcutil, spooler"
    )


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(TaskFailed, match=r"'\.\./x' is no name of a plugin"):
        info(agent="../x")


def test_without_an_agent_all_are_listed_and_unreadable_ones_warned_of(
    folder: pathlib.Path,
) -> None:
    (folder / "agent").mkdir()
    (folder / "agent" / "broken.ddl").write_text("metadata(")
    (folder / "agent" / "no agent.ddl").write_text("")
    (folder / "agent" / "README").write_text("")
    (folder / "single.ddl").write_text(DDL)
    warnings: list[str] = []
    paths = [str(folder / "single.ddl"), str(folder)]
    returned = info(warnings.append, ddl_path=paths)
    assert [agent["name"] for agent in returned["agents"]] == ["rpcutil", "single", "spooler"]
    assert returned["agents"][2] == {
        "name": "spooler",
        "description": "Prints",
        "version": "1.2",
        "path": str(folder / "spooler.ddl"),
        "actions": ["print", "stop"],
    }
    (warning,) = warnings
    assert warning.startswith(f"the DDL cannot be read: {folder / 'agent' / 'broken.ddl'}, line 1")


def test_what_could_be_read_is_told_with_what_could_not(folder: pathlib.Path) -> None:
    (folder / "partly.ddl").write_text(DDL + "\nusage `date`\n")
    warnings: list[str] = []
    returned = info(warnings.append, ddl_path=[str(folder)], agent="partly")
    line = DDL.count("\n") + 2
    gap = {"line": line, "reason": "` is unexpected", "action": None}
    assert returned["ddl"]["unread"] == [gap]
    assert [action["name"] for action in returned["ddl"]["actions"]] == ["print", "stop"]
    (warning,) = warnings
    assert warning.endswith(f"partly.ddl, line {line}: ` is unexpected")


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TaskFailed, match="/no/such: no such file or directory"):
        info(ddl_path=["/no/such"])


@pytest.mark.parametrize(
    "value,expected",
    [
        (ddl.Regexp("^a$"), "^a$"),
        (ddl.Regexp("a", "im"), "(?im:a)"),
        (ddl.RubyClass("Array"), "Array"),
        (float("inf"), "Infinity"),
        ((Symbol("a"), [ddl.Regexp("b")]), ["a", ["b"]]),
        ({Symbol("a"): ddl.RubyClass("Hash"), ddl.Regexp("k"): 1}, {"a": "Hash", "/k/": 1}),
        (b"\xff", {"content": "/w==", "encoding": "base64"}),
    ],
)
def test_values_of_a_ddl_become_what_json_can_carry(value: t.Any, expected: t.Any) -> None:
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_its_help_is_a_text_for_people() -> None:
    text = info(agent="rpcutil")["help"]
    assert text.startswith("rpcutil 2.12.5\n  What every node tells about itself\n  by ")
    assert (
        "\n\nget_fact\n  Ask for one fact\n  inputs:\n    fact (string, required, must fit ^[\\w\\-\\.]+$, at most 40"
        " characters): The name of the fact\n  outputs:\n    fact: The name of the fact\n    value: Its value\n"
    ) in text
    assert max(map(len, text.splitlines())) <= 100
