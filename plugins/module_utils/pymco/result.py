# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Results: what a call brought."""

from __future__ import annotations

import dataclasses
import typing as t

from .conversation import uncollected
from .intake import Reception
from .ruby_values import to_s

if t.TYPE_CHECKING:
    from .intake import Outcome
    from .request import Request

NOT_RPC = 5
"""The statuscode of a reply that does not follow SimpleRPC's rules (MC:rpc/agent.rb, UnknownRPCError)."""


_USUAL = {":statuscode", ":statusmsg", ":data"}
"""The keys of nearly every body."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """One node's answer, with the six keys of ``mco rpc -j``.

    :ivar statuscode: 0 is success; 1 aborted by the agent; 2 unknown action; 3 missing data;
        4 invalid data; 5 any other error (MC:rpc/agent.rb).
    :ivar data: the action's outputs by name.
    """

    # There may be very many of them.
    __slots__ = ("action", "agent", "data", "sender", "statuscode", "statusmsg")

    agent: str
    action: str
    sender: str
    statuscode: int
    statusmsg: str
    data: dict[str, t.Any]

    @property
    def ok(self) -> bool:
        """True if the action succeeded on the node."""
        return self.statuscode == 0


@dataclasses.dataclass
class Result(Reception):
    """What a call brought, and how the replies came in, those of discovery too.

    :ivar nodes: the identities that the request is for, sorted. Where nobody knows them before (the
        method "none"), those that answered.
    :ivar found: how many nodes there were before a limit.
    :ivar known: True if it is known which nodes the request is for.
    :ivar discovered: True if the nodes have answered a discovery with the request's filter.
    :ivar replies: one for each node that answered, sorted by sender.
    :ivar unsent: identities that the request was not sent to, sorted: there was no time, it was stopped, there were
        too few nodes, or the broker refused it; see :attr:`.Reception.refused`.
    :ivar stopped: why no further batch, or nothing at all, was sent, if so.
    :ivar batches: how many batches were sent.
    :ivar requestid: of the call; None if nobody was asked.
    :ivar broker: "host:port" of the broker that was used.
    :ivar passed_over: why brokers were passed over before that one.
    :ivar seconds: how long "connect", "discovery" (if nodes were asked) and "call" took.
    :ivar awaited: True if replies were waited for.
    :ivar timeout: seconds that the replies of a batch had.
    """

    nodes: list[str] = dataclasses.field(default_factory=list)
    found: int = 0
    known: bool = True
    discovered: bool = False
    replies: list[Reply] = dataclasses.field(default_factory=list)
    unsent: list[str] = dataclasses.field(default_factory=list)
    stopped: str | None = None
    batches: int = 0
    requestid: str | None = None
    broker: str = ""
    passed_over: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    awaited: bool = True
    timeout: float = 0.0

    @property
    def no_response(self) -> list[str]:
        """The identities that were asked and did not answer."""
        if not self.awaited:
            return []
        others = {reply.sender for reply in self.replies}.union(self.unsent)
        return [node for node in self.nodes if node not in others]

    @property
    def failed(self) -> list[Reply]:
        """The replies that tell of a failure."""
        return [reply for reply in self.replies if not reply.ok]

    def take_replies(self, outcome: Outcome, request: Request) -> None:
        """Take in the replies to a call, in the order of their senders."""
        known = {node: node for node in self.nodes}  # so that each name is in memory once
        with uncollected():
            self.replies = [
                reply_of(known.get(sender, sender), outcome.replies[sender].body, request)
                for sender in sorted(outcome.replies)
            ]
        if not self.known:
            self.nodes = [reply.sender for reply in self.replies]
            self.found = len(self.nodes)


def reply_of(sender: str, body: t.Any, request: Request) -> Reply:
    """Return a body as a reply by SimpleRPC's rules (MC:rpc/reply.rb). One that does not follow them
    becomes a reply that failed."""
    if isinstance(body, dict) and body.keys() == _USUAL:
        code, message, data = body[":statuscode"], body[":statusmsg"], body[":data"]
    else:
        fields = {str(key).lstrip(":"): body[key] for key in body} if isinstance(body, dict) else {}
        code, message, data = (fields.get(key) for key in ("statuscode", "statusmsg", "data"))
    if not isinstance(code, int) or isinstance(code, bool):
        code, message, data = NOT_RPC, "the node sent no SimpleRPC reply", {"body": body}
    if not isinstance(data, dict):
        data = {} if data is None else {"data": data}
    return Reply(
        agent=request.agent,
        action=request.action,
        sender=sender,
        statuscode=code,
        statusmsg=to_s(message),
        data=data,
    )
