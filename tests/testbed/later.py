# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be sent at a certain time."""

from __future__ import annotations

import heapq

AT_ONCE = 200
"""Replies that are returned at once."""
IDLE = 3600.0
"""Seconds that one wait for requests may take."""
GOLDEN = 0.6180339887
"""The fractions of its multiples fill the time from 0 to 1 evenly, in no order."""


class Later:
    """What a fleet sends at a certain time."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, bytes]] = []
        self._sequence = 0

    def add(self, when: float, data: bytes) -> None:
        """Keep data until then."""
        self._sequence += 1
        heapq.heappush(self._entries, (when, self._sequence, data))

    def left(self, now: float) -> float:
        """Return the seconds until the next message is due."""
        return max(self._entries[0][0] - now, 0.0) if self._entries else IDLE

    def due(self, now: float) -> bytes:
        """Return what is due now."""
        pieces = []
        while self._entries and self._entries[0][0] <= now and len(pieces) < AT_ONCE:
            pieces.append(heapq.heappop(self._entries)[2])
        return b"".join(pieces)
