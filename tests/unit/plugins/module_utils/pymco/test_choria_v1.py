# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests in version 1 of Choria's protocol: what is signed, and with which certificates."""

from __future__ import annotations

import base64
import json
import pathlib
import time
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    choria_v1,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v1 import (
    ChoriaV1Provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_clients import (
    NAME,
    envelope,
    made,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    VECTORS,
)


@pytest.fixture(scope="module")
def provider(pair: tuple[str, str]) -> ChoriaV1Provider:
    return made(pair)


def parts(payload: bytes) -> tuple[t.Any, t.Any, t.Any, t.Any]:
    """The transport, the secure document, the request and the body."""
    transport = json.loads(payload)
    secure = json.loads(base64.b64decode(transport["data"], validate=True))
    request = json.loads(secure["message"])
    return transport, secure, request, json.loads(request["message"])


def test_a_request_says_what_the_worked_example_says(provider: ChoriaV1Provider) -> None:
    reply_to = "mcollective.reply.74ce5a833e16d4afa24ecbc90fff8506.0123456789abcdef0123456789abcdef"
    transport, secure, request, body = parts(provider.address(provider.seal(envelope()), reply_to))
    expected = parts((VECTORS / "transport.json").read_bytes())
    assert transport["headers"] == expected[0]["headers"]
    assert set(transport) == set(expected[0])
    assert set(secure) == set(expected[1])
    assert request == {**expected[2], "message": request["message"]}
    assert isinstance(request["envelope"]["time"], int)
    # Nodes do not need what else the example has (Ruby: rpc/request.rb; Go hands it on to agents).
    assert expected[3]["data"].pop("process_results") is True
    assert body == expected[3]


def test_the_signature_covers_the_very_bytes_of_the_request(
    provider: ChoriaV1Provider, pair: tuple[str, str]
) -> None:
    secure = json.loads(provider.seal(envelope(agent="é")))
    certificate = x509.load_pem_x509_certificate(secure["pubcert"].encode())
    t.cast(t.Any, certificate.public_key()).verify(
        base64.b64decode(secure["signature"], validate=True),
        secure["message"].encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert secure["pubcert"] == pathlib.Path(pair[0]).read_text()


def test_the_worked_example_verifies_in_the_same_way() -> None:
    secure = json.loads((VECTORS / "secure.json").read_text())
    certificate = x509.load_pem_x509_certificate((VECTORS / "alice.cert.pem").read_bytes())
    t.cast(t.Any, certificate.public_key()).verify(
        base64.b64decode(secure["signature"]),
        secure["message"].encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )


def test_a_ping_is_a_json_string(provider: ChoriaV1Provider) -> None:
    secure = json.loads(provider.seal(envelope(agent="discovery", body="ping")))
    assert json.loads(secure["message"])["message"] == '"ping"'


@pytest.mark.parametrize("filter_", [{}, {"collective": "x", "fact": None}, Filter()])
def test_all_five_lists_of_a_filter_are_sent(
    provider: ChoriaV1Provider, filter_: t.Mapping[str, t.Any]
) -> None:
    request = json.loads(json.loads(provider.seal(envelope(filter=filter_)))["message"])
    assert request["envelope"]["filter"] == {
        "fact": [],
        "cf_class": [],
        "agent": [],
        "identity": [],
        "compound": [],
    }


def test_only_certificates_of_the_file_are_sent(
    pair: tuple[str, str], tmp_path: pathlib.Path
) -> None:
    both = tmp_path / "both.pem"
    certificate, key = (pathlib.Path(path).read_text() for path in pair)
    both.write_text(f"Subject: alice\n{key}{certificate}and {certificate.strip()}")
    secure = json.loads(made((str(both), pair[1])).seal(envelope()))
    assert secure["pubcert"] == certificate + certificate


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ttl": 29}, "ttl = 29 is too short"),
        ({"filter": Filter().add_agent("a").add_fact("x", "")}, "no value"),
        ({"body": {Symbol("data"): {"x": b"\xff"}}}, r"at data\.x"),
    ],
)
def test_what_nodes_would_drop_is_refused(
    provider: ChoriaV1Provider, change: dict[str, t.Any], words: str
) -> None:
    for attempt in (provider.check, provider.seal):
        with pytest.raises(exc.SerializationError, match=words):
            attempt(envelope(**change))
    provider.check(envelope(requestid="", time=0))


# -- credentials -----------------------------------------------------------------------------------


def test_the_caller_is_the_name_of_the_certificate(provider: ChoriaV1Provider) -> None:
    assert provider.callerid == "choria=alice.mcollective"
    assert provider.warnings == []


def test_the_registry_makes_it(pair: tuple[str, str]) -> None:
    config = Config(
        {
            "securityprovider": "choria",
            "identity": NAME,
            "plugin.security.provider": "file",
            "plugin.security.file.certificate": pair[0],
            "plugin.security.file.key": pair[1],
            "plugin.security.file.ca": pair[0],
            "plugin.choria.middleware_hosts": "a:1",
        },
        environ={"MCOLLECTIVE_CERTNAME": NAME},
    )
    assert isinstance(security_provider(config), ChoriaV1Provider)


def test_a_name_that_nodes_do_not_expect_is_warned_of(authority: certificates.Authority) -> None:
    (warning,) = made(authority.issue("alice.example"), "alice.example").warnings
    assert "alice.example" in warning
    assert "plugin.choria.security.certname_whitelist" in warning


def test_the_client_may_know_which_names_nodes_take(authority: certificates.Authority) -> None:
    key = "plugin.choria.security.certname_whitelist"
    pair = authority.issue("dora.example")
    assert made(pair, "dora.example", **{key: r"\.choria$, \.example$"}).warnings == []
    assert made(pair, "dora.example", **{key: "("}).warnings


def test_a_privileged_certificate_speaks_for_any_caller(
    authority: certificates.Authority,
) -> None:
    provider = made(authority.issue("root.privileged.mcollective"), "carol.example")
    assert provider.callerid == "choria=carol.example"
    assert provider.warnings == []


@pytest.mark.parametrize("alternative", [True, False])
def test_a_certificate_of_another_name_is_refused(
    authority: certificates.Authority, alternative: bool
) -> None:
    pair = authority.issue("bob.choria", alternative=alternative)
    assert made(pair, "bob.choria").callerid == "choria=bob.choria"
    with pytest.raises(
        exc.CredentialError, match="not for alice.mcollective, but for bob.choria.*certname"
    ):
        made(pair)


def test_a_certificate_that_does_not_hold_is_refused(
    authority: certificates.Authority, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(exc.CredentialError, match="has expired"):
        made(authority.issue("old.mcollective", days=-1), "old.mcollective")
    monkeypatch.setattr(ChoriaV1Provider, "now", staticmethod(lambda: 1e9))
    with pytest.raises(exc.CredentialError, match="not valid yet"):
        made(pair)


def test_a_certificate_that_expires_meanwhile_is_read_again(
    authority: certificates.Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "dora.mcollective"
    provider = made(authority.issue(name, days=1), name)
    later = time.time() + 2 * 86400
    monkeypatch.setattr(ChoriaV1Provider, "now", staticmethod(lambda: later))
    with pytest.raises(exc.SerializationError, match=f"{name}.pem has expired"):
        provider.seal(envelope())
    certificate, _key = authority.issue(name, days=10)
    secure = json.loads(provider.seal(envelope()))
    assert secure["pubcert"] == pathlib.Path(certificate).read_text()


def test_a_key_of_another_certificate_is_refused(
    pair: tuple[str, str], tmp_path: pathlib.Path
) -> None:
    key = certificates.write_private(tmp_path / "carol.pem", certificates.new_key())
    with pytest.raises(exc.CredentialError, match="does not belong to the private key"):
        made((pair[0], key))


def ec_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def test_a_key_that_cannot_sign_is_refused(pair: tuple[str, str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(ec_key())
    with pytest.raises(exc.CredentialError, match="no RSA key"):
        made((pair[0], str(path)))
    certificates.write_private(path, certificates.new_key(), b"secret")
    with pytest.raises(exc.CredentialError, match="without a passphrase"):
        made((pair[0], str(path)))
    certificates.write_public(path, certificates.new_key())
    with pytest.raises(exc.CredentialError, match=r"client_key.* is a public key"):
        made((pair[0], str(path)))


def test_a_certificate_that_is_none_is_refused(
    pair: tuple[str, str], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "x.pem"
    for content in (
        b"",
        b"\xff\0",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        pathlib.Path(pair[1]).read_bytes(),
    ):
        path.write_bytes(content)
        with pytest.raises(exc.CredentialError, match="holds no X.509 certificate"):
            made((str(path), pair[1]))
    with pytest.raises(exc.CredentialError, match="No such file"):
        made((str(tmp_path / "none"), pair[1]))


def test_a_missing_option_is_named(pair: tuple[str, str]) -> None:
    with pytest.raises(
        exc.ImproperlyConfigured, match="client_cert.*plugin.security.file.certificate"
    ):
        made(("", pair[1]))
    with pytest.raises(exc.ImproperlyConfigured, match="client_key.*plugin.security.file.key"):
        made((pair[0], ""))


def test_a_short_ttl_is_refused_at_once(pair: tuple[str, str]) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="ttl = 20 is too short.* 30 s"):
        made(pair, ttl="20")


@pytest.mark.parametrize("name", ["al ice.mcollective", "alice\n.mcollective", ""])
def test_a_caller_that_nodes_would_refuse_is_refused(pair: tuple[str, str], name: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="callerid"):
        made(pair, name)


def test_a_missing_library_is_named(pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choria_v1, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(exc.MissingDependency, match="cryptography.*securityprovider = choria"):
        made(pair)
