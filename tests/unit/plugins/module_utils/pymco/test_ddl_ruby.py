# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ruby of DDLs: what the client reads, what it does not read, and that nothing takes long."""

from __future__ import annotations

import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ruby_values as values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import soon
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.values import (
    examples,
)

METADATA = """metadata :name => "x", :description => "x", :author => "x", :license => "x", :version => "1",
         :url => "x", :timeout => 1
"""
SECONDS = 2
"""Processor time that a DDL may take."""


def read(source: str) -> ddl.AgentDDL:
    found = ddl.read_ruby(METADATA + source, "agent", "x", "x.ddl")
    assert isinstance(found, ddl.AgentDDL)
    return found


def value(expression: str, before: str = "") -> t.Any:
    """Return the value of an expression, which is read as an output's default."""
    source = f"""{before}
action "x", :description => "x" do
  output :o, :description => "x", :display_as => "x", :default => {expression}
end
"""
    found = read(source)
    found.check_whole()
    return found.actions["x"].outputs["o"].default


VALUES = {
    "'it\\'s \\n'": "it's \\n",
    '"tab\\t\\x41\\u00e9\\u{1F680}\\101\\e"': "tab\tAé🚀A\x1b",
    "\"a\" 'b' \\\n 'c'": "abc",
    '"#{1 + 1} and #{"nested #{:x}"}"': "2 and nested x",
    "%q(a (b) c)": "a (b) c",
    "%w[a b\\ c]": ["a", "b c"],
    "%i[a b]": [Symbol("a"), Symbol("b")],
    ':"a b"': Symbol("a b"),
    "[1, 0x1f, 0b11, 0o17, 1_000, -1, 1.5, 1e3]": [1, 31, 3, 15, 1000, -1, 1.5, 1000.0],
    "{:a => 1, b: 2, 'c' => nil, }": {Symbol("a"): 1, Symbol("b"): 2, "c": None},
    '{"a": {:b => []}}': {Symbol("a"): {Symbol("b"): []}},
    "/a\\/b/mi": ddl.Regexp("a/b", "im"),
    "%r{a/b}": ddl.Regexp("a/b"),
    "/^.{1,#{5 * 10}}$/": ddl.Regexp("^.{1,50}$"),
    "Array": ddl.RubyClass("Array"),
    "Fixnum": ddl.RubyClass("Integer"),
    "'a' + 'c' + 1.to_s": "ac1",
    "10 * 1024": 10240,
    "2 + 3 * -4 - (1 - 7)": -4,
    "7 % 4 - -7 % 4 + 7 / 2": 5,
    "1 == 1.0 && 'a' != :a": True,
    "{1 => 2} == {1.0 => 2}": False,
    "nil || false || 'x'": "x",
    "!true": False,
    "(not 0)": False,
    "'verify'.sub(/y$/, 'ie')": "verifie",
    "'a.b.c'.sub('.', '-').capitalize": "A-b.c",
    "'stopped'.sub(/P+/i, '')": "stoed",
    "'runonce'[3..-1] + 'abc'[0] + 'abc'[1...2]": "onceab",
    "[[1, 2], 3][0][-1]": 2,
    "{:a => 1}[:b]": None,
    "' Ab '.strip.upcase.downcase.to_sym": Symbol("ab"),
    "[3, 4, 5][1..-1]": [4, 5],
}


@pytest.mark.parametrize("expression", VALUES)
def test_values(expression: str) -> None:
    found = value(expression)
    assert found == VALUES[expression]
    assert type(found) is type(VALUES[expression])


HEREDOCS = {
    "<<X\na #{1}\n  b\nX\n": "a 1\n  b\n",
    "<<-X\n  a\n  X\n": "  a\n",
    "<<~X\n    a\n      #{1}\n\n    c\n  X\n": "a\n  1\n\nc\n",
    "<<'X'\n#{a} \\n\nX\n": "#{a} \\n\n",
    "<<-X.strip\n  a\n  X\n": "a",
    "<<A + <<B\na\nA\nb\nB\n": "a\nb\n",
}


@pytest.mark.parametrize("expression", HEREDOCS)
def test_heredocs(expression: str) -> None:
    assert value(expression) == HEREDOCS[expression]


def test_a_line_goes_on_behind_an_operator_a_comma_a_backslash_and_before_a_dot() -> None:
    assert value("1 +\n 2") == 3
    assert value("[1,\n 2]") == [1, 2]
    assert value("1 \\\n + 2") == 3
    assert value("'a'\n  # a comment\n  .upcase") == "A"


def test_comments_and_what_is_behind_the_end_are_nothing() -> None:
    source = "# one\n=begin\nnonsense (\n=end\naction 'a', :description => '#' # two\n__END__\n)("
    assert list(read(source).actions) == ["a"]


def test_a_name_at_the_start_of_a_statement_is_no_label() -> None:
    source = "action 'a', :description => 'x' do\ndisplay:always\nend"
    assert read(source).actions["a"].display == "always"


def test_variables_belong_to_their_block_or_to_those_around_it() -> None:
    before = "a = 1\n[5].each { |n| a += n; b = 1 }\n[9].each { |a| a = 7 }"
    assert value("a", before) == 6
    with pytest.raises(exc.UnreadableDDL, match="'b' is not known"):
        value("b", before)


def test_assignments_do_not_change_values_that_others_hold() -> None:
    assert value("[a, b]", "a = 'x'\nb = a\nb += 'y'") == ["x", "xy"]
    assert value("[a, b]", "a = [1]\nb = a\nb += [2]") == [[1], [1, 2]]


CONDITIONS = """
found = []
[1, 2, 3].each do |n|
  if n == 1 then found += ["one"]
  elsif n == 3
    found += ["three"]
  else
    found += ["else"]
  end
end
%w[a b].each_with_index { |letter, n| found += ["#{letter}#{n}"] unless n == 0 }
{:k => "v"}.each_pair { |key, item| found += [[key, item]] }
[[1, 2]].each { |a, b, c| found += [[b, c]] if c == nil }
[].each { |never| found += [1] }
unless found
  found = nil
end
"""


def test_blocks_and_conditions() -> None:
    rest = ["b1", [Symbol("k"), "v"], [2, None]]
    assert value("found", CONDITIONS) == ["one", "else", "three", *rest]


HELPERS = """
def both(name, text)
  input name, :prompt => name, :description => text, :type => :boolean, :optional => true
  output "#{name}_was", :description => counted(text), :display_as => "X"
end
def counted text
  text + "!"
end
action "a", :description => "a" do
  both :one, "1"
  ["two", "three"].each { |name| both(name, name) }
end
"""


def test_helpers_declare_what_is_in_the_action_that_calls_them() -> None:
    found = read(HELPERS)
    found.check_whole()
    assert list(found.actions["a"].inputs) == ["one", "two", "three"]
    assert found.actions["a"].outputs["two_was"].description == "two!"


def test_a_condition_behind_a_statement_comes_before_it() -> None:
    found = read(
        'action "a", :description => "x" do display :always end if false\n'
        'action("b", :description => "x") { display :always } unless false\n'
        'requires :mcollective => "99" if not respond_to?(:requires)'
    )
    assert (list(found.actions), found.unread) == (["b"], ())


# --- what is beyond

BEYOND = {
    "x = `id`": (3, "` is unexpected"),
    "x = %x(id)": (3, "% is unexpected"),
    "system 'id'": (3, "'system' is not known"),
    "\n\nrequire 'json'": (5, "'require' is not known"),
    "eval '1'": (3, "'eval' is not known"),
    "File.read('/etc/passwd')": (3, "constant File is not known"),
    "'a'.send(:upcase)": (3, "'send' of \"a\" (String) is not known"),
    "'a'.instance_eval { }": (3, "'instance_eval'"),
    "@a = 1": (3, "@ is unexpected"),
    "$a = 1": (3, "$ is unexpected"),
    "while true\nend": (3, "keyword 'while'"),
    "for a in [1] do\nend": (3, "keyword 'for'"),
    "begin\n1\nrescue\nend": (3, "keyword 'begin'"),
    "case 1\nwhen 1 then 2\nend": (3, "keyword 'case'"),
    "x = ->(a) { a }": (3, ">( is unexpected"),
    "a, b = 1, 2": (3, ", is unexpected"),
    "x = 1 ? 2 : 3": (3, "? is unexpected"),
    "x = 1..3": (3, ".. is unexpected"),
    "x = '%s' % 'a'": (3, "the operator % between String and String"),
    "x = format('%s', 1)": (3, "'format' is not known"),
    "x = [1].map { |n| n }": (3, "'map' of a value (Array)"),
    "x = {}.merge({})": (3, "'merge' of a value (Hash)"),
    "x = 08": (3, "08 is unexpected"),
    "x = 017": (3, "017 is unexpected"),
    "x = 'abc": (3, "without its closing '"),
    "x = <<X\nabc": (3, "without its closing X"),
    "x = <<~X\n\tabc\nX": (3, "a heredoc with ~ and tabs"),
    "x = %w[a\nb": (3, "without its closing ]"),
    "=begin\nabc": (3, "= is unexpected"),
    'x = "\\xff"': (3, "which is no character"),
    'x = "\\cA"': (3, "the escape \\c"),
    'x = "#@a"': (3, "a variable without braces"),
    "x = [1\n": (4, "the end of the text is unexpected"),
    "x = {1}": (3, "values that have no keys"),
    "usage 1 2": (3, "2 is unexpected"),
    "x = 'a'\nx << 'b'": (4, "<< is unexpected"),
    "x = [1]\nx.push(2)": (4, "the method 'push' of a value (Array) is not known"),
    "x = {}\nx[:a] = 1": (4, "= is unexpected"),
    "x = 7 / 0": (3, "by zero"),
    "x = 1 + nil": (3, "the operator + between Integer and NilClass"),
    "x = 'a' + 1": (3, "the operator + between String and Integer"),
    "x = 'a'.upcase(1)": (3, "'upcase'"),
    "x = 'é'.upcase": (3, "'upcase'"),
    "x = 'a'.sub(/(?>a)/, 'b')": (3, "sub with the regular expression (?>a)"),
    "x = 'a'.sub('a', '\\\\0')": (3, "a replacement that is no plain text"),
    "x = usage 'a'": (3, "the value of a declaration is used"),
    "x = {1 => 2, 1.0 => 3}": (3, "the keys 1 and 1.0"),
    "def input(a)\nend": (3, "in place of Ruby's or MCollective's own"),
    "def a(b = 1)\nend": (3, "= is unexpected"),
    "respond_to?(:system)": (3, "respond_to? of 'system'"),
    "next": (3, "keyword 'next'"),
    'unless 1e3 input :a .b "c":  "d":  ': (3, "is unexpected"),
    "end": (3, "keyword 'end'"),
    "action 'b', :description => 'x' do\n\n": (5, "the end of the text is unexpected"),
}


@pytest.mark.parametrize("source", BEYOND)
def test_what_is_beyond_is_named_with_its_line(source: str) -> None:
    line, reason = BEYOND[source]
    found = read(source)
    assert found.timeout == 1
    assert (found.unread[0].line, reason in found.unread[0].reason) == (line, True), found.unread
    with pytest.raises(exc.UnreadableDDL) as caught:
        found.check_whole()
    assert (caught.value.path, caught.value.line) == ("x.ddl", line)
    assert str(caught.value).startswith(f"the DDL can be read in part only: x.ddl, line {line}: ")


PARTLY = """
usage <<-EOT.squeeze
  action "not", :description => "here" do
EOT
known = [:fact]
more = nil.map { |key| key.to_s }
while more
  action "never", :description => "x"
end
action "a", :description => "x" do
  input :one, :prompt => "1", :description => "1", :type => :integer, :optional => false
  input :two, :prompt => "2", :description => "2", :type => :string,
        :validation => more[0] ? '^a$' : '^b$', :optional => true,
        :maxlength => 5
  known.each do |key|
    input key, :prompt => "K", :description => "k", :type => :boolean, :optional => true
    input :wrong, :prompt => "W"
  end
  output :three, :description => "3", :display_as => "3"
end
known = other(1)
known.each { |name| action name, :description => "x" }
action "b", :description => "x" do
  display :never
"""


def test_what_can_be_read_is_read() -> None:
    found = read(PARTLY)
    assert list(found.actions) == ["a", "b"]
    assert list(found.actions["a"].inputs) == ["one", "fact"]
    assert list(found.actions["a"].outputs) == ["three"]
    assert [(gap.line, gap.action) for gap in found.unread] == [
        *((4, None), (8, None), (9, None), (15, "a"), (19, "a"), (23, None), (24, None)),
        *((26, "b"), (27, "b")),
    ]
    assert found.unread[6].reason == "the value of known could not be read"


def test_a_statement_that_is_not_read_may_have_changed_what_it_names() -> None:
    found = read("a = 1\nb = 2\na << unknown\nusage a.to_s\nrequires :mcollective => b.to_s")
    assert [gap.reason for gap in found.unread][1:] == ["the value of a could not be read"]
    assert found.requires == {"mcollective": "2"}
    found = read("def a\n'1'\nend\nundef a\nusage a")
    assert found.unread[1].reason == "'a' is not known"


def test_errors_within_a_statement_of_several_lines_have_their_own_line() -> None:
    found = read("usage [1,\n  'a'.nonsense,\n 2]\nusage 'a' +\n 1.5 % 2")
    assert [gap.line for gap in found.unread] == [4, 7]


def test_a_branch_that_is_not_taken_must_be_readable_as_well() -> None:
    found = read("if false\n  while 1\nend\nunless false\n  usage 'x'\nend")
    assert [(gap.line, found.usage) for gap in found.unread] == [(4, "x")]
    found = read("usage 'x'\n[].each do |a|\n  @a = 1\nend")
    assert [(gap.line, found.usage) for gap in found.unread] == [(5, "x")]


def test_a_closing_sign_at_the_start_of_a_statement_does_not_end_all_reading() -> None:
    found = read("if true\n  } x\nend\nusage 'x'")
    assert found.usage == "x"
    assert [(gap.line, gap.reason) for gap in found.unread] == [(4, "} is unexpected")]


def test_what_mcollective_refuses_is_left_out() -> None:
    found = ddl.read_ruby("metadata :timeout => 7\n", "agent", "x", "x.ddl")
    assert (found.timeout, found.metadata.name) == (7, "")
    assert found.unread == (ddl.Gap(1, "Metadata needs a :name property"),)


# --- bounds

ENDLESS = {
    "[1, 2].each { |a| [1, 2].each { |b| " * 10: "nested deeper",
    "x = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "x.each { |a| " * 9 + "}" * 9: "steps",
    "a = [1]\n" + "a = a + a\n" * 99: "steps",
    "a = 'xxxxxxxxxxxxxxxx'\n" + "a = a + a\n" * 99: "steps",
    "a = 2\n" + "a = a * a\n" * 99: "bits",
    "a = [1]\n" + "a = [a]\n" * 99: "nested deeper than 20 levels",
    "x = [1]\n" + "x = [x, x]\n" * 99: "steps",
    "x = [1]\n" + "x = {:a => x, :b => x}\n" * 99: "steps",
    "x = [1]\n" + "x = [x, x]\n" * 12 + "usage x.to_s\n" * 999: "steps",
    "x = [1]\ny = [1]\n" + "x = [x, x]\ny = [y, y]\n" * 12 + "x == y\n" * 999: "steps",
    "x = [1]\n" + "x = [x, x]\n" * 12 + "usage x\n" * 999: "steps",
    "def a\na\nend\na": "nested deeper",
    "def a\na\na\nend\na": "nested deeper",
    "x = " + "[" * 1000: "nested deeper",
    "x = " + "(" * 1000: "nested deeper",
    "x = " + "!" * 1000 + "1": "nested deeper",
    "x = " + "1+(" * 1000: "nested deeper",
    'x = "' + '#{"' * 1000: "nested",
    "[1].each {" * 1000: "nested deeper",
    "if 1\n" * 1000: "nested deeper",
    "x = " + "not " * 1000 + "1": "nested deeper",
    "x = 1" + "0" * 1000: "is unexpected",
    "<<A\n" * 50_000: "steps",
    "x = %q(\n" * 30_000: "steps",
    "x = 'a\n" * 30_001: "",
    "x ~ y\n" * 40_000: "and more",
    "\n" * 250_000: "steps",
    "x = [1,\n" + "1," * 100_000 + "1]": "steps",
    f"x = '{'a' * 5000}!'\n" + "x.sub(/(a+)+$/, '')\nx.sub(/(a|a)*b/, '')\n" * 99: "takes too long",
    "%w{" + "w" * 200_000: "without its closing",
    "usage " + "{" * 200_000: "usage with 0 arguments or with a block",
    "usage '#{" + "#" * 200_000: "",
    f"x = [{'1,' * 99}1]\nx.each {{ x.each {{ @ {'= ' * 50_000} }} }}": "@ is unexpected",
    "=begin\n" * 37_000: "= is unexpected",
    "usage 'a'" + ".to_s" * 20_000: "nested too deep",
    "[1, 2].each_with_index do |x, i|\n  a\n" * 1500: "nested deeper",
}


@pytest.mark.parametrize("source", ENDLESS, ids=lambda source: source[:20])
def test_no_file_takes_long(source: str) -> None:
    start = time.process_time()
    found = read(source)
    assert time.process_time() - start < SECONDS
    assert any(ENDLESS[source] in gap.reason for gap in found.unread)
    assert found.timeout == 1


def test_what_comes_before_the_end_of_all_steps_is_read() -> None:
    found = read('action "a", :description => "x"\n' + "a = 1\n" * 100_000)
    assert list(found.actions) == ["a"]
    assert "steps" in found.unread[-1].reason


def test_errors_quote_long_values_in_part() -> None:
    for source in ("x.nonsense", "x[:a]", "x + 1", "1 + x"):
        found = read(f"x = '{'%y' * 9999}'\n{source}")
        assert 0 < len(found.unread[0].reason) < 200


def test_hashes_with_many_keys_are_compared_in_time() -> None:
    start = time.process_time()
    table = {f"k{number}": number for number in range(100_000)}
    assert values.equal(table, dict(reversed(list(table.items()))))
    assert not values.equal(table, {**table, "k1": 0})
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "timeout", ["0", "-1", "0.0", "1e400", "-1e400", "2592000", "nil", "'5'", "true"]
)
def test_a_timeout_is_a_number_of_seconds_in_reason(timeout: str) -> None:
    metadata = METADATA.replace(":timeout => 1", f":timeout => {timeout}")
    found = ddl.read_ruby(metadata, "agent", "x", "x.ddl")
    assert found.timeout == 0
    with pytest.raises(exc.UnreadableDDL, match="the timeout .* is n"):
        found.check_whole()


def test_a_discovery_method_may_need_no_time() -> None:
    found = ddl.read_ruby(METADATA.replace("timeout => 1", "timeout => 0"), "discovery", "x", "x")
    assert (found.metadata.timeout, found.unread) == (0, ())


_PIECES = """
action 'a' , :description => "x" do end | |a,b| { } input :k [ ] ( ) each . map %w <<X X #{ if else 1 - /
? : :: * & << = += nil true x Y \\ summarize aggregate summary for in unless begin not % ' " # .. é def
"""
PIECES = st.sampled_from(
    [*_PIECES.split(), "\n", "\n", " ", '"x"', "<<~X\n", "\nX\n", "%w[", "x = ", "'\n"]
)


@settings(max_examples=examples(1500), deadline=None)
@given(st.lists(PIECES, max_size=25), st.sampled_from(["", " "]))
def test_any_text_is_read_or_refused(pieces: list[str], gap: str) -> None:
    assert read(";\n" + gap.join(pieces)).timeout == 1


def test_a_large_file_is_read_in_time() -> None:
    start = time.process_time()
    found = read("\n".join(f'action "a{n}", :description => "d{n}"' for n in range(2_000)))
    found.check_whole()
    assert len(found.actions) == 2_000
    assert time.process_time() - start < SECONDS


def test_values_show_as_in_ruby() -> None:
    shown = values.inspect([None, True, 1, 1e20, 1e-5, 100.0, 'a\n"#{', Symbol("a b"), {"k": []}])
    assert shown == '[nil, true, 1, 1.0e+20, 1.0e-05, 100.0, "a\\n\\"\\#{", :"a b", {"k"=>[]}]'
    assert values.to_s(ddl.Regexp("a/b", "i")) == "(?i-mx:a\\/b)"


@pytest.mark.parametrize(
    "value",
    [
        [["x" * 5000] * 1000] * 1000,
        {"k": ["x" * 5000] * 1000_000},
        "x" * 10**7,
        [None] * 10**6,
        Symbol("x y" * 10**6),
    ],
    ids=["lists", "a dict", "a text", "nothing", "a symbol"],
)
def test_a_long_value_is_shown_in_part(value: t.Any) -> None:
    with soon():
        shown = values.inspect(value)
    assert len(shown) == values.LONGEST and shown.endswith("...")


def test_equality_is_rubys() -> None:
    assert values.equal(1, 1.0) and not values.same_key(1, 1.0)
    assert not values.equal(True, 1)
    assert not values.equal("a", Symbol("a"))
    assert values.equal([1, {"a": 2}], [1.0, {"a": 2.0}])
    assert not values.equal({1: 2}, {1.0: 2})
    assert values.equal(b"a", "a") and not values.equal(b"\xff", "\xff")
