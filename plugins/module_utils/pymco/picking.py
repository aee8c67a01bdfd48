# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Picks nodes at random; with a seed the same nodes as ``mco --limit-seed``.

Ruby and Python have the same generator, MT19937. They seed it in different ways, and draw a number
below a bound in different ways.
"""

from __future__ import annotations

import random
import typing as t

_WORDS = 624
"""The generator's state, in 32-bit words."""


def pick(nodes: t.Sequence[str], count: int, seed: int | None) -> list[str]:
    """Return a number of nodes, each once (MC:rpc/client.rb, pick_nodes_from_discovered).

    :param seed: of 32 bits; it picks the same nodes of the same set each time. None: any nodes.
    """
    if seed is None:
        return random.SystemRandom().sample(nodes, count)
    left, generator = sorted(nodes), _seeded(seed)
    return [left.pop(_below(generator, len(left))) for _node in range(count)]


def _seeded(seed: int) -> random.Random:
    """Return a generator, seeded as Ruby's srand does it with a number of one word."""
    state = [seed]
    for index in range(1, _WORDS):
        last = state[-1]
        state.append((1812433253 * (last ^ (last >> 30)) + index) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*state, _WORDS), None))
    return generator


def _below(generator: random.Random, bound: int) -> int:
    """Return a number from 0 to below the bound, as Ruby's rand(bound) draws it."""
    bits = (bound - 1).bit_length()
    while bits:
        number = generator.getrandbits(32) & ((1 << bits) - 1)
        if number < bound:
            return number
    return 0
