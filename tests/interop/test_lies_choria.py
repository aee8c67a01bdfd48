# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong replies of Choria nodes, among true ones, are told as what they are and change no result.

No test waits for a time to pass. The fleet answers in the order in which it is asked, so the lie has come when the
reply of an honest node with a later name has.
"""

from __future__ import annotations

import collections
import typing as t

import pytest
from calling import call, senders
from testbed.choria.broker import NatsServer
from testbed.choria_fleet.fleet import Behaviour, ChoriaFleet, identity
from testbed.choria_fleet.lies import CONTROL, LIES, STRANGER

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.certificates import Authority
    from testbed.choria.tokens import Issuer

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc

COMMON: dict[str, dict[str, int]] = {
    "garbage": {"undecodable": 6},
    "no_transport": {"undecodable": 4},
    "deep": {"undecodable": 2},
    "numbers": {"undecodable": 1},
    "huge": {"oversized": 1},
    "wrong_hash": {"forged": 1},
    "wrong_request": {"other_request": 1},
    "stranger": {"unexpected": 1},
    "two_names": {"forged": 1},
    "no_name": {"malformed": 1},
    "no_text": {"malformed": 1},
    "no_body": {"undecodable": 1},
}
"""What a node sends beside its reply, and what is told of it."""
SIGNED: dict[str, dict[str, int]] = {
    "unsigned": {"unsigned": 1},
    "wrong_signature": {"forged": 1},
    "foreign_issuer": {"untrusted": 1},
    "expired": {"expired": 1},
    "other_token": {"forged": 1},
    "client_token": {"forged": 1},
}
"""Version 2 proves who replied; version 1 does not."""
BELIEVED = ("true", "silent", "contradiction", "control", "list_body", "text_data", "duplicate")
"""What single tests are about."""
NUMBERS = {lie: number for number, lie in enumerate(LIES)}
HONEST = [identity(len(LIES) + number) for number in range(3)]


class Generous(NatsServer):
    """A broker that takes larger messages than we do."""

    max_payload = 64 * 2**20


@pytest.fixture(scope="module", params=["v1", "v2"])
def fleet(
    request: pytest.FixtureRequest, authority: Authority, issuer: Issuer
) -> Iterator[ChoriaFleet]:
    """One node for each lie, which tells the truth after it, and three honest ones."""
    lies = {identity(number): f"{lie}+true" for lie, number in NUMBERS.items()}
    lies.update({who(lie): lie for lie in BELIEVED})
    with (
        Generous(authority, issuer if request.param == "v2" else None) as broker,
        ChoriaFleet(broker, len(LIES) + len(HONEST), Behaviour(lies=lies)) as running,
    ):
        yield running


def who(lie: str) -> str:
    """The node that tells a lie."""
    return identity(NUMBERS[lie])


def ask(fleet: ChoriaFleet, *lies: str, timeout: float = 60) -> rpc.Result:
    """Ask the nodes that tell these lies, and the honest ones."""
    config = Config.from_configfile(str(fleet.client_conf), environ={})
    nodes = [*(who(lie) for lie in lies), *HONEST]
    arguments = {"fact": "role"}
    return call(config, "rpcutil", "get_fact", arguments=arguments, nodes=nodes, timeout=timeout)


def check(fleet: ChoriaFleet, lie: str, rejected: dict[str, int]) -> rpc.Result:
    """The lie is counted, and all nodes have their true replies."""
    result = ask(fleet, lie)
    assert result.rejected == rejected
    assert senders(result) == [who(lie), *HONEST]
    roles = ("web", "app", "db", "cache", "queue")
    expected = [roles[int(node[4:9]) % 5] for node in senders(result)]
    assert [reply.data["value"] for reply in result.replies] == expected
    return result


def test_every_lie_is_tested() -> None:
    assert sorted([*COMMON, *SIGNED, *BELIEVED]) == sorted(LIES)


@pytest.mark.parametrize("lie", COMMON)
def test_a_lie_is_counted_and_changes_no_result(fleet: ChoriaFleet, lie: str) -> None:
    result = check(fleet, lie, COMMON[lie])
    assert result.unexpected == ([STRANGER] if lie == "stranger" else [])


@pytest.mark.parametrize("fleet", ["v2"], indirect=True, scope="module")
@pytest.mark.parametrize("lie", SIGNED)
def test_replies_of_version_2_prove_their_sender(fleet: ChoriaFleet, lie: str) -> None:
    result = check(fleet, lie, SIGNED[lie])
    assert result.culprits == {reason: [who(lie)] for reason in SIGNED[lie]}


def test_who_only_lies_has_not_answered(nats_server: NatsServer) -> None:
    """All at once, so that the time has to pass once only."""
    wanted = {**COMMON, **(SIGNED if nats_server.issuer else {})}
    del wanted["huge"]  # this broker would not take it
    lies = {who(lie): lie for lie in wanted}
    with ChoriaFleet(nats_server, len(LIES) + len(HONEST), Behaviour(lies=lies)) as fleet:
        result = ask(fleet, *wanted, timeout=3)
    total: collections.Counter[str] = collections.Counter()
    for counts in wanted.values():
        total.update(counts)
    assert senders(result) == HONEST
    assert result.no_response == sorted(lies)
    assert result.rejected == total


@pytest.mark.parametrize("lie", ["duplicate", "true+contradiction"])
def test_the_second_reply_of_a_node_is_counted_and_ignored(
    nats_server: NatsServer, lie: str
) -> None:
    liar = who("duplicate")
    with ChoriaFleet(nats_server, len(LIES) + len(HONEST), Behaviour(lies={liar: lie})) as fleet:
        reason = "duplicate" if lie == "duplicate" else "contradictory"
        result = check(fleet, "duplicate", {reason: 1})
    assert result.culprits == {reason: [liar]}


def test_silence_is_told(fleet: ChoriaFleet) -> None:
    result = ask(fleet, "silent", timeout=1)
    assert (senders(result), result.no_response) == (HONEST, [who("silent")])
    assert not result.rejected


def test_data_that_go_sends_as_text_are_empty(fleet: ChoriaFleet) -> None:
    (reply,) = ask(fleet, "text_data").failed
    assert (reply.sender, reply.statuscode, reply.data) == (who("text_data"), 1, {})
    assert reply.statusmsg == "failed"


def test_a_body_of_another_shape_is_its_nodes_failure(fleet: ChoriaFleet) -> None:
    result = ask(fleet, "list_body")
    assert [reply.sender for reply in result.replies if reply.ok] == HONEST


def test_control_characters_arrive_as_data(fleet: ChoriaFleet) -> None:
    result = ask(fleet, "control")
    assert [reply.data["value"] for reply in result.replies][0] == CONTROL
