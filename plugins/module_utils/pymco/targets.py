# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Whom a request is for: nodes that are named, that a file names, or that discovery finds.

All filters hold for all of them. Who is named and fits as far as that can be told from the name is
addressed without being looked for; a file, and identity filters without a regular expression, name
nodes as well as a list does (MC:rpc/client.rb, identity_filter_discovery_optimization).
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from . import exc
from .discovery import discover
from .files import MAX_LIST_SIZE, read_text
from .filters import checked_identity
from .message import Filter
from .request import part

if t.TYPE_CHECKING:
    from .config import Config
    from .connector import Connector
    from .exchange import Watch
    from .request import Plan
    from .security import SecurityProvider


@dataclasses.dataclass(frozen=True)
class Targets:
    """Who is to get a request, and how.

    :ivar nodes: identities, in the order in which they were named or found; None: all that fit.
    :ivar direct: whether each is addressed singly.
    :ivar filter: what goes on the wire.
    :ivar found: how many there were before the limit.
    :ivar discovered: whether nodes were asked who they are.
    :ivar rejected: what came during discovery and was dropped, by reason.
    :ivar culprits: the senders that it names; see :class:`.intake.Outcome`.
    :ivar unexpected: who answered discovery without being asked.
    """

    nodes: list[str] | None
    direct: bool
    filter: Filter
    found: int = 0
    discovered: bool = False
    rejected: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    culprits: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    unexpected: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Finder:
    """Finds targets over a connection.

    :ivar watch: see :data:`.exchange.Watch`.
    """

    connector: Connector
    security: SecurityProvider
    config: Config
    clock: t.Callable[[], float]
    watch: Watch | None = None

    def find(self, plan: Plan) -> Targets:
        """The targets of a request.

        :raises exc.BadRequest: the file cannot be used, or a filter cannot be judged by names.
        :raises exc.ConnectorError: the connection ended before discovery did.
        """
        filter_ = addressed(plan)
        candidates = named(plan)
        if candidates is None:
            return self._unnamed(plan, filter_)
        found = Targets(candidates, False, filter_)
        if candidates and filter_.narrows_beyond(plan.request.agent):
            found = self._discovered(plan, filter_.with_identities(()), candidates)
        return self._limited(plan, found, explicit=True)

    def _unnamed(self, plan: Plan, filter_: Filter) -> Targets:
        if plan.method == "none" or self._is_blind(plan):
            return Targets(None, False, filter_)
        return self._limited(plan, self._discovered(plan, filter_, None), explicit=False)

    def _is_blind(self, plan: Plan) -> bool:
        """Whether it goes to all that fit, whoever they are, since nobody waits for them."""
        request = plan.request
        return not (request.awaits_replies or plan.limit or request.expected_nodes)

    def _discovered(self, plan: Plan, filter_: Filter, among: list[str] | None) -> Targets:
        if among is not None and not plan.direct:
            filter_ = filter_.with_identities(among)
        discovery = discover(
            self.connector,
            self.security,
            self.config,
            filter_,
            plan.collective,
            plan.window,
            ttl=plan.request.ttl,
            nodes=among,
            clock=self.clock,
            direct=plan.direct,
            enough=enough(plan),
            watch=self.watch,
            publish_timeout=plan.publish_timeout,
        )
        nodes = discovery.nodes
        if among is not None:
            nodes = [node for node in among if node in discovery.outcome.replies]
        outcome = discovery.outcome
        return Targets(
            nodes,
            False,
            filter_,
            discovered=True,
            rejected=outcome.rejected,
            culprits=outcome.culprits,
            unexpected=outcome.unexpected,
        )

    def _limited(self, plan: Plan, found: Targets, explicit: bool) -> Targets:
        """What the limit leaves; and how to reach it, and nobody else."""
        nodes = found.nodes or []
        count = len(nodes)
        if plan.limit is not None:
            nodes = part(nodes, plan.limit, plan.limit_method, plan.request.limit_seed)
        exact = explicit or plan.limit is not None or plan.batch_size is not None
        direct = plan.direct and (exact or len(nodes) <= plan.threshold)
        filter_ = found.filter
        if exact and not direct:
            filter_ = filter_.with_identities(nodes)
        elif explicit:
            # Their address tells who they are.
            filter_ = filter_.with_identities(())
        return dataclasses.replace(found, nodes=nodes, direct=direct, filter=filter_, found=count)


def addressed(plan: Plan) -> Filter:
    """The request's filter, with the agent that a node must have to act on it."""
    return plan.request.filter.copy().add_agent(plan.request.agent)


def enough(plan: Plan) -> int | None:
    """How many answers end discovery. Those that a limit takes are not all that are expected."""
    counts = [plan.request.expected_nodes]
    if plan.limit is not None and not plan.limit.percent and plan.limit_method == "first":
        counts.append(plan.limit.number)
    return max((count for count in counts if count is not None), default=None)


def named(plan: Plan) -> list[str] | None:
    """The nodes that are known by name and fit the identity filters; None if discovery is wanted.

    :raises exc.BadRequest: the file cannot be used, or a filter cannot be judged here.
    """
    identities = plan.request.filter.identities
    if plan.request.nodes is not None:
        names = plan.request.nodes
    elif plan.flatfile is not None:
        names = read_flatfile(plan.flatfile)
    elif plan.method == "mc" and identities and not any(map(_is_pattern, identities)):
        names = identities
    else:
        return None
    fits = _judge(identities)
    return [name for name in dict.fromkeys(names) if fits(name)]


def read_flatfile(path: str) -> list[str]:
    """The identities in a file: one to a line; empty lines and those that begin with # do not count
    (MC:discovery/flatfile.rb).

    :raises exc.BadRequest: it cannot be read, or a line is no identity. What stands there is not shown.
    """
    try:
        text = read_text(path, "the file of identities", MAX_LIST_SIZE)
    except exc.ImproperlyConfigured as error:
        raise exc.BadRequest(str(error)) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        name = line.strip()
        if not name or name.startswith("#"):
            continue
        try:
            found.append(checked_identity(name))
        except exc.BadFilter:
            raise exc.BadRequest(
                f"{path}, line {number}: there is no identity in this line; identities have letters,"
                " digits, dots, dashes and underscores only"
            ) from None
    return found


def _is_pattern(identity: str) -> bool:
    return identity.startswith("/")


def _judge(identities: list[str]) -> t.Callable[[str], bool]:
    """Whether a name fits one of the identities, or there are none, as nodes would say."""
    if not identities:
        return lambda name: True
    names = {identity for identity in identities if not _is_pattern(identity)}
    patterns = [_compiled(identity) for identity in identities if _is_pattern(identity)]
    return lambda name: name in names or any(search(name) for search in patterns)


def _compiled(identity: str) -> t.Callable[[str], bool]:
    """A Ruby regular expression that a name is looked through for."""
    source = identity.replace("/", "")
    if re.fullmatch(r"\^?[\w\-]*\$?", source, re.ASCII):
        return lambda name: re.search(source, name) is not None
    # The translation takes longer to load than such a name to compare.
    from . import ruby_patterns as patterns

    patience = patterns.Patience()

    def search(name: str) -> bool:
        try:
            return patterns.compile_ruby(source).search(name, patience)
        except patterns.Untranslatable as error:
            raise exc.BadFilter(
                f"identity filter {identity!r} cannot be applied to a list of nodes here: {error};"
                " leave the list out, and nodes apply it themselves"
            ) from error

    return search
