# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A broker is lost before, during and after a request: which nodes got it, and which replies still come."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import (
    MOST_RESUMED,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import middleware
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import Client, Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import channel
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    Script,
    ScriptedBroker,
    closed_port,
    within,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    done,
    read,
    sealed,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

SURVIVING = {
    "rabbitmq": {"plugin.rabbitmq.use_reply_exchange": "1"},
    "activemq": {},
    "stomp": {},
}
"""Connectors whose reply addresses outlive a connection, with the options that make it so."""


def pool(*ports: int, connector: str = "rabbitmq", **more: str) -> Config:
    """A configuration with several brokers."""
    brokers = {f"plugin.{connector}.pool.size": str(len(ports))}
    for number, port in enumerate(ports, 1):
        form = f"plugin.{connector}.pool.{number}.{{}}"
        if connector == "stomp":
            form = f"plugin.stomp.pool.{{}}{number}"
        brokers.update({form.format("host"): "127.0.0.1", form.format("port"): str(port)})
    return config(ports[0], connector, **brokers, **more)


def test_a_connection_that_breaks_leaves_some_unsent_and_some_silent() -> None:
    """The first three nodes have the request, the next few may have it, and the last certainly do not."""
    nodes = [f"n{number:03}" for number in range(200)]

    def script(peer: Peer) -> None:
        peer.log_in()
        request = [read(peer.expect("SEND")) for _node in range(3)][0]
        answer(peer, request, nodes[0], done())

    request = Request("a", "b", {"text": "x" * 2**22}, nodes=nodes, timeout=5)
    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(request)
    assert isinstance(result.lost, exc.ConnectionLost)
    silent, unsent = result.no_response, result.unsent
    assert sorted(silent + unsent) == nodes[len(result.replies) :]
    assert {"n001", "n002"} <= set(silent)
    assert unsent == nodes[-len(unsent) :]
    assert len(unsent) > 150


def test_a_request_that_never_left_leaves_all_unsent() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        broker.wait()
        with pytest.raises(exc.ConnectionLost):
            client.middleware.next_payload(5)
        result = client.call(Request("a", "b", nodes=["web1", "web2"], timeout=5))
    assert (result.unsent, result.no_response) == (["web1", "web2"], [])
    assert result.lost is not None


def dies_in_discovery(peer: Peer) -> None:
    peer.log_in()
    peer.expect("SEND")


def answers(peer: Peer) -> None:
    """A healthy broker, with the node web1."""
    peer.log_in()
    answer(peer, read(peer.expect("SEND")), "web1", "pong")
    answer(peer, read(peer.expect("SEND")), "web1", done())
    peer.log_out()


def test_discovery_is_repeated_over_the_next_broker() -> None:
    with (
        ScriptedBroker(dies_in_discovery) as first,
        ScriptedBroker(answers) as second,
        Client(pool(first.port, second.port)) as client,
    ):
        result = client.call(Request("a", "b"))
    assert [reply.sender for reply in result.replies] == ["web1"]
    assert result.broker == f"127.0.0.1:{second.port}"
    (why,) = result.passed_over
    assert why.startswith(f"127.0.0.1:{first.port} closed the connection")
    assert (result.lost, result.resumed) == (None, [])


def test_a_broker_that_took_us_and_died_is_not_the_next_one() -> None:
    """The pool goes on behind it, and comes back to it when the others are down."""
    with (
        ScriptedBroker(dies_in_discovery, answers) as first,
        Client(pool(first.port, closed_port())) as client,
    ):
        result = client.call(Request("a", "b"))
    assert len(result.replies) == 1
    assert "closed the connection" in result.passed_over[0]
    assert "refused" in result.passed_over[1]


def test_a_ping_is_repeated_over_the_next_broker() -> None:
    def pong(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "web1", "pong")
        peer.log_out()

    with (
        ScriptedBroker(dies_in_discovery) as first,
        ScriptedBroker(pong) as second,
        Client(pool(first.port, second.port)) as client,
    ):
        assert list(client.ping(Request("a", "b")).seconds) == ["web1"]


def test_discovery_is_repeated_for_each_other_broker() -> None:
    with (
        ScriptedBroker(dies_in_discovery) as first,
        ScriptedBroker(dies_in_discovery) as second,
        ScriptedBroker(answers) as third,
        Client(pool(first.port, second.port, third.port)) as client,
    ):
        result = client.call(Request("a", "b"))
    assert [reply.sender for reply in result.replies] == ["web1"]
    assert len(result.passed_over) == 2


def test_discovery_is_not_repeated_without_end() -> None:
    with (
        ScriptedBroker(dies_in_discovery) as first,
        ScriptedBroker(dies_in_discovery) as second,
        Client(pool(first.port, second.port)) as client,
        pytest.raises(exc.ConnectionLost, match=f"127.0.0.1:{second.port} closed the connection"),
    ):
        client.call(Request("a", "b"))


def test_a_pool_that_is_down_by_then_tells_both() -> None:
    with (
        ScriptedBroker(dies_in_discovery) as first,
        Client(pool(first.port, closed_port(), connection_timeout="1")) as client,
        pytest.raises(exc.ConnectFailed, match="closed the connection.*; then no broker") as caught,
    ):
        client.call(Request("a", "b"))
    assert "connection refused" in str(caught.value)


@pytest.mark.parametrize("method", ["call", "ping"])
def test_what_the_broker_refuses_is_not_asked_for_again(method: str) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.send("ERROR", b"no exchange", message="not_found")
        peer.expect_end()

    with (
        ScriptedBroker(script) as first,
        ScriptedBroker() as second,
        Client(pool(first.port, second.port)) as client,
        pytest.raises(exc.BrokerError),
    ):
        getattr(client, method)(Request("a", "b"))


class Resumed:
    """The scripts of a call whose broker is lost when it has the request and one reply is in.

    :ivar addresses: where each connection had replies delivered.
    """

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._request: dict[str, t.Any] = {}

    def begin(self, peer: Peer) -> None:
        peer.log_in()
        self.addresses.append(peer.expect("SUBSCRIBE").headers["destination"])
        self._request = [read(peer.expect("SEND")) for _node in range(2)][0]
        answer(peer, self._request, "web1", done())

    def go_on(self, peer: Peer) -> None:
        """Nothing is sent again."""
        self._again(peer)
        answer(peer, self._request, "web1", done())
        answer(peer, self._request, "web2", done(message="late"))
        peer.log_out()

    def break_off(self, peer: Peer) -> None:
        self._again(peer)

    def _again(self, peer: Peer) -> None:
        peer.log_in()
        self.addresses.append(peer.expect("SUBSCRIBE").headers["destination"])


def called(scripts: list[Script], name: str, connect_timeout: str = "3") -> t.Any:
    with (
        ScriptedBroker(*scripts) as broker,
        Client(
            pool(broker.port, connector=name, connection_timeout=connect_timeout, **SURVIVING[name])
        ) as client,
    ):
        return client.call(Request("a", "b", nodes=["web1", "web2"], timeout=5))


@pytest.mark.parametrize("name", SURVIVING)
def test_listening_goes_on_where_the_reply_address_survives(name: str) -> None:
    case = Resumed()
    result = called([case.begin, case.go_on], name)
    assert [reply.statusmsg for reply in result.replies] == ["OK", "late"]
    assert (result.lost, result.no_response, result.unsent) == (None, [], [])
    assert len(result.resumed) == 1
    assert "closed the connection" in result.resumed[0]
    assert len(set(case.addresses)) == 1
    assert result.rejected == {"duplicate": 1}


def test_a_temporary_queue_does_not_survive() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        request = [read(peer.expect("SEND")) for _node in range(2)][0]
        answer(peer, request, "web1", done())

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("a", "b", nodes=["web1", "web2"], timeout=5))
    assert "closed the connection" in str(result.lost)
    assert (result.no_response, result.resumed) == (["web2"], [])


def test_a_broker_that_ends_each_connection_is_given_up() -> None:
    case = Resumed()
    result = called([case.begin, *[case.break_off] * MOST_RESUMED], "activemq")
    assert len(result.resumed) == MOST_RESUMED
    assert "closed the connection" in str(result.lost)
    assert result.no_response == ["web2"]


def test_a_broker_that_does_not_come_back_is_told_with_why_it_was_lost() -> None:
    case = Resumed()
    with (
        ScriptedBroker(case.begin) as broker,
        Client(pool(broker.port, connector="activemq", connection_timeout="0.2")) as client,
    ):
        result = client.call(Request("a", "b", nodes=["web1", "web2"], timeout=5))
    assert "closed the connection; then 127.0.0.1" in str(result.lost)
    assert (result.no_response, result.resumed) == (["web2"], [])
    assert result.broker == f"127.0.0.1:{broker.port}"


def test_the_next_batch_goes_out_over_the_new_connection() -> None:
    requests: list[dict[str, t.Any]] = []

    def begin(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        requests.append(read(peer.expect("SEND")))

    def go_on(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        answer(peer, requests[0], "web1", done())
        frame = peer.expect("SEND")
        assert frame.headers["mc_identity"] == "web2"
        answer(peer, read(frame), "web2", done())
        peer.log_out()

    with (
        ScriptedBroker(begin, go_on) as broker,
        Client(pool(broker.port, connector="activemq")) as client,
    ):
        request = Request("a", "b", nodes=["web1", "web2"], timeout=5, batch_size=1, batch_sleep=0)
        result = client.call(request)
    assert [reply.sender for reply in result.replies] == ["web1", "web2"]


def test_what_had_come_before_a_send_failed_still_counts() -> None:
    """It waits in the lost connection while the client makes the next one."""
    requests: list[dict[str, t.Any]] = []

    def begin(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        requests.append(read(peer.expect("SEND")))
        answer(peer, requests[0], "web1", done())
        # Sockets hold less than these: with the last of them the client has read the answer.
        for _frame in range(5):
            peer.expect("SEND")
        peer.read_some()

    def go_on(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        peer.log_out()

    nodes = ["web1", *(f"n{number}" for number in range(20))]
    with (
        ScriptedBroker(begin, go_on) as broker,
        Client(pool(broker.port, connector="activemq")) as client,
    ):
        request = Request("a", "b", {"text": "x" * 2**22}, nodes=nodes, timeout=0.5)
        result = client.call(request)
    assert [reply.sender for reply in result.replies] == ["web1"]
    assert result.lost is None
    assert len(result.resumed) == 1
    assert sorted(result.unsent + result.no_response) == sorted(nodes[1:])
    assert result.unsent


def test_a_second_request_does_not_subscribe_to_the_same_topic_again() -> None:
    """Each reply would come twice, and count as a duplicate."""

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        for _call in range(2):
            answer(peer, read(peer.expect("SEND")), "web1", done())
        peer.log_out()

    with (
        ScriptedBroker(script) as broker,
        Client(pool(broker.port, connector="stomp")) as client,
    ):
        for _call in range(2):
            assert len(client.call(Request("a", "b", nodes=["web1"])).replies) == 1


def test_after_a_reconnection_the_topic_is_subscribed_to_again() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        peer.log_out()

    with ScriptedBroker(script, script) as broker:
        way = middleware(pool(broker.port, connector="stomp"))
        for _connection in range(2):
            with way:
                way.open_replies("a", "mcollective", within(3))


def test_replies_are_taken_while_a_request_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, there would be no room for more replies, and the broker would take no more requests."""
    # Requests are so large that sockets hold few of them, and so few replies can come at once.
    monkeypatch.setattr(channel, "MAX_HELD", 2**23)
    nodes = [f"n{number:03}" for number in range(60)]

    def script(peer: Peer) -> None:
        peer.log_in()
        for node in nodes:
            request = read(peer.expect("SEND"))
            peer.reply(sealed(request, node, done(data={"text": "y" * 2**18})))
        peer.log_out()

    request = Request("a", "b", {"text": "x" * 2**20}, nodes=nodes, timeout=20)
    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(request)
    assert len(result.replies) == 60
    assert result.lost is None
