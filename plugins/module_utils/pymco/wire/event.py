# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What comes from a broker, whatever its protocol."""

from __future__ import annotations

import typing as t

OVERHEAD = 1024
"""Bytes that an event which waits to be taken counts for beside its body."""


class Event(t.NamedTuple):
    """Something that came from the broker.

    :ivar kind: connected, message, oversized, receipt, error, or disconnected (always the last).
    :ivar headers: a message has none; an oversized one has ``mc_sender``, the sender that it names, if
        it names one; others have those that somebody looks at.
    :ivar size: bytes that it counts for while it waits to be taken.
    """

    kind: str
    body: bytes = b""
    headers: t.Mapping[str, str] = {}
    size: int = OVERHEAD
