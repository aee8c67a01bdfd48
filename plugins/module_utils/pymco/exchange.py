# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One request and the replies to it, whatever the request is for."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import secrets
import time
import typing as t

from . import exc
from .intake import Intake, Outcome
from .middleware.base import Outgoing

if t.TYPE_CHECKING:
    from .message import Message
    from .middleware import BaseMiddleware
    from .security import SecurityProvider

OVERTIME = 2.0
"""Seconds beyond the deadline that replies which wait to be decoded may take."""
MOST_RESUMED = 3
"""How many times listening goes on over another connection; a broker may end each of them at once."""
TICK = 0.5
"""Seconds between two looks of whoever watches."""


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long to wait for replies, in seconds.

    :ivar total: never longer than this.
    :ivar first: for the first reply; None: as long as total.
    :ivar quiet: from one reply to the next; None: as long as total.
    """

    total: float
    first: float | None = None
    quiet: float | None = None

    def deadline(self, start: float, last: float | None) -> float:
        """When to stop, given when the waiting began and when the last reply came, if any."""
        if last is None:
            window = start + (self.total if self.first is None else self.first)
        else:
            window = start + self.total if self.quiet is None else last + self.quiet
        return min(window, start + self.total)


Watch = t.Callable[[Outcome], None]
"""Is called with what has come so far, every :data:`TICK` seconds or somewhat later."""


class Exchange:
    """One request, sent at once or part by part, and the replies to all of it.

    Nothing here raises once the request may have reached a node: what ends the connection then is
    told by the outcome.

    :param expected: the identities that are asked; None if it is not known who will answer.
    :param enough: how many replies are all that is wanted.
    :param clock: a monotonic clock.
    :param watch: see :data:`Watch`.
    :param taken: is called for each accepted reply.
    :param resume: whether to go on listening over another connection when one is lost, where the
        connector can. Nothing is sent again. Replies that come in between may be lost.
    :raises exc.SerializationError: the request has no form in the provider's format.
    :raises exc.BadRequest: it is larger than what the middleware takes.
    """

    def __init__(
        self,
        connector: BaseMiddleware,
        security: SecurityProvider,
        message: Message,
        *,
        expected: t.Collection[str] | None = None,
        enough: int | None = None,
        clock: t.Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
        taken: t.Callable[[], None] | None = None,
        resume: bool = False,
    ) -> None:
        self._connector, self._security = connector, security
        self._message, self._clock, self._watch = message, clock, watch
        self._resumes = resume and connector.replies_survive
        self._payload = self._encoded(message)
        self.intake = Intake(
            security,
            message[":requestid"],
            expected,
            enough=enough,
            most_bytes=connector.max_reply_bytes,
            taken=taken,
        )
        self._reply_to: str | None = None

    def _encoded(self, message: Message) -> bytes:
        payload, most = self._security.encode(message), self._connector.max_payload
        if most is not None and len(payload) > most:
            raise exc.BadRequest(
                f"the request has {len(payload)} bytes; the middleware takes {most}"
            )
        return payload

    @property
    def outcome(self) -> Outcome:
        """What has come so far."""
        return self.intake.outcome

    @property
    def requestid(self) -> str:
        """The request's identifier."""
        return t.cast("str", self._message[":requestid"])

    def readdress(self, message: Message) -> None:
        """Send this from now on, as the same request: it differs in its filter and time only."""
        message[":requestid"] = self.requestid
        self._message = message
        self._payload = self._encoded(message)

    def send(self, seconds: float, nodes: t.Sequence[str] | None = None) -> list[str]:
        """Send the request to everybody, or to each of the nodes.

        :param seconds: how long that may take.
        :returns: the nodes that it was not sent to, for want of time or since the connection was lost.
        :raises exc.ConnectorError: the connection failed, and the request has not left.
        """
        deadline = self._clock() + seconds
        agent, collective = self._message[":agent"], self._message[":collective"]
        if self._reply_to is None:
            self._reply_to = self._connector.open_replies(agent, collective, deadline)
        return self._publish(self._reply_to, deadline, nodes)

    def send_away(
        self, seconds: float, nodes: t.Sequence[str] | None = None, reply_to: str | None = None
    ) -> list[str]:
        """Send it, have no replies come to us, and wait for the broker's word that it has all of it.
        Returns and raises as :meth:`send` does.

        :param reply_to: where replies go, if there are any.
        """
        agent, collective = self._message[":agent"], self._message[":collective"]
        target = reply_to or self._connector.reply_target(agent, collective)
        deadline = self._clock() + seconds
        receipt = secrets.token_hex(8)
        unsent = self._publish(target, deadline, nodes, receipt)
        if self.outcome.lost is None and not unsent:
            try:
                self._connector.confirm(receipt, deadline)
            except exc.ConnectorError as error:
                self.outcome.lost = error
        return unsent

    def _publish(
        self,
        reply_to: str,
        deadline: float,
        nodes: t.Sequence[str] | None,
        receipt: str | None = None,
    ) -> list[str]:
        message = self._message
        outgoing = Outgoing(
            payload=self._payload,
            agent=message[":agent"],
            collective=message[":collective"],
            ttl=message[":ttl"],
            reply_to=reply_to,
        )
        try:
            return self._connector.publish(
                outgoing, deadline, nodes=nodes, receipt=receipt, meanwhile=self._take_waiting
            )
        except exc.ConnectorError as error:
            if nodes is None:
                raise
            self._end_or_resume(error, self._clock() + self._connector.connect_timeout)
            return error.unsent

    def _take_waiting(self) -> None:
        """Make room for more replies."""
        with contextlib.suppress(exc.ConnectorError):  # whoever uses it next is told
            while self._connector.crowded:
                receive(self._connector, self.intake, 0.0)

    def _take_rest(self) -> None:
        """Take in what came before the connection was lost."""
        end = self._clock() + OVERTIME
        with contextlib.suppress(exc.ConnectorError):
            while self._clock() < end and receive(self._connector, self.intake, 0.0) is not None:
                pass

    def listen(self, patience: Patience) -> None:
        """Take in replies until all are there or the time is over."""
        start, last = self._clock(), None
        while True:
            try:
                listen(
                    self._connector,
                    self.intake,
                    patience,
                    start,
                    clock=self._clock,
                    watch=self._watch,
                    last=last,
                )
                return
            except exc.ConnectorError as error:
                self._end_or_resume(error, start + patience.total)
            if self.outcome.lost is not None:
                return
            # Nothing has come while there was no connection, which says nothing about the nodes.
            last = self._clock() if self.outcome.replies else None

    def pause(self, seconds: float) -> None:
        """Let time pass. What comes meanwhile is taken in."""
        end = self._clock() + seconds
        while self.outcome.lost is None and (left := end - self._clock()) > 0:
            try:
                receive(self._connector, self.intake, left)
            except exc.ConnectorError as error:
                self._end_or_resume(error, end + self._connector.connect_timeout)

    def _end_or_resume(self, lost: exc.ConnectorError, deadline: float) -> None:
        """Connect anew to a place where further replies come, or note that none will.

        :param lost: how the connection was lost.
        :param deadline: when the new one must stand.
        """
        outcome, left = self.outcome, deadline - self._clock()
        if outcome.lost is not None:
            return
        broken = isinstance(lost, exc.ConnectionLost) and self._reply_to is not None
        if not (broken and self._resumes and left > 0) or len(outcome.resumed) >= MOST_RESUMED:
            outcome.lost = lost
            return
        self._take_rest()
        try:
            self._connector.reconnect(lost, min(left, self._connector.connect_timeout))
            agent = self._message[":agent"]
            self._connector.reopen_replies(t.cast(str, self._reply_to), agent, deadline)
        except exc.ConnectorError as error:
            outcome.lost = exc.ConnectionLost(str(error), lost.broker)
        else:
            outcome.resumed.append(str(lost))


def exchange(
    connector: BaseMiddleware,
    security: SecurityProvider,
    message: Message,
    patience: Patience,
    *,
    expected: t.Collection[str] | None = None,
    direct: bool = False,
    clock: t.Callable[[], float] = time.monotonic,
    enough: int | None = None,
    watch: Watch | None = None,
    publish_timeout: float | None = None,
) -> Outcome:
    """Send a request, once, and take in the replies.

    :param patience: how long to wait when the request is out.
    :param publish_timeout: seconds that sending may take; default: as long as waiting may.
    :param expected: the identities that are asked; it ends when all of them have answered.
    :param direct: whether to send it to each of them instead of to everybody.
    :raises exc.ConnectorError: the connection failed before the request left. Once it may have
        reached a node, a failure ends the waiting, and the outcome tells it.

    Everything else is as :class:`Exchange` has it.
    """
    found = Exchange(
        connector, security, message, expected=expected, enough=enough, clock=clock, watch=watch
    )
    seconds = patience.total if publish_timeout is None else publish_timeout
    found.send(seconds, list(expected or ()) if direct else None)
    found.listen(patience)
    return found.outcome


@contextlib.contextmanager
def uncollected() -> t.Iterator[None]:
    """No garbage collection inside: replies have no cycles, and a collector that goes through all of
    them again and again takes as long as their decoding."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@uncollected()
def listen(
    connector: BaseMiddleware,
    intake: Intake,
    patience: Patience,
    start: float,
    *,
    clock: t.Callable[[], float] = time.monotonic,
    watch: Watch | None = None,
    last: float | None = None,
) -> None:
    """Take in replies until all are there or the time is over. Those that have come by then but
    were not looked at yet still count, for as long as :data:`OVERTIME`.

    :param start: when the waiting began.
    :param last: when the last reply came, if one has come already.
    """
    seen = start
    while not intake.complete:
        now = clock()
        left = patience.deadline(start, last) - now
        if left <= -OVERTIME:
            return
        wait = max(left, 0.0)
        if watch is not None:
            wait = min(wait, TICK)
            if now - seen >= TICK:
                seen = now
                watch(intake.outcome)
        taken = receive(connector, intake, wait)
        if taken and left > 0:
            last = clock()
        if taken is None and left <= 0:
            return


def receive(connector: BaseMiddleware, intake: Intake, timeout: float) -> bool | None:
    """Take in the next message. Returns whether it was a reply; None: there was none in time."""
    try:
        payload = connector.next_payload(timeout)
    except exc.Oversized as error:
        intake.reject("oversized", error.sender)
    except exc.DecodingError:
        intake.reject("undecodable")
    else:
        return None if payload is None else intake.take(payload)
    return False
