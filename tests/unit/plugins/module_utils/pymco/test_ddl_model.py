# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DDLs as data: the model, both forms, where DDLs are found, and which are built in."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import builtin
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

METADATA = """metadata :name => "pkg", :description => "Packages", :author => "A <a@b>", :license => "L",
         :version => "1.2", :url => "U", :timeout => 180, :provider => "ruby"
"""
AGENT = METADATA + """requires :mcollective => "2.2.1"
usage "Use it."
action "install", :description => "Installs" do
  display :always
  input :package, :prompt => "Package", :description => "Which", :type => :string,
        :validation => :shellsafe, :optional => false, :maxlength => 90, :unknown => 1
  input "mode", :prompt => "Mode", :description => "How", :type => :list, :list => ["a", "b"],
        :optional => true, :default => "a"
  output :ensure, :description => "Version", :display_as => "Ensure", :default => "absent"
  summarize do
    aggregate summary(:ensure, :format => "%s: %d")
  end
end
action "list", :description => "Lists"
"""


def test_an_agent() -> None:
    found = ddl.read_ruby(AGENT, "agent", "package", "/x/package.ddl")
    assert isinstance(found, ddl.AgentDDL)
    assert (found.kind, found.name, found.path) == ("agent", "package", "/x/package.ddl")
    assert found.metadata == ddl.Metadata(
        *("pkg", "Packages", "A <a@b>", "L", "1.2", "U", 180), {"provider": "ruby"}
    )
    assert (found.timeout, found.usage, found.requires) == (
        180,
        "Use it.",
        {"mcollective": "2.2.1"},
    )
    install = found.actions["install"]
    assert (install.display, found.actions["list"].display) == ("always", "failed")
    assert install.inputs["package"] == ddl.Input(
        *(Symbol("package"), "Package", "Which", Symbol("string"), False),
        validation=Symbol("shellsafe"),
        maxlength=90,
    )
    mode = install.inputs["mode"]
    assert (mode.name, mode.key, isinstance(mode.key, Symbol)) == ("mode", "mode", False)
    assert (mode.list, mode.default, mode.optional) == (["a", "b"], "a", True)
    assert install.outputs["ensure"].default == "absent"
    (aggregate,) = install.aggregates
    assert (aggregate.function, aggregate.format) == ("summary", "%s: %d")


def test_a_data_plugin_and_a_discovery_method() -> None:
    source = METADATA + 'dataquery :description => "D" do\n  output :a, :description => "d", '
    data = ddl.read_ruby(source + ':display_as => "A"\nend', "data", "x_data", "")
    assert isinstance(data, ddl.DataDDL)
    assert (data.defined, data.query, list(data.outputs), data.description) == (
        True,
        None,
        ["a"],
        "D",
    )
    source = METADATA + "discovery do\n  capabilities :facts, [:classes]\nend"
    discovery = ddl.read_ruby(source, "discovery", "x", "")
    assert isinstance(discovery, ddl.DiscoveryDDL)
    assert list(discovery.capabilities) == ["facts", "classes"]


REFUSED = {
    "": "it has no metadata",
    'metadata :name => "x"': "Metadata needs a :description property",
    METADATA.replace("180", '"180"'): "is no number of seconds",
    METADATA + 'requires :mcollective => "99.0"': "requires MCollective version 99.0 or newer",
    METADATA + 'action "x", {}': "Action needs a :description property",
    METADATA + 'action "x", :description => "x" do\ndisplay :never\nend': "never is not valid",
    METADATA + "output :a, {}": "Cannot figure out what entity output a belongs to",
    AGENT.replace(":optional => false,", ""): "Input needs a :optional property",
    AGENT.replace(", :maxlength => 90", ""): "Input type :string needs a :maxlength argument",
    AGENT.replace(', :display_as => "Ensure"', ""): "Output ensure needs a display_as argument",
    AGENT.replace('"mode"', '"package"'): 'both :package and "package" are declared',
    AGENT.replace("aggregate summary(", "aggregate system("): "'system' is not known",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_mcollective_refuses_is_refused_with_its_reason(source: str) -> None:
    with pytest.raises(exc.UnreadableDDL) as caught:
        ddl.read_ruby(source, "agent", "x", "x.ddl").check_whole()
    assert REFUSED[source] in caught.value.reason


# --- JSON

DOCUMENT: dict[str, t.Any] = {
    "$schema": "https://choria.io/schemas/mcorpc/ddl/v1/agent.json",
    "metadata": {
        **{name: name for name in ("name", "description", "author", "license", "url")},
        "version": "1.0.0",
        "timeout": 20,
    },
    "actions": [
        {
            "action": "install",
            "description": "Installs",
            "display": "always",
            "input": {
                "package": {
                    **{"prompt": "P", "description": "D", "type": "string", "optional": False},
                    **{"validation": "shellsafe", "maxlength": 90},
                },
                "match": {
                    **{"prompt": "P", "description": "D", "type": "string", "optional": True},
                    **{"validation": "^a", "default": "a"},
                },
                "names": {"prompt": "P", "description": "D", "type": "Array", "optional": True},
            },
            "output": {"ensure": {"description": "D", "display_as": "E", "default": None}},
            "aggregate": [{"function": "summary", "args": ["ensure", {"format": "%s: %d"}]}],
        },
        {"action": "list", "description": "Lists", "input": {}, "output": {}},
    ],
}


def test_json_says_what_the_ruby_form_says() -> None:
    found = ddl.read_json(json.dumps(DOCUMENT), "agent", "package", "package.json")
    assert isinstance(found, ddl.AgentDDL)
    install = found.actions["install"]
    inputs = install.inputs
    assert inputs["package"].validation == Symbol("shellsafe")
    assert isinstance(inputs["package"].validation, Symbol) and isinstance(
        inputs["package"].key, Symbol
    )
    assert (inputs["match"].validation, inputs["match"].maxlength) == ("^a", 0)
    assert inputs["names"].type == ddl.RubyClass("Array")
    assert install.aggregates[0].format == "%s: %d"
    assert (install.display, found.actions["list"].display) == ("always", "failed")
    summary = ddl.summarize(install, [{"ensure": "1"}, {"ensure": "1"}])
    assert summary.results[0].shown() == ["1: 2"]


def test_json_of_a_data_plugin() -> None:
    query = {"prompt": "P", "description": "D", "type": "string", "validation": ".", "maxlength": 5}
    output = {"value": {"description": "D", "display_as": "V"}}
    document = {"metadata": DOCUMENT["metadata"], "query": query, "output": output}
    found = ddl.read_json(json.dumps(document), "data", "x_data", "x_data.json")
    assert isinstance(found, ddl.DataDDL)
    assert ddl.check_query(found, "abc", "value").param == "abc"
    with pytest.raises(exc.InvalidArgument):
        ddl.check_query(found, "abcdef", "value")


def broken(**changes: t.Any) -> str:
    """The document with another first action."""
    first = {**DOCUMENT["actions"][0], **changes}
    return json.dumps({**DOCUMENT, "actions": [first]})


GOOD = {"prompt": "P", "description": "D", "type": "integer"}
BROKEN = {
    "": "no JSON",
    "[]": "the document is no object",
    "{}": "metadata is no object",
    "[" * 100_000: "no JSON that can be read",
    json.dumps({**DOCUMENT, "actions": {}}): "actions is no array",
    broken(action=""): "an action without a name",
    broken(display="never"): "Display preference never is not valid",
    broken(input={"a": {"type": "string"}}): "Input needs a :prompt property",
    broken(output={"a": {}}): "Output a needs a description argument",
    broken(aggregate=[{"function": "sum"}]): "args is no array",
}


@pytest.mark.parametrize("source", BROKEN, ids=lambda source: source[:20])
def test_json_that_is_no_ddl_is_refused(source: str) -> None:
    with pytest.raises(exc.UnreadableDDL) as caught:
        ddl.read_json(source, "agent", "x", "x.json").check_whole()
    assert BROKEN[source] in caught.value.reason


def test_what_can_be_read_of_json_is_read() -> None:
    source = broken(display="never", input={"a": {"type": "integer"}, "b": GOOD}, output=5)
    found = ddl.read_json(source, "agent", "x", "x.json")
    assert isinstance(found, ddl.AgentDDL)
    assert (found.timeout, list(found.actions["install"].inputs)) == (20, ["b"])
    assert [gap.action for gap in found.unread] == ["install"] * 3


def test_inputs_in_json_are_required_if_they_do_not_say_that_they_are_optional() -> None:
    found = ddl.read_json(broken(input={"b": GOOD}), "agent", "x", "x.json")
    assert isinstance(found, ddl.AgentDDL)
    assert (found.actions["install"].inputs["b"].optional, found.unread) == (False, ())


# --- lookup


def write(path: Path, description: str = "D", kind: str = "agent") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"agent": f'action "a", :description => "{description}"'}.get(kind, "")
    path.write_text(METADATA + body, encoding="utf-8")
    return path


def found_in(library: ddl.Library, name: str = "thing") -> str:
    found = library.agent(name)
    assert found is not None
    return str(found.actions["a"].description)


def test_libdirs_are_searched_in_their_order(tmp_path: Path) -> None:
    one, two = (tmp_path / name for name in ("one", "two"))
    for libdir in (one, two):
        write(libdir / "mcollective" / "agent" / "thing.ddl", libdir.name)
    assert found_in(ddl.Library([str(two), str(one)])) == "two"
    assert found_in(ddl.Library([str(tmp_path / "none"), str(one)])) == "one"


def test_paths_come_before_libdirs_whatever_their_shape(tmp_path: Path) -> None:
    libdir = tmp_path / "lib"
    write(libdir / "mcollective" / "agent" / "thing.ddl", "libdir")
    file = write(tmp_path / "file" / "thing.ddl", "file")
    flat = write(tmp_path / "flat" / "thing.ddl", "flat").parent
    kind = write(tmp_path / "kind" / "agent" / "thing.ddl", "kind").parents[1]
    deep = write(tmp_path / "deep" / "mcollective" / "agent" / "thing.ddl", "deep").parents[2]
    for path, name in ((file, "file"), (flat, "flat"), (kind, "kind"), (deep, "deep")):
        assert found_in(ddl.Library([str(libdir)], [str(path)])) == name
    other = write(tmp_path / "other.ddl")
    assert found_in(ddl.Library([str(libdir)], [str(other)])) == "libdir"
    with pytest.raises(exc.UnreadableDDL, match="no such file"):
        ddl.Library([], [str(tmp_path / "nowhere")]).agent("thing")


def test_the_ruby_form_comes_before_json(tmp_path: Path) -> None:
    folder = tmp_path / "mcollective" / "agent"
    folder.mkdir(parents=True)
    (folder / "thing.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    library = ddl.Library([str(tmp_path)])
    found = library.agent("thing")
    assert found is not None and found.path.endswith("thing.json")
    assert library.agent("thing") is found
    write(folder / "thing.ddl")
    again = ddl.Library([str(tmp_path)]).agent("thing")
    assert again is not None and again.path.endswith("thing.ddl")


def test_files_win_over_what_is_built_in(tmp_path: Path) -> None:
    own = ddl.Library().agent("rpcutil")
    assert own is not None and own.path == "" and "ping" in own.actions
    write(tmp_path / "mcollective" / "agent" / "rpcutil.ddl")
    found = ddl.Library([str(tmp_path)]).agent("rpcutil")
    assert found is not None and list(found.actions) == ["a"]


def test_data_plugins_are_found_by_the_name_of_their_function(tmp_path: Path) -> None:
    write(tmp_path / "mcollective" / "data" / "thing_data.ddl", kind="data")
    library = ddl.Library([str(tmp_path)])
    assert library.data("thing") is library.data("Thing_data")
    assert library.data("thing") is not None
    assert library.data("FSTAT") == builtin.find("data", "fstat_data")
    assert library.discovery("mc") == builtin.find("discovery", "mc")


def test_what_is_nowhere_is_none_and_odd_names_are_refused() -> None:
    assert ddl.Library(["/nonexistent"]).agent("nothing") is None
    for name in ("../x", "a/b", "", "a.b", "ä", "a\n"):
        with pytest.raises(exc.BadRequest, match="no name of a plugin"):
            ddl.Library().agent(name)


def test_files_that_are_none_or_too_large_or_no_text_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mcollective" / "agent"
    (folder / "folder.ddl").mkdir(parents=True)
    os.mkfifo(folder / "pipe.ddl")
    (folder / "large.ddl").write_bytes(b"#" * (2**18 + 1))
    (folder / "latin.ddl").write_bytes(b"# one\n# \xe9\n")
    library = ddl.Library([str(tmp_path)])
    wanted = {"folder": "a directory", "pipe": "a fifo", "large": "more than", "latin": "UTF-8"}
    for name, reason in wanted.items():
        with pytest.raises(exc.UnreadableDDL, match=reason) as caught:
            library.agent(name)
        assert caught.value.path == str(folder / f"{name}.ddl")
    with pytest.raises(exc.UnreadableDDL, match="neither in .ddl nor in .json"):
        ddl.read_file(str(folder / "x.rb"), "agent", "x")


def test_a_mark_at_the_beginning_and_line_ends_of_windows_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "x.ddl"
    path.write_bytes(b"\xef\xbb\xbf" + AGENT.replace("\n", "\r\n").encode())
    found = ddl.read_file(str(path), "agent", "x")
    assert isinstance(found, ddl.AgentDDL) and "install" in found.actions


def test_what_is_built_in_can_be_used() -> None:
    rpcutil = builtin.find("agent", "rpcutil")
    assert isinstance(rpcutil, ddl.AgentDDL)
    assert rpcutil.timeout == 10
    assert ddl.check_request(rpcutil, "get_fact", {"fact": "os.name"}).arguments == {
        ":fact": "os.name"
    }
    with pytest.raises(exc.InvalidArgument):
        ddl.check_request(rpcutil, "get_fact", {"fact": "a b"})
    assert builtin.find("agent", "unknown") is None


@pytest.mark.parametrize("dialect", ["mcollective", "choria"])
@pytest.mark.parametrize("kind", ["agent", "data", "discovery"])
def test_all_that_is_built_in_can_be_read(kind: str, dialect: str) -> None:
    for name in builtin.names(kind, dialect):
        found = builtin.find(kind, name, dialect)
        assert found is not None and (found.kind, found.name) == (kind, name)
        assert all(action.description for action in getattr(found, "actions", {}).values())
