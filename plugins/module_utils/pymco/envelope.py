# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Envelopes: what a request or a reply consists of, whatever the dialect in which it is written."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from . import exc
from .serializers import Symbol


@dataclasses.dataclass(frozen=True)
class Envelope:
    """A request. The security provider adds the caller when it signs.

    :ivar identity: the sender.
    :ivar filter: a :class:`.Filter`, or a mapping in the form that MCollective's nodes expect.
    :ivar ttl: seconds for which nodes take the request.
    :ivar body: "ping" for the discovery agent, a dict for RPC agents.
    :ivar requestid: 32 hexadecimal digits; empty until the request is sent.
    :ivar time: when it was sent, in seconds since 1970.
    """

    identity: str
    agent: str
    collective: str
    filter: t.Mapping[str, t.Any]
    ttl: int
    body: t.Any
    requestid: str = ""
    time: int = 0

    def symbols(self) -> dict[str, t.Any]:
        """Return it as MCollective's nodes expect it (MC:security/base.rb, create_request)."""
        filter_ = dict(self.filter)
        if self.agent == "discovery":
            # Nodes ignore it. The reference sends it (MC:rpc/client.rb, discover).
            filter_["collective"] = self.collective
        fields = {
            "senderid": self.identity,
            "requestid": self.requestid,
            "filter": filter_,
            "collective": self.collective,
            "agent": self.agent,
            "ttl": self.ttl,
            "msgtime": self.time,
            "body": self.body,
        }
        return {Symbol(key): value for key, value in fields.items()}


def is_seconds(value: t.Any) -> bool:
    """Return True for a whole number that can be a time or a duration, as the nodes' languages have them: in 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


class Received:
    """A reply, or a request that a node has made by itself.

    :raises exc.DecodingError: the requestid is not a text in ASCII, so nobody has made one like it.
    :ivar requestid: of the request that it claims to answer.
    :ivar sender: the identity that it claims to come from; of any type until it is verified.
    :ivar fields: all that it says, in the form of its dialect.
    :ivar body: the answer itself, once the reply is verified.
    :ivar digest: of the body as it came. Bodies are compared by it: links can make values far larger than their bytes.
    :ivar written_out: about how many bytes the body has without links; 0 if it is known to have none.
    """

    # There may be very many of them.
    __slots__ = ("body", "digest", "fields", "requestid", "sender", "written_out")

    def __init__(self, requestid: t.Any, sender: t.Any, fields: dict[str, t.Any]) -> None:
        if not isinstance(requestid, str) or not requestid.isascii():
            raise exc.DecodingError("a message without its requestid")
        self.requestid, self.sender, self.fields = requestid, sender, fields
        self.body: t.Any = None
        self.digest = b""
        self.written_out = 0

    def fill(self, source: bytes, body: t.Any) -> None:
        """Take the body of a message that is verified.

        :param source: the body as it came, decrypted.
        """
        self.body, self.digest = body, hashlib.sha256(source).digest()
