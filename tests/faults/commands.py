# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands: what each of them sends, and what it must say when something goes wrong."""

from __future__ import annotations

import enum
import re
import typing as t
from dataclasses import dataclass, field

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.tests.faults.client import Seen

NODES = ["web1", "web2"]
FACTS = {"role": "web", "site": "z"}
FACT = {"fact": "role", "value": "web"}


class Ending(enum.Enum):
    """The result of a fault.

    REFUSED: nothing was sent, and the task fails. UNSENT: the request did not get out. SILENT: whoever has not
    answered is silent. LOST: the connection ended while replies were awaited. SILENT_OR_LOST: either, as it is up to
    the client to leave such a broker. UNCONFIRMED: nobody knows whether the broker has the request. DONE: all is well.
    """

    REFUSED = enum.auto()
    UNSENT = enum.auto()
    SILENT = enum.auto()
    LOST = enum.auto()
    SILENT_OR_LOST = enum.auto()
    UNCONFIRMED = enum.auto()
    DONE = enum.auto()


Judge = t.Callable[["Seen", Ending, list[str], list[str]], None]
"""Looks at what was returned, given who answered and who did not."""


@dataclass(frozen=True)
class Command:
    """A command of a user.

    :ivar steps: the frames by which each of its requests is sent.
    :ivar asked: the nodes that it asks. The first of them answers before a broker that is waited for goes wrong.
    :ivar silence: what it says of nodes that are silent, where one has answered and where none has; None: that cannot be.
    :ivar judge: looks at what it returns where nodes are silent or the connection was lost.
    :ivar grown: the options by which its request becomes large, given a text; None if it cannot.
    :ivar discovers: True if that large request is a discovery, which has its own time to be sent in.
    :ivar awaits: True if it waits for replies.
    :ivar reconnects: True if it does not end with its first connection.
    """

    name: str
    task: str
    options: dict[str, t.Any]
    steps: tuple[int, ...]
    asked: tuple[str, ...] = ("web1", "web2")
    silence: tuple[str | None, str | None] = (None, None)
    judge: Judge = lambda seen, ending, answered, silent: None
    grown: t.Callable[[str], dict[str, t.Any]] | None = field(
        default=lambda text: {"class_filters": [text]}
    )
    discovers: bool = False
    awaits: bool = True
    reconnects: bool = False

    @property
    def early(self) -> list[str]:
        """Return which nodes answer before the broker misbehaves."""
        return list(self.asked[:1]) if len(self.asked) > 1 else []


def _judge_rpc(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    returned = seen.returned
    assert [reply["sender"] for reply in returned["replies"]] == answered
    assert all(reply["data"] == FACT for reply in returned["replies"])
    assert sorted(returned["no_response"] + returned["unsent"]) == silent
    assert returned["stats"]["requestid"]
    if ending is Ending.UNSENT:
        assert "web2" in returned["unsent"]


def _judge_discovered_rpc(
    seen: Seen, ending: Ending, answered: list[str], silent: list[str]
) -> None:
    """Discovery found at most one of two expected nodes, so nothing else was sent."""
    if seen.returned:
        assert seen.returned["nodes"] == answered
        assert seen.returned["replies"] == []
        assert "requestid" not in seen.returned["stats"]


def _judge_ping(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    if seen.returned:
        assert seen.returned["nodes"] == answered
        assert seen.returned["no_response"] == silent


def _judge_find(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    if seen.returned:
        assert seen.returned["nodes"] == answered


def _judge_node_info(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    if seen.returned:
        info = seen.returned["node_info"]
        assert [node["identity"] for node in info] == answered
        assert all(node["facts"] == FACTS for node in info)
        if seen.returned["stats"]["requests"]:  # else nobody was found to be asked
            assert sorted(seen.returned["no_response"]) == silent


def _judge_inventory(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    if not seen.failed:
        assert list(seen.returned) == answered
        assert all(node["facts"] == FACTS for node in seen.returned.values())


def _judge_facts(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    assert "ansible_facts" not in seen.returned


def _judge_desired(seen: Seen, ending: Ending, answered: list[str], silent: list[str]) -> None:
    if not seen.returned or not seen.returned["nodes"]:
        return  # nobody was found to be asked
    returned = seen.returned
    outcomes = {each["sender"]: each for each in returned["outcomes"]}
    assert sorted(outcomes) == NODES
    assert [name for name in NODES if outcomes[name]["before"] is not None] == answered
    assert all(outcomes[name]["failed"] for name in silent)
    assert {*silent} <= {*returned["no_response"], *returned["unsent"]}


_CALL = {"agent": "rpcutil", "action": "get_fact", "arguments": {"fact": "role"}, "validate": "off"}


def _with_blob(text: str) -> dict[str, t.Any]:
    return {"arguments": {"fact": "role", "blob": text}}


_NO_DISCOVERY = r"no node answered the discovery for agent rpcutil"
COMMANDS = [
    Command(
        "rpc",
        "rpc",
        {**_CALL, "nodes": NODES},
        (2,),
        silence=(
            "1 of 2 nodes did not answer: web2 within",
            "2 of 2 nodes did not answer: web1, web2 within",
        ),
        judge=_judge_rpc,
        grown=_with_blob,
    ),
    Command(
        "rpc by discovery",
        "rpc",
        {**_CALL, "expected_nodes": 2, "fail_on": ["failed", "no_response", "no_nodes"]},
        (1, 2),
        silence=("1 nodes were found, but 2 were expected", _NO_DISCOVERY),
        judge=_judge_discovered_rpc,
        discovers=True,
    ),
    Command(
        "ping",
        "ping",
        {"nodes": NODES},
        (2,),
        silence=(
            "1 of 2 nodes did not answer within .*: web2",
            "2 of 2 nodes did not answer within .*: web1, web2",
        ),
        judge=_judge_ping,
    ),
    Command(
        "find",
        "find",
        {"expected_nodes": 2},
        (1,),
        silence=("1 nodes were found, but 2 were expected", _NO_DISCOVERY),
        judge=_judge_find,
        discovers=True,
    ),
    Command(
        "node_info",
        "node_info",
        {"nodes": NODES},
        (2,),
        silence=(
            "1 of 2 nodes did not answer: web2 within",
            rf"2 of 2 nodes did not answer: web1, web2 within|{_NO_DISCOVERY}",
        ),
        judge=_judge_node_info,
        discovers=True,
    ),
    Command(
        "inventory",
        "inventory",
        {"expected_nodes": 2},
        (1,),
        silence=(
            "1 nodes answered, but 2 were expected",
            "no node answered for agent rpcutil",
        ),
        judge=_judge_inventory,
    ),
    Command(
        "facts",
        "facts",
        {"node": "web1"},
        (1,),
        asked=("web1",),
        silence=(None, "1 of 1 nodes did not answer: web1 within"),
        judge=_judge_facts,
        grown=None,
    ),
    *(
        Command(
            name,
            task,
            {**options, "nodes": NODES},
            steps,
            silence=(
                "1 of 2 nodes did not answer: web2 within",
                rf"2 of 2 nodes did not answer: web1, web2 within|no node answered the discovery for agent {task}",
            ),
            judge=_judge_desired,
            discovers=True,
            reconnects=reconnects,
        )
        for name, task, options, steps, reconnects in (
            ("service", "service", {"name": "nginx", "state": "stopped"}, (2, 2), False),
            ("package", "package", {"name": "nginx"}, (2, 2, 2), False),
            ("puppet", "puppet", {"state": "disabled"}, (2, 2), False),
            ("run of Puppet", "puppet", {"max_fail_percentage": 0.0}, (2,), True),
        )
    ),
    Command(
        "fire-and-forget",
        "rpc",
        {**_CALL, "nodes": NODES, "process_results": False},
        (2,),
        grown=_with_blob,
        awaits=False,
    ),
]


def judge(command: Command, ending: Ending, answered: list[str], words: str, seen: Seen) -> None:
    """Judge what a command said and returned.

    :param words: a regular expression for what the fault has to be called; it counts where the fault is told at all.
    """
    silent = sorted(set(command.asked) - set(answered))
    if ending is Ending.DONE:
        assert not seen.failed, seen.msg
        assert seen.warnings == []
        return
    if ending in (Ending.SILENT, Ending.SILENT_OR_LOST):
        quiet = command.silence[0 if answered else 1]
        assert quiet, f"{command.name} has no words for silence"
        assert words or ending is Ending.SILENT, "there are no words for the fault"
        options = [quiet] if ending is Ending.SILENT else [quiet, words]
        assert any(re.search(option, seen.text, re.S) for option in options), (options, seen.text)
        assert seen.failed or seen.warnings
    else:
        assert seen.failed
        assert re.search(words, seen.text, re.S), (words, seen.text)
    if ending is Ending.REFUSED:
        assert seen.returned == {}
    elif command.awaits:
        command.judge(seen, ending, answered, silent)
    else:
        assert seen.returned["replies"] == []
        if ending is Ending.UNSENT:
            assert "web2" in seen.returned["unsent"]
