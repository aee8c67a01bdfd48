# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Discovery: which nodes answer, and when it ends."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import GRACE
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.find import (
    Targets,
    find,
    ping,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.conversing import (
    REQUESTID,
    SECURITY,
    Clock,
    ScriptedMiddleware,
    line,
    reply,
)

FLEET = Config(
    {
        "connector": "rabbitmq",
        "collectives": "mcollective,fleet",
        "identity": "me",
        "plugin.psk": "key",
        "plugin.rabbitmq.pool.size": "1",
        "plugin.rabbitmq.pool.1.host": "127.0.0.1",
    }
)


def discovered(
    monkeypatch: pytest.MonkeyPatch,
    *arrivals: tuple[float, bytes | Exception],
    nodes: list[str] | None = None,
    unsent: t.Sequence[str] = (),
    **fields: t.Any,
) -> tuple[Targets, float, ScriptedMiddleware]:
    """Return what a discovery with a window of 2 seconds finds, how long it takes, and the middleware."""
    monkeypatch.setattr("secrets.token_hex", lambda _size: REQUESTID)
    middleware = ScriptedMiddleware(Clock(), *arrivals)
    middleware.unsent = list(unsent)
    filter_ = Filter().add_cfclass("web")
    asked = {"filter": filter_, "nodes": nodes, "collective": "fleet", "ttl": 30, **fields}
    request = Request("rpcutil", "ping", **asked)
    client = Client(FLEET)
    found = find(line(middleware), client.prepare(request))
    return found, middleware.clock.now - middleware.start, middleware


def test_discovery_lists_who_answers_until_nobody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    arrivals = [(1.5, reply("web2")), (3.0, reply("web1")), (3.1, b"garbage")]
    found, seconds, middleware = discovered(monkeypatch, *arrivals)
    assert (found.nodes, seconds) == (["web2", "web1"], 5)
    assert found.answers is not None
    assert found.answers.outcome.rejected == {"undecodable": 1}
    assert middleware.calls == [
        ("open_replies", "discovery", "fleet", 12),
        ("publish", "discovery", "fleet", 30, "/reply/here", 12, None),
    ]
    assert SECURITY.decode(middleware.payload)[":body"] == "ping"


def test_more_than_expected_are_all_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers within the grace after another one counts."""
    arrivals = [(0.5, reply("a")), (0.6, reply("b")), (0.75, reply("c")), (1.5, reply("late"))]
    found, seconds, middleware = discovered(monkeypatch, *arrivals, expected_nodes=2)
    assert (found.nodes, found.found) == (["a", "b", "c"], 3)
    assert seconds == pytest.approx(0.75 + GRACE)
    assert len(middleware.arrivals) == 1


def test_the_grace_is_not_longer_than_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    window = {"expected_nodes": 1, "discovery_timeout": 0.1}
    assert discovered(monkeypatch, (0.05, reply("a")), **window)[1] == pytest.approx(0.15)


@pytest.mark.parametrize(
    "fields",
    [{"limit": 1}, {"nodes": ["a"], "expected_nodes": 1}, {"nodes": ["a", "b"], "limit": 1}],
)
def test_where_the_number_is_exact_there_is_no_grace(
    fields: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert discovered(monkeypatch, (0.5, reply("a")), **fields)[1] == 0.5


def test_discovery_among_nodes_asks_them_and_ends_when_all_have_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, seconds, middleware = discovered(
        monkeypatch, (0.5, reply("b")), (1, reply("a")), nodes=["a", "b"]
    )
    assert (found.nodes, seconds, middleware.calls[1][-1]) == (["a", "b"], 1, ["a", "b"])
    assert found.answers is not None
    assert list(found.answers.seconds) == ["b", "a"]


def test_a_discovery_that_has_no_time_for_all_names_is_no_list_of_nodes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(exc.ConnectorError) as caught:
        discovered(monkeypatch, (0.5, reply("a")), nodes=["a", "b", "c"], unsent=["b", "c"])
    assert str(caught.value) == (
        "2 of 3 nodes could not be asked within the publish_timeout; that was during discovery, and"
        " nothing else has been sent"
    )


def test_a_ping_tells_whom_it_had_no_time_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _size: REQUESTID)
    middleware = ScriptedMiddleware(Clock(), (0.5, reply("a")))
    middleware.unsent = ["b"]
    request = Request("discovery", "ping", nodes=["a", "b", "c"])
    answers = ping(line(middleware), Client(FLEET).prepare(request))
    assert (list(answers.seconds), answers.silent) == (["a"], ["b", "c"])
    assert answers.outcome.refused == {"b": "there was no time to ask it"}


@pytest.mark.parametrize("error", [exc.ConnectionLost("gone"), exc.BrokerError("refused")])
def test_a_discovery_that_breaks_off_is_no_list_of_nodes(
    error: exc.ConnectorError, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(type(error)) as caught:
        discovered(monkeypatch, (0.5, reply("a")), (1, error))
    assert (
        str(caught.value) == f"{error}; that was during discovery, and nothing else has been sent"
    )
    assert caught.value.__cause__ is error
