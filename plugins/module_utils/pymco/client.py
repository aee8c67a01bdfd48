# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The client: it finds nodes, calls agents on them and takes in their replies."""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from . import exc
from .conversation import GRACE, Conversation, Line, Patience, Progress
from .envelope import Envelope
from .find import LONGEST, Answers, Targets, find, named, ping
from .middleware import middleware
from .request import Prepared, Request, batches
from .result import Reply, Result, reply_of
from .security import security_provider
from .serializers import Symbol
from .settle import settle

if t.TYPE_CHECKING:
    from .settings import Settings

T = t.TypeVar("T")
Judge = t.Callable[[Reply], bool]
"""Returns True if a reply is good."""


class Client:
    """Calls agents on nodes. Use it as a context manager: it is connected inside.

    What a request leaves open is decided once, by :meth:`prepare`. The other methods take what it
    returns, or a :class:`.Request`, which they prepare.

    :param settings: which broker, and how requests are signed.
    :param clock: a monotonic clock, in seconds.
    :param progress: see :data:`.conversation.Progress`.
    :raises exc.ImproperlyConfigured: the configuration is wrong; nothing was opened yet.
    :raises exc.MissingDependency: a library that the configuration needs is missing.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: t.Callable[[], float] = time.monotonic,
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings
        self.security = security_provider(settings)
        self.middleware = middleware(settings, self.security.callerid)
        self._line = Line(self.middleware, self.security, clock, progress)
        self._seconds: dict[str, float] = {}
        # So that a wrong option is refused now.
        settle(Request("rpcutil", "ping", nodes=("any",)), settings)

    def __enter__(self) -> Client:
        """Connect to the first broker of the pool that answers.

        :raises exc.ConnectorError: no broker can be used.
        """
        with self._timed(self._seconds, "connect"):
            self.middleware.connect()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.middleware.disconnect()

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the connection and of the credentials."""
        return [*self.middleware.pool.warnings, *self.security.warnings]

    def prepare(self, request: Request) -> Prepared:
        """Check a request and decide all that it leaves open. Needs no connection.

        :raises exc.BadRequest: it cannot be sent; the message tells which part and why.
        :raises exc.ImproperlyConfigured: an option of the configuration is wrong.
        """
        settled = settle(request, self.settings)
        if settled.reply_to is not None:
            self.middleware.check_reply_to(settled.reply_to, settled.agent, settled.collective)
        filter_ = settled.filter.copy().add_agent(settled.agent)
        body = {  # MC:rpc/client.rb, new_request
            Symbol("agent"): settled.agent,
            Symbol("action"): settled.action,
            Symbol("caller"): self.security.callerid,
            Symbol("data"): settled.data(),
        }
        envelope = Envelope(
            identity=self.settings.identity,
            agent=settled.agent,
            collective=settled.collective,
            filter=filter_,
            ttl=settled.ttl,
            body=body,
        )
        self.security.check(envelope)
        return Prepared(
            request=settled,
            envelope=envelope,
            filter=filter_,
            names=named(settled),
            **self._addressing(),
        )

    def _addressing(self) -> dict[str, t.Any]:
        """Return the fields of :class:`.Prepared` that tell how nodes are addressed.

        All nodes of Choria have an address, and its client uses nothing else once it knows the nodes
        (Go: providers/agent/mcorpc/client/options.go): a broadcast could also reach others meanwhile.
        """
        if self.settings.dialect == "choria":
            return {"direct": True, "threshold": None}
        return {
            "direct": self.settings.getboolean("direct_addressing"),
            "threshold": self.settings.getint("direct_addressing_threshold"),
        }

    def targets(self, request: Request | Prepared) -> Result:
        """Find the nodes that a request is for. Nothing else is sent.

        :raises exc.BadRequest: see :meth:`prepare`.
        :raises exc.ConnectorError: the broker cannot be used.
        """
        return self._targets(self._prepared(request))[0]

    def ping(self, request: Request | Prepared, *, longest: float = LONGEST) -> Answers:
        """Find out which of the nodes that a request is for are there. Nothing else is sent.

        Unlike :meth:`targets`, this also asks nodes that are known by name.

        :param longest: seconds after which it ends though nodes still answer.
        :raises exc.BadRequest: see :meth:`prepare`.
        :raises exc.ConnectorError: the broker cannot be used, or the connection ended meanwhile.
        """
        prepared = self._prepared(request)
        return self._persistently(lambda: ping(self._line, prepared, longest=longest))

    def call(self, request: Request | Prepared, *, good: Judge | None = None) -> Result:
        """Send a request to all nodes that it is for, and take in their replies.

        Nodes that stay silent are not an error; see :attr:`.Result.no_response`.

        :param good: judges which replies are good enough for the next batch to be sent; see
            :attr:`.Request.max_fail_percentage`. Default: those that tell of success.
        :raises exc.BadRequest: see :meth:`prepare`.
        :raises exc.ConnectorError: the broker cannot be used, and the request has not left. If the
            connection ends later, :attr:`.Result.lost` tells why.
        """
        prepared = self._prepared(request)
        wanted = prepared.request
        # If no replies are awaited or counted, nobody needs to know the nodes.
        blind = not (wanted.awaits_replies or wanted.limit or wanted.expected_nodes)
        result, targets = self._targets(prepared, blind=blind)
        if result.known and not result.nodes:
            return result
        if result.known and result.found < wanted.minimum_nodes:
            result.unsent = list(result.nodes)
            least = wanted.minimum_nodes
            result.stopped = f"{result.found} nodes were found, but at least {least} are needed"
            return result
        with self._timed(result.seconds, "call"):
            call = _Call(self._line, prepared, targets, result, good)
            call.converse() if wanted.awaits_replies else call.send_away()
        return result

    def _prepared(self, request: Request | Prepared) -> Prepared:
        return request if isinstance(request, Prepared) else self.prepare(request)

    def _targets(self, prepared: Prepared, *, blind: bool = False) -> tuple[Result, Targets]:
        seconds = dict(self._seconds)
        with self._timed(seconds, "discovery"):
            targets = self._persistently(lambda: find(self._line, prepared, blind=blind))
        if targets.answers is None:
            del seconds["discovery"]
        result = Result(
            nodes=sorted(targets.nodes or ()),
            found=targets.found,
            known=targets.nodes is not None,
            discovered=targets.answers is not None,
            broker=self.middleware.session.broker.name,
            passed_over=self.middleware.passed_over,
            seconds=seconds,
            awaited=prepared.request.awaits_replies,
            timeout=prepared.request.timeout,
        )
        if targets.answers is not None:
            result.add(targets.answers.outcome)
        return result, targets

    def _persistently(self, ask: t.Callable[[], T]) -> T:
        """Ask which nodes are there. If the connection is lost meanwhile, ask again over the next broker of
        the pool, once for each other broker: being asked twice changes nothing on nodes."""
        for _other in self.middleware.pool.brokers[1:]:
            try:
                return ask()
            except exc.ConnectionLost as lost:
                self.middleware.reconnect(lost)
        return ask()

    @contextlib.contextmanager
    def _timed(self, seconds: dict[str, float], phase: str) -> t.Iterator[None]:
        """Note how many seconds a phase takes."""
        start = self._line.clock()
        try:
            yield
        finally:
            seconds[phase] = round(self._line.clock() - start, 3)


def _tells_of_success(reply: Reply) -> bool:
    return reply.ok


class _Call:
    """A request on its way to its targets.

    :param result: is filled in.
    :param good: see :meth:`Client.call`.
    """

    def __init__(
        self,
        line: Line,
        prepared: Prepared,
        targets: Targets,
        result: Result,
        good: Judge | None = None,
    ) -> None:
        self._request, self._targets, self._result = prepared.request, targets, result
        self._good = good or _tells_of_success
        self._conversation = Conversation(
            line,
            dataclasses.replace(prepared.envelope, filter=targets.filter),
            expected=targets.nodes,
            # Nodes that are known are waited for by name.
            enough=prepared.request.expected_nodes if targets.nodes is None else None,
            resume=True,
        )

    def send_away(self) -> None:
        """Send it, and wait for nothing but the broker's confirmation."""
        request, targets = self._request, self._targets
        self._result.batches = 1
        nodes = targets.nodes if targets.direct else None
        unsent = self._conversation.send_away(request.publish_timeout, nodes, request.reply_to)
        self._result.unsent = list(unsent)
        self._finish()

    def converse(self) -> None:
        """Send it batch by batch, and wait for the replies to each."""
        request, result, nodes = self._request, self._result, self._targets.nodes
        patience = Patience(request.timeout)
        if nodes is None:
            # Nobody knows who will answer: it is over when replies stop coming.
            window = request.discovery_timeout
            patience = Patience(request.timeout, request.first_reply, window, grace=GRACE)
        groups = batches(nodes or (), request.batch_size)
        for number, group in enumerate(groups, 1):
            result.batches = number
            if len(groups) > 1:
                self._conversation.phase = f"batch {number} of {len(groups)}"
            self._ask(group, patience)
            left = [node for later in groups[number:] for node in later]
            if left and not self._goes_on(group):
                result.unsent += left
                break
        self._finish()

    def _ask(self, group: list[str], patience: Patience) -> None:
        """Send one batch, and wait for its replies."""
        targets, conversation = self._targets, self._conversation
        known = targets.nodes is not None
        if known:
            conversation.intake.await_only(group)
        filter_ = None
        if known and not targets.direct and len(group) < len(targets.nodes or ()):
            filter_ = targets.filter.with_identities(group)
        try:
            unsent = conversation.send(
                self._request.publish_timeout, group if targets.direct else None, filter_=filter_
            )
        except exc.BadRequest as refused:
            if self._result.batches == 1:
                raise
            self._result.batches -= 1
            self._result.stopped, unsent = str(refused), group
        except exc.ConnectorError as error:
            if not known:
                raise
            conversation.outcome.lost, unsent = error, group
        if known:
            conversation.intake.await_only(set(group).difference(unsent))
            self._result.unsent += unsent
        conversation.listen(patience)

    def _goes_on(self, group: list[str]) -> bool:
        """Return True if a further batch is to be sent, after the pause before it."""
        outcome, most = self._conversation.outcome, self._request.max_fail_percentage
        if outcome.lost is not None or self._result.stopped is not None:
            return False
        if most is not None:
            came = [node for node in group if node in outcome.replies]
            replies = (reply_of(node, outcome.replies[node].body, self._request) for node in came)
            bad = len(group) - sum(map(self._good, replies))
            if 100 * bad > most * len(group):
                self._result.stopped = (
                    f"{bad} of the {len(group)} nodes of batch {self._result.batches} failed or did not"
                    f" answer, which is more than {most:g} %"
                )
                return False
        self._conversation.pause(self._request.batch_sleep)
        return self._conversation.outcome.lost is None

    def _finish(self) -> None:
        outcome, unsent = self._conversation.outcome, self._result.unsent
        self._result.unsent = sorted({*unsent, *outcome.refused}.difference(outcome.replies))
        self._result.requestid = self._conversation.requestid
        self._result.take_replies(self._conversation.outcome, self._request)
        self._result.add(self._conversation.outcome)
