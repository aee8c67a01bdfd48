# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Finding the nodes that a request is for: by name, in a file, or by asking all of them.

Filters hold in every case. A node that is named, and whose name fits, is addressed without being
looked for. A file names nodes, and so do identity filters without a regular expression
(MC:rpc/client.rb, identity_filter_discovery_optimization).

Discovery and ping ask the same question (MC:application/ping.rb). A ping also asks nodes that are
known by name.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import exc
from .conversation import GRACE, Conversation, Line, Patience
from .files import MAX_LIST_SIZE, read_text
from .filters import Filter, checked_identity, is_pattern
from .intake import Outcome
from .request import Prepared, Settled, part

LONGEST = 60.0
"""Seconds after which discovery ends though nodes still answer."""


@dataclasses.dataclass(frozen=True)
class Answers:
    """The answers of nodes that were asked whether they are there.

    :ivar seconds: from when sending began to when the answer was looked at, by identity, in the order
        of arrival.
    :ivar asked: the nodes that were asked by name; None if all were asked.
    :ivar outcome: the replies, and what was rejected. The connection was not lost.
    """

    seconds: dict[str, float]
    asked: list[str] | None
    outcome: Outcome

    @property
    def silent(self) -> list[str]:
        """The nodes that were asked by name and did not answer, in the order in which they were named."""
        return [node for node in self.asked or () if node not in self.outcome.replies]


@dataclasses.dataclass(frozen=True)
class Targets:
    """The nodes that get a request, and how it reaches them.

    :ivar nodes: identities, in the order in which they were named or found; None: all that fit.
    :ivar direct: each of them is addressed singly.
    :ivar filter: what goes on the wire.
    :ivar found: how many nodes there were before the limit.
    :ivar answers: of discovery; None if nobody was asked.
    """

    nodes: list[str] | None
    direct: bool
    filter: Filter
    found: int = 0
    answers: Answers | None = None


def find(line: Line, prepared: Prepared, *, blind: bool = False) -> Targets:
    """Return the nodes that a request is for.

    :param blind: nobody needs to know nodes that have no names yet.
    :raises exc.ConnectorError: the connection ended before discovery did, or there was no time to ask
        all nodes that have names. It is not known which nodes are missing.
    """
    names, request = prepared.names, prepared.request
    if names is None and (blind or request.discovery_method == "none"):
        return Targets(None, False, prepared.filter)
    if names is not None and not (names and prepared.filter.narrows_beyond(request.agent)):
        return _limited(prepared, names, None)
    try:
        answers = _ask(line, prepared, "discovery", names, enough=_enough(request))
    except exc.ConnectorError as lost:
        raise type(lost)(
            f"{lost}; that was during discovery, and nothing else has been sent", lost.broker
        ) from lost
    there = answers.seconds
    nodes = list(there) if names is None else [name for name in names if name in there]
    return _limited(prepared, nodes, answers)


def ping(line: Line, prepared: Prepared, *, longest: float = LONGEST) -> Answers:
    """Ask once. Listen until all nodes have answered that were asked by name, or as many as are enough and
    none for the :data:`.GRACE`, or none for the request's discovery_timeout.

    :param prepared: says which nodes to ask; its agent and action do not matter.
    :param longest: seconds after which it ends though nodes still answer.
    :raises exc.ConnectorError: the connection ended before the ping did.
    """
    request, names = prepared.request, prepared.names
    if names is None:
        answers = _ask(line, prepared, "ping", None, enough=_enough(request), longest=longest)
        left = _part(request, list(answers.seconds))
        return dataclasses.replace(answers, seconds={node: answers.seconds[node] for node in left})
    names = _part(request, names)
    if not names:
        return Answers({}, [], Outcome())
    enough = request.expected_nodes
    return _ask(line, prepared, "ping", names, enough=enough, longest=longest)


def _ask(
    line: Line,
    prepared: Prepared,
    phase: str,
    names: list[str] | None,
    *,
    enough: int | None,
    longest: float = LONGEST,
) -> Answers:
    """Ask the discovery agent of all nodes that fit, or of these, whether they are there."""
    request, filter_ = prepared.request, prepared.filter
    direct = names is not None and prepared.direct
    if names is not None:
        # Where a node has an address of its own, that says who is asked.
        filter_ = filter_.with_identities(() if direct else names)
    conversation = Conversation(
        line,
        dataclasses.replace(prepared.envelope, agent="discovery", body="ping", filter=filter_),
        phase=phase,
        expected=names,
        enough=enough,
    )
    start = line.clock()
    unsent = conversation.send(request.publish_timeout, names if direct else None)
    if unsent:
        for node in unsent:
            conversation.intake.leave_out(node, "there was no time to ask it")
        if phase == "discovery" and conversation.outcome.lost is None:
            raise exc.ConnectorError(
                f"{len(unsent)} of {len(names or ())} nodes could not be asked within the publish_timeout"
            )
    window = request.discovery_timeout
    # A limit is reached at once. The number that is expected may be too low.
    grace = 0.0 if request.expected_nodes is None else GRACE
    conversation.listen(
        Patience(total=max(longest, window), first=window, quiet=window, grace=grace)
    )
    outcome = conversation.outcome
    if outcome.lost is not None:
        raise outcome.lost
    seconds = {node: moment - start for node, moment in zip(outcome.replies, conversation.moments)}
    return Answers(seconds, names, outcome)


def _limited(prepared: Prepared, nodes: list[str], answers: Answers | None) -> Targets:
    """Return what the limit leaves of some nodes, with a way that reaches these and no others."""
    request, named = prepared.request, prepared.names is not None
    left = _part(request, nodes)
    exact = named or request.limit is not None or request.batch_size is not None
    few = prepared.threshold is None or len(left) <= prepared.threshold
    direct, filter_ = prepared.direct and (exact or few), prepared.filter
    if prepared.threshold is None:
        # They have been found to fit. One that no longer does answers all the same, as to Choria's client.
        return Targets(left, True, filter_.for_found(request.agent), len(nodes), answers)
    if exact and not direct:
        filter_ = filter_.with_identities(left)
    elif named:
        # The address says who is asked.
        filter_ = filter_.with_identities(())
    return Targets(left, direct, filter_, len(nodes), answers)


def _part(request: Settled, nodes: list[str]) -> list[str]:
    if request.limit is None:
        return nodes
    return part(nodes, request.limit, request.limit_method, request.limit_seed)


def _enough(request: Settled) -> int | None:
    """Return how many answers are enough. A limit does not lower the number that is expected."""
    counts = [request.expected_nodes]
    if request.limit is not None and not request.limit.percent and request.limit_method == "first":
        counts.append(request.limit.number)
    return max((count for count in counts if count is not None), default=None)


# -- by name ---------------------------------------------------------------------------------------


def named(request: Settled) -> list[str] | None:
    """Return the nodes that are known by name and fit the identity filters; None if discovery is needed.

    :raises exc.BadRequest: the file cannot be used, or a filter cannot be applied here.
    """
    identities = request.filter.identities
    if request.nodes is not None:
        names: t.Sequence[str] = request.nodes
    elif request.discovery_method == "flatfile":
        names = read_flatfile(*(request.discovery_options or ()))
    elif request.discovery_method == "mc" and identities and not any(map(is_pattern, identities)):
        names = identities
    else:
        return None
    fits = _judge(identities)
    return [name for name in dict.fromkeys(names) if fits(name)]


def read_flatfile(path: str) -> list[str]:
    """Return the identities in a file: one to a line, without empty lines and those that begin with #
    (MC:discovery/flatfile.rb).

    :raises exc.BadRequest: it cannot be read, or a line is not an identity. The line is not shown.
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


def _judge(identities: list[str]) -> t.Callable[[str], bool]:
    """Return a function that returns True if a node of this name fits the identity filters."""
    if not identities:
        return lambda name: True
    names = {identity for identity in identities if not is_pattern(identity)}
    patterns = [_compiled(identity) for identity in identities if is_pattern(identity)]
    return lambda name: name in names or any(search(name) for search in patterns)


def _compiled(identity: str) -> t.Callable[[str], bool]:
    """Return a function that searches a name for a Ruby regular expression."""
    source = identity.replace("/", "")
    if re.fullmatch(r"\^?[\w\-]*\$?", source, re.ASCII):
        return lambda name: re.search(source, name) is not None
    # The translation takes longer to load than such a name to compare.
    from . import ruby_patterns as patterns

    allowance = patterns.Allowance()

    def search(name: str) -> bool:
        try:
            return patterns.compile_ruby(source).search(name, allowance)
        except patterns.Untranslatable as error:
            raise exc.BadFilter(
                f"identity filter {identity!r} cannot be applied to a list of nodes here: {error};"
                " leave the list out, and nodes apply it themselves"
            ) from error

    return search
