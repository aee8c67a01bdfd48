# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RSA key pairs as the files that MCollective reads."""

from __future__ import annotations

import functools
import os
import typing as t
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if t.TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    """The files of the two halves of an RSA-2048 key, both as PEM."""

    private: Path
    public: Path


class Keys:
    """The key pairs of a collective. Each is made when it is first asked for: with a pre-shared key, none is."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @functools.cached_property
    def server(self) -> KeyPair:
        """The nodes' pair."""
        return make_keypair(self._directory, "server")

    @functools.cached_property
    def operator(self) -> KeyPair:
        """The pair of the client that nodes know."""
        return make_keypair(self._directory, "operator")

    @functools.cached_property
    def rogue(self) -> KeyPair:
        """A client's pair that nodes do not know."""
        return make_keypair(self._directory, "rogue")


def make_keypair(directory: Path, name: str) -> KeyPair:
    """Make a key pair in ``directory``, which is created if need be.

    The public file is ``<name>.pem`` because the security provider ``ssl`` takes its basename
    for the caller id: the client that signs with this pair is ``cert=<name>``.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = new_key()
    pair = KeyPair(directory / f"{name}-private.pem", directory / f"{name}.pem")
    write_private(pair.private, key)
    write_file(pair.public, _public_pem(key), 0o644)
    return pair


def new_key() -> rsa.RSAPrivateKey:
    """Return an RSA-2048 key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_private(path: Path, key: rsa.RSAPrivateKey) -> None:
    """Write a private key as PEM. Only its owner can read it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_file(path, pem, 0o600)


def _public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Write a file that has its mode from its first byte on, whatever the umask is."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)
        stream.write(content)
