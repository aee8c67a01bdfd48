# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Listening without a request: to what nodes register, and to replies that were sent elsewhere.

A subscription connects to a broker of the pool, subscribes to one address, judges each payload, and returns those that
are verified, one after the other. It has no thread, and what waits to be taken is bounded as in a call: the rest is left to
the broker. A lost connection is replaced, after a pause that doubles from one failure to the next.

A registration is a request to the agent ``registration`` that a node makes by itself
(MC:registration/base.rb). Nodes sign it as they sign replies, so the client can verify it. It is accepted for as long as
its ttl, once. A reply that was sent elsewhere has no time that is signed. It is accepted once while it is remembered.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import time
import typing as t

from . import exc
from .envelope import is_seconds
from .filters import is_identity
from .intake import Outcome
from .middleware import middleware
from .security import security_provider

if t.TYPE_CHECKING:
    from .envelope import Received
    from .settings import Settings

Kind = t.Literal["registration", "reply"]
AGENT = "registration"
REMEMBERED = 16384
"""How many messages are remembered, so that none is heard twice."""
MOST_BYTES = 2**20
"""Bytes of a payload. Registrations with all facts of a node have about 50,000."""
SUBSCRIBING = 10.0
"""Seconds that subscribing may take."""
HEARTBEAT = 30
"""Seconds; the shortest interval that the option heartbeat_interval may have."""
PAUSES = (1.0, 60.0)
"""Seconds between two attempts to connect: the first pause, and the longest."""


@dataclasses.dataclass(frozen=True)
class Heard:
    """A message that is verified as far as the security provider can verify one.

    :ivar kind: "registration" or "reply".
    :ivar sender: the identity of the node. With ``psk`` and ``ssl`` all nodes share a key, so it is the claim of one of
        them.
    :ivar agent: the agent that replies, or "registration".
    :ivar requestid: the id that the message has.
    :ivar time: when it was made, in seconds since 1970, as the node says.
    :ivar body: plain data.
    """

    kind: Kind
    sender: str
    agent: str
    requestid: str
    time: int
    body: t.Any


class Subscription:
    """Listens at one address. Use it as a context manager. :meth:`next` connects where there is no connection.

    :param kind: which of the two is awaited there. All else is rejected.
    :param address: where to listen, as the broker names it: the ``reply_to`` of requests. None: where nodes send
        their registrations.
    :param collective: whose registrations; default: the main collective.
    :param most_bytes: payloads that have more are rejected unread.
    :param clock: a monotonic clock, in seconds.
    :param now: the clock that the time of registrations is compared with, in seconds since 1970.
    :raises exc.ImproperlyConfigured: the configuration is wrong, or the security provider cannot verify messages of this
        kind. Nothing was opened yet.
    :raises exc.BadRequest: nobody can listen at the address. Replies have no usual one.
    :ivar outcome: what was rejected by reason, with senders (``rejected``, ``culprits``), why there is no
        connection now (``lost``), and why connections were lost or not made (``resumed``, the last hundred).
    """

    def __init__(
        self,
        settings: Settings,
        kind: Kind = "registration",
        address: str | None = None,
        *,
        collective: str | None = None,
        most_bytes: int = MOST_BYTES,
        clock: t.Callable[[], float] = time.monotonic,
        now: t.Callable[[], float] = time.time,
    ) -> None:
        self.kind: Kind = kind
        self._most_bytes, self._clock, self._now = most_bytes, clock, now
        settings = _with_heartbeat(settings)
        self._security = security_provider(settings)
        self._middleware = middleware(settings, self._security.callerid)
        if kind == "registration" and not self._security.verifies_requests:
            raise exc.ImproperlyConfigured(
                f"{settings.source}: securityprovider = {settings['securityprovider']} gives a client nothing to verify"
                " registrations with; listen to replies"
            )
        if kind == "reply" and not address:
            raise exc.BadRequest("name the address that replies are sent to")
        main = collective or settings.main_collective
        self.address = address or self._middleware.target(AGENT, main)
        if self._middleware.subscription(self.address, AGENT) is None:
            raise exc.BadRequest(
                f"nobody can listen at {self.address}: such an address ends with its connection"
            )
        self.outcome = Outcome()
        self._seen: collections.OrderedDict[bytes, None] = collections.OrderedDict()
        self._pause, self._next_attempt = PAUSES[0], 0.0
        self._connected = False

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connected = False
        self._middleware.disconnect()

    @property
    def connected(self) -> bool:
        """True if it listens."""
        return self._connected

    @property
    def broker(self) -> str:
        """The broker at which it listens, "host:port"; empty while there is none."""
        return self._middleware.session.broker.name if self._connected else ""

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the connection and of the credentials."""
        return [*self._middleware.pool.warnings, *self._security.warnings]

    def next(self, timeout: float) -> Heard | None:
        """Return the next message that is verified, or None if there is none within timeout seconds.

        Without a connection it connects, which may take as long as the option connection_timeout tells. If that
        fails, or the connection is lost, it does not raise but tries again, in this call or in a later one.
        """
        end = self._clock() + timeout
        while (left := end - self._clock()) > 0:
            try:
                if self._connected or self._connect(left):
                    heard = self._receive(end - self._clock())
                    if heard is not None:
                        return heard
            except exc.ConnectorError as error:
                self._lose(error)
        return None

    # -- connection ----------------------------------------------------------------------------

    def _connect(self, left: float) -> bool:
        """Connect and subscribe if it is time for it. Return True if it listens then.

        :raises exc.ConnectorError: it cannot be done.
        """
        wait = self._next_attempt - self._clock()
        if wait > 0:
            time.sleep(min(wait, left))
            return False
        self._middleware.connect()
        self._middleware.reopen_replies(self.address, AGENT, time.monotonic() + SUBSCRIBING)
        self._connected, self.outcome.lost = True, None
        return True

    def _lose(self, error: exc.ConnectorError) -> None:
        """Note how a connection was lost, or was not made, and when to try again."""
        self._connected = False
        self._middleware.disconnect()
        self.outcome.lost = error
        self.outcome.resumed = [*self.outcome.resumed, str(error)][-100:]
        self._next_attempt = self._clock() + self._pause
        self._pause = min(2 * self._pause, PAUSES[1])

    # -- judging -------------------------------------------------------------------------------

    def _receive(self, timeout: float) -> Heard | None:
        """Return the next message if it is a good one. Nothing that it contains raises."""
        try:
            payload = self._middleware.next_payload(max(timeout, 0.0))
        except exc.Oversized as error:
            self.outcome.reject("oversized", error.sender)
            return None
        except exc.DecodingError:
            self.outcome.reject("undecodable")
            return None
        except exc.RequestRefused:
            self.outcome.reject("other_request")  # this client has sent none
            return None
        if payload is None:
            return None
        # The broker delivers: the next loss begins with the shortest pause again.
        self._pause = PAUSES[0]
        found = self._judged(payload)
        if isinstance(found, str):
            self.outcome.reject(found)
            return None
        return found

    def _judged(self, payload: bytes) -> Heard | str:
        """Return a message, or why it is rejected."""
        if len(payload) > self._most_bytes:
            return "oversized"
        security, is_request = self._security, self.kind == "registration"
        open_ = security.open_request if is_request else security.open
        authenticate = security.authenticate_request if is_request else security.authenticate
        try:
            received = open_(payload)
        except exc.DecodingError:
            return "undecodable"
        if is_request and received.fields.get(":agent") != AGENT:
            return "other_request"
        sender = received.sender
        if not is_identity(sender):
            return self.outcome.accuse("malformed", sender)
        try:
            authenticate(received)
            heard = self._heard(received)
            old = self._is_old(received, heard)
        except exc.VerificationError as error:
            return self.outcome.accuse(error.reason, sender)
        except exc.DecodingError:
            return self.outcome.accuse("malformed", sender)
        if received.written_out > self._most_bytes:
            return self.outcome.accuse("oversized", sender)
        if old:
            return self.outcome.accuse("expired", sender)
        return (
            self.outcome.accuse("duplicate", sender)
            if self._is_known(heard, received.digest)
            else heard
        )

    def _heard(self, received: Received) -> Heard:
        """Return what a verified message says. Raises :class:`.exc.DecodingError` if it is not of the kind."""
        fields = received.fields
        agent = fields.get(":agent" if self.kind == "registration" else ":senderagent")
        moment = _seconds(fields.get(":msgtime"))
        if not isinstance(agent, str):
            raise exc.DecodingError("a message without its agent")
        return Heard(self.kind, received.sender, agent, received.requestid, moment, received.body)

    def _is_old(self, received: Received, heard: Heard) -> bool:
        """Return True if the ttl of a registration is over, or has not begun. Nodes judge requests in the same way
        (MC:message.rb, validate), but for the second case."""
        if self.kind != "registration":
            return False
        return abs(int(self._now()) - heard.time) > _seconds(received.fields.get(":ttl"))

    def _is_known(self, heard: Heard, body: bytes) -> bool:
        """Return True if the same node has sent it before.

        :param body: see :attr:`.Received.digest`.
        """
        words = (heard.sender, heard.requestid, heard.agent)
        if self.kind == "registration":
            # No signature covers its requestid, and two of one node have different times.
            words = (heard.sender, str(heard.time), body.hex())
        digest = hashlib.sha256("\0".join(words).encode("utf-8", "backslashreplace")).digest()
        if digest in self._seen:
            return True
        self._seen[digest] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False


def _with_heartbeat(settings: Settings) -> Settings:
    """Return settings with heart-beats, since nothing else shows that a silent broker is gone. NATS has its own."""
    option = f"plugin.{settings.connector}.heartbeat_interval"
    if settings.dialect == "choria" or settings.getint(option, 0):
        return settings
    return settings.altered({option: str(HEARTBEAT)})


def _seconds(value: t.Any) -> int:
    """Return a time or a ttl. Raises :class:`.exc.DecodingError` for anything else."""
    if not is_seconds(value):
        raise exc.DecodingError("a message without its time or its ttl")
    return t.cast(int, value)
