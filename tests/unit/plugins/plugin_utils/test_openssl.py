# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with OpenSSL before Ansible forks."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.plugin_utils import _openssl


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[t.Any]:
    """The hashes that signatures are verified with."""
    found: list[t.Any] = []
    real = _openssl.hashes.SHA1

    def recorded() -> t.Any:
        found.append(real())
        return found[-1]

    monkeypatch.setattr(_openssl.hashes, "SHA1", recorded)
    return found


def test_a_signature_is_verified(hashed: list[t.Any]) -> None:
    _openssl.warm_up()
    assert len(hashed) == 1


def test_without_the_library_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, hashed: list[t.Any]
) -> None:
    monkeypatch.setattr(_openssl, "HAS_CRYPTOGRAPHY", False)
    _openssl.warm_up()
    assert not hashed


def test_a_library_that_refuses_it_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, hashed: list[t.Any]
) -> None:
    def refuse(*_arguments: object) -> None:
        hashed.append("refused")
        raise ValueError("not in this mode")

    monkeypatch.setattr(_openssl.rsa, "RSAPublicNumbers", refuse)
    _openssl.warm_up()
    assert hashed == ["refused"]
