# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What the providers have in common that give each user a pair of RSA keys."""

from __future__ import annotations

import logging
import os
import typing as t

from .. import exc
from ..options import PATH
from ..serializers import SERIALIZERS, Serializer, Symbol
from ..utils import load_rsa_key
from .base import SecurityProvider

if t.TYPE_CHECKING:
    from ..settings import Settings


class RsaProvider(SecurityProvider):
    """Reads the client's options and keys, and wraps what it signs or encrypts."""

    word: t.ClassVar[str]
    """What environment variables (MCOLLECTIVE_SSL_PRIVATE) and the keys of a request's body begin with."""
    prefix: t.ClassVar[str]
    """What options begin with."""

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        super().__init__(config, logger)
        option = f"{self.prefix}client_private"
        self._private_key = load_rsa_key(
            self._client_file("private"), f"the client's private key ({option})"
        )
        if not hasattr(self._private_key, "sign"):
            raise exc.ImproperlyConfigured(f"{config.origin(option)}: {option} is a public key")

    def _client_file(self, kind: str) -> str:
        """Return the path of the client's private or public key. The environment wins."""
        variable = f"MCOLLECTIVE_{self.word}_{kind}".upper()
        return self.config.variable(variable, PATH) or self._required(f"{self.prefix}client_{kind}")

    def _serializer(self) -> type[Serializer]:
        name = self.config.get(f"{self.prefix}serializer")
        return SERIALIZERS["yaml" if name == "yaml" else "marshal"]

    def _callerid(self) -> str:
        name = os.path.basename(self._client_file("public"))
        return "cert=" + (name[: -len(".pem")] if name.endswith(".pem") else name)

    def _wrapped(self, message: t.Mapping[str, t.Any]) -> bytes:
        """Serialize a request's body with the envelope's ttl and msgtime, which nodes compare
        (MC:security/ssl.rb and aes_security.rb, encoderequest)."""
        return self.serializer.serialize(
            {
                Symbol(f"{self.word}_msg"): message[":body"],
                Symbol(f"{self.word}_ttl"): message[":ttl"],
                Symbol(f"{self.word}_msgtime"): message[":msgtime"],
            }
        )
