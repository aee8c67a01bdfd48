# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes' side of the security providers: requests are checked, replies signed."""

from __future__ import annotations

import base64
import hashlib
import time
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from pymco.exc import DecodingError
from pymco.serializers import SERIALIZERS, Symbol, symbolize
from pymco.utils import load_rsa_key

if t.TYPE_CHECKING:
    from ..keys import KeyPair


class Unacceptable(Exception):
    """A node drops the request, and says nothing."""


class NodeSecurity:
    """What all nodes of a collective share.

    :param security: psk, ssl-marshal or ssl-yaml.
    :param psk: the pre-shared key.
    :param server: the nodes' key pair.
    :param operator: the key pair of the only client that they know.
    """

    def __init__(self, security: str, psk: str, server: KeyPair, operator: KeyPair) -> None:
        self._psk = psk.encode() if security == "psk" else None
        self._serializer = SERIALIZERS["yaml" if security == "ssl-yaml" else "marshal"]()
        self._private = load_rsa_key(str(server.private))
        self._caller = f"cert={operator.public.name.removesuffix('.pem')}"
        self._public = load_rsa_key(str(operator.public))

    def open(self, payload: bytes) -> dict[str, t.Any]:
        """A request with its body read. Raises :class:`Unacceptable`."""
        try:
            request = self._serializer.deserialize(payload)
            raw = request[":body"]
            body = raw.encode() if isinstance(raw, str) else raw
            if self._psk is None:
                return {**request, ":body": self._verified(request, body)}
            if request[":hash"] != hashlib.md5(body + self._psk).hexdigest():
                raise Unacceptable("another pre-shared key")
            self._check_age(request)
            return {**request, ":body": self._serializer.deserialize(body)}
        except (DecodingError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unacceptable(str(error)) from error

    def _verified(self, request: dict[str, t.Any], body: bytes) -> t.Any:
        if request[":callerid"] != self._caller:
            raise Unacceptable("unknown caller")
        try:
            signature = base64.b64decode(request[":hash"])
            self._public.verify(signature, body, padding.PKCS1v15(), hashes.SHA1())
        except InvalidSignature as error:
            raise Unacceptable("wrong signature") from error
        self._check_age(request)
        wrapped = self._serializer.deserialize(body)
        if [wrapped[":ssl_ttl"], wrapped[":ssl_msgtime"]] != [request[":ttl"], request[":msgtime"]]:
            raise Unacceptable("ttl or msgtime were changed on the way")
        return wrapped[":ssl_msg"]

    def _check_age(self, request: dict[str, t.Any]) -> None:
        if time.time() - request[":msgtime"] > request[":ttl"]:
            raise Unacceptable("older than its ttl")

    def seal(self, envelope: dict[str, t.Any], body: t.Any, forged: bool = False) -> bytes:
        """A reply's payload; a forged one bears a signature of something else."""
        if isinstance(body, dict):
            body = symbolize(body)
            body[Symbol("data")] = symbolize(body[Symbol("data")])
        serialized = self._serializer.serialize(body)
        signed = b"something else" if forged else serialized
        reply = {
            **symbolize(envelope),
            Symbol("body"): self._serializer.embed(serialized),
            Symbol("hash"): self.signature(signed),
        }
        return self._serializer.serialize(reply)

    def signature(self, data: bytes) -> str:
        """What stands in :hash for a serialized body."""
        if self._psk is not None:
            return hashlib.md5(data + self._psk).hexdigest()
        signature = self._private.sign(data, padding.PKCS1v15(), hashes.SHA1())
        return base64.encodebytes(signature).decode()
