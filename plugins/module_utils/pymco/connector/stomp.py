# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""python-mcollective's connector of this name; see :mod:`..middleware.stomp`."""

from __future__ import annotations

from ..middleware.stomp import StompMiddleware
from .base import Connector


class StompConnector(Connector, StompMiddleware):
    """``connector = stomp``."""
