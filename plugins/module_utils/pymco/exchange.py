# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One request and the replies to it, whatever the request is for."""

from __future__ import annotations

import collections
import dataclasses
import time
import typing as t

from . import exc
from .matching import is_identity

if t.TYPE_CHECKING:
    from .connector import Connector
    from .message import Message
    from .security import SecurityProvider

OVERTIME = 5.0
"""Seconds beyond the deadline that replies which wait to be decoded may take."""
MAX_LISTED = 100
"""How many unexpected senders are named."""


@dataclasses.dataclass
class Outcome:
    """What came back.

    :ivar replies: one verified envelope for each sender, in the order of their arrival.
    :ivar unexpected: senders that answered though they were not asked; their replies are dropped.
    :ivar rejected: how many payloads were dropped, by reason: oversized, undecodable,
        other_request, duplicate, forged, malformed, unexpected.
    :ivar lost: why the connection ended before the replies did, if so.
    """

    replies: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    lost: exc.ConnectorError | None = None


class Intake:
    """Decides of each payload whether it is a reply to one request.

    The cheap checks come first, and the signature before anything is believed.

    :param expected: the identities that were asked; None if it is not known who will answer.
    """

    def __init__(
        self,
        security: SecurityProvider,
        requestid: str,
        expected: t.Collection[str] | None,
    ) -> None:
        self.outcome = Outcome()
        self._security = security
        self._requestid = requestid
        self._expected = None if expected is None else frozenset(expected)

    @property
    def complete(self) -> bool:
        """Whether everybody has answered who was asked."""
        return self._expected is not None and len(self.outcome.replies) >= len(self._expected)

    def take(self, payload: bytes) -> bool:
        """Look at a payload. Returns whether it was a reply; never raises for what is in it."""
        rejection = self._rejection(payload)
        if rejection is not None:
            self.outcome.rejected[rejection] += 1
        return rejection is None

    def reject(self, reason: str) -> None:
        """Count something that did not get as far as :meth:`take`."""
        self.outcome.rejected[reason] += 1

    def _rejection(self, payload: bytes) -> str | None:
        try:
            envelope = self._security.deserialize(payload)
        except exc.DecodingError:
            return "undecodable"
        if envelope.get(":requestid") != self._requestid:
            return "other_request"
        sender = envelope.get(":senderid")
        if not is_identity(sender):
            return "malformed"
        if sender in self.outcome.replies:
            return "duplicate"
        try:
            envelope = self._security.verify(envelope)
        except exc.VerificationError:
            return "forged"
        except exc.DecodingError:
            return "undecodable"
        if self._expected is not None and sender not in self._expected:
            return self._note_unexpected(t.cast(str, sender))
        self.outcome.replies[t.cast(str, sender)] = envelope
        return None

    def _note_unexpected(self, sender: str) -> str:
        listed = self.outcome.unexpected
        if sender not in listed and len(listed) < MAX_LISTED:
            listed.append(sender)
        return "unexpected"


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


def exchange(
    connector: Connector,
    security: SecurityProvider,
    message: Message,
    patience: Patience,
    expected: t.Collection[str] | None = None,
    direct: bool = False,
    clock: t.Callable[[], float] = time.monotonic,
) -> Outcome:
    """Send a request, once, and take in the replies.

    :param patience: how long to wait; sending counts too.
    :param expected: the identities that are asked; it ends when all of them have answered.
    :param direct: whether to send it to each of them instead of to everybody.
    :param clock: a monotonic clock.
    :raises exc.SerializationError: the request has no form in the provider's format.
    :raises exc.ConnectorError: the connection failed before the request left. Once it may have
        reached a node, a failure ends the waiting, and the outcome tells it.
    """
    payload = security.encode(message)
    if connector.max_payload is not None and len(payload) > connector.max_payload:
        raise exc.BadRequest(
            f"the request has {len(payload)} bytes; the middleware takes {connector.max_payload}"
        )
    agent, collective = message[":agent"], message[":collective"]
    intake = Intake(security, message[":requestid"], expected)
    start = clock()
    end = start + patience.total
    reply_to = connector.open_replies(agent, collective, end)
    nodes = expected if direct else None
    try:
        connector.publish(payload, agent, collective, message[":ttl"], reply_to, end, nodes)
    except exc.ConnectorError as error:
        intake.outcome.lost = error
    try:
        listen(connector, intake, patience, start, clock)
    except exc.ConnectorError as error:
        intake.outcome.lost = intake.outcome.lost or error
    return intake.outcome


def listen(
    connector: Connector,
    intake: Intake,
    patience: Patience,
    start: float,
    clock: t.Callable[[], float],
) -> None:
    """Take in replies until all are there or the time is over. Those that have come by then but
    were not looked at yet still count, for as long as :data:`OVERTIME`."""
    last = None
    while not intake.complete:
        left = patience.deadline(start, last) - clock()
        if left <= -OVERTIME:
            return
        try:
            payload = connector.next_payload(max(left, 0))
        except exc.Oversized:
            intake.reject("oversized")
            continue
        except exc.DecodingError:
            intake.reject("undecodable")
            continue
        if payload is not None and intake.take(payload) and left > 0:
            last = clock()
        if payload is None and left <= 0:
            return
