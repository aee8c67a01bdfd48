# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""The ranges of the options that are numbers.

The reference takes any number. With a ttl of -1 every node finds each request too old, and says
nothing.
"""

from __future__ import annotations

import math
import re

LONGEST = 30 * 24 * 3600
"""Seconds; nothing may take longer. The bound also excludes infinity and NaN."""
MOST = 2**31 - 1
"""The largest count."""
_ATTEMPTS = "attempts, where 0 stands for one for each broker"
_RANGES: dict[str, tuple[int, float, str]] = {
    r"ttl": (1, LONGEST - 1, "seconds"),
    r"direct_addressing_threshold": (0, MOST, "nodes"),
    r"default_batch_size": (0, MOST, "nodes, where 0 stands for all at once"),
    r"plugin\.\w+\.heartbeat_interval": (0, LONGEST - 1, "seconds, where 0 stands for none"),
    r"plugin\.\w+\.max_hbread_fails": (0, MOST, "heart-beats, where 0 stands for any number"),
    r"plugin\.\w+\.(pool\.)?max_reconnect_attempts": (0, MOST, _ATTEMPTS),
    r"plugin\.\w+\.pool\.size": (1, MOST, "brokers"),
    r"plugin\.(activemq|stomp)\.priority": (0, 9, "as JMS defines it"),
    r"plugin\.pymco\.max_reply_bytes": (1, math.inf, "byte"),
}
_COMPILED = [(re.compile(name), bounds) for name, bounds in _RANGES.items()]


def fault(key: str, value: object) -> str | None:
    """Return what is wrong with the value of an option, without the value, or None.

    :param value: as it was read; only numbers are judged.
    """
    if not isinstance(value, (int, float)):
        return None
    for name, (least, most, what) in _COMPILED:
        if name.fullmatch(key) and not least <= value <= most:
            words = f"at least {least}" if most == math.inf else f"from {least} to {most}"
            return f"must be {words} {what}"
    return None
