# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DDLs allow and refuse, and the summaries that they ask for."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import regex
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

SOURCE = """
metadata :name => "x", :description => "x", :author => "x", :license => "x", :version => "1",
         :url => "x", :timeout => 1
all = {:prompt => "P", :description => "D", :optional => true}
action "check", :description => "x" do
  input :name, all.merge(:optional => false, :type => :string, :validation => '^\\w+$', :maxlength => 5)
  input :safe, all.merge(:type => :string, :validation => :shellsafe, :maxlength => 0)
  input :address, all.merge(:type => :ipv4address)
  input :custom, all.merge(:type => :string, :validation => :service_name, :maxlength => 3)
  input :odd, all.merge(:type => :string, :validation => '\\A(?~abc)\\z', :maxlength => 3)
  input :mode, all.merge(:type => :list, :list => ["a", 1])
  input :count, all.merge(:type => :integer)
  input :ratio, all.merge(:type => :float)
  input :number, all.merge(:type => :number)
  input :flag, all.merge(:type => :boolean)
  input :names, all.merge(:type => Array)
  input :size, all.merge(:optional => false, :type => :integer, :default => 3)
  input "text", all.merge(:type => :string, :validation => '', :maxlength => 0)
end
action :symbol, :description => "x"
"""


def agent() -> ddl.AgentDDL:
    found = ddl.read_ruby(SOURCE, "agent", "thing", "thing.ddl")
    assert isinstance(found, ddl.AgentDDL)
    return found


def check(**arguments: t.Any) -> ddl.Checked:
    return ddl.check_request(agent(), "check", {"name": "x", **arguments})


ALLOWED: list[tuple[str, t.Any]] = [
    ("name", "a\nb c"),  # ^ and $ are the ends of a line, as in Ruby
    ("safe", "a & b"),
    ("address", "10.0.0.1/8"),
    ("mode", 1.0),
    ("count", 2**70),
    ("ratio", 1.5),
    ("number", 2),
    ("flag", False),
    ("names", []),
    ("undeclared", {"any": ["thing"]}),
]


@pytest.mark.parametrize(("name", "value"), ALLOWED)
def test_allowed(name: str, value: t.Any) -> None:
    checked = check(**{name: value})
    assert checked.arguments[f":{name}"] == value
    assert checked.unchecked == []


REFUSED: list[tuple[str, t.Any, str]] = [
    ("name", "abcdef", "longer than 5 character(s)"),
    ("name", "-", "value should match ^\\w+$"),
    ("name", 1, "value should be a string"),
    ("name", None, "value should be a string"),
    ("safe", "a;b", "value should not have ; in it"),
    ("address", "10.0.0.256", "ipv4 address"),
    ("mode", "b", "value should be one of a, 1"),
    ("count", "5", "value should be a integer"),
    ("count", True, "value should be a integer"),
    ("count", 1.0, "value should be a integer"),
    ("ratio", 1, "value should be a float"),
    ("number", "1", "value should be a number"),
    ("flag", "true", "value should be a boolean"),
    ("names", "a", "value should be a Array"),
    ("custom", "four", "longer than 3 character(s)"),
]


@pytest.mark.parametrize(("name", "value", "rule"), REFUSED)
def test_refused(name: str, value: t.Any, rule: str) -> None:
    with pytest.raises(exc.InvalidArgument) as caught:
        check(**{name: value})
    error = caught.value
    assert (error.agent, error.action, error.input) == ("thing", "check", name)
    assert rule in error.rule
    assert str(error) == f"the DDL of thing, action check, input {name} refuses this: {error.rule}"
    assert isinstance(error, exc.BadRequest)


def test_a_required_input_and_an_unknown_action() -> None:
    with pytest.raises(exc.InvalidArgument, match="input name refuses this: it is required"):
        ddl.check_request(agent(), "check", {})
    for action in ("unknown", "symbol", ":symbol"):
        with pytest.raises(exc.InvalidArgument, match="no such action; it declares :symbol, check"):
            ddl.check_request(agent(), action, {})


def test_defaults_are_for_required_inputs_that_are_missing() -> None:
    assert check().arguments == {":name": "x", ":size": 3}
    assert check(size=4).arguments[":size"] == 4


def test_keys_may_bear_a_colon_and_come_out_as_declared() -> None:
    arguments = {":name": "x", "text": "a", Symbol("size"): 1}
    checked = ddl.check_request(agent(), "check", arguments).arguments
    assert [(key, isinstance(key, Symbol)) for key in checked] == [
        *((":name", True), ("text", False), (":size", True))
    ]
    with pytest.raises(exc.InvalidArgument, match="given twice"):
        ddl.check_request(agent(), "check", {":name": "x", "name": "y"})


def test_what_only_a_node_can_tell_is_listed() -> None:
    checked = check(custom="abc", odd="abc")
    reasons = {item.input: item.reason for item in checked.unchecked}
    assert reasons["custom"] == "the validator plugin service_name is not known here"
    assert reasons["odd"].startswith("the regular expression \\A(?~abc)\\z: the group")


def test_text_is_cast_for_booleans_and_numbers_only() -> None:
    typed = {"flag": "Yes", "count": "5", ":ratio": "1.5", "name": "5", "other": "5", "size": 7}
    cast = ddl.cast_arguments(agent(), "check", typed)
    assert cast == {"flag": True, "count": 5, ":ratio": 1.5, "name": "5", "other": "5", "size": 7}
    for name, text in (("flag", "maybe"), ("count", "-1"), ("count", "x")):
        with pytest.raises(exc.InvalidArgument, match="does not look like a"):
            ddl.cast_arguments(agent(), "check", {name: text})


# --- data functions


def test_data_functions() -> None:
    library = ddl.Library()
    fstat = library.data("fstat")
    assert fstat is not None
    assert ddl.check_query(fstat, "/etc/hosts", "md5") == ddl.CheckedQuery("/etc/hosts")
    wrong = [(None, "md5", "value should be a string"), ("/x", "sha", "it does not return 'sha'")]
    wrong += [("x" * 121, "md5", "longer than 120"), ("/x", None, "it does not return None")]
    for param, output, rule in wrong:
        with pytest.raises(exc.InvalidArgument) as caught:
            ddl.check_query(fstat, param, output)
        assert rule in caught.value.rule
        assert caught.value.action is None


# --- regular expressions

MATCHES = [
    ("b", "abc", True),
    ("^b$", "a\nb\nc", True),
    ("\\Ab", "a\nb", False),
    ("a\\z", "a\n", False),
    ("a\\Z", "a\n", True),
    ("^", "", True),
    ("\\h{2}", "zfa", True),
    ("[[:digit:]]", "a1", True),
    ("[a-z&&[^b]]", "b", False),
    ("\\A(?<x>a)(?'y'b)(c)\\z", "abc", True),
    ("\\Aa+?\\z", "aab", False),
    ("\\Aa{2}?\\z", "", True),
    ("a(?i)b|C", "aB", True),
    ("a(?i)b|C", "aC", True),
    ("a(?i)b|C", "C", False),
    ("(?x: a b # c\n)", "ab", True),
    ("\\Aa{,2}\\z", "aa", True),
    ("a.b", "a\nb", False),
    ("(?m:a.b)", "a\nb", True),
    ("\\w", "é", False),
    ("[^a]", "é", True),
    ("(?<=a)b", "ab", True),
    ("(?<!a+)b", "aab", False),
]


@pytest.mark.parametrize(("source", "text", "expected"), MATCHES)
def test_regular_expressions(source: str, text: str, expected: bool) -> None:
    assert regex.compile_ruby(source).search(text) is expected


@pytest.mark.parametrize(
    "source",
    [
        "(",
        ")",
        "[",
        "*a",
        "a**?(",
        "\\g<1>",
        "(?~a)",
        "\\X",
        "\\p{Han}",
        "[[:punct:]]",
        "é(?i)É",
        "a" * 30_000,
    ]
    + [
        "(" * 100 + ")" * 100,
        "a{200000}",
        "[z-a]",
        "[a-\\w]",
        "(a)\\1",
        "(?<a>b)\\k<a>",
        "(?>a)",
        "a++",
        "\\R",
    ],
)
def test_regular_expressions_that_are_left_to_the_nodes(source: str) -> None:
    with pytest.raises(regex.Untranslatable):
        regex.compile_ruby(source).search("a")


def test_what_depends_on_unicode_is_told_within_ascii_only() -> None:
    for source in ("[[:alpha:]]", "\\bx", "(?i)x", "\\p{Alpha}"):
        assert regex.compile_ruby(source).search("x")
        with pytest.raises(regex.Untranslatable):
            regex.compile_ruby(source).search("xé")


EVIL = [
    "(a+)+$",
    "^(a*)*$",
    "^(a|a)*$",
    "(a|aa)+$",
    "(.*a){12}$",
    "^(([a-z])+.)+[A-Z]$",
    "(a?){40}a{40}$",
]


@pytest.mark.parametrize("source", EVIL)
@pytest.mark.parametrize("size", [40, 5000])
def test_no_regular_expression_takes_long(source: str, size: int) -> None:
    start = time.monotonic()
    try:
        assert not regex.compile_ruby(source).search("a" * size + "!")
    except regex.Untranslatable as error:
        assert size > 40 and "too long" in str(error)
    assert time.monotonic() - start < 15


# --- summaries


def action(*aggregates: ddl.Aggregate, outputs: str = "abc") -> ddl.Action:
    declared = {name: ddl.Output(Symbol(name), "D", name.upper()) for name in outputs}
    return ddl.Action("x", "x", outputs=declared, aggregates=aggregates)


def aggregate(function: str, output: str = "a", **settings: t.Any) -> ddl.Aggregate:
    args: list[t.Any] = [Symbol(output)]
    args += [{Symbol(key): value for key, value in settings.items()}] if settings else []
    return ddl.Aggregate(function, args)


def test_summary_counts_values_and_the_items_of_arrays() -> None:
    replies = [{"a": "x"}, {":a": ["x", "yy"]}, {"a": None}, {}, {"a": {"k": 1}}, {"a": {"k": 1}}]
    (result,) = ddl.summarize(action(aggregate("summary")), replies).results
    assert (result.function, result.output, result.display_as) == ("summary", "a", "A")
    assert result.value == [("x", 2), ("yy", 1), ({"k": 1}, 2)]
    assert result.format == "%2s = %s"
    assert result.lines() == ['{"k"=>1} = 2', " x = 2", "yy = 1"]


def test_numbers() -> None:
    replies = [{"a": 1, "b": 2.5}, {"a": 2, "b": 1}]
    functions = [aggregate("sum"), aggregate("average"), aggregate("average", "b", format="%.2f!")]
    results = ddl.summarize(action(*functions), replies).results
    assert [result.value for result in results] == [3, 1, 1.75]
    assert [result.lines() for result in results] == [
        *(["Sum of a: 3.000000"], ["Average of a: 1.000000"], ["1.75!"])
    ]


def test_functions_that_fail_are_reported_and_the_others_go_on() -> None:
    functions = [
        *(aggregate("unknown"), aggregate("sum", "missing"), ddl.Aggregate("sum", ["a"])),
        *(aggregate("sum", "b"), aggregate("average", "c"), aggregate("summary")),
    ]
    summary = ddl.summarize(action(*functions), [{"a": 1, "b": "x"}])
    assert [(failure.output, failure.type) for failure in summary.failures] == [
        *(("a", "startup"), ("missing", "create"), ("a", "create")),
        *(("b", "process_result"), ("c", "process_result")),
    ]
    assert [result.function for result in summary.results] == ["summary"]
    empty = ddl.summarize(action(aggregate("average")), [])
    assert [failure.type for failure in empty.failures] == ["summarize"]


def test_the_text_is_that_of_mco() -> None:
    functions = [
        aggregate("summary"),
        aggregate("sum", "b"),
        aggregate("summary", "c", format="%d"),
    ]
    summary = ddl.summarize(action(*functions), [{"a": [None], "b": 1, "c": "x"}])
    assert summary.lines() == [
        *("Summary of A:", "", "     No aggregate summary could be computed", ""),
        *("Summary of B:", "", "   Sum of b: 1.000000", ""),
        *(
            "Summary of C:",
            "",
            '     Could not show the summary - invalid value for a number: "x"',
            "",
        ),
    ]


@pytest.mark.parametrize("shape", [str, lambda number: {"k": [number]}, lambda n: Symbol(str(n))])
def test_many_different_values_are_counted_in_time(shape: t.Callable[[int], t.Any]) -> None:
    start = time.monotonic()
    replies = [{"a": shape(number % 10_000)} for number in range(30_000)]
    (result,) = ddl.summarize(action(aggregate("summary")), replies).results
    assert len(result.value) == 10_000
    assert time.monotonic() - start < 5
