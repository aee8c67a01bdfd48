# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A pre-shared key, MCollective's default: everybody who knows it may do everything.

The signature is the MD5 of the body and the key; the rest of the envelope is not protected
(MC:security/psk.rb).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import typing as t

from .. import exc
from ..serializers import Serializer
from ..serializers.marshal import MarshalSerializer
from .base import HASH, SecurityProvider, body_bytes

if t.TYPE_CHECKING:
    from ..settings import Settings


class PskProvider(SecurityProvider):
    """``securityprovider = psk``, always with Marshal.

    Options: ``plugin.psk`` or MCOLLECTIVE_PSK (the key), ``plugin.psk.callertype`` (what makes the
    callerid: uid, gid, user, group or identity).
    """

    def __init__(self, config: Settings, logger: logging.Logger | None = None) -> None:
        super().__init__(config, logger)
        self._key = (config.environ.get("MCOLLECTIVE_PSK") or self._required("plugin.psk")).encode()

    def _serializer(self) -> type[Serializer]:
        return MarshalSerializer

    def _callerid(self) -> str:
        kind, caller = self.config.choose("plugin.psk.callertype", _CALLERS, default="uid")
        try:
            return f"{kind}={caller(self.config)}"
        except (KeyError, OSError) as error:
            raise exc.ImproperlyConfigured(
                f"plugin.psk.callertype = {kind}, but this system knows no {kind} of this process"
            ) from error

    def sign(self, msg: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """See :meth:`.SecurityProvider.sign`."""
        body = self.serializer.serialize(msg[":body"])
        return self._signed(msg, body, hash=self._digest(body))

    def _verified(self, msg: t.Mapping[str, t.Any]) -> bytes:
        """See :meth:`.SecurityProvider._verified`."""
        digest, body = msg.get(HASH), body_bytes(msg)
        if not isinstance(digest, str) or not hmac.compare_digest(
            digest.encode("utf-8", "replace"), self._digest(body).encode()
        ):
            raise exc.VerificationError("the reply was made with another pre-shared key")
        return body

    def _digest(self, body: bytes) -> str:
        return hashlib.md5(body + self._key, usedforsecurity=False).hexdigest()


def _group(_config: Settings) -> str:
    import grp

    return grp.getgrgid(os.getgid()).gr_name


def _user(config: Settings) -> str:
    """Return who logged in, also under sudo, as Ruby's Etc.getlogin does: by the terminal, or by USER
    without a terminal. Without both, where the reference knows nobody, return the uid's user."""
    import pwd

    with contextlib.suppress(OSError):
        return os.getlogin()
    return config.environ.get("USER") or pwd.getpwuid(os.getuid()).pw_name


_CALLERS: dict[str, tuple[str, t.Callable[[Settings], t.Any]]] = {
    "uid": ("uid", lambda config: os.getuid()),
    "gid": ("gid", lambda config: os.getgid()),
    "user": ("user", _user),
    "group": ("group", _group),
    "identity": ("identity", lambda config: config.identity),
}
