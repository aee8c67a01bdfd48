# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's half of protocol version 1: X.509 callers, RSA signatures, replies with a hash."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import time
import typing as t

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .documents import (
    STAND_IN,
    Reply,
    Request,
    Unacceptable,
    checked_filter,
    compact,
    decoded,
    encoded,
    halves,
    is_whole,
    loaded,
    unwrapped,
)

if t.TYPE_CHECKING:
    from pathlib import Path

_CALLER = re.compile(r"^[a-z]+=([\w.\-]+)")
_ALLOWED = re.compile(r"\.(mcollective|choria)$")
_TEXTS = ("requestid", "senderid", "callerid", "collective", "agent")


class Version1:
    """What all nodes of a fleet share.

    :param authority: the file of the certificate that signs those of callers.
    """

    def __init__(self, authority: Path) -> None:
        self._authority = x509.load_pem_x509_certificate(authority.read_bytes())

    def open(self, payload: bytes) -> Request:
        """Return what a payload says. Raises :class:`.Unacceptable`."""
        transport = loaded(payload, "choria:transport:1")
        secure = loaded(decoded(transport.get("data")), "choria:secure:request:1")
        request = loaded(_text(secure, "message"), "choria:request:1")
        envelope = _envelope(request)
        self._prove(secure, envelope["callerid"])
        _check_age(envelope)
        return Request(
            envelope["requestid"],
            envelope["callerid"],
            envelope["collective"],
            envelope["agent"],
            checked_filter(envelope.get("filter")),
            unwrapped(_text(request, "message").encode()),
            _text(transport.get("headers"), "reply-to"),
        )

    def _prove(self, secure: dict[str, t.Any], caller: str) -> None:
        """Check that the caller has the certificate and its key. Raises :class:`.Unacceptable`."""
        try:
            certificate = x509.load_pem_x509_certificates(_text(secure, "pubcert").encode())[0]
            certificate.verify_directly_issued_by(self._authority)
            key = certificate.public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            message = _text(secure, "message").encode()
            signature = decoded(secure.get("signature"))
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, TypeError, InvalidSignature) as error:
            raise Unacceptable(f"not signed by the caller: {error!r}") from error
        found = _CALLER.match(caller)
        if not found or found[1] not in _names(certificate) or not _ALLOWED.search(found[1]):
            raise Unacceptable(f"{caller} may not call")

    def template(self, reply: Reply) -> Template1:
        """Return a template for a reply of the stand-in."""
        return Template1(compact(_document(reply)))

    def seal(self, reply: Reply) -> bytes:
        """Return the payload of one reply, with its changes."""
        message = compact(_document(reply))
        secure = {
            "protocol": "choria:secure:reply:1",
            "message": message.decode(),
            "hash": encoded(hashlib.sha256(message).digest()).decode(),
            **reply.changes.get("secure", {}),
        }
        transport = {
            "protocol": "choria:transport:1",
            "data": encoded(compact(secure)).decode(),
            "headers": {"mc_sender": reply.stranger or reply.sender},
            **reply.changes.get("transport", {}),
        }
        return compact(transport)


class Template1:
    """One answer, to be given by many nodes."""

    def __init__(self, message: bytes) -> None:
        stand_in = STAND_IN.decode()
        self._message = halves(message)
        secure = compact(
            {
                "protocol": "choria:secure:reply:1",
                "message": message.decode(),
                "hash": "HASH",
            }
        )
        head, tail = secure.split(b"HASH")
        self._head, self._tail = halves(head), tail
        around = compact(
            {
                "protocol": "choria:transport:1",
                "data": "DATA",
                "headers": {
                    "mc_sender": stand_in,
                    "seen-by": [["nats://localhost:4222", stand_in, "nats://localhost:4222"]],
                },
            }
        )
        self._before, after = around.split(b"DATA")
        self._after = halves(after)

    def of(self, name: bytes) -> bytes:
        """Return the payload of the node of that name."""
        digest = encoded(hashlib.sha256(name.join(self._message)).digest())
        data = encoded(b"%s%s%s" % (name.join(self._head), digest, self._tail))
        return b"%s%s%s" % (self._before, data, name.join(self._after))


def _document(reply: Reply) -> dict[str, t.Any]:
    envelope = {
        "requestid": reply.requestid,
        "senderid": reply.sender,
        "agent": reply.agent,
        "time": int(reply.time),
        **reply.changes.get("envelope", {}),
    }
    return {
        "protocol": "choria:reply:1",
        "message": reply.text,
        "envelope": envelope,
        **reply.changes.get("reply", {}),
    }


def _text(document: t.Any, key: str) -> str:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise Unacceptable(f"{key} is no text")
    return value


def _envelope(request: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the envelope if the schema has it so. Raises :class:`.Unacceptable`."""
    envelope: t.Any = request.get("envelope")
    for key in _TEXTS:
        _text(envelope, key)
    whole = all(is_whole(envelope.get(key)) for key in ("ttl", "time"))
    if len(envelope["requestid"]) != 32 or not whole or envelope["ttl"] < 30:
        raise Unacceptable(f"not as the schema wants it: {json.dumps(envelope)}")
    return t.cast("dict[str, t.Any]", envelope)


def _check_age(envelope: dict[str, t.Any]) -> None:
    if not abs(time.time() - envelope["time"]) < envelope["ttl"]:
        raise Unacceptable("older than its ttl, or of the future")


def _names(certificate: x509.Certificate) -> set[str]:
    """Return the names of a certificate that is valid for a client today."""
    now = datetime.datetime.now(datetime.timezone.utc)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Unacceptable("the certificate has expired")
    found = {
        str(attribute.value)
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    }
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            found.update(extension.value.get_values_for_type(x509.DNSName))
        is_usage = isinstance(extension.value, x509.ExtendedKeyUsage)
        if is_usage and ExtendedKeyUsageOID.CLIENT_AUTH not in extension.value:
            raise Unacceptable("the certificate is not for clients")
    return found
