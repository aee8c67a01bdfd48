# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Heart-beats: signs of life on a connection that is otherwise silent, and how STOMP 1.1 agrees on them."""

from __future__ import annotations

import typing as t

SHORTEST = 30
"""Seconds. A shorter interval becomes this long (MC:connector/rabbitmq.rb, connection_headers)."""
MARGIN = 500
"""Milliseconds by which we promise less, and want more, than the interval, as the reference does."""


class Heartbeat(t.NamedTuple):
    """What both sides have agreed on, whatever the protocol.

    :ivar every: seconds after which we have to send something; None: never.
    :ivar silence: seconds of silence after which the broker counts as gone; None: never.
    """

    every: float | None = None
    silence: float | None = None


def offer(seconds: int) -> str | None:
    """Return the header heart-beat of CONNECT for an interval; None for 0, which means no heart-beats."""
    if not seconds:
        return None
    seconds = max(seconds, SHORTEST)
    return f"{seconds * 1000 + MARGIN},{seconds * 1000 - MARGIN}"


def agree(ours: str | None, theirs: str | None, missed: int) -> Heartbeat:
    """Return what our header heart-beat and the broker's agree on.

    :param missed: how many beats of the broker may stay out; 0: all of them.
    """
    we_can, we_want = _milliseconds(ours)
    they_can, they_want = _milliseconds(theirs)
    heeded = we_want and they_can and missed > 0
    return Heartbeat(
        every=max(we_can, they_want) / 1000 if we_can and they_want else None,
        silence=max(we_want, they_can) / 1000 * (missed + 1) if heeded else None,
    )


def _milliseconds(header: str | None) -> tuple[int, int]:
    """Return the two numbers of a header. Anything else counts as "no heart-beats"."""
    parts = [part.strip() for part in (header or "0,0").split(",")]
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        return 0, 0
    return int(parts[0]), int(parts[1])
