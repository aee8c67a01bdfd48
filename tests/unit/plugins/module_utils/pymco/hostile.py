# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests with hostile payloads share."""

from __future__ import annotations

import contextlib
import signal
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
