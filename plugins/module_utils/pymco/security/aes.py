# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""RSA keys and encryption: nodes know each client's public key, clients know nothing of the nodes
(MC:security/aes_security.rb, MC:ssl.rb).

Each message is encrypted with a key of its own. A request's key is encrypted with the client's private
key. Nothing binds the body to it: **everybody who has the public key and one request can make any other
request with its key**. A reply's key is encrypted with the client's public key: nobody else can read the
reply, but **everybody who has the public key can write one**. MCollective's design allows no more. See the
guide trust_model.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
import secrets
import typing as t

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7
    from cryptography.x509.oid import NameOID

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False
try:
    from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

    HAS_NO_DIGEST_INFO = True
except ImportError:  # It came with version 47. Distributions have older ones.
    HAS_NO_DIGEST_INFO = False

from .. import exc, files
from ..serializers import Symbol
from ..utils import base64_lines, load_rsa_key
from .base import body_bytes
from .rsa import RsaProvider

if t.TYPE_CHECKING:
    from ..settings import Settings

SSLKEY = Symbol("sslkey")
BLOCK = 16
"""Bytes of an AES block, and of its initialization vector."""
KEY_SIZES = {"aes-128-cbc": 16, "aes-192-cbc": 24, "aes-256-cbc": 32}
"""The values of ssl_cipher, with the bytes of their keys."""
ROUNDS = 2048
"""How often Ruby's pkcs5_keyivgen applies MD5."""


class AesProvider(RsaProvider):
    """``securityprovider = aes_security``.

    Options: ``plugin.aes.client_private``, ``plugin.aes.client_public`` (a certificate's CN or the
    file's name makes the callerid), ``plugin.aes.serializer`` (yaml; any other value means marshal),
    ``plugin.aes.send_pubkey`` (1: nodes may learn our public key from the request), ``ssl_cipher``.
    """

    verifies_requests = False  # clients know nothing of the nodes' keys
    proof = SSLKEY
    word = "aes"
    prefix = "plugin.aes."

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        if not HAS_CRYPTOGRAPHY:
            raise exc.MissingDependency("cryptography", "securityprovider = aes_security")
        super().__init__(config, logger)
        self._key_size = config.choose("ssl_cipher", KEY_SIZES)
        path = self._client_file("public")
        self._check_pair(path)
        self._extra = {}
        if config.get("plugin.aes.send_pubkey") == "1":
            self._extra["sslpubkey"] = files.read_text(path, "the client's public key")

    def _check_pair(self, path: str) -> None:
        """Check that the keys belong together. Otherwise nodes would silently drop every request."""
        public_key = load_rsa_key(path, "the client's public key (plugin.aes.client_public)")
        if hasattr(public_key, "sign"):
            raise exc.ImproperlyConfigured(f"{path}, the client's public key, is a private key")
        if public_key.public_numbers() != self._private_key.public_key().public_numbers():
            raise exc.ImproperlyConfigured(
                f"{self.config.source}: the client's public key {path} does not belong to its"
                " private key"
            )

    def _callerid(self) -> str:
        name = _common_name(self._client_file("public"))
        return f"cert={name}" if name else super()._callerid()

    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """See :meth:`.SecurityProvider.sign`."""
        secret = secrets.token_bytes(self._key_size)
        data = base64_lines(_encrypt(self._wrapped(msg), secret, self._key_size)).encode()
        sealed = private_encrypt(self._private_key, secret)
        return self._signed(msg, data, sslkey=base64_lines(sealed), **self._extra)

    def _verified(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """See :meth:`.SecurityProvider._verified`."""
        try:
            sealed = base64.b64decode(msg.get(SSLKEY) or "")
            secret = self._private_key.decrypt(sealed, padding.PKCS1v15())
            return _decrypt(base64.b64decode(body_bytes(msg)), secret, self._key_size)
        except (binascii.Error, TypeError, ValueError) as error:
            raise exc.VerificationError("the reply is not encrypted for our key") from error


def private_encrypt(key: t.Any, data: bytes) -> bytes:
    """Do what Ruby calls private_encrypt: make a PKCS #1 v1.5 signature without a DigestInfo."""
    if HAS_NO_DIGEST_INFO:
        return t.cast(bytes, key.sign(data, padding.PKCS1v15(), NoDigestInfo()))
    return plain_signature(key, data)


def plain_signature(key: t.Any, data: bytes) -> bytes:
    """Do the same by arithmetic alone (RFC 8017, 5.2.1 and 9.2), for older libraries.

    The calculation is blinded, so its time tells nothing of the key. The result is checked, so a fault
    of the machine tells nothing of the key either.
    """
    numbers = key.private_numbers()
    p, q = numbers.p, numbers.q
    e, n = numbers.public_numbers.e, numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    padded = int.from_bytes(b"\0\1" + b"\xff" * (size - 3 - len(data)) + b"\0" + data, "big")
    factor = secrets.randbelow(n - 2) + 2
    blinded = padded * pow(factor, e, n) % n
    by_p, by_q = pow(blinded % p, numbers.dmp1, p), pow(blinded % q, numbers.dmq1, q)
    combined = by_q + numbers.iqmp * (by_p - by_q) % p * q
    signature = combined * pow(factor, -1, n) % n
    if pow(signature, e, n) != padded:
        raise exc.ImproperlyConfigured("the client's private key does not work; is it damaged?")
    return t.cast(bytes, signature.to_bytes(size, "big"))


def _common_name(path: str) -> str | None:
    """Return the CN of a certificate if its subject begins with one, or None for any other file."""
    try:
        subject = x509.load_pem_x509_certificate(files.read_bytes(path)).subject
        # Perhaps several parts stand first, in the order of DER, which old versions of the library lose.
        first = min(next(iter(subject.rdns)), key=lambda part: x509.Name([part]).public_bytes())
    except (OSError, ValueError, StopIteration):
        return None
    name = re.match(r"[\w.\-]+", str(first.value), re.ASCII)
    return name[0] if name and first.oid == NameOID.COMMON_NAME else None


def _cipher(secret: bytes, key_size: int) -> t.Any:
    """Return AES with the key and the vector that Ruby derives from the secret: pkcs5_keyivgen, which
    is OpenSSL's EVP_BytesToKey with MD5 and without salt."""
    material = block = b""
    while len(material) < key_size + BLOCK:
        block += secret
        for _round in range(ROUNDS):
            block = hashlib.md5(block, usedforsecurity=False).digest()
        material += block
    vector = material[key_size : key_size + BLOCK]
    return Cipher(algorithms.AES(material[:key_size]), modes.CBC(vector))


def _encrypt(plain: bytes, secret: bytes, key_size: int) -> bytes:
    padder = PKCS7(BLOCK * 8).padder()
    encryptor = _cipher(secret, key_size).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return t.cast(bytes, encryptor.update(padded) + encryptor.finalize())


def _decrypt(data: bytes, secret: bytes, key_size: int) -> bytes:
    decryptor = _cipher(secret, key_size).decryptor()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    padded = decryptor.update(data) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
