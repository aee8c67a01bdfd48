# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""python-mcollective's listeners, for whoever holds a connection of stomp.py.

stomp.py calls them in a thread of its own, which queues what comes and does nothing else. The client
itself has no such thread (:mod:`.wire.network`).
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
import time
import typing as t

from . import exc, logs
from .security import SecurityProvider, security_provider
from .wire.channel import MAX_HELD
from .wire.event import MAX_REPLY, OVERHEAD, Event

if t.TYPE_CHECKING:
    from .config import Config
    from .connector import Connector


class QueueListener:
    """Queues what arrives, for the caller's thread to take.

    :param max_size: bytes; a larger message is queued as the event "oversized" without its body.
    :param max_held: bytes of messages that may wait. More are left to the broker: the receiver
        thread stops reading until some have been taken.
    :param condition: what both threads wait with; default: one of its own.
    """

    def __init__(
        self,
        max_size: int = MAX_REPLY,
        max_held: int = MAX_HELD,
        condition: threading.Condition | None = None,
    ) -> None:
        self.max_size = max_size
        self._max_held = max_held
        self._events: collections.deque[Event] = collections.deque()
        self._held = 0
        self._closed = False
        self._fault: Event | None = None
        self._disconnected = False
        self._changed = condition or threading.Condition()

    def next(self, timeout: float) -> Event | None:
        """The next event; None if there is none within timeout seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._events, max(timeout, 0)):
                return None
            event = self._events.popleft()
            self._held -= _size(event)
            self._changed.notify_all()
            return event

    def fault(self, timeout: float) -> Event | None:
        """What the broker complained of, if it does so within timeout seconds. It stays queued."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault or self._disconnected, max(timeout, 0))
            return self._fault

    def close(self) -> None:
        """Take no more messages, so that the receiver thread never waits for us again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, event: Event) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._held < self._max_held)
            if self._closed and event.kind == "message":
                return
            if event.kind == "error":
                self._fault = event
            self._disconnected = event.kind == "disconnected"
            self._events.append(event)
            self._held += _size(event)
            self._changed.notify_all()

    def on_connected(self, frame: t.Any) -> None:
        """The broker has taken us."""
        self._put(Event("connected", headers=frame.headers))

    def on_message(self, headers: t.Any, body: bytes | str | None = None) -> None:
        """Called by stomp.py: today with a frame alone, by old releases with headers and body."""
        found = headers.body if body is None else body
        self._put_message(found.encode() if isinstance(found, str) else found or b"")

    def _put_message(self, body: bytes) -> None:
        fits = len(body) <= self.max_size
        self._put(Event("message", body) if fits else Event("oversized"))

    def on_receipt(self, frame: t.Any) -> None:
        """The broker has handled a frame of ours that asked for a receipt."""
        self._put(Event("receipt", headers=frame.headers))

    def on_error(self, frame: t.Any) -> None:
        """The broker refuses something; it ends the connection after this."""
        self._put(Event("error", frame.body or b"", frame.headers))

    def on_disconnected(self) -> None:
        """The connection is gone."""
        self._put(Event("disconnected"))


def _size(event: Event) -> int:
    """Bytes that an event counts for while it waits."""
    return OVERHEAD + len(event.body)


class CurrentHostPortListener:
    """Knows which broker a connection is being made to, or was made to last."""

    def __init__(self, *_args: t.Any, **_kwargs: t.Any) -> None:
        self._current: tuple[str | None, int | None] = (None, None)

    def on_connecting(self, host_and_port: tuple[str, int]) -> None:
        """Called by stomp.py."""
        self._current = host_and_port

    def get_host(self) -> str | None:
        """The broker's host; None before the first attempt."""
        return self._current[0]

    def get_port(self) -> int | None:
        """The broker's port; None before the first attempt."""
        return self._current[1]


class ResponseListener(QueueListener):
    """Takes in replies, to whatever request.

    The receiver thread only queues them; they are decoded where they are waited for.

    :param connector: tells whether replies travel in Base64.
    :param count: how many replies to wait for.
    :param timeout: seconds to wait for them.
    :param condition: a :class:`threading.Condition` to wait with; anything else makes no difference.
    :param logger: gets what becomes of each message; default: the configuration's.
    :ivar responses: the verified envelopes.
    :ivar rejected: how many messages could not be decoded or verified.
    """

    def __init__(
        self,
        config: Config,
        connector: Connector,
        count: int,
        timeout: float = 30,
        condition: t.Any = None,
        logger: logging.Logger | None = None,
    ) -> None:
        usable = isinstance(condition, threading.Condition)
        super().__init__(condition=condition if usable else None)
        self.condition = condition if condition is not None else self._changed
        self.config = config
        self.connector = connector
        self.logger = logger or config.logger
        self.count = count
        self.timeout = timeout
        self.responses: list[dict[str, t.Any]] = []
        self.rejected = 0
        self._debug = logs.debug(self.logger)

    @functools.cached_property
    def security(self) -> SecurityProvider:
        """The provider that verifies replies."""
        return security_provider(self.config, self.logger)

    def wait_on_message(self) -> ResponseListener:
        """Wait for as many further replies as were asked for, or until the time is over."""
        deadline, wanted = time.monotonic() + self.timeout, len(self.responses) + self.count
        while len(self.responses) < wanted:
            event = self.next(deadline - time.monotonic())
            if event is None or event.kind == "disconnected":
                break
            if event.kind in ("message", "oversized"):
                self._decode(event)
        return self

    def _decode(self, event: Event) -> None:
        try:
            self.responses.append(self.security.decode(event.body, b64=self.connector.use_b64))
            word = "took"
        except (exc.DecodingError, exc.VerificationError):
            self.rejected += 1
            word = "rejected"
        if self._debug is not None:
            self._debug("%s a message of %d bytes", word, len(event.body))


SingleResponseListener = functools.partial(ResponseListener, count=1)
"""Waits for one reply."""
