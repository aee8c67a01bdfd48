# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of silence, by what a call has learnt."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.filter_words import in_words
from ansible_collections.pymco.mcollective.plugins.module_utils._task.silence import Silence
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.diagnosis import (
    Diagnosis,
    entries_of,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Reply, Result
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import soon

FILE = "/etc/mcollective/client.cfg"
CONTROL = "\x1b]0;mine\x07\u202e"
FILTER = (
    Filter()
    .add_agent("puppet")
    .add_cfclass("web")
    .add_fact("cpus", 4, ">=")
    .add_identity("/a/")
    .add_identity("b")
    .add_compound("x and y")
)
REPLY = Reply("rpcutil", "ping", "a", 0, "OK", {})


def looked(filter_: Filter, dialect: str = "mcollective", *nodes: dict[str, t.Any]) -> str:
    """What is told if no node fits the only entry of a filter, and these nodes were looked at."""
    samples = [{"identity": f"n{number}", **node} for number, node in enumerate(nodes)]
    (entry,) = entries_of(filter_)
    return Silence(dialect, FILE, None, Diagnosis(9, entry, samples=samples)).of_all()


def test_filters_are_told_in_words() -> None:
    words = ["agent puppet", "class web", "fact cpus>=4", "identity /a/ or b"]
    assert in_words(FILTER) == [*words, "compound class x and class y"]
    assert (
        f"the filters are {', '.join(words)}, compound class" in Silence("choria", "", FILTER).where
    )
    assert in_words(Filter().add_compound("x && y").in_dialect("choria")) == ["compound x && y"]
    assert in_words(Filter()) == []
    kinds = [(entry.kind, entry.text) for entry in entries_of(FILTER)]
    assert kinds == [
        ("agent", "puppet"),
        ("class", "web"),
        ("fact", "cpus>=4"),
        ("identity", "/a/ or b"),
        ("compound", "x and y"),
    ]


def test_each_entry_has_a_filter_of_its_own() -> None:
    filter_ = Filter().add_agent("puppet").add_fact("a.b", 1).add_compound("with('x')")
    for entry in entries_of(filter_.in_dialect("choria")):
        assert entry.filter.dialect == "choria"
        assert [each.text for each in entries_of(entry.filter)] == [entry.text]


@pytest.mark.parametrize("dialect", ["mcollective", "choria"])
def test_what_a_call_has_learnt_leaves_fewer_causes(dialect: str) -> None:
    silence = Silence(dialect, FILE, FILTER)
    key = {"mcollective": "do not know our key", "choria": "certname_whitelist"}[dialect]
    nothing = silence.of_silent(Result(nodes=["a", "b"]))
    assert key in nothing and "lack the agent" in nothing and FILE in nothing
    others = silence.of_silent(Result(nodes=["a", "b"], replies=[REPLY]))
    assert key not in others and "Other nodes answered" in others
    found = Result(nodes=["a", "b"], replies=[REPLY], discovered=True)
    slow = silence.of_silent(found)
    assert key not in slow and "lack the agent" not in slow and "raise timeout" in slow
    assert "direct_addressing" not in slow
    found.replies = []
    assert ("direct_addressing = 0" in silence.of_silent(found)) is (dialect == "mcollective")
    for named in (found, Result(nodes=["a"], replies=[REPLY])):
        later = silence.of_silent(Result(nodes=["a"]), named)
        assert later.startswith("They have answered an earlier request of this task, so they have")
        assert key not in later and "lack the agent" not in later
        # Nodes that have answered a request that named them take such requests.
        undirected = named.discovered and dialect == "mcollective"
        assert ("direct_addressing = 0" in later) is undirected


def test_a_look_that_had_no_time_for_all_tells_what_it_saw() -> None:
    text = Silence("mcollective", FILE, None, Diagnosis(1)).of_all()
    assert text.startswith("1 node is there, so it is the agent or the filters that none fits. The")


def test_facts_within_others_are_seen_by_choria_only() -> None:
    inside = Filter().add_fact("os.family", "Suse")
    facts = {"facts": {"os": {"family": "Debian"}, "family": "x"}}
    assert "n0 has os.family = Debian. The" in looked(inside, "choria", facts)
    assert "n0 has no fact os.family: facts in filters are top-level; use family." in looked(
        inside, "mcollective", facts
    )
    facts["facts"].pop("family")
    assert "and what is inside os cannot be selected. The" in looked(inside, "mcollective", facts)
    assert "none fits os.family==Suse. The" in looked(inside, "mcollective", {"facts": {}})


def test_a_large_fact_is_shown_in_part() -> None:
    facts = {"facts": {"os": ["x" * 1000] * 100_000}}
    with soon():
        text = looked(Filter().add_fact("os", "x"), "choria", facts)
    assert 'n0 has os = ["xxx' in text and len(text) < 400


def test_what_nodes_have_is_shown_so_that_no_terminal_obeys() -> None:
    texts = [
        looked(Filter().add_cfclass("roleweb"), "mcollective", {"classes": ["roleweb\x1b"]}),
        looked(Filter().add_fact("os", "x"), "choria", {"facts": {"os": CONTROL * 99}}),
        looked(Filter().add_fact("oss", "x"), "choria", {"facts": {"oss\x1b": 1, 5: 6}}),
    ]
    for text in texts:
        assert text.isprintable()
        assert "\\x1b" in text and len(text) < 400
