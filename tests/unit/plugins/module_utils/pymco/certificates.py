# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and certificates, made for one run of the tests."""

from __future__ import annotations

import datetime
import functools
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
# From Python 3.13 on, an authority without it is refused.
SIGNING = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def new_key() -> rsa.RSAPrivateKey:
    """An RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def shared_key(owner: str) -> rsa.RSAPrivateKey:
    """Return the RSA key of an owner, the same in all tests of a process and in its forks."""
    return new_key()


def make_shared_keys() -> None:
    """Make the keys that most tests need."""
    for owner in ("client", "server", "authority", "subject"):
        shared_key(owner)


def write_private(path: pathlib.Path, key: rsa.RSAPrivateKey, password: bytes = b"") -> str:
    """Write a key to a PEM file, with a passphrase or without. Returns its name."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, encryption
        )
    )
    return str(path)


def write_public(path: pathlib.Path, key: rsa.RSAPrivateKey) -> str:
    """Write a key's public part to a PEM file. Returns its name."""
    path.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return str(path)


class KeyPairs:
    """A client's pair of keys, and the one that all nodes share."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.client, self.server = shared_key("client"), shared_key("server")
        self.client_private = write_private(directory / "client-private.pem", self.client)
        self.client_public = write_public(directory / "alice.admin.pem", self.client)
        self.server_private = write_private(directory / "server-private.pem", self.server)
        self.server_public = write_public(directory / "server-public.pem", self.server)


class Authority:
    """Issues certificates, all for the same key.

    :param key: its own; default: a new one.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        name: str = "Test CA",
        key: rsa.RSAPrivateKey | None = None,
    ) -> None:
        self.directory = directory
        self._key = key or new_key()
        self._name = _named(name)
        builder = self._builder(self._name, self._key)
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        builder = builder.add_extension(SIGNING, critical=True)
        self.path = self._write("ca.pem", builder.sign(self._key, hashes.SHA256()))

    def issue(self, host: str, days: int = 30, alternative: bool = True) -> tuple[str, str]:
        """A certificate for a host, and its key; with negative days it has expired.

        :param alternative: False: the host is the common name only, as in certificates of long ago.
        """
        key = shared_key("subject")
        builder = self._builder(_named(host), key, days)
        if alternative:
            names = x509.SubjectAlternativeName([_alternative(host)])
            builder = builder.add_extension(names, critical=False)
        certificate = self._write(f"{host}.pem", builder.sign(self._key, hashes.SHA256()))
        return certificate, write_private(self.directory / f"{host}-key.pem", key)

    def server_context(
        self, host: str = "127.0.0.1", days: int = 30, alternative: bool = True
    ) -> ssl.SSLContext:
        """What a broker of that name needs to speak TLS. The options are those of :meth:`issue`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(host, days, alternative))
        return context

    def _builder(
        self, subject: x509.Name, key: rsa.RSAPrivateKey, days: int = 30
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 90 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        path = self.directory / name
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
