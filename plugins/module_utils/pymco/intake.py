# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Judging payloads: is it a reply to our request, and who sent it?"""

from __future__ import annotations

import collections
import dataclasses
import math
import typing as t

from . import exc, logs
from .filters import is_identity

if t.TYPE_CHECKING:
    from .envelope import Received
    from .security.base import BaseProvider

MAX_LISTED = 100
"""How many senders are listed: of unexpected replies, and of those rejected for one reason."""
MAX_NAME = 100
"""How many characters are shown of a sender's name that is not an identity."""


@dataclasses.dataclass
class Reception:
    """How replies came in.

    :ivar unexpected: senders that answered though they were not asked; their replies are dropped.
    :ivar rejected: how many payloads were dropped, by reason: oversized, undecodable,
        other_request, duplicate, contradictory, forged, unsigned, untrusted, expired, malformed,
        unexpected, over_limit.
    :ivar culprits: the senders that such payloads name, the first few, by reason. A text that is not
        an identity is shown as Python writes it.
    :ivar lost: why the connection ended before the replies did, if so.
    :ivar resumed: why the connection was lost each time that listening went on over another one.
    :ivar refused: the nodes to which the broker did not take a request, and why.
    """

    unexpected: list[str] = dataclasses.field(default_factory=list)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    culprits: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    lost: exc.ConnectorError | None = None
    resumed: list[str] = dataclasses.field(default_factory=list)
    refused: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, other: Reception) -> None:
        """Add how the replies to a further request came in."""
        self.unexpected = sorted(_listed(self.unexpected, other.unexpected))
        self.rejected += other.rejected
        for reason, senders in other.culprits.items():
            self.culprits[reason] = _listed(self.culprits.get(reason, []), senders)
        self.lost = self.lost or other.lost
        self.resumed = [*self.resumed, *other.resumed]
        self.refused = {**self.refused, **other.refused}


@dataclasses.dataclass
class Outcome(Reception):
    """What came back.

    :ivar replies: one verified reply of each sender, in the order of arrival.
    """

    replies: dict[str, Received] = dataclasses.field(default_factory=dict)

    def reject(self, reason: str, sender: str | None = None) -> None:
        """Count a message that is dropped unread."""
        self.rejected[reason] += 1
        if sender is not None:
            self.accuse(reason, sender)

    def accuse(self, reason: str, sender: t.Any) -> str:
        """Note the sender that a rejected payload names. Return the reason."""
        name = sender if is_identity(sender) else _shown(sender)
        _list(self.culprits.setdefault(reason, []), name)
        return reason


def _list(listed: list[str], sender: str) -> None:
    """Add a sender to a list that has each once, and not too many."""
    if sender not in listed and len(listed) < MAX_LISTED:
        listed.append(sender)


def _listed(senders: list[str], more: list[str]) -> list[str]:
    """Return the senders of two lists, each once, as many as are listed."""
    return list(dict.fromkeys(senders + more))[:MAX_LISTED]


def _shown(sender: t.Any) -> str:
    """Return something that is not an identity in a form that people can read."""
    if not isinstance(sender, str):
        return f"a {type(sender).__name__}"
    return repr(sender[:MAX_NAME]) + ("..." if len(sender) > MAX_NAME else "")


class Intake:
    """Judge payloads: which of them are replies to one request?

    The cheap checks come first. Nothing is believed before the signature is verified.

    :param security: its logger gets what becomes of each payload.
    :param expected: the identities that were asked; None if it is not known who will answer.
    :param enough: how many replies are all that is wanted; None: there is no such number.
    :param most_bytes: how many bytes all accepted replies together may have on the wire; None: there is
        no bound.
    """

    def __init__(
        self,
        security: BaseProvider,
        requestid: str,
        expected: t.Collection[str] | None,
        *,
        enough: int | None = None,
        most_bytes: int | None = None,
    ) -> None:
        self.outcome = Outcome()
        self._security = security
        self._requestid = requestid
        self._expected = None if expected is None else frozenset(expected)
        self._awaited = None if expected is None else set(expected)
        self._enough = enough
        self._bytes_left = math.inf if most_bytes is None else most_bytes
        self._debug = logs.debug(security.logger)

    def await_only(self, nodes: t.Iterable[str]) -> None:
        """Wait for the replies of these nodes only. Replies of others still count."""
        outcome = self.outcome
        self._awaited = set(nodes).difference(outcome.replies, outcome.refused)

    def leave_out(self, node: str, why: str) -> None:
        """Do not wait for a node, since the broker did not take the request to it."""
        if self._expected is not None and node in self._expected:
            self.outcome.refused[node] = why
        if self._awaited is not None:
            self._awaited.discard(node)

    @property
    def complete(self) -> bool:
        """Return True if all awaited nodes have answered."""
        return self._awaited is not None and not self._awaited

    @property
    def enough(self) -> bool:
        """Return True if there are as many replies as are wanted."""
        return self._enough is not None and len(self.outcome.replies) >= self._enough

    def take(self, payload: bytes) -> bool:
        """Judge a payload. Return True if it was a reply. Nothing that it contains raises."""
        rejection = self._rejection(payload)
        if rejection is not None:
            self.outcome.rejected[rejection] += 1
        if self._debug is not None:
            self._log(self._debug, rejection, len(payload))
        return rejection is None

    def reject(self, reason: str, sender: str | None = None) -> None:
        """Count a message that has no payload to :meth:`take`."""
        self.outcome.reject(reason, sender)
        if self._debug is not None:
            self._debug("rejected a message: %s", reason)

    def _log(self, debug: t.Callable[..., None], rejection: str | None, size: int) -> None:
        """Log what became of a payload that came last."""
        if rejection is None:
            sender = next(reversed(self.outcome.replies))
            debug("reply of %s to the request %s: %d bytes", sender, self._requestid, size)
        else:
            debug("rejected a message of %d bytes: %s", size, rejection)

    def _rejection(self, payload: bytes) -> str | None:
        try:
            received = self._security.open(payload)
        except exc.DecodingError:
            return "undecodable"
        if received.requestid != self._requestid:
            return "other_request"
        sender = received.sender
        if not is_identity(sender):
            return self.outcome.accuse("malformed", sender)
        try:
            self._security.authenticate(received)
        except exc.VerificationError as error:
            return self.outcome.accuse(error.reason, sender)
        except exc.DecodingError:
            return "undecodable"
        if self._expected is not None and sender not in self._expected:
            _list(self.outcome.unexpected, sender)
            return "unexpected"
        # Whoever writes the reply down writes out its links, too.
        rejection = self._keep(received, max(len(payload), received.written_out))
        if rejection is not None:
            return self.outcome.accuse(rejection, sender)
        if self._awaited is not None:
            self._awaited.discard(sender)
        return None

    def _keep(self, received: Received, size: int) -> str | None:
        """Keep a genuine reply. Return why it is not kept, or None.

        The first reply of a sender counts. A second one that says something else is a sign that
        somebody speaks in the sender's name.
        """
        sender = received.sender
        first = self.outcome.replies.get(sender)
        if first is not None:
            same = first.digest == received.digest
            return "duplicate" if same else "contradictory"
        if size > self._bytes_left:
            if self._awaited is not None:
                self._awaited.discard(sender)
            return "over_limit"
        self._bytes_left -= size
        self.outcome.replies[sender] = received
        return None
