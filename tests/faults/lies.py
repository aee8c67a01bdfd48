# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replies that lie: what each node sends, and what the outcome must be.

To add a lie, add an entry to :data:`LIES`. Before or after a lie most nodes tell the truth too: it must be
taken as if nothing had happened, and a call that waits for it ends as soon as it has come.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.pymco.mcollective.tests.faults.client import Seen
from ansible_collections.pymco.mcollective.tests.testbed.embedded.lies import CONTROL, TWINS

PROVIDERS = ["psk", "ssl-marshal", "ssl-yaml", "aes", "none"]
WAYS = ["module", "action", "inventory"]
GOOD = "good.example.com"
NOBODY = "nobody.example.com"
FACTS = {"role": "web", "site": "Zürich", "os": {"family": "Debian"}}
LARGE = "x" * 100_000
MOST_BYTES = 350_000
"""Bytes of replies that are taken where many are large."""
MANY = [f"large{number}.example.com" for number in range(6)]


@dataclass(frozen=True)
class Lie:
    """A way to lie.

    :ivar told: what the node sends, see :mod:`..testbed.embedded.lies`.
    :ivar rejected: how many payloads are dropped for which reason.
    :ivar warned: what a warning must say besides, where {node} is the liar.
    :ivar value: what comes as its fact "role" instead of the true one.
    :ivar fails: True if the node tells of a failure.
    :ivar exempt: why a provider cannot be lied to like that.
    """

    name: str
    told: str
    rejected: dict[str, int] = field(default_factory=dict)
    warned: str | None = None
    value: t.Any = "web"
    fails: bool = False
    exempt: dict[str, str] = field(default_factory=dict)

    @property
    def node(self) -> str:
        """The liar. The client asks it before the honest node, whose reply ends a call."""
        return f"a-{self.name.replace(' ', '-')}.example.com"


LIES = [
    Lie("late", "previous+true", {"other_request": 1}),
    Lie("twice", "true+true", {"duplicate": 1}),
    Lie(
        "twice and different",
        "true+contradiction",
        {"contradictory": 1},
        warned=r"{node}\b.*answered .*differently|answered .*differently.*{node}",
    ),
    Lie("forged", "forged+true", {"forged": 1}, exempt={"none": "nothing is signed"}),
    Lie("garbled", "garbled+true", {"undecodable": 2}),
    Lie("huge", "oversized+true", {"oversized": 1}),
    Lie("foreign", "other_request+true", {"other_request": 1}),
    Lie("unasked", "impostor+true", {"unexpected": 1}),
    Lie("colliding keys", "twins", value=TWINS),
    Lie("control characters in data", "control", value=CONTROL),
    Lie("control characters in statusmsg", "aborting", fails=True),
]
TOO_MUCH = "too much in all"
"""Many good replies of which only some fit."""


def no_meaning(lie: str, provider: str) -> str | None:
    """Return why a combination is not in the matrix, or None if it is."""
    return next((each.exempt.get(provider) for each in LIES if each.name == lie), None)


def judge(lie: Lie, told: t.Sequence[Lie], way: str, seen: Seen) -> None:
    """Judge the outcome of one lie.

    :param told: all lies that were told to this call.
    """
    assert seen.crash == ""
    if lie.fails or len(told) == 1:
        for text in [seen.msg, *seen.warnings]:
            assert text.isprintable(), text
    (_judge_inventory if way == "inventory" else _judge_call)(lie, told, seen)


def _counts(told: t.Sequence[Lie]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for lie in told:
        for reason, count in lie.rejected.items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


def _judge_call(lie: Lie, told: t.Sequence[Lie], seen: Seen) -> None:
    replies = {reply["sender"]: reply for reply in seen.returned["replies"]}
    assert len(replies) == len(seen.returned["replies"])
    assert sorted(replies) == sorted([GOOD, *(each.node for each in told)])
    assert replies[GOOD]["data"] == {"fact": "role", "value": "web"}
    assert (replies[GOOD]["statuscode"], replies[GOOD]["statusmsg"]) == (0, "OK")
    assert seen.returned["no_response"] == []
    rejected, expected = seen.returned["stats"].get("rejected", {}), _counts(told)
    assert {reason: rejected.get(reason) for reason in lie.rejected} == {
        reason: expected[reason] for reason in lie.rejected
    }
    assert len(told) > 1 or rejected == expected
    assert seen.failed is any(each.fails for each in told), seen.msg
    if "unexpected" in lie.rejected:
        assert seen.returned["unexpected"] == [NOBODY]
    reply = replies[lie.node]
    if lie.fails:
        assert (reply["statuscode"], reply["statusmsg"]) == (1, CONTROL)
        assert lie.node in seen.msg
    elif lie.value is TWINS:
        _both_twins(reply["data"])
    else:
        assert reply["data"] == {"fact": "role", "value": lie.value}
    _warned(lie, seen)


def _judge_inventory(lie: Lie, told: t.Sequence[Lie], seen: Seen) -> None:
    assert not seen.failed, seen.msg
    hosts = {GOOD} if lie.fails else {GOOD, lie.node}
    assert set(seen.returned) == hosts
    assert seen.returned[GOOD]["facts"] == FACTS
    for reason, count in lie.rejected.items():
        name = "" if reason in ("undecodable", "oversized", "other_request") else lie.node
        if reason == "unexpected":
            name = NOBODY
        if lie.warned is None:
            assert any(f"{count} {reason}" in text for text in seen.warnings), seen.warnings
        assert any(name in text for text in seen.warnings), seen.warnings
    if lie.fails:
        assert any(lie.node in text for text in seen.warnings)
    elif lie.value is TWINS:
        _both_twins(seen.returned[lie.node]["facts"])
    else:
        assert seen.returned[lie.node]["facts"] == {**FACTS, "role": lie.value}
    _warned(lie, seen)


def _warned(lie: Lie, seen: Seen) -> None:
    if lie.warned is not None:
        pattern = lie.warned.replace("{node}", re.escape(lie.node))
        assert any(re.search(pattern, text) for text in seen.warnings), seen.warnings


def _both_twins(data: t.Any) -> None:
    """Keys that are the same in JSON get different names, and nothing is lost."""
    text = json.dumps(data)
    assert all(value in text for value in TWINS.values()), text


def judge_too_much(way: str, seen: Seen) -> None:
    """Some of the replies fit. All others are counted, and their senders are named."""
    assert seen.crash == ""
    if way == "inventory":
        taken = set(seen.returned)
        dropped = sorted(set(MANY) - taken)
    else:
        taken = {reply["sender"] for reply in seen.returned["replies"]}
        dropped = sorted(set(MANY) - taken)
        assert seen.returned["stats"]["rejected"] == {"over_limit": len(dropped)}
        assert seen.returned["no_response"] == dropped
    assert 0 < len(taken) <= MOST_BYTES // len(LARGE)
    told = rf"{len(dropped)} replies were dropped.* {MOST_BYTES} bytes.*{re.escape(dropped[0])}"
    assert any(re.search(told, text) for text in seen.warnings), seen.warnings
