# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The names of Choria's callers that certificates stand for."""

from __future__ import annotations

import os
import re
import typing as t

from .. import exc, files
from .values import CERTNAME, listed

if t.TYPE_CHECKING:
    from ..settings import Settings

PRIVILEGED = r"\.privileged.mcollective$,\.privileged.choria$"
"""Names of certificates that may speak for any caller (Go: config/choria.go, PrivilegedUsers)."""
ALLOWED = r"\.mcollective$,\.choria$"
"""Names of the other callers whom nodes answer (Go: config/choria.go, CertnameAllowList)."""
_CERTNAME = re.compile(r"[\w.\-]+", re.ASCII)


def said_certname(settings: Settings) -> str | None:
    """Return the caller's name that somebody has set."""
    variable = settings.variable("MCOLLECTIVE_CERTNAME")
    name = variable or settings.get(CERTNAME)
    if name is not None and not _CERTNAME.fullmatch(name):
        origin = "the environment" if variable else settings.origin(CERTNAME)
        key = "MCOLLECTIVE_CERTNAME" if variable else CERTNAME
        raise exc.ImproperlyConfigured(
            f"{origin}: {key} may have letters, digits, dots, dashes and underscores only"
        )
    return name


def user_certname(settings: Settings) -> str | None:
    """Return the caller's name that Choria makes of the user's name."""
    user = settings.variable("USER")
    name = f"{user}.mcollective"
    return name if user and _CERTNAME.fullmatch(name) else None


def certname_of(settings: Settings, cert: str) -> str:
    """Return the caller's name that goes with a certificate.

    It is the one that Choria's client would take (Go: providers/security/filesec/option.go), as long as nodes
    accept it with this certificate. Choria's client gets no answer otherwise; here the certificate then says the
    name. That helps where USER is another user's, or missing, as in containers and under sudo.
    """
    said = said_certname(settings)
    if said:
        return said
    usual = None if os.geteuid() == 0 else user_certname(settings)
    usual = usual or settings.identity
    names = _names(cert)
    if not names or usual in names or is_privileged(settings, names):
        return usual
    return names[0]


def _names(cert: str) -> list[str]:
    """Return the names that a certificate is for; none if it cannot be read: who needs it says so."""
    try:
        from cryptography import x509
        from cryptography.x509.oid import NameOID

        found = x509.load_pem_x509_certificate(files.read_bytes(cert))
        common = [str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        others = extension.value.get_values_for_type(x509.DNSName)
    except ImportError:
        return []
    except x509.ExtensionNotFound:
        others = []
    except (OSError, ValueError):
        return []
    return [name for name in (*common, *others) if _CERTNAME.fullmatch(name)]


def is_privileged(settings: Settings, names: t.Iterable[str]) -> bool:
    """Return True if nodes believe any caller's name with a certificate of these names."""
    return _fits(settings, "plugin.choria.security.privileged_users", PRIVILEGED, names)


def is_allowed(settings: Settings, name: str) -> bool:
    """Return True if nodes answer a caller of this name. A node's own options decide that: here it is their default,
    unless the client has the same option."""
    return _fits(settings, "plugin.choria.security.certname_whitelist", ALLOWED, [name])


def _fits(settings: Settings, key: str, default: str, names: t.Iterable[str]) -> bool:
    """Return True if one of the names matches one of an option's regular expressions."""
    patterns = listed(settings.get(key, default))
    try:
        return any(re.search(pattern, name) for pattern in patterns for name in names)
    except re.error:
        return False
