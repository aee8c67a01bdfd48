# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controls of a call: nodes see of our calls what they see of the reference's."""

from __future__ import annotations

import contextlib
import signal
import time
import typing as t

import pytest
from calling import call, config_of, senders
from conftest import FEW
from marks import Marks, mco

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    security_provider,
)

if t.TYPE_CHECKING:
    from pathlib import Path

    from testbed.real.collective import Collective
    from testbed.real.stomp import Connection

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

pytestmark = pytest.mark.parametrize("collective", FEW[1:], indirect=True, scope="session")

NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    """A file of marks."""
    return Marks(tmp_path / "marks")


# -- batches -------------------------------------------------------------------------------------


def test_nodes_are_asked_in_batches(config: Config, marks: Marks) -> None:
    result = call(config, "probe", "mark", arguments=marks.arguments, batch_size=3, batch_sleep=1.2)
    assert [len(batch) for batch in marks.batches()] == [3, 1]
    assert senders(result) == marks.who() == NODES
    assert result.batches == 2


def test_the_references_batches_look_the_same(collective: Collective, marks: Marks) -> None:
    mco(collective, marks, "--batch", "51%", "--batch-sleep", "1.2")
    theirs = marks.batches()
    ours = Marks(marks._path.with_name("ours"))
    call(
        config_of(collective),
        *("probe", "mark"),
        arguments=ours.arguments,
        batch_size="51%",
        batch_sleep=1.2,
    )
    assert [len(batch) for batch in theirs] == [len(batch) for batch in ours.batches()] == [3, 1]


def test_a_limit_and_batches_go_together(config: Config, marks: Marks) -> None:
    result = call(
        config, "probe", "mark", arguments=marks.arguments, limit=2, batch_size=1, batch_sleep=1.2
    )
    assert [len(batch) for batch in marks.batches()] == [1, 1]
    assert (senders(result), result.found) == (marks.who(), 2)


def test_the_reference_forgets_the_batches_over_a_limit(
    collective: Collective, marks: Marks
) -> None:
    mco(collective, marks, "--limit", "2", "--batch", "1", "--batch-sleep", "1.2")
    assert [len(batch) for batch in marks.batches()] == [2]


def test_a_batch_that_went_wrong_is_the_last(config: Config, marks: Marks) -> None:
    result = call(
        config,
        *("failer", "partial"),
        arguments={"match": "^(db|old)"},
        nodes=NODES,
        batch_size=2,
        batch_sleep=0,
        max_fail_percentage=99,
    )
    assert [reply.sender for reply in result.failed] == senders(result) == NODES[:2]
    assert result.unsent == NODES[2:]
    assert "2 of the 2 nodes of batch 1 failed" in str(result.stopped)


def test_nodes_of_a_batch_that_was_not_sent_saw_nothing(config: Config, marks: Marks) -> None:
    nodes = ["nosuch.example.com", *NODES[:3]]
    result = call(
        config,
        *("probe", "mark"),
        arguments=marks.arguments,
        nodes=nodes,
        batch_size=2,
        batch_sleep=0,
        max_fail_percentage=49,
        timeout=1,
    )
    assert result.no_response == ["nosuch.example.com"]
    assert (marks.who(), result.unsent) == (NODES[:1], NODES[1:3])


def test_a_call_in_batches_may_take_longer_than_a_request_lives(
    config: Config, marks: Marks
) -> None:
    result = call(
        config,
        *("probe", "mark"),
        arguments=marks.arguments,
        nodes=NODES[:2],
        batch_size=1,
        batch_sleep=2.5,
        ttl=1,
    )
    assert senders(result) == NODES[:2]


# -- no replies ----------------------------------------------------------------------------------


def test_fire_and_forget_returns_at_once_and_the_action_runs(config: Config, marks: Marks) -> None:
    marks.arguments["seconds"] = 1.5
    result = call(config, "probe", "mark", arguments=marks.arguments, process_results=False)
    assert marks.who() == []
    assert (result.requestid is not None, result.replies, result.lost) == (True, [], None)
    assert marks.wait_for(4) == NODES


def test_fire_and_forget_reaches_whom_it_is_for(config: Config, marks: Marks) -> None:
    """By name, by a filter that only nodes judge, and by a limit."""
    for fields in (
        {"nodes": ["web1.example.com"]},
        {"filter": message.Filter().add_fact("role", "legacy")},
        {"filter": message.Filter().add_cfclass("role::db"), "limit": 1},
    ):
        call(config, "probe", "mark", arguments=marks.arguments, process_results=False, **fields)
    assert marks.wait_for(3) == ["db1.example.com", "old1.example.com", "web1.example.com"]


def test_the_reference_forgets_too(collective: Collective, marks: Marks) -> None:
    said = mco(collective, marks, "--no-results", "-F", "role=web")
    assert said.startswith("Request sent with id: ")
    assert marks.wait_for(2) == ["web1.example.com", "web2.example.com"]


def elsewhere(collective: Collective) -> tuple[str, Connection]:
    """A place for replies of another program, and the program."""
    name = f"/queue/{collective.nodes[0].collectives[0]}.elsewhere"
    connection = collective.broker.connect(collective.place)
    connection.subscribe(name)
    return name, connection


def heard(connection: Connection, config: Config, count: int) -> tuple[set[str], set[str]]:
    """Return who sent this number of next messages, and to which requests."""
    frames = [connection.receive() for _reply in range(count)]
    read = security_provider(config).deserialize
    envelopes = [read(frame.body) for frame in frames]
    assert connection.poll(0.3) is None
    return (
        {envelope[":senderid"] for envelope in envelopes},
        {envelope[":requestid"] for envelope in envelopes},
    )


def test_replies_go_where_they_are_to(collective: Collective, config: Config) -> None:
    name, connection = elsewhere(collective)
    with connection:
        result = call(config, "rpcutil", "ping", reply_to=name)
        assert heard(connection, config, 4) == (set(NODES), {result.requestid})
        direct = call(config, "rpcutil", "ping", reply_to=name, nodes=NODES[:2])
        assert heard(connection, config, 2) == (set(NODES[:2]), {direct.requestid})
    assert (result.replies, result.no_response, direct.replies) == ([], [], [])


def test_the_references_replies_go_there_too(collective: Collective, config: Config) -> None:
    name, connection = elsewhere(collective)
    with connection:
        said = collective.mco("rpc", "rpcutil", "ping", "--reply-to", name).stdout
        senders_, requests = heard(connection, config, 4)
    assert (senders_, len(requests)) == (set(NODES), 1)
    assert said.split() == ["Request", "sent", "with", "id:", *requests, "replies", "to", name]


# -- times ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def asleep(collective: Collective, node: str) -> t.Iterator[None]:
    """A node that receives nothing for a while."""
    collective.daemons.signal(signal.SIGSTOP, node)
    try:
        yield
    finally:
        collective.daemons.signal(signal.SIGCONT, node)


@pytest.mark.parametrize("client", ["ours", "reference"])
def test_a_node_drops_what_is_older_than_its_ttl(
    collective: Collective, config: Config, marks: Marks, client: str
) -> None:
    node = "old1.example.com"
    late = Marks(marks._path.with_name("late"))
    with asleep(collective, node):
        if client == "ours":
            for found, ttl in ((late, 1), (marks, 30)):
                fields = {"arguments": found.arguments, "nodes": [node], "ttl": ttl}
                call(config, "probe", "mark", process_results=False, **fields)
        else:
            mco(collective, late, "-I", node, "--no-results", "--ttl", "1")
            mco(collective, marks, "-I", node, "--no-results", "--ttl", "30")
        time.sleep(2.2)
    # They come in order: when the second is done, the first has been judged.
    assert marks.wait_for(1) == [node]
    assert late.who() == []


def test_whom_there_was_no_time_for_is_named(config: Config, marks: Marks) -> None:
    result = call(
        config,
        *("probe", "mark"),
        arguments=marks.arguments,
        nodes=NODES,
        publish_timeout=1e-3 / 1000,
        timeout=5,
    )
    assert result.unsent == NODES[len(marks()) :]
    assert senders(result) == marks.who() == NODES[:1]
    # The client does not wait for nodes to which it sent nothing.
    assert result.seconds["call"] < 4


def test_without_discovery_whoever_fits_answers(config: Config, marks: Marks) -> None:
    fields: dict[str, t.Any] = {"arguments": marks.arguments, "discovery_method": "none"}
    filter_ = message.Filter().add_fact("role", "web")
    result = call(config, "probe", "mark", filter=filter_, timeout=20, **fields)
    assert senders(result) == marks.who() == ["web1.example.com", "web2.example.com"]
    assert "discovery" not in result.seconds or result.seconds["discovery"] < 0.1
    counted = call(
        config, "probe", "mark", expected_nodes=4, timeout=20, discovery_timeout=20, **fields
    )
    assert senders(counted) == NODES
    assert counted.seconds["call"] < 15
