# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of STOMP, and what headers may hold in each, against a scripted broker."""

from __future__ import annotations

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
    SECRET,
    Peer,
    ScriptedBroker,
    closed_port,
    outgoing,
    to,
    within,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


def read_raw(peer: Peer, size: int) -> tuple[bytes, bytes]:
    """The header of a frame as it came, and its body of that size."""
    while len(peer._buffer.partition(b"\n\n")[2]) <= size:
        peer.read_some()
    head, _separator, rest = peer._buffer.partition(b"\n\n")
    assert rest[size : size + 1] == b"\0"
    peer._buffer = rest[size + 1 :]
    return head, rest[:size]


# -- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,versions",
    [
        ({}, "1.1,1.0"),
        ({"stomp_1_0_fallback": "yes"}, "1.1,1.0"),
        ({"stomp_1_0_fallback": "0"}, "1.1"),
    ],
)
def test_the_versions_that_we_offer(options: dict[str, str], versions: str) -> None:
    seen: list[str] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers["accept-version"])
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker, **options):
        pass
    assert seen == [versions]


def speaking(version: str | None) -> t.Callable[[Peer], None]:
    """A broker that takes us in some version and sees that we leave."""

    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        if version is None:
            peer.send("CONNECTED", session="1")
        else:
            peer.send("CONNECTED", version=version)
        peer.expect_end()

    return script


@pytest.mark.parametrize(
    "version,fallback,wanted",
    [(None, "no", "1.1"), ("1.0", "no", "1.1"), ("1.2", "yes", "1.1 or 1.0"), ("", "yes", "1.1")],
)
def test_a_version_that_we_did_not_offer_is_refused(
    version: str | None, fallback: str, wanted: str
) -> None:
    with ScriptedBroker(speaking(version)) as broker, pytest.raises(exc.ConnectFailed) as caught:
        to(broker, stomp_1_0_fallback=fallback).connect()
    message = str(caught.value)
    spoken = "1.0" if version is None else version
    assert message.startswith(f"127.0.0.1:{broker.port} speaks STOMP {spoken}; wanted is {wanted}")
    assert "stomp_1_0_fallback" in message
    assert caught.value.broker == f"127.0.0.1:{broker.port}"


def test_a_version_that_is_our_password_is_not_told() -> None:
    spoken = f"{SECRET}1".replace("\\", "\\\\")
    with ScriptedBroker(speaking(spoken)) as broker, pytest.raises(exc.ConnectFailed) as caught:
        to(broker).connect()
    assert "speaks STOMP ********; wanted" in str(caught.value)


def requesting(reply_to: str) -> t.Callable[[BaseMiddleware], None]:
    def action(connected: BaseMiddleware) -> None:
        connected.publish(outgoing(PAYLOAD, "a", "fleet", reply_to), within(3))

    return action


def raw_request(version: str | None, reply_to: str) -> list[bytes]:
    """The lines of a request's header as a broker of that version gets them."""
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("CONNECTED", b"", **({} if version is None else {"version": version}))
        head, body = read_raw(peer, len(PAYLOAD))
        assert body == PAYLOAD
        seen.extend(head.split(b"\n"))
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        requesting(reply_to)(connected)
    return seen


ODD = "/queue/a:b\\c\\n"


@pytest.mark.parametrize("version", [None, "1.0"])
def test_a_broker_of_stomp_1_0_gets_headers_as_they_are(version: str | None) -> None:
    lines = raw_request(version, ODD)
    assert lines[0] == b"SEND"
    assert f"reply-to:{ODD}".encode() in lines


def test_a_broker_of_stomp_1_1_gets_headers_escaped() -> None:
    lines = raw_request("1.1", ODD)
    assert b"reply-to:/queue/a\\cb\\\\c\\\\n" in lines
    assert b"content-type:text/plain; charset=UTF-8" in lines


def test_a_line_break_is_escaped_in_stomp_1_1() -> None:
    lines = raw_request("1.1", "/queue/a\nmc_identity:other")
    assert b"reply-to:/queue/a\\nmc_identity\\cother" in lines


def test_replies_of_a_broker_of_stomp_1_0_are_read() -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send_raw(b"CONNECTED\nsession:1\n\n\0\n")
        peer.expect("SEND")
        peer.send_raw(b"MESSAGE\ndestination:/temp-queue/x\nmessage-id:a\\q\n\nwhole\0\n")
        peer.reply(PAYLOAD)
        peer.log_out()

    with ScriptedBroker(script) as broker, to(broker) as connected:
        requesting("/temp-queue/x")(connected)
        assert connected.next_payload(3) == b"whole"
        assert connected.next_payload(3) == PAYLOAD


# -- what would become another header ------------------------------------------------------------


@pytest.mark.parametrize(
    "version,bad",
    [
        (None, "/queue/a\nmc_identity:other"),
        (None, "/queue/a\r"),
        (None, "/queue/a\0"),
        ("1.1", "/queue/a\r"),
        ("1.1", "/queue/a\0SEND"),
    ],
)
def test_what_a_header_cannot_hold_is_refused_and_nothing_is_sent(
    version: str | None, bad: str
) -> None:
    def script(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("CONNECTED", b"", **({} if version is None else {"version": version}))
        peer.log_out()

    with (
        ScriptedBroker(script) as broker,
        to(broker) as connected,
        pytest.raises(exc.BadRequest, match="reply-to cannot hold a line break or a NUL"),
    ):
        requesting(bad)(connected)


@pytest.mark.parametrize(
    "option,header", [("pool.1.user", "login"), ("pool.1.password", "passcode"), ("vhost", "host")]
)
@pytest.mark.parametrize("end", ["\nhost:/other", "\r", "\0"])
@pytest.mark.parametrize("kind", ["activemq", "rabbitmq"])
def test_a_login_that_would_become_another_header_is_refused_before_connecting(
    kind: str, end: str, option: str, header: str
) -> None:
    options = {f"plugin.{kind}.pool.1.host": "127.0.0.1", f"plugin.{kind}.pool.size": "1"}
    options[f"plugin.{kind}.pool.1.port"] = str(closed_port())
    options[f"plugin.{kind}.pool.1.user"] = "alice"
    options[f"plugin.{kind}.{option}"] = SECRET + end
    with pytest.raises(exc.BadRequest) as caught:
        middleware(Config({"connector": kind, **options})).connect()
    assert f"header {header} cannot hold a line break or a NUL" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_nobody_logs_in_without_a_user() -> None:
    # ActiveMQ takes the absence as anonymous, an empty name as a wrong one.
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.log_in().headers)
        peer.log_out()

    with ScriptedBroker(script) as broker:
        options = {**to(broker).settings}
        del options["plugin.rabbitmq.pool.1.user"]
        with middleware(Config(options)):
            pass
    assert set(seen[0]) == {"accept-version", "host"}


@pytest.mark.parametrize("option", ["stomp_1_0_fallback", "heartbeat_interval", "max_hbread_fails"])
def test_a_wrong_option_of_the_login_is_refused_before_connecting(option: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=f"plugin.rabbitmq.{option} is not"):
        to(closed_port(), **{option: "x"})
