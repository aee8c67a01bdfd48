# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which an emulated node lies."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

if t.TYPE_CHECKING:
    from .security import NodeSecurity

OVERSIZED = 17 * 2**20
"""Bytes, more than the client takes."""
CONTROL = "\x1b]0;owned\x07\x1b[2J\u202eevil\u2066\x9b31m\r\x00"
"""Control sequences of terminals, and a bidirectional override, which shows a line as another one."""
TWINS = {1: "the first twin", "1": "the second twin"}
"""Keys that become the same in JSON."""


@dataclass(frozen=True)
class Reply:
    """The answer of an honest node to a request.

    :ivar previous: the identifier of the request that the node got before this one.
    """

    security: NodeSecurity
    envelope: dict[str, t.Any]
    body: t.Any
    previous: str | None = None

    def sealed(self, forged: bool = False, **changes: t.Any) -> bytes:
        """Return its payload. Some fields of the envelope may be replaced."""
        return self.security.seal({**self.envelope, **changes}, self.body, forged)

    def saying(self, value: t.Any) -> Reply:
        """Return the same reply with another value in its data, and in the facts of an inventory."""
        data = dict(self.body["data"])
        if "facts" in data:
            data["facts"] = {**data["facts"], "role": value}
        else:
            data["value"] = value
        return replace(self, body={**self.body, "data": data})


def _garbage(reply: Reply) -> list[bytes]:
    return [b"\x04\x08{\x07garbage", b"--- *nothing", b""]


def _garbled(reply: Reply) -> list[bytes]:
    """Return random bytes, and the beginning of a reply."""
    return [bytes(range(256)), reply.sealed()[:10]]


def _previous(reply: Reply) -> list[bytes]:
    """Return a reply that comes too late: it answers the request before this one."""
    return [reply.sealed(requestid=reply.previous)] if reply.previous is not None else []


def _aborting(reply: Reply) -> list[bytes]:
    body = {**reply.body, "statuscode": 1, "statusmsg": CONTROL}
    return [replace(reply, body=body).sealed()]


LIES: dict[str, t.Callable[[Reply], list[bytes]]] = {
    "true": lambda reply: [reply.sealed()],
    "duplicate": lambda reply: [reply.sealed()] * 2,
    "forged": lambda reply: [reply.sealed(forged=True)],
    "garbage": _garbage,
    "garbled": _garbled,
    "oversized": lambda reply: [b"x" * OVERSIZED],
    "other_request": lambda reply: [reply.sealed(requestid="0" * 32)],
    "impostor": lambda reply: [reply.sealed(senderid="nobody.example.com")],
    "previous": _previous,
    "contradiction": lambda reply: [reply.saying("a lie").sealed()],
    "twins": lambda reply: [reply.saying(TWINS).sealed()],
    "control": lambda reply: [reply.saying(CONTROL).sealed()],
    "aborting": _aborting,
}
"""The lies by name. A node may have several, joined by +."""


def payloads(lie: str | None, reply: Reply) -> list[bytes]:
    """Return what a node sends that lies in this way. An honest node sends one reply."""
    names = (lie or "true").split("+")
    return [payload for name in names for payload in LIES[name](reply)]
