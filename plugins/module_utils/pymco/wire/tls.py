# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""TLS to a broker: what is verified, and why a handshake fails."""

from __future__ import annotations

import socket
import ssl
import typing as t

from .. import exc, files
from ..printable import printable
from ..utils import reason

if t.TYPE_CHECKING:
    from ..pool import Broker


def context_of(broker: Broker) -> ssl.SSLContext:
    """Return TLS 1.2 or newer, verified against the broker's ca files; without any, the system's.

    :raises exc.CredentialError: a file cannot be used.
    :raises exc.ImproperlyConfigured: the ciphers are unknown.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A common name is what an authority lets anybody choose (RFC 9525, 1.3): only a subjectAltName counts.
    context.hostname_checks_common_name = False
    _set_ciphers(context, broker)
    try:
        _check_files(broker)
        if not broker.verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif not broker.ca:
            context.load_default_certs()
        else:
            for path in broker.ca:
                context.load_verify_locations(path)
        if broker.cert:
            # Without a callback OpenSSL would ask for a passphrase on the terminal.
            context.load_cert_chain(broker.cert, broker.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise exc.CredentialError(
            f"cannot use the TLS files of {broker.name} (ca {', '.join(broker.ca) or 'none'},"
            f" cert {broker.cert}, key {broker.key}): {_file_reason(error)}",
            broker.cert or "",
        ) from error
    return context


def _check_files(broker: Broker) -> None:
    """Refuse files that OpenSSL would wait for or read without end. Raises OSError or ValueError."""
    for path in broker.ca if broker.verified else ():
        files.check(path, files.MAX_LIST_SIZE)
    if broker.cert:
        for path in filter(None, (broker.cert, broker.key)):
            files.check(path)


def _set_ciphers(context: ssl.SSLContext, broker: Broker) -> None:
    if broker.ciphers is None:
        return
    try:
        context.set_ciphers(broker.ciphers)
    except (ssl.SSLError, ValueError) as error:
        raise exc.ImproperlyConfigured(
            f"the ssl.ciphers of {broker.name}, {broker.ciphers!r}, name no cipher that OpenSSL has"
        ) from error


def _file_reason(error: OSError | ValueError) -> str:
    """Return why a TLS file cannot be used, with its name if our own check refused it. OpenSSL names none."""
    words = reason(error)
    if isinstance(error, OSError) and error.filename:
        return f"{printable(error.filename)}: {words}"
    return words


# By OpenSSL's number of the error (X509_V_ERR_...).
_REMEDIES = {
    9: "check the clocks",
    10: "have it renewed; or is the clock wrong here?",
    **dict.fromkeys((2, 18, 19, 20, 21), "name the authority that signed it in ssl.ca"),
    **dict.fromkeys(
        (62, 64),
        "give the broker a name in the configuration that is among the certificate's subjectAltName, or"
        " have it reissued with a subjectAltName; a common name (CN) does not count",
    ),
}


def failure(error: OSError | ValueError) -> str:
    """Return why a handshake failed, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        return "; ".join(part for part in (words, _REMEDIES.get(error.verify_code)) if part)
    if isinstance(error, socket.timeout):
        return "the broker did not finish the handshake in time; does this port speak TLS?"
    return f"{reason(error)}; does this port speak TLS?"
