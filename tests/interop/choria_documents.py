# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads Choria's documents as they pass a broker, with nothing of the client under test."""

from __future__ import annotations

import base64
import json
import typing as t
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

if t.TYPE_CHECKING:
    from testbed.choria.nats import Message

Document = dict[str, t.Any]


@dataclass(frozen=True)
class Seen:
    """A request on its way. The parts of ``secure`` that hold another document are left out.

    :ivar credentials: the certificate or the token that came with it.
    :ivar request: the request document, whose signature has been verified.
    """

    subject: str
    headers: Document
    secure: Document
    credentials: str
    request: Document
    body: t.Any


def read(message: Message) -> Seen:
    """Read a request of either version. Raises InvalidSignature if it is not signed by its sender."""
    transport = json.loads(message.payload)
    secure = json.loads(base64.b64decode(transport["data"], validate=True))
    signature = base64.b64decode(secure.pop("signature"), validate=True)
    if transport["protocol"] == "choria:transport:1":
        text, credentials = secure.pop("message"), secure.pop("pubcert")
        key = x509.load_pem_x509_certificate(credentials.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
        request = json.loads(text)
        body = request.pop("message")
    else:
        data, credentials = base64.b64decode(secure.pop("request")), secure.pop("caller")
        public = bytes.fromhex(_claims(credentials)["public_key"])
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
        request = json.loads(data)
        body = base64.b64decode(request.pop("message"), validate=True).decode()
    # A ping is Base64 of a word, which is no JSON.
    body = json.loads(body) if body[:1] in '{"' else body
    return Seen(message.subject, transport["headers"], secure, credentials, request, body)


def _claims(token: str) -> Document:
    _head, body, _signature = token.split(".")
    padded = body + "=" * (-len(body) % 4)
    return t.cast("Document", json.loads(base64.urlsafe_b64decode(padded)))
