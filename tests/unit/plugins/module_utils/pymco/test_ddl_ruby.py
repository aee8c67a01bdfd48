# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Ruby that DDLs are written in: what is read, what is refused, and what is bounded."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import formatting, values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

METADATA = """metadata :name => "x", :description => "x", :author => "x", :license => "x",
         :version => "1", :url => "x", :timeout => 1
"""


def read(source: str) -> ddl.AgentDDL:
    found = ddl.read_ruby(METADATA + source, "agent", "x", "x.ddl")
    assert isinstance(found, ddl.AgentDDL)
    return found


def value(expression: str, before: str = "") -> t.Any:
    """What an expression is, by way of an output's default."""
    source = f"""{before}
action "x", :description => "x" do
  output :o, :description => "x", :display_as => "x", :default => {expression}
end
"""
    return read(source).actions["x"].outputs["o"].default


VALUES = {
    "'it\\'s \\n'": "it's \\n",
    '"tab\\t\\x41\\u00e9\\u{1F680}\\101\\e"': "tab\tAé🚀A\x1b",
    "\"a\" 'b' \\\n 'c'": "abc",
    '"#{1 + 1} and #{"nested #{:x}"}"': "2 and nested x",
    "%q(a (b) c)": "a (b) c",
    "%w[a b\\ c]": ["a", "b c"],
    "%i[a b]": [Symbol("a"), Symbol("b")],
    ':"a b"': Symbol("a b"),
    "[1, 0x1f, 0b11, 017, 1_000, -1, 1.5, 1e3]": [1, 31, 3, 15, 1000, -1, 1.5, 1000.0],
    "{:a => 1, b: 2, 'c' => nil, }": {Symbol("a"): 1, Symbol("b"): 2, "c": None},
    "/a\\/b/mi": ddl.Regexp("a/b", "im"),
    "%r{a/b}": ddl.Regexp("a/b"),
    "1..3": ddl.Range(1, 3),
    "Array": ddl.RubyClass("Array"),
    "Fixnum": ddl.RubyClass("Integer"),
    "MCollective::VERSION": "2.12.5",
    "[1, *[2, 3]]": [1, 2, 3],
    "'ab' * 2 + 'c'": "ababc",
    "'%s-%03d' % ['a', 7]": "a-007",
    "format('%.1f', 2.25)": "2.2",
    "[1, 2].map { |n| n * 2 }": [2, 4],
    "[[1, [2, 3]]].map { |a, (b, c)| [c, b, a] }": [[3, 2, 1]],
    "[1, nil].reject(&:nil?)": [1],
    "(1..3).map { |n| n + 1 }": [2, 3, 4],
    "7 % 4 - -7 % 4": 2,
    "[1, 1.0, 1, :a, 'a', [1], [1]].uniq": [1, 1.0, Symbol("a"), "a", [1]],
    "[1, 1.0, 2] - [1]": [1.0, 2],
    "{1 => 2} == {1.0 => 2}": False,
    "nil || false || 'x'": "x",
    "(0 ? 'true' : 'false')": "true",
    "!true": False,
    "{'a' => 1}.merge('b' => 2).keys": ["a", "b"],
    "nil&.upcase": None,
}


@pytest.mark.parametrize("expression", VALUES)
def test_values(expression: str) -> None:
    found = value(expression)
    assert found == VALUES[expression]
    assert type(found) is type(VALUES[expression])


HEREDOCS = {
    "<<X\na #{1}\n  b\nX\n": "a 1\n  b\n",
    "<<-X\n  a\n  X\n": "  a\n",
    "<<~X\n    a\n      b\n\n    c\n  X\n": "a\n  b\n\nc\n",
    "<<'X'\n#{a} \\n\nX\n": "#{a} \\n\n",
    "<<-X.strip\n  a\n  X\n": "a",
    "<<A + <<B\na\nA\nb\nB\n": "a\nb\n",
    "[<<A, <<-B].map { |text| text.strip }\na\nA\nb\n  B\n": ["a", "b"],
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
    assert value("[a, b]", "a = [1].freeze\nb = a.dup\nb += [2]") == [[1], [1, 2]]


CONDITIONS = """
found = []
[1, 2, 3, 4, 5].each do |n|
  next if n == 2
  break unless n < 5
  if n == 1 then found += ["one"]
  elsif n == 3
    found += ["three"]
  else
    found += ["else"]
  end
end
3.times { |n| found += [n] }
%w[a b].each_with_index { |letter, n| found += ["#{letter}#{n}"] }
{:k => "v"}.each_pair { |key, item| found += [[key, item]] }
for n in [7] do found += [n] end
found += [found.empty? ? "empty" : "full"]
"""


def test_blocks_and_conditions() -> None:
    found = value("found", CONDITIONS)
    rest = [0, 1, 2, "a0", "b1", [Symbol("k"), "v"], 7, "full"]
    assert found == ["one", "three", "else", *rest]


REFUSED = {
    "x = `id`": (3, "backquotes"),
    "x = %x(id)": (3, "shell command"),
    "system 'id'": (3, "'system' is not known"),
    "\n\nrequire 'json'": (5, "'require' is not known"),
    "eval '1'": (3, "'eval' is not known"),
    "File.read('/etc/passwd')": (3, "constant File is not known"),
    "'a'.send(:upcase)": (3, "'send' of \"a\" (String) is not known"),
    "'a'.instance_eval { }": (3, "'instance_eval'"),
    "@a = 1": (3, "the character '@'"),
    "$a = 1": (3, "the character '$'"),
    "while true\nend": (3, "keyword 'while'"),
    "def a\nend": (3, "keyword 'def'"),
    "begin\n1\nrescue\nend": (5, "keyword 'rescue'"),
    "x = ->(a) { a }": (3, "operator '->' is unexpected"),
    "a, b = 1, 2": (3, "operator ',' is unexpected"),
    "usage 'a' if /a/": (3, "Regexp or a Range as a condition"),
    "x = {:a => 1, :a => 2}": (3, "there twice"),
    "x = 08": (3, "a number"),
    "x = 'abc": (3, "without its closing '"),
    "x = <<X\nabc": (3, "without its closing X"),
    "=begin\nabc": (3, "=begin without =end"),
    'x = "\\xff"': (3, "not text in UTF-8"),
    "x = [1\n": (4, "the end of the text is unexpected"),
    "x = {1}": (3, "no pair"),
    "usage 1 2": (3, "integer 2 is unexpected"),
    "x = 'a'\nx << 'b'": (4, "the method '<<' of \"a\" (String) is not known"),
    "x = [1]\nx.push(2)": (4, "the method 'push' of [1] (Array) is not known"),
    "x = {}\nx[:a] = 1": (4, "assignment to what is no variable"),
    "x = 7 / 2": (3, "the method '/' of 7 (Integer) is not known"),
    "x = 1 + nil": (3, "can't be coerced"),
    "x = 'a' + 1": (3, "in place of a String"),
    "x = 1 % 0": (3, "modulo"),
    "x = [1].fetch(0)": (3, "'fetch' of [1] (Array)"),
    "x = {:a => 1}.fetch(:b)": (3, "'fetch' of {:a=>1} (Hash)"),
    "x = 'a'.upcase(1)": (3, "'upcase' with 1 arguments"),
    "x = [1].map": (3, "'map' without a block"),
    "x = '%d' % 'a'": (3, "invalid value for a number"),
    "next": (3, "next outside of a block"),
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_beyond_is_named_with_its_line(source: str) -> None:
    line, reason = REFUSED[source]
    with pytest.raises(exc.UnreadableDDL) as caught:
        read(source)
    assert reason in caught.value.reason
    assert (caught.value.path, caught.value.line) == ("x.ddl", line)
    assert str(caught.value).startswith(f"the DDL cannot be read: x.ddl, line {line}: ")


ENDLESS = {
    "1_000_000_000.times { }": "steps",
    "x = (1..1_000_000_000_000).to_a": "steps",
    "a = [1]\n99.times { a += a }": "steps",
    "a = 'x' * 100\n99.times { a = a + a }": "characters of text",
    "a = 'x' * 10_000_000_000": "characters of text",
    "a = ['x' * 100_000] * 10_000": "characters of text",
    "a = 'x' * 1000\na = 'x'.gsub('x', a) + a.gsub('x', a * 1000)": "characters of text",
    "a = [1, 2] * 1000\na = a.join('x' * 10_000)": "characters of text",
    "a = 'x' * 1_000_000\n9999.times { a.include?('y') }": "characters of text",
    "a = '%9999d' % 1\n999.times { a = format('%s%s', a, a) }": "characters",
    "a = 2\n99.times { a = a * a }": "bits",
    "a = [1]\n99.times { a = [a] }": "nested deeper",
    "a = [1, 2] * 10_000\n99.times { a.include?(0) }": "steps",
    "a = [1, 2] * 10_000\n99.times { a == a.dup }": "steps",
    "a = [[1] * 1000] * 10\nb = '%1$.0p' * 1000 % [a]": "steps",
    "x = " + "[" * 1000: "nested deeper",
    "x = " + "(" * 1000: "nested deeper",
    "x = " + "!" * 1000 + "1": "nested deeper",
    "x = " + "1+(" * 1000: "nested deeper",
    'x = "' + '#{"' * 1000: "nested",
    "x = a" + " ? a : a" * 1000: "nested deeper",
    "[1].each {" * 1000: "nested deeper",
    "if 1\n" * 1000: "nested deeper",
    "not " * 1000 + "1": "nested deeper",
    "x = 1" + "0" * 1000: "400 digits",
}


@pytest.mark.parametrize("source", ENDLESS)
def test_no_file_takes_long(source: str) -> None:
    start = time.monotonic()
    with pytest.raises(exc.UnreadableDDL, match=ENDLESS[source]):
        read(source)
    assert time.monotonic() - start < 5


GROWING = {
    "100.times { x = [x, x] }": "steps",
    "100.times { x = [x] + [x] }": "steps",
    "100.times { x = {:a => x, :b => x} }": "steps",
    "100.times { x = x..x }": "steps",
    "100.times { x = {:a => 1}.merge(:a => x, :b => x) }": "steps",
    "100.times { x = [x] * 2 }": "steps",
    "100.times { x = [1, 2].map { |n| x } }": "steps",
    "action 'a', :description => '' do summarize { 100.times { x = sum(x, x) } } end": "nested deeper",
    "x = 'x' * 9999\n100.times { x = [x, x] }": "characters",
    "x = ('x' * 9999).to_sym\n100.times { x = [x, x] }": "characters",
    "100.times { x = [x] }": "nested deeper than 20 levels",
}


@pytest.mark.parametrize("source", GROWING)
def test_no_value_grows_beyond_bounds_by_holding_another_twice(source: str) -> None:
    start = time.monotonic()
    with pytest.raises(exc.UnreadableDDL, match=GROWING[source]):
        read(f"x = [1]\n{source}\nusage x.inspect")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("source", ["x.nonsense", "x % []", "x + 1", "'%d' % x", "1 + x"])
def test_errors_quote_long_values_in_part(source: str) -> None:
    with pytest.raises(exc.UnreadableDDL) as caught:
        read(f"x = '%y' * 9999\n{source}")
    assert len(caught.value.reason) < 600


USES = [
    *("x.inspect", '"#{x}"', "x.join", "x == y", "x <=> y", "[x].include?(y)", "[x, y].uniq"),
    *("[x] - [y]", "[x, y].sort", "x.flatten", "'%p' % [x]", "format('%p', x)", "{:a => x}"),
    *("usage x", "x + y", "x.first", "x[0]", "x.map { }", "[*x, *y, *x]", "x.reject { }"),
]


@pytest.mark.parametrize("use", USES)
def test_each_use_of_a_large_value_counts(use: str) -> None:
    start = time.monotonic()
    large = "x = [1]\ny = [1]\n12.times { x = [x, x]; y = [y, y] }\n"
    read(large + use)
    with pytest.raises(exc.UnreadableDDL, match="more than .* (steps|characters)"):
        read(f"{large}10_000.times {{ {use} }}")
    assert time.monotonic() - start < 5


KEYS = {
    "x = {%s}\nusage((x == x.dup).to_s)": "{n} => 1",
    "x = {%s}\ny = x.merge(x)": "{n} => 1",
    "x = {%s}\ny = x.merge({1 => 2}, {1 => 3})": "'{n}' => 1",
    "x = [%s]\ny = x.uniq - x.reverse": "{n}",
    "action 'x', :description => 'x' do\n%s\nend": "output :a{n}, :description => 'x', :display_as => 'x'",
}


@pytest.mark.parametrize("source", KEYS)
def test_many_keys_are_found_in_time(source: str) -> None:
    start = time.monotonic()
    joint = ",\n" if "%s]" in source or "%s}" in source else "\n"
    with contextlib.suppress(exc.UnreadableDDL):
        read(source % joint.join(KEYS[source].replace("{n}", str(n)) for n in range(8_000)))
    assert time.monotonic() - start < 8


def test_hashes_with_many_keys_are_compared_in_time() -> None:
    start = time.monotonic()
    table = {f"k{number}": number for number in range(100_000)}
    assert values.equal(table, dict(reversed(list(table.items()))))
    assert not values.equal(table, {**table, "k1": 0})
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "timeout",
    ["0", "-1", "0.0", "1e400", "-1e400", "1e400 - 1e400", "2592000", "nil", "'5'", "true"],
)
def test_a_timeout_is_a_number_of_seconds_in_reason(timeout: str) -> None:
    metadata = METADATA.replace(":timeout => 1", f":timeout => {timeout}")
    with pytest.raises(exc.UnreadableDDL, match="the timeout .* is n"):
        ddl.read_ruby(metadata, "agent", "x", "x.ddl")


def test_a_discovery_method_may_need_no_time() -> None:
    found = ddl.read_ruby(METADATA.replace("timeout => 1", "timeout => 0"), "discovery", "x", "x")
    assert found.metadata.timeout == 0


PIECES = st.sampled_from(
    [
        *(
            "action",
            "'a'",
            ",",
            ":description",
            "=>",
            '"x"',
            "do",
            "end",
            "\n",
            "|a, b|",
            "{",
            "}",
            " ",
        ),
        *(
            "input",
            ":k",
            "[",
            "]",
            "(",
            ")",
            "each",
            ".",
            "map",
            "%w",
            "<<X",
            "X",
            "#{",
            "if",
            "else",
        ),
        *(
            "1",
            "-",
            "/",
            "?",
            ":",
            "::",
            "*",
            "&",
            "|",
            "<<",
            "=",
            "+=",
            "nil",
            "true",
            "x",
            "Y",
            "\\",
        ),
        *(
            "summarize",
            "aggregate",
            "summary",
            "for",
            "in",
            "unless",
            "begin",
            "not",
            "%",
            "'",
            "#",
            "..",
            "é",
        ),
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=25), st.sampled_from(["", " "]))
def test_any_text_is_read_or_refused(pieces: list[str], gap: str) -> None:
    with contextlib.suppress(exc.UnreadableDDL):
        read(gap.join(pieces))


def test_a_large_file_is_read_in_time() -> None:
    start = time.monotonic()
    found = read("\n".join(f'action "a{n}", :description => "d{n}"' for n in range(10_000)))
    assert len(found.actions) == 10_000
    assert time.monotonic() - start < 10


def test_values_show_as_in_ruby() -> None:
    shown = values.inspect([None, True, 1, 1e20, 1e-5, 100.0, 'a\n"#{', Symbol("a b"), {"k": []}])
    assert shown == '[nil, true, 1, 1.0e+20, 1.0e-05, 100.0, "a\\n\\"\\#{", :"a b", {"k"=>[]}]'
    assert values.to_s(ddl.Regexp("a/b", "i")) == "(?i-mx:a\\/b)"


def test_equality_is_rubys() -> None:
    assert values.equal(1, 1.0) and not values.same_key(1, 1.0)
    assert not values.equal(True, 1)
    assert not values.equal("a", Symbol("a"))
    assert values.equal([1, {"a": 2}], [1.0, {"a": 2.0}])
    assert not values.equal({1: 2}, {1.0: 2})
    assert values.equal(b"a", "a") and not values.equal(b"\xff", "\xff")


@pytest.mark.parametrize("template", ["%d", "%", "%y", "%99999d", "%1$s %s", "%<a>s", "%c"])
def test_formats_that_do_not_fit_are_refused(template: str) -> None:
    with pytest.raises(formatting.FormatError):
        formatting.sprintf(template, ["text"])


def test_a_long_word_costs_no_more_than_its_length() -> None:
    """Found by the fuzzer."""
    start = time.process_time()
    with pytest.raises(exc.UnreadableDDL, match="without its closing"):
        ddl.read_ruby("%w{" + "w" * 200_000, "agent", "x", "x.ddl")
    assert time.process_time() - start < 2
