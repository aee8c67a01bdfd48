# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node's half of aes_security (MC:security/aes_security.rb, MC:ssl.rb), written apart from the client's."""

from __future__ import annotations

import base64
import hashlib
import secrets
import typing as t

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

KEY, BLOCK = 32, 16
"""Bytes of a key and of a block of aes-256-cbc."""


def public_decrypt(key: t.Any, sealed: bytes) -> bytes:
    """Return what a private key has encrypted. Raises ValueError if it was another key."""
    numbers = key.public_numbers()
    size = key.key_size // 8
    block = pow(int.from_bytes(sealed, "big"), numbers.e, numbers.n).to_bytes(size, "big")
    filled, zero, secret = block[2:].partition(b"\0")
    if block[:2] != b"\0\1" or filled.strip(b"\xff") or not zero:
        raise ValueError("encrypted with another key")
    return secret


def decrypt(data: bytes, secret: bytes) -> bytes:
    """Return the plain text. Raises ValueError if the data are not encrypted with this secret."""
    decryptor, unpadder = _cipher(secret).decryptor(), PKCS7(BLOCK * 8).unpadder()
    padded = decryptor.update(base64.b64decode(data)) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def encrypt(plain: bytes, key: t.Any, forged: bool) -> dict[str, str]:
    """Return a reply's body and its key. A forger does not know for which client to encrypt the key."""
    secret = secrets.token_bytes(KEY)
    padder, encryptor = PKCS7(BLOCK * 8).padder(), _cipher(secret).encryptor()
    padded = padder.update(plain) + padder.finalize()
    data = encryptor.update(padded) + encryptor.finalize()
    sealed = secret if forged else key.encrypt(secret, padding.PKCS1v15())
    return {
        "body": base64.encodebytes(data).decode(),
        "sslkey": base64.encodebytes(sealed).decode(),
    }


def _cipher(secret: bytes) -> Cipher[modes.CBC]:
    """Return the cipher that Ruby's pkcs5_keyivgen makes from a secret."""
    material = block = b""
    while len(material) < KEY + BLOCK:
        block += secret
        for _round in range(2048):
            block = hashlib.md5(block, usedforsecurity=False).digest()
        material += block
    return Cipher(algorithms.AES(material[:KEY]), modes.CBC(material[KEY : KEY + BLOCK]))
