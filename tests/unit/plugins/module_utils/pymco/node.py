# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node behind a scripted broker. It reads requests and answers them, with the key "key" (psk)."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
)


def config(port: int, connector: str = "rabbitmq", **more: str) -> Config:
    """Return a client's configuration with one broker."""
    return Config(
        {
            "identity": "me",
            "connector": connector,
            "plugin.psk": "key",
            f"plugin.{connector}.pool.size": "1",
            f"plugin.{connector}.pool.1.host": "127.0.0.1",
            f"plugin.{connector}.pool.1.port": str(port),
            "discovery_timeout": "0.3",
            **more,
        }
    )


def read(frame: Frame) -> dict[str, t.Any]:
    """Return a request as a node reads it."""
    envelope: dict[str, t.Any] = MarshalSerializer().deserialize(frame.body)
    body = envelope[":body"]
    envelope[":body"] = MarshalSerializer().deserialize(
        body.encode() if isinstance(body, str) else body
    )
    return envelope


def sealed(
    request: t.Mapping[str, t.Any], sender: str, body: t.Any = "pong", key: bytes = b"key"
) -> bytes:
    """Return a signed reply."""
    data = MarshalSerializer().serialize(body)
    envelope = {
        Symbol("senderid"): sender,
        Symbol("requestid"): request[":requestid"],
        Symbol("senderagent"): request[":agent"],
        Symbol("msgtime"): 1395419893,
        Symbol("body"): data,
        Symbol("hash"): hashlib.md5(data + key).hexdigest(),
    }
    return MarshalSerializer().serialize(envelope)


def answer(peer: Peer, request: t.Mapping[str, t.Any], sender: str, body: t.Any) -> None:
    """Reply to a request."""
    peer.reply(sealed(request, sender, body))


def done(code: t.Any = 0, message: t.Any = "OK", data: t.Any = None) -> dict[Symbol, t.Any]:
    """Return the body of an RPC reply."""
    return {
        Symbol("statuscode"): code,
        Symbol("statusmsg"): message,
        Symbol("data"): {Symbol("pong"): 1} if data is None else data,
    }
