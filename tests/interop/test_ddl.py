# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""DDLs read without Ruby, against MCollective's own code in Ruby."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

import pytest
from ddl_oracle import Oracle, Refused, comparable, described
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
    """Fails unless all that we know is what Ruby knows."""
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


def agree(oracle: Oracle, expression: str, must_read: bool) -> bool:
    """Fails unless both have the same value for it, or Ruby, or if we may, we refuse it.

    :returns: whether both read it.
    """
    source = source_of(expression)
    try:
        theirs = comparable(oracle.ask("read", "agent", source))
    except Refused:
        if must_read:
            raise
        return False
    try:
        ours = ddl.read_ruby(source, "agent", "x", "x.ddl")
        ours.check_whole()
    except exc.UnreadableDDL:
        if must_read:
            raise
        return False
    assert described(ours) == theirs, expression
    return True


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
    st.sampled_from(["1.5", "-0.25", "2.0e3", "/^a+$/", "%r{x/y}i", "%i[a b]", "0b11", "Hash"]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False, allow_infinity=False)
    .map(repr)
    .map(lambda n: n.replace("e", ".0e", 1) if "e" in n and "." not in n else n),
    TEXTS.map(lambda text: f'"{text}"'),
    TEXTS.map(lambda text: f"'{text}'"),
    TEXTS.map(lambda text: f"%q({text})"),
    st.tuples(TEXTS, TEXTS).map(lambda two: f"'{two[0]}' \"{two[1]}\""),
    st.lists(st.sampled_from(["a", "bc", "d-e"]), max_size=3).map(lambda w: f"%w[{' '.join(w)}]"),
)
KEYS = st.sampled_from(
    [":a =>", "b:", "c: ", '"d" =>', "'e'=>", "1 =>", ":'f g' => ", '"h i": ', "nil =>"]
)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    gap = st.sampled_from(["", " ", "\n", " # a comment\n"])
    comma = st.sampled_from([",", ", ", ",\n   ", ", # a comment\n"])
    items = st.lists(inner, min_size=1, max_size=3)
    pairs = st.lists(st.tuples(KEYS, inner).map(" ".join), min_size=1, max_size=3)
    signs = st.sampled_from(["||", "&&", "==", "!="])
    return st.one_of(
        st.tuples(items, gap, comma, gap).map(lambda p: f"[{p[1]}{p[2].join(p[0])}{p[3]}]"),
        st.tuples(items, gap, comma).map(lambda p: f"[{p[1]}{p[2].join(p[0])},\n]"),
        st.tuples(pairs, gap, comma, gap).map(lambda p: f"{{{p[1]}{p[2].join(p[0])}{p[3]}}}"),
        st.tuples(inner, signs, inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda p: f"(!{p})"),
        inner.map(lambda p: f"(not {p})"),
        inner.map(lambda p: f"({p} or nil)"),
        inner.map(lambda p: f"[{p}][0]"),
        inner.map(lambda p: f"{{:k => {p}}}[:k]"),
        inner.map(lambda p: f'"#{{{p}}}"'),
        inner.map(lambda p: f'"<#{{[{p}].to_s + "#{{1}}"}}>"'),
    )


@pytest.mark.parametrize(
    "pairs",
    [
        ":a => 1, b: 2, :a => 3",
        "'a' => 1, :b => 2, \"a\" => 3",
        "1 => 1, b: 2, 1 => 3",
        "nil => 1, b: 2, nil => 3",
    ],
)
def test_a_key_that_stands_twice_has_its_place_in_ruby(oracle: Oracle, pairs: str) -> None:
    assert agree(oracle, f'"#{{{{{pairs}}}}}"', must_read=True)


LIMITS = ("the keys", "a key that is", "nested deeper", "as a condition")
"""Python cannot tell all keys apart that Ruby can."""


def test_values_of_any_depth_are_read_as_ruby_does(oracle: Oracle) -> None:
    @settings(THOROUGH, max_examples=400)
    @given(st.recursive(SCALARS, containers, max_leaves=10))
    def check(expression: str) -> None:
        try:
            agree(oracle, expression, must_read=True)
        except Refused:
            return
        except exc.UnreadableDDL as error:
            assert any(limit in error.reason for limit in LIMITS), (expression, error)

    check()


NUMBERS = st.recursive(
    st.one_of(st.integers(-99, 99), st.sampled_from([0.5, -1.25, 1024])).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", "-", " * ", "/", " % "]), inner).map("".join),
        inner.map(lambda p: f"({p})"),
        inner.map(lambda p: f"-({p})"),
        st.tuples(inner, st.sampled_from(["<", " <= ", ">", " >= "]), inner).map(
            lambda p: f"(1 if {''.join(p)})"
        ),
    ),
    max_leaves=6,
)


def test_arithmetic_is_rubys_or_not_read(oracle: Oracle) -> None:
    @settings(THOROUGH, max_examples=400)
    @given(NUMBERS)
    def check(expression: str) -> None:
        agree(oracle, expression, must_read=False)

    check()


WORDS = st.text(st.sampled_from("aeinpsty _-É1"), max_size=8)
CALLS = [
    *(
        ".capitalize",
        ".upcase",
        ".downcase",
        ".strip",
        ".to_s",
        ".to_sym",
        "[0]",
        "[-2]",
        "[1..-1]",
    ),
    *("[0...2]", "[3..1]", ".sub(/[aeiou]+/, 'o')", ".sub(/(s|y)$/i, '')", ".sub(/^/, '>')"),
    *('.sub(" ", "_")', ".sub 'a', ''", '.sub(/\\w+\\z/, "x")', ".sub(/nothing/, '')"),
]


def test_what_is_made_of_words_is_what_ruby_makes_or_not_read(oracle: Oracle) -> None:
    read: list[bool] = []

    @settings(THOROUGH, max_examples=500)
    @given(WORDS, st.lists(st.sampled_from(CALLS), max_size=3))
    def check(word: str, calls: list[str]) -> None:
        read.append(agree(oracle, f'"#{{"{word}"{"".join(calls)}}}"', must_read=False))

    check()
    assert sum(read) > len(read) / 2


# --- generated DDLs

NAMES = st.sampled_from(["alpha", "beta", "gamma_1", "delta"])
HEADS = st.sampled_from(
    [
        "",
        "requires :mcollective => '2.0.0'\n",
        "usage <<-END_OF_USAGE\n  Use #{1 + 1}\n    it\nEND_OF_USAGE\n",
        "usage <<-'EOT'\n  Raw #{x} \\n\n  EOT\n",
        "if respond_to?(:requires)\n  requires :mcollective => '2.2.1'\nend\n",
        "word = 'a local'\nusage word\n",
        "# a comment\n\n",
    ]
)
TYPES = st.sampled_from(
    [
        ":type => :string, :validation => '^[\\w.-]+$', :maxlength => 10 * 1024",
        ":type => :string,\n :validation => /^\\/[a-z]+$/i,\n :maxlength => 0",
        ":type => :string, :validation => :shellsafe, :maxlength => 2 + 3",
        ":type => :list, :list => ['a', \"b\", :c]",
        ":type => :list, :list => %w[x y]",
        *(f":type => :{name}" for name in ("boolean", "integer", "float", "number", "ipv4address")),
        ":type => Array",
        ":type => :boolean, :default => false",
    ]
)
OPTIONAL = st.sampled_from(["true", "false", "name == 'alpha'", "!true", "0"])


def inputs(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(names, TYPES, OPTIONAL).map(
        lambda p: f"  input {p[0]}, :prompt => 'P', :description => \"#{{name}} d\",\n"
        f"        {p[1]}, :optional => {p[2]}\n"
    )


OUTPUTS = st.tuples(NAMES, st.sampled_from(["", ", :default => 'none'", ", :default => {}"])).map(
    lambda p: f"  output :{p[0]}, :description => 'D', :display_as => name.capitalize{p[1]}\n"
)
STATEMENTS = st.one_of(
    inputs(NAMES.map(":{}".format)),
    OUTPUTS,
    st.sampled_from(
        ["  display :always\n", "  display :ok if name == 'beta'\n", "  shared\n", "\n"]
    ),
    inputs(st.just("key")).map(lambda p: f"  [:in_a, :in_b].each do |key|\n{p}  end\n"),
    inputs(st.just("key.to_sym")).map(lambda p: f"  %w[w1 w2].each {{ |key|\n{p}  }}\n"),
    OUTPUTS.map(
        lambda p: f"  if name == 'alpha' || respond_to?(:nothing)\n{p}  else\n  display :ok\n  end\n"
    ),
    OUTPUTS.map(lambda p: f"  unless respond_to?(:summarize)\n{p}  end\n"),
    NAMES.map(
        lambda n: f"  output :{n}, :description => '', :display_as => ''\n  summarize do\n"
        f"    aggregate summary(:{n}, :format => '%s on %d')\n    aggregate sum(:{n})\n  end\n"
    ),
    NAMES.map(
        lambda n: f"  if respond_to?(:summarize)\n    summarize {{ aggregate average(:{n}) }}\n  end\n"
    ),
)
BODIES = st.lists(STATEMENTS, max_size=4).map("".join)
ACTIONS = st.one_of(
    st.tuples(NAMES, BODIES).map(
        lambda p: f"name = '{p[0]}'\naction name, :description => \"#{{name.capitalize}}s\" do\n{p[1]}end\n"
    ),
    BODIES.map(
        lambda p: "['alpha', 'beta'].each do |name|\n  action name, :description => "
        f"\"#{{name.sub(/a$/, 'ae')}} it\" do\n{p}  end\nend\n"
    ),
    BODIES.map(
        lambda p: "{'gamma_1' => 'The third', 'delta' => 'The last'}.each do |name, text|\n"
        f"  action(name, :description => text) {{\n{p}  }}\nend\n"
    ),
)
HELPER = """def shared
  input :common, :prompt => "C", :description => "c", :type => :boolean, :optional => true
end
"""


def test_ddls_of_any_composition_are_read_as_ruby_does(oracle: Oracle) -> None:
    read: list[bool] = []

    @settings(THOROUGH, max_examples=400)
    @given(HEADS, st.lists(ACTIONS, min_size=1, max_size=3).map("".join))
    def check(head: str, actions: str) -> None:
        source = METADATA + head + HELPER + actions
        try:
            theirs = comparable(oracle.ask("read", "agent", source))
        except Refused:
            theirs = None
        found = ddl.read_ruby(source, "agent", "x", "x.ddl")
        read.append(theirs is not None)
        assert (not found.unread) == (theirs is not None), (source, found.unread)
        assert theirs in (None, described(found)), source

    check()
    assert sum(read) > len(read) / 2
