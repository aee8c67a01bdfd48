# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in batches, and calls without replies."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import (
    Client,
    Request,
    Result,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
    Script,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    done,
    read,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

DIRECTED = "/exchange/mcollective_directed"


def call(script: Script, settings: dict[str, str] | None = None, **fields: t.Any) -> Result:
    """Make a call in batches, without a pause between them unless one is wanted."""
    given = {"batch_sleep": 0, "timeout": 5, **fields}
    with (
        ScriptedBroker(script) as broker,
        Client(config(broker.port, **(settings or {}))) as client,
    ):
        return client.call(Request("rpcutil", "ping", **given))


class Nodes:
    """Takes batches of the given sizes and answers each; keeps what came.

    :param answers: the bodies by node; None: it stays silent. Others succeed.
    """

    def __init__(self, *sizes: int, answers: dict[str, t.Any] | None = None) -> None:
        self._sizes = sizes
        self._answers = answers or {}
        self.batches: list[list[str]] = []
        self.frames: list[Frame] = []
        self.times: list[float] = []

    def __call__(self, peer: Peer) -> None:
        """The script."""
        peer.log_in()
        for size in self._sizes:
            frames = [peer.expect("SEND") for _node in range(size)]
            self.times.append(time.monotonic())
            self.frames += frames
            self.batches.append([_node(frame) for frame in frames])
            for frame in frames:
                body = self._answers.get(_node(frame), done())
                if body is not None:
                    answer(peer, read(frame), _node(frame), body)
            if "receipt" in frames[-1].headers:
                peer.confirm(frames[-1])
        peer.log_out()


def _node(frame: Frame) -> str:
    return frame.headers["destination"].rpartition("/")[2]


def test_a_batch_goes_out_when_the_one_before_has_answered() -> None:
    nodes = Nodes(2, 2, 1)
    result = call(nodes, nodes=["e", "d", "c", "b", "a"], batch_size=2)
    assert nodes.batches == [["e", "d"], ["c", "b"], ["a"]]
    assert {read(frame)[":requestid"] for frame in nodes.frames} == {result.requestid}
    assert [reply.sender for reply in result.replies] == ["a", "b", "c", "d", "e"]
    assert (result.batches, result.unsent, result.stopped) == (3, [], None)


def test_between_two_batches_time_passes_and_none_after_the_last() -> None:
    nodes = Nodes(1, 1)
    result = call(nodes, nodes=["a", "b"], batch_size=1, batch_sleep=0.4)
    first, second = nodes.times
    assert second - first >= 0.4
    assert 0.4 <= result.seconds["call"] < 10


def test_a_later_batch_is_no_older_than_it_is_sent() -> None:
    # Nodes drop what is older than its ttl, and a call in batches may well take longer than that.
    nodes = Nodes(1, 1)
    call(nodes, nodes=["a", "b"], batch_size=1, batch_sleep=1.1)
    first, second = (read(frame)[":msgtime"] for frame in nodes.frames)
    assert second > first


def test_who_is_found_is_asked_in_batches_though_a_broadcast_would_do() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        for sender in ("c", "b", "a"):
            answer(peer, ping, sender, "pong")
        for batch in (["c", "b"], ["a"]):
            frames = [peer.expect("SEND") for _node in batch]
            assert [_node(frame) for frame in frames] == batch
            assert read(frames[0])[":filter"]["cf_class"] == ["web"]
            for frame in frames:
                answer(peer, read(frame), _node(frame), done())
        peer.log_out()

    settings = {"direct_addressing_threshold": "0"}
    result = call(script, settings, filter=Filter().add_cfclass("web"), batch_size="60%")
    assert (len(result.replies), result.batches) == (3, 2)


def test_a_limit_and_batches_go_together() -> None:
    nodes = Nodes(2, 1)
    result = call(nodes, nodes=["a", "b", "c", "d"], limit=3, batch_size=2)
    assert nodes.batches == [["a", "b"], ["c"]]
    assert (result.found, result.nodes) == (4, ["a", "b", "c"])


def test_without_direct_addressing_a_batch_is_a_filter_of_a_broadcast() -> None:
    wanted: list[list[str]] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        for _batch in range(2):
            frame = peer.expect("SEND")
            assert frame.headers["destination"] == "/exchange/mcollective_broadcast/rpcutil"
            wanted.append(read(frame)[":filter"]["identity"])
            for sender in wanted[-1]:
                answer(peer, read(frame), sender, done())
        peer.log_out()

    result = call(script, {"direct_addressing": "no"}, nodes=["a", "b", "c"], batch_size=2)
    assert wanted == [["a", "b"], ["c"]]
    assert len(result.replies) == 3


def test_a_batch_that_is_too_large_keeps_the_replies_to_those_before_it() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        frame = peer.expect("SEND")
        client.middleware.max_payload = len(frame.body) + 100
        answer(peer, read(frame), "a", done())
        peer.log_out()

    request = Request("rpcutil", "ping", nodes=["a", "b" * 200], batch_size=1, batch_sleep=0)
    with ScriptedBroker(script) as broker:
        client = Client(config(broker.port, direct_addressing="no"))
        with client:
            result = client.call(request)
    assert [reply.sender for reply in result.replies] == ["a"]
    assert (result.unsent, result.no_response) == (["b" * 200], [])
    assert str(result.stopped).startswith("the request has ")
    assert result.batches == 1


# -- stopping ------------------------------------------------------------------------------------

BAD = {"a": done(1, "no")}
SILENT: dict[str, t.Any] = {"a": None}
NO_REPLY = {"a": "pong"}
NO_CODE = {"a": done(False)}


@pytest.mark.parametrize("answers", [BAD, SILENT, NO_REPLY, NO_CODE])
def test_when_more_fail_or_stay_silent_no_further_batch_is_sent(answers: dict[str, t.Any]) -> None:
    nodes = Nodes(2, answers=answers)
    result = call(
        nodes, nodes=["b", "a", "d", "c"], batch_size=2, max_fail_percentage=49, timeout=0.4
    )
    assert nodes.batches == [["b", "a"]]
    assert result.unsent == ["c", "d"]
    assert result.stopped == (
        "1 of the 2 nodes of batch 1 failed or did not answer, which is more than 49 %"
    )
    assert result.nodes == ["a", "b", "c", "d"]
    assert result.no_response == [node for node, body in answers.items() if body is None]


def test_as_many_as_may_fail_do_not_stop_it() -> None:
    result = call(
        Nodes(2, 2, answers=BAD), nodes=["b", "a", "d", "c"], batch_size=2, max_fail_percentage=50
    )
    assert (result.stopped, len(result.replies), len(result.failed)) == (None, 4, 1)


def test_the_caller_may_judge_replies_by_what_they_say() -> None:
    """A restart that succeeds and leaves a service stopped is no success, and one that has nothing to do no failure."""
    nodes = Nodes(1, 1, answers={"a": done(1, "there is nothing to do"), "b": done(0, "in vain")})
    request = Request(
        *("rpcutil", "ping"),
        **{"nodes": ["a", "b", "c"], "batch_size": 1, "batch_sleep": 0, "max_fail_percentage": 0},
    )
    with ScriptedBroker(nodes) as broker, Client(config(broker.port)) as client:
        result = client.call(request, good=lambda reply: reply.statusmsg.startswith("there"))
    assert (nodes.batches, result.unsent) == ([["a"], ["b"]], ["c"])
    assert "batch 2" in str(result.stopped)


def test_each_batch_is_judged_for_itself() -> None:
    # Of all four so far that is one in four; of the second batch it is half.
    nodes = Nodes(2, 2, answers={"c": done(5, "no")})
    result = call(
        nodes, nodes=["a", "b", "c", "d", "e"], batch_size=2, max_fail_percentage=30, timeout=5
    )
    assert len(nodes.batches) == 2
    assert result.unsent == ["e"]
    assert "batch 2" in str(result.stopped)


def test_without_a_percentage_all_are_asked_whatever_happens() -> None:
    result = call(Nodes(1, 1, answers={"a": done(1), "b": done(1)}), nodes=["a", "b"], batch_size=1)
    assert (result.stopped, len(result.failed)) == (None, 2)


def test_the_last_batch_stops_nothing() -> None:
    result = call(Nodes(1, 1, answers={"b": done(1)}), nodes=["a", "b"], batch_size=1)
    assert (result.stopped, result.unsent) == (None, [])


def test_a_reply_to_an_earlier_batch_still_counts() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        first = peer.expect("SEND")
        second = peer.expect("SEND")  # once the first has had its time
        answer(peer, read(first), "a", done())
        answer(peer, read(second), "b", done())
        peer.log_out()

    result = call(script, nodes=["a", "b"], batch_size=1, timeout=0.4)
    assert [reply.sender for reply in result.replies] == ["a", "b"]
    assert result.no_response == []


def test_a_reply_between_two_batches_counts() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        first = peer.expect("SEND")
        time.sleep(0.6)
        answer(peer, read(first), "a", done())
        answer(peer, read(peer.expect("SEND")), "b", done())
        peer.log_out()

    result = call(script, nodes=["a", "b"], batch_size=1, timeout=0.3, batch_sleep=0.6)
    assert len(result.replies) == 2


def test_a_connection_that_is_lost_between_two_batches_leaves_the_rest_unsent() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", done())

    result = call(script, nodes=["a", "b", "c"], batch_size=1, batch_sleep=1)
    assert [reply.sender for reply in result.replies] == ["a"]
    assert (result.unsent, result.no_response, result.batches) == (["b", "c"], [], 1)
    assert isinstance(result.lost, exc.ConnectionLost)


def test_a_connection_that_is_lost_in_a_batch_ends_the_call() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")

    result = call(script, nodes=["a", "b"], batch_size=1)
    assert (result.unsent, result.no_response) == (["b"], ["a"])
    assert isinstance(result.lost, exc.ConnectionLost)


# -- no time to send -----------------------------------------------------------------------------


def test_who_was_not_sent_to_in_time_is_named() -> None:
    names = [f"n{number:04}" for number in range(3000)]

    def script(peer: Peer) -> None:
        peer.log_in()
        time.sleep(0.4)  # what does not fit into the socket waits
        count = 0
        while (frame := peer._next()).command == "SEND":
            answer(peer, read(frame), _node(frame), done())
            count += 1
        assert frame.command == "DISCONNECT"
        peer.send("RECEIPT", receipt_id=frame.headers["receipt"])
        sent.append(count)

    sent: list[int] = []
    result = call(script, nodes=names, publish_timeout=0.01, timeout=30)
    assert 0 < sent[0] < len(names)
    assert result.unsent == names[sent[0] :]
    # Nobody waits for those who were not asked.
    assert (len(result.replies), result.no_response) == (sent[0], [])


# -- no replies ----------------------------------------------------------------------------------


def test_fire_and_forget_asks_all_that_fit_and_returns() -> None:
    seen: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SEND"))
        peer.confirm(seen[0])
        peer.log_out()

    result = call(script, filter=Filter().add_cfclass("web"), process_results=False, timeout=30)
    assert seen[0].headers["destination"] == "/exchange/mcollective_broadcast/rpcutil"
    request = read(seen[0])
    assert request[":filter"]["cf_class"] == ["web"]
    assert request[":body"][":data"] == {":process_results": False}
    assert result.requestid == request[":requestid"]
    assert (result.known, result.awaited, result.nodes, result.no_response) == (
        False,
        False,
        [],
        [],
    )
    assert result.seconds["call"] < 5


def test_fire_and_forget_reaches_the_named_and_nobody_else() -> None:
    nodes = Nodes(2, answers={"a": None, "b": None})
    result = call(nodes, nodes=["b", "a"], process_results=False, timeout=30)
    assert nodes.batches == [["b", "a"]]
    assert (result.nodes, result.no_response, result.unsent) == (["a", "b"], [], [])
    assert result.seconds["call"] < 5


@pytest.mark.parametrize("fields", [{"limit": 1}, {"expected_nodes": 2}])
def test_fire_and_forget_looks_for_nodes_where_it_has_to_know_them(fields: dict[str, int]) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        for sender in ("b", "a"):
            answer(peer, ping, sender, "pong")
        for sender in ("b", "a")[: fields.get("limit", 2)]:
            frame = peer.expect("SEND")
            assert frame.headers["destination"] == f"{DIRECTED}/{sender}"
        peer.confirm(frame)
        peer.log_out()

    result = call(script, process_results=False, **fields)
    assert (result.known, result.requestid is not None) == (True, True)


def test_what_the_broker_does_not_confirm_may_not_have_left() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.expect_end()

    result = call(script, process_results=False, publish_timeout=0.3)
    assert "did not confirm what we sent in time" in str(result.lost)


def test_what_the_broker_refuses_is_told_though_nobody_waits_for_replies() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.send("ERROR", message="not_found")

    result = call(script, process_results=False, timeout=30)
    assert isinstance(result.lost, exc.BrokerError)
    assert "not_found" in str(result.lost)


def test_replies_go_where_they_are_to() -> None:
    seen: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SEND"))
        peer.confirm(seen[0])
        peer.log_out()

    result = call(script, nodes=["a"], reply_to="/queue/elsewhere", timeout=30)
    assert seen[0].headers["reply-to"] == "/queue/elsewhere"
    assert read(seen[0])[":body"][":data"] == {":process_results": True}
    assert (result.awaited, result.replies, result.no_response) == (False, [], [])
    assert result.seconds["call"] < 5


@pytest.mark.parametrize("fields", [{"process_results": False}, {"reply_to": "/queue/x"}])
def test_a_connection_that_is_lost_before_it_left_is_told(fields: dict[str, t.Any]) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        time.sleep(0.3)  # the broker has gone by now
        result = client.call(Request("rpcutil", "ping", nodes=["a"], **fields))
    assert isinstance(result.lost, exc.ConnectionLost)


def test_a_connector_whose_replies_go_to_one_place_refuses_another() -> None:
    client = Client(config(1, "stomp", **{"plugin.stomp.pool.host1": "127.0.0.1"}))
    with pytest.raises(exc.BadRequest, match="always has replies sent to .*, not to /queue/x"):
        client.prepare(Request("rpcutil", "ping", reply_to="/queue/x"))


# -- progress ------------------------------------------------------------------------------------


def test_progress_is_told_with_all_replies_and_how_many_there_will_be() -> None:
    told: list[tuple[str, list[str], int | None]] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        answer(peer, ping, "a", "pong")
        time.sleep(0.8)
        answer(peer, ping, "b", "pong")
        frames = [peer.expect("SEND") for _node in range(2)]
        answer(peer, read(frames[0]), "a", done())
        time.sleep(1.2)
        answer(peer, read(frames[1]), "b", done())
        peer.log_out()

    def progress(phase: str, replies: t.Mapping[str, t.Any], expected: int | None) -> None:
        told.append((phase, list(replies), expected))

    settings = {"discovery_timeout": "1.2"}
    with (
        ScriptedBroker(script) as broker,
        Client(config(broker.port, **settings), progress=progress) as client,
    ):
        client.call(Request("rpcutil", "ping", timeout=10))
    assert ("discovery", ["a"], None) in told
    assert ("call", ["a"], 2) in told
    assert [phase for phase, _replies, _expected in told] == sorted(
        (phase for phase, _replies, _expected in told), key=["discovery", "call"].index
    )
