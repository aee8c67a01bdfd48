# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least that it can take on NATS: a reader counts messages and looks into none of them."""

from __future__ import annotations

import hashlib
import secrets
import time
import typing as t

from pymco.envelope import Envelope
from pymco.filters import Filter
from pymco.security import security_provider
from pymco.serializers import Symbol, symbolize
from testbed.choria_fleet.connection import Connection, Files

from .framework import Incomplete, config_of

if t.TYPE_CHECKING:
    from pymco import rpc
    from testbed.choria_fleet.fleet import ChoriaFleet


def drain(fleet: ChoriaFleet, request: rpc.Request, *, singly: bool = False) -> float:
    """Return the seconds from sending a signed request to the last reply, without connecting.

    :param singly: publish it once for each node and not once for all.
    """
    config = config_of(fleet)
    security = security_provider(config)
    digest = hashlib.md5(security.callerid.encode(), usedforsecurity=False).hexdigest()
    inbox = f"{fleet.collective}.reply.{digest}.{secrets.token_hex(16)}"
    payload = security.address(security.seal(_envelope(fleet, request)), inbox)
    connection = Connection(fleet.broker.ports[0], _files(fleet), [inbox])
    subjects = [f"{fleet.collective}.broadcast.agent.{request.agent}"]
    if singly:
        subjects = [f"{fleet.collective}.node.{name}" for name in fleet.identities]
    start = time.perf_counter()
    heads = (f"PUB {subject} {len(payload)}\r\n".encode() for subject in subjects)
    connection.send(b"".join(b"%s%s\r\n" % (head, payload) for head in heads))
    for number in range(fleet.count):
        if connection.poll(request.timeout or 300.0) is None:
            raise Incomplete(f"{number} of {fleet.count} replies came to the bare reader")
    return time.perf_counter() - start


def _envelope(fleet: ChoriaFleet, request: rpc.Request) -> Envelope:
    body = {
        Symbol("agent"): request.agent,
        Symbol("action"): request.action,
        Symbol("data"): symbolize(request.arguments),
    }
    return Envelope(
        identity="bare.example.com",
        agent=request.agent,
        collective=fleet.collective,
        filter=Filter().add_agent(request.agent).in_dialect("choria"),
        ttl=60,
        body=body,
        requestid=secrets.token_hex(16),
        time=int(time.time()),
    )


def _files(fleet: ChoriaFleet) -> Files:
    own = fleet.broker.certificate
    return Files(str(fleet.broker.authority.path), str(own.path), str(own.key))
