# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows the progress of a long call.

The lines go to standard error, so the output of a callback stays as it is. Note that this plugin util is
**PRIVATE** to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import itertools
import time
import typing as t

from ansible import constants as C
from ansible import context

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

if t.TYPE_CHECKING:
    from ansible.utils.display import Display

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Received

CLEAN = frozenset(("json", "jsonl", "oneline", "null", "junit"))
"""Callbacks with output for programs, which nothing else may be mixed into."""


class ProgressLines:
    """Prints a line every few seconds. It is a :data:`.rpc.Progress`.

    :param title: the beginning of each line.
    :param every: seconds between two lines.
    """

    def __init__(
        self,
        display: Display,
        title: str,
        every: float,
        *,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._display, self._title = display, printable(title)
        self._every, self._clock = every, clock
        self._next = clock() + every
        self._phase, self._seen, self._failed = "", 0, 0
        self._batch = ""

    @staticmethod
    def wanted() -> bool:
        """Return True if a person reads the output."""
        callback = str(C.DEFAULT_STDOUT_CALLBACK).rpartition(".")[2]
        return not context.CLIARGS.get("one_line") and callback not in CLEAN

    def __call__(self, phase: str, replies: t.Mapping[str, Received], expected: int | None) -> None:
        """Called by the client now and then."""
        self._batch = f"{phase}: " if phase.startswith("batch ") else ""
        if self._batch:
            phase = "call"  # the replies to all batches come together
        if phase != self._phase:
            self._phase, self._seen, self._failed = phase, 0, 0
        now = self._clock()
        if now < self._next:
            return
        self._next = now + self._every
        self._display.display(
            f"{self._title}: {self._words(replies, expected)}", stderr=True, screen_only=True
        )

    def _words(self, replies: t.Mapping[str, Received], expected: int | None) -> str:
        count = f"{len(replies):,}"
        if self._phase == "discovery":
            return f"{count} nodes found so far"
        if self._phase != "ping":  # whose replies have no status
            new = itertools.islice(replies.values(), self._seen, None)
            self._failed += sum(map(_has_failed, new))
        self._seen = len(replies)
        of = "" if expected is None else f" of {expected:,}"
        failed = f", {self._failed:,} failed" if self._failed else ""
        did = "have run Puppet" if self._phase == "run" else "answered"
        return f"{self._batch}{count}{of} nodes {did}{failed}"


def _has_failed(reply: Received) -> bool:
    """Return True if the result will count this reply as failed, like everything that is not an RPC reply."""
    body = reply.body
    return not isinstance(body, dict) or body.get(":statuscode", body.get("statuscode")) != 0
