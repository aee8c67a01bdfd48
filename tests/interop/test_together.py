# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests that share nodes run in one process, and the longest begin first."""

from __future__ import annotations

from pathlib import Path

import pytest
from testbed.real.security import SECURITIES
from together import LONG, group, rank

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    "nodeid,expected",
    [
        ("tests/interop/test_rpc.py::test_a[rabbitmq-ssl-yaml]", "rabbitmq-ssl-yaml"),
        ("tests/interop/test_other.py::TestIt::test_b[x-rabbitmq-ssl-yaml-2]", "rabbitmq-ssl-yaml"),
        ("tests/interop/test_rpc.py::test_a[choria-v2]", "choria-v2"),
        ("tests/interop/test_rpc.py::test_a[choria-v21]", "test_rpc"),
        ("tests/interop/test_rpc.py::test_a", "test_rpc"),
        ("tests/interop/test_rabbitmq.py::test_rabbitmq-psk", "test_rabbitmq"),
    ],
)
def test_a_group_is_the_setting_or_else_the_file(nodeid: str, expected: str) -> None:
    assert group(nodeid) == expected


def test_long_groups_come_first_in_their_order() -> None:
    shared = [f"tests/interop/test_x.py::test_y[{name}]" for name in LONG if "test_" not in name]
    files = [f"tests/interop/{name}.py::test_y" for name in LONG if "test_" in name]
    ranks = [rank(nodeid) for nodeid in ("tests/interop/test_x.py::test_y", *shared, *files)]
    assert max(ranks) == ranks[0]
    assert sorted(ranks[1:]) == list(range(len(LONG)))


def test_every_long_group_exists() -> None:
    settings = {f"{kind}-{name}" for kind in ("rabbitmq", "activemq") for name in SECURITIES}
    files = {path.stem for path in HERE.glob("test_*.py")}
    assert set(LONG) <= settings | files | {"choria-v1", "choria-v2"}
