# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Version 1 of Choria's protocol: RSA keys, and X.509 certificates that name the caller (Go: protocol/v1).

Requests are signed. Replies have a checksum and no signature: a node's name in them is a claim. See the guide
trust_model.
"""

from __future__ import annotations

import binascii
import hashlib
import importlib
import logging
import typing as t

try:
    # Version 3.4.0 cannot import padding before this.
    importlib.import_module("cryptography.x509")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

from .. import exc
from ..choria.callers import is_allowed, is_privileged
from ..envelope import Received
from ..json_text import read_outer, read_outer_text, write
from ..utils import load_rsa_key
from . import choria_certificate
from .choria_provider import (
    ChoriaProvider,
    base64_text,
    body_document,
    filter_document,
    refuse_shape,
)

if t.TYPE_CHECKING:
    from ..choria import ChoriaOptions
    from ..envelope import Envelope
    from ..settings import Settings

TRANSPORT = "choria:transport:1"
SECURE_REQUEST, SECURE_REPLY = "choria:secure:request:1", "choria:secure:reply:1"
REQUEST, REPLY = "choria:request:1", "choria:reply:1"
_REPLY_PROTOCOLS = (TRANSPORT, SECURE_REPLY, REPLY)


class ChoriaV1Provider(ChoriaProvider):
    """Signs with PKCS #1 v1.5 over SHA-256. The caller is ``choria=CERTNAME``."""

    least_ttl = 30

    def __init__(
        self, config: Settings, options: ChoriaOptions, logger: logging.Logger | None = None
    ) -> None:
        if not HAS_CRYPTOGRAPHY:
            raise exc.MissingDependency("cryptography", "securityprovider = choria")
        super().__init__(config, options, logger)
        self._read()
        name, names = options.certname, self._certificate.names
        if not is_privileged(config, names) and not is_allowed(config, name):
            self.warnings.append(
                f"nodes silently drop the requests of {name}, unless their option"
                " plugin.choria.security.certname_whitelist allows that name: without it, they take"
                " names that end in .mcollective or .choria only"
            )

    def _callerid(self) -> str:
        return f"choria={self.options.certname}"

    def _read(self) -> None:
        """Read the certificate and its private key."""
        found = choria_certificate.read(
            self._path(self.options.cert, "client_cert", "plugin.security.file.certificate")
        )
        found.check_time(self.now())
        if not is_privileged(self.config, found.names):
            found.check_name(self.options.certname)
        path = self._path(self.options.key, "client_key", "plugin.security.file.key")
        key = load_rsa_key(path, "the client's private key (client_key)")
        if not hasattr(key, "sign"):
            words = f"the client's private key (client_key) {path} is a public key"
            raise exc.CredentialError(words, path)
        found.check_key(key)
        self._certificate, self._private_key = found, key

    def _renew(self) -> None:
        """See :meth:`.ChoriaProvider._renew`."""
        try:
            self._certificate.check_time(self.now())
        except exc.CredentialError:
            self._read()

    # -- requests ------------------------------------------------------------------------------

    def _request(self, envelope: Envelope) -> str:
        fields = {
            "requestid": envelope.requestid,
            "senderid": envelope.identity,
            "callerid": self.callerid,
            "collective": envelope.collective,
            "agent": envelope.agent,
            "ttl": envelope.ttl,
            "time": envelope.time,
            "filter": filter_document(envelope),
        }
        return write(
            {"protocol": REQUEST, "message": write(body_document(envelope)), "envelope": fields}
        )

    def _secured(self, request: bytes) -> bytes:
        signature = self._private_key.sign(request, padding.PKCS1v15(), hashes.SHA256())
        document = {
            "protocol": SECURE_REQUEST,
            "message": request.decode(),
            "signature": base64_text(signature),
            "pubcert": self._certificate.pem,
        }
        return write(document).encode()

    def address(self, payload: bytes, reply_to: str) -> bytes:
        """Return the transport document. See :meth:`.BaseProvider.address`."""
        headers = {"mc_sender": self.config.identity, "reply-to": reply_to}
        document = {"protocol": TRANSPORT, "data": base64_text(payload), "headers": headers}
        return write(document).encode()

    # -- replies -------------------------------------------------------------------------------

    def open(self, payload: bytes) -> Received:
        """See :meth:`.BaseProvider.open`."""
        try:
            transport = read_outer(payload)
            secure = read_outer(binascii.a2b_base64(transport["data"]))
            reply = read_outer_text(secure["message"])
            protocols = transport["protocol"], secure["protocol"], reply["protocol"]
            envelope = reply["envelope"]
            found = Received(envelope["requestid"], envelope["senderid"], envelope)
            found.body = reply["message"], secure, transport["headers"]["mc_sender"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise refuse_shape(error) from None
        if protocols != _REPLY_PROTOCOLS:
            raise exc.DecodingError("the payload is no reply of version 1 of Choria's protocol")
        return found

    def authenticate(self, received: Received) -> None:
        """Verify what can be verified. See :meth:`.BaseProvider.authenticate`.

        Any holder of a certificate whom the broker lets publish to our reply address could have made the reply.
        """
        (message, secure, sender), envelope = received.body, received.fields
        received.body = None
        try:
            # The very bytes, as they came: to write the document anew would change them.
            digest = hashlib.sha256(secure["message"].encode()).digest()
            genuine = binascii.a2b_base64(secure["hash"]) == digest
        except (KeyError, TypeError, ValueError):
            genuine = False
        if not genuine:
            raise exc.VerificationError("the reply does not match its checksum")
        if sender != received.sender:
            raise exc.VerificationError("the reply names two senders")
        if not isinstance(message, str):
            raise exc.DecodingError("a reply without a body")
        self._fill_in(
            received, agent=envelope.get("agent"), moment=envelope.get("time"), message=message
        )
