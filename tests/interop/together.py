# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests run one after the other in the same process, since they share what is slow to start."""

from __future__ import annotations

import re
from pathlib import PurePath

from testbed.real.security import SECURITIES

SHARED = re.compile(
    rf"[\[-]((?:rabbitmq|activemq)-(?:{'|'.join(SECURITIES)})|choria-v[12])(?=[\]-])"
)
"""Finds in the name of a test the parameter of a fixture that starts four nodes for the whole session."""
LONG = (
    "test_roles",
    "test_roles_choria",
    "test_benchmarks",
    "test_examples",
    "rabbitmq-ssl-yaml",
    "test_target",
    "test_target_silence",
    "activemq-aes-marshal",
    "rabbitmq-psk",
    "choria-v1",
    "choria-v2",
)
"""The groups that take longest. They come first, so that none of them is left alone at the end."""


def group(nodeid: str) -> str:
    """Return the group of a test.

    All tests on the nodes of one setting are a group, whichever file they are in, so those nodes start once. Any other
    test belongs to its file.
    """
    path, _colons, name = nodeid.partition("::")
    shared = SHARED.search(name)
    return shared[1] if shared else PurePath(path).stem


def rank(nodeid: str) -> int:
    """Return the place of a test's group."""
    found = group(nodeid)
    return LONG.index(found) if found in LONG else len(LONG)
