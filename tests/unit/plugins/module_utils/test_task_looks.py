# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions that are known to change nothing."""

from __future__ import annotations

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.looks import only_looks
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library


@pytest.mark.parametrize("dialect", ["mcollective", "choria"])
def test_all_actions_of_rpcutil_only_look(dialect: str) -> None:
    ddl = Library([], [], dialect).agent("rpcutil")
    assert ddl is not None
    assert len(ddl.actions) >= 8
    assert [action for action in ddl.actions if not only_looks("rpcutil", action)] == []


@pytest.mark.parametrize(
    "changing",
    [
        *("service.restart", "package.install", "package.yum_clean", "package.refresh"),
        *("puppet.resource", "puppet.runonce", "puppet.disable", "puppetca.clean", "filemgr.touch"),
        *("shell.run", "choria_util.machine_transition", "scout.trigger", "unknown.status"),
    ],
)
def test_other_actions_may_change_something(changing: str) -> None:
    assert not only_looks(*changing.split("."))


def test_names_are_compared_wholly() -> None:
    assert only_looks("process", "list")
    assert not only_looks("process", "lis")
    assert not only_looks("process", "")
