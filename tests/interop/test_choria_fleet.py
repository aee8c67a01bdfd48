# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thousands of emulated Choria nodes behind Debian's nats-server: no node is lost.

The real ``choria`` program, where it is there, judges whether the emulated nodes are like real ones.
"""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from calling import PATIENCE, call, choria_config, senders
from testbed.choria import missing as missing_choria
from testbed.choria.broker import NatsServer
from testbed.choria_fleet.fleet import Behaviour, ChoriaFleet, identity

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v1 import (
    ChoriaV1Provider,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from testbed.certificates import Authority
    from testbed.choria.collective import ChoriaCollective

COUNT = 300
MANY = 3000
judged = pytest.mark.skipif(missing_choria() is not None, reason=str(missing_choria()))


def client_of(fleet: ChoriaFleet, changes: Mapping[str, str] | None = None) -> Config:
    """The configuration of a fleet's client, with little patience in discovery."""
    path = fleet.write_client_conf("test.conf", {**PATIENCE, **(changes or {})})
    return Config.from_configfile(str(path), environ={})


@pytest.fixture(scope="module")
def fleet(nats_server: NatsServer) -> Iterator[ChoriaFleet]:
    """Honest nodes, with each version of the protocol."""
    with ChoriaFleet(nats_server, COUNT) as running:
        yield running


@pytest.fixture(scope="module")
def crowd(nats_v1: NatsServer) -> Iterator[ChoriaFleet]:
    """Many honest nodes. Version 1, whose replies cost the nodes no signatures."""
    with ChoriaFleet(nats_v1, MANY) as running:
        yield running


# -- size ----------------------------------------------------------------------------------------


def test_everybody_is_found_and_answers(fleet: ChoriaFleet) -> None:
    result = call(client_of(fleet), "rpcutil", "get_facts", arguments={"facts": "role,os"})
    assert senders(result) == result.nodes == fleet.identities
    assert not result.rejected
    values = [reply.data["values"] for reply in result.replies]
    assert {value["os"]["family"] for value in values} == {"Debian"}
    assert [value["role"] for value in values[:3]] == ["web", "app", "db"]


def test_none_of_thousands_is_lost(crowd: ChoriaFleet) -> None:
    """By broadcast, and by one request for each of them."""
    config = client_of(crowd)
    found = call(config, "rpcutil", "ping")
    named = call(config, "rpcutil", "ping", nodes=crowd.identities)
    for result in (found, named):
        assert senders(result) == result.nodes == crowd.identities
        assert not result.rejected
        assert not result.no_response


def test_a_storm_of_large_replies_comes_in_whole(crowd: ChoriaFleet) -> None:
    """Some 60 MB, all of them at once."""
    arguments = {"size": 8000}
    result = call(client_of(crowd), "probe", "big", arguments=arguments, nodes=crowd.identities)
    assert senders(result) == crowd.identities
    assert {len(reply.data["text"]) for reply in result.replies} == {8000}


def test_who_takes_their_time_is_waited_for(nats_v1: NatsServer) -> None:
    """All answer within 3 seconds, in no order."""
    with ChoriaFleet(nats_v1, COUNT, Behaviour(spread=3)) as fleet:
        result = call(client_of(fleet), "rpcutil", "ping")
    assert senders(result) == result.nodes == fleet.identities
    assert result.seconds["discovery"] > 3


# -- whom ----------------------------------------------------------------------------------------


def test_requests_to_single_nodes_reach_these_and_no_others(fleet: ChoriaFleet) -> None:
    absent = [*fleet.identities[::2], "node99999.example.com"]
    result = call(client_of(fleet), "rpcutil", "ping", nodes=absent, timeout=2)
    assert senders(result) == absent[:-1]
    assert result.no_response == absent[-1:]
    assert not result.rejected


# The filter, the same for `choria`, and which nodes it selects.
FILTERS: dict[str, tuple[Filter, list[str], Callable[[int], bool]]] = {
    "fact": (Filter().add_fact("role", "db"), ["-F", "role=db"], lambda n: n % 5 == 2),
    "case of a fact": (Filter().add_fact("role", "DB"), ["-F", "role=DB"], lambda n: n % 5 == 2),
    "path": (
        Filter().add_fact("os.release.major", "11"),
        ["-F", "os.release.major=11"],
        lambda n: n % 100 % 3 == 1,
    ),
    "number": (
        Filter().add_fact("processorcount", "8", ">="),
        ["-F", "processorcount>=8"],
        lambda n: n % 100 % 6 >= 3,
    ),
    "truth": (
        Filter().add_fact("is_virtual", "true"),
        ["-F", "is_virtual=true"],
        lambda n: n % 2 == 1,
    ),
    "pattern": (
        Filter().add_fact("rack", "/^R0[1-3]$/", "=~"),
        ["-F", "rack=/^R0[1-3]$/"],
        lambda n: n % 100 % 40 in (1, 2, 3),
    ),
    "class": (
        Filter().add_cfclass("/::[13]$/"),
        ["-C", "/::[13]$/"],
        lambda n: n % 5 in (1, 3),
    ),
    "agent": (Filter().add_agent("probe"), ["-A", "probe"], lambda n: True),
    "identity": (
        Filter().add_identity("/^node00.5/"),
        ["-I", "/^node00.5/"],
        lambda n: n // 10 % 10 == 5,
    ),
    "either": (
        Filter().add_identity("/^node000/").add_identity("/7.example.com$/"),
        ["-I", "/^node000/", "-I", "/7.example.com$/"],
        lambda n: n < 100 or n % 10 == 7,
    ),
    "compound": (
        Filter().add_compound("with('role=web') && !with('os.release.major=11')"),
        ["-S", "with('role=web') && !with('os.release.major=11')"],
        lambda n: n % 5 == 0 and n % 100 % 3 != 1,
    ),
    "more of the compound language": (
        Filter().add_compound(
            "(fact('processorcount') > 8 or with('/::1$/')) and 'probe' in agents"
        ),
        ["-S", "(fact('processorcount') > 8 or with('/::1$/')) and 'probe' in agents"],
        lambda n: n % 100 % 6 > 3 or n % 5 == 1,
    ),
    "all kinds": (
        Filter().add_identity("/^node0000/").add_fact("role", "app").add_cfclass("common"),
        ["-I", "/^node0000/", "-F", "role=app", "-C", "common"],
        lambda n: n < 10 and n % 5 == 1,
    ),
}


@pytest.mark.parametrize("kind", FILTERS)
def test_nodes_judge_filters(fleet: ChoriaFleet, kind: str) -> None:
    filter_, _options, fits = FILTERS[kind]
    expected = [name for number, name in enumerate(fleet.identities) if fits(number)]
    result = call(client_of(fleet), "rpcutil", "ping", filter=filter_, expected_nodes=len(expected))
    assert senders(result) == result.nodes == expected


@judged
@pytest.mark.parametrize("kind", FILTERS)
def test_choria_selects_the_same_nodes(fleet: ChoriaFleet, kind: str) -> None:
    _filter, options, fits = FILTERS[kind]
    expected = [name for number, name in enumerate(fleet.identities) if fits(number)]
    printed = fleet.choria("ping", "--names", "--expect", str(len(expected)), *options)
    assert sorted(printed.split()) == expected


@judged
def test_choria_shows_the_replies_that_we_return(fleet: ChoriaFleet) -> None:
    nodes = fleet.identities[:3]
    options = ["--np", "--json", "--display", "all"]
    who = [part for name in nodes for part in ("-I", name)]
    printed = fleet.choria("req", "rpcutil", "get_facts", "facts=role,os", *options, *who)
    theirs = {reply["sender"]: reply["data"] for reply in json.loads(printed)["replies"]}
    arguments = {"facts": "role,os"}
    ours = call(client_of(fleet), "rpcutil", "get_facts", arguments=arguments, nodes=nodes)
    assert {reply.sender: reply.data for reply in ours.replies} == theirs
    assert len(theirs) == 3


ACTIONS: dict[str, dict[str, t.Any]] = {
    **{"ping": {}, "inventory": {}, "agent_inventory": {}, "collective_info": {}},
    **{"daemon_stats": {}, "get_fact": {"fact": "role"}, "get_facts": {"facts": "role,nosuch"}},
}


def shape(value: t.Any) -> t.Any:
    """The types of a reply's data; of lists, those of their first items."""
    if isinstance(value, dict):
        return {name: type(item) for name, item in value.items()}
    if isinstance(value, list) and value:
        return [shape(value[0])]
    return type(value)


@pytest.mark.parametrize("choria", ["v1"], indirect=True, ids=["choria-v1"], scope="session")
@pytest.mark.parametrize("action", ACTIONS)
def test_answers_are_shaped_as_those_of_real_nodes(
    crowd: ChoriaFleet, choria: ChoriaCollective, action: str
) -> None:
    replies = [
        call(config, "rpcutil", action, arguments=ACTIONS[action], nodes=[node]).replies[0]
        for config, node in (
            (client_of(crowd), crowd.identities[0]),
            (choria_config(choria), next(iter(choria.nodes))),
        )
    ]
    emulated, real = ({key: shape(value) for key, value in r.data.items()} for r in replies)
    emulated.pop("facts", None)
    real.pop("facts", None)
    if action == "agent_inventory":
        # What an agent tells of itself is up to its metadata.
        (own,), (other,) = emulated["agents"], real["agents"]
        assert own.items() <= other.items()
        del emulated["agents"], real["agents"]
    assert emulated == real
    assert [reply.statuscode for reply in replies] == [0, 0]


# -- controls ------------------------------------------------------------------------------------


def test_batches_limits_and_their_end(fleet: ChoriaFleet) -> None:
    config = client_of(fleet)
    batches = call(config, "rpcutil", "ping", batch_size=100, batch_sleep=0)
    assert (senders(batches), batches.batches) == (fleet.identities, 3)
    limited = call(config, "rpcutil", "ping", limit="10%")
    assert len(senders(limited)) == COUNT // 10
    assert limited.found == COUNT
    stopped = call(
        config,
        *("failer", "partial"),
        arguments={"match": "web"},
        nodes=fleet.identities,
        batch_size=100,
        batch_sleep=0,
        max_fail_percentage=19,
    )
    assert [reply.sender for reply in stopped.failed] == fleet.identities[:100:5]
    assert stopped.unsent == fleet.identities[100:]
    assert "20 of the 100 nodes of batch 1 failed" in str(stopped.stopped)


def test_a_limit_with_a_seed_takes_the_same_nodes_again(fleet: ChoriaFleet) -> None:
    config, how = client_of(fleet), {"limit": 7, "limit_method": "random", "limit_seed": 42}
    first, second = (
        call(config, "rpcutil", "ping", nodes=fleet.identities, **how) for _time in range(2)
    )
    assert senders(first) == senders(second)
    assert len(senders(first)) == 7


def test_the_last_nodes_end_a_call_and_not_the_time(fleet: ChoriaFleet) -> None:
    start = time.monotonic()
    result = call(client_of(fleet), "rpcutil", "ping", nodes=fleet.identities, timeout=60)
    assert len(result.replies) == COUNT
    assert time.monotonic() - start < 30


def test_many_calls_on_one_connection_do_not_mix(fleet: ChoriaFleet) -> None:
    with rpc.Client(client_of(fleet)) as client:
        for number in range(10):
            request = rpc.Request(
                "probe", "echo", {"int": number}, nodes=fleet.identities[:50], timeout=20
            )
            result = client.call(request)
            assert senders(result) == fleet.identities[:50]
            assert {reply.data["int"] for reply in result.replies} == {number}
            assert not result.rejected


def test_silent_and_late_nodes_are_named(nats_server: NatsServer) -> None:
    behaviour = Behaviour(lies={identity(3): "silent", identity(7): "late"}, late=60)
    with ChoriaFleet(nats_server, 10, behaviour) as fleet:
        result = call(client_of(fleet), "rpcutil", "ping", timeout=1.5, expected_nodes=10)
    assert result.nodes == fleet.identities
    assert result.no_response == [identity(3), identity(7)]


class Impatient(NatsServer):
    """A broker that leaves clients which do not take within two seconds what waits for them."""

    write_deadline = "2s"


def test_who_reads_slower_than_nodes_answer_is_not_left_by_the_broker(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reply takes us longer than it takes the nodes, as on a busy machine. There are more than sockets hold."""
    verify = ChoriaV1Provider.authenticate

    def slowly(self: ChoriaV1Provider, received: t.Any) -> None:
        time.sleep(0.005)
        verify(self, received)

    monkeypatch.setattr(ChoriaV1Provider, "authenticate", slowly)
    with Impatient(authority) as broker, ChoriaFleet(broker, 1000) as fleet:
        result = call(
            client_of(fleet),
            *("probe", "big"),
            arguments={"size": 20_000},
            nodes=fleet.identities,
            timeout=60,
        )
    assert result.resumed == []
    assert senders(result) == fleet.identities
