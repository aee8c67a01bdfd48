# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The security provider aes_security, with Ruby as the node at the other end."""

from __future__ import annotations

import base64
import datetime
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    SecurityProvider,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.aes import (
    plain_signature,
    private_encrypt,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Serializer,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.utils import load_rsa_key
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.ruby import (
    Refused,
    Ruby,
)

SERIALIZERS: dict[str, type[Serializer]] = {"yaml": YamlSerializer, "marshal": MarshalSerializer}
CIPHERS = ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc"]
BODY = {Symbol("action"): "ping", Symbol("data"): {Symbol("a"): [1, "1,000", "\u00e9", None, {}]}}
REPLY = '{:statuscode => 0, :statusmsg => "OK", :data => {:n => "\\u00e9", :list => [1, nil]}}'
READ_REPLY = {":statuscode": 0, ":statusmsg": "OK", ":data": {":n": "\u00e9", ":list": [1, None]}}


def options(keys: certificates.KeyPairs, **more: str) -> dict[str, str]:
    return {
        "identity": "me",
        "securityprovider": "aes_security",
        "plugin.aes.client_private": keys.client_private,
        "plugin.aes.client_public": keys.client_public,
        **{key.replace("__", "."): value for key, value in more.items()},
    }


def aes(keys: certificates.KeyPairs, **more: str) -> SecurityProvider:
    return security_provider(Config(options(keys, **more)))


def request(provider: SecurityProvider) -> Message:
    return Message(BODY, "rpcutil", provider.config, ttl=30, now=lambda: 1395419893)


# -- a node's half, in Ruby ----------------------------------------------------------------------

CIPHER = """
require "openssl"
require "base64"
cipher = OpenSSL::Cipher.new("{cipher}")
public_key = OpenSSL::PKey::RSA.new(File.read("{public}"))
"""
OPEN = """
envelope = load("{format}", "{hex}")
cipher.decrypt
secret = public_key.public_decrypt(Base64.decode64(envelope[:sslkey]))
cipher.key = secret
cipher.pkcs5_keyivgen(secret)
plain = cipher.update(Base64.decode64(envelope[:body])) + cipher.final
load("{format}", plain.unpack1("H*"))
"""
SEAL = """
cipher.encrypt
secret = cipher.random_key
cipher.key = secret
cipher.pkcs5_keyivgen(secret)
data = cipher.update([dump("{format}", {reply})].pack("H*")) + cipher.final
{{:senderid => "web1", :requestid => "0" * 32, :senderagent => "rpcutil", :msgtime => 1395419893,
  :body => Base64.encode64(data), :sslkey => Base64.encode64(public_key.public_encrypt(secret))}}
"""


def opened_by_ruby(
    oracle: Ruby, payload: bytes, public: str, serializer: str, cipher: str
) -> t.Any:
    """What a node reads in a request's body."""
    source = (CIPHER + OPEN).format(
        cipher=cipher, public=public, format=serializer, hex=payload.hex()
    )
    return MarshalSerializer().deserialize(oracle.evaluate("marshal", source))


def sealed_by_ruby(
    oracle: Ruby,
    public: str,
    serializer: str = "marshal",
    cipher: str = "aes-256-cbc",
    reply: str = REPLY,
) -> bytes:
    """A reply's payload as a node makes it."""
    source = (CIPHER + SEAL).format(cipher=cipher, public=public, format=serializer, reply=reply)
    return oracle.evaluate(serializer, source)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_ruby_reads_our_requests(
    serializer: str, cipher: str, rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys, plugin__aes__serializer=serializer, ssl_cipher=cipher)
    payload = provider.encode(request(provider))
    body = opened_by_ruby(oracle, payload, rsa_keys.client_public, serializer, cipher)
    assert body == {":aes_msg": BODY, ":aes_ttl": 30, ":aes_msgtime": 1395419893}
    assert all(isinstance(key, Symbol) for key in body)


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_we_read_the_replies_of_ruby(
    serializer: str, cipher: str, rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys, plugin__aes__serializer=serializer, ssl_cipher=cipher)
    payload = sealed_by_ruby(oracle, rsa_keys.client_public, serializer, cipher)
    opened = provider.decode(payload)
    assert opened == {
        ":senderid": "web1",
        ":requestid": "0" * 32,
        ":senderagent": "rpcutil",
        ":msgtime": 1395419893,
        ":body": READ_REPLY,
    }


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 100_000])
def test_bodies_of_every_length_come_through(
    length: int, rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys)
    reply = f'"x" * {length}'
    payload = sealed_by_ruby(oracle, rsa_keys.client_public, reply=reply)
    assert provider.decode(payload)[":body"] == "x" * length


def test_ruby_cannot_read_a_request_with_another_public_key(
    rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys)
    payload = provider.encode(request(provider))
    with pytest.raises(Refused, match="RSAError|PKeyError"):
        opened_by_ruby(oracle, payload, rsa_keys.server_public, "marshal", "aes-256-cbc")


@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_the_envelope_has_what_the_reference_sends_and_nothing_in_clear(
    serializer: str, rsa_keys: certificates.KeyPairs
) -> None:
    provider = aes(rsa_keys, plugin__aes__serializer=serializer)
    message = request(provider)
    payload = provider.encode(message)
    envelope = SERIALIZERS[serializer]().deserialize(payload)
    added = {":body", ":sslkey", ":callerid"}
    assert set(envelope) == set(message) | added
    assert {k: v for k, v in envelope.items() if k not in added} == {
        key: value for key, value in message.items() if key != ":body"
    }
    for key in (":body", ":sslkey"):
        text = envelope[key] if isinstance(envelope[key], str) else envelope[key].decode()
        *lines, last = text.splitlines(keepends=True)
        assert {len(line) for line in lines} <= {61}
        assert 1 < len(last) <= 61 and last.endswith("\n")
    assert b"ping" not in payload


def test_no_two_requests_are_encrypted_alike(rsa_keys: certificates.KeyPairs) -> None:
    provider = aes(rsa_keys)
    first, second = (provider.sign(request(provider)) for _time in range(2))
    assert first[Symbol("body")] != second[Symbol("body")]
    assert first[Symbol("sslkey")] != second[Symbol("sslkey")]


# -- replies that are none -----------------------------------------------------------------------


def changed(payload: bytes, **change: t.Any) -> bytes:
    """A reply's payload with parts of its envelope in place of its own; None: without them."""
    serializer = MarshalSerializer()
    envelope = serializer.deserialize(payload)
    envelope.update({Symbol(key): value for key, value in change.items()})
    return serializer.serialize({k: v for k, v in envelope.items() if v is not None})


BAD = [None, "", "AAAA", "not base64!", "\u00e9", b"\xff", 5, ["a"], {"a": 1}, True, 1.5]


@pytest.mark.parametrize("part", ["sslkey", "body"])
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_a_reply_with_a_part_that_is_none_is_refused(
    part: str, value: t.Any, rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    payload = sealed_by_ruby(oracle, rsa_keys.client_public)
    with pytest.raises((exc.VerificationError, exc.DecodingError)):
        aes(rsa_keys).decode(changed(payload, **{part: value}))


def test_a_reply_that_was_changed_on_its_way_is_refused(
    rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys)
    payload = sealed_by_ruby(oracle, rsa_keys.client_public)
    envelope = MarshalSerializer().deserialize(payload)
    refused = 0
    for part in ("body", "sslkey"):
        data = bytearray(base64.b64decode(envelope[f":{part}"]))
        for place in range(0, len(data), 8):
            data[place] ^= 0x40
            text = base64.encodebytes(bytes(data)).decode()
            data[place] ^= 0x40
            try:
                opened = provider.decode(changed(payload, **{part: text}))
            except (exc.VerificationError, exc.DecodingError):
                refused += 1
            else:  # encryption alone does not protect a block in the middle of the body
                assert part == "body" and opened[":body"] != READ_REPLY
    assert refused >= 32


def test_a_reply_for_another_client_is_refused(
    rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    provider = aes(rsa_keys)
    # Newer OpenSSL gives another key's reply random bytes in place of an error, so several.
    for _reply in range(30):
        payload = sealed_by_ruby(oracle, rsa_keys.server_public)
        with pytest.raises((exc.VerificationError, exc.DecodingError)):
            provider.decode(payload)


def test_a_reply_of_another_cipher_is_refused(
    rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    payload = sealed_by_ruby(oracle, rsa_keys.client_public, cipher="aes-128-cbc")
    with pytest.raises((exc.VerificationError, exc.DecodingError)):
        aes(rsa_keys).decode(payload)


def test_a_reply_in_another_format_is_refused(
    rsa_keys: certificates.KeyPairs, oracle: Ruby
) -> None:
    payload = sealed_by_ruby(oracle, rsa_keys.client_public, "yaml")
    with pytest.raises(exc.DecodingError):
        aes(rsa_keys).decode(payload)


def test_what_we_sent_ourselves_is_no_reply(rsa_keys: certificates.KeyPairs) -> None:
    provider = aes(rsa_keys)
    with pytest.raises((exc.VerificationError, exc.DecodingError)):
        provider.decode(provider.encode(request(provider)))


# -- the caller ----------------------------------------------------------------------------------

Names = t.Sequence[tuple[x509.ObjectIdentifier, str]]
CN, ORG, UNIT = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


def certificate(path: pathlib.Path, names: t.Sequence[Names], keys: certificates.KeyPairs) -> str:
    """Write the client's own certificate. Returns its name.

    :param names: the parts of its subject, of one or several attributes each.
    """
    subject = x509.Name(
        [
            x509.RelativeDistinguishedName([x509.NameAttribute(oid, value) for oid, value in part])
            for part in names
        ]
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(keys.client.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + certificates.DAY)
        .sign(keys.client, hashes.SHA256())
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return str(path)


# The reference's own words for it (MC:security/aes_security.rb, callerid).
CALLER = """
require "openssl"
begin
  subject = OpenSSL::X509::Certificate.new(File.read("{path}")).subject.to_s
  name = subject[%r{{^/CN=([\\w.-]+)}}, 1] or raise "no name in it"
rescue StandardError
  name = File.basename("{path}").delete_suffix(".pem")
end
"cert=" + name
"""


@pytest.mark.parametrize(
    "names,caller",
    [
        ([[(CN, "alice")]], "alice"),
        ([[(CN, "alice.admin-1_x")], [(ORG, "x")]], "alice.admin-1_x"),
        ([[(CN, "alice smith")]], "alice"),
        ([[(CN, "alice/bob")]], "alice"),
        ([[(CN, "al\u00edce")]], "al"),
        ([[(CN, "first")], [(CN, "second")]], "first"),
        ([[(CN, "alice"), (UNIT, "x")]], None),
        ([[(ORG, "x")], [(CN, "alice")]], "file"),
        ([[(ORG, "x/CN=alice")]], "file"),
        ([[(ORG, "x\n/CN=alice")]], "file"),
        ([[(CN, "\u00e9lice")]], "file"),
        ([[(CN, " alice")]], "file"),
        ([[(CN, "/CN=alice")]], "file"),
        ([[(UNIT, "alice")]], "file"),
        ([], "file"),
    ],
)
def test_the_caller_is_the_first_name_of_the_certificate_or_the_file(
    names: t.Sequence[Names],
    caller: str | None,
    rsa_keys: certificates.KeyPairs,
    tmp_path: pathlib.Path,
    oracle: Ruby,
) -> None:
    path = certificate(tmp_path / "file.pem", names, rsa_keys)
    callerid = aes(rsa_keys, plugin__aes__client_public=path).callerid
    said = MarshalSerializer().deserialize(oracle.evaluate("marshal", CALLER.format(path=path)))
    assert callerid == said
    assert caller is None or callerid == f"cert={caller}"


@pytest.mark.parametrize(
    "name,caller", [("bob.pem", "bob"), ("bob", "bob"), ("b.pem.pem", "b.pem"), ("b.pub", "b.pub")]
)
def test_the_caller_is_the_name_of_a_public_key(
    name: str, caller: str, rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    path = certificates.write_public(tmp_path / name, rsa_keys.client)
    assert aes(rsa_keys, plugin__aes__client_public=path).callerid == f"cert={caller}"


def test_a_file_name_that_nodes_would_refuse_is_refused(
    rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    path = certificates.write_public(tmp_path / "alice smith.pem", rsa_keys.client)
    with pytest.raises(
        exc.ImproperlyConfigured, match="every node would refuse the callerid 'cert=alice smith'"
    ):
        aes(rsa_keys, plugin__aes__client_public=path)


# -- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value,sent", [("1", True), ("true", False), ("yes", False), ("0", False)])
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_the_public_key_is_sent_when_the_option_is_exactly_one(
    serializer: str, value: str, sent: bool, rsa_keys: certificates.KeyPairs
) -> None:
    provider = aes(rsa_keys, plugin__aes__send_pubkey=value, plugin__aes__serializer=serializer)
    envelope = SERIALIZERS[serializer]().deserialize(provider.encode(request(provider)))
    text = pathlib.Path(rsa_keys.client_public).read_text()
    assert envelope.get(":sslpubkey") == (text if sent else None)


def test_without_the_option_the_public_key_is_not_sent(rsa_keys: certificates.KeyPairs) -> None:
    provider = aes(rsa_keys)
    assert ":sslpubkey" not in provider.sign(request(provider))


def test_the_files_of_the_environment_win(
    rsa_keys: certificates.KeyPairs, tmp_path: pathlib.Path
) -> None:
    public = certificates.write_public(tmp_path / "eve.pem", rsa_keys.client)
    environ = {
        "MCOLLECTIVE_AES_PRIVATE": rsa_keys.client_private,
        "MCOLLECTIVE_AES_PUBLIC": public,
    }
    config = Config(
        {"securityprovider": "aes_security", "plugin.aes.client_private": "/no"}, environ=environ
    )
    assert security_provider(config).callerid == "cert=eve"


@pytest.mark.parametrize("option", ["client_private", "client_public"])
def test_a_missing_option_is_named(option: str, rsa_keys: certificates.KeyPairs) -> None:
    given = options(rsa_keys)
    del given[f"plugin.aes.{option}"]
    with pytest.raises(
        exc.ImproperlyConfigured, match=rf"aes_security needs the option plugin\.aes\.{option}$"
    ):
        security_provider(Config(given))


@pytest.mark.parametrize("option", ["client_private", "client_public"])
def test_a_file_that_is_not_there_is_named(option: str, rsa_keys: certificates.KeyPairs) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="/no/such.pem"):
        aes(rsa_keys, **{f"plugin__aes__{option}": "/no/such.pem"})


def test_keys_that_do_not_belong_together_are_refused(rsa_keys: certificates.KeyPairs) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        aes(rsa_keys, plugin__aes__client_public=rsa_keys.server_public)
    assert str(caught.value) == (
        f"the given options: the client's public key {rsa_keys.server_public} does not belong to"
        " its private key"
    )


def test_a_public_key_in_place_of_the_private_is_refused(rsa_keys: certificates.KeyPairs) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="aes.client_private is a public key"):
        aes(rsa_keys, plugin__aes__client_private=rsa_keys.client_public)


def test_a_private_key_in_place_of_the_public_is_refused(rsa_keys: certificates.KeyPairs) -> None:
    # With send_pubkey it would be sent to everybody.
    with pytest.raises(exc.ImproperlyConfigured, match="public key, is a private key"):
        aes(
            rsa_keys,
            plugin__aes__client_public=rsa_keys.client_private,
            plugin__aes__send_pubkey="1",
        )


@pytest.mark.parametrize("cipher", ["bf-cbc", "aes-256-gcm", "aes-256", ""])
def test_an_unknown_cipher_is_refused_with_those_that_are(
    cipher: str, rsa_keys: certificates.KeyPairs
) -> None:
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        aes(rsa_keys, ssl_cipher=cipher)
    assert str(caught.value) == (
        "the given options: the value of ssl_cipher is not supported; there are aes-128-cbc,"
        " aes-192-cbc, aes-256-cbc"
    )


MISSING = """
import sys
sys.modules["cryptography"] = None
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, security
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
try:
    security.security_provider(Config({"securityprovider": "aes_security"}))
except exc.MissingDependency as error:
    print(error)
"""


def test_a_library_that_is_missing_is_told() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", MISSING],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(exc.__file__).parents[6])},
    )
    assert finished.stdout == (
        "the Python library cryptography is needed for securityprovider = aes_security;"
        " install it\n"
    )


@pytest.mark.parametrize("secret", [b"\0" * 16, bytes(range(32)), b"\xff" * 32])
def test_arithmetic_alone_signs_as_the_library_does(
    secret: bytes, rsa_keys: certificates.KeyPairs
) -> None:
    """Libraries before cryptography 47 cannot sign without a DigestInfo."""
    key = load_rsa_key(rsa_keys.client_private)
    signature = plain_signature(key, secret)
    numbers = key.public_key().public_numbers()
    opened = pow(int.from_bytes(signature, "big"), numbers.e, numbers.n).to_bytes(256, "big")
    assert opened == b"\0\1" + b"\xff" * (253 - len(secret)) + b"\0" + secret
    assert signature == private_encrypt(key, secret)
