# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every security provider does: it makes payloads of requests, and opens payloads of replies."""

from __future__ import annotations

import abc
import logging
import re
import typing as t

from .. import exc
from ..envelope import Envelope, Received
from ..serializers import Serializer, Symbol
from ..serializers.base import is_usual
from ..utils import base64_lines, from_base64

if t.TYPE_CHECKING:
    from ..settings import Settings

BODY = Symbol("body")
HASH = Symbol("hash")
CALLERID = Symbol("callerid")


class BaseProvider(abc.ABC):
    """Turns requests into opaque bytes, and bytes into replies.

    :param logger: gets which requests are signed, and what becomes of their replies; default: the
        configuration's.
    :raises exc.ImproperlyConfigured: an option is missing or wrong.
    :ivar callerid: who sends, in the form "kind=name".
    :ivar warnings: sentences for the user.
    :ivar verifies_requests: True if it can verify requests that nodes make by themselves.
    """

    verifies_requests = False
    valid_callerid: t.ClassVar[re.Pattern[str]] = re.compile(r"\w+=[\w.\-]+", re.ASCII)
    """Nodes silently drop requests of other callers (MC:security/base.rb, valid_callerid?)."""

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        self.config = config
        self.logger = logger or config.logger
        self.warnings: list[str] = []
        self.callerid = self._callerid()
        if not self.valid_callerid.fullmatch(self.callerid):
            raise exc.ImproperlyConfigured(
                f"{config.source}: every node would refuse the callerid {self.callerid!r}: it must have"
                " the form word=name with letters, digits, dots, dashes and underscores"
            )

    @abc.abstractmethod
    def _callerid(self) -> str:
        """Return who sends, in the form "kind=name"."""

    @abc.abstractmethod
    def check(self, envelope: Envelope) -> None:
        """Refuse a request that cannot be written. Raises :class:`.exc.SerializationError`."""

    @abc.abstractmethod
    def seal(self, envelope: Envelope) -> bytes:
        """Return a request's payload. Raises :class:`.exc.SerializationError` if it has none."""

    def address(self, payload: bytes, reply_to: str) -> bytes:
        """Return a payload with where its replies go, for a protocol that tells nodes so in the payload.

        :param payload: what :meth:`seal` returned.
        """
        return payload

    @abc.abstractmethod
    def open(self, payload: bytes) -> Received:
        """Read a reply of which nothing is verified yet.

        :raises exc.DecodingError: it is not an envelope.
        """

    @abc.abstractmethod
    def authenticate(self, received: Received) -> None:
        """Verify a reply and fill in its body.

        :raises exc.VerificationError: the signature is missing or wrong.
        :raises exc.DecodingError: it has no body that can be read.
        """

    def open_request(self, payload: bytes) -> Received:
        """Read a request that a node has made by itself, of which nothing is verified yet. Its fields are ``:agent``,
        ``:msgtime`` and ``:ttl``, both in seconds, and perhaps others.

        :raises exc.DecodingError: it is not an envelope.
        """
        return self.open(payload)

    def authenticate_request(self, received: Received) -> None:
        """Verify such a request, and fill in its body.

        :raises exc.VerificationError: the signature is missing or wrong, or nothing of this provider can be verified.
        :raises exc.DecodingError: it has no body that can be read.
        """
        raise exc.VerificationError("nothing proves who has made a request")

    def _required(self, key: str) -> str:
        """Return an option of the configuration that the provider needs."""
        value = self.config.get(key)
        if not value:
            raise exc.ImproperlyConfigured(
                f"{self.config.source}: securityprovider = {self.config['securityprovider']}"
                f" needs the option {key}"
            )
        return value


class SecurityProvider(BaseProvider):
    """A provider of MCollective, with python-mcollective's methods on envelopes as dicts with Symbols.

    A payload is a serialized envelope whose body is itself serialized, so that its very bytes can be
    signed.
    """

    verifies_requests = True
    proof: t.ClassVar[Symbol] = HASH
    """The key of an envelope whose value nobody needs once it is verified."""

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        super().__init__(config, logger)
        self.serializer: Serializer = self._serializer()()

    def check(self, envelope: Envelope) -> None:
        """See :meth:`.BaseProvider.check`."""
        fields = envelope.symbols()
        if not is_usual(fields):
            self.serialize(fields)

    def seal(self, envelope: Envelope) -> bytes:
        """See :meth:`.BaseProvider.seal`."""
        return self.encode(envelope.symbols())

    def open(self, payload: bytes) -> Received:
        """See :meth:`.BaseProvider.open`."""
        fields = self.deserialize(payload)
        return Received(fields.get(":requestid"), fields.get(":senderid"), fields)

    def authenticate(self, received: Received) -> None:
        """See :meth:`.BaseProvider.authenticate`."""
        body = self._verified(received.fields)
        received.fields = self._opened(received.fields, body)
        received.written_out = self.serializer.written_out
        received.fill(body, received.fields[BODY])

    def authenticate_request(self, received: Received) -> None:
        """See :meth:`.BaseProvider.authenticate_request`. Nodes sign requests as they sign replies."""
        self.authenticate(received)

    @abc.abstractmethod
    def _serializer(self) -> type[Serializer]:
        """Return the serializer of envelopes and bodies."""

    @abc.abstractmethod
    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return the envelope that goes on the wire: its body is serialized and signed. The message
        itself does not change.

        :raises exc.SerializationError: the serializer cannot write the body.
        """

    @abc.abstractmethod
    def _verified(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """Return the serialized body of a received envelope.

        :raises exc.VerificationError: the signature is missing or wrong.
        :raises exc.DecodingError: there is no such body.
        """

    def verify(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Return a received envelope with its body as plain data.

        :raises exc.VerificationError: the signature is missing or wrong.
        :raises exc.DecodingError: the body cannot be read.
        """
        return self._opened(msg, self._verified(msg))

    def encode(self, msg: t.Mapping[str, t.Any], b64: bool = False) -> bytes:
        """Return a request's payload.

        :param b64: in Base64. Connectors do that by themselves; python-mcollective did it here.
        """
        payload = self.serialize(self.sign(msg))
        self.logger.debug("signed a request as %s: %d bytes", self.callerid, len(payload))
        return base64_lines(payload).encode() if b64 else payload

    def decode(self, msg: bytes, b64: bool = False) -> dict[str, t.Any]:
        """Return a reply's envelope, verified. Raises as :meth:`deserialize` and :meth:`verify` do.

        :param b64: see :meth:`encode`.
        """
        return self.verify(self.deserialize(from_base64(msg) if b64 else msg))

    def serialize(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """Write an envelope."""
        return self.serializer.serialize(dict(msg))

    def deserialize(self, msg: bytes) -> dict[str, t.Any]:
        """Read an envelope. Nothing in it is verified yet.

        :raises exc.DecodingError: the payload is not an envelope.
        """
        envelope = self.serializer.deserialize(msg)
        if not isinstance(envelope, dict):
            raise exc.DecodingError("the payload is not an envelope")
        return envelope

    # -- for subclasses ------------------------------------------------------------------------

    def _signed(
        self, message: t.Mapping[str, t.Any], body: bytes, **extra: str
    ) -> dict[str, t.Any]:
        """Return an envelope with the caller, the serialized body and further keys of the provider."""
        return {
            **message,
            CALLERID: self.callerid,
            BODY: self.serializer.embed(body),
            **{Symbol(key): value for key, value in extra.items()},
        }

    def _opened(self, envelope: t.Mapping[str, t.Any], body: bytes) -> dict[str, t.Any]:
        """Return an envelope with its body as plain data, and without the proof."""
        opened = {**envelope, BODY: self.serializer.deserialize(body)}
        opened.pop(self.proof, None)
        return opened


def body_bytes(envelope: t.Mapping[str, t.Any]) -> bytes:
    """Return the very bytes of a serialized body.

    :raises exc.DecodingError: the envelope has none.
    """
    body = envelope.get(BODY)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes):
        return body
    raise exc.DecodingError("the envelope has no serialized body")
