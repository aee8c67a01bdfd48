# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Keeps a directory with all secrets of a collective: makes what is missing, and renews what expires."""

from __future__ import annotations

import ipaddress
import re
import secrets
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pymco.mcollective.plugins.module_utils import _certificates as certs
from ansible_collections.pymco.mcollective.plugins.module_utils import _tokens as tokens
from ansible_collections.pymco.mcollective.plugins.module_utils._private_directory import (
    PrivateDirectory,
    Untrusted,
)

if t.TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

_NAME = re.compile(r"\w[\w.-]*\Z", re.ASCII)
"""Names become file names. A client's name also becomes the callerid that nodes authorise."""


class KeyringError(Exception):
    """Something in the keyring cannot be made or used; the message says what to do."""


@dataclass(frozen=True)
class CertificateOptions:
    """A wanted certificate.

    :ivar java: True to make the stores that a Java broker reads, too.
    """

    name: str
    dns: t.Sequence[str] = ()
    addresses: t.Sequence[str] = ()
    java: bool = False


@dataclass(frozen=True)
class TokenOptions:
    """A wanted token of Choria.

    :ivar kind: "client" or "node".
    :ivar collectives: those that a node may join.
    """

    name: str
    kind: str
    collectives: t.Sequence[str] = ("mcollective",)


@dataclass(frozen=True)
class Options:
    """The wanted content of the keyring: the options of mcollective_keys, except the path."""

    clients: t.Sequence[str] = ()
    passwords: t.Sequence[str] = ()
    psk: bool = True
    certificates: t.Sequence[CertificateOptions] = ()
    tokens: t.Sequence[TokenOptions] = ()
    organization: str = "choria"
    token_days: int = 365
    authority_name: str = "MCollective CA"
    authority_days: int = 3650
    certificate_days: int = 825
    renew_days: int = 30
    key_size: int = 2048


@dataclass
class Keyring:
    """Brings a directory into the wanted state.

    :ivar dry: True to change nothing, and only find out what would change.
    """

    path: str
    dry: bool = False
    _files: PrivateDirectory = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._files = PrivateDirectory(self.path, dry=self.dry)

    @property
    def changed(self) -> list[str]:
        """The files that were made, renewed or closed to others, or would be; relative to the directory."""
        return self._files.changed

    def ensure(self, options: Options) -> None:
        """Make all that is missing.

        :raises KeyringError: something in the directory does not fit, or others can change it.
        """
        _refuse_bad_options(options)
        try:
            with self._files:
                self._ensure(options)
        except Untrusted as error:
            raise KeyringError(str(error)) from error

    def _ensure(self, options: Options) -> None:
        self._files.require()
        for name in ("clients", "passwords", "tls", "tokens"):
            if self._files.exists(name):
                self._files.require(name)
        self._key_pair("server", options.key_size)
        for name in options.clients:
            self._key_pair(f"clients/{name}", options.key_size)
        if options.psk:
            self._secret("psk")
        for name in options.passwords:
            self._secret(f"passwords/{name}")
        if options.certificates:
            self._ensure_certificates(options)
        if options.tokens:
            self._ensure_tokens(options)

    # -- key pairs and passwords ---------------------------------------------------------------

    def _key_pair(self, name: str, size: int) -> None:
        public = f"{name}.pem"
        self._refuse_lost_half(name)
        key = self._private_key(name, size)
        if key is None:
            self._files.note(public)
            return
        wanted = certs.public_pem(key)
        if not self._files.exists(public):
            self._files.write(public, wanted, 0o644)
        elif not certs.is_public_half(self._files.read(public, secret=False), key):
            raise KeyringError(
                f"{self._files.full(public)} is not the public half of {_private(name)}: remove the wrong one"
            )

    def _refuse_lost_half(self, name: str) -> None:
        public = f"{name}.pem"
        if self._files.exists(public) and not self._files.exists(_private(name)):
            raise KeyringError(
                f"{self._files.full(public)} exists, but its private half {_private(name)} does not: restore that, "
                f"or remove {public} to have both made anew (then run the roles for all machines)"
            )

    def _private_key(self, name: str, size: int) -> rsa.RSAPrivateKey | None:
        """Return the key of this name, made if there is none; None if it would be made."""
        file = _private(name)
        if self._files.exists(file):
            content = self._files.read(file, secret=True)
            try:
                return certs.load_private_key(content)
            except ValueError:
                # The parser's message may quote the content of the file.
                raise KeyringError(
                    f"{self._files.full(file)} is not an RSA private key in PEM without a passphrase"
                ) from None
        if self.dry:
            self._files.note(file)
            return None
        key = certs.new_key(size)
        self._files.write(file, certs.private_pem(key), 0o600)
        return key

    def _secret(self, file: str) -> None:
        """Make a secret, unless there is one: a random text that needs no quoting anywhere."""
        if not self._files.exists(file):
            self._files.write(file, (secrets.token_hex(24) + "\n").encode(), 0o600)
            return
        if not self._files.read(file, secret=True).strip():
            raise KeyringError(
                f"{self._files.full(file)} is empty: remove it, or write a secret into it"
            )

    # -- certificates --------------------------------------------------------------------------

    def _ensure_certificates(self, options: Options) -> None:
        self._refuse_lost_half("ca")
        key = self._private_key("ca", options.key_size)
        authority = self._authority(key, options)
        for wanted in options.certificates:
            self._certificate(wanted, key, authority, options)

    def _authority(
        self, key: rsa.RSAPrivateKey | None, options: Options
    ) -> x509.Certificate | None:
        """Return the authority's certificate, made or renewed if necessary; None if it would be made.

        A renewed one has the same key, so certificates that were signed with it stay valid.
        """
        current = self._load_certificate("ca.pem")
        if key is None:
            self._files.note("ca.pem")
            return None
        if current is not None and not certs.belongs_to(current, key):
            raise KeyringError(f"{self._files.full('ca.pem')} does not belong to {_private('ca')}")
        if current is not None and not certs.expires_within(current, options.renew_days):
            return current
        if self.dry:
            self._files.note("ca.pem")
            return current
        made = certs.new_authority(key, options.authority_name, options.authority_days)
        self._files.write("ca.pem", certs.certificate_pem(made), 0o644)
        return made

    def _certificate(
        self,
        wanted: CertificateOptions,
        authority_key: rsa.RSAPrivateKey | None,
        authority: x509.Certificate | None,
        options: Options,
    ) -> None:
        base = f"tls/{wanted.name}"
        key = self._private_key(base, options.key_size)
        current = self._load_certificate(f"{base}.pem")
        if key is None or authority_key is None or authority is None:
            self._files.note(f"{base}.pem")
            self._would_change_stores(wanted)
            return
        names = certs.alternative_names(wanted.dns, wanted.addresses)
        good = (
            current is not None
            and certs.belongs_to(current, key)
            and certs.signed_by(current, authority_key)
            and certs.has_names(current, names)
            and not certs.expires_within(current, options.renew_days)
        )
        if not good and self.dry:
            self._files.note(f"{base}.pem")
            self._would_change_stores(wanted)
            return
        if current is None or not good:
            request = certs.Request(wanted.name, names, options.certificate_days)
            current = certs.issue(request, key, authority, authority_key)
            self._files.write(f"{base}.pem", certs.certificate_pem(current), 0o644)
        if wanted.java:
            self._stores(base, key, current, authority)

    def _would_change_stores(self, wanted: CertificateOptions) -> None:
        if wanted.java:
            for file in _stores(f"tls/{wanted.name}"):
                self._files.note(file)

    def _stores(
        self,
        base: str,
        key: rsa.RSAPrivateKey,
        certificate: x509.Certificate,
        authority: x509.Certificate,
    ) -> None:
        """Make the files that a Java broker reads: PKCS12, with a password that is a secret of its own."""
        if not certs.can_write_trust_stores():
            raise KeyringError(
                "Java's trust stores need the Python library cryptography 45 or newer; the one here is older"
            )
        password_file, key_store, trust_store = _stores(base)
        self._secret(password_file)
        if self.dry and not self._files.exists(password_file):
            self._files.note(key_store)
            self._files.note(trust_store)
            return
        password = self._files.read(password_file, secret=True).strip()
        for file, wanted in ((key_store, certificate), (trust_store, authority)):
            if self._files.exists(file):
                content = self._files.read(file, secret=True)
                if certs.store_holds(content, password, wanted):
                    continue
            if self.dry:
                self._files.note(file)
                continue
            if file == key_store:
                content = certs.key_store(key, certificate, authority, password)
            else:
                content = certs.trust_store(authority, password)
            self._files.write(file, content, 0o600)

    # -- tokens of Choria ----------------------------------------------------------------------

    def _ensure_tokens(self, options: Options) -> None:
        issuer = self._seed("issuer.seed")
        self._text("issuer.pub", None if issuer is None else issuer.public)
        for wanted in options.tokens:
            base = f"tokens/{wanted.name}"
            seed = self._seed(f"{base}.seed")
            if issuer is None or seed is None:
                self._files.note(f"{base}.jwt")
                continue
            self._token(f"{base}.jwt", issuer, seed.public, wanted, options)

    def _token(
        self, file: str, issuer: tokens.Seed, public: str, entry: TokenOptions, options: Options
    ) -> None:
        wanted = tokens.Wanted(
            entry.kind, entry.name, entry.collectives, options.organization, options.token_days
        )
        if self._files.exists(file):
            current = self._files.read(file, secret=False)
            if issuer.issued(current, wanted, public, options.renew_days):
                return
        self._files.write(file, issuer.issue(wanted, public), 0o644)

    def _seed(self, file: str) -> tokens.Seed | None:
        """Return the seed in a file, made if there is none; None if it would be made."""
        if not self._files.exists(file):
            self._files.write(file, tokens.new_seed(), 0o600)
            if self.dry:
                return None
        try:
            return tokens.Seed(self._files.read(file, secret=True))
        except ValueError as error:
            raise KeyringError(f"{self._files.full(file)}: {error}") from None

    def _text(self, file: str, text: str | None) -> None:
        """Write a text, unless the file has it. None is one that is not known before something is made."""
        content = f"{text}\n".encode()
        if text is None:
            self._files.note(file)
        elif not self._files.exists(file) or self._files.read(file, secret=False) != content:
            self._files.write(file, content, 0o644)

    def _load_certificate(self, file: str) -> x509.Certificate | None:
        if not self._files.exists(file):
            return None
        content = self._files.read(file, secret=False)
        try:
            return certs.load_certificate(content)
        except ValueError:
            raise KeyringError(f"{self._files.full(file)} is not a certificate in PEM") from None


def _private(name: str) -> str:
    return f"{name}-private.pem"


def _stores(base: str) -> tuple[str, str, str]:
    return f"{base}-store-password", f"{base}-keystore.p12", f"{base}-truststore.p12"


def _refuse_bad_options(options: Options) -> None:
    named = [
        ("client", options.clients),
        ("password", options.passwords),
        ("certificate", tuple(entry.name for entry in options.certificates)),
        ("token", tuple(entry.name for entry in options.tokens)),
    ]
    for kind, names in named:
        for name in names:
            if not _NAME.match(name) or name.endswith("-private"):
                raise KeyringError(
                    f"{name!r} cannot be the name of a {kind}: names consist of letters, digits, '_', '-' and '.', "
                    "begin with a letter, a digit or '_', and do not end in '-private'"
                )
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise KeyringError(f"there is more than one {kind} with the name {', '.join(twice)}")
    for entry in options.certificates:
        for address in entry.addresses:
            _refuse_bad_address(entry.name, address)


def _refuse_bad_address(name: str, address: str) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError as error:
        raise KeyringError(
            f"{address!r} in the addresses of certificate {name} is not an IP address; put names into dns"
        ) from error
