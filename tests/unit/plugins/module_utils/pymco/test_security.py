# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The security providers: what they sign, accept and refuse."""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    SecurityProvider,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Serializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers.base import (
    Regexp,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.utils import load_rsa_key
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)

HASH, BODY_KEY = Symbol("hash"), Symbol("body")
PSK = "a key: %s \u00e9"
BODY = {Symbol("action"): "ping", Symbol("data"): {Symbol("a"): [1, "1,000", {}]}}
USUAL = object()
REPLY = {
    Symbol("statuscode"): 0,
    Symbol("statusmsg"): "OK",
    Symbol("data"): {Symbol("n"): "\u00e9"},
}


def psk_config(**more: str) -> Config:
    options = {"identity": "me", "plugin.psk": PSK}
    return Config({**options, **{k.replace("__", "."): v for k, v in more.items()}})


def ssl_options(keys: certificates.KeyPairs, serializer: str = "yaml") -> dict[str, str]:
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


# -- RSA keys ------------------------------------------------------------------------------------

SERIALIZERS: dict[str, type[Serializer]] = {"yaml": YamlSerializer, "marshal": MarshalSerializer}


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_openssl_confirms_our_signature(
    serializer: str, rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys, serializer)))
    envelope = SERIALIZERS[serializer]().deserialize(provider.encode(request(provider.config)))
    body, signature = tmp_path / "body", tmp_path / "signature"
    body.write_bytes(as_bytes(envelope[":body"]))
    signature.write_bytes(base64.b64decode(envelope[":hash"]))
    command = ["openssl", "dgst", "-sha1", "-verify", rsa_keys.client_public]
    command += ["-signature", str(signature), str(body)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.stdout == "Verified OK\n", finished.stderr


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_an_ssl_body_is_wrapped_with_the_ttl_and_time_of_its_envelope(
    serializer: str, rsa_keys: certificates.KeyPairs
) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys, serializer)))
    message = request(provider.config)
    envelope = SERIALIZERS[serializer]().deserialize(provider.encode(message))
    body = SERIALIZERS[serializer]().deserialize(as_bytes(envelope[":body"]))
    assert body == {":ssl_msg": BODY, ":ssl_ttl": 30, ":ssl_msgtime": 1395419893}
    assert all(isinstance(key, Symbol) for key in body)
    assert (envelope[":ttl"], envelope[":msgtime"]) == (30, 1395419893)
    assert envelope[":callerid"] == "cert=alice.admin"
    unsigned = {k: v for k, v in envelope.items() if k not in (":body", ":hash", ":callerid")}
    assert unsigned == {k: v for k, v in message.items() if k != ":body"}


def test_a_signature_is_in_lines_of_sixty(rsa_keys: certificates.KeyPairs) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys)))
    lines = provider.sign(request(provider.config))[HASH].split("\n")
    assert [len(line) for line in lines] == [60, 60, 60, 60, 60, 44, 0]


@pytest.mark.parametrize(
    "name,callerid",
    [
        ("alice.pem", "cert=alice"),
        ("a.b.pem", "cert=a.b"),
        ("alice", "cert=alice"),
        ("alice.pub", "cert=alice.pub"),
        ("a.pem.pem", "cert=a.pem"),
    ],
)
def test_the_ssl_caller_is_the_name_of_the_public_key(
    name: str, callerid: str, rsa_keys: certificates.KeyPairs
) -> None:
    options = {**ssl_options(rsa_keys), "plugin.ssl_client_public": f"/keys/{name}"}
    assert security_provider(Config(options)).callerid == callerid


def test_the_ssl_files_of_the_environment_win(rsa_keys: certificates.KeyPairs) -> None:
    options = {**ssl_options(rsa_keys), "plugin.ssl_client_private": "/no/such/file"}
    environ = {
        "MCOLLECTIVE_SSL_PRIVATE": rsa_keys.client_private,
        "MCOLLECTIVE_SSL_PUBLIC": "/keys/bob.pem",
    }
    assert security_provider(Config(options, environ=environ)).callerid == "cert=bob"


def ssl_reply(
    keys: certificates.KeyPairs, serializer: str = "yaml", body: t.Any = USUAL
) -> dict[str, t.Any]:
    """A reply as a node signs it: with the nodes' key, unwrapped."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    data = SERIALIZERS[serializer]().serialize(REPLY if body is USUAL else body)
    signature = keys.server.sign(data, padding.PKCS1v15(), hashes.SHA1())
    return {
        Symbol("senderid"): "web1",
        Symbol("requestid"): "0" * 32,
        Symbol("senderagent"): "rpcutil",
        Symbol("msgtime"): 1395419893,
        BODY_KEY: data.decode() if serializer == "yaml" else data,
        HASH: base64.encodebytes(signature).decode(),
    }


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("newlines", [True, False])
def test_an_ssl_reply_is_read(
    serializer: str, newlines: bool, rsa_keys: certificates.KeyPairs
) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys, serializer)))
    reply = ssl_reply(rsa_keys, serializer)
    if not newlines:
        reply[HASH] = reply[HASH].replace("\n", "")
    opened = provider.decode(SERIALIZERS[serializer]().serialize(reply))
    assert opened[":body"] == REPLY
    assert ":hash" not in opened


@pytest.mark.parametrize(
    "change",
    [
        {BODY_KEY: "--- forged\n"},
        {BODY_KEY: ""},
        {HASH: ""},
        {HASH: None},
        {HASH: "AAAA"},
        {HASH: "not base64!"},
        {HASH: "\u00e9"},
        {HASH: b"\xff"},
        {HASH: ["a"]},
        {HASH: 5},
        {HASH: {}},
    ],
)
def test_an_ssl_reply_that_was_changed_is_refused(
    change: dict[Symbol, t.Any], rsa_keys: certificates.KeyPairs
) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys)))
    with pytest.raises(exc.VerificationError, match="not signed with the nodes' key"):
        provider.verify({**ssl_reply(rsa_keys), **change})


def test_an_ssl_reply_that_a_client_signed_is_refused(rsa_keys: certificates.KeyPairs) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys)))
    with pytest.raises(exc.VerificationError):
        provider.verify(provider.sign(request(provider.config)))


def test_an_ssl_reply_without_hash_is_refused(rsa_keys: certificates.KeyPairs) -> None:
    reply = ssl_reply(rsa_keys)
    del reply[HASH]
    with pytest.raises(exc.VerificationError):
        security_provider(Config(ssl_options(rsa_keys))).verify(reply)


@pytest.mark.parametrize("body", [None, 5, ["x"], {"a": 1}])
def test_an_ssl_reply_whose_body_is_no_string_is_refused(
    body: t.Any, rsa_keys: certificates.KeyPairs
) -> None:
    provider = security_provider(Config(ssl_options(rsa_keys)))
    with pytest.raises((exc.VerificationError, exc.DecodingError)):
        provider.verify({**ssl_reply(rsa_keys), BODY_KEY: body})


def test_the_key_of_the_nodes_may_be_a_certificate_or_the_private_key(
    rsa_keys: certificates.KeyPairs, authority: certificates.Authority
) -> None:
    certificate, key = authority.issue("nodes")
    for server_public in (certificate, key):
        options = {
            **ssl_options(rsa_keys),
            "plugin.ssl_server_public": server_public,
            "plugin.ssl_client_private": key,
        }
        provider = security_provider(Config(options))
        signed = provider.sign(request(provider.config))
        assert provider.verify(signed)[":body"][":ssl_msg"] == BODY


@pytest.mark.parametrize(
    "option", ["plugin.ssl_client_private", "plugin.ssl_client_public", "plugin.ssl_server_public"]
)
def test_a_missing_ssl_option_is_named(option: str, rsa_keys: certificates.KeyPairs) -> None:
    options = ssl_options(rsa_keys)
    del options[option]
    with pytest.raises(exc.ImproperlyConfigured, match=f"ssl needs the option {option}$"):
        security_provider(Config(options))


def test_a_public_key_in_place_of_the_private_is_refused(rsa_keys: certificates.KeyPairs) -> None:
    options = {**ssl_options(rsa_keys), "plugin.ssl_client_private": rsa_keys.client_public}
    with pytest.raises(exc.ImproperlyConfigured, match="ssl_client_private is a public key"):
        security_provider(Config(options))


@pytest.fixture
def bad_keys(tmp_path: pathlib.Path) -> dict[str, pathlib.Path]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    files = {name: tmp_path / f"{name}.pem" for name in ("missing", "empty", "garbage", "cut")}
    files.update(
        {name: tmp_path / f"{name}.pem" for name in ("passphrase", "damaged", "ec", "directory")}
    )
    files["empty"].write_bytes(b"")
    files["garbage"].write_bytes(b"SECRET \xff\x00 PRIVATE KEY-----")
    key = certificates.new_key()
    certificates.write_private(files["passphrase"], key, b"hush")
    whole = certificates.write_private(files["cut"], key)
    files["cut"].write_text(pathlib.Path(whole).read_text()[:500] + "SECRET")
    files["directory"].mkdir()
    numbers = key.private_numbers()
    length = (numbers.dmp1.bit_length() + 7) // 8
    whole_der = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    damaged = whole_der.replace(
        numbers.dmp1.to_bytes(length, "big"), (numbers.dmp1 ^ 2).to_bytes(length, "big")
    )
    assert damaged != whole_der
    files["damaged"].write_text(
        "-----BEGIN RSA PRIVATE KEY-----\n"
        f"{base64.encodebytes(damaged).decode()}-----END RSA PRIVATE KEY-----\n"
    )
    files["ec"].write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.parametrize(
    "kind,why",
    [
        ("missing", "No such file or directory"),
        ("directory", "it is a directory, and only regular files are read"),
        ("empty", "no usable RSA key in PEM form without a passphrase"),
        ("garbage", "no usable RSA key in PEM form without a passphrase"),
        ("cut", "no usable RSA key in PEM form without a passphrase"),
        ("passphrase", "no usable RSA key in PEM form without a passphrase"),
        ("damaged", "no usable RSA key in PEM form without a passphrase"),
        ("ec", "but no RSA key"),
    ],
)
def test_a_key_file_that_will_not_do_is_named_and_not_shown(
    kind: str, why: str, bad_keys: dict[str, pathlib.Path]
) -> None:
    path = str(bad_keys[kind])
    with pytest.raises(exc.CredentialError) as caught:
        load_rsa_key(path, "the client's private key")
    message = str(caught.value)
    assert caught.value.path == path
    assert f"the client's private key {path}" in message
    assert why in message
    assert "SECRET" not in message


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
