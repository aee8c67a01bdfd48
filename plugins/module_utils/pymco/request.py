# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What a caller asks for: an action, whom it is for, and how patiently it is carried out."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from . import exc
from .filters import checked_identity
from .message import Filter
from .ranges import LONGEST
from .serializers import Symbol, symbolize

if t.TYPE_CHECKING:
    from .config import Config

AGENT_TIMEOUT = 10.0
"""Seconds that an agent may take when there is no DDL to tell; most agents declare it."""
METHODS = ("mc", "flatfile", "none")
"""How targets are found: by broadcast, from a file, or not at all."""
LIMIT_METHODS = ("first", "random")
MAX_SEED = 2**32
"""Larger ones Ruby takes in another way."""
_NAME = re.compile(r"\w+", re.ASCII)
_COLLECTIVE = re.compile(r"[\w.\-]+", re.ASCII)
_AMOUNT = re.compile(r"(\d{1,9})(%?)", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Amount:
    """A number of nodes, or a percentage of them."""

    number: int
    percent: bool = False

    @classmethod
    def parse(cls, value: int | str, what: str) -> Amount:
        """Read ``10`` or ``10%``.

        :param what: the option, for the message.
        :raises exc.BadRequest: it is neither.
        """
        match = _AMOUNT.fullmatch(str(value).strip())
        if match is None:
            raise exc.BadRequest(
                f"{what} must be a number of nodes or a percentage such as 10%, not {value!r}"
            )
        return cls(int(match[1]), bool(match[2]))

    def of(self, count: int, rounded: t.Callable[[float], int]) -> int:
        """How many of so many nodes that is: at least one.

        :param rounded: what becomes of a fraction, for percentages.
        """
        exact = rounded(count * self.number / 100) if self.percent else self.number
        return max(exact, 1)


@dataclasses.dataclass(frozen=True)
class Request:
    """What to call and where.

    What is None is as the configuration has it, or as the reference has it by default.

    :ivar arguments: the action's inputs; the values keep their types. A key that is a Symbol, and
        any other once :attr:`described` is set, goes on the wire as it is.
    :ivar nodes: exactly these identities, one at least; they are not discovered unless filters narrow them.
    :ivar filter: which nodes; all kinds of entries must fit, and the nodes too if they are given.
    :ivar collective: default: the configuration's main_collective.
    :ivar timeout: seconds to wait for replies once the request has been sent, of each batch.
        Default: what the agent may take, and :attr:`discovery_timeout` on top.
    :ivar agent_timeout: seconds that the agent may take, by its DDL.
    :ivar discovery_timeout: seconds without an answer that end discovery.
    :ivar first_reply: seconds to wait for the first reply where nobody knows who will answer (the
        method "none"). Default: the timeout.
    :ivar publish_timeout: seconds that sending may take, of each batch; nodes that it was not sent
        to by then are left out. Default: the configuration's, and without one the timeout.
    :ivar ttl: seconds for which nodes take the request; default: the configuration's.
    :ivar discovery_method: one of :data:`METHODS`.
    :ivar discovery_options: the file of identities for "flatfile".
    :ivar expected_nodes: how many nodes there should be; discovery ends when so many have answered.
    :ivar minimum_nodes: nothing is sent when fewer are found.
    :ivar limit: how many of the targets to take: a number, or a percentage as in "10%".
    :ivar limit_method: one of :data:`LIMIT_METHODS`: those that answered first, or any.
    :ivar limit_seed: makes "random" choose the same again, and what ``mco`` chooses with that seed.
    :ivar batch_size: how many nodes to ask at once: a number, a percentage, or 0 for all.
    :ivar batch_sleep: seconds between two batches.
    :ivar max_fail_percentage: the percentage of a batch that may fail or stay silent; if more do,
        no further batch is sent.
    :ivar process_results: whether to wait for replies; if not, nodes send none.
    :ivar reply_to: where replies go instead of to us, in the broker's terms.
    :ivar described: whether a DDL has given the arguments their keys on the wire.
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
    limit: int | str | None = None
    limit_method: str | None = None
    limit_seed: int | None = None
    batch_size: int | str | None = None
    batch_sleep: float | None = None
    max_fail_percentage: float | None = None
    process_results: bool = True
    reply_to: str | None = None
    described: bool = False

    @property
    def awaits_replies(self) -> bool:
        """Whether replies come back to us."""
        return self.process_results and self.reply_to is None

    def data(self) -> dict[str, t.Any]:
        """The action's inputs as they go on the wire (MC:rpc/client.rb, call_agent)."""
        inputs = dict(self.arguments) if self.described else symbolize(self.arguments)
        return {**inputs, Symbol("process_results"): self.process_results}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A request with everything decided that the configuration decides where the request does not.

    :ivar window: seconds without an answer that end discovery.
    :ivar timeout: seconds to wait for the replies of a batch.
    :ivar publish_timeout: seconds that sending a batch may take.
    :ivar method: one of :data:`METHODS`.
    :ivar flatfile: the file that the method "flatfile" reads.
    :ivar batch_size: None: all at once.
    :ivar direct: whether nodes can be addressed singly.
    :ivar threshold: up to how many nodes are.
    """

    request: Request
    collective: str
    window: float
    timeout: float
    publish_timeout: float
    method: str
    flatfile: str | None
    limit: Amount | None
    limit_method: str
    batch_size: Amount | None
    batch_sleep: float
    direct: bool
    threshold: int


def plan(request: Request, config: Config) -> Plan:
    """Check a request, and decide what it leaves open.

    :raises exc.BadRequest: it cannot be sent; the message tells which part and why.
    :raises exc.ImproperlyConfigured: an option that it needs is wrong.
    """
    check_call(request)
    _check_times(request)
    collective = _collective(request, config)
    _check_nobody(request)
    for node in request.nodes or ():
        checked_identity(node)
    method = _method(request, config) if request.nodes is None else "mc"
    window = _window(request, config)
    timeout = _timeout(request, config, method, window)
    found = Plan(
        request=request,
        collective=collective,
        window=window + request.filter.seconds,
        timeout=timeout,
        publish_timeout=_publish_timeout(request, config, timeout),
        method=method,
        flatfile=_flatfile(request, config) if method == "flatfile" else None,
        limit=None if request.limit is None else _limit(request.limit),
        limit_method=_limit_method(request, config),
        batch_size=_batch_size(request, config),
        batch_sleep=_batch_sleep(request, config),
        direct=config.getboolean("direct_addressing"),
        threshold=config.getint("direct_addressing_threshold"),
    )
    _check_together(found)
    return found


def _check_nobody(request: Request) -> None:
    """Refuse an empty option, which would address nobody. Mostly a search before has found nothing."""
    for what, value in (("nodes", request.nodes), ("discovery_options", request.discovery_options)):
        if value is not None and (isinstance(value, (str, bytes)) or not hasattr(value, "__len__")):
            # A text is a sequence of texts, and what can be gone through once is empty the second time.
            raise exc.BadRequest(f"{what} must be a list, not a {type(value).__name__}")
        if value is not None and not all([bool(value), *map(bool, value)]):
            raise exc.BadRequest(
                f"{what} is empty, or has an empty entry, which addresses nobody; without {what} it is None"
            )
    for what, text in (("collective", request.collective), ("limit", request.limit)):
        if isinstance(text, str) and not text.strip():
            raise exc.BadRequest(f"{what} is an empty text; without {what} it is None")


def check_call(request: Request) -> None:
    """Refuse what can be no call of any action. Raises :class:`.exc.BadRequest`."""
    _check_names(request)
    _check_arguments(request.arguments)


def _check_names(request: Request) -> None:
    for what, name in (("agent", request.agent), ("action", request.action)):
        if not _NAME.fullmatch(name):
            raise exc.BadRequest(
                f"{name!r} is no {what}: names have letters, digits and underscores only"
            )
    if request.reply_to is not None and not request.reply_to.strip():
        raise exc.BadRequest("reply_to is empty: it must name a destination of the broker")


def _check_arguments(arguments: t.Mapping[str, t.Any]) -> None:
    for name in arguments:
        if not isinstance(name, str):
            raise exc.BadRequest(f"the argument {name!r} has a name that is no text")
        if f":{name}" in arguments:
            raise exc.BadRequest(f"the argument {name} is there twice, with a colon and without")
    if ":process_results" in symbolize(arguments):
        raise exc.BadRequest("process_results is MCollective's own and no argument of an action")


_POSITIVE = (
    *("timeout", "agent_timeout", "discovery_timeout", "first_reply"),
    *("publish_timeout", "ttl"),
)


def _check_times(request: Request) -> None:
    for what in _POSITIVE:
        value = getattr(request, what)
        if value is not None and not 0 < value < LONGEST:
            raise exc.BadRequest(
                f"{what} must be more than 0 and less than {LONGEST} seconds, not {value}"
            )
    if request.batch_sleep is not None and not 0 <= request.batch_sleep < LONGEST:
        raise exc.BadRequest(
            f"batch_sleep must be from 0 to {LONGEST} seconds, not {request.batch_sleep}"
        )
    percentage = request.max_fail_percentage
    if percentage is not None and not 0 <= percentage <= 100:
        raise exc.BadRequest(f"max_fail_percentage must be from 0 to 100, not {percentage}")
    if request.expected_nodes is not None and request.expected_nodes < 1:
        raise exc.BadRequest(f"expected_nodes must be at least 1, not {request.expected_nodes}")


def _collective(request: Request, config: Config) -> str:
    collective = request.collective or config.main_collective
    if not _COLLECTIVE.fullmatch(collective):
        raise exc.BadRequest(f"{collective!r} is no collective's name")
    if collective not in config.collectives:
        raise exc.BadRequest(
            f"{collective!r} is not among the collectives of {config.source}, which are"
            f" {', '.join(config.collectives)}"
        )
    return collective


def _method(request: Request, config: Config) -> str:
    key = "default_discovery_method"
    method = request.discovery_method or config[key]
    if method in METHODS:
        return method
    where = "" if request.discovery_method else f"{config.origin(key)}: "
    name = "discovery_method" if request.discovery_method else key
    raise exc.BadRequest(
        f"{where}the value of {name} is not supported; there are {', '.join(METHODS)}, and explicit nodes"
    )


def _window(request: Request, config: Config) -> float:
    if request.discovery_timeout is not None:
        return request.discovery_timeout
    return config.getseconds("discovery_timeout")


def _timeout(request: Request, config: Config, method: str, window: float) -> float:
    """Seconds to wait for replies (MC:rpc/client.rb, initialize). Discovery by a file takes no time
    unless somebody says that it does (MC:discovery/flatfile.ddl)."""
    timeout = request.timeout
    if timeout is None:
        named = request.discovery_timeout is not None or config.given("discovery_timeout")
        timeout = request.agent_timeout + (window if named or method != "flatfile" else 0)
    return timeout + request.filter.seconds


def _publish_timeout(request: Request, config: Config, timeout: float) -> float:
    if request.publish_timeout is not None:
        return request.publish_timeout
    return config.getseconds("publish_timeout", timeout)


def _flatfile(request: Request, config: Config) -> str | None:
    options = request.discovery_options
    if options is None:
        options = config.get("default_discovery_options", "").split("\n")[:1]
    if len(options) > 1:
        raise exc.BadRequest(
            f"the discovery method flatfile reads one file, and discovery_options has {len(options)}"
        )
    path = next(iter(options), "")
    if not path:
        raise exc.BadRequest(
            "the discovery method flatfile needs the path of a file in discovery_options"
        )
    return path


def _limit(value: int | str) -> Amount:
    limit = Amount.parse(value, "limit")
    if limit.number < 1:
        raise exc.BadRequest(f"limit must be at least 1, not {value}")
    return limit


def _limit_method(request: Request, config: Config) -> str:
    method = request.limit_method or config["rpclimitmethod"]
    if method not in LIMIT_METHODS:
        raise exc.BadRequest(
            f"limit_method must be one of {', '.join(LIMIT_METHODS)}, not {method}"
        )
    if request.limit_seed is not None and not 0 <= request.limit_seed < MAX_SEED:
        raise exc.BadRequest(f"limit_seed must be from 0 to {MAX_SEED - 1}")
    return method


def _batch_size(request: Request, config: Config) -> Amount | None:
    value: int | str = config["default_batch_size"]
    if request.batch_size is not None:
        value = request.batch_size
    elif not request.awaits_replies:
        return None
    size = Amount.parse(value, "batch_size")
    if size.percent and not size.number:
        raise exc.BadRequest("batch_size must be more than 0%; 0 means that all are asked at once")
    return size if size.number else None


def _batch_sleep(request: Request, config: Config) -> float:
    if request.batch_sleep is not None:
        return request.batch_sleep
    return config.getseconds("default_batch_sleep_time", zero=0.0)


def _check_together(found: Plan) -> None:
    """Refuse what contradicts itself."""
    request = found.request
    if request.discovery_options and found.method != "flatfile" and request.nodes is None:
        raise exc.BadRequest(
            f"discovery_options are there, but the discovery method is {found.method}, which takes none;"
            " use flatfile to address the nodes of a file"
        )
    if found.batch_size is not None and not request.awaits_replies:
        raise exc.BadRequest(
            "a call in batches waits for the replies of each, so it cannot have"
            " process_results = false or reply_to"
        )
    if request.max_fail_percentage is not None and found.batch_size is None:
        raise exc.BadRequest("max_fail_percentage needs a batch_size: it is judged between batches")
    if found.method != "none":
        return
    if request.expected_nodes is not None and not request.awaits_replies:
        raise exc.BadRequest(
            "expected_nodes cannot be counted: discovery_method = none does not find them, and with"
            " process_results = false or reply_to no replies come"
        )
    for what, value in (("limit", found.limit), ("batch_size", found.batch_size)):
        if value is not None:
            raise exc.BadRequest(
                f"{what} needs to know the nodes before they are asked, which discovery_method ="
                " none does not find out"
            )


def part(nodes: t.Sequence[str], limit: Amount, method: str, seed: int | None) -> list[str]:
    """The nodes that a limit leaves, in their order (MC:rpc/client.rb, pick_nodes_from_discovered).

    :param nodes: in the order in which they were found.
    :param seed: see :attr:`Request.limit_seed`.
    """
    from .picking import pick

    count = limit.of(len(nodes), math.floor)
    if len(nodes) <= count:
        return list(nodes)
    return list(nodes[:count]) if method == "first" else pick(nodes, count, seed)


def batches(nodes: t.Sequence[str], size: Amount | None) -> list[list[str]]:
    """The nodes in the groups that are asked one after the other."""
    if size is None or not nodes:
        return [list(nodes)]
    step = size.of(len(nodes), math.ceil)
    return [list(nodes[start : start + step]) for start in range(0, len(nodes), step)]
