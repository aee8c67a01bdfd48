# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Calls: :class:`SimpleAction` for one broadcast, :class:`Client` for everything else."""

from __future__ import annotations

import collections
import dataclasses
import functools
import logging
import time
import typing as t

from . import exc
from .connector import connector
from .exchange import Exchange, Patience, Watch, exchange, uncollected
from .intake import Outcome, add_culprits
from .message import Filter, Message
from .middleware import middleware
from .ping import Pinged, ping
from .request import Amount, Plan, Request, batches, plan
from .security import security_provider
from .serializers import Symbol, with_symbols
from .targets import Finder, Targets, addressed, named

if t.TYPE_CHECKING:
    from .connector import Connector
    from .settings import Settings

__all__ = ["Amount", "Client", "Plan", "Progress", "Reply", "Request", "Result", "SimpleAction"]

NOT_RPC = 5
"""The statuscode of a reply that is none by SimpleRPC's rules (MC:rpc/agent.rb, UnknownRPCError)."""


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
        """Whether the action succeeded there."""
        return self.statuscode == 0


@dataclasses.dataclass
class Result:
    """What a call brought.

    :ivar nodes: the identities that the request is for, sorted; those that answered, where nobody
        knows for whom it was (the method "none").
    :ivar found: how many nodes there were before a limit.
    :ivar known: whether it is known for whom it was.
    :ivar replies: one for each that answered, sorted by sender.
    :ivar unsent: identities that it was not sent to, sorted: there was no time, or it was stopped.
    :ivar stopped: why no further batch was sent, if so.
    :ivar batches: how many batches were sent.
    :ivar unexpected: identities that answered though they were not asked.
    :ivar rejected: payloads that were dropped, by reason; see :class:`.intake.Outcome`.
    :ivar culprits: whom those payloads name as their senders; see :class:`.intake.Outcome`.
    :ivar requestid: of the call; None if nobody was asked.
    :ivar broker: "host:port" of the broker that was used.
    :ivar passed_over: why brokers were passed over before that one took us.
    :ivar seconds: how long connecting, discovery and the call took.
    :ivar lost: why the connection ended before the replies did, if so.
    :ivar resumed: why the connection was lost each time that listening went on over another one.
    :ivar awaited: whether replies were waited for.
    :ivar timeout: seconds that the replies of a batch had.
    """

    nodes: list[str]
    found: int = 0
    known: bool = True
    replies: list[Reply] = dataclasses.field(default_factory=list)
    unsent: list[str] = dataclasses.field(default_factory=list)
    stopped: str | None = None
    batches: int = 0
    unexpected: list[str] = dataclasses.field(default_factory=list)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    culprits: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    requestid: str | None = None
    broker: str = ""
    passed_over: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    lost: exc.ConnectorError | None = None
    resumed: list[str] = dataclasses.field(default_factory=list)
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


Answer = t.TypeVar("Answer")
Progress = t.Callable[[str, t.Mapping[str, t.Any], t.Optional[int]], None]
"""Is called now and then with the phase ("discovery", "ping" or "call"), the envelopes that have come, by
sender, and how many are expected, if that is known."""


class Client:
    """Calls agents on nodes. Use it as a context manager: it is connected inside.

    :param config: which broker, and how requests are signed.
    :param clock: a monotonic clock.
    :param progress: see :data:`Progress`.
    :raises exc.ImproperlyConfigured: the configuration does not do; nothing was opened yet.
    """

    def __init__(
        self,
        config: Settings,
        clock: t.Callable[[], float] = time.monotonic,
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.security = security_provider(config)
        self.connector = middleware(config, self.security.callerid)
        self._clock = clock
        self._progress = progress
        self._seconds: dict[str, float] = {}
        # So that a bad option is refused now.
        plan(Request("rpcutil", "ping", nodes=("any",)), config)

    def __enter__(self) -> Client:
        with _Stopwatch(self._clock, self._seconds, "connect"):
            self.connector.connect()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.connector.disconnect()

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the connection."""
        return list(self.connector.pool.warnings)

    def check(self, request: Request) -> Plan:
        """Refuse what cannot be sent; needs no connection.

        :returns: the request with all decided that it leaves open.
        :raises exc.BadRequest: the message tells which part and why.
        :raises exc.ImproperlyConfigured: an option of the configuration is wrong.
        """
        found = plan(request, self.config)
        if request.reply_to is not None:
            self.connector.check_reply_to(request.reply_to, request.agent, found.collective)
        named(found)
        self.security.serialize(self._message(found, addressed(found)))
        return found

    def targets(self, request: Request) -> Result:
        """Find out whom the request is for, and send nothing else.

        :raises exc.BadRequest: see :meth:`check`.
        :raises exc.ConnectorError: the broker cannot be used.
        """
        return self._targets(self.check(request))[0]

    def ping(self, request: Request) -> Pinged:
        """Find out which of the nodes that the request is for are there, and send nothing else.

        Unlike :meth:`targets`, this asks those too who are known by name.

        :raises exc.BadRequest: see :meth:`check`.
        :raises exc.ConnectorError: the broker cannot be used, or the connection ended meanwhile.
        """
        found = self.check(request)

        def ask() -> Pinged:
            return ping(
                self.connector,
                self.security,
                self.config,
                found,
                self._clock,
                lambda expected: self._watch("ping", expected),
            )

        with _Stopwatch(self._clock, self._seconds, "ping"):
            return self._persistently(ask)

    def call(self, request: Request) -> Result:
        """Send the request to all nodes that it is for and take in their replies.

        Nodes that stay silent are no error: see :attr:`Result.no_response`.

        :raises exc.BadRequest: see :meth:`check`.
        :raises exc.ConnectorError: the broker cannot be used, and the request has not left. If the
            connection ends later, :attr:`Result.lost` tells it.
        """
        found = self.check(request)
        result, targets = self._targets(found)
        if result.known and (not result.nodes or result.found < request.minimum_nodes):
            return result
        with _Stopwatch(self._clock, self._seconds, "call"):
            if request.awaits_replies:
                self._converse(found, targets, result)
            else:
                self._send_away(found, targets, result)
        return result

    def _targets(self, found: Plan) -> tuple[Result, Targets]:
        finder = Finder(
            self.connector, self.security, self.config, self._clock, self._watch("discovery", None)
        )
        with _Stopwatch(self._clock, self._seconds, "discovery"):
            targets = self._persistently(lambda: finder.find(found))
        if not targets.discovered:
            del self._seconds["discovery"]
        result = Result(
            sorted(targets.nodes or ()),
            found=targets.found,
            known=targets.nodes is not None,
            unexpected=list(targets.unexpected),
            rejected=targets.rejected.copy(),
            culprits=dict(targets.culprits),
            broker=self.connector.session.broker.name,
            passed_over=self.connector.passed_over,
            seconds=self._seconds,
            awaited=found.request.awaits_replies,
            timeout=found.timeout,
        )
        return result, targets

    def _persistently(self, ask: t.Callable[[], Answer]) -> Answer:
        """Ask who is there. If the broker is lost meanwhile, ask again over the next one of the pool, once
        for each other broker: being asked twice changes nothing on nodes."""
        for _other in self.connector.pool.brokers[1:]:
            try:
                return ask()
            except exc.ConnectionLost as lost:
                self.connector.reconnect(lost)
        return ask()

    def _send_away(self, found: Plan, targets: Targets, result: Result) -> None:
        """Send it and wait for nothing but the broker's word that it has it."""
        conversation = self._exchange(found, targets, None)
        result.batches = 1
        nodes = targets.nodes if targets.direct else None
        reply_to = found.request.reply_to
        result.unsent = sorted(conversation.send_away(found.publish_timeout, nodes, reply_to))
        self._finish(conversation, found.request, result)

    def _converse(self, found: Plan, targets: Targets, result: Result) -> None:
        conversation = self._exchange(found, targets, found.request.expected_nodes)
        patience = Patience(found.timeout)
        if targets.nodes is None:
            # Nobody knows who will answer: it is over when no more do.
            patience = Patience(found.timeout, found.request.first_reply, found.window)
        groups = batches(targets.nodes or (), found.batch_size)
        for number, group in enumerate(groups, 1):
            result.batches = number
            self._ask(conversation, found, targets, group, patience, result)
            left = [node for later in groups[number:] for node in later]
            if left and not self._goes_on(conversation, found, group, result):
                result.unsent += left
                break
        result.unsent = sorted(set(result.unsent) - set(conversation.outcome.replies))
        self._finish(conversation, found.request, result)

    def _ask(
        self,
        conversation: Exchange,
        found: Plan,
        targets: Targets,
        group: list[str],
        patience: Patience,
        result: Result,
    ) -> None:
        """One batch: send it, and wait for its replies."""
        if targets.nodes is not None:
            conversation.intake.await_only(group)
        narrowed = not targets.direct and len(group) < len(targets.nodes or ())
        if narrowed or result.batches > 1:
            # A later batch gets a message of its own time, or nodes could find it older than ttl.
            filter_ = targets.filter.with_identities(group) if narrowed else targets.filter
            conversation.readdress(self._message(found, filter_))
        try:
            unsent = conversation.send(found.publish_timeout, group if targets.direct else None)
        except exc.ConnectorError as error:
            if targets.nodes is None:
                raise
            conversation.outcome.lost, unsent = error, group
        if targets.nodes is not None:
            conversation.intake.await_only(set(group).difference(unsent))
            result.unsent += unsent
        conversation.listen(patience)

    def _goes_on(
        self, conversation: Exchange, found: Plan, group: list[str], result: Result
    ) -> bool:
        """Whether a further batch is to be sent, after the time that is to pass before it."""
        outcome, most = conversation.outcome, found.request.max_fail_percentage
        if outcome.lost is not None:
            return False
        if most is not None:
            envelopes = [outcome.replies[node] for node in group if node in outcome.replies]
            bad = len(group) - sum(_is_ok(envelope[":body"]) for envelope in envelopes)
            if 100 * bad > most * len(group):
                result.stopped = (
                    f"{bad} of the {len(group)} nodes of batch {result.batches} failed or did not"
                    f" answer, which is more than {most:g} %"
                )
                return False
        conversation.pause(found.batch_sleep)
        return conversation.outcome.lost is None

    def _exchange(self, found: Plan, targets: Targets, enough: int | None) -> Exchange:
        nodes = targets.nodes
        return Exchange(
            self.connector,
            self.security,
            self._message(found, targets.filter),
            expected=nodes,
            # Who is known is waited for by name.
            enough=enough if nodes is None else None,
            clock=self._clock,
            watch=self._watch("call", enough if nodes is None else len(nodes)),
            resume=True,
        )

    def _watch(self, phase: str, expected: int | None) -> Watch | None:
        progress = self._progress
        if progress is None:
            return None
        return lambda outcome: progress(phase, outcome.replies, expected)

    def _finish(self, conversation: Exchange, request: Request, result: Result) -> None:
        outcome = conversation.outcome
        result.requestid = conversation.requestid
        with uncollected():
            result.replies = _replies(outcome, request)
        if not result.known:
            result.nodes = [reply.sender for reply in result.replies]
            result.found = len(result.nodes)
        result.unexpected = sorted({*result.unexpected, *outcome.unexpected})
        result.rejected += outcome.rejected
        add_culprits(result.culprits, outcome.culprits)
        result.lost = outcome.lost
        result.resumed = outcome.resumed

    def _message(self, found: Plan, filter_: Filter) -> Message:
        """The envelope of an RPC request (MC:rpc/client.rb, new_request)."""
        request = found.request
        body = {
            Symbol("agent"): request.agent,
            Symbol("action"): request.action,
            Symbol("caller"): self.security.callerid,
            Symbol("data"): request.data(),
        }
        return Message(body, request.agent, self.config, filter_, found.collective, request.ttl)


class SimpleAction:
    """One broadcast to an agent (python-mcollective's class).

    Each call is a request of its own, over a connection of its own, with the message's body, filter
    and ttl. The first one bears the message's requestid. Threads may share an action.

    :param msg: a :class:`.Message`, or a dict with a body at least. Keys that begin with a colon are
        Symbols.
    :param logger: gets what the action does; default: the configuration's.
    :param collective: default: the configuration's main_collective.
    """

    def __init__(
        self,
        config: Settings,
        msg: t.Mapping[str, t.Any],
        agent: str,
        logger: logging.Logger | None = None,
        *,
        collective: str | None = None,
    ) -> None:
        self.config = config
        self.logger = logger or config.logger
        self.msg = msg
        self.agent = agent
        self.collective = collective or config.main_collective
        self._requestids = [msg[":requestid"]] if ":requestid" in msg else []

    @functools.cached_property
    def connector(self) -> Connector:
        """The connector that the configuration names, for whoever wants to use it step by step."""
        return connector(self.config, self.logger)

    def get_target(self) -> str:
        """Where the request goes."""
        return self.connector.get_target(self.agent, self.collective)

    def get_reply_target(self) -> str:
        """Where replies to a request of :attr:`connector` can go; with some, each time another."""
        return self.connector.get_reply_target(self.agent, self.collective)

    def call(self, timeout: float = 5) -> list[dict[str, t.Any]]:
        """Send the message and return the verified envelopes of all replies.

        :param timeout: seconds to wait for the first reply, and at the most. Replies end when none
            has come for the configuration's discovery_timeout.
        :raises exc.TimeoutError: nobody answered.
        :raises exc.ConnectorError: the broker cannot be used.
        """
        message = self._message()
        security = security_provider(self.config, self.logger)
        patience = Patience(total=timeout, quiet=self.config.getseconds("discovery_timeout"))
        with middleware(self.config, security.callerid, self.logger) as way:
            outcome = exchange(way, security, message, patience)
        if not outcome.replies:
            raise outcome.lost or exc.TimeoutError(f"nobody answered within {timeout} s")
        return list(outcome.replies.values())

    def _message(self) -> Message:
        found = with_symbols(dict(self.msg))
        message = Message(
            found[":body"],
            self.agent,
            self.config,
            found.get(":filter"),
            self.collective,
            found.get(":ttl"),
        )
        if self._requestids:
            message[":requestid"] = self._requestids.pop()
        return message


class _Stopwatch:
    """Adds how long a phase takes to a dict of seconds."""

    def __init__(self, clock: t.Callable[[], float], seconds: dict[str, float], phase: str) -> None:
        self._clock, self._seconds, self._phase = clock, seconds, phase

    def __enter__(self) -> None:
        self._start = self._clock()

    def __exit__(self, *_exc: object) -> None:
        self._seconds[self._phase] = round(self._clock() - self._start, 3)


def _is_ok(body: t.Any) -> bool:
    """Whether a reply's body tells of success, as :func:`_reply` has it."""
    code = body.get(":statuscode", body.get("statuscode")) if isinstance(body, dict) else None
    return isinstance(code, int) and not isinstance(code, bool) and code == 0


def _replies(outcome: Outcome, request: Request) -> list[Reply]:
    return [
        _reply(sender, outcome.replies[sender][":body"], request)
        for sender in sorted(outcome.replies)
    ]


def _reply(sender: str, body: t.Any, request: Request) -> Reply:
    """A reply's body by SimpleRPC's rules (MC:rpc/reply.rb); what is none fails as such."""
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
        statusmsg="" if message is None else str(message),
        data=data,
    )
