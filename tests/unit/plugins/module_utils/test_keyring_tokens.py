# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeds and tokens for Choria: what the keyring creates, what it keeps, and what it issues again."""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils import _tokens as tokens
from ansible_collections.pymco.mcollective.plugins.module_utils._keyring import (
    Keyring,
    KeyringError,
    Options,
    TokenOptions,
)

ALICE = TokenOptions("alice.mcollective", "client")
WEB1 = TokenOptions("web1.example.com", "node", ("mcollective", "eu"))
WANTED = Options(psk=False, tokens=(ALICE, WEB1))
FILES = [
    *("issuer.pub", "issuer.seed", "tokens/alice.mcollective.jwt", "tokens/alice.mcollective.seed"),
    *("tokens/web1.example.com.jwt", "tokens/web1.example.com.seed"),
]


def ensure(path: pathlib.Path, options: Options = WANTED, dry: bool = False) -> list[str]:
    """What was changed."""
    keyring = Keyring(str(path), dry)
    keyring.ensure(options)
    return sorted(name for name in keyring.changed if not name.startswith(("./", "server")))


def claims(path: pathlib.Path) -> dict[str, t.Any]:
    """The claims in the file of a token."""
    text = path.read_text().split(".")[1]
    found: dict[str, t.Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


@pytest.fixture
def keys(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "keys"
    assert ensure(path, dry=True) == FILES
    assert not path.exists()
    assert ensure(path) == FILES
    return path


def test_tokens_say_who_has_which_key(keys: pathlib.Path) -> None:
    alice = claims(keys / "tokens" / "alice.mcollective.jwt")
    assert alice["callerid"] == "choria=alice.mcollective"
    assert alice["purpose"] == "choria_client_id"
    assert alice["permissions"] == {"fleet_management": True}
    web1 = claims(keys / "tokens" / "web1.example.com.jwt")
    assert (web1["identity"], web1["purpose"]) == ("web1.example.com", "choria_server")
    assert web1["collectives"] == ["mcollective", "eu"]
    seed = tokens.Seed((keys / "tokens" / "web1.example.com.seed").read_bytes())
    assert web1["public_key"] == seed.public != alice["public_key"]
    assert web1["ou"] == alice["ou"] == "choria"


def test_seeds_are_their_owners(keys: pathlib.Path) -> None:
    for seed in keys.rglob("*.seed"):
        assert stat.S_IMODE(seed.stat().st_mode) == 0o600
        assert len(seed.read_bytes()) == 64


def test_what_fits_is_kept(keys: pathlib.Path) -> None:
    assert ensure(keys) == []
    assert ensure(keys, dry=True) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"tokens": (ALICE, dataclasses.replace(WEB1, collectives=("mcollective",)))},
        {"tokens": (ALICE, dataclasses.replace(WEB1, kind="client"))},
        {"tokens": (WEB1,), "organization": "acme"},
        {"tokens": (WEB1,), "renew_days": 366},
    ],
    ids=", ".join,
)
def test_a_token_that_no_longer_fits_is_issued_again(
    keys: pathlib.Path, changes: dict[str, t.Any]
) -> None:
    other = dataclasses.replace(WANTED, **changes)
    assert ensure(keys, other, dry=True) == ["tokens/web1.example.com.jwt"]
    assert ensure(keys, other) == ["tokens/web1.example.com.jwt"]


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "ä", "{}.e30.AA"])
def test_a_token_that_is_not_the_issuers_is_replaced(keys: pathlib.Path, text: str) -> None:
    (keys / "tokens" / "web1.example.com.jwt").write_text(text, encoding="utf-8")
    assert ensure(keys) == ["tokens/web1.example.com.jwt"]


def test_another_issuer_issues_all_tokens_again(keys: pathlib.Path) -> None:
    (keys / "issuer.seed").write_bytes(tokens.new_seed())
    assert ensure(keys) == [name for name in FILES if name.endswith((".pub", ".jwt"))]


@pytest.mark.parametrize("content", [b"", b"SECRET", b"ab" * 31, b"ab" * 32 + b"c"])
def test_a_seed_that_is_none(keys: pathlib.Path, content: bytes) -> None:
    """The message does not show it."""
    (keys / "issuer.seed").write_bytes(content)
    with pytest.raises(KeyringError, match="issuer.seed: a seed consists of 64") as caught:
        ensure(keys)
    assert "SECRET" not in str(caught.value)


def test_a_seed_may_have_a_line_end(keys: pathlib.Path) -> None:
    path = keys / "issuer.seed"
    path.write_bytes(path.read_bytes() + b"\n")
    assert ensure(keys) == []


def test_names(tmp_path: pathlib.Path) -> None:
    for wanted in ((TokenOptions("../x", "node"),), (ALICE, ALICE)):
        with pytest.raises(KeyringError, match="token"):
            ensure(tmp_path / "keys", Options(tokens=wanted))
