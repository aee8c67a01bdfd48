# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Version 2 of Choria's protocol: what is signed, accepted and refused."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.choria import ChoriaOptions
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    choria_v2,
    security_provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v2 import (
    ChoriaV2Provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    CALLER,
    FIELDS,
    ISSUER,
    NODE,
    NOW,
    RECORDED,
    REQUESTID,
    SHAPED,
    STRANGER,
    client_claims,
    server_claims,
    v2_reply,
    vector,
)

ISSUERS = {"choria": ISSUER.public}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the recorded exchange."""
    set_clock(monkeypatch, NOW)


def set_clock(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    monkeypatch.setattr(ChoriaV2Provider, "now", staticmethod(lambda: now))


class Maker:
    """Makes providers with the files of a token and a seed."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.token, self.seed = directory / "alice.jwt", directory / "alice.seed"
        self.seed.write_text(CALLER.seed.hex())

    def __call__(
        self,
        *,
        text: str | None = None,
        issuers: t.Mapping[str, str] | None = None,
        signers: tuple[str, ...] = (),
        ttl: str = "60",
        **claims: t.Any,
    ) -> ChoriaV2Provider:
        self.token.write_text(ISSUER.token(client_claims(**claims)) if text is None else text)
        config = Config({"identity": "ctl.example", "securityprovider": "choria", "ttl": ttl})
        options = ChoriaOptions(
            2,
            (),
            token_file=str(self.token),
            seed_file=str(self.seed),
            issuers=ISSUERS if issuers is None else issuers,
            trusted_signers=signers,
        )
        return ChoriaV2Provider(config, options)


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Maker:
    return Maker(tmp_path)


@pytest.fixture
def provider(make: Maker) -> ChoriaV2Provider:
    return make()


ENVELOPE = Envelope(
    identity="ctl.example",
    agent="rpcutil",
    collective="choria",
    filter=Filter().add_agent("rpcutil"),
    ttl=5,
    body={Symbol("agent"): "rpcutil", Symbol("action"): "get_fact", Symbol("data"): {"a": "é"}},
    requestid=REQUESTID,
    time=NOW,
)


# -- requests --------------------------------------------------------------------------------------


def test_a_request(provider: ChoriaV2Provider, make: Maker) -> None:
    transport = json.loads(provider.address(provider.seal(ENVELOPE), "choria.reply.x.y"))
    assert transport["protocol"] == "io.choria.protocol.v2.transport"
    assert transport["headers"] == {"reply": "choria.reply.x.y", "sender": "ctl.example"}
    secure = json.loads(base64.b64decode(transport["data"], validate=True))
    signed = base64.b64decode(secure["request"], validate=True)
    assert secure == {
        "protocol": "io.choria.protocol.v2.secure_request",
        "request": secure["request"],
        "signature": base64.b64encode(CALLER.sign(signed)).decode(),
        "caller": make.token.read_text(),
    }
    request = json.loads(signed)
    body = json.loads(base64.b64decode(request.pop("message"), validate=True))
    assert body == {"agent": "rpcutil", "action": "get_fact", "data": {"a": "é"}}
    assert isinstance(request["time"], int)
    assert request == {
        "protocol": "io.choria.protocol.v2.request",
        "id": REQUESTID,
        "sender": "ctl.example",
        "caller": "up=alice",
        "collective": "choria",
        "agent": "rpcutil",
        "ttl": 5,
        "time": NOW * 10**9,
        "filter": {
            "fact": [],
            "cf_class": [],
            "agent": ["rpcutil"],
            "identity": [],
            "compound": [],
        },
    }


# -- credentials -----------------------------------------------------------------------------------


def test_the_caller_is_the_token_s(make: Maker) -> None:
    assert make().callerid == "up=alice"
    assert make(callerid="okta=alice@example.com").callerid == "okta=alice@example.com"
    assert make().warnings == []


def test_the_registry_makes_it(make: Maker) -> None:
    make()
    config = Config(
        {
            "securityprovider": "choria",
            "plugin.security.provider": "choria",
            "plugin.security.choria.token_file": str(make.token),
            "plugin.security.choria.seed_file": str(make.seed),
            "plugin.security.choria.ca": str(make.seed),
            "plugin.security.issuer.names": "choria",
            "plugin.security.issuer.choria.public": ISSUER.public,
            "plugin.choria.middleware_hosts": "a:1",
        }
    )
    assert isinstance(security_provider(config), ChoriaV2Provider)


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": NOW - 1}, "alice.jwt has expired; get a new one"),
        ({"nbf": NOW + 1}, "alice.jwt is not valid yet"),
        ({"purpose": "choria_server"}, "not a client's: its purpose is choria_server"),
        ({"purpose": None}, "its purpose is missing"),
        ({"permissions": None}, "lacks the permission fleet_management"),
        ({"permissions": {"org_admin": True}}, "lacks the permission fleet_management"),
        (
            {"permissions": {"fleet_management": True, "signed_fleet_management": True}},
            "remote request signer",
        ),
        ({"public_key": STRANGER.public}, "does not belong to the seed .*alice.seed"),
        ({"public_key": None}, "does not belong to the seed"),
    ],
)
def test_a_token_with_which_nodes_would_be_silent_is_refused(
    make: Maker, claims: dict[str, t.Any], words: str
) -> None:
    with pytest.raises(exc.CredentialError, match=words):
        make(**claims)


def test_a_token_that_expires_meanwhile_is_read_again(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client may live for days, and whoever renews its token may make a new seed, too."""
    provider = make(exp=NOW + 60)
    provider.seal(ENVELOPE)
    set_clock(monkeypatch, NOW + 60)
    with pytest.raises(exc.SerializationError, match="alice.jwt has expired; get a new one"):
        provider.seal(ENVELOPE)
    make.token.write_text(ISSUER.token(client_claims(callerid="up=mallory")))
    for _again in range(2):
        with pytest.raises(exc.SerializationError, match="the new one is another caller's"):
            provider.seal(ENVELOPE)
    make.token.write_text(ISSUER.token(client_claims(public_key=NODE.public)))
    make.seed.write_text(NODE.seed.hex())
    secure = json.loads(provider.seal(ENVELOPE))
    assert secure["caller"] == make.token.read_text()
    signed = base64.b64decode(secure["request"])
    assert secure["signature"] == base64.b64encode(NODE.sign(signed)).decode()


@pytest.mark.parametrize("callerid", [None, "", "alice", "up=", "up=al\nice", "up= x", 5])
def test_a_caller_that_nodes_would_refuse_is_refused(make: Maker, callerid: t.Any) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match="callerid"):
        make(callerid=callerid)


def test_a_file_that_is_no_token_is_refused(make: Maker) -> None:
    with pytest.raises(exc.CredentialError, match="alice.jwt holds no token"):
        make(text="x")


@pytest.mark.parametrize("missing", ["token_file", "seed_file"])
def test_a_missing_option_is_named(make: Maker, missing: str) -> None:
    make()
    paths = {"token_file": str(make.token), "seed_file": str(make.seed), missing: None}
    config = Config({"securityprovider": "choria"})
    with pytest.raises(
        exc.ImproperlyConfigured, match=f"{missing}, .*plugin.security.choria.{missing}"
    ):
        ChoriaV2Provider(config, ChoriaOptions(2, (), **paths))


def test_a_key_that_is_none_is_refused(make: Maker) -> None:
    for keys in ({"issuers": {"choria": "abc"}}, {"signers": ("x" * 64,)}):
        with pytest.raises(exc.ImproperlyConfigured, match="64 hexadecimal digits"):
            make(**t.cast(t.Any, keys))


def test_a_token_of_another_issuer_is_warned_of(make: Maker) -> None:
    (warning,) = make(text=STRANGER.token(client_claims())).warnings
    assert "alice.jwt" in warning
    assert "silently drop" in warning


def test_a_ttl_of_a_second_will_do(make: Maker) -> None:
    make(ttl="1")
    with pytest.raises(exc.ImproperlyConfigured, match="ttl"):
        make(ttl="0")


# -- replies ---------------------------------------------------------------------------------------


def read(provider: ChoriaV2Provider, payload: bytes) -> t.Any:
    received = provider.open(payload)
    provider.authenticate(received)
    return received


def test_a_reply_of_a_real_node_is_read(make: Maker) -> None:
    exchange = vector("go-v2-exchange.json")
    provider = make(issuers={"choria": exchange["issuer_public_hex"]})
    received = read(provider, json.dumps(exchange["reply_transport"]).encode())
    assert received.sender == "g3.example"
    assert received.body == RECORDED


def test_a_reply_is_read(provider: ChoriaV2Provider) -> None:
    received = read(provider, v2_reply())
    assert received.body == SHAPED
    assert received.fields == FIELDS


@pytest.mark.parametrize("body", ["pong", '"pong"'])
def test_the_answer_to_a_ping_need_not_be_json(provider: ChoriaV2Provider, body: str) -> None:
    assert read(provider, v2_reply(body)).body == "pong"


@pytest.mark.parametrize(
    "change",
    [
        {"transport": {"protocol": "choria:transport:1"}},
        {"transport": {"data": None}},
        {"transport": {"data": 5}},
        {"transport": {"headers": []}},
        {"headers": {"sender": None}},
        {"secure": {"protocol": "io.choria.protocol.v2.secure_request"}},
        {"secure": {"reply": None}},
        {"secure": {"reply": "{}"}},
        {"secure": {"reply": {"a": 1}}},
        {"reply": {"protocol": "io.choria.protocol.v2.request"}},
        {"reply": {"request": None}},
        {"reply": {"request": []}},
        {"reply": {"request": {}}},
        {"reply": {"request": 5}},
        {"reply": {"request": "\ud800"}},
        {"reply": {"sender": None}},
    ],
)
def test_a_payload_that_is_no_reply_is_refused(
    provider: ChoriaV2Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(v2_reply(**change))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b'{"data":"e30="}', b'{"data":"W10="}'])
def test_garbage_is_no_reply(provider: ChoriaV2Provider, payload: bytes) -> None:
    with pytest.raises(exc.DecodingError):
        provider.open(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "no JSON"},
        {"reply": {"message": None}},
        {"reply": {"message": 5}},
        {"reply": {"message": "/w=="}},
        {"reply": {"message": "A"}},
        {"reply": {"time": None}},
        {"reply": {"time": 1.5}},
        {"reply": {"time": 10**4000}},
        {"reply": {"agent": None}},
    ],
)
def test_a_reply_without_its_parts_is_refused(
    provider: ChoriaV2Provider, change: dict[str, t.Any]
) -> None:
    with pytest.raises(exc.DecodingError):
        read(provider, v2_reply(**change))


def refused(provider: ChoriaV2Provider, **change: t.Any) -> str:
    """Return why a reply is refused."""
    with pytest.raises(exc.VerificationError) as caught:
        read(provider, v2_reply(**change))
    return caught.value.reason


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("forged", {"secure": {"hash": None}}),
        ("forged", {"secure": {"hash": "YQ=="}}),
        ("forged", {"headers": {"sender": "web2"}}),
        ("forged", {"reply": {"sender": "web2"}}),
        ("forged", {"reply": {"sender": "web2"}, "headers": {"sender": "web2"}}),
        ("forged", {"key": STRANGER}),
        ("forged", {"secure": {"signature": "YQ=="}}),
        ("unsigned", {"secure": {"signature": None}}),
        ("unsigned", {"secure": {"signature": 5}}),
        ("unsigned", {"secure": {"signature": None, "sender": None}}),
        ("unsigned", {"token": ""}),
        ("unsigned", {"secure": {"sender": ["x"]}}),
        ("forged", {"token": "a.b.c"}),
        ("untrusted", {"token": STRANGER.token(server_claims())}),
        ("untrusted", {"token": ISSUER.token(server_claims(ou="other"))}),
        ("expired", {"token": ISSUER.token(server_claims(exp=NOW - 1))}),
        ("expired", {"token": ISSUER.token(server_claims(nbf=NOW + 1))}),
        ("forged", {"token": ISSUER.token(server_claims(identity="web2"))}),
        ("forged", {"token": ISSUER.token(server_claims(identity=None))}),
        ("forged", {"token": ISSUER.token(server_claims(purpose="choria_client_id"))}),
        ("forged", {"token": ISSUER.token(server_claims(public_key=None))}),
        ("forged", {"token": ISSUER.token(server_claims(public_key="x"))}),
        ("forged", {"token": ISSUER.token(client_claims()), "key": CALLER}),
    ],
)
def test_a_reply_that_proves_nothing_is_refused(
    provider: ChoriaV2Provider, reason: str, change: dict[str, t.Any]
) -> None:
    assert refused(provider, **change) == reason
    assert read(provider, v2_reply()).body == SHAPED


def test_without_an_issuer_replies_are_taken_as_in_version_1(make: Maker) -> None:
    provider = make(issuers={})
    (warning,) = provider.warnings
    assert "plugin.security.issuer.names" in warning
    assert read(provider, v2_reply(secure={"signature": None, "sender": None})).body == SHAPED
    assert read(provider, v2_reply(key=STRANGER, token="x")).body == SHAPED
    assert refused(provider, secure={"hash": "YQ=="}) == "forged"
    assert refused(provider, headers={"sender": "web2"}) == "forged"


def test_a_trusted_signer_vouches_for_nodes(make: Maker) -> None:
    provider = make(issuers={}, signers=(STRANGER.public,))
    assert read(provider, v2_reply(token=STRANGER.token(server_claims()))).body == SHAPED
    assert refused(provider) == "untrusted"


# -- tokens that are known -------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the tokens that are verified from now on."""
    seen: list[str] = []
    verified = choria_v2.tokens.verified

    def counting(text: str, *args: t.Any, **more: t.Any) -> t.Any:
        seen.append(text)
        return verified(text, *args, **more)

    monkeypatch.setattr(choria_v2.tokens, "verified", counting)
    return seen


def test_a_token_is_verified_once(
    provider: ChoriaV2Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted(monkeypatch)
    for _time in range(3):
        read(provider, v2_reply())
    assert len(seen) == 1
    assert refused(provider, key=STRANGER) == "forged"
    other = {"reply": {"sender": "web2"}, "headers": {"sender": "web2"}}
    assert refused(provider, **other) == "forged"


def test_a_known_token_expires(provider: ChoriaV2Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    read(provider, v2_reply())
    set_clock(monkeypatch, NOW + 3600)
    assert refused(provider) == "expired"


def test_a_bad_token_is_not_remembered(
    provider: ChoriaV2Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = counted(monkeypatch)
    for _time in range(2):
        refused(provider, token=STRANGER.token(server_claims()))
        refused(provider, token=ISSUER.token(client_claims()))
    assert len(seen) == 4


def test_not_too_many_tokens_are_remembered(
    provider: ChoriaV2Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choria_v2, "KNOWN", 3)
    for number in range(9):
        read(provider, v2_reply(token=ISSUER.token(server_claims(jti=str(number)))))
    assert len(provider._known) == 3


# -- as the client does it -------------------------------------------------------------------------


def test_the_intake_counts_replies_by_reason(provider: ChoriaV2Provider) -> None:
    intake = Intake(provider, REQUESTID, ["web1", "web2"])
    for change in (
        {"secure": {"signature": None}},
        {"token": STRANGER.token(server_claims())},
        {"token": ISSUER.token(server_claims(exp=5))},
        {"key": STRANGER},
        {"reply": {"request": "another"}},
        {},
    ):
        intake.take(v2_reply(**t.cast(t.Any, change)))
    assert list(intake.outcome.replies) == ["web1"]
    assert intake.outcome.rejected == {
        "unsigned": 1,
        "untrusted": 1,
        "expired": 1,
        "forged": 1,
        "other_request": 1,
    }
    assert intake.outcome.culprits["unsigned"] == ["web1"]


def test_a_node_s_reply_to_somebody_else_s_request_is_not_ours(provider: ChoriaV2Provider) -> None:
    provider.seal(ENVELOPE)
    assert refused(provider, reply={"agent": "puppet"}) == "forged"
    assert refused(provider, body={"statuscode": 0, "action": "ping"}) == "forged"
    assert read(provider, v2_reply({"statuscode": 0, "action": "get_fact"})).sender == "web1"
