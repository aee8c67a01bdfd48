# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong replies on a real broker, among those of real nodes, are counted and have no effect."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from liar import Liar

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

# The provider aes_security proves nothing of who sent a reply.
SIGNED = ["rabbitmq-psk", "rabbitmq-ssl-yaml", "activemq-ssl-marshal"]
pytestmark = pytest.mark.parametrize("collective", SIGNED, indirect=True, scope="session")

Request = dict[str, t.Any]
VICTIM = "web1.example.com"
ABSENT = "absent.example.com"


def forged(liar: Liar, request: Request) -> list[bytes]:
    return [liar.reply(request, ABSENT, rogue=True)]


def garbage(_liar: Liar, _request: Request) -> list[bytes]:
    return [b"\x04\x08{\x07garbage", b"--- *nothing", b"\xff\xfe", b"\x04\x08i\x06"]


def for_another_request(liar: Liar, request: Request) -> list[bytes]:
    return [liar.reply(request, ABSENT, requestid="0" * 32)]


def not_asked(liar: Liar, request: Request) -> list[bytes]:
    return [liar.reply(request, "stranger.example.com")]


def no_identity(liar: Liar, request: Request) -> list[bytes]:
    return [liar.reply(request, "-oProxyCommand=x\nweb1.example.com")]


LIES: list[tuple[t.Any, dict[str, int]]] = [
    (forged, {"forged": 1}),
    (garbage, {"undecodable": 4}),
    (for_another_request, {"other_request": 1}),
    (not_asked, {"unexpected": 1}),
    (no_identity, {"malformed": 1}),
]


@pytest.mark.parametrize(("lie", "rejected"), LIES, ids=[lie.__name__ for lie, _rejected in LIES])
def test_a_lie_is_counted_and_changes_no_result(
    config: Config, collective: Collective, lie: t.Any, rejected: dict[str, int]
) -> None:
    result = call_beside(collective, config, lie)
    assert len(result.replies) == 4
    assert all(isinstance(reply.data[":pong"], int) for reply in result.replies)
    assert result.rejected == rejected
    assert result.unexpected == (["stranger.example.com"] if lie is not_asked else [])


def test_the_second_answer_of_a_node_is_counted_and_ignored(
    config: Config, collective: Collective
) -> None:
    """Everybody who has the nodes' key may speak for any node, but only the first reply counts."""

    def twice(liar: Liar, request: Request) -> list[bytes]:
        return [liar.reply(request, VICTIM)] * 2

    result = call_beside(collective, config, twice)
    # One of the three answers in the victim's name counts. The last two may come after the end.
    assert [reply.sender for reply in result.replies].count(VICTIM) == 1
    assert len(result.replies) == 4
    # The genuine answer and the lie contradict each other, whichever was first; the lie comes twice.
    assert sum(result.rejected.values()) in (1, 2)
    assert set(result.rejected) <= {"duplicate", "contradictory"}
    assert result.culprits == {reason: [VICTIM] for reason in result.rejected}


def call_beside(collective: Collective, config: Config, lie: t.Any) -> rpc.Result:
    """Send a broadcast to all nodes while an attacker lies.

    A node that does not exist is asked too, so that the call does not end before the lies are in.
    """
    path = collective.write_client_cfg("lies.cfg", {"direct_addressing_threshold": "0"})
    config = type(config).from_configfile(str(path), environ={})
    with Liar(collective, "rpcutil", lie) as liar, Waiting(config) as client:
        result = client.call(rpc.Request("rpcutil", "ping", discovery_timeout=1.5, timeout=3))
    assert liar.heard == 1
    assert result.no_response == [ABSENT]
    result.nodes.remove(ABSENT)
    return result


class Waiting(rpc.Client):
    """Has discovery find one node that does not exist."""

    def _targets(self, prepared: rpc.Prepared, *, blind: bool = False) -> tuple[rpc.Result, t.Any]:
        result, targets = super()._targets(prepared, blind=blind)
        result.nodes.append(ABSENT)
        return result, dataclasses.replace(targets, nodes=[*(targets.nodes or ()), ABSENT])
