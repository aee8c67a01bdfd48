# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""TLS to a broker: what is verified, bytes in and out without a socket, and why a handshake fails."""

from __future__ import annotations

import re
import socket
import ssl
import typing as t

from .. import exc, files
from ..printable import printable
from ..utils import reason

if t.TYPE_CHECKING:
    from ..pool import Broker


def context_of(broker: Broker) -> ssl.SSLContext:
    """Return TLS 1.2 or newer, verified against the broker's ca files, or without any against the system's.

    :raises exc.CredentialError: a file cannot be used.
    :raises exc.ImproperlyConfigured: the ciphers are unknown.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # A common name is what an authority lets anybody choose (RFC 9525, 1.3): only a subjectAltName counts.
    # Puppet's authority chooses it with care, so Choria may want it.
    context.hostname_checks_common_name = broker.common_name
    if broker.ciphers is not None:
        try:
            context.set_ciphers(broker.ciphers)
        except (ssl.SSLError, ValueError) as error:
            raise exc.ImproperlyConfigured(
                f"the ssl.ciphers of {broker.name}, {broker.ciphers!r}, name no cipher that OpenSSL has"
            ) from error
    try:
        _load_files(context, broker)
    except (OSError, ValueError) as error:
        # OpenSSL does not name the file; our own checks do.
        file = getattr(error, "filename", None)
        raise exc.CredentialError(
            f"cannot use the TLS files of {broker.name} (ca {', '.join(broker.ca) or 'none'}, cert {broker.cert},"
            f" key {broker.key}): {f'{printable(file)}: ' if file else ''}{reason(error)}",
            broker.cert or "",
        ) from error
    return context


def _load_files(context: ssl.SSLContext, broker: Broker) -> None:
    """Load the files, unless OpenSSL would wait for one or read it without end. Raises OSError or ValueError."""
    for path in broker.ca if broker.verified else ():
        files.check(path, files.MAX_LIST_SIZE)
    for path in filter(None, (broker.cert, broker.key)) if broker.cert else ():
        files.check(path)
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


class Encryption:
    """TLS without a socket.

    OpenSSL on a socket of its own reads as long as a broker sends something other than data, such as session
    tickets without end, and meanwhile nobody looks at a deadline. Here it gets only what has been read for it.

    :ivar tls: what OpenSSL knows of the connection.
    :ivar over: True if nothing more can be decrypted.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.over = False
        self._failure: ssl.SSLError | None = None

    def shake_hands(self) -> bool:
        """Go on with the handshake. Return True if it is complete."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def feed(self, data: bytes) -> None:
        """Take what the broker says; no bytes at its end."""
        self._incoming.write(data) if data else self._incoming.write_eof()

    def decrypted(self) -> bytes | None:
        """Return all that can be decrypted; None if there is nothing; no bytes at the end.

        :raises ssl.SSLError: TLS has failed. All that came before has been returned.
        """
        parts: list[bytes] = []
        try:
            while not self.over:
                parts.append(self.tls.read(2**16))
                self.over = not parts[-1]
        except ssl.SSLWantReadError:
            return b"".join(parts) or None
        except ssl.SSLError as error:
            self.over = True
            self._failure = None if isinstance(error, ssl.SSLEOFError) else error
        if self._failure is not None and not parts:
            raise self._failure
        return b"".join(parts)

    def encrypted(self, data: memoryview) -> bytes:
        """Return what the broker has to be sent for these bytes."""
        while data:
            data = data[self.tls.write(data) :]
        return self._outgoing.read()

    def answer(self) -> bytes:
        """Return what OpenSSL itself has to say to the broker."""
        return self._outgoing.read()


# By OpenSSL's number of the error (X509_V_ERR_...).
_REMEDIES = {
    9: "check the clocks",
    10: "have it renewed; or is the clock wrong here?",
    **dict.fromkeys((2, 18, 19, 20, 21), "name the authority that signed it in {trust}"),
    **dict.fromkeys(
        (62, 64),
        "give the broker a name in the configuration that is among the certificate's subjectAltName, or"
        " have it reissued with a subjectAltName; a common name (CN) does not count",
    ),
}

# OpenSSL's names of the alerts that a server sends if it does not like a client's certificate, or misses it.
_REFUSALS = re.compile("ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)")


def failure(error: OSError | ValueError, broker: Broker) -> str:
    """Return why a handshake failed, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
        remedy = _REMEDIES.get(error.verify_code, "").replace("{trust}", broker.trust)
        return "; ".join(filter(None, (words, remedy)))
    if isinstance(error, ssl.SSLError) and _REFUSALS.search(error.reason or ""):
        return f"{reason(error)}; does the broker want a client certificate, or not accept ours?"
    if isinstance(error, socket.timeout):
        return "the broker did not finish the handshake in time; does this port speak TLS?"
    return f"{reason(error)}; does this port speak TLS?"
