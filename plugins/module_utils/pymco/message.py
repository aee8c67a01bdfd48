# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Messages: a request's envelope as python-mcollective's users know it."""

from __future__ import annotations

import collections.abc
import secrets
import time
import typing as t

from . import exc, ranges
from .envelope import Envelope
from .filters import FACT_OPERATORS, Filter
from .serializers import Symbol

if t.TYPE_CHECKING:
    from .settings import Settings

__all__ = ["FACT_OPERATORS", "Filter", "Message"]


class Message(collections.abc.MutableMapping[str, t.Any]):
    """A request's envelope (MC:security/base.rb, create_request). It can be read and written as a dict.

    :param body: what the agent gets: "ping" for the discovery agent, a dict for RPC agents.
    :param agent: the agent's name.
    :param config: gives identity, collective and ttl.
    :param filter_: default: every node that has the agent.
    :param collective: default: the configuration's main_collective.
    :param ttl: seconds for which nodes take the request; default: the configuration's.
    :param now: the clock that stamps it.
    """

    def __init__(
        self,
        body: t.Any,
        agent: str,
        config: Settings,
        filter_: t.Mapping[str, t.Any] | None = None,
        collective: str | None = None,
        ttl: int | None = None,
        now: t.Callable[[], float] = time.time,
    ) -> None:
        if filter_ is None:
            filter_ = Filter().add_agent(agent)
        if isinstance(filter_, Filter):
            filter_ = filter_.in_dialect(config.dialect)
        self._envelope: dict[str, t.Any] = {}
        self["senderid"] = config.identity
        self["requestid"] = secrets.token_hex(16)
        self["filter"] = filter_
        self["collective"] = collective or config.main_collective
        self["agent"] = agent
        self["ttl"] = _checked_ttl(ttl) if ttl is not None else config.getint("ttl")
        self["msgtime"] = int(now())
        self["body"] = body

    def __getitem__(self, key: str) -> t.Any:
        return self._envelope[_symbol(key)]

    def __setitem__(self, key: str, value: t.Any) -> None:
        symbol = _symbol(key)
        self._envelope[symbol] = dict(value) if symbol == ":filter" else value

    def __delitem__(self, key: str) -> None:
        del self._envelope[_symbol(key)]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._envelope)

    def __len__(self) -> int:
        return len(self._envelope)


def _checked_ttl(ttl: int) -> int:
    """Return the ttl. Raises :class:`.exc.BadRequest` for one with which no node takes a message."""
    fault = ranges.fault("ttl", ttl)
    if fault is not None:
        raise exc.BadRequest(f"ttl {fault}, not {ttl}")
    return ttl


def _symbol(key: str) -> Symbol:
    """Return a key as a Symbol. The colon may be left out."""
    return Symbol(key[1:] if key.startswith(":") else key)


def envelope_of(msg: t.Mapping[str, t.Any]) -> Envelope:
    """Return a message, whose keys are Symbols, as the envelope that the client sends."""
    return Envelope(
        identity=msg[":senderid"],
        agent=msg[":agent"],
        collective=msg[":collective"],
        filter=msg[":filter"],
        ttl=msg[":ttl"],
        body=msg[":body"],
        requestid=msg[":requestid"],
    )
