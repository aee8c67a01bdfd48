# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the inventory says if nodes are missing. tests/unit/plugins/inventory has the plugin as a whole."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import (
    InventoryTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.gathering import Gathered
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import Result
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    at,
    options,
    unwarned,
)

FEW = ["a", "b"]


@pytest.mark.parametrize(
    "first,said",
    [
        (
            {"known": False, "requestid": "f" * 32},
            "2 nodes told everything that was asked for, which is less than minimum_nodes = 3.",
        ),
        (
            {"discovered": True, "unsent": FEW, "stopped": "2 nodes were found"},
            "2 nodes were found, but 3 were expected, so the request was not sent.",
        ),
    ],
)
def test_nodes_that_answered_take_our_key_so_it_is_not_to_blame(
    first: dict[str, t.Any], said: str
) -> None:
    task = InventoryTask(
        options(InventoryTask, config=at(1), minimum_nodes=3), unwarned, environ={}
    )
    gathered = Gathered(results=[Result(nodes=FEW, found=2, timeout=9.0, **first)])
    if "unsent" not in first:
        gathered.nodes = {name: {"identity": name} for name in FEW}
    with pytest.raises(TaskFailed) as caught:
        task._judge(gathered)
    assert str(caught.value).startswith(
        f"{said} Other nodes answered, so our configuration is right"
    )
    assert "do not know our key" not in str(caught.value)
