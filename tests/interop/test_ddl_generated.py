# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated DDLs that we read without Ruby, compared with MCollective's own code in Ruby."""

from __future__ import annotations

import typing as t

import pytest
from ddl_oracle import Oracle, Refused, comparable, described
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_ddl import METADATA

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc

THOROUGH = settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


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
    """Check that both read the same value. Unless both must read it, Ruby or we may refuse it.

    :returns: True if both read it.
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
