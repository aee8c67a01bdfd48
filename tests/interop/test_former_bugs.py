# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs that python-mcollective had, by number, where real nodes show whether they are here. The
others are in the unit tests, in the file of the same name.

Each test's docstring says what was wrong there.
"""

from __future__ import annotations

import importlib.metadata
import sys
import threading
import time
import typing as t

import pytest
import stomp
from calling import call, config_of, senders
from conftest import BOUND, FEW

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, message, rpc

if t.TYPE_CHECKING:
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector import Connector

pytestmark = pytest.mark.parametrize("collective", FEW, indirect=True, scope="session")

NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
WEB = ["web1.example.com", "web2.example.com"]


def ping(config: Config) -> list[str]:
    """Who answers a ping, sorted."""
    msg = message.Message(body="ping", agent="discovery", config=config)
    action = rpc.SimpleAction(config=config, msg=msg, agent="discovery")
    return sorted(reply[":senderid"] for reply in action.call())


def action(
    config: Config, agent: str, name: str, filter_: message.Filter | None = None, **data: t.Any
) -> rpc.SimpleAction:
    """A broadcast to an RPC agent, in python-mcollective's spelling."""
    body = {
        ":agent": agent,
        ":action": name,
        ":caller": config.get_security().callerid,
        ":data": {":process_results": True, **{f":{key}": data[key] for key in data}},
    }
    msg = message.Message(body=body, agent=agent, config=config, filter_=filter_)
    return rpc.SimpleAction(config=config, msg=msg, agent=agent)


def test_bug_01_only_the_first_reply_was_returned(config: Config) -> None:
    """1: a call returned with the first reply and disconnected."""
    assert ping(config) == NODES


def test_bug_04_replies_that_came_early_were_lost(config: Config) -> None:
    """4: the listener was installed after the request had been sent."""
    with config.get_connector() as connector:
        collective = config.main_collective
        reply_to = connector.get_reply_target("discovery", collective)
        connector.subscribe(reply_to)
        msg = message.Message("ping", "discovery", config)
        target = connector.get_target("discovery", collective)
        connector.send(msg, target, **{"reply-to": reply_to})
        time.sleep(1.5)  # all have answered before anybody waits
        replies = connector.receive(timeout=1)
    assert sorted(reply[":senderid"] for reply in replies) == NODES


def test_bug_06_rpc_was_refused_by_every_node(config: Config) -> None:
    """6: the signed body lacked the ttl and the time, which nodes look for in it."""
    replies = action(config, "rpcutil", "ping").call()
    assert sorted(reply[":senderid"] for reply in replies) == NODES


def test_bug_07_bodies_had_to_be_text_and_came_back_as_such(config: Config) -> None:
    """7: a dict as body was an AttributeError, and a reply's body was not read."""
    fact = action(config, "rpcutil", "get_fact", fact="role").call()
    roles = {reply[":senderid"]: reply[":body"][":data"][":value"] for reply in fact}
    assert roles["web1.example.com"] == "web"
    assert roles["db1.example.com"] == "db"


def test_bug_10_only_ssl_with_yaml_was_supported(config: Config, collective: Collective) -> None:
    """10: no PSK, which is the default; no AES; no Marshal."""
    provider = type(config.get_security()).__name__.lower()
    assert provider.startswith(collective.security.partition("-")[0])
    assert ping(config) == NODES


def test_bug_11_there_were_broadcasts_only(config: Config) -> None:
    """11: no direct requests, no discovery, no compound filters, no word of who stays silent."""
    direct = call(config, "rpcutil", "ping", nodes=["web1.example.com", "nosuch"], timeout=5)
    assert (senders(direct), direct.no_response) == (["web1.example.com"], ["nosuch"])
    filter_ = message.Filter().add_compound("role=web and not processorcount>4")
    found = call(config, "rpcutil", "ping", filter=filter_)
    assert found.nodes == senders(found) == ["web1.example.com"]
    assert set(found.seconds) == {"connect", "discovery", "call"}


def test_bug_12_clients_took_each_others_replies(config: Config) -> None:
    """12: on RabbitMQ all clients read from one queue."""
    assert at_once(4, lambda: ping(config)) == [NODES] * 4


def test_bug_13_late_replies_were_taken_for_those_to_the_next_call(config: Config) -> None:
    """13: on ActiveMQ all requests of a process had the same queue for replies."""
    with config.get_connector() as connector:
        told = [nap(connector, seconds, timeout) for seconds, timeout in ((1, 0.5), (2, BOUND))]
    assert told == [[], [2]]


def nap(connector: Connector, seconds: int, timeout: float) -> list[int]:
    """How long web1 says that it slept; nothing if it says so too late."""
    request = action(connector.config, "sleeper", "sleep", seconds=seconds)
    request.msg[":filter"]["identity"].append("web1.example.com")
    reply_to = connector.get_reply_target("sleeper", request.collective)
    connector.subscribe(reply_to)
    connector.send(request.msg, request.get_target(), **{"reply-to": reply_to})
    try:
        replies = connector.receive(timeout)
    except exc.TimeoutError:
        return []
    return [reply[":body"][":data"][":seconds"] for reply in replies]


@pytest.mark.parametrize(
    "filter_,nodes",
    [
        (message.Filter().add_fact("role", "web"), WEB),
        (message.Filter().add_fact("processorcount", 4), ["web1.example.com"]),
        (message.Filter().add_fact("role", "^w", "=~"), WEB),
        (message.Filter().add_compound("role=web or role=db"), ["db1.example.com", *WEB]),
    ],
    ids=["no operator", "number", "regex", "compound"],
)
def test_bug_15_fact_filters_matched_nothing(
    config: Config, filter_: message.Filter, nodes: list[str]
) -> None:
    """15: without an operator none was sent; whole numbers ended in an error on the node; =~ was
    refused, and compound filters were not there."""
    replies = action(config, "rpcutil", "ping", filter_).call()
    assert sorted(reply[":senderid"] for reply in replies) == nodes


def test_bug_16_nothing_was_unsubscribed(collective: Collective) -> None:
    """16: unsubscribe did nothing; so an id could not be used again."""
    with replies_by_name(collective).get_connector() as connector:
        for _time in range(2):
            place = connector.get_reply_target("a", connector.config.main_collective)
            connector.subscribe(place, id="again").unsubscribe(place)
        assert connector.next_payload(0.5) is None  # nor did the broker complain


def test_bug_17_two_subscriptions_had_the_same_id(collective: Collective) -> None:
    """17: their ids came from a counter that a look at it could change."""
    with replies_by_name(collective).get_connector() as connector:
        for _time in range(2):
            connector.subscribe(connector.get_reply_target("a", connector.config.main_collective))
        assert connector.next_payload(0.5) is None


def replies_by_name(collective: Collective) -> Config:
    """A configuration with which replies have to be subscribed to on RabbitMQ too."""
    return config_of(collective, {"plugin.rabbitmq.use_reply_exchange": "1"})


def test_bug_23_only_old_libraries_would_do(config: Config) -> None:
    """23: it needed a stomp.py and a Python of 2015, and pycrypto."""
    assert not hasattr(stomp.Connection, "start")
    assert int(importlib.metadata.version("stomp.py").partition(".")[0]) >= 8
    assert sys.version_info >= (3, 10)
    assert ping(config) == NODES
    assert "Crypto" not in sys.modules


def test_bug_28_an_action_served_one_thread(config: Config) -> None:
    """28: each wait replaced the one listener of the connection."""
    shared = action(config, "rpcutil", "ping")
    results = at_once(4, shared.call)
    assert [sorted(reply[":senderid"] for reply in replies) for replies in results] == [NODES] * 4
    assert len({reply[":requestid"] for replies in results for reply in replies}) == 4


def at_once(count: int, work: t.Callable[[], t.Any]) -> list[t.Any]:
    """Return the results of the same work in several threads."""
    results: list[t.Any] = []
    threads = [threading.Thread(target=lambda: results.append(work())) for _each in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    return results
