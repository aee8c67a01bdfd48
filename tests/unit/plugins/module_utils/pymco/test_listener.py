# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages wait in order between the receiver's thread and the caller's, and never too many."""

from __future__ import annotations

import threading
import time
import types
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.listener import (
    OVERHEAD,
    Event,
    QueueListener,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import BUSY

AT_ONCE = 0.15
"""Seconds after which something that does not wait has long been done."""
ENOUGH = 5.0


def frame(body: bytes | None) -> t.Any:
    return types.SimpleNamespace(body=body, headers={})


class Receiver:
    """A receiver thread with messages to deliver."""

    def __init__(self, listener: QueueListener, *bodies: bytes) -> None:
        self.delivered = 0
        self._listener, self._bodies = listener, bodies
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for body in self._bodies:
            self._listener.on_message(frame(body))
            self.delivered += 1

    def waits(self) -> bool:
        """Return True if it does not end."""
        self._thread.join(AT_ONCE)
        return self._thread.is_alive()

    def ends(self) -> bool:
        """Return True if it ends in the given time."""
        self._thread.join(ENOUGH)
        return not self._thread.is_alive()


def test_events_come_in_their_order() -> None:
    listener = QueueListener(max_size=3)
    for body in (b"abc", None, b"abcd"):
        listener.on_message(frame(body))
    listener.on_disconnected()
    assert [listener.next(0) for _event in range(5)] == [
        Event("message", b"abc"),
        Event("message"),
        Event("oversized"),
        Event("disconnected"),
        None,
    ]


@pytest.mark.parametrize("timeout", [-1.0, 0.0, 0.1])
def test_nothing_is_waited_for_as_long_as_told(timeout: float) -> None:
    start = time.monotonic()
    assert QueueListener().next(timeout) is None
    assert max(timeout, 0) <= time.monotonic() - start < max(timeout, 0) + BUSY


def test_the_receiver_waits_while_too_much_is_held_and_goes_on_when_it_is_taken() -> None:
    listener = QueueListener(max_size=100, max_held=OVERHEAD + 10)
    receiver = Receiver(listener, *[b"123456"] * 5)
    assert receiver.waits()
    # What crosses the limit is still taken: the limit is exceeded by one message at the most.
    assert receiver.delivered == 2
    assert listener.next(0) == Event("message", b"123456")
    assert receiver.waits()
    assert receiver.delivered == 3
    for _message in range(4):
        assert listener.next(ENOUGH) == Event("message", b"123456")
    assert receiver.ends()
    assert listener.next(0) is None


def test_what_is_held_is_counted_down_to_nothing() -> None:
    listener = QueueListener(max_held=OVERHEAD + 10)
    receiver = Receiver(listener, *[b"x" * 9] * 200)
    for _message in range(200):
        assert listener.next(ENOUGH) is not None
    assert receiver.ends()
    assert Receiver(listener, b"x" * 10).ends()


def test_messages_that_are_too_large_take_the_room_of_an_empty_one() -> None:
    listener = QueueListener(max_size=5, max_held=50 * OVERHEAD)
    assert Receiver(listener, *[b"123456"] * 50).ends()
    assert [listener.next(0) for _message in range(50)] == [Event("oversized")] * 50


def test_a_receiver_that_waits_is_let_go_by_closing() -> None:
    listener = QueueListener(max_held=OVERHEAD + 10)
    receiver = Receiver(listener, *[b"x" * 20] * 3)
    assert receiver.waits()
    listener.close()
    assert receiver.ends()


def test_after_closing_no_message_is_held_and_the_end_is_told() -> None:
    listener = QueueListener(max_held=OVERHEAD + 10)
    listener.on_message(frame(b"x" * 20))
    listener.close()
    assert Receiver(listener, *[b"x" * 20] * 100).ends()
    listener.on_disconnected()
    kinds = [event.kind for event in iter(lambda: listener.next(0), None)]
    assert kinds == ["message", "disconnected"]
