# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of collectives on a broker."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


def _new_password() -> str:
    return f"pw-SECRET-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class Place:
    """A part of a broker that no other collective sees. It has one user.

    ``collectives`` are the names that nodes have for the collectives there: one and its
    sub-collectives. A broker without parts makes other names of them, see `Broker.collective`.
    With ``shared_nodes`` one session can take the requests to any number of single nodes: to senders
    RabbitMQ's exchange for them is as usual, but it knows wildcards.
    """

    name: str
    user: str = ""
    password: str = field(default_factory=_new_password)
    collectives: tuple[str, ...] = ("mcollective",)
    shared_nodes: bool = False

    def __post_init__(self) -> None:
        if not self.user:
            object.__setattr__(self, "user", f"user-{self.name.strip('/') or 'root'}")
