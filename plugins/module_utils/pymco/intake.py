# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Judges one payload after the other: is it a reply to our request, and whose?"""

from __future__ import annotations

import collections
import dataclasses
import math
import typing as t

from . import exc, logs
from .filters import is_identity

if t.TYPE_CHECKING:
    from .security import SecurityProvider

MAX_LISTED = 100
"""How many unexpected senders are named, and how many of those that were rejected for a reason."""
MAX_NAME = 100
"""Characters that are shown of a sender's name that is no identity."""


@dataclasses.dataclass
class Outcome:
    """What came back.

    :ivar replies: one verified envelope for each sender, in the order of their arrival.
    :ivar unexpected: senders that answered though they were not asked; their replies are dropped.
    :ivar rejected: how many payloads were dropped, by reason: oversized, undecodable,
        other_request, duplicate, contradictory, forged, malformed, unexpected, over_limit.
    :ivar culprits: whom such payloads name as their senders, the first few, by reason. A text
        that is no identity is shown as Python writes it.
    :ivar lost: why the connection ended before the replies did, if so.
    :ivar resumed: why the connection was lost each time that listening went on over another one.
    """

    replies: dict[str, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    culprits: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    lost: exc.ConnectorError | None = None
    resumed: list[str] = dataclasses.field(default_factory=list)

    def accuse(self, reason: str, sender: t.Any) -> str:
        """Note whom a payload names as its sender. Returns the reason."""
        name = sender if is_identity(sender) else _shown(sender)
        listed = self.culprits.setdefault(reason, [])
        if name not in listed and len(listed) < MAX_LISTED:
            listed.append(name)
        return reason


def add_culprits(known: dict[str, list[str]], more: t.Mapping[str, t.Iterable[str]]) -> None:
    """Add to :attr:`Outcome.culprits` those of a further request, each name once."""
    for reason, senders in more.items():
        known[reason] = list(dict.fromkeys([*known.get(reason, ()), *senders]))


def _shown(sender: t.Any) -> str:
    """Something that is no identity, for people's eyes."""
    if not isinstance(sender, str):
        return f"a {type(sender).__name__}"
    return repr(sender[:MAX_NAME]) + ("..." if len(sender) > MAX_NAME else "")


class Intake:
    """Decides of each payload whether it is a reply to one request.

    The cheap checks come first, and the signature before anything is believed.

    :param security: its logger gets what becomes of each payload.
    :param expected: the identities that were asked; None if it is not known who will answer.
    :param enough: how many replies are all that is wanted; None: there is no such number.
    :param most_bytes: what all accepted replies may have together on the wire; None: there is no bound.
    :param taken: is called for each accepted reply.
    """

    def __init__(
        self,
        security: SecurityProvider,
        requestid: str,
        expected: t.Collection[str] | None,
        *,
        enough: int | None = None,
        most_bytes: int | None = None,
        taken: t.Callable[[], None] | None = None,
    ) -> None:
        self.outcome = Outcome()
        self._security = security
        self._requestid = requestid
        self._expected = None if expected is None else frozenset(expected)
        self._awaited = None if expected is None else set(expected)
        self._enough = enough
        self._bytes_left = math.inf if most_bytes is None else most_bytes
        self._taken = taken
        self._debug = logs.debug(security.logger)

    def await_only(self, nodes: t.Iterable[str]) -> None:
        """From now on nobody else's reply has to be waited for. Replies of others still count."""
        self._awaited = {node for node in nodes if node not in self.outcome.replies}

    @property
    def complete(self) -> bool:
        """Whether everybody has answered who is awaited, or as many as are enough."""
        if self._enough is not None and len(self.outcome.replies) >= self._enough:
            return True
        return self._awaited is not None and not self._awaited

    def take(self, payload: bytes) -> bool:
        """Look at a payload. Returns whether it was a reply; never raises for what is in it."""
        rejection = self._rejection(payload)
        if rejection is not None:
            self.outcome.rejected[rejection] += 1
        if self._debug is not None:
            self._log(self._debug, rejection, len(payload))
        return rejection is None

    def reject(self, reason: str, sender: str | None = None) -> None:
        """Count something that did not get as far as :meth:`take`."""
        self.outcome.rejected[reason] += 1
        if sender is not None:
            self.outcome.accuse(reason, sender)
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
            envelope = self._security.deserialize(payload)
        except exc.DecodingError:
            return "undecodable"
        if envelope.get(":requestid") != self._requestid:
            return "other_request"
        sender = envelope.get(":senderid")
        if not is_identity(sender):
            return self.outcome.accuse("malformed", sender)
        try:
            envelope = self._security.verify(envelope)
        except exc.VerificationError:
            return self.outcome.accuse("forged", sender)
        except exc.DecodingError:
            return "undecodable"
        if self._expected is not None and sender not in self._expected:
            return self._note_unexpected(t.cast(str, sender))
        rejection = self._keep(t.cast(str, sender), envelope, len(payload))
        if rejection is not None:
            self.outcome.accuse(rejection, sender)
        elif self._awaited is not None:
            self._awaited.discard(t.cast(str, sender))
        return rejection

    def _keep(self, sender: str, envelope: dict[str, t.Any], size: int) -> str | None:
        """Keep a genuine reply. Returns why it is not kept, or None.

        The first reply of a sender counts. A second one that says something else is a sign that
        somebody speaks in the sender's name.
        """
        first = self.outcome.replies.get(sender)
        if first is not None:
            same = repr(first[":body"]) == repr(envelope[":body"])
            return "duplicate" if same else "contradictory"
        if size > self._bytes_left:
            if self._awaited is not None:
                self._awaited.discard(sender)
            return "over_limit"
        self._bytes_left -= size
        self.outcome.replies[sender] = envelope
        if self._taken is not None:
            self._taken()
        return None

    def _note_unexpected(self, sender: str) -> str:
        listed = self.outcome.unexpected
        if sender not in listed and len(listed) < MAX_LISTED:
            listed.append(sender)
        return "unexpected"
