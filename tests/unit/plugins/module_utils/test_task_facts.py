# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mcollective_facts: why there are no facts."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathered
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.fake_client import (
    LOST,
    FakeClient,
    reply,
    result,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import at, options


@pytest.mark.parametrize("facts", [None, ["role"]])
@pytest.mark.parametrize(
    "unsent,message",
    [
        (["a"], "1 of 1 nodes were not sent the request since the connection was lost"),
        ([], "1 of 1 nodes did not answer: a because the connection was lost"),
    ],
)
def test_a_connection_that_is_lost_is_told(
    unsent: list[str], message: str, facts: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "Client", FakeClient(result("a", unsent=unsent, lost=LOST)))
    given = options(FactsTask, config=at(1), node="a", fact_names=facts)
    with pytest.raises(TaskFailed, match=message):
        FactsTask(given, lambda warning: None, environ={}).run(False)


def test_a_node_that_has_answered_the_first_request_has_the_agent() -> None:
    warnings: list[str] = []
    task = FactsTask(options(FactsTask, config=at(1), node="a"), warnings.append, environ={})
    results = [result("a", reply("a"), discovered=False), result("a", discovered=False)]
    assert task._why(Gathered(results=results), "a").startswith("1 of 1 nodes did not answer: a")
    assert "They have answered an earlier request" in warnings[0]


@pytest.mark.parametrize(
    "more,unreachable",
    [
        ({}, True),
        ({"culprits": {"forged": ["b"]}}, True),
        ({"lost": LOST}, False),
        ({"unsent": ["a"]}, False),
        # Its reply was too large, so it is there.
        ({"culprits": {"over_limit": ["a"]}}, False),
    ],
)
def test_a_node_that_says_nothing_is_unreachable(
    more: dict[str, t.Any], unreachable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "Client", FakeClient(result("a", **more)))
    given = options(FactsTask, config=at(1), node="a")
    with pytest.raises(TaskFailed) as failure:
        FactsTask(given, lambda warning: None, environ={}).run(False)
    assert failure.value.unreachable is unreachable
