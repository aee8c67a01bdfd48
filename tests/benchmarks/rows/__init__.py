# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the table, by the names that the command line has for them. Each has one or more lines."""

from __future__ import annotations

import functools
import typing as t

from . import (
    adhoc,
    choria,
    choria_inventory,
    choria_requests,
    discovery,
    facts,
    fanout,
    inventory,
    large,
    lossless,
    memory,
    reference,
    requests,
    scale,
    task,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ..framework import Bench, Line

ROWS: dict[str, Callable[[Bench], list[Line]]] = {
    "fanout": fanout.run,
    "mco": reference.run,
    "lossless": lossless.run,
    "discovery": discovery.run,
    "large": large.run,
    "memory": memory.run,
    "requests": requests.run,
    "task": task.run,
    "inventory": inventory.run,
    "adhoc": adhoc.run,
    "facts": facts.run,
    "choria_v1": functools.partial(choria.run, 1),
    "choria_v2": functools.partial(choria.run, 2),
    "choria_inventory": choria_inventory.run,
    "choria_requests": choria_requests.run,
    "scale": scale.run,
}
