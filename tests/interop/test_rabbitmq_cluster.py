# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two RabbitMQs as a cluster. The one that the client uses ends in the middle of a call.

The nodes are stopped before they are asked, and go on when the broker is gone. So no time decides what happens first.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
import typing as t

import pytest
from calling import PATIENCE, senders
from testbed.real import missing
from testbed.real.collective import Collective, Options
from testbed.real.nodes import Node
from testbed.real.rabbitmq import RabbitMQ
from testbed.real.rabbitmq_cluster import Second
from testbed.real.stomp import Connection, Frame

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.subscription import (
    Subscription,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
PLACE = "clustered"
STAYS, MOVES = "stays1.example.com", "moves1.example.com"
"""The node whose broker stays, and the one that is connected to the broker that ends."""
LIMIT = 60.0


class Pair:
    """The two brokers, and a node on each."""

    def __init__(self) -> None:
        self.first = RabbitMQ([PLACE])
        self.second = Second(self.first)

    def __enter__(self) -> Pair:
        self.first.start()
        self.second.start()
        self.stays = Collective(self.first, PLACE, "psk", [Node(STAYS)])
        self.stays.start()
        same = Options(daemon={"plugin.psk": self.stays.psk})
        self.moves = Collective(self.second, PLACE, "psk", [Node(MOVES)], options=same)
        self.moves.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        for started in (self.moves, self.stays, self.second, self.first):
            started.close()

    def config(self, **changes: str) -> Config:
        """The configuration of a client that prefers the broker that ends."""
        given = {f"plugin.rabbitmq.{name}": value for name, value in changes.items()}
        options = {**PATIENCE, "plugin.psk": self.stays.psk, "connection_timeout": "30", **given}
        return Config.from_configfile(str(self.moves.write_client_cfg("test.cfg", options)), {})

    def signal_nodes(self, number: signal.Signals) -> None:
        """Stop the nodes, or let them go on."""
        self.stays.daemons.signal(number, STAYS)
        self.moves.daemons.signal(number, MOVES)

    def watch(self) -> Connection:
        """See what is sent to single nodes, at the broker that stays."""
        connection = self.first.connect(self.first.places[PLACE], LIMIT)
        for node in (STAYS, MOVES):
            connection.subscribe(f"/exchange/mcollective_directed/{node}")
        return connection

    def listens(self) -> bool:
        """Return True if somebody listens to replies at the broker that stays."""
        found = self.first.ctl("list_bindings", "-p", PLACE, "source_name")
        return "mcollective_reply" in found.split()


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Pair() as running:
        yield running


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


class Records(logging.Handler):
    """Counts the subscriptions of a client."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.subscriptions = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.subscriptions += record.msg.startswith("subscribing to")


@pytest.fixture
def records() -> Iterator[Records]:
    logger, handler = logging.getLogger("pymco"), Records()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


def call_while_it_ends(
    pair: Pair, config: Config, end: Callable[[], None], resumed: Callable[[], object]
) -> tuple[rpc.Result, list[str]]:
    """Call both nodes. Return the result, and to which nodes something was sent.

    :param end: ends the second broker, once both nodes have been asked.
    :param resumed: tells when the nodes may go on.
    """
    sent: list[str] = []

    def meanwhile(connection: Connection) -> None:
        for _node in (STAYS, MOVES):
            sent.append(connection.receive().headers["destination"].rpartition("/")[2])
        end()
        wait_until(resumed)
        pair.signal_nodes(signal.SIGCONT)

    with pair.watch() as connection:
        pair.signal_nodes(signal.SIGSTOP)
        thread = threading.Thread(target=meanwhile, args=[connection])
        thread.start()
        try:
            with rpc.Client(config) as client:
                assert client.middleware.session.broker.port == pair.second.stomp_port
                request = rpc.Request("rpcutil", "ping", nodes=[STAYS, MOVES], timeout=20)
                result = client.call(request)
        finally:
            thread.join(2 * LIMIT)
            pair.signal_nodes(signal.SIGCONT)
        mark = {"destination": f"/exchange/mcollective_directed/{STAYS}"}
        connection.send_raw(Frame("SEND", mark, b"the end").encode())
        while (frame := connection.receive()).body != b"the end":
            sent.append(frame.headers["destination"].rpartition("/")[2])
    return result, sorted(sent)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_call_goes_on_over_the_other_broker(pair: Pair, records: Records, way: str) -> None:
    try:
        result, sent = call_while_it_ends(
            pair,
            pair.config(use_reply_exchange="1"),
            getattr(pair.second, way),
            lambda: records.subscriptions >= 2 and pair.listens(),
        )
    finally:
        restart(pair)
    assert sent == sorted([STAYS, MOVES])
    assert STAYS in senders(result)
    # The broker took the other node's connection with it, and perhaps what was on it: the node is told of, either way.
    assert sorted([*senders(result), *result.no_response]) == sorted([STAYS, MOVES])
    assert result.lost is None
    (why,) = result.resumed
    assert f"127.0.0.1:{pair.second.stomp_port} closed the connection" in why
    assert not result.rejected


def test_a_temporary_queue_ends_with_its_broker_and_the_user_is_told(
    pair: Pair, records: Records
) -> None:
    try:
        result, sent = call_while_it_ends(
            pair, pair.config(use_reply_exchange="0"), pair.second.kill, lambda: True
        )
    finally:
        restart(pair)
    assert sent == sorted([STAYS, MOVES])
    assert (senders(result), result.no_response) == ([], sorted([STAYS, MOVES]))
    assert f"127.0.0.1:{pair.second.stomp_port} closed the connection" in str(result.lost)


def test_a_queue_that_lives_on_the_broker_that_ended_is_missed_until_it_is_back(
    pair: Pair,
) -> None:
    """Replies that were sent elsewhere wait in a classic queue. It is on the broker where somebody listened first."""
    queue = "/queue/mcollective.replies"
    request = rpc.Request("rpcutil", "ping", nodes=[STAYS], reply_to=queue)
    with Subscription(pair.config(), "reply", queue) as subscription:
        wait_until(lambda: subscription.next(0.1) is None and subscription.connected)
        pair.second.kill()
        try:
            wait_until(
                lambda: subscription.next(0.1) is None and len(subscription.outcome.resumed) > 1
            )
            lost, refused = subscription.outcome.resumed[:2]
        finally:
            restart(pair)
        assert f"127.0.0.1:{pair.second.stomp_port} closed the connection" in lost
        assert f"127.0.0.1:{pair.first.stomp_port}" in refused
        assert "mcollective.replies" in refused
        wait_until(lambda: subscription.next(0.1) is None and subscription.connected)
        with rpc.Client(pair.config()) as client:
            client.call(request)
        heard = subscription.next(LIMIT)
    assert heard is not None
    assert (heard.sender, heard.agent) == (STAYS, "rpcutil")


def restart(pair: Pair) -> None:
    """Bring the broker back, and wait for its node."""
    RabbitMQ.start(pair.second)

    def answers() -> bool:
        try:
            with rpc.Client(pair.config()) as client:
                request = rpc.Request("rpcutil", "ping", nodes=[STAYS, MOVES], timeout=2)
                return len(client.call(request).replies) == 2
        except exc.ConnectorError:
            return False

    wait_until(answers)
