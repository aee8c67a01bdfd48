# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which broker of a pool accepts us, and whether TLS to it is verified, with scripted brokers."""

from __future__ import annotations

import ssl
import time
import tracemalloc

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.middleware import (
    BaseMiddleware,
    base,
    middleware,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    BUSY,
    SECRET,
    Peer,
    ScriptedBroker,
    closed_port,
    polite,
    tls_to,
    to,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


def refusing(peer: Peer) -> None:
    """A broker that refuses every login."""
    peer.expect("CONNECT")
    peer.send("ERROR", b"Access refused\n", message="Bad CONNECT")
    peer.expect_end()


# -- the next broker -----------------------------------------------------------------------------


def test_a_broker_that_refuses_us_is_passed_over_and_it_is_told_why() -> None:
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    down = closed_port()
    with (
        ScriptedBroker(refusing) as first,
        ScriptedBroker(script) as second,
        to(first, down, second) as connected,
    ):
        assert connected.session.broker.name == f"127.0.0.1:{second.port}"
        why_first, why_down = connected.passed_over
    assert f"127.0.0.1:{first.port} refused the login of user 'user1'" in why_first
    assert "Access refused" in why_first
    assert f"cannot connect to 127.0.0.1:{down}: connection refused" in why_down
    assert SECRET not in why_first + why_down
    assert (seen[0]["login"], seen[0]["passcode"]) == ("user3", f"{SECRET}3")


def test_the_first_broker_that_takes_us_leaves_nothing_to_tell() -> None:
    with ScriptedBroker(polite) as broker, to(broker, closed_port()) as connected:
        assert connected.passed_over == []


def test_what_was_passed_over_is_that_of_the_last_connection() -> None:
    with ScriptedBroker(polite, polite) as second:
        with ScriptedBroker(polite) as first:
            connected = to(first, second)
            first_port = first.port
            with connected:
                assert connected.passed_over == []
        with connected:
            (why,) = connected.passed_over
            assert f"127.0.0.1:{first_port}" in why
        options = {**connected.settings, "plugin.rabbitmq.pool.1.port": str(second.port)}
        with middleware(Config(options)) as again:
            assert again.passed_over == []


def test_a_broker_that_complains_at_length_is_quoted_briefly() -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("ERROR", b"no " * 10**6, message="Bad CONNECT")
        peer.expect_end()

    with ScriptedBroker(script) as broker, pytest.raises(exc.AuthenticationFailed) as caught:
        to(broker).connect()
    assert "Bad CONNECT: no no no" in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_many_failed_attempts_cost_no_memory() -> None:
    many = {"initial_reconnect_delay": "0", "max_reconnect_attempts": "100000"}
    with pytest.raises(exc.ConnectFailed):
        to(closed_port()).connect(timeout=1)  # what is imported is not counted
    tracemalloc.start()
    try:
        with pytest.raises(exc.ConnectFailed, match="connection refused"):
            to(closed_port(), **many).connect(timeout=1)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_tls_that_fails_is_no_reason_to_fail_where_another_broker_is_good(
    authority: certificates.Authority,
) -> None:
    expired = authority.server_context(days=-1)
    with (
        ScriptedBroker(polite) as second,
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(refusing, context=expired) as first,
    ):
        tls = {"pool__1__ssl": "1", "pool__1__ssl__ca": authority.path}
        with to(first, second, **tls) as connected:
            assert "certificate has expired" in connected.passed_over[0]


# -- patience ------------------------------------------------------------------------------------


def test_the_pool_is_gone_through_again_as_often_as_the_configuration_says() -> None:
    def script(peer: Peer) -> None:
        refusing(peer)

    with (
        ScriptedBroker(script, script, polite) as broker,
        to(closed_port(), broker, max_reconnect_attempts="5") as connected,
    ):
        # Five were passed over, three of them at the closed port, but each is told once.
        assert len(connected.passed_over) == 2


def test_no_more_attempts_are_made_than_allowed() -> None:
    with (
        ScriptedBroker(refusing, refusing, refusing) as broker,
        pytest.raises(exc.AuthenticationFailed) as caught,
    ):
        to(broker, max_reconnect_attempts="2").connect()
    assert str(caught.value).count("refused the login") == 1
    assert caught.value.broker == f"127.0.0.1:{broker.port}"


class Waits:
    """Replaces the module time where brokers are tried. Time passes only by waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)

    def monotonic(self) -> float:
        return sum(self.seconds)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each wait between two attempts."""
    clock = Waits()
    monkeypatch.setattr(base, "time", clock)
    return clock.seconds


def test_each_wait_is_longer_than_the_one_before(waits: list[float]) -> None:
    options = {"initial_reconnect_delay": "0.1", "back_off_multiplier": "3"}
    with pytest.raises(exc.ConnectFailed):
        to(closed_port(), max_reconnect_attempts="2", **options).connect()
    assert waits == pytest.approx([0.1, 0.3])


def test_no_wait_goes_beyond_the_time_limit(waits: list[float]) -> None:
    options = {"max_reconnect_attempts": "99", "initial_reconnect_delay": "20"}
    with pytest.raises(exc.ConnectFailed, match="connection refused"):
        to(closed_port(), **options).connect(timeout=3)
    assert waits == []


def test_waits_end_with_the_time_limit(waits: list[float]) -> None:
    options = {"max_reconnect_attempts": "99999", "use_exponential_back_off": "0"}
    with pytest.raises(exc.ConnectFailed, match="connection refused"):
        to(closed_port(), initial_reconnect_delay="0.03", **options).connect(timeout=0.5)
    assert waits == pytest.approx([0.03] * 16)


def test_one_attempt_takes_no_longer_than_the_configuration_says() -> None:
    def silent(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.expect_end()

    with ScriptedBroker(silent) as first, ScriptedBroker(polite) as second:
        start = time.monotonic()
        # Without connect_timeout the first broker would get half of the time.
        with to(first, second, connect_timeout="0.2").connect(timeout=60) as connected:
            assert time.monotonic() - start < BUSY
            assert "did not answer STOMP's CONNECT in time" in connected.passed_over[0]


def test_at_random_each_round_tries_every_broker_once() -> None:
    brokers = to(*range(1, 6), randomize="1")
    turns = brokers._turns(brokers.pool.brokers)
    rounds = [[next(turns).port for _broker in range(5)] for _round in range(30)]
    assert {tuple(sorted(ports)) for ports in rounds} == {(1, 2, 3, 4, 5)}
    assert len({tuple(ports) for ports in rounds}) > 5


def test_in_order_each_round_is_the_same() -> None:
    brokers = to(1, 2, 3)
    turns = brokers._turns(brokers.pool.brokers)
    assert [next(turns).port for _broker in range(7)] == [1, 2, 3, 1, 2, 3, 1]


# -- what TLS is worth ---------------------------------------------------------------------------


def tls_of(connected: BaseMiddleware) -> ssl.SSLObject:
    """What OpenSSL knows of a connection."""
    encryption = connected.session.stream.tls
    assert encryption is not None
    return encryption.tls


def test_the_fallback_takes_a_certificate_of_anybody(authority: certificates.Authority) -> None:
    context = authority.server_context("other.example.com", days=-1)
    with (
        ScriptedBroker(polite, context=context) as broker,
        tls_to(broker, "/no/such/ca", pool__1__ssl__fallback="1") as connected,
    ):
        (warning,) = connected.pool.warnings
        assert f"127.0.0.1:{broker.port} is not verified" in warning
        assert tls_of(connected).version() in ("TLSv1.2", "TLSv1.3")


def test_the_fallback_verifies_where_it_can(authority: certificates.Authority) -> None:
    cert, key = authority.issue("client")
    files = {"pool__1__ssl__cert": cert, "pool__1__ssl__key": key}
    context = authority.server_context("other.example.com")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(refusing, context=context) as broker,
        pytest.raises(exc.ConnectFailed, match="certificate is not accepted"),
    ):
        tls_to(broker, authority.path, pool__1__ssl__fallback="1", **files).connect()


def tls_1_2(authority: certificates.Authority) -> ssl.SSLContext:
    """A broker's context in which the list of ciphers decides; TLS 1.3 has its own."""
    context = authority.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize("name", ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"])
def test_the_ciphers_of_the_configuration_are_used(
    name: str, authority: certificates.Authority
) -> None:
    with (
        ScriptedBroker(polite, context=tls_1_2(authority)) as broker,
        tls_to(broker, authority.path, pool__1__ssl__ciphers=name) as connected,
    ):
        cipher = tls_of(connected).cipher()
        assert cipher is not None and cipher[0] == name


def test_a_broker_with_none_of_our_ciphers_is_told(authority: certificates.Authority) -> None:
    context = tls_1_2(authority)
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(refusing, context=context) as broker,
        pytest.raises(exc.ConnectFailed, match="no TLS connection to .*(?i:handshake)"),
    ):
        ours = "ECDHE-RSA-AES128-GCM-SHA256"
        tls_to(broker, authority.path, pool__1__ssl__ciphers=ours).connect()


@pytest.mark.parametrize("ciphers", ["NONSENSE", "!ALL", "HIGH:\x00"])
def test_ciphers_that_openssl_does_not_have_are_refused(ciphers: str) -> None:
    tls = {"pool__1__ssl": "1", "pool__1__ssl__ciphers": ciphers}
    with pytest.raises(exc.ImproperlyConfigured) as caught:
        to(closed_port(), **tls).connect()
    assert "the ssl.ciphers of 127.0.0.1:" in str(caught.value)
    assert f"{ciphers!r}, name no cipher that OpenSSL has" in str(caught.value)
