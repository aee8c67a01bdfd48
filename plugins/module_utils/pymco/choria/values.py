# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Single values of Choria's options."""

from __future__ import annotations

import os
import re
import typing as t

from .. import exc
from .. import options as kinds

if t.TYPE_CHECKING:
    from ..settings import Settings

HOSTS = "plugin.choria.middleware_hosts"
CERTNAME = "plugin.pymco.certname"
TLS = "plugin.pymco.nats_tls"
SYSTEM_SSLDIRS = ("/etc/puppetlabs/puppet/ssl", "/var/lib/puppet/ssl")
"""Where root's Puppet has its certificates: Puppet's own packages, and Debian's."""
HOME_SSLDIR = "~/.puppetlabs/etc/puppet/ssl"
_FILES = {
    "certificate": ("the client's certificate", "client_cert"),
    "key": ("the private key of the client's certificate", "client_key"),
    "ca": (
        "the authority that signs the brokers' certificates, and without it anybody could pass for a broker",
        "ca_cert",
    ),
    "token_file": ("the client's JSON Web Token", "token_file"),
    "seed_file": ("the ed25519 seed that the token was made for", "seed_file"),
}
"""What is in a file, by the end of the option's name, and the option of a task that names the file too."""


def listed(text: str) -> list[str]:
    """Return the words of a list with commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def value_of(settings: Settings, key: str, kind: kinds.Kind, default: t.Any) -> t.Any:
    """Return the value of an option, or the default. Raises as :meth:`.Settings.read` does."""
    return settings.read(key, kind, settings[key]) if key in settings else default


def path_of(settings: Settings, key: str) -> str | None:
    """Return a path; "~" at its beginning is the home directory (Go: internal/util/util.go, ExpandPath)."""
    text = settings.get(key)
    return expanded(settings, text) if text else None


def expanded(settings: Settings, path: str) -> str:
    """Return a path with the home directory in place of "~"."""
    home = settings.variable("HOME")
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def needed(settings: Settings, key: str) -> str:
    """Return the path of a file that there must be.

    :raises exc.ConfigLookupError: it is not set.
    """
    found = path_of(settings, key)
    if found is None:
        what, option = _FILES[key.rpartition(".")[2]]
        raise exc.ConfigLookupError(
            f"{settings.source}: the option {key} is missing. It names the file with {what}; the option"
            f" {option} of a task names it too"
        )
    return found


def ca_file(settings: Settings, key: str, tls: bool) -> str | None:
    """Return the file of authorities, which TLS needs: without one nobody would know the broker."""
    if tls:
        return needed(settings, key)
    return path_of(settings, key)


def ssl_directory(settings: Settings) -> str:
    """Return Puppet's directory of certificates (Go: providers/security/puppetsec/util.go, userSSlDir)."""
    given = path_of(settings, "plugin.choria.ssldir")
    if given:
        return given
    for directory in SYSTEM_SSLDIRS if os.geteuid() == 0 else ():
        if os.path.isdir(directory):
            return directory
    found = expanded(settings, HOME_SSLDIR)
    if found == HOME_SSLDIR:
        raise exc.ConfigLookupError(
            f"{settings.source}: the option plugin.choria.ssldir is missing, and the environment has no HOME."
            " It names the directory with certs and private_keys, as Puppet makes it"
        )
    return found


def login(settings: Settings) -> tuple[str, str]:
    """Return user and password. Choria's clients differ where only one is set, so both must be."""
    user = settings.variable("MCOLLECTIVE_NATS_USERNAME") or settings.get("plugin.nats.user", "")
    password = settings.variable("MCOLLECTIVE_NATS_PASSWORD") or settings.get(
        "plugin.nats.pass", ""
    )
    if bool(user) != bool(password):
        raise exc.ImproperlyConfigured(
            f"{settings.source}: set both plugin.nats.user and plugin.nats.pass, or neither"
        )
    return user, password


_SUITE = re.compile(
    r"TLS_(?:(ECDHE_RSA|ECDHE_ECDSA)|RSA)_WITH_(?:(AES)_(128|256)_(?:(GCM)|CBC)|CHACHA20_POLY1305)_?(SHA\d*)?"
)


def cipher_list(settings: Settings) -> str | None:
    """Return the cipher suites, which Choria names as Go does, in OpenSSL's notation."""
    key = "plugin.security.cipher_suites"
    words = [_cipher(word) for word in listed(settings.get(key, ""))]
    if None in words:
        raise exc.ImproperlyConfigured(
            f"{settings.origin(key)}: {key} has the name of a cipher suite that this client does not know;"
            " they are written as in TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        )
    return ":".join(filter(None, words)) or None


def _cipher(word: str) -> str | None:
    match = _SUITE.fullmatch(word)
    if match is None:
        return None
    exchange, aes, bits, gcm, digest = match.groups()
    parts = [exchange and exchange.replace("_", "-")]
    parts += [f"AES{bits}", gcm, digest] if aes else ["CHACHA20-POLY1305"]
    return "-".join(filter(None, parts))
