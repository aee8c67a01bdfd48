# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""RSA keys, Base64 as Ruby writes it, and python-mcollective's other helpers."""

from __future__ import annotations

import base64
import binascii
import functools
import importlib
import typing as t

from . import exc, files

_BASE64_LINE = 60


def load_rsa_key(filename: str, what: str = "the key") -> t.Any:
    """Return the private or public RSA key of a PEM file, or the public key of an X509 certificate.

    :param what: what the key is for, for the message.
    :raises exc.CredentialError: the file cannot be read, or holds no such key.
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
        pem = files.read_bytes(filename)
    except (OSError, ValueError) as error:
        words = f"cannot read {what} {filename}: {files.why(error)}"
        raise exc.CredentialError(words, filename) from None
    try:
        if b"PRIVATE KEY-----" in pem:
            key: t.Any = _private_key(pem)
        elif b"BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem).public_key()
        else:
            key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The parser's own words are left out: they may quote what stands in the file.
        words = f"{what} {filename} is no usable RSA key in PEM form without a passphrase"
        raise exc.CredentialError(words, filename) from error
    if not isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        raise exc.CredentialError(f"{what} {filename} is a key, but no RSA key", filename)
    return key


def _private_key(pem: bytes) -> t.Any:
    """Return a private key. Raises ValueError if its numbers do not belong together.

    OpenSSL would also check that they are primes, which takes longer than everything else in a call.
    Whoever made the key has done that.
    """
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(
            pem, password=None, unsafe_skip_rsa_key_validation=True
        )
    except TypeError:  # before version 39 it has no such choice, or the file has a passphrase
        return serialization.load_pem_private_key(pem, password=None)
    if hasattr(key, "private_numbers") and not _is_consistent(key.private_numbers()):
        raise ValueError("the numbers of the key do not belong together")
    return key


def _is_consistent(numbers: t.Any) -> bool:
    """Return True if the numbers of an RSA key belong together (RFC 8017, 3.2). Other keys are fine."""
    if not hasattr(numbers, "iqmp"):
        return True
    p, q, d = numbers.p, numbers.q, numbers.d
    e, n = numbers.public_numbers.e, numbers.public_numbers.n
    return bool(
        p * q == n
        and e * d % (p - 1) == e * d % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and numbers.iqmp * q % p == 1
    )


def base64_lines(data: bytes) -> str:
    """Return Base64 in lines of 60 characters. Each line has an end, as Ruby writes it."""
    text = base64.b64encode(data).decode("ascii")
    starts = range(0, len(text), _BASE64_LINE)
    return "".join(f"{text[start : start + _BASE64_LINE]}\n" for start in starts)


def from_base64(text: bytes) -> bytes:
    """Return what Base64 stands for. It may have line breaks anywhere.

    :raises exc.DecodingError: the text is not in Base64.
    """
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise exc.DecodingError("a message is not in Base64, as the configuration says") from error


def reason(error: BaseException) -> str:
    """Return the cause of an exception in words, without the errno and the file's name."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


# -- what only python-mcollective's users need ----------------------------------------------------


def import_class(import_path: str) -> t.Any:
    """Return the class (or anything else) that a dotted path names. Never give it a node's words.

    :raises ImportError: there is no such module, or nothing of that name in it.
    """
    module, _dot, name = import_path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (AttributeError, ValueError) as error:
        raise ImportError(f"there is no {name} in the module {module!r}") from error


def import_object(import_path: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
    """Return an instance of the class that a dotted path names. Raises as :func:`import_class` does."""
    return import_class(import_path)(*args, **kwargs)


def lookup_with_default(fnc: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Return a method that looks something up by its name, and returns the argument ``default`` where
    ``fnc`` raises KeyError. Without that argument it raises KeyError too."""

    @functools.wraps(fnc)
    def decorator(self: t.Any, name: str, *_args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return fnc(self, name)
        except KeyError:
            if "default" not in kwargs:
                raise
            return kwargs["default"]

    return decorator


def pem_to_der(pem: str) -> bytes:
    """Return the public key of an X509 certificate in PEM form, as DER (a SubjectPublicKeyInfo).

    :raises exc.CredentialError: this is no such certificate.
    :raises exc.MissingDependency: the cryptography library is missing.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    except ImportError as error:
        raise exc.MissingDependency("cryptography", "certificates") from error
    try:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    except ValueError as error:
        raise exc.CredentialError("this is no X509 certificate in PEM form", "") from error
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
