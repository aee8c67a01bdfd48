# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""python-mcollective's way to speak to a connector, and its listeners."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector.rabbitmq import (
    RabbitMQConnector,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.listener import (
    CurrentHostPortListener,
    ResponseListener,
    SingleResponseListener,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    Symbol,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
    ScriptedBroker,
    closed_port,
    polite,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    read,
    sealed,
)


@pytest.mark.parametrize("connector", ["rabbitmq", "activemq"])
@pytest.mark.usefixtures("nothing_left")
def test_a_call_step_by_step(connector: str) -> None:
    seen: list[t.Any] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        if connector == "activemq":
            seen.append(peer.expect("SUBSCRIBE").headers)
        seen.append(peer.expect("SEND"))
        request = read(seen[-1])
        for node in ("mco1", "mco2"):
            answer(peer, request, node, "pong")
        if connector == "activemq":
            seen.append(peer.expect("UNSUBSCRIBE").headers)
        peer.log_out()

    with ScriptedBroker(script) as broker:
        conf = config(broker.port, connector)
        connected = conf.get_connector()
        assert connected.get_current_host_and_port() == (None, None)
        assert connected.connect(wait=True) is connected
        assert connected.get_current_host_and_port() == ("127.0.0.1", broker.port)
        msg = Message(body={":a": 1}, agent="discovery", config=conf)
        target = connected.get_target(agent="discovery", collective="mcollective")
        reply_to = connected.get_reply_target(agent="discovery", collective="mcollective")
        assert connected.subscribe(destination=reply_to) is connected
        assert connected.send(msg, target, **{"reply-to": reply_to, "x": 1}) is connected
        replies = connected.receive(timeout=3)
        assert connected.unsubscribe(reply_to) is connected
        assert connected.disconnect() is connected
    assert [reply[":senderid"] for reply in replies] == ["mco1", "mco2"]
    sent = next(frame for frame in seen if hasattr(frame, "body"))
    assert (sent.headers["destination"], sent.headers["reply-to"]) == (target, reply_to)
    assert (sent.headers["x"], sent.headers["mc_sender"]) == ("1", "me")
    assert list(map(type, read(sent)[":body"])) == [Symbol]
    if connector == "activemq":
        assert seen[0]["destination"] == seen[2]["destination"] == reply_to
        assert seen[0]["id"] == seen[2]["id"]


def test_a_second_connect_keeps_the_connection() -> None:
    with ScriptedBroker(polite) as broker, config(broker.port).get_connector() as connected:
        session = connected.session
        assert connected.connect().session is session


def test_a_connect_after_a_loss_is_a_new_connection() -> None:
    with ScriptedBroker(lambda peer: t.cast(None, peer.log_in()), polite) as broker:
        connected = config(broker.port).get_connector().connect()
        with pytest.raises(exc.ConnectionLost):
            connected.next_payload(3)
        first = connected.session
        assert connected.connect().session is not first
        connected.disconnect()


def test_replies_to_other_messages_are_not_received() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        for number in range(2):
            request = read(peer.expect("SEND"))
            answer(peer, {**request, ":requestid": "0" * 32}, "liar", "pong")
            answer(peer, request, f"mco{number}", "pong")
            peer.reply(sealed(request, "thief", key=b"another key"))
        peer.log_out()

    with ScriptedBroker(script) as broker, config(broker.port).get_connector() as connected:
        for number in range(2):
            msg = Message("ping", "discovery", connected.config)
            connected.send(msg, "/exchange/x/y", **{"reply-to": "/temp-queue/z"})
            assert [reply[":senderid"] for reply in connected.receive(2)] == [f"mco{number}"]


def test_replies_without_room_are_not_received() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        request = read(peer.expect("SEND"))
        answer(peer, request, "mco1", "pong")
        answer(peer, request, "mco2", "pong")
        peer.log_out()

    most = len(sealed({":requestid": "0" * 32, ":agent": "discovery"}, "mco1"))
    settings = {"plugin.pymco.max_reply_bytes": str(most)}
    with (
        ScriptedBroker(script) as broker,
        config(broker.port, **settings).get_connector() as connected,
    ):
        connected.send(Message("ping", "discovery", connected.config), "/exchange/x/y")
        assert [reply[":senderid"] for reply in connected.receive(2)] == ["mco1"]


def test_receiving_again_gives_what_came_since() -> None:
    go_on = threading.Event()

    def script(peer: Peer) -> None:
        peer.log_in()
        request = read(peer.expect("SEND"))
        answer(peer, request, "mco1", "pong")
        go_on.wait(3)
        answer(peer, request, "mco1", "pong")
        answer(peer, request, "mco2", "pong")
        peer.log_out()

    with ScriptedBroker(script) as broker, config(broker.port).get_connector() as connected:
        connected.send(Message("ping", "discovery", connected.config), "/exchange/x/y")
        assert [reply[":senderid"] for reply in connected.receive(2)] == ["mco1"]
        go_on.set()
        assert [reply[":senderid"] for reply in connected.receive(2)] == ["mco2"]
        with pytest.raises(exc.TimeoutError, match=r"nobody answered within 0\.1 s"):
            connected.receive(0.1)


def test_there_is_nothing_to_receive_before_something_is_sent() -> None:
    with pytest.raises(exc.BadRequest, match="before a message is sent"):
        config(1).get_connector().receive(1)


def test_a_lost_connection_is_told_by_receive() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")

    with ScriptedBroker(script) as broker, config(broker.port).get_connector() as connected:
        connected.send(Message("ping", "discovery", connected.config), "/exchange/x/y")
        with pytest.raises(exc.ConnectionLost):
            connected.receive(3)


# -- for a connection of stomp.py's own ------------------------------------------------------------


def test_listeners_on_a_connection_of_stomp_py() -> None:
    def script(peer: Peer) -> None:
        assert peer._next().command in ("CONNECT", "STOMP")
        peer.send("CONNECTED", version="1.1")
        request = {":requestid": "1", ":agent": "discovery"}
        peer.reply(b"garbage")
        peer.reply(sealed(request, "thief", key=b"another key"))
        for node in ("mco1", "mco2", "mco3"):
            peer.reply(sealed(request, node))
        peer.expect("DISCONNECT")

    with ScriptedBroker(script) as broker:
        conf = config(broker.port)
        connector = conf.get_connector()
        connection = connector.default_connection(conf)
        tracker = CurrentHostPortListener(config=conf, connector=connector)
        replies = ResponseListener(config=conf, connector=connector, count=2, timeout=3)
        connection.set_listener("tracker", tracker)
        connection.set_listener("response_listener", replies)
        connection.connect(*conf.get_user_and_password(), wait=True)
        assert (tracker.get_host(), tracker.get_port()) == ("127.0.0.1", broker.port)
        assert replies.wait_on_message() is replies
        assert [reply[":senderid"] for reply in replies.responses] == ["mco1", "mco2"]
        assert replies.rejected == 2
        connection.disconnect()


def test_a_single_response_is_one() -> None:
    conf = config(1)
    waiting = SingleResponseListener(config=conf, connector=conf.get_connector(), timeout=0.1)
    assert (waiting.count, waiting.wait_on_message().responses) == (1, [])


def test_no_connection_of_stomp_py_is_made_where_tls_is_wanted() -> None:
    conf = Config({**config(1), "plugin.rabbitmq.pool.1.ssl": "1"})
    with pytest.raises(exc.ImproperlyConfigured, match="makes no TLS connections"):
        RabbitMQConnector.default_connection(conf)


def test_a_connector_that_cannot_connect_says_so_soon() -> None:
    with pytest.raises(exc.ConnectFailed, match="connection refused"):
        config(closed_port()).get_connector().connect(wait=True)


# -- arguments that have no effect any more, or another one -----------------------------------------


def test_a_connection_that_is_handed_to_a_connector_is_kept_and_not_used() -> None:
    connection: t.Any = object()
    with ScriptedBroker(polite) as broker:
        connected = RabbitMQConnector(config(broker.port), connection=connection)
        connected.set_listeners()
        connected.set_ssl()
        assert connected.connect().connection is connection
        connected.disconnect()


def test_a_listener_waits_with_the_condition_that_it_is_given() -> None:
    class Counting(threading.Condition):
        notified = 0

        def notify_all(self) -> None:
            self.notified += 1
            super().notify_all()

    conf, condition = config(1), Counting()
    connector = conf.get_connector()
    waiting = ResponseListener(conf, connector, 1, condition=condition, timeout=60)
    assert waiting.condition is condition
    waiting.on_message(headers={}, body=sealed({":requestid": "1", ":agent": "a"}, "mco1"))
    assert [reply[":senderid"] for reply in waiting.wait_on_message().responses] == ["mco1"]
    assert condition.notified


def test_a_condition_that_is_something_else_makes_no_difference() -> None:
    conf, other = config(1), object()
    waiting = ResponseListener(conf, conf.get_connector(), 1, timeout=60, condition=other)
    assert waiting.condition is other
    waiting.on_message(Frame("MESSAGE", {}, sealed({":requestid": "1", ":agent": "a"}, "mco1")))
    assert [reply[":senderid"] for reply in waiting.wait_on_message().responses] == ["mco1"]
    assert waiting.security is waiting.security
