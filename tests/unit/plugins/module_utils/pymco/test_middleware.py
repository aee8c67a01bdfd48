# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new transport needs one class and one line in the registry. This one has no STOMP, headers or Base64."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import middleware as registry
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    Outgoing,
    middleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import Broker, Pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    outgoing,
    within,
)

BROKER = Broker("pigeonry", 7, "", "")


class Cage:
    """A session that keeps what it sends, and returns it as messages."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.alive, self.crowded = True, False
        self.sent: list[tuple[str, bytes]] = []
        self.subjects: list[str] = []

    def send(
        self, destination: str, body: bytes, headers: t.Mapping[str, str], deadline: float
    ) -> None:
        assert set(headers) <= {"receipt"}
        if destination.endswith(".lost"):
            raise exc.ConnectionLost("gone", self.broker.name)
        self.sent.append((destination, body))

    def subscribe(self, destination: str, subscription: str, deadline: float) -> None:
        self.subjects.append(destination)

    def await_receipt(self, receipt: str, deadline: float) -> None:
        assert self.sent

    def next_message(self, timeout: float) -> bytes | None:
        return self.sent[0][1] if self.sent else None

    def close(self) -> None:
        self.alive = False


class Pigeons(BaseMiddleware):
    """Addresses that contain the caller, and a document around each payload, as Choria has them."""

    max_payload: int | None = 150

    def make_pool(self) -> Pool:
        return Pool((BROKER,), 1, 0.0, 0.0, 1.0, False, 1.0, ())

    def open_session(self, broker: Broker, seconds: float) -> Cage:
        return Cage(broker)

    def target(self, agent: str, collective: str, node: str | None = None) -> str:
        if node == "*":
            raise exc.BadRequest("there can be no subject for the node *")
        return f"{collective}.broadcast.{agent}" if node is None else f"{collective}.node.{node}"

    def reply_target(self, agent: str, collective: str) -> str:
        caller = hashlib.md5(self.callerid.encode()).hexdigest()
        return f"{collective}.reply.{caller}.{next(self._sequence)}"

    def wrap(self, outgoing: Outgoing) -> bytes:
        sender = self.settings.identity
        document = [sender, outgoing.reply_to, outgoing.agent, outgoing.payload.decode()]
        return json.dumps(document).encode()

    def unwrap(self, body: bytes) -> bytes:
        return t.cast(str, json.loads(body)[3]).encode()


@pytest.fixture(name="pigeons")
def fixture_pigeons(monkeypatch: pytest.MonkeyPatch) -> BaseMiddleware:
    monkeypatch.setattr(registry, "MIDDLEWARE", {"pigeons": Pigeons})
    settings = Settings({"connector": "pigeons", "identity": "me"})
    return middleware(settings, "choria=alice.mcollective")


def test_a_request_and_its_reply(pigeons: BaseMiddleware) -> None:
    with pigeons:
        reply_to = pigeons.open_replies("rpcutil", "fleet", within(3))
        request = outgoing(b"ping", "rpcutil", "fleet", reply_to)
        assert pigeons.publish(request, within(3)) == []
        assert pigeons.publish(request, within(3), nodes=["web1", "db"], receipt="r") == []
        pigeons.confirm("r", within(3))
        assert pigeons.next_payload(3) == b"ping"
        cage = t.cast(Cage, pigeons.session)
    # The digest is that of the protocol's description.
    assert reply_to.startswith("fleet.reply.74ce5a833e16d4afa24ecbc90fff8506.")
    assert cage.subjects == [reply_to]
    assert [address for address, _body in cage.sent] == [
        "fleet.broadcast.rpcutil",
        "fleet.node.web1",
        "fleet.node.db",
    ]
    documents = {body for _address, body in cage.sent}
    assert [json.loads(body) for body in documents] == [["me", reply_to, "rpcutil", "ping"]]
    assert not cage.alive


def test_what_is_too_large_when_it_is_wrapped_is_refused_before_any_of_it_leaves(
    pigeons: BaseMiddleware,
) -> None:
    with pigeons:
        payload = b"x" * 121
        assert len(payload) < t.cast(int, pigeons.max_payload)
        with pytest.raises(exc.BadRequest, match=r"has 151 bytes; the middleware takes 150$"):
            pigeons.publish(outgoing(payload, "rpcutil", "fleet", "inbox"), within(3), nodes=["a"])
        assert t.cast(Cage, pigeons.session).sent == []


def test_who_did_not_get_it_is_told(pigeons: BaseMiddleware) -> None:
    request = outgoing(b"x", "rpcutil", "fleet", "inbox")
    with pigeons, pytest.raises(exc.ConnectionLost) as caught:
        pigeons.publish(request, within(3), nodes=["a", "lost", "b"])
    assert caught.value.unsent == ["lost", "b"]


def test_a_request_does_not_show_its_payload() -> None:
    assert "secret" not in repr(outgoing(b"secret", "a", "c", "r"))


def test_a_name_without_an_address_is_refused_before_the_first_message_leaves(
    pigeons: BaseMiddleware,
) -> None:
    request = outgoing(b"x", "rpcutil", "fleet", "inbox")
    with pigeons:
        with pytest.raises(exc.BadRequest, match="no subject"):
            pigeons.publish(request, within(3), nodes=["web1", "*"])
        assert t.cast(Cage, pigeons.session).sent == []
