# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DDLs read without Ruby, against MCollective's own code in Ruby."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ddl_oracle import Oracle, Refused, comparable, described
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc

HERE = Path(__file__).parent
OURS = sorted((HERE / "ddls").glob("*/*.ddl"))
TESTBED = sorted((HERE.parent / "testbed" / "real" / "agents").glob("**/*.ddl"))
PACKAGED = sorted(
    path
    for root in ("/usr/lib/ruby/vendor_ruby/mcollective", "/usr/share/mcollective/plugins")
    for path in Path(root).glob("**/*.ddl")
)
THOROUGH = settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
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
    assert described(ddl.read_file(str(path), kind, path.stem)) == theirs


def test_there_is_a_file_for_every_habit() -> None:
    assert len(OURS) >= 40
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
        ddl.read_ruby(source, kind, "x", "x.ddl")


# --- generated sources


def source_of(expression: str) -> str:
    """An agent's DDL with a value in it."""
    return (
        METADATA + 'action "x", :description => "x" do\n  output :value, :description => "x", '
        f':display_as => "x",\n         :default => {expression}\nend\n'
    )


def value_in(found: ddl.DDL) -> t.Any:
    assert isinstance(found, ddl.AgentDDL)
    return found.actions["x"].outputs["value"].default


def agree(oracle: Oracle, expression: str, must_read: bool) -> None:
    """Fails unless both have the same value for it, or Ruby, or if we may, we refuse it."""
    source = source_of(expression)
    try:
        theirs = comparable(oracle.ask("read", "agent", source))
    except Refused:
        if must_read:
            raise
        return
    try:
        ours = ddl.read_ruby(source, "agent", "x", "x.ddl")
    except exc.UnreadableDDL:
        if must_read:
            raise
        return
    assert described(ours) == theirs, expression


NASTY = ["\\", "#", "{", "}", "(", ")", "[", "]", "<", ">", "'", '"', "|", "/", "%", "!", ":", "?"]
PIECES = [
    *NASTY,
    *("#{", "#{1}", '#{"a"}', "\\n", "\\t", "\\s", "\\e", "\\0", "\\101", "\\x41", "\\u00e9"),
    *("\\u{1F680}", "\\u{41 42}", "\\\\", "\\'", '\\"', "\\#", "\\\n", "\n", " ", "  ", "\t", "a"),
    *("Z", "7", "_", "é", "☃", "🚀", "\\q", "\\ ", "\\cA", "\\xC3\\xA9", "\\777", "=>", ",", ";"),
    *(
        "do",
        "end",
        "\r\n",
        "\\)",
        "\\]",
        "\\}",
        "\\>",
        "\\|",
        "\\/",
        "__END__",
        "@a",
        "$a",
        "=begin",
    ),
]
QUOTES = [
    *(('"', '"'), ("'", "'"), ("%q(", ")"), ("%Q[", "]"), ("%{", "}"), ("%q<", ">"), ("%w(", ")")),
    *(("%i[", "]"), ("%W{", "}"), ("%|", "|"), ("/", "/"), ("%r{", "}"), ("%r!", "!"), (':"', '"')),
    *(("<<X\n", "\nX\n"), ("<<-X\n", "\n  X\n"), ("<<~X\n", "\n  X\n"), ("<<-'X'\n", "\nX\n")),
    *(("<<~'X'\n", "\n X\n"), ("<<X.strip\n", "\nX\n"), ("%q!", "!"), ("%w!", "!"), ("/", "/mix")),
]


def test_literals_of_any_content_are_read_as_ruby_does_or_not_at_all(oracle: Oracle) -> None:
    @settings(THOROUGH, max_examples=700)
    @given(st.sampled_from(QUOTES), st.lists(st.sampled_from(PIECES), max_size=8))
    def check(quotes: tuple[str, str], pieces: list[str]) -> None:
        agree(oracle, quotes[0] + "".join(pieces) + quotes[1], must_read=False)

    check()


TEXTS = st.text(st.sampled_from(list("ab09 _-.:/é☃")), max_size=6)
SCALARS = st.one_of(
    st.sampled_from(
        ["nil", "true", "false", ":sym", ':"odd sym"', "String", "0x1F", "1_000", "-5"]
    ),
    st.sampled_from(["1.5", "-0.25", "2e3", "/^a+$/", "%r{x/y}i", "(1..3)", "1...4", "?a"]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False)
    .map(repr)
    .map(lambda n: n.replace("e", ".0e", 1) if "e" in n and "." not in n else n),
    TEXTS.map(lambda text: f'"{text}"'),
    TEXTS.map(lambda text: f"'{text}'"),
    TEXTS.map(lambda text: f"%q({text})"),
    TEXTS.map(lambda text: f'"<#{{"{text}".upcase}}>"'),
    st.tuples(TEXTS, TEXTS).map(lambda two: f"'{two[0]}' \"{two[1]}\""),
    st.lists(st.sampled_from(["a", "bc", "d-e"]), max_size=3).map(lambda w: f"%w[{' '.join(w)}]"),
)
KEYS = st.one_of(
    st.sampled_from(
        [":a =>", "b:", "c: ", '"d" =>', "'e'=>", "1 =>", ":'f g' => ", '"h i": ', "nil =>"]
    )
)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gap = st.sampled_from(["", " ", "\n", " # a comment\n"])
    comma = st.sampled_from([",", ", ", ",\n   ", ", # a comment\n"])
    items = st.lists(inner, min_size=1, max_size=3)
    pairs = st.lists(st.tuples(KEYS, inner).map(" ".join), min_size=1, max_size=3)
    return st.one_of(
        st.tuples(items, gap, comma, gap).map(lambda p: f"[{p[1]}{p[2].join(p[0])}{p[3]}]"),
        st.tuples(items, gap, comma).map(lambda p: f"[{p[1]}{p[2].join(p[0])},\n]"),
        st.tuples(pairs, gap, comma, gap).map(lambda p: f"{{{p[1]}{p[2].join(p[0])}{p[3]}}}"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} || {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, *{p[1]}]"),
        items.map(lambda p: f"[{', '.join(p)}].map {{ |x| x.inspect }}"),
        items.map(lambda p: f"[{', '.join(p)}].each_with_index.map do |x, n| [n, x.to_s] end"),
        inner.map(lambda p: f'"#{{{p}}}"'),
        inner.map(lambda p: f"({p}.to_s.upcase\n  .downcase)"),
        inner.map(lambda p: f"[{p}].first.inspect"),
    )


LIMITS = (
    "the keys",  # that Python cannot tell apart
    "a key that is",
    "differ as String and Symbol",
    "there twice",  # Ruby warns
    "items of",  # a Range of something unusual
    "as a condition",  # of a Regexp or a Range
    "the text of",  # a Regexp
)


def test_values_of_any_depth_are_read_as_ruby_does(oracle: Oracle) -> None:
    @settings(THOROUGH, max_examples=300)
    @given(st.recursive(SCALARS, containers, max_leaves=10))
    def check(expression: str) -> None:
        try:
            agree(oracle, expression, must_read=True)
        except Refused:
            return
        except exc.UnreadableDDL as error:
            assert any(limit in error.reason for limit in LIMITS), (expression, error)

    check()
