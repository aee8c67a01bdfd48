# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs tasks that change nothing against a scripted broker."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
    Script,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    read,
)


def options(kind: type[Task], **given: t.Any) -> dict[str, t.Any]:
    """Options as Ansible hands them over."""
    checked = ArgumentSpecValidator(kind.options).validate(given)
    assert checked.error_messages == []
    return t.cast("dict[str, t.Any]", checked.validated_parameters)


def at(port: int, **more: t.Any) -> dict[str, t.Any]:
    """The option config for one broker."""
    return {
        "identity": "me",
        "connector": "rabbitmq",
        "plugin.psk": "key",
        "plugin.rabbitmq.pool.size": 1,
        "plugin.rabbitmq.pool.1.host": "127.0.0.1",
        "plugin.rabbitmq.pool.1.port": port,
        "discovery_timeout": 0.3,
        **more,
    }


def unwarned(message: str) -> None:
    """Takes no warnings."""
    raise AssertionError(f"unexpected warning: {message}")


def outcome(
    kind: type[Task], port: int, check_mode: bool = False, **given: t.Any
) -> tuple[dict[str, t.Any], str]:
    """What a task returns, and its message if it failed."""
    config = at(port, **given.pop("settings", {}))
    task = kind(options(kind, config=config, **given), unwarned, environ={})
    try:
        return task.run(check_mode), ""
    except TaskFailed as failure:
        return failure.result, str(failure)


def pinged(
    *answering: str, asked: int = 1, seen: list[Frame] | None = None, looked: bool = False
) -> Script:
    """A connection over which one ping comes, in so many messages, and these nodes answer.

    :param looked: a ping without filters follows, which nobody answers.
    """

    def script(peer: Peer) -> None:
        peer.log_in()
        frames = [peer.expect("SEND") for _node in range(asked)]
        if seen is not None:
            seen.extend(frames)
        for node in answering:
            answer(peer, read(frames[0]), node, "pong")
        if looked:
            bare = read(peer.expect("SEND"))[":filter"]
            assert (bare["agent"], bare["fact"], bare["cf_class"]) == (["discovery"], [], [])
        peer.log_out()

    return script
