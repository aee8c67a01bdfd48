# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The security provider ssl: what it signs, accepts and refuses, and which keys it takes."""

from __future__ import annotations

import base64
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.utils import load_rsa_key
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
