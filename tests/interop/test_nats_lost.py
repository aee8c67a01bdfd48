# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a call if its NATS server goes, stops, or has enough of us."""

from __future__ import annotations

import signal
import threading
import time
import typing as t

import pytest
from nats_server import (
    NatsServers,
    Node,
    ask,
    choria_settings,
    client,
    conversation,
    outgoing,
    session,
    take,
    within,
)
from testbed.real.programs import find

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import Patience
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire import nats_session
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.wire.heartbeat import (
    Heartbeat,
)

if t.TYPE_CHECKING:
    from testbed.certificates import Authority, Certificate

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
        BaseMiddleware,
    )

pytestmark = pytest.mark.skipif(find("nats-server") is None, reason="nats-server is not installed")

AGENT = "mcollective.broadcast.agent.rpcutil"
BOTH = (b"web1", b"web2")


@pytest.fixture(scope="module")
def alice(authority: Authority) -> Certificate:
    """The client's certificate."""
    return authority.client("alice.mcollective")


@pytest.fixture
def connect(authority: Authority, alice: Certificate) -> t.Callable[..., BaseMiddleware]:
    """Returns the middleware for some ports."""

    def made(*ports: int, **more: str) -> BaseMiddleware:
        more = {"plugin__pymco__nats_tls": "0", **more}
        return client(choria_settings(ports, alice, authority.path, **more))

    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heart-beats that need no minute."""
    monkeypatch.setattr(nats_session, "HEARTBEAT", Heartbeat(every=0.2, silence=2.0))


def test_a_cluster_loses_the_member_that_we_use(connect: t.Callable[..., BaseMiddleware]) -> None:
    gate = threading.Event()
    with (
        NatsServers(members=3) as cluster,
        Node(cluster.ports[2], AGENT, answers=BOTH, gate=gate) as node,
        connect(*cluster.ports) as connected,
    ):
        node.reachable_from(cluster.ports[0], AGENT)
        talk = conversation(connected, ["web1", "web2"])
        assert talk.send(20) == []
        talk.listen(Patience(total=20, quiet=1, first=20))
        assert list(talk.outcome.replies) == ["web1"]
        cluster.kill(0)
        gate.set()
        talk.listen(Patience(total=20))
        assert list(talk.outcome.replies) == ["web1", "web2"]
        assert talk.outcome.lost is None
        assert "closed the connection" in talk.outcome.resumed[0]
        assert connected.session.broker.port == cluster.ports[1]


def test_lame_duck_mode_loses_no_reply(connect: t.Callable[..., BaseMiddleware]) -> None:
    answers = [b"web%d" % number for number in range(5000)]
    with (
        NatsServers("lame_duck_duration: 30s\nlame_duck_grace_period: 5s", members=2) as cluster,
        Node(cluster.ports[1], AGENT, answers=answers) as node,
        connect(*cluster.ports) as connected,
    ):
        node.reachable_from(cluster.ports[0], AGENT)
        talk = conversation(connected, [answer.decode() for answer in answers])
        cluster_told = threading.Timer(0.3, cluster.tell, [signal.SIGUSR2, 0])
        talk.send(20)
        cluster_told.start()
        talk.listen(Patience(total=20))
        assert len(talk.outcome.replies) == 5000
        assert talk.outcome.resumed == []
        assert set(talk.outcome.rejected) <= {"duplicate"}
        deadline = within(20)
        while connected.session.broker.port != cluster.ports[1] and time.monotonic() < deadline:
            connected.next_payload(0.1)
        assert connected.session.broker.port == cluster.ports[1]


def test_lame_duck_mode_of_the_only_server_ends_as_the_end(
    connect: t.Callable[..., BaseMiddleware],
) -> None:
    config = "lame_duck_duration: 30s\nlame_duck_grace_period: 1s"
    with NatsServers(config) as server, connect(server.port) as connected:
        connected.open_replies("rpcutil", "mcollective", within())
        server.tell(signal.SIGUSR2)
        with pytest.raises(exc.ConnectionLost):
            take(connected, 1)
        with pytest.raises(exc.ConnectFailed, match="connection refused; .*NATS server"):
            connected.connect(timeout=5)


def test_a_server_that_stops_is_noticed(
    connect: t.Callable[..., BaseMiddleware], quick: None
) -> None:
    with NatsServers() as server, connect(server.port) as connected:
        ask(connected)
        server.tell(signal.SIGSTOP)
        with pytest.raises(exc.ConnectionLost, match="no sign of life for 2 s"):
            take(connected, 1)


def test_a_server_that_stops_is_left_for_another(
    connect: t.Callable[..., BaseMiddleware], quick: None
) -> None:
    gate = threading.Event()
    with (
        NatsServers(members=2) as cluster,
        Node(cluster.ports[1], AGENT, answers=BOTH, gate=gate) as node,
        connect(*cluster.ports) as connected,
    ):
        node.reachable_from(cluster.ports[0], AGENT)
        talk = conversation(connected, ["web1", "web2"])
        talk.send(20)
        talk.listen(Patience(total=20, quiet=0.5))
        cluster.tell(signal.SIGSTOP)
        gate.set()
        talk.listen(Patience(total=30))
        assert list(talk.outcome.replies) == ["web1", "web2"]


def test_a_server_that_stopped_takes_no_connection(
    connect: t.Callable[..., BaseMiddleware],
) -> None:
    with NatsServers(members=2) as servers:
        servers.tell(signal.SIGSTOP)
        with connect(*servers.ports, connection_timeout="4") as connected:
            assert connected.session.broker.port == servers.ports[1]
        assert "did not greet us in time" in connected.passed_over[0]


def test_a_server_that_stopped_takes_no_request(connect: t.Callable[..., BaseMiddleware]) -> None:
    names = [f"web{number}" for number in range(100)]
    with NatsServers() as server, connect(server.port) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        server.tell(signal.SIGSTOP)
        with pytest.raises(exc.ConnectionLost, match="takes nothing more") as caught:
            connected.publish(outgoing(b"x" * 500_000, target), within(1), nodes=names)
        unsent = caught.value.unsent
        assert 0 < len(unsent) < 100
        assert unsent == names[-len(unsent) :]


def test_a_server_asks_and_is_answered(connect: t.Callable[..., BaseMiddleware]) -> None:
    """It asks for a sign of life twice in a second, and leaves whoever gives none."""
    config = 'ping_interval: "300ms"\nping_max: 1'
    with NatsServers(config) as server, connect(server.port) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        assert take(connected, 1, 3) == []
        with connect(server.port) as other:
            other.session.send(target, b"x", {}, within())
        assert take(connected, 1) == [b"x"]


def test_a_client_that_reads_nothing_is_left_and_comes_back(
    connect: t.Callable[..., BaseMiddleware],
) -> None:
    config = 'max_payload: 150000\nmax_pending: 200000\nwrite_deadline: "500ms"'
    with NatsServers(config) as server, connect(server.port) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        other = session(server.port)
        for _message in range(300):
            other.send(target, b"x" * 150_000, {}, within())
        other.close()
        with pytest.raises(exc.ConnectionLost) as caught:
            take(connected, 1000)
        connected.reconnect(caught.value, 5)
        connected.reopen_replies(target, "rpcutil", within())


def test_a_server_that_is_started_again(connect: t.Callable[..., BaseMiddleware]) -> None:
    with NatsServers() as server, connect(server.port) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        server.kill()
        with pytest.raises(exc.ConnectionLost, match="closed the connection") as caught:
            take(connected, 1)
        server.start_member(0)
        connected.reconnect(caught.value, 20)
        connected.reopen_replies(target, "rpcutil", within())
        with connect(server.port) as other:
            other.session.send(target, b"x", {}, within())
        assert take(connected, 1) == [b"x"]
