# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Conversations: one request, sent at once or part by part, and the replies to all of it."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import secrets
import time
import typing as t

from . import exc
from .intake import Intake, Outcome
from .middleware import Outgoing

if t.TYPE_CHECKING:
    from .envelope import Envelope, Received
    from .middleware import BaseMiddleware
    from .security.base import BaseProvider

OVERTIME = 2.0
"""Seconds beyond the deadline that replies which wait to be decoded may take."""
MOST_RESUMED = 3
"""How many times listening goes on over another connection; a broker may end each of them at once."""
TICK = 0.5
"""Seconds between two calls of :data:`Progress`."""
GRACE = 0.2
"""Seconds without a further reply that end the wait once as many nodes have answered as were expected.
The number may be too low, and nodes that answer a little later must not be lost."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to wait for replies, in seconds.

    :ivar total: the longest wait.
    :ivar first: the wait for the first reply; None: as long as total.
    :ivar quiet: the wait from one reply to the next; None: as long as total.
    :ivar grace: the wait from one reply to the next once there are enough; never longer than quiet.
    """

    total: float
    first: float | None = None
    quiet: float | None = None
    grace: float = 0.0

    def deadline(self, start: float, last: float | None, *, enough: bool = False) -> float:
        """Return when to stop.

        :param start: when the wait began.
        :param last: when the last reply came; None if none has.
        :param enough: as many replies have come as are wanted.
        """
        if last is None:
            window = start + (self.total if self.first is None else self.first)
        elif enough:
            quiet = self.total if self.quiet is None else self.quiet
            window = last + min(self.grace, quiet)
        else:
            window = start + self.total if self.quiet is None else last + self.quiet
        return min(window, start + self.total)


@contextlib.contextmanager
def uncollected() -> t.Iterator[None]:
    """Run without garbage collection. Replies have no cycles, and a collector that goes through all of
    them again and again takes as long as their decoding."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


Progress = t.Callable[[str, t.Mapping[str, "Received"], t.Optional[int]], None]
"""Is called every :data:`TICK` seconds or somewhat later, with the phase ("discovery", "ping", "call" or, of
a call in batches, such as "batch 2 of 9"), the replies that have come, by sender, and how many are expected, if that is known."""


@dataclasses.dataclass(frozen=True)
class Line:
    """What conversations go over.

    :ivar clock: a monotonic clock, in seconds.
    :ivar progress: see :data:`Progress`.
    :ivar now: the clock that stamps requests, in seconds since 1970.
    """

    middleware: BaseMiddleware
    security: BaseProvider
    clock: t.Callable[[], float] = time.monotonic
    progress: Progress | None = None
    now: t.Callable[[], float] = time.time


class Conversation:
    """One request and the replies to it.

    Nothing here raises once the request may have reached a node: the outcome then tells what ended the
    connection.

    :param envelope: the request. Each time it is sent it gets the time; without a requestid it gets one.
    :param phase: what it is for; see :data:`Progress`.
    :param expected: the identities that are asked; None if it is not known who will answer.
    :param enough: how many replies are wanted. Listening then ends after the grace; see :class:`Patience`.
    :param resume: go on listening over another connection when one is lost, where the middleware can.
        Nothing is sent again. Replies that come in between may be lost.
    :ivar phase: may change while it lasts.
    :ivar moments: when each accepted reply was looked at, by the clock of the line.
    """

    def __init__(
        self,
        line: Line,
        envelope: Envelope,
        *,
        phase: str = "call",
        expected: t.Collection[str] | None = None,
        enough: int | None = None,
        resume: bool = False,
    ) -> None:
        self._middleware, self._security = line.middleware, line.security
        self._clock, self._now = line.clock, line.now
        self.requestid = envelope.requestid or secrets.token_hex(16)
        self._envelope = dataclasses.replace(envelope, requestid=self.requestid)
        self._progress, self.phase = line.progress, phase
        self._count = enough if expected is None else len(expected)
        if phase == "discovery":
            self._count = None  # nobody knows how many of them fit
        self._resumes = resume and self._middleware.replies_survive
        self._reply_to: str | None = None
        self.moments: list[float] = []
        self.intake = Intake(
            self._security,
            self.requestid,
            expected,
            enough=enough,
            most_bytes=self._middleware.max_reply_bytes,
        )

    @property
    def outcome(self) -> Outcome:
        """What has come so far."""
        return self.intake.outcome

    # -- sending -------------------------------------------------------------------------------

    def send(
        self,
        seconds: float,
        nodes: t.Sequence[str] | None = None,
        *,
        filter_: t.Mapping[str, t.Any] | None = None,
    ) -> list[str]:
        """Send the request to all nodes that fit its filter, or to single nodes.

        :param seconds: how long that may take.
        :param nodes: the single nodes.
        :param filter_: replaces the request's filter, from now on.
        :returns: the nodes that it was not sent to, because the time was over or the connection lost.
        :raises exc.SerializationError: the request cannot be written.
        :raises exc.BadRequest: it is larger than what the middleware takes.
        :raises exc.ConnectorError: the connection failed before the request left.
        """
        deadline = self._clock() + seconds
        payload = self._sealed(filter_)
        if self._reply_to is None:
            agent, collective = self._envelope.agent, self._envelope.collective
            self._reply_to = self._middleware.open_replies(agent, collective, deadline)
        return self._publish(payload, self._reply_to, deadline, nodes=nodes)

    def send_away(
        self, seconds: float, nodes: t.Sequence[str] | None = None, reply_to: str | None = None
    ) -> list[str]:
        """Send the request, have no replies come to us, and wait until the broker confirms that it has
        all of it. Returns and raises as :meth:`send` does.

        :param reply_to: where replies go, if there are any.
        """
        deadline = self._clock() + seconds
        payload = self._sealed()
        agent, collective = self._envelope.agent, self._envelope.collective
        target = reply_to or self._middleware.reply_target(agent, collective)
        receipt = secrets.token_hex(8)
        unsent = self._publish(payload, target, deadline, nodes=nodes, receipt=receipt)
        if self.outcome.lost is None and not unsent:
            try:
                self._middleware.confirm(receipt, deadline)
            except exc.ConnectorError as error:
                self.outcome.lost = error
            self._take_rest()
        return unsent

    def _sealed(self, filter_: t.Mapping[str, t.Any] | None = None) -> bytes:
        """Return the payload. It has the time of now, so that nodes do not find a later batch too old."""
        if filter_ is not None:
            self._envelope = dataclasses.replace(self._envelope, filter=filter_)
        stamped = dataclasses.replace(self._envelope, time=int(self._now()))
        return self._security.seal(stamped)

    def _publish(
        self,
        payload: bytes,
        reply_to: str,
        deadline: float,
        *,
        nodes: t.Sequence[str] | None,
        receipt: str | None = None,
    ) -> list[str]:
        agent, collective, ttl = self._envelope.agent, self._envelope.collective, self._envelope.ttl
        addressed = self._security.address(payload, reply_to)
        outgoing = Outgoing(addressed, agent, collective, ttl, reply_to)

        def take_waiting() -> None:
            """Make room for more replies. A flood of them may fill it again for ever."""
            # The next use of the connection raises the error.
            with contextlib.suppress(exc.ConnectorError):
                while self._middleware.crowded and self._clock() < deadline:
                    self._receive(0.0)

        try:
            return self._middleware.publish(
                outgoing, deadline, nodes=nodes, receipt=receipt, meanwhile=take_waiting
            )
        except exc.ConnectorError as error:
            if nodes is None:
                raise
            self._end_or_resume(error, self._clock() + self._middleware.connect_timeout)
            return error.unsent

    # -- listening -----------------------------------------------------------------------------

    def listen(self, patience: Patience) -> None:
        """Take in replies until all are there or the time is over. Replies that have arrived in time but
        were not looked at yet still count, for as long as :data:`OVERTIME`."""
        start, last = self._clock(), None
        while True:
            try:
                self._listen(patience, start, last)
                return
            except exc.ConnectorError as error:
                self._end_or_resume(error, start + patience.total)
            if self.outcome.lost is not None:
                return
            # Nothing came while there was no connection, which says nothing about the nodes.
            last = self._clock() if self.outcome.replies else None

    @uncollected()
    def _listen(self, patience: Patience, start: float, last: float | None) -> None:
        seen = start
        while not self.intake.complete:
            enough = self.intake.enough
            if enough and not patience.grace:
                return
            now = self._clock()
            left = patience.deadline(start, last, enough=enough) - now
            if left <= -OVERTIME:
                return
            wait = max(left, 0.0)
            if self._progress is not None:
                wait = min(wait, TICK)
                if now - seen >= TICK:
                    seen = now
                    self._progress(self.phase, self.outcome.replies, self._count)
            taken = self._receive(wait)
            if taken and left > 0:
                last = self.moments[-1]
            if taken is None and left <= 0:
                return

    def _receive(self, timeout: float) -> bool | None:
        """Take in the next message. Return True if it was a reply, None if none came in time."""
        try:
            payload = self._middleware.next_payload(timeout)
        except exc.Oversized as error:
            self.intake.reject("oversized", error.sender)
        except exc.DecodingError:
            self.intake.reject("undecodable")
        except exc.RequestRefused as error:
            self.intake.leave_out(error.node, str(error))
        else:
            if payload is None:
                return None
            if self.intake.take(payload):
                self.moments.append(self._clock())
                return True
        return False

    def pause(self, seconds: float) -> None:
        """Let time pass. What comes meanwhile is taken in."""
        end = self._clock() + seconds
        while self.outcome.lost is None and (left := end - self._clock()) > 0:
            try:
                self._receive(left)
            except exc.ConnectorError as error:
                self._end_or_resume(error, end + self._middleware.connect_timeout)

    # -- when the connection is lost -------------------------------------------------------------

    def _end_or_resume(self, lost: exc.ConnectorError, deadline: float) -> None:
        """Connect anew to a place where further replies come, or note that none will.

        :param lost: how the connection was lost.
        :param deadline: when the new connection must be open.
        """
        outcome, reply_to, left = self.outcome, self._reply_to, deadline - self._clock()
        if outcome.lost is not None:
            return
        ended = left <= 0 or len(outcome.resumed) >= MOST_RESUMED
        broken = self._resumes and isinstance(lost, exc.ConnectionLost)
        if reply_to is None or ended or not broken:
            outcome.lost = lost
            return
        self._take_rest()
        try:
            self._middleware.reconnect(lost, min(left, self._middleware.connect_timeout))
            self._middleware.reopen_replies(reply_to, self._envelope.agent, deadline)
        except exc.ConnectorError as error:
            outcome.lost = exc.ConnectionLost(str(error), lost.broker)
        else:
            outcome.resumed.append(str(lost))

    def _take_rest(self) -> None:
        """Take in what came before the connection was lost."""
        end = self._clock() + OVERTIME
        with contextlib.suppress(exc.ConnectorError):
            while self._clock() < end and self._receive(0.0) is not None:
                pass
