# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""python-mcollective's connector of this name; see :mod:`..middleware.activemq`."""

from __future__ import annotations

from ..middleware.activemq import ActiveMQMiddleware
from .base import Connector


class ActiveMQConnector(Connector, ActiveMQMiddleware):
    """``connector = activemq``."""
