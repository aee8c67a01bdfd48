# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listening without a request: which messages are heard, which are rejected and why, and what follows a lost connection."""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, subscription
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    MarshalSerializer,
    Symbol,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.subscription import (
    Heard,
    Subscription,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    PATIENCE,
    Peer,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.hostile import (
    little_memory,
    shared,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    config,
    sealed,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

NOW = 1395419893
AGENTS = ["rpcutil", "discovery"]
ADDRESS = "/queue/elsewhere"


def registration(key: bytes = b"key", data: bytes = b"", **changes: t.Any) -> bytes:
    """Return what a node registers, signed with a pre-shared key (MC:registration/base.rb).

    :param data: the serialized body; default: the agents.
    """
    data = data or MarshalSerializer().serialize(AGENTS)
    fields = {
        "senderid": "web1",
        "requestid": "0" * 32,
        "agent": "registration",
        "callerid": "uid=0",
        "collective": "mcollective",
        "filter": {},
        "msgtime": NOW,
        "ttl": 60,
        "body": data,
        "hash": hashlib.md5(data + key).hexdigest(),
        **changes,
    }
    return MarshalSerializer().serialize({Symbol(name): item for name, item in fields.items()})


def reply(sender: t.Any = "web1", number: int = 0, key: bytes = b"key") -> bytes:
    """Return a reply to a request of somebody else."""
    return sealed({":requestid": f"{number:032x}", ":agent": "rpcutil"}, sender, key=key)


def heard_of(
    payloads: list[bytes], kind: subscription.Kind = "registration", **options: t.Any
) -> tuple[list[Heard], Subscription]:
    """Return what is heard of these payloads, and the subscription after that."""

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        for payload in [*payloads, last]:
            peer.reply(payload)
        peer.expect("DISCONNECT")

    last = registration(senderid="last") if kind == "registration" else reply("last")
    found: list[Heard] = []
    with ScriptedBroker(script) as broker:
        address = None if kind == "registration" else ADDRESS
        given = {"now": lambda: float(NOW), **options}
        with Subscription(config(broker.port), kind, address, **given) as listening:
            while not found or found[-1].sender != "last":
                if (heard := listening.next(PATIENCE)) is not None:
                    found.append(heard)
    return found[:-1], listening


def test_a_registration_is_heard_as_it_was_sent() -> None:
    (heard,), listening = heard_of([registration()])
    assert heard == Heard("registration", "web1", "registration", "0" * 32, NOW, AGENTS)
    assert not listening.outcome.rejected
    assert listening.address == "/exchange/mcollective_broadcast/registration"


def test_a_reply_is_heard_whoever_has_asked() -> None:
    (heard,), _listening = heard_of([reply()], "reply")
    assert heard == Heard("reply", "web1", "rpcutil", "0" * 32, 1395419893, "pong")


REASONS = {"undecodable", "malformed", "forged", "other_request", "expired", "duplicate"}
REJECTED: dict[str, tuple[str, list[bytes]]] = {
    "another key": ("forged", [registration(b"other")]),
    "no signature": ("forged", [registration(hash=None)]),
    "a signature that is a number": ("forged", [registration(hash=5)]),
    "garbage": ("undecodable", [b"\4\x08garbage"]),
    "nothing": ("undecodable", [b""]),
    "not an envelope": ("undecodable", [MarshalSerializer().serialize([1])]),
    "a body that cannot be read": ("malformed", [registration(data=b"\4\x08?")]),
    "no sender": ("malformed", [registration(senderid=None)]),
    "a sender that is a list": ("malformed", [registration(senderid=["web1"])]),
    "a sender with a line feed": ("malformed", [registration(senderid="web1\nweb2")]),
    "no requestid": ("undecodable", [registration(requestid=None)]),
    "a requestid that is a list": ("undecodable", [registration(requestid=[])]),
    "no time": ("malformed", [registration(msgtime=None)]),
    "a time that is a text": ("malformed", [registration(msgtime="now")]),
    "no ttl": ("malformed", [registration(ttl=None)]),
    "a ttl that is true": ("malformed", [registration(ttl=True)]),
    "a request to another agent": ("other_request", [registration(agent="rpcutil")]),
    "a reply": ("other_request", [reply()]),
    "an old one": ("expired", [registration(msgtime=NOW - 61)]),
    "one of the future": ("expired", [registration(msgtime=NOW + 61)]),
    "one of a very far future": ("expired", [registration(msgtime=2**63 - 1)]),
    "a time that is no time": ("malformed", [registration(msgtime=2**63)]),
    "a ttl without end": ("malformed", [registration(ttl=10**400)]),
    "the same again": ("duplicate", [registration(requestid="1" * 32)]),
    "one that links make large": ("oversized", [registration(data=shared(100, 40))]),
    "a large one": ("oversized", [registration(data=MarshalSerializer().serialize("x" * 2000))]),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_a_hostile_message_is_counted_and_not_heard(kind: str) -> None:
    reason, payloads = REJECTED[kind]
    found, listening = heard_of([registration(), *payloads], most_bytes=1000)
    assert [heard.sender for heard in found] == ["web1"]
    assert dict(listening.outcome.rejected) == {reason: len(payloads)}


def test_no_text_is_made_of_what_is_compared() -> None:
    with little_memory():
        (heard,), listening = heard_of([registration(data=shared(500, 2000))] * 2)
    assert len(heard.body) == 2001
    assert dict(listening.outcome.rejected) == {"duplicate": 1}


def test_replies_are_judged_too_but_not_by_their_time() -> None:
    payloads = [reply(), reply(), reply(number=1), reply(key=b"other"), registration()]
    nobody = "a b"
    found, listening = heard_of([*payloads, reply(nobody)], "reply")
    assert [heard.requestid for heard in found] == ["0" * 32, f"{1:032x}"]
    assert dict(listening.outcome.rejected) == {"duplicate": 1, "forged": 1, "malformed": 2}
    assert listening.outcome.culprits["duplicate"] == ["web1"]
    assert repr(nobody) in listening.outcome.culprits["malformed"]


def test_a_broker_that_refuses_what_nobody_has_sent_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A NATS server can complain of a request to any node, also to a client that sends none."""
    refusals = [exc.RequestRefused("the broker refused what we sent", "web1")]
    next_payload = BaseMiddleware.next_payload

    def refusing(self: BaseMiddleware, timeout: float) -> bytes | None:
        if refusals:
            raise refusals.pop()
        return next_payload(self, timeout)

    monkeypatch.setattr(BaseMiddleware, "next_payload", refusing)
    found, listening = heard_of([registration()])
    assert [heard.sender for heard in found] == ["web1"]
    assert dict(listening.outcome.rejected) == {"other_request": 1}


def test_only_so_many_messages_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "REMEMBERED", 2)
    numbers = [0, 1, 0, 2, 3, 0]
    found, listening = heard_of([reply(number=number) for number in numbers], "reply")
    assert [int(heard.requestid, 16) for heard in found] == [0, 1, 2, 3, 0]
    assert len(listening._seen) == 2


def test_a_lost_connection_is_replaced_after_a_pause_that_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broker ends two connections at once, delivers over the third, and ends it too."""
    monkeypatch.setattr(subscription, "PAUSES", (0.01, 0.03))
    pauses: list[float] = []

    def ends(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")

    def delivers(peer: Peer) -> None:
        ends(peer)
        peer.reply(registration())

    def stays(peer: Peer) -> None:
        ends(peer)
        peer.reply(registration(senderid="web2"))
        peer.expect("DISCONNECT")

    with (
        ScriptedBroker(ends, ends, ends, delivers, stays) as broker,
        Subscription(config(broker.port), now=lambda: float(NOW)) as listening,
    ):
        lose = listening._lose

        def noted(error: exc.ConnectorError) -> None:
            pauses.append(listening._pause)
            lose(error)

        monkeypatch.setattr(listening, "_lose", noted)
        first, second = listening.next(PATIENCE), listening.next(PATIENCE)
        assert listening.broker == f"127.0.0.1:{broker.port}"
        assert listening.outcome.lost is None
    assert first is not None and second is not None
    assert (first.sender, second.sender) == ("web1", "web2")
    assert pauses == [0.01, 0.02, 0.03, 0.01]
    assert len(listening.outcome.resumed) == 4
    assert "closed the connection" in listening.outcome.resumed[0]
    assert not listening.connected


def test_a_broker_that_is_not_there_is_told_and_not_raised() -> None:
    with ScriptedBroker() as broker:
        port = broker.port
    with Subscription(config(port)) as listening:
        assert listening.next(0.2) is None
        assert listening.broker == ""
        assert isinstance(listening.outcome.lost, exc.ConnectFailed)


def test_heart_beats_show_that_a_silent_broker_is_gone() -> None:
    def script(peer: Peer) -> None:
        offers.append(peer.log_in().headers["heart-beat"])
        peer.expect("SUBSCRIBE")
        peer.reply(registration())

    offers: list[str] = []
    for given in ({}, {"plugin.rabbitmq.heartbeat_interval": "50"}):
        with (
            ScriptedBroker(script) as broker,
            Subscription(config(broker.port, **given), now=lambda: float(NOW)) as listening,
        ):
            assert listening.next(PATIENCE) is not None
    assert offers == ["30500,29500", "50500,49500"]


def test_what_cannot_be_listened_to_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(exc.BadRequest, match="name the address that replies are sent to"):
        Subscription(config(1), "reply")
    with pytest.raises(exc.BadRequest, match="nobody can listen at /temp-queue/x"):
        Subscription(config(1), "reply", "/temp-queue/x")


def test_a_provider_that_can_verify_no_registration_is_refused() -> None:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import PROVIDERS

    able = {name for name in PROVIDERS if getattr(PROVIDERS[name], "verifies_requests", False)}
    assert able == {"none", "psk", "ssl"}


@pytest.mark.parametrize(
    "connector, address",
    [
        ("rabbitmq", "/exchange/eu_broadcast/registration"),
        ("activemq", "/topic/eu.registration.agent"),
        ("stomp", "/topic/eu.registration.command"),
    ],
)
def test_registrations_are_where_nodes_send_them(connector: str, address: str) -> None:
    more = {"plugin.stomp.pool.host1": "127.0.0.1"} if connector == "stomp" else {}
    assert Subscription(config(1, connector, **more), collective="eu").address == address


def test_no_damaged_message_raises_and_none_is_heard_with_another_body() -> None:
    """Each byte is replaced by others, in the order of the payload. All of it is in the envelope or signed."""
    payload, bodies = registration(), set()
    listening = Subscription(config(1), now=lambda: float(NOW))
    for position in range(len(payload)):
        for byte in (0, 5, 0x22, 0x30, 0x5B, 0x69, 0xFF):
            damaged = payload[:position] + bytes([byte]) + payload[position + 1 :]
            heard = listening._judged(damaged)
            if isinstance(heard, Heard):
                bodies.add(repr(heard.body))
            else:
                assert heard in REASONS
    assert bodies == {repr(AGENTS)}
