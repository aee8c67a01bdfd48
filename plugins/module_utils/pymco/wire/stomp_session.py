# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""One STOMP connection to one broker: log in, send, receive, log out."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import secrets
import time
import typing as t

from .. import exc
from ..printable import masked, printable
from ..utils import reason
from . import tls
from .channel import Channel
from .event import Event, Item
from .heartbeat import agree
from .library import HAS_STOMP
from .network import Stream
from .stomp import MAX_WORDS, FrameReader, frame

if t.TYPE_CHECKING:
    from ..pool import Broker

CLOSING = 1.0
"""Seconds that closing a connection may take."""
LONGEST_WORDS = 1000
"""Characters that are shown of what a broker complains of."""
CONTENT_TYPE = "text/plain; charset=UTF-8"
_BREAK = re.compile(r"[\r\n\0]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", ":": "\\c"})


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
        """Return the headers of CONNECT. Without a user nobody logs in, as with the stomp gem."""
        found = {
            "login": self.user or None,
            "passcode": self.password if self.user else None,
            "accept-version": ",".join(self.versions),
            "host": self.vhost,
            "heart-beat": self.heartbeat,
        }
        return {name: value for name, value in found.items() if value is not None}

    def without_secrets(self, text: str) -> str:
        """Return what the broker says without our secrets."""
        hidden = {way for secret in self.secrets for way in _spellings(secret)}
        return masked(text, hidden, MAX_WORDS)


class Session(Channel):
    """An open connection. Make it with :meth:`open`; close it in every path."""

    BEAT = b"\n"
    ENDS = {
        **Channel.ENDS,
        "connected": "sent CONNECTED a second time, which is no STOMP, and was left",
    }

    def __init__(self, broker: Broker, login: Login, stream: Stream) -> None:
        super().__init__(broker, stream, FrameReader())
        self._login = login
        self._escapes = False

    @classmethod
    def open(cls, broker: Broker, login: Login, timeout: float) -> Session:
        """Connect and log in.

        :param timeout: seconds for all of it. The time that the resolver takes is not counted.
        :raises exc.ConnectFailed: no connection; the message tells the step and the cause.
        :raises exc.AuthenticationFailed: the broker refused us.
        :raises exc.ImproperlyConfigured: a TLS file or cipher cannot be used.
        """
        if not HAS_STOMP:
            raise exc.MissingDependency("stomp.py", "connections to a broker")
        _refuse_breaks(login.headers())
        context = tls.context_of(broker) if broker.tls else None
        deadline = time.monotonic() + timeout
        stream = Stream.open(broker, timeout, listener="STOMP plugin")
        if context is not None:
            stream.start_tls(broker, context, deadline)
        session = cls(broker, login, stream)
        try:
            session._log_in(deadline)
        except BaseException:
            stream.close()
            raise
        return session

    # -- login ---------------------------------------------------------------------------------

    def _log_in(self, deadline: float) -> None:
        login = self._login
        with contextlib.suppress(exc.ConnectorError):  # then the next event tells how it ended
            self._transmit("CONNECT", login.headers(), deadline)
        item = self._next(deadline - time.monotonic())
        if not isinstance(item, Event) or item.kind != "connected":
            raise self._refused(item)
        version = item.headers.get("version", "1.0")
        if version not in login.versions:
            spoken, wanted = login.without_secrets(version), " or ".join(login.versions)
            raise self._failed(
                f"speaks STOMP {printable(spoken, 20)}; wanted is {wanted} (see stomp_1_0_fallback)"
            )
        self._escapes = version != "1.0"
        if self._escapes:
            self._heartbeat = agree(login.heartbeat, item.headers.get("heart-beat"), login.missed)

    def _refused(self, item: Item | None) -> exc.ConnectFailed:
        """Return the error for an answer to CONNECT that is not CONNECTED."""
        kind = item.kind if isinstance(item, Event) else "message"
        if item is None:
            return self._failed(
                "takes connections, but did not answer STOMP's CONNECT in time: is this its STOMP port?"
            )
        if kind == "disconnected":
            return self._failed(self._closed_early())
        if not isinstance(item, Event) or kind != "error":
            found = {"overlong": "no frame", "oversized": "MESSAGE"}.get(kind, kind.upper())
            return self._failed(
                f"answered STOMP's CONNECT with {found} instead of CONNECTED: is this a STOMP broker?"
            )
        name, vhost = self.broker.name, self._login.vhost
        place = f" to the virtual host {vhost!r}" if vhost else ""
        return exc.AuthenticationFailed(
            f"{name} refused the login of user {self.broker.user!r}{place}: {self._words(item)}."
            " Check user, password and virtual host",
            name,
        )

    def _closed_early(self) -> str:
        """With TLS 1.3 a broker looks at our certificate only after the connection stands."""
        wants = "want TLS"
        if self.broker.tls:
            verb = "accept our" if self.broker.cert else "want a"
            wants = f"{verb} client certificate (ssl.cert and ssl.key)"
        alert = f" ({reason(self.stream.alert)})" if self.stream.alert else ""
        return f"closed the connection during the login{alert}: is this its STOMP port, and does it {wants}?"

    def _failed(self, words: str) -> exc.ConnectFailed:
        return exc.ConnectFailed(f"{self.broker.name} {words}", self.broker.name)

    def complaint(self, event: Event) -> exc.BrokerError:
        """See :meth:`.Channel.complaint`."""
        name = self.broker.name
        return exc.BrokerError(f"{name} refused what we sent: {self._words(event)}", name)

    def _words(self, event: Event) -> str:
        """Return what an ERROR frame says, in one line, without what the broker repeats of our secrets."""
        texts = event.headers.get("message", ""), event.body.decode("utf-8", "replace")
        parts = [" ".join(self._login.without_secrets(text).split()) for text in texts]
        words = ": ".join(filter(None, parts)).rstrip(".")
        return printable(words, LONGEST_WORDS) or "it gave no reason"

    # -- frames --------------------------------------------------------------------------------

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

    def await_receipt(self, receipt: str, deadline: float) -> None:
        """Wait until the broker has handled a frame that asked for this receipt. All that comes before it is
        dropped.

        :raises exc.BrokerError: the broker refused something that we sent.
        :raises exc.ConnectionLost: the connection is gone, or the broker did not answer in time; it may not
            have taken everything.
        """

        def wanted(event: Event) -> bool:
            return event.kind == "receipt" and event.headers.get("receipt-id") == receipt

        self._await(wanted, deadline, "confirm what we sent")

    def log_out(self, deadline: float) -> None:
        """Say goodbye, and wait until the broker has taken all that we sent. Drops and raises as
        :meth:`await_receipt` does."""
        receipt = secrets.token_hex(8)
        self._transmit("DISCONNECT", {"receipt": receipt}, deadline)
        self.await_receipt(receipt, deadline)
        self._ended = exc.ConnectionLost("logged out", self.broker.name)

    def close(self) -> None:
        """Log out and close. Never fails, takes :data:`CLOSING` seconds at the most."""
        with contextlib.suppress(exc.ConnectorError):
            if self.alive:
                self.log_out(time.monotonic() + CLOSING)
        super().close()

    def _transmit(
        self, command: str, headers: dict[str, str], deadline: float, body: bytes = b""
    ) -> None:
        """Send a frame. Headers are not escaped in STOMP 1.0 and in CONNECT."""
        if self._escapes:
            headers = {key: value.translate(_ESCAPES) for key, value in headers.items()}
        _refuse_breaks(headers)
        self._send(frame(command, headers, body), deadline)


def _spellings(secret: str) -> set[str]:
    """Return how a broker may write a secret: as it is, or as a header."""
    return {secret, secret.replace("\\", "\\\\"), secret.translate(_ESCAPES)}


def _refuse_breaks(headers: t.Mapping[str, str]) -> None:
    """Refuse what would end a header where headers are not escaped, and begin another."""
    for name, value in headers.items():
        if _BREAK.search(value):
            raise exc.BadRequest(f"STOMP's header {name} cannot hold a line break or a NUL")
