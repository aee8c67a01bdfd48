# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""mcollective_ping: which nodes answer, and how it waits for them."""

from __future__ import annotations

import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask, moments
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.client import Client
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.find import Answers
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Outcome
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.info import (
    at,
    options,
    outcome,
    pinged,
    unwarned,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    Frame,
    Peer,
    ScriptedBroker,
    closed_port,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    read,
    sealed,
)

WAITING = {"timeout": 5, "interval": 0.1}


def identities(returned: dict[str, t.Any]) -> list[str]:
    return t.cast("list[str]", returned["nodes"])


# -- one try -------------------------------------------------------------------------------------


def test_all_who_answer_are_returned_with_their_times() -> None:
    seen: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SEND"))
        time.sleep(0.1)
        answer(peer, read(seen[0]), "b", "pong")
        time.sleep(0.1)
        answer(peer, read(seen[0]), "a", "pong")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        returned, message = outcome(PingTask, broker.port, class_filters=["web"])
    assert message == ""
    request = read(seen[0])
    assert (request[":agent"], request[":body"]) == ("discovery", "ping")
    assert request[":filter"]["cf_class"] == ["web"]
    assert request[":filter"]["agent"] == ["discovery"]
    assert identities(returned) == ["a", "b"]
    a, b = (node["seconds"] for node in returned["times"])
    assert 0.1 <= b < a < 2
    assert a >= 0.2
    stats = returned["stats"]
    assert (stats["min"], stats["max"], stats["tries"], stats["responses"]) == (b, a, 1, 2)
    assert stats["average"] == pytest.approx((a + b) / 2, abs=1e-5)
    assert stats["elapsed"] >= a + 0.3
    assert returned["changed"] is False
    assert returned["no_response"] == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_nobody_is_a_failure_unless_it_may_be(check_mode: bool) -> None:
    with ScriptedBroker(pinged(), pinged()) as broker:
        returned, message = outcome(PingTask, broker.port, check_mode)
        assert message.startswith("no node answered within 0.3 s. Nodes say nothing")
        assert returned["nodes"] == []
        assert not {"min", "max", "average", "rejected"} & set(returned["stats"])
        assert outcome(PingTask, broker.port, check_mode, fail_on=[])[1] == ""


def test_named_nodes_are_asked_one_by_one_and_those_that_are_silent_named() -> None:
    seen: list[Frame] = []
    with ScriptedBroker(pinged("b", "z", asked=3, seen=seen)) as broker:
        returned, message = outcome(PingTask, broker.port, nodes=["c", "b", "a"])
    assert [frame.headers["destination"].rpartition("/")[2] for frame in seen] == ["c", "b", "a"]
    assert read(seen[0])[":filter"]["identity"] == []
    assert message.startswith(
        "2 of 3 nodes did not answer within 0.3 s: a, c"
        " (replies that were rejected: 1 unexpected). Other nodes answered"
    )
    assert identities(returned) == ["b"]
    assert returned["no_response"] == ["a", "c"]
    assert returned["unexpected"] == ["z"]
    assert returned["stats"]["rejected"] == {"unexpected": 1}


def test_a_reply_without_room_is_not_kept_and_its_node_named() -> None:
    warnings: list[str] = []
    with ScriptedBroker(pinged("a", asked=1)) as broker:
        given = options(PingTask, config=at(broker.port), nodes=["a"], max_reply_bytes=1)
        with pytest.raises(TaskFailed, match="1 of 1 nodes did not answer"):
            PingTask(given, warnings.append, environ={}).run(check_mode=False)
    (warning,) = warnings
    assert "may have 1 bytes: those of a. Raise max_reply_bytes" in warning


def test_a_silent_node_may_be_no_failure() -> None:
    with ScriptedBroker(pinged("a", asked=2)) as broker:
        returned, message = outcome(PingTask, broker.port, nodes=["a", "b"], fail_on=["no_nodes"])
    assert (message, returned["no_response"]) == ("", ["b"])


def test_it_ends_when_all_who_were_named_have_answered() -> None:
    settings = {"discovery_timeout": 60}
    start = time.monotonic()
    with ScriptedBroker(pinged("a", "b", asked=2)) as broker:
        assert outcome(PingTask, broker.port, nodes=["a", "b"], settings=settings)[1] == ""
    assert time.monotonic() - start < BUSY


@pytest.mark.parametrize("name", ["expected_nodes", "count"])
def test_it_ends_when_as_many_have_answered_as_are_expected(name: str) -> None:
    start = time.monotonic()
    with ScriptedBroker(pinged("a", "b")) as broker:
        settings = {"discovery_timeout": 60}
        returned, message = outcome(PingTask, broker.port, settings=settings, **{name: 2})
    assert time.monotonic() - start < BUSY
    assert (message, identities(returned)) == ("", ["a", "b"])


def test_fewer_than_expected_is_a_failure() -> None:
    with ScriptedBroker(pinged("a", "b"), pinged("a", "b")) as broker:
        message = outcome(PingTask, broker.port, expected_nodes=3)[1]
        assert message.startswith("2 nodes answered within 0.3 s, but 3 were expected. Other")
        assert outcome(PingTask, broker.port, expected_nodes=3, fail_on=["answered"])[1] == ""


def test_of_named_nodes_as_many_as_are_expected_are_enough() -> None:
    with ScriptedBroker(pinged("a", asked=2), pinged("a", asked=2)) as broker:
        few = {"nodes": ["a", "b"], "expected_nodes": 1}
        returned, message = outcome(PingTask, broker.port, **few)
        assert (message, identities(returned)) == ("", ["a"])
        message = outcome(PingTask, broker.port, nodes=["a", "b"], expected_nodes=2)[1]
        assert message.startswith("1 nodes answered within 0.3 s, but 2 were expected: b. Other")


def test_nodes_that_the_identity_filters_leave_out_are_nobody() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.log_out()

    with ScriptedBroker(script) as broker:
        message = outcome(PingTask, broker.port, nodes=["a"], identity_filters=["b"])[1]
        assert message.startswith("no node in the option nodes matches the identity filters")


def test_a_limit_leaves_others_out() -> None:
    seen: list[Frame] = []
    with ScriptedBroker(pinged("b", "a", "c"), pinged("a", asked=1, seen=seen)) as broker:
        returned = outcome(PingTask, broker.port, limit="67%")[0]
        assert identities(returned) == ["a", "b"]
        returned, message = outcome(PingTask, broker.port, limit="1", nodes=["a", "b"])
    assert (identities(returned), message) == (["a"], "")


def test_without_direct_addressing_nodes_are_named_in_the_filter() -> None:
    seen: list[Frame] = []
    with ScriptedBroker(pinged("a", "b", seen=seen)) as broker:
        settings = {"direct_addressing": 0}
        returned = outcome(PingTask, broker.port, nodes=["a", "b"], settings=settings)[0]
    assert read(seen[0])[":filter"]["identity"] == ["a", "b"]
    assert identities(returned) == ["a", "b"]


def test_nodes_of_a_file_are_pinged(tmp_path: t.Any) -> None:
    path = tmp_path / "nodes"
    path.write_text("a\n# old\nb\n")
    found = {"discovery_method": "flatfile", "discovery_options": [str(path)]}
    with ScriptedBroker(pinged("a", asked=2)) as broker:
        returned = outcome(PingTask, broker.port, fail_on=[], **found)[0]
    assert (identities(returned), returned["no_response"]) == (["a"], ["b"])


# -- waiting -------------------------------------------------------------------------------------


def test_a_file_of_nodes_is_read_once(tmp_path: t.Any) -> None:
    path = tmp_path / "nodes.txt"
    path.write_text("a\n")

    def script(peer: Peer) -> None:
        path.unlink()
        pinged("a")(peer)

    with ScriptedBroker(script) as broker:
        found = {"discovery_method": "flatfile", "discovery_options": [str(path)]}
        assert outcome(PingTask, broker.port, **found)[1] == ""


def test_it_asks_again_for_those_that_are_missing() -> None:
    seen: list[Frame] = []
    scripts = (
        pinged("a", asked=3, seen=seen),
        pinged("c", asked=2, seen=seen),
        pinged("b", asked=1, seen=seen),
    )
    with ScriptedBroker(*scripts) as broker:
        returned, message = outcome(PingTask, broker.port, nodes=["a", "b", "c"], **WAITING)
    assert (message, identities(returned), returned["no_response"]) == ("", ["a", "b", "c"], [])
    assert returned["stats"]["tries"] == 3
    requests = [read(frame)[":requestid"] for frame in seen]
    assert len(set(requests)) == 3
    assert requests[:3] == [requests[0]] * 3


def test_it_waits_for_a_number_at_the_same_time() -> None:
    with ScriptedBroker(pinged("a", "b"), pinged("c"), pinged("a", "c", "d")) as broker:
        returned, message = outcome(PingTask, broker.port, expected_nodes=3, **WAITING)
    assert (message, identities(returned)) == ("", ["a", "c", "d"])
    assert returned["stats"]["tries"] == 3


def test_it_waits_for_so_many_of_the_named_ones() -> None:
    nodes = {"nodes": ["a", "b", "c"], "expected_nodes": 2}
    with ScriptedBroker(pinged("a", asked=3), pinged("c", asked=2)) as broker:
        returned, message = outcome(PingTask, broker.port, **nodes, **WAITING)
    assert (message, identities(returned), returned["no_response"]) == ("", ["a", "c"], ["b"])


def test_it_waits_for_anybody() -> None:
    with ScriptedBroker(pinged(), pinged("a")) as broker:
        returned, message = outcome(PingTask, broker.port, **WAITING)
    assert (message, returned["stats"]["tries"]) == ("", 2)


def test_it_gives_up_when_the_timeout_is_over() -> None:
    # The tries begin at 0, 0.4 and 0.8 s, and the last ends at 1.1 s.
    scripts = [pinged(asked=2), pinged("b", asked=2), pinged(asked=1)]
    start = time.monotonic()
    with ScriptedBroker(*scripts) as broker:
        given = {"nodes": ["a", "b"], "timeout": 0.9, "interval": 0.4}
        returned, message = outcome(PingTask, broker.port, **given)
    assert 1.1 <= time.monotonic() - start < BUSY
    assert message.startswith("1 of 2 nodes did not answer within 0.9 s, asked 3 times: a. Other")
    assert returned["no_response"] == ["a"]


def test_a_broker_that_is_away_for_a_while_is_waited_for() -> None:
    def broken(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")

    with ScriptedBroker(pinged(asked=1), broken, pinged("a", asked=1)) as broker:
        returned, message = outcome(PingTask, broker.port, nodes=["a"], **WAITING)
    assert (message, identities(returned)) == ("", ["a"])


def test_why_the_last_try_failed_is_told() -> None:
    with ScriptedBroker(pinged(asked=1)) as broker:
        waiting = {"timeout": 0.6, "interval": 0.6, "connect_timeout": 0.5}
        message = outcome(PingTask, broker.port, nodes=["a"], **waiting)[1]
    assert message.startswith(
        "1 of 1 nodes did not answer within 0.6 s, asked 2 times: a. The last"
    )
    assert f"The last try failed: 127.0.0.1:{broker.port} takes connections, but" in message


def test_a_broker_that_is_not_there_from_the_beginning_is_not_waited_for() -> None:
    start = time.monotonic()
    returned, message = outcome(PingTask, closed_port(), nodes=["a"], timeout=30)
    assert time.monotonic() - start < BUSY
    assert message.startswith("cannot connect to")
    assert returned == {}


def test_a_connection_that_is_lost_tells_nothing_of_the_nodes() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        frame = peer.expect("SEND")
        answer(peer, read(frame), "a", "pong")

    with ScriptedBroker(script) as broker:
        returned, message = outcome(PingTask, broker.port)
    assert "closed the connection" in message
    assert returned == {}


# -- absent --------------------------------------------------------------------------------------


def test_it_waits_until_each_of_the_named_ones_was_gone() -> None:
    seen: list[Frame] = []
    scripts = (pinged("a", "b", asked=3, seen=seen), pinged("b", asked=2), pinged(asked=1))
    with ScriptedBroker(*scripts) as broker:
        nodes = {"nodes": ["a", "b", "c"], "state": "absent"}
        returned, message = outcome(PingTask, broker.port, **nodes, **WAITING)
    assert (message, returned["nodes"], returned["no_response"]) == ("", [], ["a", "b", "c"])


def test_it_waits_until_nobody_is_left_who_fits() -> None:
    with ScriptedBroker(pinged("a", "b"), pinged("c"), pinged()) as broker:
        returned, message = outcome(PingTask, broker.port, state="absent", **WAITING)
    assert (message, returned["nodes"], returned["stats"]["tries"]) == ("", [], 3)


def test_who_is_still_there_is_named() -> None:
    with ScriptedBroker(pinged("b", "a"), pinged("b", "a"), pinged("a")) as broker:
        returned, message = outcome(PingTask, broker.port, state="absent", timeout=0.5)
        assert message == "2 nodes still answered after 0.5 s, asked 2 times: a, b"
        assert identities(returned) == ["a", "b"]
        assert outcome(PingTask, broker.port, state="absent", fail_on=["no_nodes"])[1] == ""


@pytest.mark.parametrize("named", [True, False])
def test_a_node_is_not_absent_whose_replies_cannot_be_verified(named: bool) -> None:
    """The key of the nodes that the client has may be an old one."""

    def script(peer: Peer) -> None:
        peer.log_in()
        request = read(peer.expect("SEND"))
        for sender in ("a", "stranger"):
            peer.reply(sealed(request, sender, key=b"another key"))
        peer.log_out()

    given: dict[str, t.Any] = {"state": "absent", **({"nodes": ["a"]} if named else {})}
    with ScriptedBroker(script, script) as broker:
        returned, message = outcome(PingTask, broker.port, **given)
        assert outcome(PingTask, broker.port, fail_on=[], **given)[1] == ""
    why = "nothing proves whose the reply was"
    names = f"1 nodes still answered: a ({why})"
    if not named:
        names = f"2 nodes still answered: a ({why}), stranger ({why})"
    assert message == f"it is not known whether {names} (replies that were rejected: 2 forged)"
    assert returned["nodes"] == []


def test_a_node_that_could_not_be_asked_is_not_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome_ = Outcome(refused={"a": "the broker refused what we sent"})

    def ping(*_given: object, **_more: object) -> Answers:
        return Answers({}, ["a", "b"], outcome_)

    monkeypatch.setattr(Client, "ping", ping)
    monkeypatch.setattr(Client, "__enter__", lambda client: client)
    given = options(PingTask, config=at(1), nodes=["a", "b"], state="absent")
    warned: list[str] = []
    with pytest.raises(TaskFailed, match="whether 1 nodes still answered: a .the broker refused"):
        PingTask(given, warned.append, environ={}).run(False)
    assert "the broker did not take the request to 1 nodes" in warned[0]


def test_a_failed_try_does_not_make_nodes_absent() -> None:
    def broken(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")

    with ScriptedBroker(pinged("a", asked=1), broken) as broker:
        given = {"nodes": ["a"], "state": "absent", "timeout": 0.5}
        returned, message = outcome(PingTask, broker.port, **given)
    assert message.startswith("1 node still answered after 0.5 s, asked 2 times: a; the last try")
    assert message.endswith("closed the connection")
    assert identities(returned) == ["a"]


# -- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given,why",
    [
        ({"timeout": -1}, "timeout must be from 0 to"),
        ({"timeout": "nan"}, "timeout must be from 0 to"),
        ({"interval": 0}, "interval must be more than 0"),
        ({"interval": "inf"}, "interval must be more than 0"),
        ({"state": "absent", "expected_nodes": 3}, "expected_nodes has no use with state = absent"),
        ({"expected_nodes": 0}, "expected_nodes must be at least 1"),
        ({"fact_filters": ["os"]}, "fact filter 'os' does not parse"),
    ],
)
def test_a_wrong_option_fails_before_anything_is_opened(given: dict[str, t.Any], why: str) -> None:
    with pytest.raises(TaskFailed, match=why):
        PingTask(options(PingTask, config=at(1), **given), unwarned, environ={}).run(
            check_mode=False
        )


class Clock:
    """A clock that moves only while the task sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


def test_moments_come_every_interval_and_at_the_end() -> None:
    clock, times = Clock(), []
    for _moment in moments(10, 4, clock=lambda: clock.now, sleep=clock.sleep):
        times.append(clock.now - 100)
        clock.now += 1
    assert times == [0, 4, 8, 10]


def test_what_takes_longer_is_followed_at_once() -> None:
    clock, times = Clock(), []
    for _moment in moments(11, 4, clock=lambda: clock.now, sleep=clock.sleep):
        times.append(clock.now - 100)
        clock.now += 6
    assert times == [0, 6]


def test_no_timeout_is_one_moment() -> None:
    clock = Clock()
    assert len(list(moments(0, 4, clock=lambda: clock.now, sleep=clock.sleep))) == 1
    assert clock.now == 100


def test_the_progress_of_a_further_try_is_that_of_all_nodes() -> None:
    told: list[tuple[str, set[str], int | None]] = []

    def progress(phase: str, replies: t.Mapping[str, t.Any], expected: int | None) -> None:
        told.append((phase, set(replies), expected))

    def slow(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        time.sleep(0.8)
        peer.log_out()

    with ScriptedBroker(pinged("b", asked=2), slow) as broker:
        config = at(broker.port, discovery_timeout=0.7)
        given = options(PingTask, config=config, nodes=["a", "b"], timeout=1, fail_on=[])
        PingTask({**given, "interval": 0.9}, unwarned, environ={}, progress=progress).run(False)
    assert told[-1] == ("ping", {"b"}, 2)


@pytest.mark.parametrize(
    "given,unreachable",
    [
        ({}, True),
        ({"expected_nodes": 1}, True),
        # It may just not fit.
        ({"class_filters": ["web"]}, False),
    ],
)
def test_the_silent_node_of_a_host_is_unreachable(
    given: dict[str, t.Any], unreachable: bool
) -> None:
    with ScriptedBroker(pinged(asked=1)) as broker:
        all_ = options(PingTask, config=at(broker.port), nodes=["a"], target="host", **given)
        with pytest.raises(TaskFailed) as failure:
            PingTask(all_, [].append, environ={}).run(False)
    assert failure.value.unreachable is unreachable


def test_it_is_not_if_the_broker_is_away_in_the_end() -> None:
    with ScriptedBroker(pinged(asked=1)) as broker:
        waiting = {"timeout": 0.6, "interval": 0.6, "connect_timeout": 0.5}
        config = at(broker.port)
        given = options(PingTask, config=config, nodes=["a"], target="host", **waiting)
        with pytest.raises(TaskFailed) as failure:
            PingTask(given, [].append, environ={}).run(False)
    assert not failure.value.unreachable
