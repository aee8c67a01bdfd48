# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole replies, through each security provider and the intake: whatever comes is taken or counted, never
raised.

An input is a letter and bytes: R and a payload as it is, or B and a body that is put into a good reply,
signed or encrypted as a node would.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import tempfile
import typing as t
from pathlib import Path

from testbed.keys import KeyPair, make_keypair

from ansible_collections.pymco.mcollective.plugins.module_utils._task.values import to_json
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    PROVIDERS,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

from .seeds import seeds
from .target import Target
from .targets_serializers import MarshalTarget, YamlTarget, shape

if t.TYPE_CHECKING:
    import random

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

REQUESTID = "0123456789abcdef" * 2
REASONS = {"undecodable", "other_request", "malformed", "forged", "unexpected"}
KEY = "key"
SERIALIZER_OPTIONS = {
    "ssl": "plugin.ssl_serializer",
    "aes_security": "plugin.aes.serializer",
    "none": "plugin.none.serializer",
}
"""What chooses the serializer of a provider that has both."""


class Variant(t.NamedTuple):
    """A security provider with one of its serializers."""

    provider: str
    format: str

    @property
    def name(self) -> str:
        """The name of the target."""
        both = self.provider in SERIALIZER_OPTIONS
        return f"{self.provider}-{self.format}" if both else self.provider


def variants() -> list[Variant]:
    """Return a variant for every provider in the registry, and for each of its serializers. Choria's has targets
    of its own."""
    return [
        Variant(provider, format_)
        for provider in sorted(PROVIDERS.keys() - {"choria"})
        for format_ in ("marshal", "yaml")
        if provider in SERIALIZER_OPTIONS or format_ == "marshal"
    ]


class PayloadTarget(Target):
    """Replies in one variant."""

    def __init__(self, variant: Variant) -> None:
        self._format = YamlTarget() if variant.format == "yaml" else MarshalTarget()
        self._variant = variant
        with tempfile.TemporaryDirectory(prefix="mcollective-fuzz-keys-") as directory:
            self._client = make_keypair(Path(directory), "client")
            self._nodes = make_keypair(Path(directory), "nodes")
            self._security = security_provider(self._config())
            self._client_key = _key(self._client)
            self._nodes_key = _key(self._nodes)

    def _config(self) -> Config:
        return Config(
            {
                "identity": "me",
                "securityprovider": self._variant.provider,
                "plugin.psk": KEY,
                "plugin.ssl_client_private": str(self._client.private),
                "plugin.ssl_client_public": str(self._client.public),
                "plugin.ssl_server_public": str(self._nodes.public),
                "plugin.aes.client_private": str(self._client.private),
                "plugin.aes.client_public": str(self._client.public),
                SERIALIZER_OPTIONS.get(self._variant.provider, "plugin.x"): self._variant.format,
            }
        )

    def memory(self, size: int) -> int:
        """An envelope is read, then the body in it, which has been decoded and decrypted before."""
        return 2 * super().memory(size)

    def seeds(self) -> t.Iterable[bytes]:
        """Bodies, and a whole reply."""
        good = [b"B" + seed for seed in seeds(self._variant.format)]
        good.insert(0, b"R" + self._reply(good[-1][1:]))
        assert all(
            self.run(seed).startswith("accepted") for seed in good
        ), "a good reply is refused"
        return good

    def change(self, chance: random.Random, corpus: t.Sequence[bytes]) -> bytes:
        """Change a whole reply as often as a body."""
        letter = chance.choice((b"R", b"B"))
        some = [entry[1:] for entry in corpus if entry[:1] == letter]
        return letter + self._format.change(chance, some)

    def run(self, payload: bytes) -> str:
        """Take in a reply, and turn the result into JSON as for Ansible."""
        reply = payload[1:] if payload[:1] == b"R" else self._reply(payload[1:])
        intake = Intake(self._security, REQUESTID, ["web1"])
        taken = intake.take(reply)
        rejected = set(intake.outcome.rejected)
        assert taken != bool(rejected), "neither taken nor rejected, or both"
        assert rejected <= REASONS, rejected
        if not taken:
            return f"refused {payload[:1]!r} {rejected}"
        envelope = intake.outcome.replies["web1"].fields
        json.dumps(to_json(envelope)).encode()
        return f"accepted {payload[:1]!r} {shape(envelope)}"

    def _reply(self, body: bytes) -> bytes:
        """Return a reply with this body. Everything else in it is right."""
        text, proof = self._proven(body)
        envelope: dict[t.Any, t.Any] = {
            Symbol("senderid"): "web1",
            Symbol("requestid"): REQUESTID,
            Symbol("senderagent"): "rpcutil",
            Symbol("msgtime"): 1395419893,
            Symbol("body"): text,
            **proof,
        }
        return self._security.serialize(envelope)

    def _proven(self, body: bytes) -> tuple[str | bytes, dict[t.Any, str]]:
        """Return the body in its form on the wire, and its proof. An unknown provider gets neither."""
        provider = self._variant.provider
        if provider == "aes_security":
            return _sealed(body, self._client_key)
        text: str | bytes = (
            body if self._variant.format == "marshal" else body.decode("utf-8", "replace")
        )
        signed = text.encode() if isinstance(text, str) else text
        if provider == "psk":
            return text, {Symbol("hash"): hashlib.md5(signed + KEY.encode()).hexdigest()}
        if provider == "ssl":
            return text, {Symbol("hash"): _signature(signed, self._nodes_key)}
        return text, {}


def _key(pair: KeyPair) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return t.cast("RSAPrivateKey", load_pem_private_key(pair.private.read_bytes(), None))


def _signature(data: bytes, key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    return base64.encodebytes(key.sign(data, padding.PKCS1v15(), hashes.SHA1())).decode()


@functools.cache
def _aes_key(key: RSAPrivateKey) -> tuple[t.Any, str]:
    """One secret for all replies: its cipher (EVP_BytesToKey with MD5, R§2.5), and itself for the client."""
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    secret, material, block = b"s" * 32, b"", b""
    while len(material) < 48:
        block += secret
        for _round in range(2048):
            block = hashlib.md5(block).digest()
        material += block
    sealed = key.public_key().encrypt(secret, padding.PKCS1v15())
    cipher = Cipher(algorithms.AES(material[:32]), modes.CBC(material[32:48]))
    return cipher, base64.encodebytes(sealed).decode()


def _sealed(body: bytes, key: RSAPrivateKey) -> tuple[str, dict[t.Any, str]]:
    from cryptography.hazmat.primitives.padding import PKCS7

    cipher, secret = _aes_key(key)
    padder, encryptor = PKCS7(128).padder(), cipher.encryptor()
    data = encryptor.update(padder.update(body) + padder.finalize()) + encryptor.finalize()
    return base64.encodebytes(data).decode(), {Symbol("sslkey"): secret}
