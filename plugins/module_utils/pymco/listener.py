# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What the receiver thread does with frames: it queues them, and nothing else."""

from __future__ import annotations

import dataclasses
import queue
import typing as t

MAX_REPLY = 16 * 2**20
"""Bytes. A larger reply is dropped as it arrives and counted as oversized."""


class CurrentHostPortListener:
    """Remembers which broker a connection goes to (python-mcollective's)."""

    def __init__(self) -> None:
        self.current_host: str | None = None
        self.current_port: int | None = None

    def on_connecting(self, host_and_port: tuple[str, int]) -> None:
        """Called by stomp.py before the STOMP handshake."""
        self.current_host, self.current_port = host_and_port

    def get_host(self) -> str | None:
        """The broker's host, None before a connection was tried."""
        return self.current_host

    def get_port(self) -> int | None:
        """The broker's port, None before a connection was tried."""
        return self.current_port


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that came from the broker.

    :ivar kind: connected, message, oversized, receipt, error, or disconnected (always the last).
    """

    kind: str
    body: bytes = b""
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


class QueueListener:
    """Queues what arrives, for the caller's thread to take.

    :param max_size: bytes; a larger message is queued as the event "oversized" without its body.
    """

    def __init__(self, max_size: int = MAX_REPLY) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.max_size = max_size

    def next(self, timeout: float) -> Event | None:
        """The next event; None if there is none within timeout seconds."""
        try:
            return self.events.get(timeout=max(timeout, 0))
        except queue.Empty:
            return None

    def on_connected(self, frame: t.Any) -> None:
        """The broker has taken us."""
        self.events.put(Event("connected", headers=frame.headers))

    def on_message(self, frame: t.Any) -> None:
        """A message came in."""
        body = frame.body or b""
        fits = len(body) <= self.max_size
        self.events.put(Event("message", body) if fits else Event("oversized"))

    def on_receipt(self, frame: t.Any) -> None:
        """The broker has handled a frame of ours that asked for a receipt."""
        self.events.put(Event("receipt", headers=frame.headers))

    def on_error(self, frame: t.Any) -> None:
        """The broker refuses something; it ends the connection after this."""
        self.events.put(Event("error", frame.body or b"", frame.headers))

    def on_disconnected(self) -> None:
        """The connection is gone."""
        self.events.put(Event("disconnected"))
