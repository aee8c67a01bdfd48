# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""RSA keys: a pair for each user, and one pair that all nodes share (MC:security/ssl.rb).

Only bodies are signed, and the ttl and the time of a request. See the guide trust_model.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import logging
import typing as t

try:
    # Version 3.4.0 cannot import padding before this.
    importlib.import_module("cryptography.x509")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

from .. import exc
from ..utils import base64_lines, load_rsa_key
from .base import HASH, body_bytes
from .rsa import RsaProvider

if t.TYPE_CHECKING:
    from ..envelope import Received
    from ..settings import Settings


class SslProvider(RsaProvider):
    """``securityprovider = ssl``: PKCS #1 v1.5 signatures over SHA-1, the only ones that nodes know.

    Options: ``plugin.ssl_client_private``, ``plugin.ssl_client_public`` (its file name makes the
    callerid; nodes look for their copy under the same name), ``plugin.ssl_server_public``, and
    ``plugin.ssl_serializer`` (yaml; any other value means marshal, as in the reference).
    """

    word = "ssl"
    prefix = "plugin.ssl_"

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        if not HAS_CRYPTOGRAPHY:
            raise exc.MissingDependency("cryptography", "securityprovider = ssl")
        super().__init__(config, logger)
        server_key = load_rsa_key(
            self._required("plugin.ssl_server_public"),
            "the nodes' public key (plugin.ssl_server_public)",
        )
        # A private key in its place serves too: it has the public part.
        self._server_key = server_key.public_key() if hasattr(server_key, "sign") else server_key

    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """See :meth:`.SecurityProvider.sign`."""
        body = self._wrapped(msg)
        return self._signed(msg, body, hash=self._signature(body))

    def _signature(self, body: bytes) -> str:
        return base64_lines(self._private_key.sign(body, padding.PKCS1v15(), hashes.SHA1()))

    def _verified(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """See :meth:`.SecurityProvider._verified`. Replies have no ttl and time in their bodies."""
        body = body_bytes(msg)
        try:
            signature = base64.b64decode(msg.get(HASH) or "")
            self._server_key.verify(signature, body, padding.PKCS1v15(), hashes.SHA1())
        except (InvalidSignature, binascii.Error, TypeError, ValueError) as error:
            raise exc.VerificationError("the reply is not signed with the nodes' key") from error
        return body

    def authenticate_request(self, received: Received) -> None:
        """See :meth:`.BaseProvider.authenticate_request`. The signed body has the ttl and the time, which the
        envelope repeats (MC:security/ssl.rb, update_secure_property)."""
        self.authenticate(received)
        body, fields = received.body, received.fields
        if not isinstance(body, dict) or not {":ssl_msg", ":ssl_ttl", ":ssl_msgtime"} <= set(body):
            raise exc.VerificationError("the request does not sign its ttl and its time")
        for name in ("ttl", "msgtime"):
            if body[f":ssl_{name}"] != fields.get(f":{name}"):
                raise exc.VerificationError(f"the request has another {name} than it has signed")
        received.body = body[":ssl_msg"]

    # -- python-mcollective's ----------------------------------------------------------------------

    def get_hash(self, msg: t.Mapping[str, t.Any]) -> str:
        """Return the signature that :meth:`sign` gives a message."""
        return self._signature(self._wrapped(msg))

    @property
    def private_key(self) -> t.Any:
        """The client's private key, one of the cryptography library's."""
        return self._private_key

    @property
    def server_public_key(self) -> t.Any:
        """The nodes' public key, one of the cryptography library's."""
        return self._server_key


SSLProvider = SslProvider
"""python-mcollective's name."""
