# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that is not there, and what a task makes of its results."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import unwarned

CONFIG = {
    "connector": "rabbitmq",
    "identity": "me",
    "plugin.psk": "a psk",
    "plugin.rabbitmq.pool.size": 1,
    "plugin.rabbitmq.pool.1.host": "127.0.0.1",
    "plugin.rabbitmq.pool.1.port": 1,
    "plugin.rabbitmq.pool.1.user": "alice",
    "plugin.rabbitmq.pool.1.password": "a password",
}
LOST = exc.ConnectionLost("b:1 closed the connection", "b:1")


def params(**given: t.Any) -> dict[str, t.Any]:
    """Options as Ansible hands them over."""
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    return {**defaults, "agent": "rpcutil", "action": "ping", "config": CONFIG, **given}


class FakeClient:
    """Replaces the client where only its results matter."""

    def __init__(self, result: rpc.Result) -> None:
        self.result = result
        self.calls: list[str] = []
        self.warnings: list[str] = []

    def __call__(self, config: t.Any, progress: t.Any = None) -> FakeClient:
        return self

    def __enter__(self) -> FakeClient:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass

    def prepare(self, request: rpc.Request) -> rpc.Request:
        self.calls.append("prepare")
        return request

    def call(self, request: rpc.Request) -> rpc.Result:
        self.calls.append("call")
        return self.result

    def targets(self, request: rpc.Request) -> rpc.Result:
        self.calls.append("targets")
        fields = ("nodes", "found", "known", "discovered")
        return rpc.Result(**{name: getattr(self.result, name) for name in fields})


def reply(sender: str, code: int = 0, message: str = "OK") -> rpc.Reply:
    return rpc.Reply("rpcutil", "ping", sender, code, message, {":pong": Symbol("x")})


def result(nodes: str, *replies: rpc.Reply, **more: t.Any) -> rpc.Result:
    given = {"requestid": "f" * 32 if nodes else None, "broker": "b:1", "discovered": True, **more}
    names = nodes.split()
    return rpc.Result(nodes=names, found=len(names), replies=list(replies), **given)


def called(
    monkeypatch: pytest.MonkeyPatch,
    result_: rpc.Result,
    check_mode: bool = False,
    **given: t.Any,
) -> tuple[dict[str, t.Any], str, list[str]]:
    """What the task returns, its message if it failed, and the client's calls."""
    client = FakeClient(result_)
    monkeypatch.setattr(base, "Client", client)
    monkeypatch.setattr(base.CollectiveTask, "look", lambda *_arguments: None)
    quiet = result_.lost is None and not result_.resumed
    warn = unwarned if quiet else lambda message: None
    try:
        return RpcTask(params(**given), warn, environ={}).run(check_mode), "", client.calls
    except TaskFailed as failure:
        return failure.result, str(failure), client.calls
