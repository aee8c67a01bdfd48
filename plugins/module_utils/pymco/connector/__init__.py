# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""python-mcollective's connectors, by the name that a configuration uses. The client has no use for them."""

from __future__ import annotations

import logging
import typing as t

from .activemq import ActiveMQConnector
from .base import Connector
from .rabbitmq import RabbitMQConnector
from .stomp import StompConnector

if t.TYPE_CHECKING:
    from ..settings import Settings

__all__ = [
    "CONNECTORS",
    "BaseConnector",
    "Connector",
    "connector",
    "get_reply_target",
    "get_target",
]

CONNECTORS: dict[str, type[Connector]] = {
    "activemq": ActiveMQConnector,
    "rabbitmq": RabbitMQConnector,
    "stomp": StompConnector,
}


def connector(config: Settings, logger: logging.Logger | None = None) -> Connector:
    """Return the connector that the configuration names. Nothing is opened yet.

    :param logger: default: the configuration's.
    :raises exc.ImproperlyConfigured: the name is unknown, or one of its options is wrong or missing.
    """
    found: type[Connector] = config.choose("connector", CONNECTORS)
    return found(config, logger=logger)


BaseConnector = Connector
"""python-mcollective has a connector's methods in two classes; here it is one, by both names."""

get_target, get_reply_target = Connector.get_target, Connector.get_reply_target
"""Its documentation has the abstract methods as functions of the module too."""
