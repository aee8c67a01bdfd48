# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's half of protocol version 2: JSON Web Tokens, ed25519 signatures in both directions."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .documents import (
    FILTER,
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

_PROTOCOL = "io.choria.protocol.v2"
_HOUR = 3600


class Signer:
    """A node's key and its token.

    :param issuer: signs the token.
    :param claims: what differs from a usual token.
    """

    def __init__(self, issuer: Ed25519PrivateKey, identity: str, /, **claims: t.Any) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
        now = int(time.time())
        usual: dict[str, t.Any] = {
            "purpose": "choria_server",
            "identity": identity,
            "collectives": ["choria"],
            "ou": "choria",
            "iss": f"I-{public_hex(issuer)}",
            "public_key": public_hex(self.key),
            "iat": now - _HOUR,
            "nbf": now - _HOUR,
            "exp": now + 24 * _HOUR,
            "jti": secrets.token_hex(8),
        }
        self.token = _token({**usual, **claims}, issuer)


class Version2:
    """What all nodes of a fleet share.

    :param issuer: the private key of the organisation, which signs the nodes' tokens.
    :ivar strangers: another organisation's key, which nobody trusts.
    """

    def __init__(self, issuer: Ed25519PrivateKey) -> None:
        self.issuer = issuer
        self.strangers = Ed25519PrivateKey.generate()
        self._signers: dict[bytes, Signer] = {}

    def signer(self, name: bytes) -> Signer:
        """Return a node's key and token, which are made once."""
        if name not in self._signers:
            self._signers[name] = Signer(self.issuer, name.decode())
        return self._signers[name]

    def open(self, payload: bytes) -> Request:
        """Return what a payload says. Raises :class:`.Unacceptable`."""
        transport = loaded(payload, f"{_PROTOCOL}.transport")
        secure = loaded(decoded(transport.get("data")), f"{_PROTOCOL}.secure_request")
        data = decoded(secure.get("request"))
        claims = self._claims(secure.get("caller"))
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(claims["public_key"]))
            key.verify(decoded(secure.get("signature")), data)
        except (InvalidSignature, KeyError, ValueError) as error:
            raise Unacceptable(f"not signed by the caller: {error!r}") from error
        request = loaded(data, f"{_PROTOCOL}.request")
        if request.get("caller") != claims.get("callerid"):
            raise Unacceptable("not the caller of the token")
        return _request(request, transport)

    def _claims(self, token: t.Any) -> dict[str, t.Any]:
        """Return a client's claims that the issuer has signed. Raises :class:`.Unacceptable`."""
        try:
            text, _dot, signature = token.rpartition(".")
            self.issuer.public_key().verify(_from_url(signature), text.encode())
            claims = t.cast("dict[str, t.Any]", _claims_of(text))
            timely = claims["nbf"] <= time.time() < claims["exp"]
            allowed = claims["permissions"]["fleet_management"] is True
        except (InvalidSignature, AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unacceptable(f"no token of a client: {error!r}") from error
        if not timely or not allowed or claims.get("purpose") != "choria_client_id":
            raise Unacceptable("the token is not for this, or not now")
        return claims

    def template(self, reply: Reply) -> Template2:
        """Return a template for a reply of the stand-in."""
        return Template2(self, compact(_document(reply)))

    def seal(self, reply: Reply, signer: Signer | None = None) -> bytes:
        """Return the payload of one reply, with its changes."""
        own = signer or self.signer(reply.sender.encode())
        document = compact(_document(reply))
        secure = {
            "protocol": f"{_PROTOCOL}.secure_reply",
            "reply": encoded(document).decode(),
            "hash": encoded(hashlib.sha256(document).digest()).decode(),
            "signature": encoded(own.key.sign(document)).decode(),
            "sender": own.token,
            **reply.changes.get("secure", {}),
        }
        transport = {
            "protocol": f"{_PROTOCOL}.transport",
            "data": encoded(compact(secure)).decode(),
            "headers": {"sender": reply.stranger or reply.sender},
            **reply.changes.get("transport", {}),
        }
        return compact(transport)


class Template2:
    """One answer, to be given by many nodes."""

    def __init__(self, documents: Version2, document: bytes) -> None:
        self._documents, self._document = documents, halves(document)
        stand_in = STAND_IN.decode()
        trace = [["nats://localhost:4222", stand_in, "nats://localhost:4222"]]
        around = compact(
            {
                "protocol": f"{_PROTOCOL}.transport",
                "data": "DATA",
                "headers": {"sender": stand_in, "trace": trace},
            }
        )
        self._before, after = around.split(b"DATA")
        self._after = halves(after)

    def of(self, name: bytes) -> bytes:
        """Return the payload of the node of that name."""
        signer = self._documents.signer(name)
        document = name.join(self._document)
        secure = b'{"protocol":"%s","reply":"%s","hash":"%s","signature":"%s","sender":"%s"}' % (
            b"io.choria.protocol.v2.secure_reply",
            encoded(document),
            encoded(hashlib.sha256(document).digest()),
            encoded(signer.key.sign(document)),
            signer.token.encode(),
        )
        return b"%s%s%s" % (self._before, encoded(secure), name.join(self._after))


def public_hex(key: Ed25519PrivateKey) -> str:
    """Return the public key as tokens and configurations have it."""
    raw, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return key.public_key().public_bytes(raw, form).hex()


def raw_hex(key: Ed25519PrivateKey) -> str:
    """Return the seed of a key, as files have it."""
    raw, none = serialization.Encoding.Raw, serialization.NoEncryption()
    return key.private_bytes(raw, serialization.PrivateFormat.Raw, none).hex()


def _document(reply: Reply) -> dict[str, t.Any]:
    return {
        "protocol": f"{_PROTOCOL}.reply",
        "message": encoded(reply.text.encode()).decode(),
        "request": reply.requestid,
        "sender": reply.sender,
        "agent": reply.agent,
        "time": int(reply.time * 1e9),
        **reply.changes.get("envelope", {}),
        **reply.changes.get("reply", {}),
    }


def _request(request: dict[str, t.Any], transport: dict[str, t.Any]) -> Request:
    texts = [request.get(key) for key in ("id", "caller", "collective", "agent")]
    reply_to = (transport.get("headers") or {}).get("reply")
    ttl, when = request.get("ttl"), request.get("time")
    if not all(isinstance(text, str) and text for text in (*texts, reply_to)):
        raise Unacceptable(f"not as the schema wants it: {request}")
    if not (is_whole(ttl) and is_whole(when)) or not abs(time.time() - when / 1e9) < ttl:
        raise Unacceptable("older than its ttl, or of the future")
    wanted = {**{key: [] for key in FILTER}, **(request.get("filter") or {})}
    body = unwrapped(decoded(request.get("message")))
    requestid, caller, collective, agent = t.cast("list[str]", texts)
    return Request(
        requestid, caller, collective, agent, checked_filter(wanted), body, t.cast("str", reply_to)
    )


def _token(claims: dict[str, t.Any], issuer: Ed25519PrivateKey) -> str:
    text = ".".join(_to_url(compact(part)) for part in ({"alg": "EdDSA", "typ": "JWT"}, claims))
    return f"{text}.{_to_url(issuer.sign(text.encode()))}"


def _claims_of(text: str) -> t.Any:
    return json.loads(_from_url(text.partition(".")[2]))


def _to_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
