# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways in which an emulated node of Choria answers wrongly."""

from __future__ import annotations

import base64
import json
import time
import typing as t
from dataclasses import dataclass, replace

from .version2 import Signer, Version2

if t.TYPE_CHECKING:
    from .documents import Documents, Reply

STRANGER = "stranger.example.com"
HUGE = 17 * 2**20
"""Bytes of a reply's text, more than the client takes, and more than a usual broker does."""
DEEP = 100_000
"""Lists within each other."""
CONTROL = "\x1b]0;owned\x07\x1b[2J\u202eevil\u2066\x9b31m\r\x00"
"""Control sequences of terminals, and a bidirectional override, which shows a line as another one."""


@dataclass(frozen=True)
class Truth:
    """What an honest node would send."""

    documents: Documents
    reply: Reply

    def sealed(self, **changes: t.Any) -> bytes:
        """Return its payload, with some fields of the reply replaced."""
        return self.documents.seal(replace(self.reply, **changes))

    def with_document(self, document: str, **changes: t.Any) -> bytes:
        """Return its payload, with some fields of a document replaced."""
        return self.documents.seal(self.reply.changed(document, **changes))

    def saying(self, value: t.Any) -> bytes:
        """Return its payload, with another value in its data."""
        body = json.loads(self.reply.text)
        body["data"] = {**body["data"], "value": value}
        return self.sealed(text=json.dumps(body))

    def signed_by(self, **claims: t.Any) -> bytes:
        """Return its payload, signed with the key of a token that differs in some claims."""
        version2 = t.cast(Version2, self.documents)
        return version2.seal(self.reply, Signer(version2.issuer, self.reply.sender, **claims))


def _garbage(truth: Truth) -> list[bytes]:
    return [b"", b"{", bytes(range(256)), b"[]", b"null", truth.sealed()[:-40]]


def _no_transport(truth: Truth) -> list[bytes]:
    return [
        truth.with_document("transport", protocol="choria:transport:9"),
        truth.with_document("transport", data="***"),
        truth.with_document("transport", data=7),
        truth.with_document("transport", data="e30="),
    ]


def _deep(truth: Truth) -> list[bytes]:
    """Return a payload, and one whose reply's text is what JSON readers fall over."""
    nested = "[" * DEEP + "]" * DEEP
    return [nested.encode(), truth.sealed(text=f'{{"statuscode":0,"data":{nested}}}')]


def _numbers(truth: Truth) -> list[bytes]:
    return [
        truth.sealed(text='{"statuscode":' + "9" * 10_000 + ',"statusmsg":"OK","data":{}}'),
    ]


def _wrong_hash(truth: Truth) -> list[bytes]:
    return [truth.with_document("secure", hash=base64.b64encode(b"0" * 32).decode())]


def _foreign_issuer(truth: Truth) -> list[bytes]:
    version2 = t.cast(Version2, truth.documents)
    return [version2.seal(truth.reply, Signer(version2.strangers, truth.reply.sender))]


LIES: dict[str, t.Callable[[Truth], list[bytes]]] = {
    "true": lambda truth: [truth.sealed()],
    "silent": lambda truth: [],
    "duplicate": lambda truth: [truth.sealed()] * 2,
    "contradiction": lambda truth: [truth.saying("a lie")],
    "control": lambda truth: [truth.saying(CONTROL)],
    "garbage": _garbage,
    "no_transport": _no_transport,
    "deep": _deep,
    "numbers": _numbers,
    "huge": lambda truth: [truth.saying("x" * HUGE)],
    "wrong_hash": _wrong_hash,
    "wrong_request": lambda truth: [truth.sealed(requestid="0" * 32)],
    "stranger": lambda truth: [truth.sealed(sender=STRANGER)],
    "two_names": lambda truth: [truth.sealed(stranger=STRANGER)],
    "no_name": lambda truth: [truth.sealed(sender="-oProxyCommand=x\nweb1.example.com")],
    "no_body": lambda truth: [truth.sealed(text="no JSON")],
    "list_body": lambda truth: [truth.sealed(text="[1]")],
    "text_data": lambda truth: [
        truth.sealed(text='{"statuscode":1,"statusmsg":"failed","data":"{}"}')
    ],
    "no_text": lambda truth: [truth.with_document("envelope", senderid=7, sender=7)],
    "unsigned": lambda truth: [truth.with_document("secure", signature="", sender="")],
    "wrong_signature": lambda truth: [
        truth.with_document("secure", signature=base64.b64encode(b"0" * 64).decode())
    ],
    "foreign_issuer": _foreign_issuer,
    "expired": lambda truth: [truth.signed_by(exp=int(time.time()) - 60)],
    "other_token": lambda truth: [truth.signed_by(identity=STRANGER)],
    "client_token": lambda truth: [truth.signed_by(purpose="choria_client_id")],
}
"""The lies by name. A node may have several, joined by +. Those from unsigned on are version 2's."""


def payloads(lie: str, truth: Truth) -> list[bytes]:
    """Return what a node sends that lies in this way."""
    return [payload for name in lie.split("+") for payload in LIES[name](truth)]
