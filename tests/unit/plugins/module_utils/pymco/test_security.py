# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The security providers psk and none, and what holds for all: what they sign, accept and refuse."""

from __future__ import annotations

import hashlib
import os
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    SecurityProvider,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    Regexp,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.signing import (
    BODY,
    BODY_KEY,
    HASH,
    REPLY,
    SERIALIZERS,
    USUAL,
    as_bytes,
    request,
    ssl_options,
)

PSK = "a key: %s \u00e9"


def psk_config(**more: str) -> Config:
    options = {"identity": "me", "plugin.psk": PSK}
    return Config({**options, **{k.replace("__", "."): v for k, v in more.items()}})


# -- pre-shared key ------------------------------------------------------------------------------


def test_a_psk_request_is_what_the_reference_makes() -> None:
    provider = security_provider(psk_config())
    message = request(provider.config)
    envelope = MarshalSerializer().deserialize(provider.encode(message))
    body = MarshalSerializer().serialize(BODY)
    assert as_bytes(envelope[":body"]) == body
    assert envelope[":hash"] == hashlib.md5(body + PSK.encode()).hexdigest()
    assert envelope[":callerid"] == f"uid={os.getuid()}"
    unsigned = {k: v for k, v in envelope.items() if k not in (":body", ":hash", ":callerid")}
    assert unsigned == {k: v for k, v in message.items() if k != ":body"}


@pytest.mark.parametrize(
    "kind,caller",
    [
        ("uid", f"uid={os.getuid()}"),
        ("gid", f"gid={os.getgid()}"),
        ("identity", "identity=me"),
        ("IDENTITY", "identity=me"),
    ],
)
def test_the_psk_caller_is_of_the_configured_type(kind: str, caller: str) -> None:
    assert security_provider(psk_config(plugin__psk__callertype=kind)).callerid == caller


def psk_caller(kind: str, **environ: str) -> str:
    options = {"identity": "me", "plugin.psk": PSK, "plugin.psk.callertype": kind}
    return security_provider(Config(options, environ=environ)).callerid


@pytest.fixture
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has logged in, as in most of Ansible's tasks."""

    def getlogin() -> str:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(os, "getlogin", getlogin)


def test_the_psk_caller_is_who_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getlogin", lambda: "alice")
    assert psk_caller("user", USER="root") == "user=alice"


@pytest.mark.usefixtures("no_terminal")
def test_without_a_terminal_it_is_the_environment_s_user_or_the_process_s() -> None:
    import pwd

    assert psk_caller("user", USER="alice") == "user=alice"
    assert psk_caller("user") == f"user={pwd.getpwuid(os.getuid()).pw_name}"


def test_the_psk_caller_may_be_the_group() -> None:
    import grp

    assert psk_caller("group") == f"group={grp.getgrgid(os.getgid()).gr_name}"


@pytest.mark.usefixtures("no_terminal")
def test_a_caller_that_nodes_would_refuse_is_refused() -> None:
    with pytest.raises(
        exc.ImproperlyConfigured, match="every node would refuse the callerid 'user=alice smith'"
    ):
        psk_caller("user", USER="alice smith")


def test_the_key_of_the_environment_wins() -> None:
    config = Config({"identity": "me", "plugin.psk": PSK}, environ={"MCOLLECTIVE_PSK": "other"})
    signed = security_provider(config).sign(request(config))
    assert signed[HASH] == hashlib.md5(signed[BODY_KEY] + b"other").hexdigest()


def test_psk_without_a_key_is_refused() -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=r"psk needs the option plugin\.psk$"):
        security_provider(Config({"identity": "me"}))


def psk_reply(body: t.Any = USUAL, key: str = PSK) -> dict[str, t.Any]:
    data = MarshalSerializer().serialize(REPLY if body is USUAL else body)
    return {
        Symbol("senderid"): "web1",
        Symbol("requestid"): "0" * 32,
        Symbol("senderagent"): "rpcutil",
        Symbol("msgtime"): 1395419893,
        BODY_KEY: data,
        HASH: hashlib.md5(data + key.encode()).hexdigest(),
    }


def test_a_psk_reply_is_read() -> None:
    provider = security_provider(psk_config())
    opened = provider.decode(MarshalSerializer().serialize(psk_reply()))
    assert opened[":body"] == REPLY
    assert opened[":senderid"] == "web1"
    assert ":hash" not in opened


@pytest.mark.parametrize(
    "change",
    [
        {BODY_KEY: MarshalSerializer().serialize("forged")},
        {BODY_KEY: b""},
        {HASH: "0" * 32},
        {HASH: ""},
        {HASH: None},
        {HASH: "\u00e9" * 32},
        {HASH: "\udcff"},
        {HASH: b"0" * 32},
        {HASH: ["a"]},
        {HASH: 0},
    ],
)
def test_a_psk_reply_that_was_changed_is_refused(change: dict[Symbol, t.Any]) -> None:
    with pytest.raises(exc.VerificationError, match="another pre-shared key"):
        security_provider(psk_config()).verify({**psk_reply(), **change})


def test_a_psk_reply_of_another_key_is_refused() -> None:
    with pytest.raises(exc.VerificationError):
        security_provider(psk_config()).verify(psk_reply(key="other"))


def test_a_psk_reply_without_hash_is_refused() -> None:
    reply = psk_reply()
    del reply[HASH]
    with pytest.raises(exc.VerificationError):
        security_provider(psk_config()).verify(reply)


@pytest.mark.parametrize("body", [None, 5, [1], {"a": 1}])
def test_a_psk_reply_whose_body_is_no_string_is_refused(body: t.Any) -> None:
    with pytest.raises((exc.VerificationError, exc.DecodingError)):
        security_provider(psk_config()).verify({**psk_reply(), BODY_KEY: body})


def test_a_body_that_is_rightly_signed_garbage_is_no_reply() -> None:
    reply = psk_reply()
    reply[BODY_KEY] = b"garbage"
    reply[HASH] = hashlib.md5(b"garbage" + PSK.encode()).hexdigest()
    with pytest.raises(exc.DecodingError):
        security_provider(psk_config()).verify(reply)


# -- none, and what holds for all ----------------------------------------------------------------


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_no_security_sends_the_serialized_body(serializer: str) -> None:
    options = {"identity": "me", "securityprovider": "none", "plugin.none.serializer": serializer}
    provider = security_provider(Config(options))
    envelope = SERIALIZERS[serializer]().deserialize(provider.encode(request(provider.config)))
    assert SERIALIZERS[serializer]().deserialize(as_bytes(envelope[":body"])) == BODY
    assert envelope[":callerid"] == "identity=me"
    assert ":hash" not in envelope
    assert provider.decode(provider.serialize(envelope))[":body"] == BODY


def test_an_unknown_provider_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        exc.ImproperlyConfigured,
        match="the value of securityprovider is not supported; there are aes_security, choria, none, psk, ssl",
    ):
        security_provider(Config({"securityprovider": "sslv9"}))


@pytest.fixture(params=["psk", "none", "ssl"])
def provider(request: pytest.FixtureRequest, rsa_keys: certificates.KeyPairs) -> SecurityProvider:
    options = {**ssl_options(rsa_keys), "securityprovider": request.param, "plugin.psk": PSK}
    return security_provider(Config(options))


def test_signing_leaves_the_message_as_it_is(provider: SecurityProvider) -> None:
    message = request(provider.config)
    before = repr(dict(message))
    provider.sign(message)
    provider.encode(message)
    assert repr(dict(message)) == before


@pytest.mark.parametrize("payload", [b"", b"garbage", b"--- a\n", b"\x04\x08i\x06", b"\xff" * 99])
def test_a_payload_that_is_no_envelope_is_refused(
    payload: bytes, provider: SecurityProvider
) -> None:
    with pytest.raises(exc.DecodingError):
        provider.decode(payload)


def test_a_body_that_has_no_form_is_refused(provider: SecurityProvider) -> None:
    message = request(provider.config)
    message["body"] = {"a": object()}
    with pytest.raises(exc.SerializationError):
        provider.encode(message)


@pytest.mark.parametrize("kind", [str, Symbol, Regexp])
def test_half_of_a_surrogate_pair_is_not_written_as_yaml(kind: t.Callable[[str], t.Any]) -> None:
    with pytest.raises(exc.SerializationError):
        YamlSerializer().serialize({"a": kind("\ud800")})


@pytest.mark.parametrize("text", ["usual", "\xe9", "\ud800"])
def test_what_cannot_be_signed_is_refused_before_it_is_sent(
    provider: SecurityProvider, text: str
) -> None:
    envelope = Envelope("me", "rpcutil", "mcollective", {"fact": [text]}, 60, {"a": [text]})
    if text.isprintable():
        provider.check(envelope)
        assert provider.seal(envelope)
    else:
        with pytest.raises(exc.SerializationError):
            provider.check(envelope)
