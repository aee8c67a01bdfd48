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
from .security import SecurityProvider, symbolic
from .wire.channel import MAX_HELD
from .wire.event import MAX_REPLY, OVERHEAD, Event

if t.TYPE_CHECKING:
    from .connector import Connector
    from .settings import Settings


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
        self._room = max_held
        self._events: collections.deque[Event] = collections.deque()
        self._closed = False
        self._changed = condition or threading.Condition()

    def next(self, timeout: float) -> Event | None:
        """Return the next event, or None if none comes within timeout seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._events, max(timeout, 0)):
                return None
            event = self._events.popleft()
            self._room += OVERHEAD + len(event.body)
            self._changed.notify_all()
            return event

    def close(self) -> None:
        """Take no more messages, so that the receiver thread never waits for us again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, event: Event) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._room > 0)
            if self._closed and event.kind != "disconnected":
                return
            self._events.append(event)
            self._room -= OVERHEAD + len(event.body)
            self._changed.notify_all()

    def on_message(self, headers: t.Any, body: bytes | str | None = None) -> None:
        """Queue a message. stomp.py calls it: today with a frame alone, before with headers and body."""
        found = (headers.body if body is None else body) or b""
        data = found.encode() if isinstance(found, str) else found
        self._put(Event("message", data) if len(data) <= self.max_size else Event("oversized"))

    def on_disconnected(self) -> None:
        """Queue the end of the connection."""
        self._put(Event("disconnected"))


class CurrentHostPortListener:
    """Knows which broker a connection is being made to, or was made to last."""

    def __init__(self, *_args: t.Any, **_kwargs: t.Any) -> None:
        self._current: tuple[str | None, int | None] = (None, None)

    def on_connecting(self, host_and_port: tuple[str, int]) -> None:
        """Note the broker. stomp.py calls it."""
        self._current = host_and_port

    def get_host(self) -> str | None:
        """Return the broker's host, or None before the first attempt."""
        return self._current[0]

    def get_port(self) -> int | None:
        """Return the broker's port, or None before the first attempt."""
        return self._current[1]


class ResponseListener(QueueListener):
    """Takes in replies, to whatever request.

    The receiver thread only queues them; they are decoded where they are waited for.

    :param connector: its ``use_b64`` says if replies travel in Base64.
    :param count: how many replies to wait for.
    :param timeout: seconds to wait for them.
    :param condition: a :class:`threading.Condition` to wait with; anything else makes no difference.
    :param logger: gets what becomes of each message; default: the configuration's.
    :ivar responses: the verified envelopes.
    :ivar rejected: how many messages could not be decoded or verified.
    """

    def __init__(
        self,
        config: Settings,
        connector: Connector,
        count: int,
        timeout: float = 30,
        condition: t.Any = None,
        logger: logging.Logger | None = None,
    ) -> None:
        usable = isinstance(condition, threading.Condition)
        super().__init__(condition=condition if usable else None)
        self.condition = condition if condition is not None else self._changed
        self.config, self.connector = config, connector
        self.logger = logger or config.logger
        self.count, self.timeout = count, timeout
        self.responses: list[dict[str, t.Any]] = []
        self.rejected = 0
        self._debug = logs.debug(self.logger)

    @functools.cached_property
    def security(self) -> SecurityProvider:
        """The provider that verifies replies."""
        return symbolic(self.config, self.logger)

    def wait_on_message(self) -> ResponseListener:
        """Wait for as many further replies as were asked for, or until the time is over."""
        deadline, wanted = time.monotonic() + self.timeout, len(self.responses) + self.count
        while len(self.responses) < wanted:
            event = self.next(deadline - time.monotonic())
            if event is None or event.kind == "disconnected":
                break
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
