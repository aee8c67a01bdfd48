# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random compound filters: their tokens and their meaning."""

from __future__ import annotations

import re
import typing as t

import expressions
from expressions import Silent
from hypothesis import HealthCheck, given, settings
from reference import NodeData, Reference, bare, theirs, typed, verdict
from testbed.embedded.nodes import Node

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    compound,
    exc,
    message,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
)

often = settings(
    max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def ours(text: str) -> list[compound.Token] | None:
    """Return the client's tokens, or None if it refuses the filter."""
    try:
        return compound.parse(text).tokens
    except exc.BadCompoundFilter:
        return None


def test_the_tokens_of_any_expression_are_those_of_mco(reference: Reference) -> None:
    taken = []

    @often
    @given(expressions.expressions)
    def check(expression: expressions.Expression) -> None:
        if re.search(r'value!?="b>c"', expression.text):
            return  # mco splits a data function's value there, as the tables of test_filters.py tell
        tokens = theirs(reference, expression.text)
        taken.append(tokens is not None)
        mine = compound.parse(expression.text).tokens
        assert tokens is None or typed(mine) == typed(bare(tokens)), expression.text

    check()
    # It refuses blanks around >= and a closing parenthesis after /regex/, among other things.
    assert sum(taken) > 150


KNOWN = re.compile(r"==|=~|=>|=<|\.v\w*[=<>]\S*[=<>]|['\"].*( [=<>]|[=<>] ).*['\"]")
"""The differences that the tables of test_filters.py tell of."""


OPEN = NodeData(classes=["a", "b", "re x", "and", "or"], facts={"os": "x"})


def test_of_anything_that_both_take_the_tokens_are_the_same(reference: Reference) -> None:
    both = []

    @often
    @given(expressions.garbage)
    def check(text: str) -> None:
        mine, mco = ours(text), theirs(reference, text)
        if mine is None or mco is None or KNOWN.search(text):
            return
        both.append(text)
        assert typed(mine) == typed(bare(mco))

    check()
    assert len(set(both)) > 40


def test_nodes_evaluate_whatever_we_take(reference: Reference) -> None:
    @often
    @given(expressions.garbage)
    def check(text: str) -> None:
        tokens = ours(text)
        if tokens is not None and "fact(" not in text and _compiles(text):
            assert verdict(reference, tokens, OPEN) is not None

    check()


def _compiles(text: str) -> bool:
    """Return True if the text between slashes is a regular expression. Otherwise nodes fail."""
    try:
        return all(re.compile(source) for source in re.findall("/(.*?)/", text))
    except re.error:
        return False


def test_nodes_decide_as_the_expression_says(reference: Reference) -> None:
    decided = []

    @often
    @given(expressions.expressions, expressions.nodes)
    def check(expression: expressions.Expression, node: NodeData) -> None:
        try:
            meant: bool | None = expression.holds(node)
        except Silent:
            meant = None
        decided.append(meant)
        tokens = compound.parse(expression.text).tokens
        assert verdict(reference, tokens, node) is meant, expression.text

    check()
    assert {True, False, None} <= set(decided)


def test_embedded_nodes_decide_as_real_ones(reference: Reference) -> None:
    decided: list[t.Any] = []

    @often
    @given(expressions.expressions, expressions.nodes)
    def check(expression: expressions.Expression, node: NodeData) -> None:
        filter_ = message.Filter().add_compound(expression.text)
        serializer = SERIALIZERS["yaml"]()
        received = serializer.deserialize(serializer.serialize(dict(filter_)))
        emulated = Node(node.identity, facts=node.facts, classes=node.classes)
        decided.append(emulated.fits(received))
        assert decided[-1] is bool(verdict(reference, filter_["compound"][0], node))

    check()
    assert {True, False} <= set(decided)
