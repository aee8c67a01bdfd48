# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests with hostile payloads share."""

from __future__ import annotations

import contextlib
import signal
import tracemalloc
import types
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import SERIALIZERS

FORMATS = sorted(SERIALIZERS)
SOON = 3.0
"""Seconds of processor time, since the machine may be busy. What takes long takes for ever; what does not takes a hundredth of this."""


@contextlib.contextmanager
def soon() -> t.Iterator[None]:
    """Stops what does not end, and fails."""

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        raise AssertionError(f"it takes more than {SOON} seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SOON)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def refused(format_: str, payload: bytes) -> None:
    with soon(), pytest.raises(exc.DecodingError):
        SERIALIZERS[format_]().deserialize(payload)


def survived(format_: str, payload: bytes) -> None:
    with soon(), contextlib.suppress(exc.DecodingError):
        SERIALIZERS[format_]().deserialize(payload)


def marshal_count(number: int) -> bytes:
    data = number.to_bytes(4, "little")
    return b"\x04" + data


def link(index: int) -> bytes:
    return b"@" + marshal_count(index)


def shared(characters: int, links: int) -> bytes:
    """Return Marshal of a list with one text so many times more. Python writes each of its characters as ten."""
    text = ("\U000e0001" * characters).encode()
    written = b'I"' + marshal_count(len(text)) + text + b"\x06:\x06ET"
    return b"\x04\x08[" + marshal_count(links + 1) + written + link(1) * links


@contextlib.contextmanager
def little_memory(most: int = 2**22) -> t.Iterator[None]:
    """Fails if Python takes more memory at once, in bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
