# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a long call shows while it runs, and where."""

from __future__ import annotations

import typing as t

import pytest
from ansible import constants as C
from ansible import context

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Received
from ansible_collections.pymco.mcollective.plugins.plugin_utils._progress import ProgressLines

if t.TYPE_CHECKING:
    from ansible.utils.display import Display


def received(body: t.Any) -> Received:
    """A reply as the client has it."""
    reply = Received("0" * 32, "node", {})
    reply.body = body
    return reply


OK = received({":statuscode": 0})
FAILED = received({":statuscode": 1})


class Screen:
    """Records what the user would see. It is no Display, since there can only be one Display."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def display(self, msg: str, **more: t.Any) -> None:
        assert more == {"stderr": True, "screen_only": True}
        self.lines.append(msg)


class Clock:
    """A clock that moves only when the test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


def test_a_name_with_what_a_terminal_obeys_is_escaped(clock: Clock) -> None:
    """The name of a task may contain a template with a node's facts."""
    screen = Screen()
    lines = ProgressLines(t.cast("Display", screen), "Ask \x1b]0;x\x07\u202e", 5, clock=clock)
    clock.now += 5
    lines("call", {}, None)
    assert screen.lines == ["Ask \\x1b]0;x\\x07\\u202e: 0 nodes answered"]


@pytest.fixture
def screen() -> Screen:
    """What the user sees."""
    return Screen()


@pytest.fixture
def lines(screen: Screen, clock: Clock) -> ProgressLines:
    """A line every five seconds."""
    return ProgressLines(t.cast("Display", screen), "Ask all", 5, clock=clock)


def replies(good: int, bad: int = 0) -> dict[str, Received]:
    """So many of each."""
    found = {f"good{number}": OK for number in range(good)}
    return {**found, **{f"bad{number}": FAILED for number in range(bad)}}


def test_a_short_call_has_none(lines: ProgressLines, clock: Clock, screen: Screen) -> None:
    for _tick in range(9):
        clock.now += 0.5
        lines("call", replies(3), 5)
    assert screen.lines == []


def test_a_long_one_has_one_every_so_often(
    lines: ProgressLines, clock: Clock, screen: Screen
) -> None:
    for _tick in range(40):
        clock.now += 0.5
        lines("call", replies(3), 5)
    assert len(screen.lines) == 4


@pytest.mark.parametrize(
    "phase,good,bad,expected,words",
    [
        ("discovery", 4210, 0, None, "4,210 nodes found so far"),
        ("discovery", 3, 0, 5, "3 nodes found so far"),
        ("call", 4207, 3, 10002, "4,210 of 10,002 nodes answered, 3 failed"),
        ("call", 0, 0, 5, "0 of 5 nodes answered"),
        ("call", 7, 0, None, "7 nodes answered"),
        ("ping", 0, 2, 3, "2 of 3 nodes answered"),
        ("call", 0, 1234, None, "1,234 nodes answered, 1,234 failed"),
        ("batch 2 of 9", 19, 1, 90, "batch 2 of 9: 20 of 90 nodes answered, 1 failed"),
    ],
)
def test_the_words(
    lines: ProgressLines,
    clock: Clock,
    screen: Screen,
    phase: str,
    good: int,
    bad: int,
    expected: int | None,
    words: str,
) -> None:
    clock.now += 5
    lines(phase, replies(good, bad), expected)
    assert screen.lines == [f"Ask all: {words}"]


def test_failures_are_counted_once(lines: ProgressLines, clock: Clock, screen: Screen) -> None:
    growing: dict[str, Received] = {}
    for number in range(3):
        growing[f"n{number}"] = FAILED
        clock.now += 5
        lines("call", growing, 3)
    assert [line.rpartition(", ")[2] for line in screen.lines] == [
        "1 failed",
        "2 failed",
        "3 failed",
    ]


def test_failures_of_all_batches_are_counted(
    lines: ProgressLines, clock: Clock, screen: Screen
) -> None:
    growing: dict[str, Received] = {}
    for number in range(2):
        growing[f"n{number}"] = FAILED
        clock.now += 5
        lines(f"batch {number + 1} of 2", growing, 2)
    assert screen.lines[1] == "Ask all: batch 2 of 2: 2 of 2 nodes answered, 2 failed"


def test_who_is_found_has_not_failed_yet(
    lines: ProgressLines, clock: Clock, screen: Screen
) -> None:
    clock.now += 5
    lines("discovery", {"a": received("pong")}, None)
    clock.now += 5
    lines("call", {"a": OK}, 1)
    assert screen.lines[1] == "Ask all: 1 of 1 nodes answered"


@pytest.mark.parametrize(
    "body,failed",
    [
        ({":statuscode": 0}, False),
        ({"statuscode": 0}, False),
        ({"statuscode": 2}, True),
        ({}, True),
        ("pong", True),
    ],
)
def test_what_counts_as_failed_is_what_the_result_counts(
    lines: ProgressLines, clock: Clock, screen: Screen, body: t.Any, failed: bool
) -> None:
    clock.now += 5
    lines("call", {"a": received(body)}, 1)
    assert ("failed" in screen.lines[0]) is failed


@pytest.mark.parametrize(
    "callback,one_line,wanted",
    [
        ("default", False, True),
        ("default", True, False),
        ("ansible.builtin.default", False, True),
        ("community.general.yaml", False, True),
        ("json", False, False),
        ("ansible.posix.json", False, False),
        ("ansible.posix.jsonl", False, False),
        ("oneline", False, False),
    ],
)
def test_who_wants_them(
    monkeypatch: pytest.MonkeyPatch, callback: str, one_line: bool, wanted: bool
) -> None:
    monkeypatch.setattr(C, "DEFAULT_STDOUT_CALLBACK", callback, raising=False)
    monkeypatch.setattr(context, "CLIARGS", {"one_line": one_line})
    assert ProgressLines.wanted() is wanted
