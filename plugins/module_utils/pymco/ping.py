# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Who is there, and how quickly each of them answers (MC:application/ping.rb).

A ping is the question of discovery. Here those who are known by name are asked too, instead of taken
for granted, and filters are left to them: who does not fit does not answer.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .discovery import LONGEST
from .exchange import Exchange, Patience, Watch
from .intake import Outcome
from .message import Message
from .request import part
from .targets import addressed, enough, named

if t.TYPE_CHECKING:
    from .middleware import BaseMiddleware
    from .request import Plan
    from .security import SecurityProvider
    from .settings import Settings


@dataclasses.dataclass(frozen=True)
class Pinged:
    """What a ping brought.

    :ivar seconds: from when sending began to when the reply was looked at, by identity, in the order
        of arrival.
    :ivar asked: who was asked by name; None if everybody was.
    :ivar outcome: the replies, and what was rejected. Never lost.
    """

    seconds: dict[str, float]
    asked: list[str] | None
    outcome: Outcome

    @property
    def silent(self) -> list[str]:
        """Who was asked by name and did not answer, in the order in which they were named."""
        return [node for node in self.asked or () if node not in self.outcome.replies]


def ping(
    connector: BaseMiddleware,
    security: SecurityProvider,
    config: Settings,
    plan: Plan,
    clock: t.Callable[[], float] = time.monotonic,
    watch: t.Callable[[int | None], Watch | None] = lambda _expected: None,
) -> Pinged:
    """Ask once, and listen until all have answered who were asked by name, as many as are enough, or
    nobody for the plan's window.

    :param plan: whom to ask; its agent and action do not matter.
    :param watch: makes who watches of the number of replies that are expected.
    :raises exc.BadRequest: a file of identities cannot be used.
    :raises exc.ConnectorError: the connection ended before the ping did: who is missing then, nobody
        knows.
    """
    names = named(plan)
    if names is not None and plan.limit is not None:
        names = part(names, plan.limit, plan.limit_method, plan.request.limit_seed)
    if names is not None and not names:
        return Pinged({}, [], Outcome())
    most = plan.request.expected_nodes if names is not None else enough(plan)
    expected = most if names is None else len(names)
    times: list[float] = []
    conversation = Exchange(
        connector,
        security,
        _message(plan, config, names),
        expected=names,
        enough=most,
        clock=clock,
        watch=watch(expected),
        taken=lambda: times.append(clock()),
    )
    start = clock()
    _converse(conversation, plan, names)
    outcome = conversation.outcome
    if outcome.lost is not None:
        raise outcome.lost
    seconds = {node: moment - start for node, moment in zip(outcome.replies, times)}
    return Pinged(_limited(plan, seconds) if names is None else seconds, names, outcome)


def _message(plan: Plan, config: Settings, names: list[str] | None) -> Message:
    filter_ = addressed(plan)
    if names is not None:
        # Their address tells who they are, where they have one.
        filter_ = filter_.with_identities(() if plan.direct else names)
    # As discovery sends it.
    wanted = {**filter_, "collective": plan.collective}
    return Message("ping", "discovery", config, wanted, plan.collective, plan.request.ttl)


def _converse(conversation: Exchange, plan: Plan, names: list[str] | None) -> None:
    if names is not None and plan.direct:
        unsent = conversation.send(plan.publish_timeout, names)
        conversation.intake.await_only(set(names).difference(unsent))
    else:
        conversation.send(plan.publish_timeout)
    total = max(LONGEST, plan.window)
    conversation.listen(Patience(total=total, first=plan.window, quiet=plan.window))


def _limited(plan: Plan, seconds: dict[str, float]) -> dict[str, float]:
    """Those of all that answered whom the limit leaves."""
    if plan.limit is None:
        return seconds
    chosen = part(list(seconds), plan.limit, plan.limit_method, plan.request.limit_seed)
    return {node: seconds[node] for node in chosen}
