# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever comes in place of replies is counted and never raised, for every kind of security."""

from __future__ import annotations

import base64
import hashlib
import random
import time
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ansible_collections.pymco.mcollective.plugins.module_utils import _task
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.exchange import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    SecurityProvider,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)

REQUESTID = "0123456789abcdef" * 2
REASONS = {"undecodable", "other_request", "malformed", "forged", "unexpected"}
LONG = 10.0
"""Seconds; each test takes one or two."""
BODY = {
    Symbol("statuscode"): 0,
    Symbol("statusmsg"): "OK",
    Symbol("data"): {Symbol("a"): [1, 2**40, 1.5, None, True, b"\xff", "\u00e9"], "b": {"c": ":d"}},
}
MARSHAL_TAGS = b'0TFilf:;@I"[{}/cmMCeoSuU'
YAML_TAGS = [
    *("!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!!timestamp ", "!!set ", "!!omap "),
    *("!!pairs ", "!!map ", "!!seq ", "!!str ", "!!python/name:os.system ", "!ruby/sym ", "!a "),
    *("!ruby/object:A ", "!ruby/hash:A ", "!binary ", "!ruby/regexp ", "!", "!!", "!<x> ", "&a "),
    *("*a ", "? ", "- ", "<<: ", "[", "{", "}", "]", "'", '"', "|\n", ">\n", ": ", "\0", "\u0085"),
]


class Node:
    """Makes replies that one kind of security takes."""

    def __init__(self, kind: str, keys: certificates.KeyPairs) -> None:
        self._keys = keys
        name, _dash, serializer = kind.partition("-")
        self.security: SecurityProvider = security_provider(
            Config(
                {
                    "identity": "me",
                    "securityprovider": name,
                    "plugin.psk": "key",
                    "plugin.ssl_client_private": keys.client_private,
                    "plugin.ssl_client_public": keys.client_public,
                    "plugin.ssl_server_public": keys.server_public,
                    "plugin.ssl_serializer": serializer,
                }
            )
        )
        self.yaml = serializer == "yaml"
        self._sign = self._rsa if name == "ssl" else self._md5

    def _md5(self, body: bytes) -> str:
        return hashlib.md5(body + b"key").hexdigest()

    def _rsa(self, body: bytes) -> str:
        signature = self._keys.server.sign(body, padding.PKCS1v15(), hashes.SHA1())
        return base64.encodebytes(signature).decode()

    def body(self) -> bytes:
        """The body of a good reply."""
        return self.security.serializer.serialize(BODY)

    def payload(self, body: bytes) -> bytes:
        """A reply with such a body, rightly signed."""
        text = body.decode("utf-8", "replace") if self.yaml else body
        envelope = {
            Symbol("senderid"): "web1",
            Symbol("requestid"): REQUESTID,
            Symbol("senderagent"): "rpcutil",
            Symbol("msgtime"): 1395419893,
            Symbol("body"): text,
            Symbol("hash"): self._sign(text.encode() if isinstance(text, str) else text),
        }
        return self.security.serializer.serialize(envelope)


@pytest.fixture(params=["psk", "ssl-yaml", "ssl-marshal"])
def node(request: pytest.FixtureRequest, rsa_keys: certificates.KeyPairs) -> Node:
    return Node(request.param, rsa_keys)


def mutated(payload: bytes, chance: random.Random) -> bytes:
    """A payload with bytes changed, cut out, repeated or put in."""
    broken = bytearray(payload)
    for _change in range(chance.choice((1, 1, 1, 2, 5))):
        start = chance.randrange(len(broken) + 1)
        end = min(len(broken), start + chance.choice((0, 1, 1, 4, 40)))
        broken[start:end] = chance.choice(
            (b"", chance.randbytes(end - start), broken[start:end] * 2, chance.randbytes(1))
        )
    return bytes(broken)


def tagged(payload: bytes, chance: random.Random, yaml: bool) -> bytes:
    """A payload with tags of the format at random places."""
    broken = bytearray(payload)
    for _tag in range(chance.choice((1, 1, 2, 8))):
        position = chance.randrange(len(broken) + 1)
        if yaml:
            broken[position:position] = chance.choice(YAML_TAGS).encode()
        else:
            broken[position : position + chance.randrange(2)] = bytes([chance.choice(MARSHAL_TAGS)])
    return bytes(broken)


def taken(node: Node, payload: bytes) -> bool:
    """Whether it is a reply; what comes of it then can be told to Ansible."""
    intake = Intake(node.security, REQUESTID, ["web1"])
    reply = intake.take(payload)
    rejected = dict(intake.outcome.rejected)
    assert reply != bool(rejected)
    assert set(rejected) <= REASONS
    for envelope in intake.outcome.replies.values():
        _task.to_json(envelope)
    return reply


def changes(node: Node, good: bytes, rounds: int) -> t.Iterator[bytes]:
    chance = random.Random(20260101)
    for _round in range(rounds):
        yield mutated(good, chance)
        yield tagged(good, chance, node.yaml)
        yield tagged(mutated(good, chance), chance, node.yaml)


def test_a_good_reply_is_taken(node: Node) -> None:
    assert taken(node, node.payload(node.body()))


def test_changed_payloads_are_rejected_or_taken_and_never_raised(node: Node) -> None:
    start, good = time.monotonic(), node.payload(node.body())
    outcomes = [taken(node, payload) for payload in changes(node, good, 700)]
    assert not all(outcomes)
    assert time.monotonic() - start < LONG


def test_changed_bodies_that_are_rightly_signed_are_rejected_or_taken_and_never_raised(
    node: Node,
) -> None:
    start, good = time.monotonic(), node.body()
    results = [taken(node, node.payload(body)) for body in changes(node, good, 250)]
    # Some changes leave a body that reads well; without both kinds it would not test much.
    assert set(results) == {True, False}
    assert time.monotonic() - start < LONG


def test_random_bytes_with_a_good_beginning_are_rejected_and_never_raised(node: Node) -> None:
    start, chance = time.monotonic(), random.Random(20260102)
    for _round in range(500):
        tags = bytes(chance.choices(MARSHAL_TAGS, k=chance.randrange(30)))
        words = "".join(chance.choices(YAML_TAGS, k=chance.randrange(30))).encode()
        beginning = b"---" if node.yaml else b"\x04\x08"
        for payload in (tags, words, chance.randbytes(50)):
            assert not taken(node, beginning + payload)
        taken(node, node.payload(beginning + chance.choice((tags, words))))
    assert time.monotonic() - start < LONG
