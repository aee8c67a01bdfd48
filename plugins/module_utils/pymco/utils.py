# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Files and keys."""

from __future__ import annotations

import typing as t

from . import exc


def read_text(path: str, what: str) -> str:
    """A text file's content.

    :param what: what the file is, for the message.
    :raises exc.ImproperlyConfigured: it cannot be read, or is no UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise exc.ImproperlyConfigured(f"cannot read {what} {path}: {reason(error)}") from error


def load_rsa_key(path: str, what: str = "the key") -> t.Any:
    """A private or public RSA key from a PEM file, or the public key of an X509 certificate.

    :param what: what the key is for, for the message.
    :raises exc.CredentialError: it cannot be read, or holds no such key.
    :raises exc.MissingDependency: the cryptography library is missing.
    """
    try:
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError as error:
        raise exc.MissingDependency("cryptography", "RSA keys") from error
    try:
        with open(path, "rb") as file:
            pem = file.read()
    except (OSError, ValueError) as error:
        raise exc.CredentialError(f"cannot read {what} {path}: {reason(error)}", path) from error
    try:
        if b"PRIVATE KEY-----" in pem:
            key: t.Any = serialization.load_pem_private_key(pem, password=None)
        elif b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The parser's own words are left out: they may quote what stands in the file.
        raise exc.CredentialError(
            f"{what} {path} is no usable RSA key in PEM form without a passphrase", path
        ) from error
    if not isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        raise exc.CredentialError(f"{what} {path} is a key, but no RSA key", path)
    return key


def reason(error: BaseException) -> str:
    """An exception's cause in words, without the errno and the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
