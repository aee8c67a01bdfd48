# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DDLs that we read without Ruby, compared with MCollective's own code in Ruby."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest
from ddl_oracle import Oracle, Refused, comparable, described

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc

HERE = Path(__file__).parent
OURS = sorted((HERE / "ddls").glob("*/*.ddl"))
BEYOND = sorted((HERE / "ddls_beyond").glob("*/*.ddl"))
JSON = sorted((HERE / "ddls").glob("*/*.json"))
TESTBED = sorted((HERE.parent / "testbed" / "real" / "agents").glob("**/*.ddl"))
PACKAGED = sorted(
    path
    for root in ("/usr/lib/ruby/vendor_ruby/mcollective", "/usr/share/mcollective/plugins")
    for path in Path(root).glob("**/*.ddl")
)

METADATA = """metadata :name => "x", :description => "x", :author => "x", :license => "x",
         :version => "1", :url => "x", :timeout => 1
"""


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", [*OURS, *TESTBED, *PACKAGED], ids=named)
def test_files_say_to_us_what_they_say_to_ruby(oracle: Oracle, path: Path) -> None:
    kind, source = path.parent.name, path.read_text(encoding="utf-8")
    theirs = comparable(oracle.ask("read", kind, source))
    found = ddl.read_file(str(path), kind, path.stem)
    found.check_whole()
    assert described(found) == theirs


@pytest.mark.parametrize("path", JSON, ids=named)
def test_json_says_what_the_ruby_form_says(oracle: Oracle, path: Path) -> None:
    source = path.with_suffix(".ddl").read_text(encoding="utf-8")
    found = ddl.read_file(str(path), path.parent.name, path.stem)
    found.check_whole()
    assert described(found) == comparable(oracle.ask("read", path.parent.name, source))


@pytest.mark.parametrize("path", BEYOND, ids=named)
def test_what_is_read_of_files_that_say_more_is_true(oracle: Oracle, path: Path) -> None:
    kind, source = path.parent.name, path.read_text(encoding="utf-8")
    found = ddl.read_file(str(path), kind, path.stem)
    assert any(gap.line for gap in found.unread)
    is_part(described(found), comparable(oracle.ask("read", kind, source)))


def is_part(ours: dict[str, t.Any], theirs: dict[str, t.Any]) -> None:
    """Check that Ruby knows everything that we know."""
    if ours["meta"]["name"] != ["str", ""]:
        assert ours["meta"] == theirs["meta"]
    assert ours["usage"] in (theirs["usage"], ["str", ""])
    entities = dict(map(frozen, theirs["entities"][1]))
    for key, entity in ours["entities"][1]:
        known = dict(map(frozen, unfrozen(entities[str(key)])[1]))
        for part, value in entity[1]:
            if value[0] == "hash":
                whole = dict(map(frozen, unfrozen(known[str(part)])[1]))
                assert all(whole[str(name)] == str(item) for name, item in value[1])
            elif value[0] != "arr":
                assert known[str(part)] == str(value)


def frozen(pair: list[t.Any]) -> tuple[str, str]:
    return str(pair[0]), str(pair[1])


def unfrozen(text: str) -> t.Any:
    return ast.literal_eval(text)


def test_there_is_a_file_for_every_habit() -> None:
    assert len(OURS) >= 35
    assert len(BEYOND) >= 15
    assert len(PACKAGED) >= 20


# --- what is refused

REFUSED = {
    "no metadata": ("agent", ""),
    "metadata without url": ("agent", METADATA.replace(':url => "x", ', "")),
    "action without description": ("agent", METADATA + 'action "x", {}'),
    "action with nothing": ("agent", METADATA + 'action "x"'),
    "input without optional": (
        "agent",
        METADATA + 'action "x", :description => "x" do\n'
        'input :a, :prompt => "p", :description => "d", :type => :integer\nend',
    ),
    "string without maxlength": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ninput :a, :prompt => "p", '
        ':description => "d", :type => :string, :optional => true, :validation => "."\nend',
    ),
    "string without validation": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ninput :a, :prompt => "p", '
        ':description => "d", :type => :string, :optional => true, :maxlength => 1\nend',
    ),
    "metadata without timeout": ("agent", METADATA.replace(", :timeout => 1", "")),
    "display of nothing": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ndisplay nil\nend',
    ),
    "a closing too many": ("agent", METADATA + 'action "x", :description => "x" do\nend)'),
    "a condition without end": ("agent", METADATA + "if true\nusage 'x'"),
    "a word in another's place": ("agent", METADATA + "usage if"),
    "a helper without its argument": ("agent", METADATA + "def a(b)\nend\na"),
    "a helper with too many": ("agent", METADATA + "def a\nend\na 1"),
    "a variable of a block": ("agent", METADATA + "[1].each { |a| b = 1 }\nusage b"),
    "a variable of nobody's": ("agent", METADATA + "a = 1\ndef b\na\nend\nusage b"),
    "list without list": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ninput :a, :prompt => "p", '
        ':description => "d", :type => :list, :optional => true\nend',
    ),
    "output without display_as": (
        "agent",
        METADATA + 'action "x", :description => "x" do\noutput :a, :description => "d"\nend',
    ),
    "input outside": (
        "agent",
        METADATA + 'input :a, :prompt => "p", :description => "d", :type => :boolean, '
        ":optional => true",
    ),
    "output after a nested action": (
        "agent",
        METADATA + 'action "x", :description => "x" do\naction "y", :description => "y"\n'
        'output :a, :description => "d", :display_as => "a"\nend',
    ),
    "display of another kind": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ndisplay :never\nend',
    ),
    "display as a string": (
        "agent",
        METADATA + 'action "x", :description => "x" do\ndisplay "always"\nend',
    ),
    "display outside": ("agent", METADATA + "display :always"),
    "newer": ("agent", METADATA + 'requires :mcollective => "2.13"'),
    "requires another": ("agent", METADATA + 'requires :puppet => "2.1"'),
    "requires a string": ("agent", METADATA + 'requires "2.1"'),
    "aggregate of nothing": (
        "agent",
        METADATA + 'action "x", :description => "x" do\nsummarize do\naggregate :x\nend\nend',
    ),
    "aggregate with a string": (
        "agent",
        METADATA
        + 'action "x", :description => "x" do\nsummarize do\naggregate sum(:x), "%d"\nend\nend',
    ),
    "aggregate without format": (
        "agent",
        METADATA + 'action "x", :description => "x" do\nsummarize do\n'
        "aggregate sum(:x), :foo => 1\nend\nend",
    ),
    "unknown function outside of summarize": (
        "agent",
        METADATA + 'action "x", :description => "x" do\naggregate unknown(:x)\nend',
    ),
    "a word of nowhere": ("agent", METADATA + "nonsense 1"),
    "data with another input": (
        "data",
        METADATA + 'dataquery :description => "x" do\n'
        'input :name, :prompt => "p", :description => "d", :type => :integer\nend',
    ),
    "two queries": ("data", METADATA + 'dataquery :description => "x"\n' * 2),
    "an action in data": ("data", METADATA + 'action "x", :description => "x"'),
    "two discoveries": ("discovery", METADATA + "discovery do\nend\n" * 2),
    "no capabilities": ("discovery", METADATA + "discovery do\ncapabilities []\nend"),
    "another capability": ("discovery", METADATA + "discovery do\ncapabilities :magic\nend"),
    "capabilities as strings": ("discovery", METADATA + 'discovery do\ncapabilities "facts"\nend'),
    "an action in an aggregate": ("aggregate", METADATA + 'action "x", :description => "x"'),
    "no such constant": ("agent", METADATA + "usage NOTHING"),
    "nil and a string": ("agent", METADATA + 'usage "a" + nil'),
    "unfinished": ("agent", METADATA + 'action "x", :description => "x" do'),
    "open string": ("agent", METADATA + 'usage "abc'),
    "open heredoc": ("agent", METADATA + "usage <<X\nabc\n"),
    "stray end": ("agent", METADATA + "end"),
    "comma in front": ("agent", METADATA + "usage , 1"),
    "two values": ("agent", METADATA + "usage 1 2"),
    "missing comma": ("agent", METADATA + "x = [1 2]"),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if name != "no metadata"])
def test_what_mcollective_refuses_is_refused(oracle: Oracle, name: str) -> None:
    kind, source = REFUSED[name]
    with pytest.raises(Refused):
        oracle.ask("read", kind, source)
    with pytest.raises(exc.UnreadableDDL):
        ddl.read_ruby(source, kind, "x", "x.ddl").check_whole()
