# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choria's tokens and seeds: who is trusted, and for how long."""

from __future__ import annotations

import base64
import json
import pathlib
import sys
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, tokens
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    CALLER,
    ISSUER,
    NOW,
    STRANGER,
    Key,
    client_claims,
    vector,
)

ISSUERS = {"choria": ISSUER.public}


def test_a_token_of_a_real_issuer_is_verified() -> None:
    exchange = vector("go-v2-exchange.json")
    issuers = {"choria": exchange["issuer_public_hex"]}
    token = tokens.verified(exchange["client_jwt"], issuers, now=NOW)
    assert token.claim("callerid") == "up=alice"
    assert token.claim("purpose") == tokens.CLIENT
    assert token.permits("fleet_management")
    with pytest.raises(exc.VerificationError) as caught:
        tokens.verified(exchange["client_jwt"], issuers, now=NOW + 10**6)
    assert caught.value.reason == "expired"


def test_the_claims_of_a_token() -> None:
    token = tokens.parse(ISSUER.token(client_claims(public_key=CALLER.public.upper(), ou=None)))
    assert token.public == CALLER.public
    assert token.claim("ou") == token.claim("permissions") == ""
    assert not token.permits("org_admin")
    assert "eyJ" not in repr(token)


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({}, None),
        ({"exp": None, "nbf": None}, None),
        ({"exp": NOW}, "has expired"),
        ({"exp": NOW + 0.5}, None),
        ({"issexp": NOW - 1}, "has expired"),
        ({"nbf": NOW + 1}, "is not valid yet"),
        ({"exp": "never"}, "has expired"),
        ({"exp": True}, "has expired"),
        ({"exp": [NOW + 1]}, "has expired"),
    ],
)
def test_a_token_holds_for_a_time(claims: dict[str, t.Any], fault: str | None) -> None:
    assert tokens.parse(ISSUER.token(client_claims(**claims))).fault(NOW) == fault


@pytest.mark.parametrize("permissions", [None, [], "fleet_management", {"fleet_management": 1}])
def test_only_true_is_a_permission(permissions: t.Any) -> None:
    token = tokens.parse(ISSUER.token(client_claims(permissions=permissions)))
    assert not token.permits("fleet_management")


def none_token() -> str:
    """A token that says that it needs no signature."""
    return ISSUER.token(client_claims(), {"alg": "none"}).rpartition(".")[0] + "."


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "...", "a.b.c", "é.é.é", "x" * 10**6),
        none_token(),
        ISSUER.token(client_claims(), {"alg": "HS256"}),
        ISSUER.token(client_claims(), {"alg": ["EdDSA"]}),
        ISSUER.token(client_claims(), {"typ": "JWT"}),
        ISSUER.token(client_claims(), "[]"),
        ISSUER.token(client_claims(), "5"),
        ISSUER.token([1]),
        ISSUER.token("{"),
        ISSUER.token('{"ou":"choria","ou":"other"}'),
        ISSUER.token(client_claims()) + "!",
        ISSUER.token(client_claims())[:-3] + "=",
        ISSUER.token(client_claims())[:-2] + "+A",
        ISSUER.token(client_claims())[:-2] + "/A",
        ISSUER.token(client_claims()) + ".x",
        "x." + ISSUER.token(client_claims()),
        " " + ISSUER.token(client_claims()),
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    for read in (tokens.parse, lambda text: tokens.verified(text, ISSUERS, now=NOW)):
        with pytest.raises(exc.DecodingError):
            read(text)


# -- trust -----------------------------------------------------------------------------------------


def judged(
    text: str, issuers: t.Mapping[str, str] | None = None, signers: t.Iterable[str] = ()
) -> str | None:
    """Return why a token is not trusted, or None."""
    try:
        tokens.verified(text, ISSUERS if issuers is None else issuers, signers, now=NOW)
    except exc.VerificationError as error:
        return error.reason
    return None


def test_the_issuer_of_the_token_s_organisation_is_trusted() -> None:
    assert judged(ISSUER.token(client_claims())) is None
    assert judged(ISSUER.token(client_claims(ou="other"))) == "untrusted"
    assert judged(ISSUER.token(client_claims(ou=None))) == "untrusted"
    assert judged(STRANGER.token(client_claims())) == "untrusted"
    assert judged(ISSUER.token(client_claims()), {}) == "untrusted"
    assert judged(ISSUER.token(client_claims()), {"choria": "not hexadecimal"}) == "untrusted"


def test_a_trusted_signer_may_sign_for_any_organisation() -> None:
    text = STRANGER.token(client_claims(ou="other"))
    assert judged(text, signers=[CALLER.public, STRANGER.public]) is None
    assert judged(text, signers=[CALLER.public]) == "untrusted"


def test_a_changed_token_is_not_trusted() -> None:
    header, claims, signature = ISSUER.token(client_claims()).split(".")
    other = ISSUER.token(client_claims(callerid="up=root")).split(".")[1]
    assert judged(f"{header}.{other}.{signature}") == "untrusted"
    assert judged(f"{header}.{claims}.{signature[:-4]}") == "untrusted"
    assert judged(f"{header}.{claims}.") == "untrusted"


def test_an_expired_token_of_a_stranger_is_a_stranger_s() -> None:
    assert judged(STRANGER.token(client_claims(exp=5))) == "untrusted"
    assert judged(ISSUER.token(client_claims(exp=5))) == "expired"


LOGIN, LOGIN_ID = Key(b"l" * 32), "3MlkZaWxAYn9aLAZ0fUDkrYoGE8"


def chained(vouching: Key = ISSUER, own: Key = LOGIN, by: Key = LOGIN, **changes: t.Any) -> str:
    """A token that somebody signed for whom the issuer vouches, as a login service does."""
    vouched = vouching.sign(f"{LOGIN_ID}.{LOGIN.public}".encode()).hex()
    claims = client_claims(iss=f"C-{LOGIN_ID}.{LOGIN.public}", issexp=NOW + 60)
    signature = own.sign(f"{claims['jti']}.{vouched}".encode()).hex()
    return by.token({**claims, "tcs": f"{vouched}.{signature}", **changes})


def test_a_token_of_somebody_for_whom_the_issuer_vouches_is_trusted() -> None:
    assert judged(chained()) is None
    assert judged(chained(), {}, [ISSUER.public]) is None
    assert judged(chained(issexp=NOW - 1)) == "expired"


@pytest.mark.parametrize(
    "text",
    [
        chained(vouching=STRANGER),
        chained(own=STRANGER),
        chained(by=STRANGER),
        chained(by=ISSUER),
        chained(jti="another"),
        chained(jti=None),
        chained(tcs="x"),
        chained(tcs=None),
        chained(tcs="."),
        chained(issexp=None),
        chained(iss="C-"),
        chained(iss=f"C-{LOGIN_ID}.{STRANGER.public}"),
        chained(iss=f"C-x.{LOGIN.public}"),
        chained(iss=f"C-{LOGIN_ID}.{LOGIN.public}.x"),
    ],
)
def test_a_chain_with_a_wrong_link_is_not_trusted(text: str) -> None:
    assert judged(text) == "untrusted"


# -- files -----------------------------------------------------------------------------------------


def test_files_are_read(tmp_path: pathlib.Path) -> None:
    token, seed = tmp_path / "token", tmp_path / "seed"
    token.write_text(ISSUER.token(client_claims()) + "\n")
    seed.write_text(CALLER.seed.hex() + "\n")
    assert tokens.read_token(str(token)).claim("callerid") == "up=alice"
    assert tokens.read_token(str(token)).text == token.read_text().strip()
    found = tokens.read_seed(str(seed))
    assert found.public == CALLER.public
    assert found.sign(b"x") == CALLER.sign(b"x")


def test_the_answer_to_a_broker_s_nonce(tmp_path: pathlib.Path) -> None:
    answer = tokens.Seed(CALLER.seed).answer("nonce")
    assert "=" not in answer
    assert base64.urlsafe_b64decode(answer + "==") == CALLER.sign(b"nonce")


@pytest.mark.parametrize("content", [b"", b"secret", b"\xff", b"0" * 63, b"0" * 65, b"g" * 64])
def test_a_file_that_holds_something_else_is_named_and_not_shown(
    tmp_path: pathlib.Path, content: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    for read in (tokens.read_token, tokens.read_seed):
        with pytest.raises(exc.CredentialError, match=str(path)) as caught:
            read(str(path))
        assert "secret" not in str(caught.value)
        assert "0000" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "none")
    for read, what in ((tokens.read_token, "token"), (tokens.read_seed, "seed")):
        with pytest.raises(exc.CredentialError, match=f"cannot read the {what} .*No such file"):
            read(path)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(exc.MissingDependency, match="cryptography.*version 2"):
        tokens.Seed(CALLER.seed)


def test_claims_are_data() -> None:
    claims = client_claims(x={"y": [1, None]})
    assert tokens.parse(ISSUER.token(claims)).claims == json.loads(json.dumps(claims))
