# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One STOMP connection to one broker: log in, send, receive, log out."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
import secrets
import time
import typing as t

from .. import exc
from ..printable import masked, printable
from ..utils import reason
from .channel import Channel
from .event import Event
from .heartbeat import BEAT, Heartbeat, agree
from .library import HAS_STOMP
from .network import Stream
from .stomp import MAX_FRAME, MAX_REPLY, MAX_WORDS, FrameReader, frame

if t.TYPE_CHECKING:
    from ..pool import Broker

CLOSING = 1.0
"""Seconds that closing a connection may take."""
LAST_WORDS = 0.5
"""Seconds to wait for a broker's ERROR once sending to it has failed."""
LONGEST_WORDS = 1000
"""Characters of what a broker complains of that are shown."""
CONTENT_TYPE = "text/plain; charset=UTF-8"
_ESCAPES = {"\\": "\\\\", "\n": "\\n", ":": "\\c"}


@dataclasses.dataclass(frozen=True)
class Login:
    """What CONNECT says, as the broker wants it spelled.

    :ivar vhost: the virtual host to ask for, if any.
    :ivar versions: of STOMP, that we speak.
    :ivar heartbeat: the header heart-beat, if there are to be any.
    :ivar missed: how many of the broker's beats may stay out.
    :ivar secrets: texts that are masked where the broker repeats them.
    """

    user: str
    password: str = dataclasses.field(repr=False)
    vhost: str | None
    versions: tuple[str, ...] = ("1.1", "1.0")
    heartbeat: str | None = None
    missed: int = 2
    secrets: tuple[str, ...] = dataclasses.field(default=(), repr=False)

    def headers(self) -> dict[str, str]:
        """The headers of CONNECT; without a user nobody logs in, as with the stomp gem."""
        found = {
            "login": self.user or None,
            "passcode": self.password if self.user else None,
            "accept-version": ",".join(self.versions),
            "host": self.vhost,
            "heart-beat": self.heartbeat,
        }
        return {name: value for name, value in found.items() if value is not None}


class Session:
    """An open connection. Make it with :meth:`open`; close it in every path."""

    def __init__(self, broker: Broker, login: Login, channel: Channel) -> None:
        self.broker = broker
        self._login = login
        self._channel = channel
        self._ended: exc.ConnectorError | None = None
        self._escapes = False
        self._heartbeat = Heartbeat()

    @classmethod
    def open(cls, broker: Broker, login: Login, timeout: float) -> Session:
        """Connect and log in.

        :param timeout: seconds for all of it.
        :raises exc.ConnectFailed: no connection; the message tells the step and the cause.
        :raises exc.AuthenticationFailed: the broker refused us.
        """
        if not HAS_STOMP:
            raise exc.MissingDependency("stomp.py", "connections to a broker")
        _refuse_breaks(login.headers())
        deadline = time.monotonic() + timeout
        session = cls(broker, login, Channel(Stream.open(broker, timeout), FrameReader()))
        try:
            session._log_in(deadline)
        except BaseException:
            session._channel.close()
            raise
        return session

    def _log_in(self, deadline: float) -> None:
        login = self._login
        with contextlib.suppress(exc.ConnectorError):  # then the next event tells how it ended
            self._transmit("CONNECT", login.headers(), deadline)
        event = self._channel.next(deadline - time.monotonic())
        if event is None:
            raise exc.ConnectFailed(
                f"{self.broker.name} takes connections, but did not answer STOMP's CONNECT in time:"
                " is this its STOMP port?",
                self.broker.name,
            )
        if event.kind != "connected":
            raise self._refused(event)
        self._agree(event.headers)

    def _agree(self, answer: t.Mapping[str, str]) -> None:
        """Take the version and the heart-beats that the broker chose."""
        login, version = self._login, answer.get("version", "1.0")
        if version not in login.versions:
            raise exc.ConnectFailed(
                f"{self.broker.name} speaks STOMP {printable(self._masked(version), 20)}; wanted is {' or '.join(login.versions)}"
                f" (see stomp_1_0_fallback)",
                self.broker.name,
            )
        self._escapes = version != "1.0"
        if self._escapes:
            self._heartbeat = agree(login.heartbeat, answer.get("heart-beat"), login.missed)

    def _refused(self, event: Event) -> exc.ConnectFailed:
        login = self._login
        if event.kind == "disconnected" and not self._channel.overlong:
            return exc.ConnectFailed(self._closed_early(), self.broker.name)
        if event.kind != "error":
            found = "no frame" if self._channel.overlong else _frame_name(event)
            return exc.ConnectFailed(
                f"{self.broker.name} answered STOMP's CONNECT with {found} instead of CONNECTED: is this a"
                " STOMP broker?",
                self.broker.name,
            )
        return exc.AuthenticationFailed(
            f"{self.broker.name} refused the login of user {self.broker.user!r}"
            + (f" to the virtual host {login.vhost!r}" if login.vhost else "")
            + f": {self._words(event)}. Check user, password and virtual host",
            self.broker.name,
        )

    def _words(self, event: Event) -> str:
        """What an ERROR frame says, in one line, without what the broker repeats of our secrets."""
        parts = []
        for text in (event.headers.get("message", ""), event.body.decode("utf-8", "replace")):
            parts.append(" ".join(self._masked(text).split()))
        words = ": ".join(filter(None, parts)).rstrip(".")
        return printable(words, LONGEST_WORDS) or "it gave no reason"

    def _masked(self, text: str) -> str:
        """What the broker says, without our secrets."""
        secrets = {way for secret in self._login.secrets for way in _spellings(secret)}
        longest = max(map(len, secrets), default=0)
        # Where the frame was cut, a part of a secret may be left, which would not be recognized.
        whole = text if len(text) < MAX_WORDS // 2 else text[: max(MAX_WORDS // 2 - longest, 0)]
        return masked(whole, secrets)

    def _closed_early(self) -> str:
        """With TLS 1.3 a broker looks at our certificate only after the connection stands."""
        alert = self._channel.stream.alert
        wants = "want TLS"
        if self.broker.tls:
            verb = "accept our" if self.broker.cert else "want a"
            wants = f"{verb} client certificate (ssl.cert and ssl.key)"
        return (
            f"{self.broker.name} closed the connection during the login"
            + (f" ({reason(alert)})" if alert else "")
            + f": is this its STOMP port, and does it {wants}?"
        )

    @property
    def alive(self) -> bool:
        """Whether messages can still be sent, as far as is known."""
        return self._ended is None and self._channel.alive

    @property
    def crowded(self) -> bool:
        """Whether so much waits to be taken that there will soon be no room for more."""
        return self._channel.crowded

    def send(
        self, destination: str, body: bytes, headers: t.Mapping[str, str], deadline: float
    ) -> None:
        """Publish one message.

        :param deadline: on the monotonic clock; when the broker must have taken it.
        :raises exc.ConnectorError: the connection is gone, or the broker takes nothing more. The broker
            did not get the whole message.
        """
        more = {"content-length": str(len(body)), "content-type": CONTENT_TYPE}
        self._transmit("SEND", {**headers, **more, "destination": destination}, deadline, body)

    def subscribe(self, destination: str, subscription: str, deadline: float) -> None:
        """Have a destination's messages delivered. Raises as :meth:`send` does."""
        headers = {"destination": destination, "id": subscription, "ack": "auto"}
        self._transmit("SUBSCRIBE", headers, deadline)

    def unsubscribe(self, destination: str, subscription: str, deadline: float) -> None:
        """Have them delivered no more. Raises as :meth:`send` does."""
        headers = {"destination": destination, "id": subscription}
        self._transmit("UNSUBSCRIBE", headers, deadline)

    def _transmit(
        self, command: str, headers: dict[str, str], deadline: float, body: bytes = b""
    ) -> None:
        """Send a frame; in STOMP 1.0 and in CONNECT headers are not escaped."""
        if self._escapes:
            headers = {key: _escaped(value) for key, value in headers.items()}
        _refuse_breaks(headers)
        self._write(
            lambda: self._channel.send(frame(command, headers, body), deadline),
        )

    def _write(self, action: t.Callable[[], None]) -> None:
        """Have something sent. Where that fails, half of it may be out, so the session is over."""
        if self._ended is not None:
            raise self._ended
        try:
            action()
        except OSError as error:
            # The broker may have said why before it closed; one that takes nothing more has not closed.
            stalled = isinstance(error, TimeoutError)
            fault = self._channel.fault(0.0 if stalled else LAST_WORDS)
            self._ended = (
                exc.ConnectionLost(
                    f"sending to {self.broker.name} failed: {reason(error)}", self.broker.name
                )
                if fault is None
                else self._error(fault)
            )
            raise self._ended from error

    def next_message(self, timeout: float) -> bytes | None:
        """The body of the next message, or wait for it.

        :returns: None if there is none in time.
        :raises exc.Oversized: it was too large, and is dropped.
        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone.
        """
        body = self._channel.next_message()
        if body is not None:
            return body
        event = self._next_event(timeout if self._ended is None else 0)
        if event is None and self._ended is not None:
            raise self._ended
        if event is None or event.kind == "receipt":
            return None
        if event.kind == "message":
            return event.body
        if event.kind == "oversized":
            raise exc.Oversized(
                f"a message of more than {MAX_REPLY} bytes", event.headers.get("mc_sender")
            )
        if self._ended is None:
            self._ended = self._end_by(event)
        raise self._ended

    def _next_event(self, timeout: float) -> Event | None:
        """Wait for an event, and keep the heart beating meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            pause = self._beat(deadline)
            event = self._channel.next(min(deadline - time.monotonic(), pause))
            if event is not None or time.monotonic() >= deadline or self._ended is not None:
                return event

    def _beat(self, deadline: float) -> float:
        """Send a heart-beat if one is due, and see that the broker does. Returns the seconds until
        this has to be done again. Does not raise, so that what has come is taken first."""
        every, silence = self._heartbeat
        if self._ended is not None:
            return 0.0
        now = time.monotonic()
        if every is not None and now - self._channel.stream.last_sent >= every / 2:
            with contextlib.suppress(exc.ConnectorError):
                soon = min(deadline, now + every)
                self._write(lambda: self._channel.send(BEAT, soon))
        if silence is not None and now - self._channel.stream.last_received > silence:
            self._channel.take()  # what has come while nobody looked
            if self._channel.stream.last_received >= now:
                return 0.0
            self._ended = exc.ConnectionLost(
                f"{self.broker.name} has given no sign of life for {silence:.0f} s",
                self.broker.name,
            )
            return 0.0
        return min((seconds / 4 for seconds in (every, silence) if seconds), default=math.inf)

    def _end_by(self, event: Event) -> exc.ConnectorError:
        if event.kind == "error":
            return self._error(event)
        if self._channel.overlong:
            return exc.ConnectionLost(
                f"{self.broker.name} sent a message of more than {MAX_FRAME} bytes, and was left",
                self.broker.name,
            )
        if event.kind == "connected":
            return exc.ConnectionLost(
                f"{self.broker.name} sent CONNECTED a second time, which is no STOMP, and was left",
                self.broker.name,
            )
        return exc.ConnectionLost(f"{self.broker.name} closed the connection", self.broker.name)

    def _error(self, event: Event) -> exc.BrokerError:
        return exc.BrokerError(
            f"{self.broker.name} refused what we sent: {self._words(event)}", self.broker.name
        )

    def log_out(self, deadline: float) -> None:
        """Say goodbye, and wait until the broker has taken all that we sent. What still comes is
        dropped.

        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone, or the broker did not answer in time; it
            may not have taken everything.
        """
        receipt = secrets.token_hex(8)
        self._transmit("DISCONNECT", {"receipt": receipt}, deadline)
        self.await_receipt(receipt, deadline)
        self._ended = exc.ConnectionLost("logged out", self.broker.name)

    def await_receipt(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has handled a frame that asked for this receipt. What else comes is
        dropped. Raises as :meth:`log_out` does."""
        late = False
        while not late:
            # A broker that sends other frames all the time does not make the wait longer.
            late = time.monotonic() >= deadline
            event = self._channel.next(deadline - time.monotonic())
            if event is None:
                break
            if event.kind == "receipt" and event.headers.get("receipt-id") == receipt:
                return
            if event.kind in ("error", "disconnected", "connected"):
                self._ended = self._end_by(event)
                raise self._ended
        self._ended = exc.ConnectionLost(
            f"{self.broker.name} did not confirm what we sent in time", self.broker.name
        )
        raise self._ended

    def close(self) -> None:
        """Log out and close. Never fails, takes :data:`CLOSING` seconds at the most."""
        with contextlib.suppress(exc.ConnectorError):
            if self.alive:
                self.log_out(time.monotonic() + CLOSING)
        self._channel.close()


def _escaped(value: str) -> str:
    return re.sub(r"[\\\n:]", lambda match: _ESCAPES[match[0]], value)


def _spellings(secret: str) -> set[str]:
    """How a broker may write a secret: as it is, or as a header."""
    return {secret, secret.replace("\\", "\\\\"), _escaped(secret)}


def _refuse_breaks(headers: t.Mapping[str, str]) -> None:
    """Refuse what would end a header where headers are not escaped, and begin another."""
    for name, value in headers.items():
        if re.search(r"[\r\n\0]", value):
            raise exc.BadRequest(f"STOMP's header {name} cannot hold a line break or a NUL")


def _frame_name(event: Event) -> str:
    """The STOMP command of what came."""
    return "MESSAGE" if event.kind == "oversized" else event.kind.upper()
