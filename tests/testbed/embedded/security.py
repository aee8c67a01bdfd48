# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes' side of the security providers: they check requests and sign replies."""

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

from . import aes

if t.TYPE_CHECKING:
    from ..keys import KeyPair


class Unacceptable(Exception):
    """A node drops the request, and says nothing."""


class _Scheme(t.Protocol):
    """How requests and replies are protected."""

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        """Return a request's body as plain data. Raises ValueError or :class:`Unacceptable`."""

    def sealed(self, body: bytes, forged: bool) -> dict[str, t.Any]:
        """Return the fields of a reply that the envelope does not have. The body is bytes if it is not encrypted."""


class NodeSecurity:
    """What all nodes of a collective share.

    :param security: psk, ssl-marshal, ssl-yaml, aes (with YAML), or none (with YAML).
    :param psk: the pre-shared key.
    :param pairs: the nodes' key pair, and that of the only client that they know; psk needs none.
    """

    def __init__(self, security: str, psk: str, *pairs: KeyPair) -> None:
        kind = security.partition("-")[0]
        yaml = security in ("ssl-yaml", "aes", "none")
        self._serializer = SERIALIZERS["yaml" if yaml else "marshal"]()
        self._wrapped = kind if kind in ("ssl", "aes") else None
        self._signer = _Psk(psk) if kind == "psk" else _Ssl(*pairs)
        self._scheme: _Scheme = _None() if kind == "none" else self._signer
        if self._wrapped:
            _server, operator = pairs
            self._caller = f"cert={operator.public.name.removesuffix('.pem')}"
        if kind == "aes":
            self._scheme = _Aes(operator)

    def open(self, payload: bytes) -> dict[str, t.Any]:
        """Return a request with its body as plain data. Raises :class:`Unacceptable`."""
        try:
            request = self._serializer.deserialize(payload)
            raw = request[":body"]
            plain = self._scheme.opened(request, raw.encode() if isinstance(raw, str) else raw)
            self._check_age(request)
            return {**request, ":body": self._unwrapped(request, plain)}
        except (DecodingError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unacceptable(str(error)) from error

    def _unwrapped(self, request: dict[str, t.Any], plain: bytes) -> t.Any:
        body = self._serializer.deserialize(plain)
        if self._wrapped is None:
            return body
        if request[":callerid"] != self._caller:
            raise Unacceptable("unknown caller")
        msg, ttl, msgtime = (body[f":{self._wrapped}_{key}"] for key in ("msg", "ttl", "msgtime"))
        if [ttl, msgtime] != [request[":ttl"], request[":msgtime"]]:
            raise Unacceptable("ttl or msgtime were changed on the way")
        return msg

    def _check_age(self, request: dict[str, t.Any]) -> None:
        if time.time() - request[":msgtime"] > request[":ttl"]:
            raise Unacceptable("older than its ttl")

    def seal(self, envelope: dict[str, t.Any], body: t.Any, forged: bool = False) -> bytes:
        """Return a reply's payload. A forged reply has the signature of other data."""
        if isinstance(body, dict):
            body = symbolize(body)
            body[Symbol("data")] = symbolize(body[Symbol("data")])
        fields = self._scheme.sealed(self._serializer.serialize(body), forged)
        if isinstance(fields["body"], bytes):
            fields["body"] = self._serializer.embed(fields["body"])
        return self._serializer.serialize({**symbolize(envelope), **symbolize(fields)})

    def signature(self, data: bytes) -> str:
        """Return the value of :hash for a serialized body."""
        return self._signer.signature(data)


class _Signing:
    """Replies are signed, and everybody can read them."""

    def signature(self, data: bytes) -> str:
        raise NotImplementedError

    def sealed(self, body: bytes, forged: bool) -> dict[str, t.Any]:
        return {"body": body, "hash": self.signature(b"something else" if forged else body)}

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        raise NotImplementedError


class _Psk(_Signing):
    def __init__(self, psk: str) -> None:
        self._psk = psk.encode()

    def signature(self, data: bytes) -> str:
        return hashlib.md5(data + self._psk).hexdigest()

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        if request[":hash"] != self.signature(body):
            raise Unacceptable("another pre-shared key")
        return body


class _Ssl(_Signing):
    def __init__(self, server: KeyPair, operator: KeyPair) -> None:
        self._private = load_rsa_key(str(server.private))
        self._public = load_rsa_key(str(operator.public))

    def signature(self, data: bytes) -> str:
        signature = self._private.sign(data, padding.PKCS1v15(), hashes.SHA1())
        return base64.encodebytes(signature).decode()

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        try:
            signature = base64.b64decode(request[":hash"])
            self._public.verify(signature, body, padding.PKCS1v15(), hashes.SHA1())
        except InvalidSignature as error:
            raise Unacceptable("wrong signature") from error
        return body


class _Aes:
    def __init__(self, operator: KeyPair) -> None:
        self._public = load_rsa_key(str(operator.public))

    def sealed(self, body: bytes, forged: bool) -> dict[str, t.Any]:
        return dict(aes.encrypt(body, self._public, forged))

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        sealed = base64.b64decode(request[":sslkey"])
        return aes.decrypt(body, aes.public_decrypt(self._public, sealed))


class _None:
    def sealed(self, body: bytes, forged: bool) -> dict[str, t.Any]:
        return {"body": body}

    def opened(self, request: dict[str, t.Any], body: bytes) -> bytes:
        return body
