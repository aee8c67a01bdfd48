# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""NATS, Choria's broker: subjects for requests and replies (Go: choria/connection.go, TargetForMessage, ReplyTarget).

The place for replies is inside of the payload, so a message has no headers.
"""

from __future__ import annotations

import hashlib
import secrets
import typing as t

from .. import choria, exc
from ..pool import choria_pool
from ..wire.nats import is_subject
from ..wire.nats_session import Login, Session
from .base import BaseMiddleware

if t.TYPE_CHECKING:
    from ..pool import Broker, Pool


class NatsMiddleware(BaseMiddleware):
    """``connector = nats``: a Choria Broker, or any NATS server."""

    def read_options(self) -> None:
        if self.settings.dialect != "choria":
            raise exc.ImproperlyConfigured(
                f"{self.settings.origin('connector')}: connector = nats needs securityprovider = choria"
            )
        self._options = choria.options(self.settings)
        super().read_options()
        self._login = self.login()

    def make_pool(self) -> Pool:
        return choria_pool(self._options, self.settings)

    def login(self) -> Login:
        """Return what CONNECT says. The name is the caller's, as with Go's client."""
        options = self._options
        return Login(
            name=self.callerid or self.settings.identity,
            user=options.user,
            password=options.password,
        )

    def open_session(self, broker: Broker, seconds: float) -> Session:
        session = Session.open(broker, self._login, seconds)
        self.max_payload = session.info.max_payload
        return session

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        if node is None:
            return self._subject(collective, "broadcast", "agent", agent)
        return self._subject(collective, "node", node)

    def reply_target(self, agent: str, collective: str) -> str:
        """A broker may let each caller listen only below the MD5 of its name. Nobody can guess the rest."""
        digest = hashlib.new("md5", self.callerid.encode(), usedforsecurity=False).hexdigest()
        return self._subject(collective, "reply", digest, secrets.token_hex(16))

    def subscription(self, target: str, agent: str) -> str | None:
        return str(next(self._sequence))

    def check_reply_to(self, reply_to: str, agent: str, collective: str) -> None:
        """Replies can go to any subject."""
        self._subject(reply_to)

    def _subject(self, *parts: str) -> str:
        """Return the subject of these parts, each of which may have dots."""
        for part in parts:
            if not is_subject(part):
                raise exc.BadRequest(
                    f"{part!r} cannot be part of a NATS subject: it is empty, or has an empty part, a blank, * or >"
                )
        return ".".join(parts)
