# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Calls: :class:`SimpleAction` for one broadcast, :class:`Client` for everything else."""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
import time
import typing as t

from . import exc
from .config import LONGEST
from .connector import connector
from .discovery import discover
from .exchange import Outcome, Patience, exchange
from .matching import checked_identity
from .message import Filter, Message
from .security import security_provider
from .serializers import Symbol, symbolize, with_symbols

if t.TYPE_CHECKING:
    from .config import Config
    from .connector import Connector

DEFAULT_TIMEOUT = 10.0
"""Seconds, the usual timeout of an agent."""
NOT_RPC = 5
"""The statuscode of a reply that is none by SimpleRPC's rules (MC:rpc/agent.rb, UnknownRPCError)."""
_NAME = re.compile(r"\w+", re.ASCII)
_COLLECTIVE = re.compile(r"[\w.\-]+", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Request:
    """What to call and where.

    :ivar arguments: the action's inputs; the values keep their types.
    :ivar nodes: exactly these identities; they are not discovered unless filters narrow them.
    :ivar filter: which nodes; all kinds of entries must fit, and the nodes too if they are given.
    :ivar collective: default: the configuration's main_collective.
    :ivar timeout: seconds to wait for replies.
    :ivar discovery_timeout: seconds without an answer that end discovery; default: the
        configuration's.
    :ivar ttl: seconds for which nodes take the request; default: the configuration's.
    """

    agent: str
    action: str
    arguments: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    nodes: t.Sequence[str] | None = None
    filter: Filter = dataclasses.field(default_factory=Filter)
    collective: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    discovery_timeout: float | None = None
    ttl: int | None = None


@dataclasses.dataclass(frozen=True)
class Reply:
    """One node's answer, with the six keys of ``mco rpc -j``.

    :ivar statuscode: 0 is success; 1 aborted by the agent; 2 unknown action; 3 missing data;
        4 invalid data; 5 any other error (MC:rpc/agent.rb).
    :ivar data: the action's outputs by name.
    """

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

    :ivar nodes: the identities that were asked, sorted.
    :ivar replies: one for each that answered, sorted by sender.
    :ivar unexpected: identities that answered though they were not asked.
    :ivar rejected: payloads that were dropped, by reason; see :class:`.exchange.Outcome`.
    :ivar requestid: of the call; None if nobody was asked.
    :ivar broker: "host:port" of the broker that was used.
    :ivar passed_over: why brokers were passed over before that one took us.
    :ivar seconds: how long connecting, discovery and the call took.
    :ivar lost: why the connection ended before the replies did, if so.
    """

    nodes: list[str]
    replies: list[Reply] = dataclasses.field(default_factory=list)
    unexpected: list[str] = dataclasses.field(default_factory=list)
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    requestid: str | None = None
    broker: str = ""
    passed_over: list[str] = dataclasses.field(default_factory=list)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    lost: exc.ConnectorError | None = None

    @property
    def no_response(self) -> list[str]:
        """The identities that were asked and did not answer."""
        answered = {reply.sender for reply in self.replies}
        return [node for node in self.nodes if node not in answered]

    @property
    def failed(self) -> list[Reply]:
        """The replies that tell of a failure."""
        return [reply for reply in self.replies if not reply.ok]


class Client:
    """Calls agents on nodes. Use it as a context manager: it is connected inside.

    :param config: which broker, and how requests are signed.
    :param clock: a monotonic clock.
    :raises exc.ImproperlyConfigured: the configuration does not do; nothing was opened yet.
    """

    def __init__(self, config: Config, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self.security = security_provider(config)
        self.connector = connector(config)
        self._discovery_timeout = config.getseconds("discovery_timeout")
        self._direct = config.getboolean("direct_addressing")
        self._direct_threshold = config.getint("direct_addressing_threshold")
        self._clock = clock
        self._seconds: dict[str, float] = {}

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

    def check(self, request: Request) -> None:
        """Refuse what cannot be sent; needs no connection.

        :raises exc.BadRequest: the message tells which part and why.
        """
        for what, name in (("agent", request.agent), ("action", request.action)):
            if not _NAME.fullmatch(name):
                raise exc.BadRequest(
                    f"{name!r} is no {what}: names have letters, digits and underscores only"
                )
        collective = request.collective or self.config.main_collective
        if not _COLLECTIVE.fullmatch(collective):
            raise exc.BadRequest(f"{collective!r} is no collective's name")
        if collective not in self.config.collectives:
            raise exc.BadRequest(
                f"{collective!r} is not among the collectives of {self.config.source}, which are"
                f" {', '.join(self.config.collectives)}"
            )
        _check_arguments(request.arguments)
        for node in request.nodes or ():
            checked_identity(node)
        for what in ("timeout", "discovery_timeout", "ttl"):
            value = getattr(request, what)
            if value is not None and not 0 < value < LONGEST:
                raise exc.BadRequest(
                    f"{what} must be more than 0 and less than {LONGEST} seconds, not {value}"
                )
        self.security.serialize(self._message(request, _addressed(request)))

    def targets(self, request: Request) -> Result:
        """Find out whom the request is for, and send nothing else.

        :raises exc.BadRequest: see :meth:`check`.
        :raises exc.ConnectorError: the broker cannot be used.
        """
        self.check(request)
        filter_ = _addressed(request)
        result = Result(
            [],
            broker=self.connector.session.broker.name,
            passed_over=self.connector.passed_over,
            seconds=self._seconds,
        )
        if request.nodes is not None and not filter_.narrows_beyond(request.agent):
            result.nodes = sorted(set(request.nodes))
            return result
        with _Stopwatch(self._clock, self._seconds, "discovery"):
            discovery = discover(
                self.connector,
                self.security,
                self.config,
                filter_,
                request.collective or self.config.main_collective,
                (request.discovery_timeout or self._discovery_timeout) + filter_.seconds,
                request.ttl,
                None if request.nodes is None else sorted(set(request.nodes)),
                self._clock,
            )
        result.nodes = discovery.nodes
        result.rejected = discovery.outcome.rejected
        return result

    def call(self, request: Request) -> Result:
        """Send the request to all nodes that it is for and take in their replies.

        Nodes that stay silent are no error: see :attr:`Result.no_response`.

        :raises exc.BadRequest: see :meth:`check`.
        :raises exc.ConnectorError: the broker cannot be used, and the request has not left. If the
            connection ends later, :attr:`Result.lost` tells it.
        """
        result = self.targets(request)
        if not result.nodes:
            return result
        message = self._message(request, _addressed(request))
        direct = request.nodes is not None or (
            self._direct and len(result.nodes) <= self._direct_threshold
        )
        with _Stopwatch(self._clock, self._seconds, "call"):
            outcome = exchange(
                self.connector,
                self.security,
                message,
                Patience(total=request.timeout + request.filter.seconds),
                expected=result.nodes,
                direct=direct,
                clock=self._clock,
            )
        result.requestid = message[":requestid"]
        result.replies = _replies(outcome, request)
        result.unexpected = sorted(outcome.unexpected)
        result.rejected += outcome.rejected
        result.lost = outcome.lost
        return result

    def _message(self, request: Request, filter_: Filter) -> Message:
        """The envelope of an RPC request (MC:rpc/client.rb, new_request)."""
        body = {
            Symbol("agent"): request.agent,
            Symbol("action"): request.action,
            Symbol("caller"): self.security.callerid,
            Symbol("data"): {**symbolize(request.arguments), Symbol("process_results"): True},
        }
        return Message(body, request.agent, self.config, filter_, request.collective, request.ttl)


class SimpleAction:
    """One broadcast to an agent (python-mcollective's class).

    Each call is a request of its own, over a connection of its own, with the message's body, filter
    and ttl. The first one bears the message's requestid. Threads may share an action.

    :param msg: a :class:`.Message`, or a dict with a body at least. Keys that begin with a colon are
        Symbols.
    :param collective: default: the configuration's main_collective.
    """

    def __init__(
        self,
        config: Config,
        msg: t.Mapping[str, t.Any],
        agent: str,
        collective: str | None = None,
    ) -> None:
        self.config = config
        self.msg = msg
        self.agent = agent
        self.collective = collective or config.main_collective
        self._requestids = [msg[":requestid"]] if ":requestid" in msg else []

    @functools.cached_property
    def connector(self) -> Connector:
        """The connector that the configuration names, for whoever wants to use it step by step."""
        return connector(self.config)

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
        security = security_provider(self.config)
        patience = Patience(total=timeout, quiet=self.config.getseconds("discovery_timeout"))
        with connector(self.config) as middleware:
            outcome = exchange(middleware, security, message, patience)
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


def _check_arguments(arguments: t.Mapping[str, t.Any]) -> None:
    for name in arguments:
        if not isinstance(name, str):
            raise exc.BadRequest(f"the argument {name!r} has a name that is no text")
        if f":{name}" in arguments:
            raise exc.BadRequest(f"the argument {name} is there twice, with a colon and without")
    if ":process_results" in symbolize(arguments):
        raise exc.BadRequest("process_results is MCollective's own and no argument of an action")


def _addressed(request: Request) -> Filter:
    """The request's filter, with the agent that a node must have to act on it."""
    return request.filter.copy().add_agent(request.agent)


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
