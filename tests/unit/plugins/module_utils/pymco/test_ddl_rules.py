# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What DDLs allow and refuse, and the summaries that they declare."""

from __future__ import annotations

import concurrent.futures
import signal
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl, exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    ruby_patterns as patterns,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import aggregates
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    little_memory,
    soon,
)

SECONDS = 2
"""Processor time that a check may take."""

SOURCE = """
metadata :name => "x", :description => "x", :author => "x", :license => "x", :version => "1",
         :url => "x", :timeout => 1
action "check", :description => "x" do
  input :name, :prompt => "P", :description => "D", :optional => false, :type => :string, :validation => '^\\w+$', :maxlength => 5
  input :safe, :prompt => "P", :description => "D", :optional => true, :type => :string, :validation => :shellsafe, :maxlength => 0
  input :address, :prompt => "P", :description => "D", :optional => true, :type => :ipv4address
  input :custom, :prompt => "P", :description => "D", :optional => true, :type => :string, :validation => :service_name, :maxlength => 3
  input :odd, :prompt => "P", :description => "D", :optional => true, :type => :string, :validation => '\\A(?~abc)\\z', :maxlength => 3
  input :mode, :prompt => "P", :description => "D", :optional => true, :type => :list, :list => ["a", 1]
  input :count, :prompt => "P", :description => "D", :optional => true, :type => :integer
  input :ratio, :prompt => "P", :description => "D", :optional => true, :type => :float
  input :number, :prompt => "P", :description => "D", :optional => true, :type => :number
  input :flag, :prompt => "P", :description => "D", :optional => true, :type => :boolean
  input :names, :prompt => "P", :description => "D", :optional => true, :type => Array
  input :size, :prompt => "P", :description => "D", :optional => false, :type => :integer, :default => 3
  input "text", :prompt => "P", :description => "D", :optional => true, :type => :string, :validation => '', :maxlength => 0
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
    assert reasons["odd"].startswith("the regular expression \\A(?~abc)\\z: what (?~a means")


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
    ("\\A(?<x>a)(?'y'b)(c)\\z", "abc", True),
    ("\\Aa+?\\z", "aab", False),
    ("(?i)b|C", "aB", True),
    ("a(?i:b)|C", "aB", True),
    ("a(?i:b)|C", "c", False),
    ("\\Aa{,2}\\z", "aa", True),
    ("a.b", "a\nb", False),
    ("(?m:a.b)", "a\nb", True),
    ("\\w", "é", False),
    ("[^a]", "é", True),
    ("(?<=a)b", "ab", True),
    ("(?<!a)b", "aab", False),
    ("[\\w.-]+@[a-z]", "a-b@c", True),
    ("\\A[^\\n]+\\Z", "a b", True),
]


@pytest.mark.parametrize(("source", "text", "expected"), MATCHES)
def test_regular_expressions(source: str, text: str, expected: bool) -> None:
    assert search(source, text) is expected


def search(source: str, text: str) -> bool:
    return patterns.compile_ruby(source).search(text, patterns.Allowance())


def test_the_option_x_allows_blanks_and_comments() -> None:
    found = patterns.compile_ruby(" a b + # c\n", "x").search("abb", patterns.Allowance())
    assert found is True


LEFT = [
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
    "a" * 3000,
]
LEFT += ["é(?i:É)", "a{2000}", "[z-a]", "[a-\\w]", "(a)\\1", "(?<a>b)\\k<a>", "(?>a)", "a++", "\\R"]
LEFT += [
    "(" * 5000 + ")" * 5000,
    "[a-z&&[^b]]",
    "a{2}?",
    "a(?i)b",
    "^*",
    "(?=a)+",
    "a{3,2}",
    "[]a]",
]
LEFT += ["(?<=a+)b", "(" * 900 + ")" * 900]


@pytest.mark.parametrize("source", LEFT, ids=lambda source: source[:10])
def test_regular_expressions_that_are_left_to_the_nodes(source: str) -> None:
    with pytest.raises(patterns.Untranslatable):
        search(source, "a")


def test_what_depends_on_unicode_is_told_within_ascii_only() -> None:
    for source in ("[[:alpha:]]", "\\bx", "(?i)x", "\\p{Alpha}"):
        assert search(source, "x")
        with pytest.raises(patterns.Untranslatable):
            search(source, "xé")


EVIL = ["(a+)+$", "^(a*)*$", "^(a|a)*$", "(a|aa)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]$"]
EVIL += ["(a?){40}a{40}$", "(a{1,999}){1,999}b", "((a{0,500}){0,500}){0,500}b", "a*a*a*a*a*a*b"]


@pytest.mark.parametrize("source", EVIL)
@pytest.mark.parametrize("size", [3000, 200_000])
def test_no_regular_expression_takes_long(source: str, size: int) -> None:
    start = time.process_time()
    with pytest.raises(patterns.Untranslatable, match="too long"):
        search(source, "a" * size + "!")
    assert time.process_time() - start < 1


def test_a_request_has_all_its_patterns_checked_in_one_time() -> None:
    inputs = "".join(
        f"input :i{n}, :prompt => '', :description => '', :type => :string, :optional => true,"
        " :validation => '^(a+)+$', :maxlength => 0\n"
        for n in range(50)
    )
    source = SOURCE.partition("action")[0] + f'action "x", :description => "x" do\n{inputs}end'
    found = t.cast("ddl.AgentDDL", ddl.read_ruby(source, "agent", "thing", "thing.ddl"))
    start = time.process_time()
    arguments = {f"i{n}": "a" * 5000 + "!" for n in range(50)}
    checked = ddl.check_request(found, "x", arguments)
    assert time.process_time() - start < SECONDS
    assert len(checked.unchecked) == 50
    assert checked.unchecked[0].reason == "the regular expression ^(a+)+$: it takes too long"
    assert "the time for matching is over" in checked.unchecked[1].reason


def test_the_time_of_others_is_left_alone() -> None:
    """A profiler may use the same signal."""
    rung: list[int] = []
    before = signal.signal(signal.SIGVTALRM, lambda number, _frame: rung.append(number))
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
    try:
        with pytest.raises(patterns.Untranslatable):
            search("(a+)+$", "a" * 3000 + "!")
        assert signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0] > 900
        signal.raise_signal(signal.SIGVTALRM)
        assert rung == [signal.SIGVTALRM]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def test_other_threads_match_what_cannot_take_long() -> None:
    def told(source: str, text: str) -> str:
        try:
            return str(search(source, text))
        except patterns.Untranslatable as error:
            return str(error)

    cases = [
        ("^[\\w-]+$", "a" * 2000),
        ("^(a+)+$", "a"),
        ("a|b", "a"),
        ("a+b+", "a"),
        ("a+", "a" * 3000),
    ]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        found = list(pool.map(lambda case: told(*case), cases))
    assert found[0] == "True"
    assert set(found[1:]) == {"it may take long, and only the main thread can stop it"}


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
    assert result.shown() == ['{"k"=>1} = 2', " x = 2", "yy = 1"]


def test_numbers() -> None:
    replies = [{"a": 1, "b": 2.5}, {"a": 2, "b": 1}]
    functions = [aggregate("sum"), aggregate("average"), aggregate("average", "b", format="%.2f!")]
    results = ddl.summarize(action(*functions), replies).results
    assert [result.value for result in results] == [3, 1, 1.75]
    assert [result.shown() for result in results] == [
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


def test_what_cannot_be_shown_is_told() -> None:
    functions = [
        aggregate("summary"),
        aggregate("sum", "b"),
        aggregate("summary", "c", format="%d"),
    ]
    summary = ddl.summarize(action(*functions), [{"a": [None], "b": 1, "c": "x"}])
    assert [result.shown() for result in summary.results] == [
        ["  No aggregate summary could be computed"],
        ["Sum of b: 1.000000"],
        ['  Could not show the summary - invalid value for a number: "x"'],
    ]


@pytest.mark.parametrize("function", ["sum", "average", "summary"])
@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (10**309, {"%d": f"{10**309}", "%s": f"{10**309}", "%f": ""}),
        (-(10**309), {"%d": f"{-(10**309)}", "%s": f"{-(10**309)}", "%f": ""}),
        (float("inf"), {"%d": "", "%s": "Infinity", "%f": ""}),
        (float("nan"), {"%d": "", "%s": "NaN", "%f": ""}),
    ],
    ids=["large", "small", "infinite", "none"],
)
def test_any_number_has_a_summary(function: str, value: t.Any, lines: dict[str, str]) -> None:
    for template, shown in lines.items():
        functions = action(aggregate(function, format=template))
        (result,) = ddl.summarize(functions, [{"a": value}]).results
        (line,) = result.shown()
        assert line == shown or (not shown and "Could not show the summary" in line)


@pytest.mark.parametrize("function", ["sum", "average"])
@pytest.mark.parametrize("values", [[10**4299 * 9] * 2, [10**309, 0.5], [0.5, 10**309]])
def test_numbers_without_a_sum_that_can_be_written_are_left_out(
    function: str, values: list[t.Any]
) -> None:
    summary = ddl.summarize(action(aggregate(function)), [{"a": value} for value in values])
    assert summary.results == []
    assert len(summary.failures) == 1


@pytest.mark.parametrize(
    "values",
    [
        [number * (2**61 - 1) for number in range(100_000)],
        [[number * (2**61 - 1)] for number in range(100_000)],
        [{"k": number * (2**61 - 1)} for number in range(100_000)],
    ],
    ids=["numbers", "in lists", "in dicts"],
)
def test_numbers_of_one_hash_are_counted_soon(values: list[t.Any]) -> None:
    with soon():
        (result,) = ddl.summarize(action(aggregate("summary")), [{"a": values}]).results
    assert len(result.value) == 100_000


def test_one_long_text_does_not_make_all_lines_long() -> None:
    values = [*map(str, range(20_000)), "x" * 9999]
    with little_memory(2**25):
        (result,) = ddl.summarize(action(aggregate("summary")), [{"a": values}]).results
        lines = result.shown()
    assert len(lines) == 20_001
    assert sum(map(len, lines)) < 2_000_000


FORMATS: dict[str, tuple[list[t.Any], str]] = {
    "%s: %d%%": (["a", 2], "a: 2%"),
    "%-5s|%5s|": (["a", None], "a    |     |"),
    "%.2f and %08.3f": ([1, 2.5], "1.00 and 0002.500"),
    "%2$s of %1$d": ([3.9, "x"], "x of 3"),
    "%d nodes on %s": (["12", "80"], "12 nodes on 80"),
    "%+d % d %e": ([1, 2, 12345.678], "+1  2 1.234568e+04"),
    "no field": ([1], "no field"),
}


@pytest.mark.parametrize("template", FORMATS)
def test_formats(template: str) -> None:
    arguments, text = FORMATS[template]
    assert aggregates.fill_in(template, arguments) == text


@pytest.mark.parametrize(
    "template",
    ["%d", "%", "%y", "%99999d", "%1$s %s", "%<a>s", "%c", "%s %s", "%*d", "%x", "%p", None],
)
def test_formats_that_do_not_fit_are_refused(template: t.Any) -> None:
    with pytest.raises(aggregates.FormatError):
        aggregates.fill_in(template, ["text"])
    for value in (float("inf"), 2**60):
        with pytest.raises(aggregates.FormatError):
            aggregates.fill_in("%f", [value])


@pytest.mark.parametrize("shape", [str, lambda number: {"k": [number]}, lambda n: Symbol(str(n))])
def test_many_different_values_are_counted_in_time(shape: t.Callable[[int], t.Any]) -> None:
    start = time.monotonic()
    replies = [{"a": shape(number % 10_000)} for number in range(30_000)]
    (result,) = ddl.summarize(action(aggregate("summary")), replies).results
    assert len(result.value) == 10_000
    assert time.monotonic() - start < 5
