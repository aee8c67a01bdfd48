# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The summaries that DDLs declare, compared with MCollective's own code."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ddl_oracle import Oracle, unwire, wire
from hypothesis import given, settings
from hypothesis import strategies as st
from test_ddl_rules import ANY, TEXTS, THOROUGH

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ddl
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import ruby_values as values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import aggregates
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

FUNCTIONS = Path(__file__).parent / "ddls" / "agent" / "functions.ddl"

NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False, width=32, min_value=-(2**99), max_value=2**99),
)
REPLIED = st.one_of(
    st.sampled_from(["ok", "failed", "é", "", "a b", "x" * 12]),
    st.sampled_from(
        [None, True, False, Symbol("s"), {"a": [1]}, {"a": [1], "b": None}, 1, 2, 1.0, 2.5]
    ),
    st.lists(st.sampled_from(["web", "db", None, 3, ["deep"], "#{x}", 'q"']), max_size=3),
)


def theirs_and_ours(
    oracle: Oracle, action: str, replies: list[dict[str, t.Any]]
) -> tuple[t.Any, t.Any]:
    """Results, failures and text of both, in one form."""
    source = FUNCTIONS.read_text(encoding="utf-8")
    found = ddl.read_file(str(FUNCTIONS), "agent", "functions")
    assert isinstance(found, ddl.AgentDDL)
    answer = oracle.ask("aggregate", source, action, [wire(reply) for reply in replies])
    results = [(name, unwire(value)) for name, value, _format in answer["results"]]
    theirs = (results, [tuple(failure) for failure in answer["failures"]], answer["text"])
    summary = ddl.summarize(found.actions[action], replies)
    mine = [(result.output, unwire(wire(result.value))) for result in summary.results]
    mine = [
        (name, [tuple(pair) for pair in value] if isinstance(value, list) else value)
        for name, value in mine
    ]
    failures = [(failure.output, failure.type) for failure in summary.failures]
    return theirs, (mine, failures, "".join(line + "\n" for line in printed(summary)))


WHY = {
    "startup": "exception raised while processing startup hook",
    "create": "unspecified output {name!r} for the action",
    "process_result": "exception raised while processing result data",
    "summarize": "exception raised while summarizing",
}


def printed(summary: ddl.Summary) -> t.Iterator[str]:
    """A summary as mco prints it behind the replies."""
    for result in summary.results:
        yield from (f"Summary of {result.display_as}:", "")
        yield from (f"   {line}" for line in result.shown())
        yield ""
    for failure in summary.failures:
        why = WHY[failure.type].format(name=failure.output)
        text = f"     Could not compute summary - {why}"
        yield from (f"Summary of {failure.output}:", "", text, "")


@pytest.mark.parametrize("action", ["summary_value", "average", "sum", "outside"])
def test_summaries_are_alike(oracle: Oracle, action: str) -> None:
    numbers = st.lists(NUMBERS, max_size=6)
    mixed = st.lists(REPLIED, max_size=8)

    @settings(THOROUGH, max_examples=150)
    @given(st.one_of(numbers, mixed))
    def check(found: list[t.Any]) -> None:
        replies = [{Symbol("value"): value} for value in found]
        theirs, mine = theirs_and_ours(oracle, action, replies)
        assert mine == theirs

    check()


def test_formats_are_alike(oracle: Oracle) -> None:
    @settings(THOROUGH, max_examples=300)
    @given(
        st.lists(st.tuples(st.text("abc", max_size=9), NUMBERS, NUMBERS), min_size=1, max_size=5)
    )
    def check(found: list[tuple[str, t.Any, t.Any]]) -> None:
        replies = [dict(zip(map(Symbol, "abc"), row)) for row in found]
        theirs, mine = theirs_and_ours(oracle, "formats", replies)
        assert mine == theirs

    check()


def test_functions_that_cannot_be_are_reported_alike(oracle: Oracle) -> None:
    theirs, mine = theirs_and_ours(oracle, "broken", [{Symbol("value"): 1}])
    assert mine == theirs


FIELDS = [
    "%s",
    "%5s",
    "%-5s|",
    "%.2s",
    "%d",
    "%+d",
    "%05d",
    "% d",
    "%-5d|",
    "%.3d",
    "%x",
    "%o",
    "%b",
    "%X",
]
FIELDS += [
    "%f",
    "%.1f",
    "%8.2f",
    "%+.0f",
    "%-8.1f|",
    "%08.3f",
    "%e",
    "%.1E",
    "%g",
    "%G",
    "%%",
    "%p",
    "%c",
    "%i",
]
FIELDS += [
    "%2$s",
    "%1$d",
    "%#.0f",
    "% f",
    "%u",
    "%-+7.1e|",
    "%*d",
    "%",
    "%y",
    "%5%",
    "a%",
    "%.f",
    "%<a>d",
    "%{a}",
]


def test_format_fills_in_alike_or_not_at_all(oracle: Oracle) -> None:
    arguments = st.lists(
        st.one_of(
            NUMBERS, TEXTS, st.sampled_from([None, True, Symbol("x"), [1], "12", " 3 ", "1.5"])
        ),
        max_size=3,
    )

    @settings(THOROUGH, max_examples=500)
    @given(st.lists(st.sampled_from([*FIELDS, " ", "x"]), max_size=3).map("".join), arguments)
    def check(template: str, given_: list[t.Any]) -> None:
        try:
            mine = aggregates.fill_in(template, given_)
        except aggregates.FormatError:
            return
        assert mine == oracle.ask("format", template, wire(given_))

    check()


def test_values_are_shown_alike(oracle: Oracle) -> None:
    deep = st.recursive(
        st.one_of(ANY, NUMBERS, st.floats(), st.text('#{$@\\"\x00\x7f\x85é\u200b', max_size=4)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=2)
        ),
        max_leaves=5,
    )

    @settings(THOROUGH, max_examples=300)
    @given(deep)
    def check(value: t.Any) -> None:
        assert [values.to_s(value), values.inspect(value)] == oracle.ask("shown", wire(value))

    check()
