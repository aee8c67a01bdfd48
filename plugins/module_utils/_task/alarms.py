# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Warnings of replies that somebody should look into, although the task may succeed."""

from __future__ import annotations

import collections
import typing as t

from . import words


class Received(t.Protocol):
    """What a request brought; see :class:`.rpc.Result`."""

    @property
    def rejected(self) -> collections.Counter[str]: ...

    @property
    def culprits(self) -> t.Mapping[str, t.Sequence[str]]: ...

    @property
    def resumed(self) -> t.Sequence[str]: ...


TOLD = frozenset(("contradictory", "over_limit"))
"""The reasons of rejection that :func:`alarms` has warnings for."""


def alarms(received: Received, most_bytes: int) -> t.Iterator[str]:
    """Yield a warning for each way in which replies did not come as they should.

    :param most_bytes: the limit of all replies together.
    """
    rejected, culprits = received.rejected, received.culprits
    if rejected["contradictory"]:
        yield (
            f"{words.named(culprits['contradictory'])} answered more than once, and differently. The first"
            " answer counts, but it may not be the genuine one: whoever has the nodes' key can answer in the"
            " name of every node"
        )
    if rejected["over_limit"]:
        yield (
            f"{rejected['over_limit']} replies were dropped, since all replies together may have"
            f" {most_bytes} bytes: those of {words.named(culprits['over_limit'])}. Raise max_reply_bytes,"
            " ask fewer nodes, or ask for less"
        )
    for why in received.resumed:
        yield (
            f"the connection was lost: {why}. Listening went on over another connection, and replies that were"
            " sent in between may be missing"
        )
