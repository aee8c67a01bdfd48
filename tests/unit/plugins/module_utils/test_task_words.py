# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of a task are short, have one line, and contain nothing that a terminal obeys."""

from __future__ import annotations

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task import base
from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import (
    LONGEST_MESSAGE,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.fake_client import (
    FakeClient,
    called,
    params,
    reply,
    result,
)

CONTROL = "\x1b]0;mine\x07\x1b[2J\x9b31m\u202eevil\u2066\r\n\0\x7f"
"""What a terminal obeys: OSC, CSI in seven and in eight bits, bidirectional overrides, and others."""
ESCAPED = "\\x1b]0;mine\\x07\\x1b[2J\\x9b31m\\u202eevil\\u2066\\r\\n\\x00\\x7f"


def test_what_nodes_say_is_shown_so_that_no_terminal_obeys(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [reply("a", 1, CONTROL), reply("b", 1, "x" * 3_000_000), reply("c", 1, CONTROL)]
    returned, message, _calls = called(monkeypatch, result("a b c", *replies))
    assert message.isprintable()
    assert message.count(ESCAPED) == 2
    assert 300 < len(message) < 800
    # What is returned is data.
    assert [each["statusmsg"] for each in returned["replies"]] == [
        each.statusmsg for each in replies
    ]


def test_whatever_a_task_says_is_short_and_printable() -> None:
    warnings: list[str] = []
    task = RpcTask(params(), warnings.append, environ={})
    task.warn(CONTROL)
    task.warn("x" * 3_000_000)
    assert warnings[0] == ESCAPED
    assert len(warnings[1]) <= LONGEST_MESSAGE
    assert str(TaskFailed(CONTROL)) == ESCAPED
    assert len(str(TaskFailed("x" * 3_000_000))) <= LONGEST_MESSAGE


def test_what_a_broker_says_is_shown_so_that_no_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = exc.BrokerError(f"b:1 refused what we sent: {CONTROL}", "b:1")
    warnings: list[str] = []
    monkeypatch.setattr(base, "Client", FakeClient(result("a b", reply("a"), lost=lost)))
    with pytest.raises(TaskFailed) as caught:
        RpcTask(params(), warnings.append, environ={}).run(check_mode=False)
    told = f"b:1 refused what we sent: {ESCAPED}"
    assert told in str(caught.value)
    assert told in warnings[0]
    # Our own words about a connection are no node's data.
    assert caught.value.result["stats"]["lost"] == told


@pytest.mark.parametrize(
    "error",
    [
        exc.BrokerError(CONTROL, "b:1"),
        exc.InvalidArgument("a", "b", "c", CONTROL),
        exc.UnreadableDDL(CONTROL, "/a.ddl", 5),
        exc.ConfigLookupError(CONTROL),
        exc.ConnectFailed("x" * 3_000_000),
        exc.UnreadableDDL("x" * 3_000_000, "/a.ddl"),
    ],
)
def test_no_error_of_the_client_has_what_a_terminal_obeys(error: exc.PyMcoException) -> None:
    assert str(error).isprintable()
    assert len(str(error)) <= LONGEST_MESSAGE


UNAUTHORIZED = "You are not authorized to call this agent or action"


def test_a_missing_policy_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [reply("a", 1, UNAUTHORIZED), reply("b", 1, "something else")]
    _returned, message, _calls = called(monkeypatch, result("a b", *replies))
    assert "2 of 2 nodes failed: a (1: You are not authorized" in message
    assert message.count("Nodes authorize callers by policies") == 1
    assert "see rpcauthorization" in message
    _returned, message, _calls = called(monkeypatch, result("b", replies[1]))
    assert "policies" not in message


CHORIA = {"connector": "nats", "securityprovider": "choria"}


def test_silence_has_the_causes_of_the_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    _returned, message, _calls = called(monkeypatch, result("", requestid=None))
    assert "do not know our key" in message and "certname_whitelist" not in message
    _returned, message, _calls = called(monkeypatch, result(""), config=CHORIA)
    assert "plugin.choria.security.certname_whitelist" in message
    assert "our clock differs from theirs by more than the ttl" in message
    assert "pre-shared key" not in message and "compound" not in message
    given = {"config": CHORIA, "compound_filter": "with('a')"}
    _returned, message, _calls = called(monkeypatch, result(""), **given)
    assert "or they cannot evaluate the compound filter" in message
