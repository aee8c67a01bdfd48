# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes at random: with a seed, Ruby picks the same."""

from __future__ import annotations

import random

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.picking import pick
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settle import MAX_SEED
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.ruby import Ruby

SOURCE = """
{triples}.map do |seed, size, count|
  srand(seed)
  left = (0...size).map {{ |number| "n#{{number}}" }}.sort
  Array.new(count) {{ left.delete_at(rand(left.size)) }}
end
"""
EDGES = [0, 1, 2, 2**16, 2**31 - 1, 2**31, MAX_SEED - 2, MAX_SEED - 1]


def triples() -> list[tuple[int, int, int]]:
    """Seeds, numbers of nodes, and how many of them are wanted: the edges, and any."""
    chance = random.Random(1)
    sizes = [1, 2, 3, 7, 8, 9, 255, 256, 257, 1000]
    found = [(seed, size, min(size, 9)) for seed in EDGES for size in sizes]
    for _number in range(400):
        size = chance.choice([*sizes, chance.randint(1, 3000)])
        found.append((chance.randrange(MAX_SEED), size, chance.randint(1, min(size, 40))))
    return found


def test_ruby_picks_the_same(oracle: Ruby) -> None:
    asked = triples()
    literal = f"[{', '.join(f'[{seed}, {size}, {count}]' for seed, size, count in asked)}]"
    theirs = MarshalSerializer().deserialize(
        oracle.evaluate("marshal", SOURCE.format(triples=literal))
    )
    assert len(theirs) == len(asked)
    for (seed, size, count), expected in zip(asked, theirs):
        nodes = [f"n{number}" for number in range(size)]
        random.Random(seed).shuffle(nodes)
        assert pick(nodes, count, seed) == expected, (seed, size, count)


def test_a_pick_that_is_known() -> None:
    # Ruby's answers, for machines without Ruby.
    assert pick(["d", "b", "a", "c"], 2, 42) == ["c", "a"]


@pytest.mark.parametrize("seed", [None, 5])
def test_each_is_taken_once_and_the_list_stays_as_it_was(seed: int | None) -> None:
    nodes = ["d", "b", "a", "c"]
    assert sorted(pick(nodes, 4, seed)) == ["a", "b", "c", "d"]
    assert nodes == ["d", "b", "a", "c"]
