# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""From a filter to the identities of the nodes that fit it."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from . import exc
from .exchange import Patience, Watch, exchange
from .intake import Outcome
from .message import Filter, Message

if t.TYPE_CHECKING:
    from .middleware import BaseMiddleware
    from .security import SecurityProvider
    from .settings import Settings

LONGEST = 60.0
"""Seconds after which discovery ends though nodes still answer."""


@dataclasses.dataclass(frozen=True)
class Discovery:
    """Who answered.

    :ivar nodes: identities, in the order in which they answered.
    :ivar outcome: the replies and what was rejected.
    """

    nodes: list[str]
    outcome: Outcome


def discover(
    connector: BaseMiddleware,
    security: SecurityProvider,
    config: Settings,
    filter_: Filter,
    collective: str,
    window: float,
    *,
    ttl: int | None = None,
    nodes: t.Collection[str] | None = None,
    clock: t.Callable[[], float] = time.monotonic,
    direct: bool = True,
    enough: int | None = None,
    watch: Watch | None = None,
    publish_timeout: float | None = None,
) -> Discovery:
    """Ask the nodes' discovery agent who fits (the reference's method "mc").

    The reference listens for a fixed time and loses whoever answers later. This listens for as long
    as answers come.

    :param window: seconds without an answer that end it.
    :param nodes: ask only these, and end at once when all have answered.
    :param clock: a monotonic clock.
    :param direct: whether those nodes are addressed singly; if not, the filter must name them.
    :param enough: end when so many have answered.
    :param watch: see :data:`.exchange.Watch`.
    :param publish_timeout: seconds that asking may take; default: as long as listening may.
    :raises exc.ConnectorError: the connection ended before discovery did: who is missing then,
        nobody knows.
    """
    # Nodes ignore the collective here; the reference sends it (MC:rpc/client.rb, discover).
    wanted = {**filter_, "collective": collective}
    message = Message("ping", "discovery", config, wanted, collective, ttl)
    try:
        outcome = exchange(
            connector,
            security,
            message,
            Patience(total=max(LONGEST, window), first=window, quiet=window),
            expected=nodes,
            direct=nodes is not None and direct,
            clock=clock,
            enough=enough,
            watch=watch,
            publish_timeout=publish_timeout,
        )
        if outcome.lost is not None:
            raise outcome.lost
    except exc.ConnectorError as lost:
        raise type(lost)(
            f"{lost}; that was during discovery, and nothing else has been sent", lost.broker
        ) from lost
    return Discovery(list(outcome.replies), outcome)
