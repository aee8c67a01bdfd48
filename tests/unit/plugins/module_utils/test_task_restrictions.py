# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that select nodes must not be empty."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    at,
    options,
    unwarned,
)

RESTRICTING = [
    "nodes",
    "fact_filters",
    "class_filters",
    "agent_filters",
    "identity_filters",
    "discovery_options",
    "compound_filter",
    "limit",
    "collective",
]


@pytest.mark.parametrize("name", RESTRICTING)
@pytest.mark.parametrize("value", [None, "", " , ", [], [""], [None], ["a", ""], ["a", None], ()])
def test_an_option_that_is_there_and_empty_is_an_error(name: str, value: t.Any) -> None:
    words = restrictions.complaint({"psk": None, name: value}, RpcTask.options)
    assert words is not None and words.startswith(f"{name} is empty, or has an empty entry")
    if value is not None:  # An absent option is None, too, once Ansible has validated all.
        plain = options(RpcTask, agent="rpcutil", action="ping", config=at(1))
        with pytest.raises(TaskFailed, match=f"{name} is empty"):
            RpcTask({**plain, name: value}, unwarned, environ={})


@pytest.mark.parametrize("value", ["a", ["a"], 5, 0, "0", {"a": ""}])
def test_an_option_that_is_absent_or_not_empty_is_none(value: t.Any) -> None:
    assert restrictions.complaint({}, RpcTask.options) is None
    for name in RESTRICTING:
        assert restrictions.complaint({name: value}, RpcTask.options) is None
    assert restrictions.complaint({"psk": "", "fail_on": [], "gather": []}, RpcTask.options) is None


def test_a_node_that_is_empty_is_an_error_and_nothing_is_where_nobody_is_asked() -> None:
    words = restrictions.complaint({"node": "", "collective": None}, FactsTask.options)
    assert words is not None and words.startswith("node and collective are empty")
    assert restrictions.complaint({"collective": None}, AgentInfoTask.options) is None
