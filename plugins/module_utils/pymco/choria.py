# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What Choria's part of a configuration says. Nothing else in the client knows the names of its options.

A configuration is Choria's if its ``securityprovider`` is ``choria`` (:attr:`.Settings.dialect`).
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import exc

if t.TYPE_CHECKING:
    from .settings import Settings

PORT = 4222
"""NATS's usual port, which SRV records without hosts would mean."""


@dataclasses.dataclass(frozen=True)
class ChoriaOptions:
    """Choria's options, resolved: what is left out has its default.

    :ivar version: of the protocol: 1 with X.509 certificates, 2 with JSON Web Tokens. The option
        ``plugin.security.provider`` decides it (Go: choria/protocol.go, RequestProtocol).
    :ivar hosts: (name, port) of each broker.
    :ivar randomize: try the brokers in another order each time.
    :ivar user: for brokers that want a password; empty: none.
    :ivar tls: the connection is encrypted. Only an option of this client turns it off.
    :ivar ca: PEM file of the authorities that sign certificates of brokers, and of callers.
    :ivar cert: PEM file of our certificate; version 2 can do without.
    :ivar key: PEM file of its private key.
    :ivar legacy_certificates: a broker's certificate without alternative names may have its name as CN.
    :ivar certname: the caller's name, version 1.
    :ivar token_file: our JSON Web Token, version 2.
    :ivar seed_file: the ed25519 seed of our token, version 2.
    :ivar issuers: name and hexadecimal public key of each organisation that issues tokens, version 2.
    :ivar trusted_signers: hexadecimal public keys of those who may sign tokens beside it, version 2.
    """

    version: int
    hosts: tuple[tuple[str, int], ...]
    randomize: bool = True
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    tls: bool = True
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    legacy_certificates: bool = False
    certname: str = ""
    token_file: str | None = None
    seed_file: str | None = None
    issuers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    trusted_signers: tuple[str, ...] = ()


def options(settings: Settings) -> ChoriaOptions:
    """Read the options of Choria.

    :raises exc.ImproperlyConfigured: one is missing or wrong.
    """
    provider = settings.get("plugin.security.provider", "puppet")
    version = 2 if provider == "choria" else 1
    place = "plugin.security.choria" if version == 2 else "plugin.security.file"
    issuers = {
        name: settings[f"plugin.security.issuer.{name}.public"]
        for name in _words(settings.get("plugin.security.issuer.names", ""))
    }
    return ChoriaOptions(
        version=version,
        hosts=tuple(_hosts(settings)),
        randomize=settings.getboolean("plugin.choria.randomize_middleware_hosts", True),
        user=settings.get("plugin.nats.user", ""),
        password=settings.get("plugin.nats.pass", ""),
        ca=settings.get(f"{place}.ca"),
        cert=settings.get(f"{place}.certificate"),
        key=settings.get(f"{place}.key"),
        legacy_certificates=settings.getboolean(
            "plugin.security.support_legacy_certificates", False
        ),
        certname=settings.variable("MCOLLECTIVE_CERTNAME") or settings.identity,
        token_file=settings.get("plugin.security.choria.token_file"),
        seed_file=settings.get("plugin.security.choria.seed_file"),
        issuers=issuers,
        trusted_signers=tuple(_words(settings.get("plugin.security.choria.trusted_signers", ""))),
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _hosts(settings: Settings) -> t.Iterator[tuple[str, int]]:
    key = "plugin.choria.middleware_hosts"
    for word in _words(settings.get(key, "")):
        name, _colon, port = word.rpartition("://")[2].rpartition(":")
        if not name or not port.isdigit():
            raise exc.ImproperlyConfigured(f"{settings.origin(key)}: {key} takes host:port, ...")
        yield name, int(port)
