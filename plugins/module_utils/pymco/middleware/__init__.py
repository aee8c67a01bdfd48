# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The way to the nodes: addresses, headers, and how a request is delivered. No payload is understood here.

A new middleware is a new file with a subclass of :class:`BaseMiddleware`, and a line in :data:`MIDDLEWARE`.
"""

from __future__ import annotations

import logging
import typing as t

from ..choices import Choices
from .base import BaseMiddleware, Outgoing

if t.TYPE_CHECKING:
    from ..settings import Settings
    from . import activemq, nats, rabbitmq, stomp  # noqa: F401

__all__ = ["MIDDLEWARE", "BaseMiddleware", "Outgoing", "middleware"]

MIDDLEWARE: Choices[type[BaseMiddleware]] = Choices(
    __name__,
    {
        "activemq": ("activemq", "ActiveMQMiddleware"),
        "nats": ("nats", "NatsMiddleware"),
        "rabbitmq": ("rabbitmq", "RabbitMQMiddleware"),
        "stomp": ("stomp", "StompMiddleware"),
    },
)
"""By the value of the option ``connector``."""


def middleware(
    settings: Settings, callerid: str = "", logger: logging.Logger | None = None
) -> BaseMiddleware:
    """Return the middleware that the settings name. Nothing is opened yet.

    :param callerid: the sender, as the security provider names it.
    :param logger: default: the settings'.
    :raises exc.ImproperlyConfigured: the name is unknown, or one of its options is wrong or missing.
    """
    found: type[BaseMiddleware] = settings.choose("connector", MIDDLEWARE)
    return found(settings, callerid, logger)
