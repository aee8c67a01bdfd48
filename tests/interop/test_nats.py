# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the connector nats does with a real NATS server, Debian's."""

from __future__ import annotations

import time
import typing as t

import pytest
from nats_server import (
    CALLER,
    SECONDS,
    NatsServers,
    Node,
    ask,
    choria_settings,
    client,
    conversation,
    outgoing,
    session,
    take,
    tls,
    within,
)
from testbed.certificates import Authority, Certificate
from testbed.real.programs import find

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import Patience
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import Outgoing

if t.TYPE_CHECKING:

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

pytestmark = pytest.mark.skipif(find("nats-server") is None, reason="nats-server is not installed")

CLEAR = {"plugin__pymco__nats_tls": "0"}
ALICE: dict[str, t.Any] = {"user": "alice", "password": "s3cret-word"}
USERS = """authorization { users: [
    { user: alice, password: "s3cret-word" }
    { user: bob, password: "other", permissions: {
        publish: { allow: ["mcollective.broadcast.>", "mcollective.node.web1"] }
        subscribe: { allow: ["*.reply.>"] } } }
    { user: deaf, password: "other", permissions: { publish: ">", subscribe: { deny: ">" } } }
] }"""


@pytest.fixture(scope="module")
def alice(authority: Authority) -> Certificate:
    """The client's certificate."""
    return authority.client("alice.mcollective")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("stranger"), "Stranger")


@pytest.fixture(scope="module")
def plain() -> t.Iterator[NatsServers]:
    with NatsServers() as server:
        yield server


@pytest.fixture(scope="module")
def users() -> t.Iterator[NatsServers]:
    with NatsServers(USERS) as server:
        yield server


@pytest.fixture(scope="module")
def encrypted(authority: Authority) -> t.Iterator[NatsServers]:
    with NatsServers(tls(authority.server(), authority)) as server:
        yield server


@pytest.fixture(scope="module")
def mutual(authority: Authority) -> t.Iterator[NatsServers]:
    with NatsServers(tls(authority.server(), authority, verify="true")) as server:
        yield server


def settings(
    server: NatsServers, alice: Certificate, authority: Authority, **more: str
) -> Settings:
    return choria_settings(server.ports, alice, authority.path, **more)


# -- requests and replies --------------------------------------------------------------------------


def test_a_broadcast_and_its_replies(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(plain, alice, authority, **CLEAR)
    with (
        Node(plain.port, "mcollective.broadcast.agent.rpcutil") as one,
        Node(plain.port, "mcollective.broadcast.agent.>") as two,
        client(chosen) as connected,
    ):
        target = ask(connected)
        assert take(connected, 2) == [b"answer"] * 2
        assert one.seen == two.seen == [target.encode()]
        assert target.startswith("mcollective.reply.74ce5a833e16d4afa24ecbc90fff8506.")


def test_one_message_for_each_of_many_nodes(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(plain, alice, authority, **CLEAR)
    names = [f"web{number}.example.com" for number in range(3000)]
    with Node(plain.port, "mcollective.node.>") as node, client(chosen) as connected:
        target = ask(connected, names, size=3000)
        assert len(take(connected, 3000)) == 3000
        assert {text.strip() for text in node.seen} == {target.encode()}


def test_nobody_hears_the_messages_of_others(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(plain, alice, authority, **CLEAR)
    with (
        Node(plain.port, "mcollective.node.web1"),
        Node(plain.port, "mcollective.node.web2") as other,
        client(chosen) as connected,
        client(chosen) as idle,
    ):
        idle.open_replies("rpcutil", "mcollective", within())
        ask(connected, ["web1"])
        assert take(connected, 1) == [b"answer"]
        assert idle.next_payload(0.2) is None
        assert other.seen == []


def test_a_receipt_says_that_the_broker_has_all(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(plain, alice, authority, **CLEAR)
    with Node(plain.port, "mcollective.node.>") as node, client(chosen) as connected:
        connected.publish(outgoing(b"x", "a.b"), within(), nodes=["web1", "web2"], receipt="r")
        connected.confirm("r", within())
        assert node.wait(2) == [b"x"] * 2


def test_what_was_sent_arrives_even_if_we_close_at_once(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(plain, alice, authority, **CLEAR)
    listener = session(plain.port)
    listener.subscribe("mcollective.node.>", "1", within())
    with client(chosen) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        names = [f"web{number}" for number in range(500)]
        connected.publish(outgoing(b"x" * 10_000, target), within(), nodes=names)
    found = [listener.next_message(20) for _name in names]
    assert found == [b"x" * 10_000] * 500
    listener.close()


def test_a_request_beyond_max_payload_does_not_leave(
    alice: Certificate, authority: Authority
) -> None:
    with (
        NatsServers("max_payload: 2000") as server,
        client(settings(server, alice, authority, **CLEAR)) as connected,
    ):
        target = connected.open_replies("rpcutil", "mcollective", within())
        with pytest.raises(exc.BadRequest, match=r"has 2001 bytes.* takes 2000\. .*max_payload"):
            connected.publish(outgoing(b"x" * 2001, target), within())
        connected.publish(outgoing(b"x" * 2000, target), within(), receipt="r")
        connected.confirm("r", within())


# -- TLS -------------------------------------------------------------------------------------------


def test_tls(encrypted: NatsServers, alice: Certificate, authority: Authority) -> None:
    with client(settings(encrypted, alice, authority)) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        connected.session.send(target, b"x" * 100_000, {}, within())  # no echo of our own
        connected.confirm("r", within())
        with client(settings(encrypted, alice, authority)) as other:
            other.session.send(target, b"y" * 500_000, {}, within())
        assert connected.next_payload(20) == b"y" * 500_000


def test_mutual_tls(mutual: NatsServers, alice: Certificate, authority: Authority) -> None:
    with client(settings(mutual, alice, authority)) as connected:
        connected.open_replies("rpcutil", "mcollective", within())


def test_a_certificate_of_a_stranger_is_explained(
    mutual: NatsServers, stranger: Authority, authority: Authority
) -> None:
    own = stranger.client("alice.mcollective")
    with pytest.raises(exc.ConnectFailed, match="certificate") as caught:
        client(settings(mutual, own, authority)).connect()
    assert f"does it accept our client certificate {own.path}" in str(caught.value)


def test_a_broker_of_another_authority_is_refused(
    encrypted: NatsServers, alice: Certificate, stranger: Authority
) -> None:
    words = (
        f"its certificate is not accepted: .*; name the authority that signed it in {stranger.path}"
    )
    with pytest.raises(exc.ConnectFailed, match=words):
        client(settings(encrypted, alice, stranger)).connect()


def test_a_broker_of_another_name_is_refused(alice: Certificate, authority: Authority) -> None:
    config = tls(authority.server("elsewhere.example"), authority)
    with (
        NatsServers(config) as server,
        pytest.raises(exc.ConnectFailed, match="Hostname mismatch.*subjectAltName"),
    ):
        client(settings(server, alice, authority)).connect()


def test_a_common_name_counts_only_if_it_is_asked_for(
    alice: Certificate, authority: Authority
) -> None:
    legacy = {"plugin__security__support_legacy_certificates": "1"}
    with NatsServers(tls(authority.client("localhost"), authority)) as server:
        with pytest.raises(exc.ConnectFailed, match="common name"):
            client(settings(server, alice, authority)).connect()
        client(settings(server, alice, authority, **legacy)).connect().disconnect()


def test_nothing_goes_in_clear_to_a_broker_without_tls(
    plain: NatsServers, alice: Certificate, authority: Authority
) -> None:
    with pytest.raises(exc.ConnectFailed, match="does not offer TLS, which is configured"):
        client(settings(plain, alice, authority)).connect()


def test_a_broker_that_takes_only_tls_is_told(
    encrypted: NatsServers, alice: Certificate, authority: Authority
) -> None:
    with pytest.raises(exc.ConnectFailed, match="takes only TLS, which is turned off"):
        client(settings(encrypted, alice, authority, **CLEAR)).connect()


# -- who may do what -------------------------------------------------------------------------------


def login(user: str, password: str) -> dict[str, str]:
    return {**CLEAR, "plugin__nats__user": user, "plugin__nats__pass": password}


def test_user_and_password(users: NatsServers, alice: Certificate, authority: Authority) -> None:
    with client(settings(users, alice, authority, **login("alice", "s3cret-word"))) as connected:
        connected.open_replies("rpcutil", "mcollective", within())


@pytest.mark.parametrize("more", [login("alice", "wrong-word"), CLEAR], ids=["wrong", "none"])
def test_a_refused_login(
    users: NatsServers, alice: Certificate, authority: Authority, more: dict[str, str]
) -> None:
    with pytest.raises(exc.AuthenticationFailed, match="Authorization Violation") as caught:
        client(settings(users, alice, authority, **more)).connect()
    assert "wrong-word" not in str(caught.value)
    hint = (
        "plugin.nats.user and plugin.nats.pass" if "plugin__nats__user" in more else "certificate"
    )
    assert hint in str(caught.value)


def test_a_refused_subscription(
    users: NatsServers, alice: Certificate, authority: Authority
) -> None:
    with client(settings(users, alice, authority, **login("deaf", "other"))) as connected:
        words = "Permissions Violation for Subscription to .*Check what the broker permits the user deaf"
        with pytest.raises(exc.BrokerError, match=words):
            connected.open_replies("rpcutil", "mcollective", within())


def test_a_refused_request(users: NatsServers, alice: Certificate, authority: Authority) -> None:
    chosen = settings(users, alice, authority, **login("bob", "other"))
    words = 'Permissions Violation for Publish to "elsewhere.broadcast.agent.rpcutil"'
    with client(chosen) as connected:
        assert connected.publish(Outgoing(b"x", "rpcutil", "elsewhere", 60, "a.b"), within()) == []
        with pytest.raises(exc.BrokerError, match=words):
            connected.next_payload(20)
    with client(chosen) as connected:
        connected.publish(Outgoing(b"x", "rpcutil", "elsewhere", 60, "a.b"), within(), receipt="r")
        with pytest.raises(exc.BrokerError, match=words):
            connected.confirm("r", within())


def test_a_request_that_is_refused_for_one_node_reaches_the_others(
    users: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(users, alice, authority, **login("bob", "other"))
    words = (
        'refused what we sent: Permissions Violation for Publish to "mcollective.node.web2". Check what the broker'
        " permits the user bob"
    )
    nodes = ["web2", "web1"]
    with (
        Node(users.port, "mcollective.node.>", **ALICE) as node,
        client(chosen) as connected,
    ):
        target = ask(connected, nodes)
        with pytest.raises(exc.RequestRefused, match=words) as caught:
            connected.next_payload(20)
        assert caught.value.node == "web2"
        assert take(connected, 1) == [b"answer"]
        connected.publish(outgoing(target.encode(), target), within(), nodes=nodes, receipt="r")
        connected.confirm("r", within())
        with pytest.raises(exc.RequestRefused, match=words):
            connected.next_payload(20)
        assert take(connected, 1) == [b"answer"]
        assert [text.strip() for text in node.seen] == [target.encode()] * 2


def test_a_call_goes_on_without_a_node_that_is_refused(
    users: NatsServers, alice: Certificate, authority: Authority
) -> None:
    chosen = settings(users, alice, authority, **login("bob", "other"))
    with (
        Node(users.port, "mcollective.node.>", answers=(b"web1",), **ALICE),
        client(chosen) as connected,
    ):
        call = conversation(connected, ["web1", "web2", "web1x"])
        began = time.monotonic()
        assert call.send(SECONDS, ["web1x", "web2", "web1"]) == []
        call.listen(Patience(SECONDS))
        assert time.monotonic() - began < SECONDS
        assert list(call.outcome.replies) == ["web1"]
        assert list(call.outcome.refused) == ["web1x", "web2"]
        assert 'to "mcollective.node.web2"' in call.outcome.refused["web2"]
        assert call.outcome.lost is None
        call.intake.await_only(["web1", "web2"])
        assert call.intake.complete
        away = conversation(connected, ["web1", "web2"])
        assert away.send_away(SECONDS, ["web2", "web1"]) == []
        assert list(away.outcome.refused) == ["web2"]


def test_the_caller_is_the_name_of_the_connection(alice: Certificate, authority: Authority) -> None:
    with NatsServers("debug: true\ntrace: true") as server:
        with client(settings(server, alice, authority, **CLEAR)) as connected:
            connected.open_replies("rpcutil", "mcollective", within())
        assert CALLER in server.log()
