# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Version 1 of Choria's protocol: what is signed, accepted and refused."""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import time
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.choria import ChoriaOptions
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import reply_of
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
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    NOW,
    REQUESTID,
    VECTORS,
    v1_reply,
    vector,
)

NAME = "alice.mcollective"
SHAPED = {":statuscode": 0, ":statusmsg": "OK", ":data": {"fact": "mem", "value": 1024}}


@pytest.fixture(scope="module")
def pair(authority: certificates.Authority) -> tuple[str, str]:
    """The files of alice's certificate and key."""
    return authority.issue(NAME)


def made(pair: tuple[str, str], name: str = NAME, **options: str) -> ChoriaV1Provider:
    config = Config({"identity": "ctl.example", "securityprovider": "choria", **options})
    return ChoriaV1Provider(config, ChoriaOptions(1, (), cert=pair[0], key=pair[1], certname=name))


@pytest.fixture(scope="module")
def provider(pair: tuple[str, str]) -> ChoriaV1Provider:
    return made(pair)


def envelope(**changes: t.Any) -> Envelope:
    body = {
        Symbol("agent"): "rpcutil",
        Symbol("action"): "get_fact",
        Symbol("caller"): "choria=alice.mcollective",
        Symbol("data"): {Symbol("fact"): "mem", Symbol("process_results"): True},
    }
    usual = Envelope(
        identity="ctl.example",
        agent="rpcutil",
        collective="mcollective",
        filter=Filter().add_fact("cluster", "n1").add_agent("rpcutil"),
        ttl=60,
        body=body,
        requestid=REQUESTID,
        time=1795931274,
    )
    return dataclasses.replace(usual, **changes)


# -- requests --------------------------------------------------------------------------------------


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


# -- replies ---------------------------------------------------------------------------------------


def read(provider: ChoriaV1Provider, payload: bytes) -> t.Any:
    received = provider.open(payload)
    provider.authenticate(received)
    return received


def test_a_reply_of_a_real_node_is_read(provider: ChoriaV1Provider) -> None:
    exchange = vector("go-v1-exchange.json")
    received = read(provider, exchange["reply"].encode())
    assert (received.requestid, received.sender) == (exchange["requestid"], "g1.example")
    assert received.body == {
        ":statuscode": 0,
        ":statusmsg": "OK",
        ":data": {"values": {"mem": 2048, "os.family": "Debian"}},
    }


def test_a_reply_is_read(provider: ChoriaV1Provider) -> None:
    received = read(provider, v1_reply())
    assert received.body == SHAPED
    assert received.fields == {
        ":body": SHAPED,
        ":requestid": REQUESTID,
        ":senderid": "web1",
        ":senderagent": "rpcutil",
        ":msgtime": NOW,
    }
    reply = reply_of("web1", received.body, Request("rpcutil", "get_fact"))
    assert (reply.statuscode, reply.statusmsg, reply.data) == (0, "OK", SHAPED[":data"])


def test_base64_may_have_line_breaks(provider: ChoriaV1Provider) -> None:
    transport = json.loads(v1_reply())
    data = transport["data"]
    transport["data"] = "".join(data[at : at + 60] + "\n" for at in range(0, len(data), 60))
    assert read(provider, json.dumps(transport).encode()).body == SHAPED


def test_additional_keys_are_ignored(provider: ChoriaV1Provider) -> None:
    more = {"x": [1]}
    payload = v1_reply(envelope=more, reply=more, secure=more, headers=more, transport=more)
    assert read(provider, payload).body == SHAPED


@pytest.mark.parametrize(
    ("body", "shaped"),
    [
        ("pong", "pong"),
        ('"pong"', "pong"),
        (
            {"statuscode": 1, "statusmsg": "no", "data": "{}", "action": ""},
            {":statuscode": 1, ":statusmsg": "no", ":data": {}},
        ),
        ({"statuscode": 5}, {":statuscode": 5, ":statusmsg": None, ":data": None}),
        ({"x": 1}, {"x": 1}),
        ("[1]", [1]),
    ],
)
def test_bodies(provider: ChoriaV1Provider, body: t.Any, shaped: t.Any) -> None:
    assert read(provider, v1_reply(body)).body == shaped


@pytest.mark.parametrize(
    "change",
    [
        {"transport": {"protocol": "choria:transport:2"}},
        {"transport": {"protocol": None}},
        {"transport": {"data": None}},
        {"transport": {"data": 5}},
        {"transport": {"data": "é"}},
        {"transport": {"data": "A"}},
        {"transport": {"data": ["a"]}},
        {"transport": {"headers": None}},
        {"transport": {"headers": ["mc_sender"]}},
        {"headers": {"mc_sender": None}},
        {"secure": {"protocol": "choria:secure:request:1"}},
        {"secure": {"message": None}},
        {"secure": {"message": {"a": 1}}},
        {"secure": {"message": ["{}"]}},
        {"secure": {"message": "[]"}},
        {"secure": {"message": "{"}},
        {"reply": {"protocol": "choria:request:1"}},
        {"reply": {"protocol": ["choria:reply:1"]}},
        {"reply": {"message": None}},
        {"reply": {"envelope": None}},
        {"reply": {"envelope": "x"}},
        {"reply": {"envelope": [1]}},
        {"envelope": {"requestid": None}},
        {"envelope": {"requestid": []}},
        {"envelope": {"requestid": {}}},
        {"envelope": {"requestid": 5}},
        {"envelope": {"requestid": "\ud800"}},
        {"envelope": {"senderid": None}},
    ],
)
def test_a_payload_that_is_no_reply_is_refused(
    provider: ChoriaV1Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(v1_reply(**change))


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"5", b'"x"', b"null", b"[" * 9999])
def test_garbage_is_no_reply(provider: ChoriaV1Provider, payload: bytes) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "no JSON"},
        {"body": ""},
        {"body": "cGluZw=="},
        {"body": '"\udcc1"'},
        {"reply": {"message": 5}},
        {"reply": {"message": {"statuscode": 0}}},
        {"envelope": {"time": None}},
        {"envelope": {"time": 1.5}},
        {"envelope": {"time": True}},
        {"envelope": {"time": "1"}},
        {"envelope": {"time": 2**63}},
        {"envelope": {"agent": None}},
        {"envelope": {"agent": ["rpcutil"]}},
        {"envelope": {"agent": "\ud800"}},
    ],
)
def test_a_reply_without_its_parts_is_refused(
    provider: ChoriaV1Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        read(provider, v1_reply(**change))


def test_a_time_far_away_is_no_reason_to_refuse(provider: ChoriaV1Provider) -> None:
    assert read(provider, v1_reply(envelope={"time": 5})).fields[":msgtime"] == 5


@pytest.mark.parametrize(
    "change",
    [
        {"secure": {"hash": None}},
        {"secure": {"hash": ""}},
        {"secure": {"hash": 5}},
        {"secure": {"hash": "é"}},
        {"secure": {"hash": "P3lwvWQgIhh/63I0m7lz42tPzOVqDROXj6PJZrewxpw="}},
        {"headers": {"mc_sender": "web2"}},
        {"headers": {"mc_sender": ["web1"]}},
        {"headers": {"mc_sender": "web1 "}},
        {"envelope": {"senderid": "web2"}},
    ],
)
def test_a_forged_reply_is_refused(provider: ChoriaV1Provider, change: dict[str, t.Any]) -> None:
    with pytest.raises(exc.VerificationError) as caught:
        read(provider, v1_reply(**change))
    assert caught.value.reason == "forged"


def test_the_checksum_is_of_the_bytes_that_came(provider: ChoriaV1Provider) -> None:
    message = json.dumps(
        json.loads(json.loads(base64.b64decode(json.loads(v1_reply())["data"]))["message"]),
        indent=1,
    )
    with pytest.raises(exc.VerificationError):
        read(provider, v1_reply(secure={"message": message}))


def test_what_counts_of_a_key_that_comes_twice_is_what_is_checked(
    provider: ChoriaV1Provider,
) -> None:
    payload = v1_reply().replace(b'"mc_sender": "web1"', b'"mc_sender": "web1", "mc_sender": "w"')
    with pytest.raises(exc.VerificationError):
        read(provider, payload)
    payload = v1_reply().replace(b'"mc_sender": "web1"', b'"mc_sender": "w", "mc_sender": "web1"')
    assert read(provider, payload).sender == "web1"


def test_half_a_surrogate_pair_harms_nobody(provider: ChoriaV1Provider) -> None:
    body = r'{"statuscode":0,"statusmsg":"\ud800","data":{"\udfff":1}}'
    received = read(provider, v1_reply(body))
    assert received.body[":statusmsg"] == "\ufffd"
    json.dumps(received.fields, ensure_ascii=False).encode()
    for change in ({"requestid": "\ud800"}, {"senderid": "\ud800"}, {"x": "\ud800"}):
        assert REQUESTID not in taken(provider, v1_reply(envelope=change)).outcome.replies
    message = '{"protocol":"choria:reply:1","message":"\ud800","envelope":{"requestid":"","senderid":"web1"}}'
    with pytest.raises(exc.VerificationError):
        read(provider, v1_reply(secure={"message": message}))


# -- as the client does it -------------------------------------------------------------------------


def taken(provider: ChoriaV1Provider, *payloads: bytes) -> Intake:
    intake = Intake(provider, REQUESTID, ["web1", "web2"])
    for payload in payloads:
        intake.take(payload)
    return intake


def test_the_intake_counts_replies_by_reason(provider: ChoriaV1Provider) -> None:
    outcome = taken(
        provider,
        v1_reply(),
        v1_reply(),
        v1_reply({"statuscode": 1}),
        v1_reply(envelope={"requestid": "f" * 32}),
        v1_reply(envelope={"senderid": "a b"}, headers={"mc_sender": "a b"}),
        v1_reply(envelope={"senderid": 5}, headers={"mc_sender": 5}),
        v1_reply(headers={"mc_sender": "web2"}),
        v1_reply(envelope={"senderid": "x"}, headers={"mc_sender": "x"}),
        b"{}",
    ).outcome
    assert list(outcome.replies) == ["web1"]
    assert outcome.rejected == {
        "duplicate": 1,
        "contradictory": 1,
        "other_request": 1,
        "malformed": 2,
        "forged": 1,
        "unexpected": 1,
        "undecodable": 1,
    }


@pytest.mark.parametrize(
    "payload",
    [
        v1_reply(envelope={"agent": "puppet"}),
        v1_reply({"statuscode": 0, "action": "ping", "data": {}}),
    ],
)
def test_a_node_s_reply_to_somebody_else_s_request_is_not_ours(
    pair: tuple[str, str], payload: bytes
) -> None:
    provider = made(pair)
    assert not taken(provider, payload).outcome.rejected  # it does not know what was sent
    provider.seal(envelope())
    assert taken(provider, payload).outcome.rejected == {"forged": 1}
    for fine in ("get_fact", "", None):
        body = {"statuscode": 0, "action": fine, "data": {}}
        assert not taken(provider, v1_reply(body)).outcome.rejected


def test_requests_are_not_remembered_for_ever(pair: tuple[str, str]) -> None:
    provider = made(pair)
    for number in range(200):
        provider.seal(envelope(requestid=f"{number:032}"))
    assert len(provider._sent) < 100
