# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom real nodes of Choria answer, and what proves who they are."""

from __future__ import annotations

import base64
import dataclasses
import json
import secrets
import time
import typing as t

import pytest
from calling import call, choria_config, senders
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from testbed.choria import missing as missing_choria
from testbed.choria.broker import Broker
from testbed.choria.collective import ChoriaCollective, Options
from testbed.choria.tokens import Issuer
from testbed.real.default_nodes import DEFAULT_NODES

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from testbed.certificates import Authority

NODE = "web1.example.com"
NODES = [node for node in DEFAULT_NODES if node.identity == NODE]
NO_ISSUER = {"plugin.security.issuer.names": None, "plugin.security.issuer.choria.public": None}


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """Who signs the tokens of these tests."""
    reason = missing_choria()
    if reason:
        pytest.skip(reason)
    return Issuer(tmp_path_factory.mktemp("organisation"))


@pytest.fixture(scope="module")
def broker(authority: Authority, organisation: Issuer) -> t.Iterator[Broker]:
    """A broker that knows the organisation."""
    with Broker(authority, organisation) as running:
        yield running


def node(
    broker: Broker, authority: Authority, issuer: Issuer | None, main: str, **daemon: str
) -> ChoriaCollective:
    """A collective of one node."""
    options = Options(collectives=(main,), daemon=daemon)
    return ChoriaCollective(broker, authority, issuer, nodes=NODES, options=options)


@pytest.fixture(scope="module")
def signing(
    broker: Broker, authority: Authority, organisation: Issuer
) -> t.Iterator[ChoriaCollective]:
    """A node that signs its replies."""
    with node(broker, authority, organisation, "choria") as running:
        yield running


def ask(config: Config, **request: t.Any) -> rpc.Result:
    return call(config, "rpcutil", "ping", nodes=[NODE], timeout=3.0, **request)


def warnings_of(config: Config) -> list[str]:
    return rpc.Client(config).warnings


# -- version 2 -------------------------------------------------------------------------------------


def test_a_node_proves_who_it_is(signing: ChoriaCollective) -> None:
    config = choria_config(signing)
    result = ask(config)
    assert senders(result) == [NODE]
    assert not result.rejected
    assert warnings_of(config) == []


def test_a_node_of_another_issuer_is_not_trusted(signing: ChoriaCollective) -> None:
    other = Issuer(signing.directory / "other")
    config = choria_config(signing, {"plugin.security.issuer.choria.public": other.public})
    result = ask(config)
    assert result.no_response == [NODE]
    assert result.rejected == {"untrusted": 1}
    assert result.culprits == {"untrusted": [NODE]}
    assert "no issuer that is configured signed" in warnings_of(config)[0]


def test_without_an_issuer_a_node_is_taken_at_its_word(signing: ChoriaCollective) -> None:
    config = choria_config(signing, NO_ISSUER)
    assert senders(ask(config)) == [NODE]
    assert "nothing proves which node sent a reply" in warnings_of(config)[0]


def test_a_node_that_signs_nothing_proves_nothing(
    broker: Broker, authority: Authority, organisation: Issuer
) -> None:
    unsigned = {"plugin.security.choria.sign_replies": "false"}
    with node(broker, authority, organisation, "plain", **unsigned) as running:
        result = ask(choria_config(running))
        assert (result.no_response, result.rejected) == ([NODE], {"unsigned": 1})
        assert senders(ask(choria_config(running, NO_ISSUER))) == [NODE]


def with_token(signing: ChoriaCollective, name: str, **claims: t.Any) -> Config:
    """The configuration of a client with another token."""
    issuer = t.cast("Issuer", signing.issuer)
    return choria_config(signing, signing.security(issuer.client(name, **claims)))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"lifetime": -60}, "has expired"),
        ({"permissions": {}}, "fleet_management"),
        ({"public_key": "0" * 64}, "does not belong to the seed"),
    ],
)
def test_a_token_that_is_no_use_is_refused_before_there_is_a_connection(
    signing: ChoriaCollective, claims: dict[str, t.Any], words: str
) -> None:
    config = with_token(signing, "weak", **claims)
    with pytest.raises(exc.CredentialError, match=words):
        rpc.Client(config)


def ksuid(moment: int) -> str:
    """Return a token's id as Go's nodes want it: the time and random bits, in 27 letters and digits."""
    number = (moment - 1_400_000_000) << 128 | secrets.randbits(128)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 62**place % 62] for place in reversed(range(27)))


@pytest.mark.parametrize("vouched", [True, False])
def test_a_token_of_a_login_service(signing: ChoriaCollective, vouched: bool) -> None:
    """The issuer vouches for the service's key, and the service signs the client's token."""
    issuer, now = t.cast("Issuer", signing.issuer), int(time.time())
    voucher = issuer.key if vouched else Ed25519PrivateKey.generate()
    service = dataclasses.replace(issuer, key=Ed25519PrivateKey.generate())
    token, holder = ksuid(now - 60), f"{ksuid(now - 90)}.{service.public}"
    first = voucher.sign(holder.encode()).hex()
    second = service.key.sign(f"{token}.{first}".encode()).hex()
    claims = {"iss": f"C-{holder}", "tcs": f"{first}.{second}", "issexp": now + 3600}
    own = service.client("carol", jti=token, iat=now - 60, **claims)
    config = choria_config(signing, signing.security(own))
    if vouched:
        assert senders(ask(config)) == [NODE]
        assert warnings_of(config) == []
    else:
        assert "no issuer that is configured signed" in warnings_of(config)[0]
        # 0.29.4 does not look whether the issuer signed the first part: anybody can make a token. It is mended in
        # choria-io/tokens of 2026-03-30, and this client would not take such a token from a node.
        assert senders(ask(config)) == [NODE]


# -- version 1 -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(authority: Authority) -> t.Iterator[ChoriaCollective]:
    """A node that wants certificates, on a broker without an organisation."""
    reason = missing_choria()
    if reason:
        pytest.skip(reason)
    with Broker(authority) as plain, node(plain, authority, None, "mcollective") as running:
        yield running


def as_caller(certified: ChoriaCollective, certificate: str, caller: str) -> Config:
    """The configuration of a client with another certificate."""
    changes = certified.security(certified.authority.member(certificate))
    choria_config(certified, changes)
    path = str(certified.directory / "test.conf")
    return Config.from_configfile(path, environ={"MCOLLECTIVE_CERTNAME": caller})


def test_a_caller_is_answered(certified: ChoriaCollective) -> None:
    config = as_caller(certified, "erin.mcollective", "erin.mcollective")
    assert senders(ask(config)) == [NODE]
    assert warnings_of(config) == []


def test_silence_for_a_name_that_nodes_do_not_expect(certified: ChoriaCollective) -> None:
    config = as_caller(certified, "erin.example", "erin.example")
    assert ask(config).no_response == [NODE]
    assert "certname_whitelist" in warnings_of(config)[0]


def test_a_privileged_certificate_speaks_for_anybody(certified: ChoriaCollective) -> None:
    config = as_caller(certified, "root.privileged.mcollective", "carol.mcollective")
    assert rpc.Client(config).security.callerid == "choria=carol.mcollective"
    assert senders(ask(config)) == [NODE]
    with pytest.raises(exc.CredentialError, match="is not for carol.mcollective"):
        rpc.Client(as_caller(certified, "erin.mcollective", "carol.mcollective"))


def test_a_reply_of_version_1_proves_nothing(certified: ChoriaCollective) -> None:
    """Its checksum is right, whoever writes a node's name into it."""
    config = as_caller(certified, "erin.mcollective", "erin.mcollective")
    with rpc.Client(config) as client:
        payloads: list[bytes] = []
        genuine = client.security.open
        client.security.open = lambda payload: payloads.append(payload) or genuine(payload)  # type: ignore
        client.call(rpc.Request("rpcutil", "ping", nodes=(NODE,)))
        secure = json.loads(base64.b64decode(json.loads(payloads[-1])["data"]))
    assert set(secure) == {"protocol", "message", "hash"}
