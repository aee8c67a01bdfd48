# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client does is logged at debug level, without bodies and secrets, and to the logger that is given."""

from __future__ import annotations

import logging
import re
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, logs
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.intake import Intake
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.listener import (
    ResponseListener,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import (
    Client,
    Request,
    SimpleAction,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Peer,
    ScriptedBroker,
    closed_port,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    done,
    read,
    sealed,
)

BODY = "what-is-in-the-body"
PASSWORD = "the-password-of-the-broker"
PSK = "the-pre-shared-key"
HIDDEN = (BODY, PASSWORD, PSK)
NUMBER = re.compile(r"[0-9a-f]{32}|\d+")


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def settings(port: int, connector: str = "rabbitmq", **more: str) -> Config:
    pool = f"plugin.{connector}.pool.1"
    secrets = {f"{pool}.user": "mco", f"{pool}.password": PASSWORD, "plugin.psk": PSK}
    return config(port, connector, **secrets, **more)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, with N for every number, once each."""
    lines = [NUMBER.sub("N", record.getMessage()) for record in caplog.records]
    return list(dict.fromkeys(lines))


def check(caplog: pytest.LogCaptureFixture, name: str = "pymco") -> None:
    """No record contains a secret or a body, neither in its text nor in its arguments."""
    assert caplog.records
    for record in caplog.records:
        assert (record.name, record.levelno) == (name, logging.DEBUG)
        everything = f"{record.getMessage()} {record.__dict__!r}"
        assert not [word for word in HIDDEN if word in everything]


def node(connector: str) -> t.Callable[[Peer], None]:
    """A broker with a node that answers, one that answers another request and a thief."""

    def script(peer: Peer) -> None:
        assert PASSWORD in str(peer.log_in())
        if connector == "activemq":
            peer.expect("SUBSCRIBE")
        request = read(peer.expect("SEND"))
        assert BODY in str(request)
        peer.reply(sealed({**request, ":requestid": "0" * 32}, "web1", BODY))
        peer.reply(sealed(request, "thief", BODY, key=b"another"))
        peer.reply(BODY.encode())
        peer.reply(sealed(request, "web1", done(data={"x": BODY}), key=PSK.encode()))
        peer.log_out()

    return script


@pytest.mark.parametrize("connector", ["activemq", "rabbitmq"])
def test_a_call_is_told_step_by_step_without_bodies_and_secrets(
    connector: str, caplog: pytest.LogCaptureFixture
) -> None:
    request = Request("demo", "x", {"message": BODY}, nodes=("web1",), timeout=60)
    with ScriptedBroker(node(connector)) as broker:
        conf = settings(broker.port, connector, direct_addressing="0")
        with Client(conf) as client:
            result = client.call(request)
    assert result.replies[0].data == {"x": BODY}
    subscribed = ["subscribing to /queue/mcollective.reply.me_N.N"]
    check(caplog)
    assert said(caplog) == [
        "the configuration is from the given options",
        "connecting to N.N.N.N:N",
        "connected to N.N.N.N:N",
        "signed a request as uid=N: N bytes",
        *(subscribed if connector == "activemq" else []),
        "publishing N bytes for the agent demo on all nodes of mcollective",
        "rejected a message of N bytes: other_request",
        "rejected a message of N bytes: forged",
        "rejected a message of N bytes: undecodable",
        "reply of webN to the request N: N bytes",
        "disconnecting from N.N.N.N:N",
    ]


def test_a_call_step_by_step_is_told_too(caplog: pytest.LogCaptureFixture) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")
        answer(peer, read(peer.expect("SEND")), "thief", BODY)
        peer.expect("UNSUBSCRIBE")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        conf = settings(broker.port)
        connected = conf.get_connector().connect()
        connected.subscribe("/queue/x")
        connected.send(Message({"a": BODY}, "demo", conf), "/exchange/y", secret=BODY)
        with pytest.raises(exc.TimeoutError):
            connected.receive(0.5)
        connected.unsubscribe("/queue/x").disconnect()
    check(caplog)
    assert said(caplog)[3:] == [
        "subscribing to /queue/x",
        "signed a request as uid=N: N bytes",
        "publishing N bytes to /exchange/y",
        "rejected a message of N bytes: forged",
        "unsubscribing from /queue/x",
        "disconnecting from N.N.N.N:N",
    ]


def test_what_a_broker_says_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    def refusing(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.send("ERROR", f"{BODY} {PASSWORD}".encode(), message=BODY)

    with ScriptedBroker(refusing) as broker, pytest.raises(exc.AuthenticationFailed):
        settings(broker.port).get_connector().connect()
    check(caplog)
    assert said(caplog)[-1] == "not connected to N.N.N.N:N: AuthenticationFailed"


def test_a_listener_tells_what_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    conf = settings(1)
    waiting = ResponseListener(conf, conf.get_connector(), count=1, timeout=60)
    request = {":requestid": "1", ":agent": "a"}
    for key in (b"another", PSK.encode()):
        waiting.on_message({}, sealed(request, "web1", BODY, key=key))
    assert waiting.wait_on_message().responses[0][":body"] == BODY
    check(caplog)
    assert said(caplog)[1:] == ["rejected a message of N bytes", "took a message of N bytes"]


# -- loggers that are given ------------------------------------------------------------------------

OWN = logging.getLogger("of.the.program")


@pytest.mark.parametrize(
    "make,call",
    [
        (lambda conf: conf.get_connector(), lambda made: made.connect()),
        (lambda conf: SimpleAction(conf, Message("x", "a", conf), "a"), lambda made: made.call()),
        (Client, lambda made: made.call(Request("demo", "x"))),
    ],
    ids=["connector", "action", "client"],
)
def test_a_configurations_logger_serves_all_that_is_made_from_it(
    make: t.Callable[[Config], t.Any],
    call: t.Callable[[t.Any], t.Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = make(Config(dict(settings(closed_port())), logger=OWN).altered({"ttl": "5"}))
    caplog.clear()
    with pytest.raises(exc.ConnectorError):
        made.__enter__() if isinstance(made, Client) else call(made)
    check(caplog, "of.the.program")


def test_an_actions_logger_is_its_connectors_and_its_providers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with ScriptedBroker(node("rabbitmq")) as broker:
        conf = settings(broker.port)
        message = Message({":a": BODY}, "demo", conf)
        action = SimpleAction(config=conf, msg=message, agent="demo", logger=OWN)
        assert action.connector.logger is action.connector.security.logger is OWN
        caplog.clear()
        action.call(timeout=60)
    check(caplog, "of.the.program")
    assert {"connected", "signed", "publishing", "rejected", "reply"} <= {
        line.split()[0] for line in said(caplog)
    }


def test_connectors_providers_and_listeners_have_loggers_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    conf = settings(closed_port())
    provider = type(conf.get_security())(config=conf, logger=OWN)
    connector = type(conf.get_connector())(config=conf, logger=OWN)
    waiting = ResponseListener(conf, connector, 1, timeout=60, logger=OWN)
    caplog.clear()
    provider.encode(Message("x", "demo", conf))
    with pytest.raises(exc.ConnectFailed):
        connector.connect()
    waiting.on_message({}, sealed({":requestid": "1", ":agent": "a"}, "a", key=PSK.encode()))
    waiting.wait_on_message()
    check(caplog, "of.the.program")
    assert [line.split()[0] for line in said(caplog)] == ["signed", "connecting", "not", "took"]


# -- when nobody listens ---------------------------------------------------------------------------


class Silent(logging.Logger):
    """A logger that is off, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__("silent", logging.WARNING)
        self.asked = 0

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        self.asked += 1
        return super().isEnabledFor(level)


@pytest.mark.parametrize("replies", [1, 100])
def test_replies_cost_nothing_when_the_logger_is_off(replies: int) -> None:
    silent = Silent()
    conf = Config(dict(settings(1)), logger=silent)
    request = {":requestid": "1", ":agent": "a"}
    silent.asked = 0
    intake = Intake(conf.get_security(), "1", None)
    for number in range(replies):
        assert intake.take(sealed(request, f"web{number}", key=PSK.encode()))
        assert not intake.take(b"garbage")
    assert silent.asked == 1


def test_a_logger_that_is_off_has_no_method() -> None:
    assert logs.debug(Silent()) is None
    assert logs.LOG.name == "pymco"
