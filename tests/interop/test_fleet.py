# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hundreds of emulated nodes on a real broker: no node is lost. The benchmarks test larger fleets."""

from __future__ import annotations

import signal
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from calling import PATIENCE, call, config_of, senders
from testbed.fleet.fleet import Behaviour, Fleet

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.real.collective import Collective
    from testbed.real.rabbitmq import RabbitMQ
    from testbed.real.security import Security

COUNT = 300
MAIN = Path(__file__).resolve().parents[1] / "testbed"


def client_of(fleet: Fleet) -> Config:
    """The configuration of a fleet's client, with little patience in discovery."""
    return Config.from_configfile(str(fleet.client_cfg), {}, PATIENCE)


@pytest.fixture(scope="module")
def fleet(rabbitmq: RabbitMQ) -> Iterator[Fleet]:
    """A fleet with its default behaviour."""
    with Fleet(rabbitmq, "fleet", COUNT, "psk") as running:
        yield running


@pytest.mark.parametrize("security", ["psk", "ssl-marshal", "ssl-yaml"])
def test_everybody_is_found_and_answers(rabbitmq: RabbitMQ, security: Security) -> None:
    with Fleet(rabbitmq, "fleet-2", COUNT, security) as fleet:
        result = call(client_of(fleet), "rpcutil", "get_facts", arguments={"facts": "role,os"})
        few = fleet.identities[:7]
        directed = call(
            client_of(fleet), "rpcutil", "get_fact", arguments={"fact": "rack"}, nodes=few
        )
    assert senders(result) == result.nodes == fleet.identities
    assert not result.rejected
    assert {reply.data[":values"]["os"]["family"] for reply in result.replies} == {"Debian"}
    assert senders(directed) == few
    assert [reply.data[":value"] for reply in directed.replies] == [f"r{n:02d}" for n in range(7)]


def test_requests_to_single_nodes_reach_these_and_no_others(fleet: Fleet) -> None:
    config = client_of(fleet)
    result = call(config, "rpcutil", "ping", nodes=fleet.identities)
    assert senders(result) == fleet.identities
    assert not result.rejected
    absent = [*fleet.identities[::2], "node99999.example.com"]
    result = call(config, "rpcutil", "ping", nodes=absent, timeout=5)
    assert senders(result) == absent[:-1]
    assert result.no_response == absent[-1:]
    assert not result.rejected


FILTERS: dict[str, tuple[message.Filter, Callable[[int], bool]]] = {
    "fact": (message.Filter().add_fact("role", "db"), lambda n: n % 5 == 2),
    "order": (message.Filter().add_fact("processorcount", "8", ">="), lambda n: n % 100 % 6 >= 3),
    "class": (message.Filter().add_cfclass("/::[13]$/"), lambda n: n % 5 in (1, 3)),
    "agent": (message.Filter().add_agent("service"), lambda n: True),
    "identity": (message.Filter().add_identity("node00017.example.com"), lambda n: n == 17),
    "identities": (message.Filter().add_identity("/^node00.5/"), lambda n: n // 10 % 10 == 5),
    "either": (
        message.Filter().add_identity("/^node000/").add_identity("/7.example.com$/"),
        lambda n: n < 100 or n % 10 == 7,
    ),
    "compound": (
        message.Filter().add_compound("role=web and not fact('os.release.major').value=11"),
        lambda n: n % 5 == 0 and n % 100 % 3 != 1,
    ),
    "all kinds": (
        message.Filter().add_identity("/^node0000/").add_fact("role", "app").add_cfclass("common"),
        lambda n: n < 10 and n % 5 == 1,
    ),
}


@pytest.mark.parametrize("kind", FILTERS)
def test_nodes_judge_filters(fleet: Fleet, kind: str) -> None:
    filter_, fits = FILTERS[kind]
    result = call(client_of(fleet), "rpcutil", "ping", filter=filter_)
    expected = [name for number, name in enumerate(fleet.identities) if fits(number)]
    assert senders(result) == result.nodes == expected


def test_of_several_identities_just_one_may_fit_as_on_real_nodes(fleet: Fleet) -> None:
    """The test uses mco, since our client joins the identities to one."""
    found = fleet.mco("find", "-I", "/^node000/", "-I", "/7.example.com$/").split()
    names = enumerate(fleet.identities)
    assert sorted(found) == [name for n, name in names if (n < 100) != (n % 10 == 7)]


ACTIONS: dict[str, dict[str, t.Any]] = {
    **{"ping": {}, "inventory": {}, "agent_inventory": {}, "collective_info": {}},
    **{"get_fact": {"fact": "role"}, "get_facts": {"facts": "role,nosuch"}},
}


def shape(value: t.Any) -> t.Any:
    """The types of a reply's data; of lists, those of their first items."""
    if isinstance(value, dict):
        return {name: type(item) for name, item in value.items()}
    if isinstance(value, list) and value:
        return [shape(value[0])]
    return type(value)


@pytest.mark.parametrize("collective", ["rabbitmq-psk"], indirect=True, scope="session")
@pytest.mark.parametrize("action", ACTIONS)
def test_answers_are_shaped_as_those_of_real_nodes(
    fleet: Fleet, collective: Collective, action: str
) -> None:
    replies = [
        call(config, "rpcutil", action, arguments=ACTIONS[action], nodes=[node]).replies[0]
        for config, node in (
            (client_of(fleet), fleet.identities[0]),
            (config_of(collective), collective.nodes[0].identity),
        )
    ]
    emulated, real = ({key: shape(value) for key, value in r.data.items()} for r in replies)
    about_facts = {":values", ":facts"}
    for name in about_facts & set(real):
        emulated.pop(name)
        real.pop(name)
    if ":agents" in real and action == "agent_inventory":
        # What an agent tells of itself is up to its metadata.
        (emulated[":agents"],), (real[":agents"],) = emulated[":agents"], real[":agents"]
        real[":agents"] = {key: real[":agents"][key] for key in emulated[":agents"]}
    assert emulated == real
    assert [reply.statuscode for reply in replies] == [0, 0]


def test_services_can_be_restarted(fleet: Fleet) -> None:
    config, nodes = client_of(fleet), fleet.identities[:2]
    for action in ("restart", "status"):
        result = call(config, "service", action, arguments={"service": "nginx"}, nodes=nodes)
        assert [reply.data[":status"] for reply in result.replies] == ["running"] * 2
    result = call(config, "service", "restart", arguments={"service": "nosuch"}, nodes=nodes)
    assert [reply.statuscode for reply in result.replies] == [1, 1]


def test_nodes_that_take_their_time_are_found_by_who_waits(rabbitmq: RabbitMQ) -> None:
    """All answer within 3 seconds. mco, listening for one second, hears a third. We listen as long as answers come."""
    with Fleet(rabbitmq, "fleet-2", COUNT, "psk", Behaviour(spread=3)) as fleet:
        result = call(client_of(fleet), "rpcutil", "ping")
        found = fleet.mco("find", "--dt", "1").split()
    assert senders(result) == result.nodes == fleet.identities
    assert result.seconds["discovery"] > 3
    assert result.seconds["call"] > 2.5
    assert 0 < len(found) < COUNT / 2


def test_silent_nodes_are_named(rabbitmq: RabbitMQ) -> None:
    with Fleet(rabbitmq, "fleet-2", COUNT, "psk", Behaviour(silent=3)) as fleet:
        broadcast = call(client_of(fleet), "rpcutil", "ping", timeout=5)
        directed = call(client_of(fleet), "rpcutil", "ping", nodes=fleet.identities, timeout=5)
    for result in (broadcast, directed):
        assert result.nodes == fleet.identities
        assert result.no_response == fleet.identities[-3:]


def test_fifty_thousand_start_at_once(rabbitmq: RabbitMQ) -> None:
    with Fleet(rabbitmq, "fleet-2", 50_000, "psk") as fleet:
        ends = [fleet.identities[0], fleet.identities[-1]]
        assert ends[1] == "node49999.example.com"
        assert senders(call(client_of(fleet), "rpcutil", "ping", nodes=ends)) == ends


def test_a_fleet_wants_a_place_for_it(rabbitmq: RabbitMQ) -> None:
    with pytest.raises(ValueError, match="lone is no place for a fleet"):
        Fleet(rabbitmq, "lone", 1, "psk")
    with pytest.raises(ValueError, match="1 to 100000 nodes, not 0"):
        Fleet(rabbitmq, "fleet", 0, "psk")


@pytest.mark.usefixtures("rabbitmq")  # which skips where the programs are missing
def test_the_command_line_starts_one_to_play_with(tmp_path: Path) -> None:
    options = ["fleet", "--nodes", "12", "--directory", str(tmp_path / "site"), "--spread", "0.1"]
    with subprocess.Popen(
        [sys.executable, str(MAIN), *options], stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        client_cfg = tmp_path / "site" / "client.cfg"
        assert process.stdout.readline() == f"12 nodes are up; client.cfg is {client_cfg}\n"
        assert f"config_file={client_cfg} agent=rpcutil" in process.stdout.readline()
        config = Config.from_configfile(str(client_cfg), {}, PATIENCE)
        assert len(call(config, "rpcutil", "ping").replies) == 12
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
