# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least that it can take: stomp.py counts messages and reads none of them."""

from __future__ import annotations

import threading
import time
import typing as t

import stomp
from pymco.message import Filter, Message
from pymco.pool import pool
from pymco.security import security_provider
from pymco.serializers import Symbol, symbolize

from .framework import Incomplete

if t.TYPE_CHECKING:
    from pymco import rpc
    from pymco.config import Config

BROADCAST = "/exchange/mcollective_broadcast/rpcutil"
DIRECTED = "/exchange/mcollective_directed"


class Counter(stomp.ConnectionListener):
    """Counts messages down, and their bytes up."""

    def __init__(self, left: int) -> None:
        self.left, self.size = left, 0
        self.last = threading.Event()

    def on_message(self, frame: t.Any) -> None:
        """Called by stomp.py's thread."""
        self.left -= 1
        self.size += len(frame.body)
        if not self.left:
            self.last.set()


class Bare:
    """A connection of stomp.py and a request that is serialized and signed already.

    Use it as a context manager.

    :param destination: where the request goes.
    :param timeout: seconds that replies have.
    """

    def __init__(
        self, config: Config, request: rpc.Request, destination: str, timeout: float
    ) -> None:
        self._config, self._destination, self._timeout = config, destination, timeout
        self._payload = _payload(config, request)

    def __enter__(self) -> Bare:
        (broker,) = pool(self._config).brokers
        vhost = self._config["plugin.rabbitmq.vhost"]
        self._connection = stomp.StompConnection11(
            [(broker.host, broker.port)], vhost=vhost, auto_decode=False
        )
        self._connection.connect(broker.user, broker.password, wait=True)
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.disconnect()

    def exchange(self, count: int) -> Counter:
        """Send the request, and wait for this number of replies."""
        counter = Counter(count)
        self._connection.set_listener("counter", counter)
        reply_to = {"reply-to": "/temp-queue/bare"}
        self._connection.send(self._destination, self._payload, headers=reply_to)
        if not counter.last.wait(self._timeout):
            raise Incomplete(f"stomp.py got all but {counter.left} of {count} replies")
        return counter


def drain(config: Config, request: rpc.Request, count: int) -> tuple[float, int]:
    """Return the seconds from sending to the last reply, without connecting, and the replies' bytes."""
    with Bare(config, request, BROADCAST, request.timeout or 300.0) as bare:
        start = time.perf_counter()
        counter = bare.exchange(count)
        return time.perf_counter() - start, counter.size


def _payload(config: Config, request: rpc.Request) -> bytes:
    """Return a request in its form on the wire."""
    security = security_provider(config)
    body = {
        Symbol("agent"): request.agent,
        Symbol("action"): request.action,
        Symbol("caller"): security.callerid,
        Symbol("data"): {**symbolize(request.arguments), Symbol("process_results"): True},
    }
    filter_ = Filter().add_agent(request.agent)
    payload: bytes = security.encode(Message(body, request.agent, config, filter_))
    return payload
