# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private authority and the certificates that it issues."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .keys import new_key, write_file, write_private

if t.TYPE_CHECKING:
    from pathlib import Path

_DAY = datetime.timedelta(days=1)
_NO_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True)
class Certificate:
    """The files of a certificate and its key, both as PEM."""

    path: Path
    key: Path


class Authority:
    """Issues certificates, all of them into one directory, where ``path`` is its own."""

    def __init__(self, directory: Path, name: str = "Testbed CA") -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._name = _named(name)
        self._key = new_key()
        builder = self._builder(self._name, self._key.public_key(), days=30)
        usage = x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True, "crl_sign": True})
        builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
        self.path = self._write("ca", builder.add_extension(usage, critical=True))

    def server(self, host: str = "localhost", *, days: int = 30) -> Certificate:
        """Return a certificate for a name, and for no address. With negative days, it has expired."""
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        return self._issue(host if days > 0 else f"{host}-expired", host, names, days)

    def client(self, name: str) -> Certificate:
        """Return a certificate for a client, whose name is its common name."""
        return self._issue(name, name, x509.BasicConstraints(False, None), days=30)

    def member(self, name: str, *hosts: str, days: int = 30) -> Certificate:
        """Return a certificate for anything in a Choria network, which has its name in the SAN, too.

        :param hosts: further names that it has.
        """
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in (name, *hosts)])
        uses = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._issue(name, name, names, days, x509.ExtendedKeyUsage(uses))

    def _issue(
        self,
        file: str,
        name: str,
        extension: x509.ExtensionType,
        days: int,
        *more: x509.ExtensionType,
    ) -> Certificate:
        key = new_key()
        builder = self._builder(_named(name), key.public_key(), days)
        for one in (extension, *more):
            builder = builder.add_extension(one, critical=False)
        path = self._write(file, builder)
        private = self._directory / f"{file}-key.pem"
        write_private(private, key)
        return Certificate(path, private)

    def _builder(
        self, subject: x509.Name, key: rsa.RSAPublicKey, days: int
    ) -> x509.CertificateBuilder:
        """Return what all certificates have. Python 3.13 requires the two key identifiers."""
        now = datetime.datetime.now(datetime.timezone.utc)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 90 * _DAY)
            .not_valid_after(now + days * _DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(own, critical=False)
        )

    def _write(self, name: str, builder: x509.CertificateBuilder) -> Path:
        path = self._directory / f"{name}.pem"
        certificate = builder.sign(self._key, hashes.SHA256())
        write_file(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return path


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
