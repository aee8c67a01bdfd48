# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what on a real Choria Broker, with a token (version 2) and with a certificate (version 1)."""

from __future__ import annotations

import typing as t

import pytest
from nats_server import CALLER, outgoing, take, within
from testbed.choria import program
from testbed.choria.broker import Broker
from testbed.choria.tokens import Credentials, Issuer

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    middleware,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settings import Settings

if t.TYPE_CHECKING:
    from testbed.certificates import Authority

pytestmark = pytest.mark.skipif(program.find() is None, reason=program.missing() or "")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The organisation whose tokens the broker accepts."""
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def second(authority: Authority, issuer: Issuer) -> t.Iterator[Broker]:
    """A broker of version 2."""
    with Broker(authority, issuer) as broker:
        yield broker


@pytest.fixture(scope="module")
def first(authority: Authority) -> t.Iterator[Broker]:
    """A broker of version 1."""
    with Broker(authority) as broker:
        yield broker


def client(
    broker: Broker, issuer: Issuer, credentials: Credentials, caller: str = "up=alice"
) -> BaseMiddleware:
    """A client with a token."""
    prefix = "plugin.security.choria"
    options = {
        "identity": "me.example",
        "connector": "nats",
        "securityprovider": "choria",
        "connection_timeout": "20",
        "plugin.choria.middleware_hosts": broker.hosts,
        "plugin.security.provider": "choria",
        "plugin.security.issuer.names": issuer.name,
        f"plugin.security.issuer.{issuer.name}.public": issuer.public,
        f"{prefix}.token_file": str(credentials.token),
        f"{prefix}.seed_file": str(credentials.seed),
        f"{prefix}.ca": str(broker.authority.path),
    }
    return middleware(Settings(options), caller)


def test_a_token_lets_us_publish_and_hear_our_replies(second: Broker, issuer: Issuer) -> None:
    with client(second, issuer, issuer.client("alice")) as connected:
        target = connected.open_replies("rpcutil", "choria", within())
        request = outgoing(b"x", target)
        connected.publish(request, within(), nodes=["web1", "web2"], receipt="r")
        connected.confirm("r", within())
        connected.publish(request, within(), receipt="r")
        connected.confirm("r", within())


def test_nobody_hears_the_replies_of_others(second: Broker, issuer: Issuer) -> None:
    """Replies go to the MD5 of a callerid, and the broker lets a token hear only its own."""
    credentials = issuer.client("alice")
    with client(second, issuer, credentials, "up=bob") as connected:
        words = (
            "Permissions Violation for Subscription to .*Check what the broker permits the token"
        )
        with pytest.raises(exc.BrokerError, match=words):
            connected.open_replies("rpcutil", "choria", within())


def test_a_token_without_fleet_management_cannot_publish(second: Broker, issuer: Issuer) -> None:
    credentials = issuer.client("weak", permissions={})
    with client(second, issuer, credentials, "up=weak") as connected:
        target = connected.open_replies("rpcutil", "choria", within())
        connected.publish(outgoing(b"x", target), within())
        with pytest.raises(exc.BrokerError, match="Permissions Violation for Publish"):
            take(connected, 1)


def test_tokens_that_the_broker_refuses(
    second: Broker, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Issuer(tmp_path_factory.mktemp("other")).client("alice")
    mixed = Credentials(issuer.client("alice").token, issuer.client("carol").seed)
    for wrong in (issuer.client("late", lifetime=-60), other, mixed):
        with pytest.raises(exc.AuthenticationFailed) as caught:
            client(second, issuer, wrong).connect()
        assert f"Is the token {wrong.token} expired, did its issuer sign it" in str(caught.value)


def test_a_certificate(first: Broker, authority: Authority) -> None:
    alice = authority.member("alice.mcollective")
    options = {
        "connector": "nats",
        "securityprovider": "choria",
        "plugin.choria.middleware_hosts": first.hosts,
        "plugin.security.provider": "file",
        "plugin.security.file.certificate": str(alice.path),
        "plugin.security.file.key": str(alice.key),
        "plugin.security.file.ca": str(authority.path),
    }
    with middleware(Settings(options), CALLER) as connected:
        target = connected.open_replies("rpcutil", "mcollective", within())
        connected.publish(outgoing(b"x", target), within(), receipt="r")
        connected.confirm("r", within())
        connected.session.send(target, b"no echo", {}, within())
        with middleware(Settings(options), CALLER) as other:
            other.session.send(target, b"reply", {}, within())
        assert take(connected, 1) == [b"reply"]
