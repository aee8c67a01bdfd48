# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Desired state on four emulated nodes: which tasks are run, and what they and the nodes have done."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed

LOOKS = {"status", "checkupdates", "last_run_summary"}
NAMES = ("a", "b", "c", "d")


def four_nodes() -> EmbeddedCollective:
    """Return four nodes: nginx runs on a and b only, they have openssl 1.0-1, and a has an update of it."""
    agents = ["rpcutil", "service", "package", "puppet"]
    nodes = [Node(name, agents=list(agents)) for name in NAMES]
    for node in nodes:
        node.services["nginx"] = "running" if node.identity in "ab" else "stopped"
        node.packages = {"openssl": "1.0-1"} if node.identity in "ab" else {}
    nodes[0].updates["openssl"] = "1.1-1"
    return EmbeddedCollective(nodes, security="psk")


def prepared(kind: type[Task], fleet: EmbeddedCollective, **given: t.Any) -> dict[str, t.Any]:
    """Return options as Ansible hands them over."""
    options = {"config_file": str(fleet.client_cfg), "discovery_timeout": 0.4, **given}
    checked = ArgumentSpecValidator(kind.options).validate(options)
    assert checked.error_messages == []
    return t.cast("dict[str, t.Any]", checked.validated_parameters)


def ran(
    kind: type[Task],
    fleet: EmbeddedCollective,
    check_mode: bool = False,
    warns: t.Sequence[str] = (),
    **given: t.Any,
) -> tuple[dict[str, t.Any], str]:
    """Run a task that gives these warnings. Return its result, and its message if it failed."""
    warnings: list[str] = []
    message = ""
    try:
        task = kind(prepared(kind, fleet, **given), warnings.append, environ={})
        returned = task.run(check_mode)
    except TaskFailed as failure:
        returned, message = failure.result, str(failure)
    assert warnings == list(warns)
    json.dumps(returned)
    return returned, message


def calls(fleet: EmbeddedCollective) -> dict[str, list[str]]:
    """Return the actions that change something, by node, and forget all calls."""
    found = {
        node.identity: [call for call in node.calls if call.partition(".")[2] not in LOOKS]
        for node in fleet.nodes
    }
    for node in fleet.nodes:
        node.calls.clear()
    return {name: called for name, called in found.items() if called}


def changed(returned: dict[str, t.Any]) -> list[str]:
    """Return the nodes that a task has changed."""
    return [each["sender"] for each in returned["outcomes"] if each["changed"]]


def states(returned: dict[str, t.Any]) -> dict[str, tuple[t.Any, t.Any]]:
    """Return the states of the nodes before and after."""
    return {each["sender"]: (each["before"], each["after"]) for each in returned["outcomes"]}
