# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a caller asks for: an action, the nodes that it is for, and how patiently it is carried out."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from . import exc
from .filters import Filter
from .serializers import Symbol, symbolize

if t.TYPE_CHECKING:
    from .envelope import Envelope

AGENT_TIMEOUT = 10.0
"""Seconds that an agent may take when no DDL tells; most agents declare as much."""
METHODS = {
    "mc": "mc",
    "broadcast": "mc",
    "flatfile": "flatfile",
    "file": "flatfile",
    "none": "none",
}
"""How targets are found: by broadcast, from a file, or not at all. Choria has two further names."""
LIMIT_METHODS = ("first", "random")
_AMOUNT = re.compile(r"(\d{1,9})(%?)", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Amount:
    """A number of nodes, or a percentage of them."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, value: Amount | int | str, what: str) -> Amount:
        """Read ``10`` or ``10%``.

        :param what: the option, for the message.
        :raises exc.BadRequest: it is neither.
        """
        if isinstance(value, Amount):
            return value
        match = _AMOUNT.fullmatch(str(value).strip())
        if match is None:
            raise exc.BadRequest(
                f"{what} must be a number of nodes or a percentage such as 10%, not {value!r}"
            )
        return cls(int(match[1]), bool(match[2]))

    def of(self, count: int, rounded: t.Callable[[float], int]) -> int:
        """Return how many of so many nodes that is: at least one.

        :param rounded: makes a whole number of a percentage's fraction.
        """
        exact = rounded(count * self.number / 100) if self.percent else self.number
        return max(exact, 1)


@dataclasses.dataclass(frozen=True)
class Request:
    """What to call and where. None leaves a field to the configuration, or to the reference's default.

    :ivar arguments: the action's inputs; the values keep their types. A key that is a Symbol, and
        any key once :attr:`described` is set, goes on the wire as it is.
    :ivar nodes: exactly these identities, at least one. They are discovered only if filters narrow them.
    :ivar filter: selects nodes; :attr:`nodes`, if given, must fit it too.
    :ivar collective: default: the configuration's main_collective.
    :ivar timeout: seconds to wait for the replies of a batch once it has been sent.
        Default: what the agent may take, and :attr:`discovery_timeout` on top.
    :ivar agent_timeout: seconds that the agent may take, by its DDL.
    :ivar discovery_timeout: seconds without an answer that end discovery; default: the configuration's.
    :ivar first_reply: seconds to wait for the first reply where nobody knows who will answer (the
        method "none"). Default: the timeout.
    :ivar publish_timeout: seconds that sending a batch may take; nodes that it has not been sent to
        then are left out. Default: the configuration's, and without one the timeout.
    :ivar ttl: seconds for which nodes take the request; default: the configuration's.
    :ivar discovery_method: one of :data:`METHODS`.
    :ivar discovery_options: the file of identities for "flatfile"; default: the configuration's
        default_discovery_options.
    :ivar expected_nodes: how many nodes there should be; discovery ends when so many have answered and none
        for :data:`.conversation.GRACE`.
    :ivar minimum_nodes: nothing is sent when fewer are found.
    :ivar limit: how many of the targets to take: a number, or a percentage as in "10%".
    :ivar limit_method: one of :data:`LIMIT_METHODS`: those that answered first, or any.
    :ivar limit_seed: makes "random" choose the same again, and what ``mco`` chooses with that seed: 0 to 2**32 - 1.
    :ivar batch_size: how many nodes to ask at once: a number, a percentage, or 0 for all.
    :ivar batch_sleep: seconds between two batches; default: the configuration's default_batch_sleep_time.
    :ivar max_fail_percentage: the percentage of a batch that may fail or stay silent; if more do,
        no further batch is sent. It needs a batch_size.
    :ivar process_results: False: nodes send no replies, and nobody waits for any.
    :ivar reply_to: where replies go instead of to us, in the broker's terms.
    :ivar described: a DDL has given the arguments their keys on the wire.
    """

    agent: str
    action: str
    arguments: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    nodes: t.Sequence[str] | None = None
    filter: Filter = dataclasses.field(default_factory=Filter)
    collective: str | None = None
    timeout: float | None = None
    agent_timeout: float = AGENT_TIMEOUT
    discovery_timeout: float | None = None
    first_reply: float | None = None
    publish_timeout: float | None = None
    ttl: int | None = None
    discovery_method: str | None = None
    discovery_options: t.Sequence[str] | None = None
    expected_nodes: int | None = None
    minimum_nodes: int = 1
    limit: Amount | int | str | None = None
    limit_method: str | None = None
    limit_seed: int | None = None
    batch_size: Amount | int | str | None = None
    batch_sleep: float | None = None
    max_fail_percentage: float | None = None
    process_results: bool = True
    reply_to: str | None = None
    described: bool = False

    @property
    def awaits_replies(self) -> bool:
        """True if replies come back to us."""
        return self.process_results and self.reply_to is None

    def data(self) -> dict[str, t.Any]:
        """Return the action's inputs as they go on the wire (MC:rpc/client.rb, call_agent)."""
        inputs = dict(self.arguments) if self.described else symbolize(self.arguments)
        return {**inputs, Symbol("process_results"): self.process_results}


class Settled(Request):
    """A request that leaves nothing open; :func:`.settle.settle` makes it.

    It has the fields of :class:`Request`, of which these have a narrower type.

    :ivar discovery_timeout: what the data functions of filters may take is added, as it is to
        :attr:`timeout` and :attr:`first_reply`.
    :ivar discovery_options: of the method "flatfile" only: one path.
    :ivar batch_size: None: all nodes at once.
    """

    collective: str
    timeout: float
    discovery_timeout: float
    publish_timeout: float
    ttl: int
    discovery_method: str
    limit: Amount | None
    limit_method: str
    batch_size: Amount | None
    batch_sleep: float


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A request that has been checked, and all that is known of it before a connection is made.

    :ivar envelope: what goes to the nodes.
    :ivar filter: selects the nodes: the request's filter and the agent.
    :ivar names: the nodes that are known by name and fit the identity filters; None: discovery is needed.
    :ivar direct: nodes can be addressed singly.
    :ivar threshold: up to how many discovered nodes are addressed singly; None: any number.
    """

    request: Settled
    envelope: Envelope
    filter: Filter
    names: list[str] | None
    direct: bool
    threshold: int | None

    def to(self, nodes: list[str]) -> Prepared:
        """Return the same request to other nodes. There is nothing to check anew: their names come from replies."""
        request = dataclasses.replace(self.request, nodes=nodes)
        return dataclasses.replace(self, request=request, names=nodes)


def part(nodes: t.Sequence[str], limit: Amount, method: str, seed: int | None) -> list[str]:
    """Return the nodes that a limit leaves, in their order (MC:rpc/client.rb, pick_nodes_from_discovered).

    :param nodes: in the order in which they were found.
    :param seed: see :attr:`Request.limit_seed`.
    """
    from .picking import pick

    count = limit.of(len(nodes), math.floor)
    if len(nodes) <= count:
        return list(nodes)
    return list(nodes[:count]) if method == "first" else pick(nodes, count, seed)


def batches(nodes: t.Sequence[str], size: Amount | None) -> list[list[str]]:
    """Return the nodes in the groups that are asked one after the other."""
    if size is None or not nodes:
        return [list(nodes)]
    step = size.of(len(nodes), math.ceil)
    return [list(nodes[start : start + step]) for start in range(0, len(nodes), step)]
