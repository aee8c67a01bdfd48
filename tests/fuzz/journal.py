# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a worker does at the moment. Another process can read it, even after the worker has died."""

from __future__ import annotations

import contextlib
import mmap
import struct
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2**20
"""Bytes of the largest input."""
_HEAD = struct.Struct("<QI")


class Journal(contextlib.AbstractContextManager["Journal"]):
    """A file with the number of inputs so far, and the last input."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(_HEAD.size + LARGEST)
            self._map = mmap.mmap(file.fileno(), 0)
        self._count = 0

    def __exit__(self, *_exc: object) -> None:
        self._map.close()

    def write(self, payload: bytes) -> None:
        """Note the next input."""
        self._count += 1
        self._map[: _HEAD.size] = _HEAD.pack(self._count, len(payload))
        self._map[_HEAD.size : _HEAD.size + len(payload)] = payload

    def read(self) -> tuple[int, bytes]:
        """The number of the last input, and the input."""
        count, size = _HEAD.unpack(self._map[: _HEAD.size])
        return count, self._map[_HEAD.size : _HEAD.size + size]
