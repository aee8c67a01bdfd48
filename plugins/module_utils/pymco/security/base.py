# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What every security provider does: make a request's payload, and open a reply's."""

from __future__ import annotations

import abc
import logging
import re
import typing as t

from .. import exc
from ..serializers import Serializer, Symbol
from ..utils import base64_lines, from_base64

if t.TYPE_CHECKING:
    from ..settings import Settings

_CALLERID = re.compile(r"\w+=[\w.\-]+", re.ASCII)

BODY = Symbol("body")
HASH = Symbol("hash")
CALLERID = Symbol("callerid")


class SecurityProvider(abc.ABC):
    """Turns envelopes into opaque bytes and back.

    A payload is a serialized envelope whose body is itself serialized, so that its very bytes can
    be signed. Subclasses say how.

    :param logger: gets which requests are signed, and what becomes of their replies; default: the
        configuration's.
    """

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        self.config = config
        self.logger = logger or config.logger
        self.serializer: Serializer = self._serializer()()
        self.callerid = self._callerid()
        if not _CALLERID.fullmatch(self.callerid):
            # Nodes silently drop requests of other callers (MC:security/base.rb, valid_callerid?).
            raise exc.ImproperlyConfigured(
                f"{config.source}: the callerid {self.callerid!r} would be refused by every node:"
                " it must have the form word=name with letters, digits, dots, dashes and underscores"
            )

    @abc.abstractmethod
    def _serializer(self) -> type[Serializer]:
        """The serializer of its envelopes and bodies."""

    @abc.abstractmethod
    def _callerid(self) -> str:
        """Who sends, in the form "kind=name"."""

    @abc.abstractmethod
    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The envelope that goes on the wire: its body serialized and signed. The message itself
        is left as it is.

        :raises exc.SerializationError: the body has no form in the serializer's format.
        """

    @abc.abstractmethod
    def verify(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """A received envelope with its body as plain data.

        :raises exc.VerificationError: the signature is missing or wrong.
        :raises exc.DecodingError: the body is none.
        """

    def encode(self, msg: t.Mapping[str, t.Any], b64: bool = False) -> bytes:
        """A request's payload.

        :param b64: in Base64. Connectors see to that by themselves; python-mcollective did it here.
        """
        payload = self.serialize(self.sign(msg))
        self.logger.debug("signed a request as %s: %d bytes", self.callerid, len(payload))
        return base64_lines(payload).encode() if b64 else payload

    def decode(self, msg: bytes, b64: bool = False) -> dict[str, t.Any]:
        """A reply's envelope, verified. Raises as :meth:`deserialize` and :meth:`verify` do.

        :param b64: see :meth:`encode`.
        """
        return self.verify(self.deserialize(from_base64(msg) if b64 else msg))

    def serialize(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """Write an envelope."""
        return self.serializer.serialize(dict(msg))

    def deserialize(self, msg: bytes) -> dict[str, t.Any]:
        """Read an envelope; nothing in it is verified yet.

        :raises exc.DecodingError: it is none.
        """
        envelope = self.serializer.deserialize(msg)
        if not isinstance(envelope, dict):
            raise exc.DecodingError("the payload is no envelope")
        return envelope

    # -- for subclasses ------------------------------------------------------------------------

    def _required(self, key: str) -> str:
        """A configuration option without which the provider cannot work."""
        value = self.config.get(key)
        if not value:
            raise exc.ImproperlyConfigured(
                f"{self.config.source}: securityprovider = {self.config['securityprovider']}"
                f" needs the option {key}"
            )
        return value

    def _signed(
        self, message: t.Mapping[str, t.Any], body: bytes, **extra: str
    ) -> dict[str, t.Any]:
        """An envelope with the caller, the serialized body and what else the provider adds."""
        return {
            **message,
            CALLERID: self.callerid,
            BODY: self.serializer.embed(body),
            **{Symbol(key): value for key, value in extra.items()},
        }

    def _opened(self, envelope: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """An envelope with its body read, and without the signature, which has served."""
        opened = {**envelope, BODY: self.serializer.deserialize(body_bytes(envelope))}
        opened.pop(HASH, None)
        return opened


def body_bytes(envelope: t.Mapping[str, t.Any]) -> bytes:
    """The very bytes of a serialized body.

    :raises exc.DecodingError: there are none.
    """
    body = envelope.get(BODY)
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes):
        return body
    raise exc.DecodingError("the envelope has no serialized body")
