# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of security providers sign: a request and a reply, with the options of the providers."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Serializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)

HASH, BODY_KEY = Symbol("hash"), Symbol("body")
BODY = {Symbol("action"): "ping", Symbol("data"): {Symbol("a"): [1, "1,000", {}]}}
SERIALIZERS: dict[str, type[Serializer]] = {"yaml": YamlSerializer, "marshal": MarshalSerializer}
USUAL = object()
"""Stands for :data:`REPLY` as the body of a reply."""
REPLY = {
    Symbol("statuscode"): 0,
    Symbol("statusmsg"): "OK",
    Symbol("data"): {Symbol("n"): "\u00e9"},
}


def ssl_options(keys: certificates.KeyPairs, serializer: str = "yaml") -> dict[str, str]:
    """Return the options of a client with the provider ssl."""
    return {
        "identity": "me",
        "securityprovider": "ssl",
        "plugin.ssl_client_private": keys.client_private,
        "plugin.ssl_client_public": keys.client_public,
        "plugin.ssl_server_public": keys.server_public,
        "plugin.ssl_serializer": serializer,
    }


def request(config: Config) -> Message:
    return Message(BODY, "rpcutil", config, ttl=30, now=lambda: 1395419893)


def as_bytes(value: t.Any) -> bytes:
    return t.cast(bytes, value.encode() if isinstance(value, str) else value)
