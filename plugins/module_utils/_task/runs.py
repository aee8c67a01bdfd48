# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Runs of Puppet on many nodes, so many at a time, from the start of each to its result.

The agent ``puppet`` of the Puppet and Choria projects starts a run and does not wait for it. Its action ``status`` tells
whether a run is in progress, and when the last one ended, in seconds by the node's clock. So a run has ended when
none is in progress and the end of the last one is later than before. ``last_run_summary`` has the result.

While Puppet applies a catalog the agent refuses to start a run. So a run in progress is waited for first.
"""

from __future__ import annotations

import collections
import dataclasses
import time
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ruby_values import to_s

from .report import Node, outputs

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Reply

Replies = dict[str, "Reply"]
Unsent = t.Mapping[str, str]
Ask = t.Callable[[str, list[str]], tuple[Replies, Unsent]]
"""Calls an action on nodes. Returns the replies by node, and why it was not sent to nodes, by node. It does not raise
if the broker is away for a while. If the connection is lost, nodes count as not asked that may have been asked for
their state."""

RESULT = (
    "total_resources",
    "changed_resources",
    "corrected_resources",
    "failed_resources",
    "out_of_sync_resources",
    "total_time",
    "config_retrieval_time",
    "config_version",
    "lastrun",
)
"""The outputs of last_run_summary that are returned."""
_BUSY = "currently applying"
"""What the agent says when it does not start a run because another one is in progress."""


@dataclasses.dataclass
class Run:
    """A run on one node.

    :ivar lastrun: when the last run ended, by the node's clock.
    :ivar applying: a run is in progress.
    :ivar since: when the node got its turn, by our clock.
    :ivar asked: the node was asked to run, and may be doing it.
    :ivar initiated: when it began, by the node's clock; 0 if that is not known.
    :ivar before: when the run before it ended, by the node's clock.
    :ivar began: the node has answered when it was asked to run.
    :ivar heard: the node has answered the last question.
    :ivar unsent: why the node could not be asked the last question, if so.
    :ivar silent: the node did not answer in the end.
    :ivar over: there is nothing more to wait for.
    """

    node: Node
    lastrun: int = 0
    applying: bool = False
    since: float = 0.0
    asked: bool = False
    initiated: int = 0
    before: int = 0
    began: bool = False
    heard: bool = True
    unsent: str = ""
    silent: bool = False
    over: bool = False

    def look(self, reply: Reply | None) -> None:
        """Take in what the node says of its state."""
        told = outputs(reply) if reply is not None and reply.ok else {}
        self.heard = bool(told)
        if not told:
            return
        self.applying = told.get("applying") is True
        self.lastrun = _integer(told.get("lastrun"))
        if not self.asked and told.get("enabled") is False:
            self.fail(disabled(told))

    @property
    def ended(self) -> bool:
        """True if the run has ended."""
        newer = self.lastrun > self.before and self.lastrun >= self.initiated
        return self.asked and self.heard and not self.applying and newer

    def begin(self, reply: Reply | None) -> None:
        """Take in what the node says when it is asked to run; None: it does not answer."""
        self.asked, self.before = True, self.lastrun
        self.began = reply is not None
        if reply is None:
            return
        if reply.ok:
            self.initiated = _integer(outputs(reply).get("initiated_at"))
        elif _BUSY in reply.statusmsg:
            self.asked, self.applying = False, True
        else:
            self.fail(f"{reply.statuscode}: {reply.statusmsg}")

    def finish(self, reply: Reply | None) -> None:
        """Take in the result of the run."""
        if reply is None:
            return
        self.over = True
        if not reply.ok:
            self.node.changed = True
            self.fail(f"the result of the run is not known: {reply.statuscode}: {reply.statusmsg}")
            return
        told = outputs(reply)
        self.node.more["run"] = {name: told[name] for name in RESULT if name in told}
        total, changed, failed, unsynced = (
            _integer(told.get(f"{name}_resources"))
            for name in ("total", "changed", "failed", "out_of_sync")
        )
        self.node.changed = changed > 0
        self.node.after = f"{changed} of {total} resources changed"
        if failed > 0:
            self.fail(f"{failed} of {total} resources failed")
        elif total <= 0:
            # Puppet writes a summary without resources when it gets no catalog.
            self.fail("no catalog was applied; see the log of Puppet on the node")
        elif unsynced > changed:
            self.node.msg = f"{unsynced} of {total} resources were out of sync"

    @property
    def silence(self) -> str:
        """What the node does not answer; "" if nothing is missing but the end of the run."""
        if not self.heard:
            return "the node stopped answering"
        if self.ended:
            return "the run ended, but the node did not answer when it was asked for the result"
        if self.asked and not (self.began or self.applying):
            return "no answer came to the request to run, and no run ended"
        return ""

    def fail(self, msg: str) -> None:
        """Note that there will be no successful run."""
        self.node.fail(msg)
        self.over = True


class Runs:
    """Runs Puppet on nodes.

    :param ask: see :data:`Ask`.
    :param inputs: how many nodes may run at a time; 0: all.
    :param seconds: how long a node may take once it has its turn.
    :param interval: seconds between two looks.
    :param most: the percentage of nodes that may fail; if more do, no further run is started. None: any.
    :param told: is called with the runs that are over, and the number of all, now and then.
    """

    def __init__(
        self,
        ask: Ask,
        *,
        concurrency: int,
        seconds: float,
        interval: float,
        most: float | None = None,
        told: t.Callable[[list[Run], int], None] = lambda over, count: None,
        clock: t.Callable[[], float] = time.monotonic,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask, self._told = ask, told
        self._concurrency, self._seconds, self._interval = concurrency, seconds, interval
        self._most = most
        self._clock, self._sleep = clock, sleep
        self.stopped = ""

    def carry_out(self, runs: list[Run]) -> list[Node]:
        """Run on all nodes, whose state has just been asked. Return those that never got their turn."""
        waiting = collections.deque(run for run in runs if not run.over)
        active: list[Run] = []
        asked_before = True
        while True:
            self._fill(active, waiting)
            if not active:
                return [run.node for run in waiting]
            if not asked_before:
                self._each(active, "status", Run.look)
            asked_before = False
            self._each([run for run in active if _ready(run)], "runonce", Run.begin)
            self._each([run for run in active if run.ended], "last_run_summary", Run.finish)
            self._end_overdue(active)
            freed = any(run.over for run in active)
            active = [run for run in active if not run.over]
            over = [run for run in runs if run.over]
            self._judge(over, len(runs))
            self._told(over, len(runs))
            if active and not (freed and waiting):
                self._sleep(self._interval)

    def _fill(self, active: list[Run], waiting: collections.deque[Run]) -> None:
        """Give nodes their turn, as many as may run."""
        room = self._concurrency - len(active) if self._concurrency else len(waiting)
        while waiting and room > 0 and not self.stopped:
            run = waiting.popleft()
            run.since = self._clock()
            active.append(run)
            room -= 1

    def _each(
        self, runs: list[Run], action: str, take: t.Callable[[Run, Reply | None], None]
    ) -> None:
        """Call an action on the nodes of some runs, and have each run take its reply."""
        if not runs:
            return
        replies, unsent = self._ask(action, [run.node.sender for run in runs])
        for run in runs:
            run.unsent = unsent.get(run.node.sender, "")
            if action == "status" or not run.unsent:
                take(run, replies.get(run.node.sender))

    def _end_overdue(self, active: list[Run]) -> None:
        for run in active:
            if run.over or self._clock() - run.since < self._seconds:
                continue
            if run.asked:
                run.node.changed, run.node.after = True, None
            within = f"within {self._seconds:g} s"
            if run.unsent:
                what = "how its run went" if run.asked else "to run"
                run.fail(f"the node could not be asked {what} {within}: {run.unsent}")
                continue
            silence = run.silence
            run.silent = bool(silence)
            unended = "the run did not end" if run.asked else "the run in progress did not end"
            run.fail(f"{silence or unended} {within}")

    def _judge(self, over: list[Run], count: int) -> None:
        bad = sum(run.node.failed for run in over)
        if self._most is not None and 100 * bad > self._most * count and not self.stopped:
            self.stopped = f"{bad} of {count} nodes failed, which is more than {self._most:g} %, so no further run was started"


def _ready(run: Run) -> bool:
    """Return True if a node is to be asked to run."""
    return not (run.asked or run.over or run.applying) and run.heard


def _integer(value: t.Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def disabled(told: t.Mapping[str, t.Any]) -> str:
    """Return the words for a node on which Puppet is disabled."""
    message = told.get("disable_message")
    return f"Puppet is disabled: {to_s(message)}" if message else "Puppet is disabled"
