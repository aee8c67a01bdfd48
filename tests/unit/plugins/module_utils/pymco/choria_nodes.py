# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies as Choria's nodes make them, and tokens as issuers sign them. Each part can be wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib
import typing as t

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS = pathlib.Path(__file__).parent / "vectors"
NOW = 1795932860
REQUESTID = "0123456789abcdef" * 2
BODY = {"statuscode": 0, "statusmsg": "OK", "data": {"fact": "mem", "value": 1024}}
SHAPED = {":statuscode": 0, ":statusmsg": "OK", ":data": {"fact": "mem", "value": 1024}}
"""BODY as the client has it."""
FIELDS = {
    ":body": SHAPED,
    ":requestid": REQUESTID,
    ":senderid": "web1",
    ":senderagent": "rpcutil",
    ":msgtime": NOW,
}
"""What the client has of a reply."""
RECORDED = {
    ":statuscode": 0,
    ":statusmsg": "OK",
    ":data": {"values": {"mem": 2048, "os.family": "Debian"}},
}
"""The body of the recorded replies, as the client has it."""
Changes = t.Optional[t.Mapping[str, t.Any]]


def vector(name: str) -> t.Any:
    """Return a recorded exchange with a real node."""
    return json.loads((VECTORS / name).read_text())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(document: t.Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _changed(document: dict[str, t.Any], changes: Changes) -> dict[str, t.Any]:
    """Return a document with other values. None takes a key away."""
    merged = {**document, **(changes or {})}
    return {key: value for key, value in merged.items() if value is not None}


def v1_reply(
    body: t.Any = ...,
    *,
    envelope: Changes = None,
    reply: Changes = None,
    secure: Changes = None,
    headers: Changes = None,
    transport: Changes = None,
) -> bytes:
    """Return a reply of version 1. A body that is a text is written as it is; "..." is BODY.

    :param envelope: what is different in it. The other arguments change the other documents.
    """
    about = {"requestid": REQUESTID, "senderid": "web1", "agent": "rpcutil", "time": NOW}
    inner = _changed(
        {
            "protocol": "choria:reply:1",
            "message": _text(BODY if body is ... else body),
            "envelope": _changed(about, envelope),
        },
        reply,
    )
    message = json.dumps(inner)
    outer = {
        "protocol": "choria:secure:reply:1",
        "message": message,
        "hash": b64(hashlib.sha256(message.encode()).digest()),
    }
    document = {
        "protocol": "choria:transport:1",
        "data": b64(json.dumps(_changed(outer, secure)).encode()),
        "headers": _changed({"mc_sender": "web1"}, headers),
    }
    return json.dumps(_changed(document, transport)).encode()


def v1_documents(reply: bytes) -> list[bytes]:
    """Return the documents of a reply, the outermost first, and the body."""
    secure = base64.b64decode(json.loads(reply)["data"])
    message = json.loads(secure)["message"]
    return [reply, secure, message.encode(), json.loads(message)["message"].encode()]


def v1_wrapped(depth: int, document: bytes) -> bytes:
    """Return a reply in which one of :func:`v1_documents` is another one. What holds it is right."""
    text = document.decode("utf-8", "surrogateescape")
    if depth == 0:
        return document
    if depth == 3:
        return v1_reply(text)
    if depth == 2:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        return v1_reply(secure={"message": text, "hash": b64(digest)})
    return v1_reply(transport={"data": b64(document)})


# -- version 2 -------------------------------------------------------------------------------------


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An ed25519 key of an issuer, a caller or a node."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)

    def token(self, claims: t.Any, header: t.Any = None) -> str:
        """Return a token that this key signed."""
        header = {"alg": "EdDSA", "typ": "JWT"} if header is None else header
        return self.token_of(_text(header).encode(), _text(claims).encode())

    def token_of(self, header: bytes, claims: bytes) -> str:
        """Return a token of any bytes."""
        signed = f"{_url64(header)}.{_url64(claims)}"
        return f"{signed}.{_url64(self.sign(signed.encode()))}"


ISSUER, STRANGER, CALLER, NODE = (Key(bytes([number]) * 32) for number in (1, 2, 3, 4))


def client_claims(**changes: t.Any) -> dict[str, t.Any]:
    """Return what a client's token says."""
    claims = {
        "callerid": "up=alice",
        "agents": ["*"],
        "ou": "choria",
        "permissions": {"fleet_management": True},
        "purpose": "choria_client_id",
        "public_key": CALLER.public,
        "iss": "Choria Tokens Package",
        "exp": NOW + 3600,
        "nbf": NOW - 60,
        "iat": NOW - 60,
        "jti": "3MlkZaWxAYn9aLAZ0fUDkrYoGE7",
    }
    return _changed(claims, changes)


def server_claims(**changes: t.Any) -> dict[str, t.Any]:
    """Return what a node's token says."""
    claims = client_claims(
        callerid=None, agents=None, permissions=None, purpose="choria_server", identity="web1"
    )
    return _changed({**claims, "public_key": NODE.public}, changes)


def v2_reply(
    body: t.Any = ...,
    *,
    reply: Changes = None,
    secure: Changes = None,
    headers: Changes = None,
    transport: Changes = None,
    token: str | None = None,
    key: Key = NODE,
) -> bytes:
    """Return a signed reply of version 2.

    :param token: of the node that sends it.
    :param key: signs it.
    """
    inner = {
        "protocol": "io.choria.protocol.v2.reply",
        "message": b64(_text(BODY if body is ... else body).encode()),
        "request": REQUESTID,
        "sender": "web1",
        "agent": "rpcutil",
        "time": NOW * 10**9 + 1,
    }
    signed = json.dumps(_changed(inner, reply)).encode()
    outer = {
        "protocol": "io.choria.protocol.v2.secure_reply",
        "reply": b64(signed),
        "hash": b64(hashlib.sha256(signed).digest()),
        "signature": b64(key.sign(signed)),
        "sender": ISSUER.token(server_claims()) if token is None else token,
    }
    document = {
        "protocol": "io.choria.protocol.v2.transport",
        "data": b64(json.dumps(_changed(outer, secure)).encode()),
        "headers": _changed({"sender": "web1"}, headers),
    }
    return json.dumps(_changed(document, transport)).encode()


def v2_documents(reply: bytes) -> list[bytes]:
    """Return the documents of a reply, the outermost first, and the body."""
    secure = base64.b64decode(json.loads(reply)["data"])
    signed = base64.b64decode(json.loads(secure)["reply"])
    return [reply, secure, signed, base64.b64decode(json.loads(signed)["message"])]


def v2_wrapped(depth: int, document: bytes) -> bytes:
    """Return a reply in which one of :func:`v2_documents` is another one. What holds it is right."""
    if depth == 0:
        return document
    if depth == 3:
        return v2_reply(reply={"message": b64(document)})
    if depth == 2:
        proof = {
            "hash": b64(hashlib.sha256(document).digest()),
            "signature": b64(NODE.sign(document)),
        }
        return v2_reply(secure={"reply": b64(document), **proof})
    return v2_reply(transport={"data": b64(document)})
