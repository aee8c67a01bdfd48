# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both versions of Choria's protocol share, as a node sees them."""

from __future__ import annotations

import base64
import binascii
import json
import typing as t
from dataclasses import dataclass, field, replace

STAND_IN = b"node#####.example.com"
"""Is replaced by a node's identity, in templates of replies."""
FILTER = ("fact", "cf_class", "agent", "identity", "compound")


def is_whole(value: t.Any) -> bool:
    """Return True for a whole number; JSON's true is none."""
    return isinstance(value, int) and not isinstance(value, bool)


class Unacceptable(Exception):
    """A node drops the request, and says nothing."""


@dataclass(frozen=True)
class Request:
    """A request whose signature and caller are proven.

    :ivar body: the RPC body, or what the discovery agent is sent.
    """

    requestid: str
    caller: str
    collective: str
    agent: str
    filter: dict[str, t.Any]
    body: bytes
    reply_to: str


@dataclass(frozen=True)
class Reply:
    """A reply before it is wrapped. A lie changes some of it.

    :ivar sender: what the reply says of its sender; stranger: what the transport's headers say, if that differs.
    :ivar changes: what to replace in which document: reply, envelope, secure or transport.
    """

    requestid: str
    sender: str
    agent: str
    text: str
    time: float
    stranger: str | None = None
    changes: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)

    def changed(self, document: str, **changes: t.Any) -> Reply:
        """Return the same reply with some fields of a document replaced."""
        return replace(self, changes={**self.changes, document: changes})


class Template(t.Protocol):
    """One answer, to be given by many nodes."""

    def of(self, name: bytes) -> bytes:
        """Return the payload of the node of that name."""


class Documents(t.Protocol):
    """How requests are proven, and replies wrapped."""

    def open(self, payload: bytes) -> Request:
        """Return what a payload says. Raises :class:`Unacceptable`."""

    def template(self, reply: Reply) -> Template:
        """Return a template for a reply of :data:`STAND_IN`."""

    def seal(self, reply: Reply) -> bytes:
        """Return the payload of one reply, with its changes."""


def compact(value: t.Any) -> bytes:
    """Return JSON as Go writes it, without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def loaded(text: str | bytes, protocol: str) -> dict[str, t.Any]:
    """Return a document of that protocol. Raises :class:`Unacceptable`."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Unacceptable(f"no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("protocol") != protocol:
        raise Unacceptable(f"no {protocol}")
    return found


def decoded(text: t.Any) -> bytes:
    """Return what is behind Base64. Raises :class:`Unacceptable`."""
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:
        raise Unacceptable(f"no Base64: {error}") from error


def encoded(data: bytes) -> bytes:
    """Return Base64 without line breaks."""
    return binascii.b2a_base64(data, newline=False)


def unwrapped(body: bytes) -> bytes:
    """Return an RPC body. Whatever is Base64 is decoded, as a Go node does (message/message.go)."""
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return body


def checked_filter(found: t.Any) -> dict[str, t.Any]:
    """Return a filter if the schema of version 1 has it so. Raises :class:`Unacceptable`."""
    if not isinstance(found, dict) or any(not isinstance(found.get(key), list) for key in FILTER):
        raise Unacceptable(f"a filter has the lists {FILTER}, not {found}")
    for fact in found["fact"]:
        if not isinstance(fact, dict) or not all(
            isinstance(fact.get(key), str) and fact[key] for key in ("fact", "operator", "value")
        ):
            raise Unacceptable(f"no fact's filter: {fact}")
    return found


def halves(text: bytes) -> list[bytes]:
    """Return the pieces between the places of the sender's name."""
    return text.split(STAND_IN)
