# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What Choria's part of a configuration says. Nothing else in the client knows the names of its options.

A configuration is Choria's if its ``securityprovider`` is ``choria`` (:attr:`.Settings.dialect`). The names and
their meaning are those of Choria (Go: config/choria.go; providers/security), but for ``plugin.pymco.certname``
and ``plugin.pymco.nats_tls``, which only this client has.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .. import exc, permissions, srv
from .. import options as kinds
from .callers import certname_of, said_certname, user_certname
from .refusals import check_unfiltered, clear, refuse
from .values import (
    CERTNAME,
    HOSTS,
    TLS,
    ca_file,
    cipher_list,
    listed,
    login,
    needed,
    path_of,
    ssl_directory,
    value_of,
)

if t.TYPE_CHECKING:
    from ..settings import Settings

__all__ = [
    "CERTNAME",
    "HOSTS",
    "PORT",
    "TLS",
    "ChoriaOptions",
    "check_unfiltered",
    "libdirs",
    "located",
    "options",
]

PORT = 4222
"""NATS's usual port."""
SERVICES = ("_mcollective-server._tcp", "_x-puppet-mcollective._tcp")
"""Where SRV records name brokers (Go: choria/framework.go, MiddlewareServers)."""


@dataclasses.dataclass(frozen=True)
class ChoriaOptions:
    """Choria's options, resolved: what is left out has its default.

    :ivar version: of the protocol: 1 with X.509 certificates, 2 with JSON Web Tokens. The option
        ``plugin.security.provider`` decides it (Go: choria/protocol.go, RequestProtocol).
    :ivar hosts: (name, port) of each broker; empty: :func:`located` looks for them.
    :ivar randomize: try the brokers in another order each time.
    :ivar user: for brokers that want a password; empty: none.
    :ivar tls: the connection is encrypted. Only an option of this client turns it off.
    :ivar ca: PEM file of the authorities that sign certificates of brokers, and of callers. It is set if
        tls is.
    :ivar cert: PEM file of our certificate; version 2 can do without.
    :ivar key: PEM file of its private key.
    :ivar ciphers: in OpenSSL's notation; None: OpenSSL's default.
    :ivar legacy_certificates: a broker's certificate without alternative names may have its name as CN.
    :ivar certname: the caller's name, version 1.
    :ivar token_file: our JSON Web Token, version 2.
    :ivar seed_file: the ed25519 seed of our token, version 2.
    :ivar issuers: name and hexadecimal public key of each organisation that issues tokens, version 2.
    :ivar trusted_signers: hexadecimal public keys of those who may sign tokens beside it, version 2.
    :ivar warnings: sentences for the user.
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
    ciphers: str | None = None
    legacy_certificates: bool = False
    certname: str = ""
    token_file: str | None = None
    seed_file: str | None = None
    issuers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    trusted_signers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def options(settings: Settings) -> ChoriaOptions:
    """Read the options of Choria. Nothing is asked over the network.

    :raises exc.ImproperlyConfigured: one is missing or wrong, or asks for what this client cannot do.
    """
    refuse(settings)
    tls = settings.getboolean(TLS, True)
    own = _provider(settings)(settings, tls)
    user, password = login(settings)
    return dataclasses.replace(
        own,
        hosts=value_of(settings, HOSTS, kinds.HOSTS, ()),
        randomize=settings.getboolean("plugin.choria.randomize_middleware_hosts", True),
        user=user,
        password=password,
        tls=tls,
        ciphers=cipher_list(settings),
        warnings=own.warnings if tls else (*own.warnings, clear(settings)),
    )


def libdirs(settings: Settings) -> list[str]:
    """Return the directories of plugins in the order of the search: the last one first.

    Those of agents in Ruby are behind the others (Go: providers/ddlresolver/filesystem_resolver.go, libDirs).

    :raises exc.ImproperlyConfigured: one of them is relative.
    """
    key = "plugin.choria.agent_provider.mcorpc.libdir"
    paths = [path for path in settings.get(key, "").split(os.pathsep) if path]
    for path in paths:
        if not os.path.isabs(path):
            raise exc.ImproperlyConfigured(
                f"{settings.origin(key)}: {key} {path} is relative; it must be absolute"
            )
    return list(dict.fromkeys([*reversed(paths), *settings.libdirs]))


def located(settings: Settings, seconds: float = 5.0) -> ChoriaOptions:
    """Return the options with at least one host. Name servers are asked if no hosts are configured.

    :param seconds: that this may take.
    :raises exc.ImproperlyConfigured: as :func:`options` does; or no broker can be found.
    """
    found = options(settings)
    if found.hosts:
        return found
    ways = f"name the brokers with {HOSTS}, or with the option brokers of a task"
    asked = "SRV records are not asked for"
    if settings.getboolean("plugin.choria.use_srv", True):
        if not srv.available():
            raise exc.ImproperlyConfigured(
                f"{settings.source}: {HOSTS} is missing, and without the Python library dnspython the"
                f" client cannot look for SRV records of brokers: {ways}; or install dnspython"
            )
        domain = settings.variable("CHORIA_SRV_DOMAIN", kinds.HOST)
        domain = domain or settings.get("plugin.choria.srv_domain") or srv.domain()
        if not domain:
            raise exc.ImproperlyConfigured(
                f"{settings.source}: {HOSTS} is missing, and this host has no domain in which to look for"
                f" SRV records of brokers: {ways}; or set plugin.choria.srv_domain"
            )
        hosts = srv.hosts(SERVICES, domain, seconds)
        if hosts:
            return dataclasses.replace(found, hosts=tuple(hosts), randomize=False)
        asked = f"{domain} has no SRV records {' or '.join(SERVICES)}"
    warning = f"{settings.source}: {HOSTS} is missing and {asked}: the broker is taken to be puppet:{PORT}"
    return dataclasses.replace(
        found, hosts=(("puppet", PORT),), warnings=(*found.warnings, warning)
    )


# -- security providers ----------------------------------------------------------------------------


def _provider(settings: Settings) -> t.Callable[[Settings, bool], ChoriaOptions]:
    key = "plugin.security.provider"
    name = settings.get(key, "puppet").lower()
    if name in _PROVIDERS:
        return _PROVIDERS[name]
    raise exc.ImproperlyConfigured(
        f"{settings.origin(key)}: {key} = {name} is not supported; there are {', '.join(sorted(_PROVIDERS))}."
        " With file, name PEM files with plugin.security.file.certificate, plugin.security.file.key and"
        " plugin.security.file.ca"
        if name in ("pkcs11", "certmanager")
        else f"{settings.origin(key)}: the value of {key} is not supported; there are"
        f" {', '.join(sorted(_PROVIDERS))}"
    )


def _file(settings: Settings, tls: bool) -> ChoriaOptions:
    """Certificates in files of any names (Go: providers/security/filesec)."""
    cert = needed(settings, "plugin.security.file.certificate")
    return ChoriaOptions(
        version=1,
        hosts=(),
        cert=cert,
        key=needed(settings, "plugin.security.file.key"),
        ca=ca_file(settings, "plugin.security.file.ca", tls),
        certname=certname_of(settings, cert),
        legacy_certificates=settings.getboolean(
            "plugin.security.support_legacy_certificates", False
        ),
    )


def _puppet(settings: Settings, _tls: bool) -> ChoriaOptions:
    """Certificates in Puppet's directories (Go: providers/security/puppetsec). Puppet is not asked."""
    certname = said_certname(settings) or user_certname(settings)
    if certname is None:
        raise exc.ImproperlyConfigured(
            f"{settings.source}: the client's certificate has no name: set {CERTNAME} to its name, without"
            " .pem; or the option certname of a task; or the environment variable USER, which stands for"
            " USER.mcollective"
        )
    directory = ssl_directory(settings)
    cert, key, ca = (
        os.path.join(directory, *parts)
        for parts in (
            ("certs", f"{certname}.pem"),
            ("private_keys", f"{certname}.pem"),
            ("certs", "ca.pem"),
        )
    )
    for path in (cert, key, ca):
        if not os.path.exists(path):
            raise exc.CredentialError(
                f"{settings.source}: {path} does not exist. With plugin.security.provider = puppet it is named"
                f" by plugin.choria.ssldir and the name of the caller, {certname}, which {CERTNAME} or"
                " MCOLLECTIVE_CERTNAME sets. For files with other names, set plugin.security.provider = file",
                path,
            )
    return ChoriaOptions(
        version=1,
        hosts=(),
        cert=cert,
        key=key,
        ca=ca,
        certname=certname,
        legacy_certificates=True,
        warnings=tuple(permissions.warnings({key: True, cert: False, ca: False}, {}, {})),
    )


def _tokens(settings: Settings, tls: bool) -> ChoriaOptions:
    """JSON Web Tokens (Go: providers/security/choria)."""
    place = "plugin.security.choria"
    if settings.given(CERTNAME):
        raise exc.ImproperlyConfigured(
            f"{settings.origin(CERTNAME)}: {CERTNAME} has no use with plugin.security.provider = choria:"
            " the caller's name is in the token"
        )
    cert, key = path_of(settings, f"{place}.certificate"), path_of(settings, f"{place}.key")
    if bool(cert) != bool(key):
        raise exc.ImproperlyConfigured(
            f"{settings.source}: set both {place}.certificate and {place}.key, or neither"
        )
    return ChoriaOptions(
        version=2,
        hosts=(),
        cert=cert,
        key=key,
        ca=ca_file(settings, f"{place}.ca", tls),
        token_file=needed(settings, f"{place}.token_file"),
        seed_file=needed(settings, f"{place}.seed_file"),
        issuers=dict(_issuers(settings)),
        trusted_signers=value_of(settings, f"{place}.trusted_signers", kinds.PUBLIC_KEYS, ()),
    )


_PROVIDERS: dict[str, t.Callable[[Settings, bool], ChoriaOptions]] = {
    "file": _file,
    "puppet": _puppet,
    "choria": _tokens,
}


def _issuers(settings: Settings) -> t.Iterator[tuple[str, str]]:
    for name in listed(settings.get("plugin.security.issuer.names", "")):
        key = f"plugin.security.issuer.{name}.public"
        if not settings.get(key):
            raise exc.ImproperlyConfigured(
                f"{settings.origin('plugin.security.issuer.names')}: {key} is missing; it is the issuer's public"
                " key in hexadecimal digits"
            )
        yield name, value_of(settings, key, kinds.PUBLIC_KEY, "")
