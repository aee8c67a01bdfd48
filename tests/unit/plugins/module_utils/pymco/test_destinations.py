# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each connector sends requests and takes replies, against a scripted broker on a real socket.

What all have in common is tested with RabbitMQ in test_connector.py.
"""

from __future__ import annotations

import hashlib
import os
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    middleware,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    PAYLOAD,
    Frame,
    Peer,
    ScriptedBroker,
    outgoing,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


def options(kind: str, broker: ScriptedBroker, more: dict[str, str]) -> dict[str, str]:
    prefix = f"plugin.{kind}"
    numbered = {"pool.host1": "127.0.0.1", "pool.port1": str(broker.port)}
    if kind != "stomp":
        numbered = {"pool.1.host": "127.0.0.1", "pool.1.port": str(broker.port)}
    named = {f"{prefix}.{key}": value for key, value in {"pool.size": "1", **numbered}.items()}
    return {"identity": "ctl.example.com", "connector": kind, **named, **more}


def sent(
    kind: str,
    count: int,
    action: t.Callable[[BaseMiddleware], None],
    more: dict[str, str] | None = None,
) -> list[Frame]:
    """The frames that an action sends; no other may follow."""
    frames: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        frames.extend(peer._next() for _frame in range(count))
        peer.log_out()

    with (
        ScriptedBroker(script) as broker,
        middleware(Config(options(kind, broker, more or {}))) as connected,
    ):
        action(connected)
    return frames


def broadcast(connected: BaseMiddleware) -> None:
    """A request to all nodes, as a conversation sends it."""
    reply_to = connected.open_replies("rpcutil", "fleet", within(3))
    connected.publish(outgoing(PAYLOAD, "rpcutil", "fleet", reply_to), within(3))


def direct(connected: BaseMiddleware) -> None:
    """A request to two nodes."""
    reply_to = connected.open_replies("rpcutil", "fleet", within(3))
    nodes = ["web1.example.com", "db"]
    connected.publish(outgoing(PAYLOAD, "rpcutil", "fleet", reply_to), within(3), nodes=nodes)


LENGTH = {
    "content-type": "text/plain; charset=UTF-8",
    "content-length": str(len(PAYLOAD)),
}

# -- ActiveMQ ------------------------------------------------------------------------------------


def without_times(frame: Frame, start: float) -> dict[str, str]:
    """A frame's headers, once the times in them are found to be right."""
    headers = dict(frame.headers)
    timestamp, expires = int(headers.pop("timestamp")), int(headers.pop("expires"))
    assert timestamp % 1000 == 0
    assert (start - 1) * 1000 <= timestamp <= time.time() * 1000
    assert expires == timestamp + (60 + 10) * 1000
    return headers


def reply_queue(subscribe: Frame) -> str:
    """The queue of a SUBSCRIBE, once its name is found to be right."""
    queue = subscribe.headers["destination"]
    address, _separator, number = queue.rpartition(".")
    assert address == f"/queue/fleet.reply.ctl.example.com_{os.getpid()}"
    assert number.isdecimal()
    assert subscribe.headers == {"destination": queue, "id": queue, "ack": "auto"}
    return queue


def test_a_broadcast_over_activemq_has_the_address_and_headers_of_the_reference() -> None:
    start = time.time()
    subscribe, send = sent("activemq", 2, broadcast)
    assert (subscribe.command, send.command) == ("SUBSCRIBE", "SEND")
    assert send.body == PAYLOAD
    assert without_times(send, start) == {
        "destination": "/topic/fleet.rpcutil.agent",
        "reply-to": reply_queue(subscribe),
        "mc_sender": "ctl.example.com",
        **LENGTH,
    }


def test_a_direct_request_over_activemq_names_its_node() -> None:
    start = time.time()
    subscribe, *sends = sent("activemq", 3, direct)
    assert subscribe.command == "SUBSCRIBE"
    assert [without_times(send, start) for send in sends] == [
        {
            "destination": "/queue/fleet.nodes",
            "reply-to": reply_queue(subscribe),
            "mc_identity": node,
            "mc_sender": "ctl.example.com",
            **LENGTH,
        }
        for node in ("web1.example.com", "db")
    ]


def test_each_request_over_activemq_has_its_own_reply_queue() -> None:
    def action(connected: BaseMiddleware) -> None:
        broadcast(connected)
        broadcast(connected)

    first, to_first, second, to_second = sent("activemq", 4, action)
    queues = [reply_queue(first), reply_queue(second)]
    assert queues == [to_first.headers["reply-to"], to_second.headers["reply-to"]]
    assert len(set(queues)) == 2


@pytest.mark.parametrize("kind", ["activemq", "rabbitmq"])
def test_clients_of_one_process_do_not_share_reply_addresses(kind: str) -> None:
    more = {"plugin.rabbitmq.use_reply_exchange": "1"}
    addresses = {sent(kind, 2, broadcast, more)[1].headers["reply-to"] for _client in range(3)}
    assert len(addresses) == 3


def test_with_multiplexing_activemq_has_one_topic_for_all_agents() -> None:
    more = {"plugin.activemq.agents_multiplex": "yes"}
    _subscribe, send = sent("activemq", 2, broadcast, more)
    assert send.headers["destination"] == "/topic/fleet.agents"
    _subscribe, send, _send = sent("activemq", 3, direct, more)
    assert send.headers["destination"] == "/queue/fleet.nodes"


@pytest.mark.parametrize("kind", ["activemq", "stomp"])
@pytest.mark.parametrize("priority,header", [("4", "4"), ("0", None)])
def test_a_priority_is_sent_when_it_is_one(kind: str, priority: str, header: str | None) -> None:
    _subscribe, send = sent(kind, 2, broadcast, {f"plugin.{kind}.priority": priority})
    assert send.headers.get("priority") == header


def test_a_priority_that_is_no_number_is_refused() -> None:
    config = Config(
        {"plugin.activemq.pool.size": "1", "plugin.activemq.pool.1.host": "h"}
        | {"plugin.activemq.priority": "high"}
    )
    with pytest.raises(exc.ImproperlyConfigured, match="priority is not a whole number"):
        middleware(config)


@pytest.mark.parametrize("kind", ["activemq", "rabbitmq"])
def test_replies_may_go_elsewhere(kind: str) -> None:
    def action(connected: BaseMiddleware) -> None:
        connected.publish(
            outgoing(PAYLOAD, "a", "fleet", "/queue/else:where"), within(3), nodes=["n"]
        )
        connected.publish(outgoing(PAYLOAD, "a", "fleet", "/queue/else:where"), within(3))

    frames = sent(kind, 2, action)
    assert [frame.headers["reply-to"] for frame in frames] == ["/queue/else:where"] * 2


@pytest.mark.parametrize("kind,vhost", [("activemq", "mcollective"), ("rabbitmq", "/")])
def test_the_virtual_host_has_the_default_of_the_reference(kind: str, vhost: str) -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    for more in ({}, {f"plugin.{kind}.vhost": "other"}):
        with ScriptedBroker(script) as broker, middleware(Config(options(kind, broker, more))):
            pass
    assert [headers["host"] for headers in seen] == [vhost, "other"]


# -- RabbitMQ ------------------------------------------------------------------------------------


def test_with_multiplexing_rabbitmq_has_one_key_for_all_agents() -> None:
    more = {"plugin.rabbitmq.agents_multiplex": "1"}
    (send,) = sent("rabbitmq", 1, broadcast, more)
    assert send.headers["destination"] == "/exchange/fleet_broadcast"
    assert send.headers["reply-to"] == "/temp-queue/mcollective_reply_rpcutil"
    send, _send = sent("rabbitmq", 2, direct, more)
    assert send.headers["destination"] == "/exchange/fleet_directed/web1.example.com"


# -- the legacy connector ------------------------------------------------------------------------


def test_the_legacy_connector_sends_to_a_topic_and_listens_on_another() -> None:
    subscribe, send = sent("stomp", 2, broadcast)
    assert subscribe.command == "SUBSCRIBE"
    assert subscribe.headers["destination"] == "/topic/fleet.rpcutil.reply"
    assert send.command == "SEND"
    assert send.headers == {"destination": "/topic/fleet.rpcutil.command", **LENGTH}


def test_the_legacy_connector_sends_to_a_node_by_the_digest_of_its_identity() -> None:
    _subscribe, *sends = sent("stomp", 3, direct)
    digests = [hashlib.md5(node).hexdigest() for node in (b"web1.example.com", b"db")]
    assert [send.headers for send in sends] == [
        {"destination": f"/queue/fleet.{digest}", **LENGTH} for digest in digests
    ]


def test_the_legacy_connector_takes_other_prefixes_and_another_separator() -> None:
    more = {"topicprefix": "/t/", "queueprefix": "/q/", "topicsep": "_"}
    subscribe, send = sent("stomp", 2, broadcast, more)
    assert subscribe.headers["destination"] == "/t/fleet_rpcutil_reply"
    assert send.headers["destination"] == "/t/fleet_rpcutil_command"
    _subscribe, send, _send = sent("stomp", 3, direct, more)
    digest = hashlib.md5(b"web1.example.com").hexdigest()
    assert send.headers["destination"] == f"/q/fleet_{digest}"


def test_the_legacy_connector_asks_for_a_virtual_host_only_when_told() -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    with ScriptedBroker(script) as broker, middleware(Config(options("stomp", broker, {}))):
        pass
    assert "host" not in seen[0]


def test_the_legacy_connector_cannot_have_replies_sent_elsewhere() -> None:
    def action(connected: BaseMiddleware) -> None:
        with pytest.raises(exc.BadRequest) as caught:
            connected.publish(outgoing(PAYLOAD, "a", "fleet", "/topic/elsewhere"), within(3))
        assert str(caught.value) == (
            "connector = stomp always has replies sent to /topic/fleet.a.reply, not to"
            " /topic/elsewhere"
        )

    assert sent("stomp", 0, action) == []
