# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that select nodes must not be empty."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import restrictions
from ansible_collections.pymco.mcollective.plugins.module_utils._task.acting import ActingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.agent_info import (
    AgentInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import BATCH_OPTIONS
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask
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


@pytest.mark.parametrize("value", [[], [""], "", None])
def test_no_tags_are_not_the_whole_catalog(value: t.Any) -> None:
    words = restrictions.refusal({"tags": value}, PuppetTask.options)
    assert words is not None and words.startswith("tags is empty, or has an empty entry")
    assert restrictions.refusal({"skip_tags": []}, PuppetTask.options) is None


@pytest.mark.parametrize(
    "name,value,what", [("name", ["a", "b"], "a list"), ("version", {"a": 1}, "a dictionary")]
)
def test_a_text_is_no_list(name: str, value: t.Any, what: str) -> None:
    words = restrictions.refusal({name: value}, PackageTask.options)
    assert words == f"{name} is {what}, and must be one text. Loop over the task for several"
    assert restrictions.refusal({"name": 5, "nodes": ["a"]}, PackageTask.options) is None


@pytest.mark.parametrize("kind,state", [(PackageTask, "present"), (ServiceTask, "stopped")])
@pytest.mark.parametrize("name", [None, "", " "])
def test_what_has_the_state_has_a_name(
    kind: type[ActingTask], state: str, name: str | None
) -> None:
    given = options(kind, name=name, state=state, config=at(1))
    with pytest.raises(TaskFailed, match=f"^name is empty; it must be the name of a {kind.agent}$"):
        kind(given, unwarned, environ={})


@pytest.mark.parametrize(
    "kind,given,idle",
    [
        (PuppetTask, {"state": "enabled"}, {"max_fail_percentage"}),
        (PuppetTask, {}, set()),
        (PingTask, {"state": "absent"}, {"expected_nodes", "count"}),
        (PingTask, {}, set()),
        (RpcTask, {}, set()),
        (RpcTask, {"process_results": "no"}, set(BATCH_OPTIONS)),
        (RpcTask, {"reply_to": "/queue/a"}, set(BATCH_OPTIONS)),
        (RpcTask, {"discovery_method": "none"}, {*BATCH_OPTIONS, "expected_nodes", "count"}),
        (RpcTask, {"discovery_method": "none", "nodes": ["a"]}, set()),
    ],
)
def test_what_has_no_use_beside_other_options(
    kind: type[Task], given: dict[str, t.Any], idle: set[str]
) -> None:
    assert set(kind.idle(given)) == idle


def test_a_node_that_is_empty_is_an_error_and_nothing_is_where_nobody_is_asked() -> None:
    words = restrictions.complaint({"node": "", "collective": None}, FactsTask.options)
    assert words is not None and words.startswith("node and collective are empty")
    assert restrictions.complaint({"collective": None}, AgentInfoTask.options) is None
