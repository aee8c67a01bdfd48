# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What both versions of Choria's protocol have in common.

A request is the RPC body's JSON in the request's JSON, in a secure document with a signature, in a transport document with
the reply address. A reply is the same without the reply address.
"""

from __future__ import annotations

import abc
import binascii
import collections
import logging
import re
import time
import typing as t

from .. import exc, json_text
from ..envelope import is_seconds
from ..serializers import Symbol
from .base import BODY, BaseProvider

if t.TYPE_CHECKING:
    from ..choria import ChoriaOptions
    from ..envelope import Envelope, Received
    from ..settings import Settings

PONG = "pong"
FILTERS = ("fact", "cf_class", "agent", "identity", "compound")
"""A node of Go that misses one of them runs the action and cannot reply (Go: the schema of its request)."""

_CODE, _MESSAGE, _DATA = Symbol("statuscode"), Symbol("statusmsg"), Symbol("data")
_ID, _SENDER, _AGENT, _TIME = (
    *(Symbol("requestid"), Symbol("senderid")),
    *(Symbol("senderagent"), Symbol("msgtime")),
)
_SENT = 64
"""How many requests are remembered, to compare their replies."""

Document = dict[str, t.Any]


class ChoriaProvider(BaseProvider):
    """``securityprovider = choria``.

    :param options: what the configuration says of Choria.
    """

    # A node does not look further than this (Go: security.go, CallerIdentity): "okta=a@example.com" is a caller.
    valid_callerid = re.compile(r"[a-z]+=[\w.\-][\x21-\x7e]*", re.ASCII)
    least_ttl: t.ClassVar[int]
    """The smallest ttl, in seconds, that nodes take."""

    def __init__(
        self, config: Settings, options: ChoriaOptions, logger: logging.Logger | None = None
    ) -> None:
        self.options = options
        super().__init__(config, logger)
        self._sent: collections.OrderedDict[str, tuple[str, t.Any]] = collections.OrderedDict()
        ttl = config.getint("ttl")
        if ttl < self.least_ttl:
            raise exc.ImproperlyConfigured(f"{config.origin('ttl')}: {self._too_short(ttl)}")

    @staticmethod
    def now() -> float:
        """Return the time at which certificates and tokens must hold, in seconds since 1970."""
        return time.time()

    # -- requests ------------------------------------------------------------------------------

    def check(self, envelope: Envelope) -> None:
        """See :meth:`.BaseProvider.check`."""
        self._checked(envelope)

    def seal(self, envelope: Envelope) -> bytes:
        """Return the secure document. See :meth:`.BaseProvider.seal`."""
        payload = self._secured(self._checked(envelope).encode())
        action = envelope.body.get(":action") if isinstance(envelope.body, dict) else None
        self._sent[envelope.requestid] = envelope.agent, action
        if len(self._sent) > _SENT:
            self._sent.popitem(last=False)
        self.logger.debug("signed a request as %s: %d bytes", self.callerid, len(payload))
        return payload

    def _checked(self, envelope: Envelope) -> str:
        if envelope.ttl < self.least_ttl:
            raise exc.SerializationError(self._too_short(envelope.ttl))
        try:
            self._renew()
        except exc.CredentialError as error:
            raise exc.SerializationError(str(error)) from error
        return self._request(envelope)

    @abc.abstractmethod
    def _renew(self) -> None:
        """If the credentials have expired since they were read, read their files again.

        :raises exc.CredentialError: those in the files cannot be used either, so nodes would be silent.
        """

    @abc.abstractmethod
    def _request(self, envelope: Envelope) -> str:
        """Return the request document."""

    @abc.abstractmethod
    def _secured(self, request: bytes) -> bytes:
        """Return the secure document that holds a request."""

    def _path(self, path: str | None, option: str, key: str) -> str:
        """Return the path of a file that the provider needs.

        :param option: names the file in a task.
        :param key: names it in a configuration.
        """
        if path:
            return path
        raise exc.ImproperlyConfigured(
            f"{self.config.source}: securityprovider = choria needs the option {option}, which is"
            f" {key} in a client.conf"
        )

    def _too_short(self, ttl: int) -> str:
        return (
            f"ttl = {ttl} is too short: nodes silently drop requests with a ttl below"
            f" {self.least_ttl} s"
        )

    # -- replies -------------------------------------------------------------------------------

    def _fill_in(self, received: Received, *, agent: t.Any, moment: t.Any, message: str) -> None:
        """Take the body of a reply that is as genuine as it can be known to be.

        The time is the node's claim. It is not compared with our clock: only a node that has our request can know
        its requestid, so a reply cannot be older than its request.

        :param message: the text of the body.
        :raises exc.VerificationError: it answers another request.
        :raises exc.DecodingError: it has no body that can be read.
        """
        if not is_seconds(moment) or not isinstance(agent, str) or not agent.isascii():
            raise exc.DecodingError("a reply without its time or its agent")
        # Nodes of Go answer a ping with a word that is not JSON.
        body = PONG if message == PONG else json_text.read_text(message)
        self._compare(received.requestid, agent, body)
        body = _shaped(body)
        received.fill(message.encode(), body)
        received.fields = {
            _ID: received.requestid,
            _SENDER: received.sender,
            _AGENT: agent,
            _TIME: moment,
            BODY: body,
        }

    def _compare(self, requestid: str, agent: str, body: t.Any) -> None:
        """Refuse a node's reply to a request that somebody else sent with our requestid and reply address."""
        sent = self._sent.get(requestid)
        if sent is None:
            return
        action = body.get("action") if isinstance(body, dict) else None
        # Only nodes of Go name the action, and not in every failure.
        if agent != sent[0] or (action and action != sent[1]):
            raise exc.VerificationError("the reply is of another agent or action")


def base64_text(data: bytes) -> str:
    """Return bytes in Base64, in one line, as Choria's documents have them."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def filter_document(envelope: Envelope) -> Document:
    """Return a request's filter with all lists that nodes need, and no others.

    :raises exc.SerializationError: nodes would silently drop it.
    """
    facts = envelope.filter.get("fact") or ()
    if any(str(fact.get(Symbol("value"), "")) == "" for fact in facts):
        raise exc.SerializationError(
            "a fact filter has no value, and nodes silently drop such requests"
        )
    return {name: list(envelope.filter.get(name) or ()) for name in FILTERS}


def body_document(envelope: Envelope) -> t.Any:
    """Return a request's body without what only nodes of Ruby know, which take it from the inputs again.

    Nodes of Go hand it on to external agents as if it were an input (Go: mcorpc/external/agent.go).
    """
    body, data = envelope.body, Symbol("data")
    if not isinstance(body, dict) or not isinstance(body.get(data), dict):
        return body
    inputs = {name: value for name, value in body[data].items() if name != ":process_results"}
    return {**body, data: inputs}


def refuse_shape(error: Exception) -> exc.DecodingError:
    """Return the error for a document whose parts are missing, or of wrong types."""
    return exc.DecodingError(f"the payload is no reply of Choria's nodes: {type(error).__name__}")


def _shaped(body: t.Any) -> t.Any:
    """Return an RPC body with the keys that MCollective's have. Other bodies stay as they are."""
    if not isinstance(body, dict) or "statuscode" not in body:
        return body
    data = body.get("data")
    # Agents of Go without outputs send a text (Go: mcorpc/agent.go, publish).
    data = {} if data == "{}" else data
    return {_CODE: body["statuscode"], _MESSAGE: body.get("statusmsg"), _DATA: data}
