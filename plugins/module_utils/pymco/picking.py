# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Nodes at random; with a seed the very nodes that ``mco --limit-seed`` takes.

Ruby and Python have the same generator, MT19937. They differ in how they seed it and in how they
draw a number below a bound.
"""

from __future__ import annotations

import random
import typing as t

_WORDS = 624
"""The generator's state, in 32-bit words."""


def pick(nodes: t.Sequence[str], count: int, seed: int | None) -> list[str]:
    """So many nodes, each once (MC:rpc/client.rb, pick_nodes_from_discovered).

    :param seed: of 32 bits; the same one picks the same nodes of the same set. None: any.
    """
    if seed is None:
        return random.SystemRandom().sample(nodes, count)
    left, generator = sorted(nodes), _seeded(seed)
    return [left.pop(_below(generator, len(left))) for _node in range(count)]


def _seeded(seed: int) -> random.Random:
    """A generator as Ruby's srand seeds it with a number of one word."""
    state = [seed]
    for index in range(1, _WORDS):
        last = state[-1]
        state.append((1812433253 * (last ^ (last >> 30)) + index) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*state, _WORDS), None))
    return generator


def _below(generator: random.Random, bound: int) -> int:
    """A number from 0 to below the bound, as Ruby's rand(bound) draws it."""
    bits = (bound - 1).bit_length()
    while bits:
        number = generator.getrandbits(32) & ((1 << bits) - 1)
        if number < bound:
            return number
    return 0
