# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The brokers that the testbed knows."""

from __future__ import annotations

import typing as t

from .activemq import ActiveMQ
from .rabbitmq import RabbitMQ

if t.TYPE_CHECKING:
    from .broker import Broker

BROKERS: dict[str, type[Broker]] = {kind.connector: kind for kind in (RabbitMQ, ActiveMQ)}
"""The brokers by the name of MCollective's connector."""
