# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page trust_model says about replies, and about what a request shows and what its signature covers.

A limit of the protocol is a test too. What real nodes do with a changed request is in the interop tests
of the same name.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter, Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    SecurityProvider,
    aes,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.utils import (
    base64_lines,
    load_rsa_key,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)

Envelope = dict[str, t.Any]
SETTINGS = ["psk", "ssl-marshal", "ssl-yaml", "aes-marshal", "aes-yaml", "none"]
SIGNED = SETTINGS[:3]
KEYS = SETTINGS[1:5]
AES = SETTINGS[3:5]
PSK = "a word"
OLD, PRESENT = "0" * 32, "f" * 32
PAGE = {Symbol("statuscode"): 0, Symbol("statusmsg"): "OK", Symbol("data"): {Symbol("v"): "x" * 99}}


class Setting:
    """One setting of security: the client, and what each node can do with what each node has."""

    def __init__(self, name: str, keys: certificates.KeyPairs, **options: str) -> None:
        self.provider, _dash, self.serializer = name.partition("-")
        self._keys = keys
        own = {
            "psk": {"plugin.psk": PSK},
            "none": {},
            "ssl": {
                "plugin.ssl_client_private": keys.client_private,
                "plugin.ssl_client_public": keys.client_public,
                "plugin.ssl_server_public": keys.server_public,
                "plugin.ssl_serializer": self.serializer,
            },
            "aes": {
                "plugin.aes.client_private": keys.client_private,
                "plugin.aes.client_public": keys.client_public,
                "plugin.aes.serializer": self.serializer,
            },
        }[self.provider]
        word = {"aes": "aes_security"}.get(self.provider, self.provider)
        named = {key.replace("__", "."): value for key, value in options.items()}
        self.config = Config({"identity": "me", "securityprovider": word, **own, **named})
        self.security: SecurityProvider = security_provider(self.config)

    def request(self, **changes: t.Any) -> Envelope:
        """A request's envelope on the wire, made of a message with other fields."""
        made = Message({Symbol("action"): "ping"}, "rpcutil", self.config, ttl=60, now=lambda: 1000)
        made[":requestid"] = OLD
        for field, value in changes.items():
            made[field] = value
        return self.security.deserialize(self.security.encode(made))

    def reply(self, requestid: str = OLD, sender: str = "web1") -> Envelope:
        """A node's reply as it travels."""
        body = self.security.serializer.serialize(PAGE)
        envelope: Envelope = {
            Symbol("senderid"): sender,
            Symbol("requestid"): requestid,
            Symbol("senderagent"): "rpcutil",
            Symbol("msgtime"): 1000,
        }
        return {**envelope, **self._sealed(body)}

    def _sealed(self, body: bytes) -> Envelope:
        if self.provider == "aes":
            return self.sealed_for_the_caller(body)
        proof = ""
        if self.provider == "psk":
            proof = hashlib.md5(body + PSK.encode()).hexdigest()
        if self.provider == "ssl":
            key = load_rsa_key(self._keys.server_private)
            proof = base64_lines(key.sign(body, padding.PKCS1v15(), hashes.SHA1()))
        return {Symbol("body"): self.security.serializer.embed(body), Symbol("hash"): proof}

    def sealed_for_the_caller(self, body: bytes) -> Envelope:
        """With the caller's public key and nothing else."""
        secret = secrets.token_bytes(32)
        public = load_rsa_key(self._keys.client_public)
        data = base64_lines(aes._encrypt(body, secret, 32)).encode()
        return {
            Symbol("body"): self.security.serializer.embed(data),
            Symbol("sslkey"): base64_lines(public.encrypt(secret, padding.PKCS1v15())),
        }

    def taken(self, *envelopes: Envelope, expected: t.Collection[str] | None = None) -> Intake:
        """Return how the client treats these replies while it waits for replies to its current request."""
        intake = Intake(self.security, PRESENT, expected)
        for envelope in envelopes:
            intake.take(self.security.serialize(envelope))
        return intake


@pytest.fixture
def setting(request: pytest.FixtureRequest, rsa_keys: certificates.KeyPairs) -> Setting:
    """The setting that the test names."""
    return Setting(request.param, rsa_keys)


def with_(*names: str) -> pytest.MarkDecorator:
    """With these settings of security."""
    return pytest.mark.parametrize("setting", names, indirect=True)


def changed(envelope: Envelope, **fields: t.Any) -> Envelope:
    """A captured envelope with other fields, by somebody who has no key."""
    return {**envelope, **{Symbol(name): value for name, value in fields.items()}}


# -- limits of the protocol: replies ----------------------------------------------------------------


@with_(*SETTINGS)
def test_an_old_reply_is_good_for_another_node_and_another_request(setting: Setting) -> None:
    forged = changed(setting.reply(), requestid=PRESENT, senderid="db1", senderagent="service")
    intake = setting.taken(forged, expected=["db1"])
    assert intake.outcome.replies["db1"].body == PAGE
    assert not intake.outcome.rejected


@with_(*SETTINGS)
@pytest.mark.parametrize(
    "field,value",
    [("senderid", "db1"), ("requestid", PRESENT), ("senderagent", "x"), ("msgtime", 0)],
)
def test_no_field_of_a_reply_s_envelope_is_signed(
    setting: Setting, field: str, value: t.Any
) -> None:
    opened = setting.security.verify(changed(setting.reply(), **{field: value}))
    assert opened[":body"] == PAGE


@with_("psk", "ssl-marshal", "ssl-yaml")
def test_any_node_answers_for_any_other_and_the_first_one_wins(setting: Setting) -> None:
    """All nodes sign with the same key."""
    lie = setting.reply(PRESENT, "web1")
    truth = changed(setting.reply(PRESENT, "web1"), msgtime=2000)
    intake = setting.taken(lie, truth, expected=["web1"])
    assert intake.outcome.replies["web1"].fields[":msgtime"] == 1000
    assert sum(intake.outcome.rejected.values()) == 1


@with_("psk", "ssl-marshal", "ssl-yaml")
def test_one_node_answers_a_discovery_under_names_that_do_not_exist(setting: Setting) -> None:
    names = [f"invented{number}.example.com" for number in range(3)]
    intake = setting.taken(*(setting.reply(PRESENT, name) for name in names), expected=None)
    assert list(intake.outcome.replies) == names


@with_(*AES)
def test_with_aes_whoever_has_the_caller_s_public_key_writes_replies(setting: Setting) -> None:
    body = setting.security.serializer.serialize({Symbol("statuscode"): 0})
    invented = {**setting.reply(PRESENT), **setting.sealed_for_the_caller(body)}
    intake = setting.taken(invented)
    assert intake.outcome.replies["web1"].body == {":statuscode": 0}


@with_("aes-marshal")
def test_with_aes_a_reply_is_changed_without_any_key(setting: Setting) -> None:
    """CBC without a code of authentication: a flipped bit flips the same one of the next block."""
    reply = setting.reply(PRESENT)
    raw = reply[":body"]
    data = bytearray(base64.b64decode(raw))
    block = len(data) // 16 // 2 * 16
    data[block + 4] ^= ord("x") ^ ord("y")
    intake = setting.taken(changed(reply, body=base64_lines(bytes(data)).encode()))
    value = intake.outcome.replies["web1"].body[":data"][":v"]
    assert b"xyxx" in (value if isinstance(value, bytes) else value.encode())


@with_("none")
def test_with_none_everything_is_believed(setting: Setting) -> None:
    body = setting.security.serializer.serialize({Symbol("statuscode"): 0})
    invented = changed(setting.reply(PRESENT), body=setting.security.serializer.embed(body))
    assert setting.taken(invented).outcome.replies["web1"].body == {":statuscode": 0}


# -- limits of the protocol: requests ----------------------------------------------------------------


@with_("psk", "ssl-marshal", "ssl-yaml")
@pytest.mark.parametrize(
    "field,value",
    [
        ("senderid", "you"),
        ("requestid", PRESENT),
        ("agent", "service"),
        ("collective", "elsewhere"),
        ("filter", Filter().add_agent("x").add_identity("web2")),
    ],
)
def test_no_field_of_a_request_s_envelope_is_signed(
    setting: Setting, field: str, value: t.Any
) -> None:
    usual, other = setting.request(), setting.request(**{field: value})
    assert usual[f":{field}"] != other[f":{field}"]
    assert (usual[":body"], usual[":hash"]) == (other[":body"], other[":hash"])


@with_("psk", "none")
@pytest.mark.parametrize("field", ["ttl", "msgtime"])
def test_with_psk_neither_ttl_nor_time_is_signed(setting: Setting, field: str) -> None:
    assert setting.request()[":body"] == setting.request(**{field: 5})[":body"]


@with_("ssl-marshal", "ssl-yaml")
@pytest.mark.parametrize("field", ["ttl", "msgtime"])
def test_with_ssl_ttl_and_time_are_signed(setting: Setting, field: str) -> None:
    usual, other = setting.request(), setting.request(**{field: 5})
    assert usual[":body"] != other[":body"]
    assert usual[":hash"] != other[":hash"]


@with_("psk", "ssl-marshal", "ssl-yaml", "none")
def test_requests_and_replies_can_be_read_on_the_way(setting: Setting) -> None:
    for envelope in (setting.request(body="in clear"), changed(setting.reply(), hash="")):
        payload = setting.security.serialize(envelope)
        assert b"in clear" in payload or b"x" * 99 in payload


@with_(*AES)
def test_with_aes_whoever_has_the_public_key_reads_requests(
    setting: Setting, rsa_keys: certificates.KeyPairs
) -> None:
    """As every node has it."""
    envelope = setting.request(body="not in clear")
    assert b"not in clear" not in setting.security.serialize(envelope)
    assert b"not in clear" in read_by_public_key(envelope, rsa_keys.client_public)


@pytest.mark.parametrize("name", AES)
def test_with_send_pubkey_everybody_on_the_way_reads_requests(
    name: str, rsa_keys: certificates.KeyPairs, tmp_path: t.Any
) -> None:
    setting = Setting(name, rsa_keys, plugin__aes__send_pubkey="1")
    envelope = setting.request(body="not in clear")
    path = tmp_path / "captured.pem"
    path.write_text(envelope[":sslpubkey"])
    assert b"not in clear" in read_by_public_key(envelope, str(path))


def read_by_public_key(envelope: Envelope, path: str) -> bytes:
    """A request's body, opened as a node does (RFC 8017, 9.2)."""
    numbers = load_rsa_key(path).public_numbers()
    sealed = int.from_bytes(base64.b64decode(envelope[":sslkey"]), "big")
    padded = pow(sealed, numbers.e, numbers.n).to_bytes(256, "big")
    body = envelope[":body"]
    data = base64.b64decode(body)
    return aes._decrypt(data, padded[padded.index(b"\0", 2) + 1 :], 32)


@with_("psk")
def test_with_psk_one_captured_message_is_enough_to_try_words(setting: Setting) -> None:
    """Offline, one MD5 for each guess."""
    envelope = setting.request()
    body = envelope[":body"]
    data = body if isinstance(body, bytes) else body.encode()
    guesses = ["unset", "secret", "marionette", PSK]
    found = [
        word
        for word in guesses
        if hashlib.md5(data + word.encode()).hexdigest() == envelope[":hash"]
    ]
    assert found == [PSK]


# Two texts of one MD5; X. Wang, H. Yu: How to Break MD5 and Other Hash Functions (2005).
COLLIDING = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89"
    "55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
FLIPPED = (19, 45, 59, 83, 109, 123)
"""The bytes in which the other one differs, by their highest bit."""


@with_("psk")
def test_with_psk_two_bodies_of_one_md5_have_one_signature(setting: Setting) -> None:
    """The key comes last, so it adds nothing: whoever gets one of two such texts signed has both."""
    other = bytes(byte ^ 0x80 * (place in FLIPPED) for place, byte in enumerate(COLLIDING))
    assert other != COLLIDING
    signatures = {hashlib.md5(text + PSK.encode()).hexdigest() for text in (COLLIDING, other)}
    assert len(signatures) == 1
    for text in (COLLIDING, other):
        with pytest.raises(exc.DecodingError):  # rightly signed; what it holds is no Marshal
            setting.security.verify({Symbol("body"): text, Symbol("hash"): min(signatures)})


# -- protections ----------------------------------------------------------------------------------


@with_("psk", "ssl-marshal", "ssl-yaml")
def test_a_reply_whose_body_was_changed_is_forged(setting: Setting) -> None:
    reply = setting.reply(PRESENT)
    body = setting.security.serializer.serialize({Symbol("statuscode"): 1})
    intake = setting.taken(changed(reply, body=setting.security.serializer.embed(body)))
    assert (intake.outcome.replies, intake.outcome.rejected) == ({}, {"forged": 1})


@with_(*SETTINGS)
def test_a_captured_reply_as_it_is_is_for_another_request(setting: Setting) -> None:
    intake = setting.taken(setting.reply(OLD))
    assert (intake.outcome.replies, intake.outcome.rejected) == ({}, {"other_request": 1})


@with_(*SETTINGS)
def test_a_sender_that_was_not_asked_is_unexpected(setting: Setting) -> None:
    intake = setting.taken(setting.reply(PRESENT, "stranger"), expected=["web1"])
    assert (intake.outcome.replies, intake.outcome.unexpected) == ({}, ["stranger"])


@with_("none")
def test_a_request_s_identifier_has_128_bits_that_nobody_foresees(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come from the system's generator of secrets, and are all of the identifier."""
    wanted: list[int] = []

    def token_hex(size: int) -> str:
        wanted.append(size)
        return "5" * 2 * size

    monkeypatch.setattr(secrets, "token_hex", token_hex)
    message = Message("ping", "discovery", setting.config)
    assert (message[":requestid"], wanted) == ("5" * 32, [16])
