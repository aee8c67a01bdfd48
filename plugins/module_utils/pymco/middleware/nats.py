# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""NATS, Choria's broker: subjects for requests and replies (Go: choria/connection.go, TargetForMessage, ReplyTarget).

The place for replies is inside of the payload, so a message has no headers.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import time
import typing as t

from .. import choria, exc, tokens
from ..pool import choria_pool
from ..wire.nats import is_subject
from ..wire.nats_login import Login
from ..wire.nats_session import Session
from .base import BaseMiddleware

if t.TYPE_CHECKING:
    from ..pool import Broker, Pool

AT_ONCE = 65536
"""Bytes of messages that are sent at once. A message for each node alone takes five times as long."""
MOVING = 2.0
"""Seconds that it may take to go over to another broker."""
SETTLING = 0.5
"""Seconds in which a cluster passes a message on from one of its members to another."""


class NatsMiddleware(BaseMiddleware):
    """``connector = nats``: a Choria Broker, or any NATS server."""

    remedy = ". Ask for less at once, or set a larger max_payload in the broker"

    def read_options(self) -> None:
        self._options = choria.located(self.settings)
        super().read_options()
        self._left: Session | None = None

    def make_pool(self) -> Pool:
        return choria_pool(self._options)

    def login(self) -> Login:
        """Return what CONNECT says. The name is the caller's, as with Go's client.

        :raises exc.CredentialError: the token or its seed cannot be read.
        """
        options, token, seed = self._options, None, None
        who = (
            f"the certificate {options.cert}" if options.cert else "a client without a certificate"
        )
        hint = f"Does the broker accept {who}?"
        if options.user:
            who, hint = f"the user {options.user}", "Check plugin.nats.user and plugin.nats.pass"
        if options.version == 2 and options.token_file and options.seed_file:
            token, seed = tokens.read_token(options.token_file), tokens.read_seed(options.seed_file)
            who = f"the token {options.token_file}"
            hint = (
                f"Is the token {options.token_file} expired, did its issuer sign it, and is"
                f" {options.seed_file} its seed?"
            )
        return Login(
            name=self.callerid or self.settings.identity,
            user=options.user,
            password=options.password,
            token=None if token is None else token.text,
            answer=None if seed is None else seed.answer,
            hint=hint,
            rights=f"Check what the broker permits {who}: to publish requests, and to subscribe to replies",
        )

    def open_session(self, broker: Broker, seconds: float) -> Session:
        # Each time with the token that the file has now: those of before expire.
        session = Session.open(broker, self.login(), seconds, self._node_of)
        self.max_payload = session.info.max_payload
        return session

    def open_replies(self, agent: str, collective: str, deadline: float) -> str:
        """See :meth:`.BaseMiddleware.open_replies`. Each request has an address of its own, so that of the request
        before is left, or a client that lives long would have ever more of them at the broker."""
        t.cast(Session, self.session).unsubscribe(deadline)
        self._replies.clear()
        return super().open_replies(agent, collective, deadline)

    def joins(self, size: int) -> int:
        return max(AT_ONCE // (size + 100), 1)

    def deliver(
        self, addresses: t.Sequence[str], body: bytes, headers: dict[str, str], deadline: float
    ) -> None:
        t.cast(Session, self.session).send_all(addresses, body, headers, deadline)

    def next_payload(self, timeout: float) -> bytes | None:
        session = t.cast("Session", self.session)
        if session.info.leaving and session is not self._left:
            self._left = session
            self._move(session)
        # A message is a payload as it is.
        return self.session.next_message(timeout)

    def _move(self, old: Session) -> None:
        """Leave a broker that shuts down. We listen at another broker before we stop listening here, for as long as a
        cluster should need to pass a message on. What comes meanwhile comes twice. If no other broker accepts us
        we stay, since the connection may last for a while."""
        others = [broker for broker in self.pool.brokers if broker != old.broker]
        replies, deadline = self._replies, time.monotonic() + MOVING
        if not others:
            return
        try:
            self._connect(MOVING, others)
            self._replies = set()
            for target in replies:
                self.reopen_replies(target, "", deadline)
        except exc.PyMcoException:
            failed, self._session, self._replies = self._session, old, replies
            if failed is not None and failed is not old:
                failed.close()
            return
        self.logger.debug("%s shuts down, moved to another broker", old.broker.name)
        with contextlib.suppress(exc.ConnectorError):
            old.drain(deadline + SETTLING, SETTLING)
        t.cast(Session, self.session).take_over(old)
        old.close()

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        if node is None:
            return self._subject(collective, "broadcast", "agent", agent)
        return self._subject(collective, "node", node)

    def _node_of(self, subject: str) -> str | None:
        """Return the node of a subject that :meth:`target` has made; None if it is that of all nodes."""
        for collective in self.settings.collectives:
            if subject.startswith(f"{collective}.node."):
                return subject[len(collective) + len(".node.") :]
        return None

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
