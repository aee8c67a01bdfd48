# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Makes and reads RSA keys, certificates and Java's stores as bytes, with cryptography 3.4 or newer."""

from __future__ import annotations

import datetime
import ipaddress
import traceback
import typing as t
from dataclasses import dataclass

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    MISSING = traceback.format_exc()
    """Why nothing here can be used; "" if it can."""
else:
    MISSING = ""

if t.TYPE_CHECKING:
    from collections.abc import Iterable

_DAY = datetime.timedelta(days=1)
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Request:
    """A wanted certificate, valid for so many days."""

    common_name: str
    names: list[x509.GeneralName]
    days: int


def new_key(size: int) -> rsa.RSAPrivateKey:
    """Return a new RSA key of so many bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=size)


def private_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return a key as PKCS8 in PEM, without a passphrase, since nothing in MCollective could enter one."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """Return the public half of a key as PEM."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_private_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Return the RSA key in PEM. Raises ValueError if there is none, or if it is encrypted."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("it is a key of another kind")
    return key


def is_public_half(pem: bytes, key: rsa.RSAPrivateKey) -> bool:
    """Return True if PEM holds the public half of a key."""
    try:
        public = serialization.load_pem_public_key(pem)
    except ValueError:
        return False
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    return public.public_numbers() == key.public_key().public_numbers()


def load_certificate(pem: bytes) -> x509.Certificate:
    """Return the certificate in PEM. Raises ValueError if there is none."""
    return x509.load_pem_x509_certificate(pem)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def alternative_names(dns: Iterable[str], addresses: Iterable[str]) -> list[x509.GeneralName]:
    """Return names and IP addresses in the form that a certificate has them."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
    return names + [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]


def not_after(certificate: x509.Certificate) -> datetime.datetime:
    """Return when it expires. The attribute with a time zone came with cryptography 42."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def expires_within(certificate: x509.Certificate, days: int) -> bool:
    """Return True if it has expired, or will within so many days."""
    return not_after(certificate) <= _now() + days * _DAY


def belongs_to(certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> bool:
    """Return True if it is for this key."""
    public = certificate.public_key()
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    return public.public_numbers() == key.public_key().public_numbers()


def signed_by(certificate: x509.Certificate, authority_key: rsa.RSAPrivateKey) -> bool:
    """Return True if the authority with this key has issued it."""
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        authority_key.public_key().verify(
            certificate.signature,
            certificate.tbs_certificate_bytes,
            padding.PKCS1v15(),
            algorithm,
        )
    except InvalidSignature:
        return False
    return True


def has_names(certificate: x509.Certificate, names: list[x509.GeneralName]) -> bool:
    """Return True if it is for exactly these names."""
    try:
        found = list(
            certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        )
    except x509.ExtensionNotFound:
        found = []
    return {(type(name), name.value) for name in found} == {
        (type(name), name.value) for name in names
    }


def new_authority(key: rsa.RSAPrivateKey, name: str, days: int) -> x509.Certificate:
    """A self-signed certificate that may issue others, but no other authority."""
    subject = _named(name)
    builder = _builder(subject, subject, key, key, days)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    return _sign(_with_usage(builder, "key_cert_sign", "crl_sign"), key)


def issue(
    request: Request,
    key: rsa.RSAPrivateKey,
    authority: x509.Certificate,
    authority_key: rsa.RSAPrivateKey,
) -> x509.Certificate:
    """A certificate of the authority, for servers and clients of TLS alike."""
    subject = _named(request.common_name)
    builder = _builder(subject, authority.subject, key, authority_key, request.days)
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    builder = _with_usage(builder, "digital_signature", "key_encipherment")
    usage = x509.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH] * bool(request.names) + [ExtendedKeyUsageOID.CLIENT_AUTH]
    )
    builder = builder.add_extension(usage, critical=False)
    if request.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(request.names), critical=False)
    return _sign(builder, authority_key)


def key_store(
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    authority: x509.Certificate,
    password: bytes,
) -> bytes:
    """Return a PKCS12 file with the key of a Java server."""
    encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(
        b"broker", key, certificate, [authority], encryption
    )


def can_write_trust_stores() -> bool:
    """Return True if this cryptography can mark a certificate as trusted by Java; 45 and newer can."""
    return hasattr(pkcs12, "serialize_java_truststore")


def trust_store(authority: x509.Certificate, password: bytes) -> bytes:
    """Return a PKCS12 file with the authority that a Java server trusts."""
    entry = pkcs12.PKCS12Certificate(authority, b"authority")
    encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_java_truststore([entry], encryption)


def store_holds(content: bytes, password: bytes, certificate: x509.Certificate) -> bool:
    """Return True if a store opens with this password, and has the certificate as its own or as a trusted one."""
    try:
        _key, own, others = pkcs12.load_key_and_certificates(content, password)
    except ValueError:
        return False
    return certificate == own if own is not None else certificate in others


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    authority_key: rsa.RSAPrivateKey,
    days: int,
) -> x509.CertificateBuilder:
    """Return a builder with what all certificates have.

    They begin a day ago, since clocks differ. Python 3.13 requires the key identifiers.
    """
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _DAY)
        .not_valid_after(_now() + days * _DAY)
        .add_extension(own, critical=False)
        .add_extension(issued_by, critical=False)
    )


def _with_usage(builder: x509.CertificateBuilder, *usages: str) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(**{name: name in usages for name in _USAGES})
    return builder.add_extension(usage, critical=True)


def _sign(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())
