# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One NATS connection to one broker: log in, send, receive.

There are no receipts in NATS, but a server answers PING only after it has handled all that came before. So PING and
its PONG confirm a subscription and what was published.
"""

from __future__ import annotations

import contextlib
import math
import re
import ssl
import time
import typing as t

from .. import exc
from ..printable import printable
from ..utils import reason
from . import nats, tls
from .channel import MAX_HELD, Channel
from .event import Event, Item, weight
from .heartbeat import Heartbeat
from .nats_login import Login
from .network import Stream

if t.TYPE_CHECKING:
    from ..pool import Broker

CLOSING = 1.0
"""Seconds that closing a connection may take."""
EMPTIED = 0.25
"""Seconds after which all that has come is read, whether or not it can be looked at yet."""
LONGEST_WORDS = 1000
"""Characters that are shown of what a broker complains of."""
HEARTBEAT = Heartbeat(every=5.0, silence=10.0)
"""After how many seconds of silence to send PING, and how long to wait for anything then. Go's client sends a PING every
30 s, which is too seldom to find another broker within a call."""
_NONCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PASSING = ("slow consumer", "stale connection", "server shutdown", "connection throttling")
"""How complaints begin that are about the connection alone, which another connection mends."""


_PASSED_ON = ("oversized", "refused")
"""The events that another session takes over."""
NodeOf = t.Callable[[str], t.Optional[str]]


class Session(Channel):
    """An open connection. Make it with :meth:`open`; close it in every path.

    :ivar info: what the broker last said of itself.
    """

    ENDS = {
        **Channel.ENDS,
        "garbled": "sent something that is not NATS, and was left",
    }

    def __init__(self, broker: Broker, login: Login, stream: Stream, node_of: NodeOf) -> None:
        self._lines = nats.LineReader(node_of)
        super().__init__(broker, stream, self._lines)
        self._login = login
        self.info = nats.Info()
        self._known = self._answered = self._asked = 0
        self._asked_at = time.monotonic()
        self._confirmed = self._quiet = True
        self._subscriptions: list[str] = []
        self._emptied = time.monotonic()

    @classmethod
    def open(
        cls, broker: Broker, login: Login, timeout: float, node_of: NodeOf = lambda subject: None
    ) -> Session:
        """Connect and log in.

        :param timeout: seconds for all of it. The time that the resolver takes is not counted.
        :param node_of: see :class:`.LineReader`.
        :raises exc.ConnectFailed: no connection; the message tells the step and the cause.
        :raises exc.AuthenticationFailed: the broker refused us.
        :raises exc.ImproperlyConfigured: a TLS file or cipher cannot be used.
        """
        context = tls.context_of(broker) if broker.tls else None
        deadline = time.monotonic() + timeout
        stream = Stream.open(broker, timeout, listener="NATS server")
        session = cls(broker, login, stream, node_of)
        try:
            session._greet(context, deadline)
            session._log_in(deadline)
        except BaseException:
            session.stream.close()
            raise
        return session

    @property
    def alive(self) -> bool:
        """Return True if messages can still be sent, and the broker has not said that it will close soon."""
        return super().alive and not self.info.leaving

    def take_over(self, other: Session) -> None:
        """Take the messages that wait in another session. They come before those that wait here."""
        found = [
            item for item in other._waiting if isinstance(item, bytes) or item.kind in _PASSED_ON
        ]
        self._waiting.extendleft(reversed(found))
        self._held += sum(map(weight, found))

    # -- login ---------------------------------------------------------------------------------

    def _greet(self, context: ssl.SSLContext | None, deadline: float) -> None:
        """Read INFO, which is never encrypted, and go over to TLS if it is configured."""
        lines = self._lines
        self._read_until(deadline, lambda: lines.infos or self._waiting)
        if not lines.infos:
            raise self._refused(self._waiting[0] if self._waiting else None, "INFO")
        try:
            self.info = nats.read_info(lines.info or b"")
        except exc.DecodingError as error:
            raise self._failed(f"sent an INFO that cannot be read: {error}") from error
        self._known = lines.infos
        if self.info.nonce and not _NONCE.fullmatch(self.info.nonce):
            # Our key signs requests, too. So we do not sign whatever text a broker wants.
            raise self._failed("wants a text signed that is no nonce, and was left")
        if self.info.leaving:
            raise self._failed("shuts down (lame duck mode) and takes no new connections")
        if context is not None:
            self._start_tls(context, deadline)
        elif self.info.tls_required:
            raise self._failed("takes only TLS, which is turned off in the configuration")

    def _start_tls(self, context: ssl.SSLContext, deadline: float) -> None:
        lines = self._lines
        if self._waiting or lines.unfinished or lines.infos > 1 or lines.pings or lines.pongs:
            raise self._failed("sent more than INFO before the connection was encrypted")
        if not self.info.tls:
            raise self._failed(
                "does not offer TLS, which is configured. Nothing was sent to it. Turn TLS on in the broker,"
                " or find out who answers in its place"
            )
        self.stream.start_tls(self.broker, context, deadline)

    def _log_in(self, deadline: float) -> None:
        options = self._login.options(self.broker, self.info.nonce)
        with contextlib.suppress(exc.ConnectorError):  # then the next event tells how it ended
            self._ask(nats.connect(options), deadline)
        lines = self._lines
        self._read_until(deadline, lambda: lines.pongs or self._waiting)
        fault = self._fault()
        if fault is not None or not lines.pongs:
            first = self._waiting[0] if self._waiting else None
            raise self._refused(fault or first, "PONG")
        self._quiet = False

    def _refused(self, item: Item | None, wanted: str) -> exc.ConnectFailed:
        """Return the error if something else comes than what is wanted."""
        kind = item.kind if isinstance(item, Event) else "message"
        if item is None:
            step = "greet us" if wanted == "INFO" else "answer NATS's CONNECT"
            return self._failed(
                f"takes connections, but did not {step} in time: is this its NATS port?"
            )
        if kind == "disconnected":
            return self._failed(self._closed_early())
        if not isinstance(item, Event) or kind != "error":
            found = {"overlong": "a line without end", "garbled": "something that is not NATS"}
            return self._failed(
                f"sent {found.get(kind, 'a message')} instead of {wanted}: is this a NATS server?"
            )
        words = self._words(item)
        if words.lower().startswith(("authorization", "authentication", "user authentication")):
            name, user = self.broker.name, self._login.user
            who = f" of user {user!r}" if user else ""
            return exc.AuthenticationFailed(
                f"{name} refused the login{who}: {words}. {self._login.hint}", name
            )
        return self._failed(f"refused the connection: {words}")

    def _closed_early(self) -> str:
        """With TLS 1.3 a broker looks at our certificate only after the connection stands."""
        alert = f" ({reason(self.stream.alert)})" if self.stream.alert else ""
        wants = "does it take connections of this client?"
        if self.broker.tls:
            wants = "does it want a client certificate?"
            if self.broker.cert:
                wants = f"does it accept our client certificate {self.broker.cert}?"
        return f"closed the connection during the login{alert}: is this its NATS port, and {wants}"

    def _failed(self, words: str) -> exc.ConnectFailed:
        return exc.ConnectFailed(f"{self.broker.name} {words}", self.broker.name)

    def complaint(self, event: Event) -> exc.ConnectorError:
        """See :meth:`.Channel.complaint`."""
        words, name = self._words(event), self.broker.name
        if words.lower().startswith(_PASSING):
            return exc.ConnectionLost(f"{name} ends the connection: {words}", name)
        rights = f". {self._login.rights}" if words.lower().startswith("permissions") else ""
        return exc.BrokerError(f"{name} refused what we sent: {words}{rights}", name)

    def _words(self, event: Event) -> str:
        """Return what a complaint says, in one line, without what the broker repeats of our secrets."""
        text = self._login.without_secrets(event.body.decode("utf-8", "replace"))
        words = " ".join(text.split()).strip("'")
        return printable(words, LONGEST_WORDS) or "it gave no reason"

    # -- operations ----------------------------------------------------------------------------

    def send(
        self, destination: str, body: bytes, headers: t.Mapping[str, str], deadline: float
    ) -> None:
        """Publish one message. See :meth:`send_all`."""
        self.send_all([destination], body, headers, deadline)

    def send_all(
        self,
        destinations: t.Sequence[str],
        body: bytes,
        headers: t.Mapping[str, str],
        deadline: float,
    ) -> None:
        """Publish the same message to several subjects. They are sent at once.

        :param headers: "receipt" makes :meth:`await_receipt` wait for these messages.
        :param deadline: on the monotonic clock; when the broker must have taken all.
        :raises exc.ConnectorError: the connection is gone, or the broker takes nothing more. ``unsent`` has the
            subjects that certainly did not get the message; the last always is among them.
        """
        parts = [nats.publish(destination, body) for destination in destinations]
        if "receipt" in headers:
            self._asked, self._asked_at = self._asked + 1, time.monotonic()
            parts[-1] += nats.PING
        self._confirmed = False
        whole = sum(map(len, parts)) if self._ended is not None else 0
        try:
            self._send(b"".join(parts), deadline)
        except exc.ConnectorError as error:
            left, first = whole or self.stream.unsent, len(parts)
            while first and (left > 0 or first == len(parts)):
                first -= 1
                left -= len(parts[first])
            error.unsent = list(destinations[first:])
            raise

    def subscribe(self, destination: str, subscription: str, deadline: float) -> None:
        """Have a subject's messages delivered, and wait until the broker has agreed. What comes meanwhile waits.
        Raises as :meth:`await_receipt` does."""
        self._ask(nats.subscribe(destination, subscription), deadline)
        self._subscriptions.append(subscription)
        self._await_pong(deadline, "confirm the subscription")

    def unsubscribe(self, deadline: float) -> None:
        """Have nothing more delivered. What is on its way still comes. Raises as :meth:`send_all` does."""
        if self._subscriptions:
            self._send(b"".join(map(nats.unsubscribe, self._subscriptions)), deadline)
            self._subscriptions.clear()

    def drain(self, deadline: float, settling: float) -> None:
        """Listen for some more seconds, and have nothing more delivered then. What comes waits to be taken. Raises as
        :meth:`subscribe` does."""
        self._read_until(time.monotonic() + settling, lambda: False)
        self.unsubscribe(deadline)
        self._ask(b"", deadline)
        self._await_pong(deadline, "confirm the end of the subscriptions")

    def await_receipt(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has handled all that was sent up to a message with a receipt.

        What the broker refused for single nodes waits to be taken.

        :raises exc.BrokerError: the broker refused something else that we sent.
        :raises exc.ConnectionLost: the connection is gone, or the broker did not answer in time; it may not
            have taken everything.
        """
        self._await_pong(deadline, "confirm what we sent")

    def close(self) -> None:
        """See that the broker has taken all that we sent, and close. Never fails, takes :data:`CLOSING` seconds
        at the most."""
        with contextlib.suppress(exc.ConnectorError):
            if super().alive and not self._confirmed:
                deadline = time.monotonic() + CLOSING
                self._ask(b"", deadline)
                self._await_pong(deadline, "confirm what we sent")
        super().close()

    # -- below ---------------------------------------------------------------------------------

    def _ask(self, data: bytes, deadline: float) -> None:
        """Send operations and PING. Raises as :meth:`_send` does."""
        self._asked, self._asked_at = self._asked + 1, time.monotonic()
        self._send(data + nats.PING, deadline)

    def _beat(self, deadline: float) -> float:
        """See :meth:`.Channel._beat`. A server is silent if nobody asks it, so its silence counts from a PING on."""
        every, silence = HEARTBEAT.every or math.inf, HEARTBEAT.silence or math.inf
        if self._ended is not None:
            return 0.0
        now = time.monotonic()
        quiet = now - max(self.stream.last_received, self._asked_at)
        if self._lines.pongs >= self._asked:
            if quiet >= every:
                with contextlib.suppress(exc.ConnectorError):
                    self._ask(b"", min(max(deadline, now + CLOSING), now + silence))
        elif quiet > silence:
            self._take()  # what has come while nobody looked
            if self.stream.last_received < now:
                self._ended = self._lost(f"has given no sign of life for {silence:.0f} s")
            return 0.0
        return min(every, silence) / 4

    def _await_pong(self, deadline: float, what: str) -> None:
        """Wait for the answer to the last PING.

        :param what: the broker did not do if it does not come in time, which loses the connection.
        """
        lines = self._lines

        def over() -> bool:
            ended = self.stream.ended or self._ended is not None
            return lines.pongs >= self._asked or ended or self._fault() is not None

        while not over() and time.monotonic() < deadline:
            self._read_until(deadline, over)
            if self._held >= MAX_HELD:  # the answer is behind what nobody has taken
                self._waiting.clear()
                self._held = 0
        if (fault := self._fault()) is not None:
            self._raise_if_end(fault)
        if lines.pongs >= self._asked:
            self._confirmed = True
            return
        for item in self._waiting:
            if isinstance(item, Event):
                self._raise_if_end(item)
        if self._ended is None:
            self._ended = self._lost(f"did not {what} in time")
        raise self._ended

    def _send(self, data: bytes, deadline: float) -> None:
        """See :meth:`.Channel._send`. What the broker asks meanwhile is answered afterwards."""
        before, self._quiet = self._quiet, True
        try:
            super()._send(data, deadline)
        finally:
            self._quiet = before
        self._heed()

    def next_message(self, timeout: float) -> bytes | None:
        """See :meth:`.Channel.next_message`. A NATS server does not wait for slow readers: it leaves a
        client that does not take within 10 s what waits for it (Go: nats-server, write_deadline).
        """
        now = time.monotonic()
        if now - self._emptied > EMPTIED:
            self._emptied = now
            # A broker that sends all the time gets no more time than this.
            end = now + EMPTIED
            while not self.stream.ended and self._held < MAX_HELD and time.monotonic() < end:
                data = self.stream.read()
                if data is None:
                    break
                self._cut(data)
        return super().next_message(timeout)

    def _cut(self, data: bytes) -> None:
        super()._cut(data)
        self._heed()

    def _heed(self) -> None:
        """Answer PING, however many have come, and learn what the broker says of itself."""
        lines = self._lines
        if lines.pings > self._answered and not self._quiet and not self.stream.ended:
            self._answered = lines.pings
            with contextlib.suppress(OSError, ValueError):  # reading tells it, too
                self.stream.send_soon(nats.PONG)
        if lines.infos > self._known and not self._quiet:
            self._known = lines.infos
            with contextlib.suppress(exc.DecodingError):
                self.info = nats.read_info(lines.info or b"")
