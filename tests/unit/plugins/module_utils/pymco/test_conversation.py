# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conversations: which payloads are replies, how long to wait for them, and when it is over."""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
    OVERTIME,
    Conversation,
    Patience,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import (
    MAX_LISTED,
    Intake,
    Reception,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.conversing import (
    ENVELOPE,
    REQUESTID,
    SECURITY,
    Clock,
    ScriptedMiddleware,
    converse,
    line,
    reply,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    little_memory,
    shared,
)

GONE = exc.ConnectionLost("b:1 closed the connection", "b:1")


def signed(body: t.Any) -> dict[str, t.Any]:
    """The parts of a reply that depend on its body."""
    data = MarshalSerializer().serialize(body)
    return {"body": data, "hash": hashlib.md5(data + b"key").hexdigest()}


FORGED = {"key": "another key"}


def taken(payloads: t.Iterable[bytes], expected: t.Collection[str] | None = None) -> Intake:
    intake = Intake(SECURITY, REQUESTID, expected)
    for payload in payloads:
        intake.take(payload)
    return intake


def test_a_reply_is_taken_with_its_body() -> None:
    intake = Intake(SECURITY, REQUESTID, ["web1"])
    assert intake.take(reply("web1")) is True
    assert intake.outcome.replies["web1"].body == {":statuscode": 0, ":data": {}}
    assert intake.outcome.rejected == {}


@pytest.mark.parametrize(
    "payload,reason",
    [
        (b"", "undecodable"),
        (b"garbage", "undecodable"),
        (b"\x04\x08[\x00", "undecodable"),
        (b"\x04\x08" + b"[\x06" * 5000, "undecodable"),
        (b"\x04\x08{\x00", "undecodable"),
        (reply("web1", "f" * 32), "other_request"),
        (reply("web1", None), "undecodable"),
        (reply("web1", [REQUESTID]), "undecodable"),
        (reply(None), "malformed"),
        (reply(""), "malformed"),
        (reply(["web1"]), "malformed"),
        (reply({"web1": 1}), "malformed"),
        (reply(5), "malformed"),
        (reply(Symbol("web1")), "malformed"),
        (reply("../web1"), "malformed"),
        (reply("{{ lookup('pipe', 'id') }}"), "malformed"),
        (reply("web1\n"), "malformed"),
        (reply("x" * 300), "malformed"),
        (reply("web1", **FORGED), "forged"),
        (reply("web1", hash=None), "forged"),
        (reply("web1", body=b"other"), "forged"),
        (reply("web1", body=5), "undecodable"),
        (reply("web1", body=b"x", hash=hashlib.md5(b"xkey").hexdigest()), "undecodable"),
        (reply("db1"), "unexpected"),
    ],
)
def test_what_is_no_reply_is_counted_by_reason_and_never_raised(
    payload: bytes, reason: str
) -> None:
    intake = taken([payload], ["web1"])
    assert intake.outcome.rejected == {reason: 1}
    assert intake.outcome.replies == {}
    assert not intake.complete


@pytest.mark.parametrize(
    "first,second",
    [("pong", "pang"), ({"a": 1}, {"a": 1.0}), ([True], [1]), ("pong", {"pong": 1})],
)
def test_a_second_answer_that_differs_is_told_from_one_that_came_twice(
    first: t.Any, second: t.Any
) -> None:
    """Everybody who has the nodes' key can answer for any node."""
    payloads = [reply("web1", **signed(body)) for body in (first, second, first)]
    intake = taken(payloads, ["web1", "web2"])
    assert intake.outcome.replies["web1"].body == first
    assert intake.outcome.rejected == {"contradictory": 1, "duplicate": 1}
    assert intake.outcome.culprits == {"contradictory": ["web1"], "duplicate": ["web1"]}


def test_no_text_is_made_of_answers_that_are_compared() -> None:
    bodies = [shared(500, 2000), shared(500, 2000), shared(500, 1999)]
    payloads = [
        reply("web1", body=body, hash=hashlib.md5(body + b"key").hexdigest()) for body in bodies
    ]
    with little_memory():
        intake = taken(payloads, ["web1", "web2"])
    assert intake.outcome.rejected == {"contradictory": 1, "duplicate": 1}


def test_a_forged_second_answer_is_no_contradiction() -> None:
    intake = taken([reply("web1"), reply("web1", **FORGED)], ["web1"])
    assert intake.outcome.rejected == {"forged": 1}


def test_what_all_replies_have_together_is_bounded() -> None:
    small, large = reply("a"), reply("b", **signed("x" * 1000))
    intake = Intake(SECURITY, REQUESTID, ["a", "b", "c", "d"], most_bytes=len(small) * 2 + 10)
    assert [intake.take(payload) for payload in (small, large, reply("c"), reply("d"))] == [
        *(True, False, True, False)
    ]
    assert sorted(intake.outcome.replies) == ["a", "c"]
    assert intake.outcome.rejected == {"over_limit": 2}
    assert intake.outcome.culprits == {"over_limit": ["b", "d"]}
    # They have answered; to wait for them is of no use.
    assert intake.complete


def test_what_links_stand_for_counts_too() -> None:
    """A few bytes of links would otherwise be megabytes where the replies are written down."""
    data = shared(500, 2000)
    payloads = [
        reply(name, body=data, hash=hashlib.md5(data + b"key").hexdigest()) for name in "ab"
    ]
    assert len(payloads[0]) < 20_000
    intake = Intake(SECURITY, REQUESTID, ["a", "b"], most_bytes=1_500_000)
    assert [intake.take(payload) for payload in payloads] == [True, False]
    assert intake.outcome.rejected == {"over_limit": 1}


def test_a_second_answer_is_dropped_and_the_first_stays() -> None:
    intake = taken([reply("web1", msgtime=1), reply("web1", msgtime=2)], ["web1", "web2"])
    assert intake.outcome.replies["web1"].fields[":msgtime"] == 1
    assert intake.outcome.rejected == {"duplicate": 1}


def test_a_forged_reply_that_is_first_does_not_keep_the_true_one_out() -> None:
    intake = taken([reply("web1", **FORGED), reply("web1")], ["web1"])
    assert list(intake.outcome.replies) == ["web1"]
    assert intake.outcome.rejected == {"forged": 1}


def test_somebody_who_was_not_asked_is_listed_and_not_believed() -> None:
    intake = taken([reply("db1"), reply("db1"), reply("db2"), reply("web1")], ["web1"])
    assert intake.outcome.unexpected == ["db1", "db2"]
    assert intake.outcome.rejected == {"unexpected": 3}
    assert list(intake.outcome.replies) == ["web1"]


def test_a_forger_gets_no_name_on_the_list_of_the_unexpected() -> None:
    assert taken([reply("db1", **FORGED)], ["web1"]).outcome.unexpected == []


def test_the_list_of_the_unexpected_is_bounded() -> None:
    intake = taken([reply(f"db{n}") for n in range(MAX_LISTED + 5)], [])
    assert len(intake.outcome.unexpected) == MAX_LISTED
    assert intake.outcome.rejected == {"unexpected": MAX_LISTED + 5}


def test_however_many_requests_there_are_only_so_many_senders_are_listed() -> None:
    total = Reception()
    for number in range(3):
        names = [f"{number}-{n}" for n in range(MAX_LISTED)]
        total.add(Reception(unexpected=list(names), culprits={"forged": list(names)}))
    assert total.unexpected == sorted(f"0-{n}" for n in range(MAX_LISTED))
    assert total.culprits == {"forged": [f"0-{n}" for n in range(MAX_LISTED)]}


def test_without_a_list_of_nodes_everybody_may_answer_and_it_is_never_complete() -> None:
    intake = taken([reply("db1"), reply("web1")])
    assert list(intake.outcome.replies) == ["db1", "web1"]
    assert not intake.complete


def test_it_is_complete_when_all_have_answered() -> None:
    assert not taken([reply("a")], ["a", "b"]).complete
    assert taken([reply("b"), reply("a")], ["a", "b"]).complete
    assert taken([], []).complete


# -- patience ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "patience,last,deadline",
    [
        (Patience(10), None, 110),
        (Patience(10), 105, 110),
        (Patience(10, first=2), None, 102),
        (Patience(10, first=20), None, 110),
        (Patience(10, first=2), 101, 110),
        (Patience(10, quiet=2), None, 110),
        (Patience(10, quiet=2), 101, 103),
        (Patience(10, quiet=2), 109, 110),
        (Patience(60, first=2, quiet=3), 130, 133),
    ],
)
def test_the_deadline(patience: Patience, last: float | None, deadline: float) -> None:
    assert patience.deadline(100, last) == deadline


@pytest.mark.parametrize(
    "patience,deadline",
    [
        (Patience(10), 101),
        (Patience(10, grace=2), 103),
        (Patience(10, quiet=1, grace=2), 102),
        (Patience(2, quiet=9, grace=2), 102),
    ],
)
def test_the_deadline_once_there_are_enough(patience: Patience, deadline: float) -> None:
    assert patience.deadline(100, 101, enough=True) == deadline


# -- the whole conversation ----------------------------------------------------------------------


TEN_SECONDS = Patience(10)


def run(
    *arrivals: tuple[float, bytes | Exception],
    patience: Patience = TEN_SECONDS,
    expected: t.Collection[str] | None = None,
    direct: bool = False,
) -> tuple[t.Any, float, ScriptedMiddleware]:
    """The outcome, the seconds it took, and the middleware."""
    clock = Clock()
    middleware = ScriptedMiddleware(clock, *arrivals)
    outcome = converse(middleware, patience, expected=expected, direct=direct)
    return outcome, clock.now - middleware.start, middleware


def test_it_ends_at_once_when_all_have_answered() -> None:
    outcome, seconds, middleware = run((1, reply("a")), (3, reply("b")), expected=["a", "b"])
    assert (list(outcome.replies), seconds, middleware.arrivals) == (["a", "b"], 3, [])


def test_it_ends_at_the_deadline_when_somebody_is_silent() -> None:
    outcome, seconds, middleware = run((1, reply("a")), (11, reply("b")), expected=["a", "b"])
    assert (list(outcome.replies), seconds) == (["a"], 10)
    assert len(middleware.arrivals) == 1


def test_nobody_asked_needs_no_waiting() -> None:
    assert run(expected=[])[1] == 0


def test_the_quiet_window_slides_with_each_reply() -> None:
    arrivals = [(1.5 * n, reply(f"n{n}")) for n in range(1, 5)]
    outcome, seconds, middleware = run(*arrivals, patience=Patience(60, first=2, quiet=2))
    assert (len(outcome.replies), seconds, middleware.arrivals) == (4, 8, [])


def test_the_first_window_ends_it_when_nobody_answers() -> None:
    assert run(patience=Patience(60, first=2, quiet=5))[1] == 2


class ResumingMiddleware(ScriptedMiddleware):
    """One whose replies come over the next connection, too."""

    replies_survive = True

    def reconnect(self, lost: exc.ConnectorError, timeout: float) -> None:
        self.calls.append(("reconnect", str(lost)))

    def reopen_replies(self, target: str, agent: str, deadline: float) -> None:
        self.calls.append(("reopen_replies", target))


@pytest.mark.parametrize(
    "arrivals,seconds",
    [
        ([(1, GONE), (8, reply("a")), (9.5, reply("b"))], 11.5),
        ([(1, GONE), (2, GONE), (11, reply("a")), (12, reply("b"))], 14),
        ([(1, reply("a")), (2, GONE), (3.5, reply("b"))], 5.5),
    ],
)
def test_a_lost_connection_takes_nothing_from_the_time_for_the_first_reply(
    arrivals: list[tuple[float, bytes | Exception]], seconds: float
) -> None:
    clock = Clock()
    middleware = ResumingMiddleware(clock, *arrivals)
    conversation = Conversation(line(middleware), ENVELOPE, resume=True)
    conversation.send(5)
    conversation.listen(Patience(60, first=12, quiet=2))
    assert list(conversation.outcome.replies) == ["a", "b"]
    assert clock.now - middleware.start == seconds


def test_sliding_ends_at_the_total() -> None:
    arrivals = [(n, reply(f"n{n}")) for n in range(1, 100)]
    outcome, seconds, _middleware = run(*arrivals, patience=Patience(10, first=2, quiet=2))
    assert (len(outcome.replies), seconds) == (10, 10)


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        reply("a"),
        reply("b", "f" * 32),
        reply("b", **FORGED),
        exc.Oversized("large"),
        exc.DecodingError("no Base64"),
    ],
)
def test_what_is_no_reply_does_not_extend_the_quiet_window(garbage: bytes | Exception) -> None:
    arrivals = [(1.0, reply("a")), *((1.0 + n / 2, garbage) for n in range(1, 4))]
    outcome, seconds, middleware = run(*arrivals, patience=Patience(60, first=2, quiet=2))
    assert (list(outcome.replies), seconds, middleware.arrivals) == (["a"], 3, [])
    assert sum(outcome.rejected.values()) == 3


@pytest.mark.parametrize(
    "error,reason",
    [(exc.Oversized("large", "b"), "oversized"), (exc.DecodingError("no Base64"), "undecodable")],
)
def test_what_the_middleware_drops_is_counted_and_the_next_is_taken(
    error: exc.DecodingError, reason: str
) -> None:
    outcome, _seconds, middleware = run((1, error), (2, reply("a")), expected=["a"])
    assert (list(outcome.replies), outcome.rejected) == (["a"], {reason: 1})
    assert outcome.culprits == ({"oversized": ["b"]} if reason == "oversized" else {})
    assert middleware.arrivals == []


@pytest.mark.parametrize("error", [exc.ConnectionLost("gone"), exc.BrokerError("refused")])
def test_a_connection_that_ends_after_a_reply_leaves_what_has_come(
    error: exc.ConnectorError,
) -> None:
    outcome, seconds, middleware = run((1, reply("a")), (2, error), expected=["a", "b"])
    assert (list(outcome.replies), outcome.lost, seconds) == (["a"], error, 2)
    assert middleware.arrivals == []


@pytest.mark.parametrize("error", [exc.ConnectionLost("gone"), exc.BrokerError("refused")])
def test_a_connection_that_ends_before_any_reply_is_told_too(error: exc.ConnectorError) -> None:
    outcome, seconds, _middleware = run((1, b"garbage"), (2, error), expected=["a"])
    assert (outcome.lost, outcome.replies, seconds) == (error, {}, 2)
    assert outcome.rejected == {"undecodable": 1}


def scripted(*arrivals: tuple[float, bytes | Exception]) -> ScriptedMiddleware:
    return ScriptedMiddleware(Clock(), *arrivals)


def test_a_broadcast_that_does_not_leave_is_an_error() -> None:
    middleware = scripted()
    middleware.failure = exc.ConnectionLost("gone")
    with pytest.raises(exc.ConnectionLost) as caught:
        converse(middleware, Patience(10), expected=["a"])
    assert caught.value is middleware.failure


def test_who_may_have_got_a_request_is_told_from_who_has_not() -> None:
    middleware = scripted((0, reply("a")))
    middleware.failure = exc.ConnectionLost("gone")
    middleware.failure.unsent = ["c"]
    found = Conversation(line(middleware), ENVELOPE, expected=["a", "b", "c"])
    assert found.send(10, ["a", "b", "c"]) == ["c"]
    found.listen(Patience(10))
    # What had come before still counts.
    assert (found.outcome.lost, list(found.outcome.replies)) == (middleware.failure, ["a"])


def test_a_connection_that_ends_before_the_request_leaves_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: t.Any) -> t.NoReturn:
        raise error

    error = exc.BrokerError("no permission")
    middleware = scripted()
    monkeypatch.setattr(middleware, "open_replies", refuse)
    with pytest.raises(exc.BrokerError) as caught:
        converse(middleware, Patience(10))
    assert caught.value is error
    assert middleware.calls == []


def test_replies_have_their_time_once_the_request_is_out() -> None:
    middleware = scripted((7, reply("a")), (13, reply("b")), (15, reply("c")))
    middleware.publishing = 4.0
    outcome = converse(middleware, Patience(10), expected=["a", "b", "c"])
    assert list(outcome.replies) == ["a", "b"]
    assert middleware.clock.now - middleware.start == 14


def test_what_waits_at_the_deadline_still_counts_but_not_for_ever() -> None:
    """Decoding may take longer. A node that never stops sending does not keep the client waiting."""
    middleware = scripted((9, reply("a")), (9, reply("b")), *[(9, b"garbage")] * 100)
    middleware.decoding = 0.5
    outcome = converse(middleware, Patience(9.2), expected=["a", "b", "c"])
    assert list(outcome.replies) == ["a", "b"]
    assert middleware.clock.now - middleware.start == pytest.approx(9.2 + OVERTIME, abs=0.5)
    assert middleware.arrivals


def test_a_flood_does_not_hold_sending_beyond_its_deadline() -> None:
    middleware = scripted(*[(0, b"garbage")] * 100)
    middleware.crowded, middleware.decoding = True, 0.5
    conversation = Conversation(line(middleware), ENVELOPE, expected=["a"])
    conversation.send(10, ["a"])
    assert middleware.clock.now - middleware.start == 10
    assert conversation.outcome.rejected == {"undecodable": 20}


def test_a_broadcast_is_published_once_with_replies_opened_before() -> None:
    _outcome, _seconds, middleware = run(expected=["a", "b"])
    assert middleware.calls == [
        ("open_replies", "rpcutil", "mcollective", 10),
        ("publish", "rpcutil", "mcollective", 30, "/reply/here", 10, None),
    ]
    envelope = SECURITY.decode(middleware.payload)
    assert (envelope[":body"], envelope[":requestid"]) == ("ping", REQUESTID)


def test_a_direct_request_is_published_to_those_who_are_asked() -> None:
    middleware = run(expected=["a", "b"], direct=True)[2]
    assert middleware.calls[1][-1] == ["a", "b"]
