# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""How a client says to a NATS server who it is."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..printable import masked
from .nats import MAX_WORDS

if t.TYPE_CHECKING:
    from ..pool import Broker


@dataclasses.dataclass(frozen=True)
class Login:
    """What CONNECT says.

    :ivar name: of the client, as the broker shows it to its operator.
    :ivar token: a JSON Web Token, if one is shown to the broker.
    :ivar answer: returns the signature of a nonce, with which we prove that the token is ours.
    :ivar hint: what a user should check if the broker refuses the login.
    :ivar rights: what a user should check if the broker refuses a subject.
    """

    name: str
    user: str = ""
    password: str = dataclasses.field(default="", repr=False)
    token: str | None = dataclasses.field(default=None, repr=False)
    answer: t.Callable[[str], str] | None = None
    hint: str = "Check user and password"
    rights: str = "Check the permissions that the broker gives this user"

    def options(self, broker: Broker, nonce: str) -> dict[str, t.Any]:
        """Return the options of CONNECT.

        :param nonce: what the broker wants signed; empty: nothing.
        """
        found = {
            "verbose": False,
            "pedantic": False,
            "tls_required": broker.tls,
            "name": self.name,
            "lang": "python",
            "version": "pymco",
            "protocol": 1,
            "echo": False,
            "headers": False,
            "user": self.user or None,
            "pass": self.password if self.user else None,
            "auth_token": self.token,
            "sig": self.answer(nonce) if self.answer is not None and nonce else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def without_secrets(self, text: str) -> str:
        """Return what the broker says without our secrets."""
        hidden = {way for secret in (self.password, self.token or "") for way in _spellings(secret)}
        return masked(text, hidden, MAX_WORDS)


def _spellings(secret: str) -> set[str]:
    """Return how a broker may write a secret: as it is, or in the JSON of CONNECT."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
