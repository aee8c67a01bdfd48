# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""From a filter to the identities of the nodes that fit it."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .exchange import Outcome, Patience, exchange
from .message import Filter, Message

if t.TYPE_CHECKING:
    from .config import Config
    from .connector import Connector
    from .security import SecurityProvider

LONGEST = 60.0
"""Seconds after which discovery ends though nodes still answer."""


@dataclasses.dataclass(frozen=True)
class Discovery:
    """Who answered.

    :ivar nodes: identities, sorted.
    :ivar outcome: the replies and what was rejected.
    """

    nodes: list[str]
    outcome: Outcome


def discover(
    connector: Connector,
    security: SecurityProvider,
    config: Config,
    filter_: Filter,
    collective: str,
    window: float,
    ttl: int | None = None,
    nodes: t.Collection[str] | None = None,
    clock: t.Callable[[], float] = time.monotonic,
) -> Discovery:
    """Ask the nodes' discovery agent who fits (the reference's method "mc").

    The reference listens for a fixed time and loses whoever answers later. This listens for as long
    as answers come.

    :param window: seconds without an answer that end it.
    :param nodes: ask only these, and end at once when all have answered.
    :param clock: a monotonic clock.
    :raises exc.ConnectorError: the connection ended before discovery did: who is missing then,
        nobody knows.
    """
    # Nodes ignore the collective here; the reference sends it (MC:rpc/client.rb, discover).
    wanted = {**filter_, "collective": collective}
    message = Message("ping", "discovery", config, wanted, collective, ttl)
    outcome = exchange(
        connector,
        security,
        message,
        Patience(total=max(LONGEST, window), first=window, quiet=window),
        expected=nodes,
        direct=nodes is not None,
        clock=clock,
    )
    if outcome.lost is not None:
        raise type(outcome.lost)(
            f"{outcome.lost}; that was during discovery, and nothing else has been sent",
            outcome.lost.broker,
        ) from outcome.lost
    return Discovery(sorted(outcome.replies), outcome)
