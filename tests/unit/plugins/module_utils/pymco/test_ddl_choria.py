# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DDLs of Choria's agents: where they are found, and which are built in."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import lookup
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.described import describe
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.test_ddl_model import (
    DOCUMENT,
    found_in,
    write,
)

if t.TYPE_CHECKING:
    from pathlib import Path


def json_ddl(path: Path, about: str) -> str:
    """Write a DDL in JSON, whose action has this description."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "metadata": {**DOCUMENT["metadata"], "name": path.stem},
        "actions": [{"action": "a", "description": about, "input": {}, "output": {}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return about


def of_choria(*libdirs: Path, paths: t.Sequence[Path] = ()) -> ddl.Library:
    return ddl.Library([*map(str, libdirs)], [*map(str, paths)], "choria")


def test_choria_looks_below_its_directories_and_the_last_file_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    steps = [
        second / "choria" / "agent" / "a" / "b" / "thing.json",
        second / "choria" / "agent" / "thing.json",
        second / "choria" / "agent" / "u" / "thing.json",
        second / "mcollective" / "agent" / "thing.json",
        second / "mcollective" / "agent" / "thinga" / "thing.json",
        first / "choria" / "agent" / "thing.json",
        first / "mcollective" / "agent" / "thing.json",
    ]
    for number, step in enumerate(steps):
        json_ddl(step, str(number))
        # The libdirs of a Library are in the order of the search, which begins with the one that wins.
        assert found_in(of_choria(first, second)) == str(number)
    json_ddl(tmp_path / "own" / "thing.json", "own")
    assert found_in(of_choria(first, second, paths=[tmp_path / "own"])) == "own"
    # MCollective looks in one directory only.
    assert found_in(ddl.Library([str(second)])) == "3"


def test_json_comes_before_the_ruby_form_in_choria(tmp_path: Path) -> None:
    write(tmp_path / "mcollective" / "agent" / "thing.ddl", "ruby")
    assert found_in(of_choria(tmp_path)) == "ruby"
    json_ddl(tmp_path / "choria" / "agent" / "thing.json", "json")
    assert found_in(of_choria(tmp_path)) == "json"
    write(tmp_path / "own" / "thing.ddl", "ruby")
    assert found_in(of_choria(paths=[tmp_path / "own"])) == "ruby"
    json_ddl(tmp_path / "own" / "thing.json", "json")
    assert found_in(of_choria(paths=[tmp_path / "own"])) == "json"


def test_what_is_built_in_comes_before_the_libdirs_in_choria(tmp_path: Path) -> None:
    json_ddl(tmp_path / "choria" / "agent" / "rpcutil.json", "file")
    found = of_choria(tmp_path).agent("rpcutil")
    assert found is not None and found.path == ""
    own = tmp_path / "choria" / "agent"
    assert found_in(of_choria(paths=[own]), "rpcutil") == "file"


def test_names_of_choria_are_found_wherever_they_are(tmp_path: Path) -> None:
    json_ddl(tmp_path / "choria" / "agent" / "deep" / "er" / "one.json", "")
    json_ddl(tmp_path / "mcollective" / "agent" / "two.json", "")
    json_ddl(tmp_path / "mcollective" / "agent" / "not a name.json", "")
    write(tmp_path / "mcollective" / "agent" / "three.ddl")
    built_in = ["choria_util", "rpcutil", "scout"]
    assert of_choria(tmp_path).names("agent") == sorted([*built_in, "one", "two", "three"])
    assert of_choria(tmp_path).names("data") == []
    assert of_choria().data("fstat") is None


def test_a_search_below_directories_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "choria" / "agent"
    json_ddl(root / "a" / "thing.json", "found")
    (root / "loop").symlink_to(root)
    (root / "b").mkdir()
    (root / "b" / "link.json").symlink_to(root / "a" / "thing.json")
    assert of_choria(tmp_path).names("agent")[1:3] == ["link", "rpcutil"]
    json_ddl(root.joinpath(*"123456789") / "deep.json", "")
    with pytest.raises(exc.UnreadableDDL, match="too many files or directories below it") as caught:
        of_choria(tmp_path).agent("thing")
    assert caught.value.path == str(root)
    monkeypatch.setattr(lookup, "MAX_FILES", 2)
    with pytest.raises(exc.UnreadableDDL, match="too many files or directories below it"):
        of_choria(tmp_path).agent("other")


def test_choria_has_agents_of_its_own_built_in() -> None:
    rpcutil, old = of_choria().agent("rpcutil"), ddl.Library().agent("rpcutil")
    assert rpcutil is not None and old is not None
    assert set(rpcutil.actions) == set(old.actions)
    assert set(rpcutil.actions["inventory"].outputs) - set(old.actions["inventory"].outputs) == {
        *("machines", "upgradable")
    }
    long = 'a.b|#(c=="d").e' * 10
    ddl.check_request(rpcutil, "get_fact", {"fact": long})
    with pytest.raises(exc.InvalidArgument):
        ddl.check_request(old, "get_fact", {"fact": long})
    scout = of_choria().agent("scout")
    assert scout is not None
    ddl.check_request(scout, "trigger", {"checks": ["disk"]})
    with pytest.raises(exc.InvalidArgument, match="value should be a Array"):
        ddl.check_request(scout, "trigger", {"checks": "disk"})
    assert ddl.Library().agent("scout") is None


def test_choria_sends_the_defaults_of_optional_inputs_too() -> None:
    def item(**more: t.Any) -> dict[str, t.Any]:
        return {"prompt": "p", "description": "d", "type": "string", "validation": ".", **more}

    inputs = {
        "needed": item(optional=False, default="n"),
        "left": item(optional=True, default="l"),
        # Its own rule would refuse it, but nobody has given it.
        "empty": item(optional=True, default=""),
        "none": item(optional=True, default=None),
    }
    document = {
        "metadata": DOCUMENT["metadata"],
        "actions": [{"action": "a", "description": "d", "input": inputs, "output": {}}],
    }
    found = t.cast("ddl.AgentDDL", ddl.read_json(json.dumps(document), "agent", "thing", "x"))
    assert ddl.check_request(found, "a", {}).arguments == {":needed": "n"}
    checked = ddl.check_request(found, "a", {}, dialect="choria")
    assert checked.arguments == {":needed": "n", ":left": "l", ":empty": ""}
    with pytest.raises(exc.InvalidArgument, match="value should match"):
        ddl.check_request(found, "a", {"left": ""}, dialect="choria")


@pytest.mark.parametrize(
    ("service", "dialect"), [(True, "choria"), (True, "mcollective"), (False, "choria")]
)
def test_a_service_of_choria_is_refused(tmp_path: Path, service: bool, dialect: str) -> None:
    json_ddl(tmp_path / "thing.json", "")
    document = json.loads((tmp_path / "thing.json").read_text())
    document["metadata"]["service"] = service
    (tmp_path / "thing.json").write_text(json.dumps(document))
    library = ddl.Library([], [str(tmp_path)], dialect)
    request = Request("thing", "a")
    if service and dialect == "choria":
        with pytest.raises(
            exc.BadRequest, match="thing is a service, for which Choria chooses one"
        ):
            describe(request, library)
    else:
        assert describe(request, library).action is not None


@pytest.mark.parametrize(
    ("kind", "rule", "good", "bad"),
    [
        ("string", "ipaddress", ["192.0.2.1", "2001:db8::1"], ["192.0.2", "x", 1]),
        ("string", "ipv4address", ["192.0.2.1"], ["2001:db8::1"]),
        ("string", "ipv6address", ["2001:db8::1"], ["192.0.2.1"]),
        ("string", "shellsafe", ["a b"], ["a;b", "`a`"]),
        ("string", "^[a-z]+$", ["abc"], ["ABC", "", 1, None]),
        ("Hash", None, [{}, {"a": 1}], ["{}", []]),
        ("hash", None, [{}], [1]),
        ("Array", None, [[], [1]], ["a", {}]),
        ("number", None, [1, 1.5], ["1", True]),
        ("integer", None, [1], [1.5]),
    ],
)
def test_rules_of_inputs(kind: str, rule: str | None, good: list[t.Any], bad: list[t.Any]) -> None:
    item = {"prompt": "p", "description": "d", "type": kind, "optional": False, "maxlength": 0}
    document = {
        "metadata": DOCUMENT["metadata"],
        "actions": [
            {"action": "a", "description": "d", "input": {"x": {**item, "validation": rule}}}
        ],
    }
    found = t.cast("ddl.AgentDDL", ddl.read_json(json.dumps(document), "agent", "thing", "x"))
    assert not found.unread
    for value in good:
        checked = ddl.check_request(found, "a", {"x": value}, dialect="choria")
        assert (checked.arguments, checked.unchecked) == ({":x": value}, [])
    for value in bad:
        with pytest.raises(exc.InvalidArgument, match="value should"):
            ddl.check_request(found, "a", {"x": value}, dialect="choria")
