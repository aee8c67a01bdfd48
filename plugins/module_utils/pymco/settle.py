# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Settling: check a request, and decide what it leaves open."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import choria, exc
from .filters import checked_identity
from .ranges import LONGEST
from .request import LIMIT_METHODS, METHODS, Amount, Request, Settled

if t.TYPE_CHECKING:
    from .settings import Settings

MAX_SEED = 2**32
"""Ruby takes larger seeds in another way."""
_NAME = re.compile(r"\w+", re.ASCII)
_NUMBERS: dict[str, tuple[t.Callable[[float], bool], str]] = {
    **dict.fromkeys(
        ("timeout", "agent_timeout", "discovery_timeout", "first_reply", "publish_timeout", "ttl"),
        (lambda value: 0 < value < LONGEST, f"more than 0 and less than {LONGEST} seconds"),
    ),
    "batch_sleep": (lambda value: 0 <= value < LONGEST, f"from 0 to {LONGEST} seconds"),
    "max_fail_percentage": (lambda value: 0 <= value <= 100, "from 0 to 100"),
    "expected_nodes": (lambda value: value >= 1, "at least 1"),
    "limit_seed": (lambda value: 0 <= value < MAX_SEED, f"from 0 to {MAX_SEED - 1}"),
}
"""What numbers of a request must be. NaN fits none of it."""
_ELSEWHERE = {
    **dict.fromkeys(("choria", "puppetdb"), "which asks PuppetDB"),
    "inventory": "which reads a file of Choria's",
    "external": "which runs a command",
}
"""Choria's further methods, and what they do."""
_COLLECTIVE = re.compile(r"[\w.\-]+", re.ASCII)


def settle(request: Request, settings: Settings) -> Settled:
    """Check a request, and fill in what it leaves open.

    :raises exc.BadRequest: it cannot be sent; the message tells which part and why.
    :raises exc.ImproperlyConfigured: an option that it needs is wrong.
    """
    check_call(request)
    _check_numbers(request)
    _check_nobody(request)
    for node in request.nodes or ():
        checked_identity(node)
    filter_ = request.filter.in_dialect(settings.dialect)
    method = _method(request, settings) if request.nodes is None else "mc"
    window = _seconds(request.discovery_timeout, settings, "discovery_timeout")
    timeout, first = _timeout(request, settings, method, window), request.first_reply
    fields = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
    decided = {
        "collective": _collective(request, settings),
        "filter": filter_,
        "timeout": timeout,
        "discovery_timeout": window + request.filter.seconds,
        "first_reply": first and first + request.filter.seconds,
        "publish_timeout": _seconds(
            request.publish_timeout, settings, "publish_timeout", default=timeout
        ),
        "ttl": settings.getint("ttl") if request.ttl is None else request.ttl,
        "discovery_method": method,
        "limit": _limit(request),
        "limit_method": _limit_method(request, settings),
        "batch_size": _batch_size(request, settings, method),
        "batch_sleep": _seconds(
            request.batch_sleep, settings, "default_batch_sleep_time", zero=0.0
        ),
    }
    if method == "flatfile":
        decided["discovery_options"] = [_flatfile(request, settings)]
    settled = Settled(**{**fields, **decided})
    _check_together(settled)
    if settled.nodes is None and method != "flatfile" and not any(settled.filter.values()):
        choria.check_unfiltered(settings)
    return settled


def _check_nobody(request: Request) -> None:
    """Refuse an empty option: it addresses nobody. Usually an earlier search has found nothing."""
    for what, value in (("nodes", request.nodes), ("discovery_options", request.discovery_options)):
        if value is not None and (isinstance(value, (str, bytes)) or not hasattr(value, "__len__")):
            # A text is a sequence of texts, and an iterator is empty the second time.
            raise exc.BadRequest(f"{what} must be a list, not a {type(value).__name__}")
        if value is not None and not all([bool(value), *map(bool, value)]):
            raise exc.BadRequest(
                f"{what} is empty, or has an empty entry, which addresses nobody; None leaves {what} out"
            )
    for what, text in (("collective", request.collective), ("limit", request.limit)):
        if isinstance(text, str) and not text.strip():
            raise exc.BadRequest(f"{what} is an empty text; None leaves {what} out")


def check_call(request: Request) -> None:
    """Refuse what no action can be called with. Raises :class:`.exc.BadRequest`."""
    for what, name in (("agent", request.agent), ("action", request.action)):
        if not _NAME.fullmatch(name):
            raise exc.BadRequest(
                f"{name!r} is not the name of an {what}: names have letters, digits and underscores only"
            )
    if request.reply_to is not None and not request.reply_to.strip():
        raise exc.BadRequest("reply_to is empty: it must name a destination of the broker")
    for name in request.arguments:
        if not isinstance(name, str):
            raise exc.BadRequest(f"the argument {name!r} has a name that is not a text")
        if f":{name}" in request.arguments:
            raise exc.BadRequest(f"the argument {name} is there twice, with a colon and without")
        if name.lstrip(":") == "process_results":
            raise exc.BadRequest(
                "process_results is MCollective's own and not an argument of an action"
            )


def _check_numbers(request: Request) -> None:
    for what, (fits, words) in _NUMBERS.items():
        value = getattr(request, what)
        if value is not None and not fits(value):
            raise exc.BadRequest(f"{what} must be {words}, not {value}")


def _collective(request: Request, settings: Settings) -> str:
    collective = request.collective or settings.main_collective
    if not _COLLECTIVE.fullmatch(collective):
        raise exc.BadRequest(
            f"{collective!r} is not the name of a collective: names have letters, digits, dots, dashes and"
            " underscores only"
        )
    if collective not in settings.collectives:
        raise exc.BadRequest(
            f"{collective!r} is not among the collectives of {settings.source}, which are"
            f" {', '.join(settings.collectives)}"
        )
    return collective


def _method(request: Request, settings: Settings) -> str:
    key = "default_discovery_method"
    method = request.discovery_method or settings[key]
    if method in METHODS:
        return METHODS[method]
    where = "" if request.discovery_method else f"{settings.origin(key)}: "
    name = "discovery_method" if request.discovery_method else key
    known = f"there are {', '.join(METHODS)}, and explicit nodes"
    if method in _ELSEWHERE:
        raise exc.BadRequest(
            f"{where}{name} = {method}, {_ELSEWHERE[method]}, is not supported; {known}. Use mc to ask the nodes,"
            " or flatfile for names that `choria discover` has written to a file"
        )
    # The value may be a password in the wrong place.
    raise exc.BadRequest(f"{where}the value of {name} is not supported; {known}")


def _seconds(
    given: float | None,
    settings: Settings,
    key: str,
    *,
    default: float | None = None,
    zero: float | None = None,
) -> float:
    """Return the time that the request gives, else that of the configuration."""
    return settings.getseconds(key, default, zero) if given is None else given


def _timeout(request: Request, settings: Settings, method: str, window: float) -> float:
    """Return the seconds to wait for replies (MC:rpc/client.rb, initialize). Discovery by a file takes
    no time unless an option says that it does (MC:discovery/flatfile.ddl)."""
    timeout = request.timeout
    if timeout is None:
        named = request.discovery_timeout is not None or settings.given("discovery_timeout")
        timeout = request.agent_timeout + (window if named or method != "flatfile" else 0)
    return timeout + request.filter.seconds


def _flatfile(request: Request, settings: Settings) -> str:
    options = request.discovery_options
    if options is None:
        options = settings.get("default_discovery_options", "").split("\n")[:1]
    if len(options) > 1:
        raise exc.BadRequest(
            f"the discovery method flatfile reads one file, and discovery_options has {len(options)}"
        )
    path = next(iter(options), "")
    if settings.dialect == "choria":
        # Choria's options have names (Go: providers/discovery/flatfile/options.go).
        path = re.sub(r"\Afile\s*=\s*", "", path)
    if not path:
        raise exc.BadRequest(
            "the discovery method flatfile needs the path of a file in discovery_options"
        )
    return path


def _limit(request: Request) -> Amount | None:
    if request.limit is None:
        return None
    limit = Amount.parse(request.limit, "limit")
    if limit.number < 1:
        raise exc.BadRequest(f"limit must be at least 1, not {request.limit}")
    return limit


def _limit_method(request: Request, settings: Settings) -> str:
    method = request.limit_method or settings["rpclimitmethod"]
    if method not in LIMIT_METHODS:
        raise exc.BadRequest(
            f"limit_method must be one of {', '.join(LIMIT_METHODS)}, not {method}"
        )
    return method


def _batch_size(request: Request, settings: Settings, method: str) -> Amount | None:
    """Return the size of batches. The configuration's is for calls that can have batches."""
    value = request.batch_size
    if value is None:
        fits = request.awaits_replies and method != "none"
        value = settings["default_batch_size"] if fits else 0
    size = Amount.parse(value, "batch_size")
    if size.percent and not size.number:
        raise exc.BadRequest("batch_size must be more than 0%; 0 means that all are asked at once")
    return size if size.number else None


def _check_together(request: Settled) -> None:
    """Refuse options that contradict each other."""
    method = request.discovery_method
    if request.discovery_options and method != "flatfile" and request.nodes is None:
        raise exc.BadRequest(
            f"discovery_options are given, but the discovery method {method} takes none; use flatfile to"
            " address the nodes of a file"
        )
    if request.batch_size is not None and not request.awaits_replies:
        raise exc.BadRequest(
            "a call in batches waits for the replies of each, so it cannot have"
            " process_results = false or reply_to"
        )
    if request.max_fail_percentage is not None and request.batch_size is None:
        raise exc.BadRequest("max_fail_percentage needs a batch_size: it is judged between batches")
    if method != "none":
        return
    if request.expected_nodes is not None and not request.awaits_replies:
        raise exc.BadRequest(
            "expected_nodes cannot be counted: discovery_method = none finds no nodes, and with"
            " process_results = false or reply_to no replies come"
        )
    for what, value in (("limit", request.limit), ("batch_size", request.batch_size)):
        if value is not None:
            raise exc.BadRequest(
                f"{what} needs to know the nodes before they are asked; discovery_method = none does not"
                " find them"
            )
