# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bugs that python-mcollective had, by number; those that show on the wire only are in tests/interop.

Each test's docstring says what was wrong there.
"""

from __future__ import annotations

import base64
import copy
import logging
import os
import pathlib
import re
import ssl
import time
import typing as t

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.connector import CONNECTORS
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.listener import (
    CurrentHostPortListener,
    SingleResponseListener,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter, Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.pool import pool
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import (
    Client,
    Request,
    SimpleAction,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import PROVIDERS
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.psk import (
    PskProvider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.ssl import (
    SSLProvider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import (
    SERIALIZERS,
    Symbol,
    YamlSerializer,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    certificates,
    ruby,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
    ScriptedBroker,
    closed_port,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    read,
    sealed,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.signing import (
    ssl_options,
)

pytestmark = pytest.mark.usefixtures("nothing_left")

SOON = 40.0
"""Seconds, more than anything here may take."""


def ping(conf: Config, timeout: float = 2) -> list[t.Any]:
    """The senders that a ping brings, in their order."""
    msg = Message(body="ping", agent="discovery", config=conf)
    action = SimpleAction(config=conf, msg=msg, agent="discovery")
    return [reply[":senderid"] for reply in action.call(timeout=timeout)]


def node(reply: t.Callable[[Peer, dict[str, t.Any]], None]) -> t.Callable[[Peer], None]:
    """A broker with a node that handles one request."""

    def script(peer: Peer) -> None:
        peer.log_in()
        reply(peer, read(peer.expect("SEND")))
        peer.log_out()

    return script


def answers(*senders: str) -> t.Callable[[Peer, dict[str, t.Any]], None]:
    def reply(peer: Peer, request: dict[str, t.Any]) -> None:
        for sender in senders:
            answer(peer, request, sender, "pong")

    return reply


def test_bug_01_only_the_first_reply_was_returned() -> None:
    """1: a call returned with the first reply and disconnected."""
    with ScriptedBroker(node(answers("a", "b", "c"))) as broker:
        assert ping(config(broker.port)) == ["a", "b", "c"]


@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"\x04\x08", b"--- !ruby/object:X", b""])
def test_bug_02_a_reply_that_cannot_be_decoded_hung_the_caller(garbage: bytes) -> None:
    """2: an exception while decoding left a lock behind, and the timeout was ignored."""

    def garbage_only(peer: Peer, _request: dict[str, t.Any]) -> None:
        peer.reply(garbage)

    def garbage_first(peer: Peer, request: dict[str, t.Any]) -> None:
        peer.reply(garbage)
        answer(peer, request, "a", "pong")

    start = time.monotonic()
    with ScriptedBroker(node(garbage_only), node(garbage_first)) as broker:
        with pytest.raises(exc.TimeoutError):
            ping(config(broker.port), timeout=0.3)
        assert ping(config(broker.port)) == ["a"]
    assert time.monotonic() - start < SOON


def test_bug_02_nor_does_it_hang_a_listener() -> None:
    """2: the same, for whoever waits with a listener of his own."""
    conf = config(1)
    waiting = SingleResponseListener(config=conf, connector=conf.get_connector(), timeout=SOON)
    for body in (b"\xff\xfe", sealed({":requestid": "1", ":agent": "a"}, "a")):
        waiting.on_message(Frame("MESSAGE", {}, body))
    start = time.monotonic()
    waiting.wait_on_message()
    assert time.monotonic() - start < SOON / 2
    assert [reply[":senderid"] for reply in waiting.responses] == ["a"]


def test_bug_03_any_message_counted_as_a_reply() -> None:
    """3: neither the requestid nor the sender was looked at."""

    def reply(peer: Peer, request: dict[str, t.Any]) -> None:
        answer(peer, {**request, ":requestid": "0" * 32}, "other-request", "pong")
        peer.reply(sealed(request, "no identity"))
        peer.reply(sealed(request, "forger", key=b"another key"))
        answer(peer, request, "a", "pong")
        answer(peer, request, "a", "again")

    with ScriptedBroker(node(reply)) as broker:
        assert ping(config(broker.port)) == ["a"]


def test_bug_04_replies_that_came_early_were_lost() -> None:
    """4: the listener was installed after the request had been sent."""

    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SUBSCRIBE")  # which has to come first
        answer(peer, read(peer.expect("SEND")), "a", "pong")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        conf = config(broker.port, "activemq")
        assert ping(conf) == ["a"]

    with (
        ScriptedBroker(node(answers("a"))) as broker,
        config(broker.port).get_connector() as connected,
    ):
        connected.send(Message("ping", "discovery", connected.config), "/exchange/x/y")
        time.sleep(0.3)  # the reply is there before anybody waits
        assert len(connected.receive(1)) == 1


def test_bug_05_requests_of_the_same_second_had_the_same_id() -> None:
    """5: the requestid was the SHA-1 of the time in seconds, on every client."""
    conf = config(1)
    messages = [Message("ping", "discovery", conf, now=lambda: 1395419893) for _each in range(100)]
    requestids = {msg[":requestid"] for msg in messages}
    assert len(requestids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", requestid) for requestid in requestids)


def test_bug_08_a_provider_that_had_signed_could_not_verify(
    rsa_keys: certificates.KeyPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8: both keys were kept in one place, so that replies were checked with the client's key; and
    the private key was read anew for each message."""
    provider = SSLProvider(Config(ssl_options(rsa_keys)))
    message = Message("ping", "discovery", provider.config)
    monkeypatch.setattr("builtins.open", None)  # no file is read from here on
    for _message in range(2):
        provider.sign(message)
        body = provider.serializer.serialize("pong")
        signature = rsa_keys.server.sign(body, padding.PKCS1v15(), hashes.SHA1())
        reply = {
            Symbol("body"): body.decode(),
            Symbol("hash"): base64.b64encode(signature).decode(),
        }
        assert provider.verify(reply)[":body"] == "pong"
        forged = rsa_keys.client.sign(body, padding.PKCS1v15(), hashes.SHA1())
        with pytest.raises(exc.VerificationError):
            provider.verify({**reply, Symbol("hash"): base64.b64encode(forged).decode()})


def test_bug_09_the_callerid_ended_at_the_first_dot(rsa_keys: certificates.KeyPairs) -> None:
    """9: alice.admin.pem became cert=alice, which no node knows."""
    assert rsa_keys.client_public.endswith("/alice.admin.pem")
    assert SSLProvider(Config(ssl_options(rsa_keys))).callerid == "cert=alice.admin"


def test_bug_10_only_ssl_with_yaml_was_supported() -> None:
    """10: no PSK, which is the default; no AES; no Marshal; none was in no release."""
    assert set(PROVIDERS) >= {"aes_security", "none", "psk", "ssl"}
    assert set(SERIALIZERS) >= {"marshal", "yaml"}
    provider = Config({"plugin.psk": "key"}).get_security()
    assert isinstance(provider, PskProvider)
    assert isinstance(provider.serializer, SERIALIZERS["marshal"])


def test_bug_12_clients_shared_a_queue_for_replies_on_rabbitmq() -> None:
    """12: replies went to one durable queue, from which clients took each other's."""
    one = config(1).get_connector()
    assert one.get_reply_target("discovery", "mcollective").startswith("/temp-queue/")
    conf = config(1, **{"plugin.rabbitmq.use_reply_exchange": "1"})
    targets = {conf.get_connector().get_reply_target("a", "c") for _client in range(20)}
    assert len(targets) == 20


def test_bug_13_late_replies_were_taken_for_those_to_the_next_call() -> None:
    """13: on ActiveMQ all requests of a process had the same queue for replies."""
    seen: list[str] = []
    late: list[dict[str, t.Any]] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(peer.expect("SUBSCRIBE").headers["destination"])
        request = read(peer.expect("SEND"))
        for earlier in late:
            answer(peer, earlier, "late", "pong")
        late.append(request)
        answer(peer, request, "a", "pong")
        peer.log_out()

    with ScriptedBroker(script, script) as broker:
        conf = config(broker.port, "activemq")
        action = SimpleAction(conf, Message("ping", "discovery", conf), "discovery")
        calls = [action.call(timeout=1), action.call(timeout=1)]
    assert [[reply[":senderid"] for reply in replies] for replies in calls] == [["a"], ["a"]]
    assert seen[0] != seen[1]
    assert all(f".reply.me_{os.getpid()}." in target for target in seen)


@pytest.mark.parametrize("way", ["action", "send", "direct"])
@pytest.mark.parametrize(
    "connector,names",
    [
        ("activemq", {"timestamp", "expires", "mc_sender", "reply-to"}),
        ("rabbitmq", {"expiration", "mc_sender", "reply-to"}),
    ],
)
def test_bug_14_headers_were_missing(connector: str, names: set[str], way: str) -> None:
    """14: no expires, timestamp, expiration, mc_sender and mc_identity."""
    seen: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        while not seen:
            frame = peer._next()
            if frame.command == "SEND":
                seen.append(frame)
        answer(peer, read(seen[0]), "a", "pong")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        _ask(config(broker.port, connector), way)
    if (connector, way) == ("activemq", "direct"):
        names = names | {"mc_identity"}
    assert set(seen[0].headers) - {"content-type", "content-length", "destination"} == names
    assert seen[0].headers["mc_sender"] == "me"
    assert seen[0].headers.get("mc_identity", "a") == "a"


def _ask(conf: Config, way: str) -> None:
    """Have one request answered, in one of the ways that there are."""
    if way == "action":
        ping(conf)
    elif way == "direct":
        with Client(conf) as client:
            client.call(Request("rpcutil", "ping", nodes=["a"]))
    else:
        with conf.get_connector() as connected:
            msg = Message("ping", "discovery", conf)
            connected.send(msg, "/topic/x", **{"reply-to": "/queue/x"}).receive(1)


def test_bug_15_fact_filters_matched_nothing() -> None:
    """15: without an operator they had none on the wire; whole numbers, which nodes choke on, stayed
    whole numbers; =~ was refused, compound filters were not there, and the agent was left out."""
    filter_ = Filter().add_fact("cpus", 4).add_fact("os", "^Deb", "=~").add_compound("web and a=b")
    assert filter_["fact"] == [
        {":fact": "cpus", ":value": "4", ":operator": "=="},
        {":fact": "os", ":value": "^Deb", ":operator": "=~"},
    ]
    assert {type(key) for fact in filter_["fact"] for key in fact} == {Symbol}
    assert len(filter_["compound"]) == 1
    assert Message("ping", "discovery", config(1))[":filter"]["agent"] == ["discovery"]


def test_bug_16_nothing_was_unsubscribed_and_timeouts_left_connections() -> None:
    """16: unsubscribe did nothing; a call that timed out never disconnected."""

    def script(peer: Peer) -> None:
        peer.log_in()
        subscription = peer.expect("SUBSCRIBE").headers["id"]
        assert peer.expect("UNSUBSCRIBE").headers["id"] == subscription
        peer.log_out()

    silent = node(answers())  # the script ends only when the client says goodbye
    with ScriptedBroker(script, silent) as broker:
        with config(broker.port).get_connector() as connected:
            connected.subscribe("/topic/x").unsubscribe("/topic/x")
        with pytest.raises(exc.TimeoutError):
            ping(config(broker.port), timeout=0.1)


def test_bug_17_subscriptions_had_no_stable_id() -> None:
    """17: the id 0 counted as none, so that each look at it gave another; all connectors shared a
    counter."""
    seen: list[str] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.extend(peer.expect("SUBSCRIBE").headers["id"] for _subscription in range(3))
        for subscription in seen[-3:]:
            assert peer.expect("UNSUBSCRIBE").headers["id"] == subscription
        peer.log_out()

    with ScriptedBroker(script, script) as broker:
        for _connector in range(2):
            with config(broker.port).get_connector() as connected:
                connected.subscribe("/topic/a").subscribe("/topic/b").subscribe("/topic/c", id="0")
                connected.subscribe("/topic/a")
                for topic in "abc":
                    connected.unsubscribe(f"/topic/{topic}")
    assert len(set(seen[:3])) == 3
    assert seen[2] == "0"
    assert seen[:3] == seen[3:]


@pytest.mark.parametrize("connector", ["activemq", "rabbitmq"])
def test_bug_18_base64_worked_nowhere(connector: str) -> None:
    """18: it was a TypeError on Python 3, known for ActiveMQ only, and never tested."""
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        frame = peer._next()
        if frame.command == "SUBSCRIBE":
            frame = peer.expect("SEND")
        seen.append(frame.body)
        request = read(frame._replace(body=base64.b64decode(frame.body)))
        peer.reply(base64.encodebytes(sealed(request, "a")))
        peer.log_out()

    with ScriptedBroker(script) as broker:
        assert ping(config(broker.port, connector, **{f"plugin.{connector}.base64": "1"})) == ["a"]
    assert re.fullmatch(rb"([\w+/=]{1,60}\n)+", seen[0])


def test_bug_19_files_that_mco_reads_were_refused() -> None:
    """19: it read an INI file: % in a password, libdir three times, capitals in keys, indented
    lines, lines without = were errors or changed."""
    conf = Config.from_configstr(
        "# comment\n"
        "libdir = /opt/a\nlibdir = /opt/b:/opt/c\n"
        "  plugin.rabbitmq.pool.1.password = 100%(x)s%\n"
        "this line says nothing\n"
        "plugin.x.CamelCase = 1 # no comment\n"
        "empty =\n"
    )
    assert sorted(conf.libdirs) == ["/opt/a", "/opt/b", "/opt/c"]
    assert conf["plugin.rabbitmq.pool.1.password"] == "100%(x)s%"
    assert conf["plugin.x.CamelCase"] == "1 # no comment"
    assert "plugin.x.camelcase" not in conf
    assert "empty" not in conf


def test_bug_20_truth_values_were_guessed() -> None:
    """20: unknown words were silently false, and t was among them."""
    for word, value in {"t": True, "YES": True, "1": True, "f": False, "no": False}.items():
        assert Config({"x": word}).getboolean("x") is value
    with pytest.raises(exc.ImproperlyConfigured, match="x is not yes or no"):
        Config({"x": "perhaps"}).getboolean("x")


def test_bug_21_what_has_a_default_had_to_be_set(tmp_path: pathlib.Path) -> None:
    """21: ports, users, passwords, vhost, main_collective, connector and provider were mandatory; no
    environment, no plugin.d, no ~/.mcollective, no pool for stomp."""
    (tmp_path / ".mcollective").write_text("plugin.activemq.pool.1.host = a.example.com\n")
    (tmp_path / "plugin.d").mkdir()
    (tmp_path / "plugin.d" / "activemq.cfg").write_text("pool.size = 1\n")
    environ = {"HOME": str(tmp_path), "STOMP_USER": "u", "STOMP_PASSWORD": "p"}
    conf = Config.from_configfile(environ={**environ, "MCOLLECTIVE_PSK": "key"})
    assert conf.get_host_and_ports() == [("a.example.com", 61613)]
    assert conf.get_user_and_password() == ("u", "p")
    assert conf.get_connector().login(pool(conf).brokers[0]).vhost == "mcollective"
    assert isinstance(conf.get_security(), PskProvider)
    assert conf.main_collective == "mcollective"
    hosts = {f"plugin.stomp.pool.host{number}": f"h{number}" for number in (1, 2)}
    stomp = Config({"connector": "Stomp", "plugin.stomp.pool.size": "2", **hosts})
    assert stomp.get_host_and_ports() == [("h1", 6163), ("h2", 6163)]
    assert isinstance(stomp.get_connector(), CONNECTORS["stomp"])


def test_bug_22_tls_was_not_verified_without_a_word(authority: certificates.Authority) -> None:
    """22: without ssl.ca nothing was verified; ssl.fallback was not known, nor ciphers."""

    def never(peer: Peer) -> None:
        raise AssertionError("the handshake should have failed")

    tls = {"plugin.rabbitmq.pool.1.ssl": "1"}
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        ScriptedBroker(never, context=authority.server_context()) as broker,
        pytest.raises(exc.ConnectFailed, match="certificate is not accepted"),
    ):
        config(broker.port, **tls).get_connector().connect()
    fallback = {**tls, "plugin.rabbitmq.pool.1.ssl.fallback": "1"}
    (warning,) = pool(config(1, **fallback)).warnings
    assert "is not verified" in warning
    ciphers = {**tls, "plugin.rabbitmq.pool.1.ssl.ciphers": "ECDHE"}
    assert pool(config(1, **ciphers)).brokers[0].ciphers == "ECDHE"


def test_bug_24_asking_for_the_port_before_connecting_was_an_error() -> None:
    """24: a misspelled name made it an AttributeError."""
    tracker = CurrentHostPortListener()
    assert (tracker.get_host(), tracker.get_port()) == (None, None)
    tracker.on_connecting(("h", 1))
    assert (tracker.get_host(), tracker.get_port()) == ("h", 1)
    assert config(1).get_connector().get_current_host_and_port() == (None, None)


def test_bug_25_strings_changed_their_type_on_nodes(oracle: ruby.Ruby) -> None:
    """25: nodes read :x as a Symbol and 1,000 as a number; they refuse the aliases that it wrote;
    tags that it did not know ended in bug 2."""
    shared = ["1,000", ":x", "2001-1-1", "tRue", "80,443", "=", "~"]
    value = {"a": shared, "b": shared, Symbol("c"): Symbol("d")}
    payload = YamlSerializer().serialize(value)
    assert oracle.describe("yaml", payload) == ruby.describe(value)
    assert YamlSerializer().deserialize(b"--- !ruby/struct:X\na: !ruby/class Y\n") == {"a": "Y"}


def test_bug_26_a_broker_that_is_down_was_waited_for_for_ever() -> None:
    """26: attempts without end, and no time limit on any."""
    start = time.monotonic()
    with pytest.raises(exc.ConnectFailed, match="connection refused"):
        ping(config(closed_port()))

    def stalled(peer: Peer) -> None:
        peer.expect("CONNECT")
        peer.expect_end()

    with ScriptedBroker(stalled) as broker, pytest.raises(exc.ConnectFailed, match="in time"):
        ping(config(broker.port, connection_timeout="0.3"))
    assert time.monotonic() - start < SOON
    assert config(1).get_conn_params()["reconnect_attempts_max"] < 10


def test_bug_27_signing_changed_the_message(
    rsa_keys: certificates.KeyPairs, caplog: pytest.LogCaptureFixture
) -> None:
    """27: callerid and hash were put into the caller's message; bodies were in the debug log."""
    conf = Config(ssl_options(rsa_keys))
    message = Message({":data": {":password": "SECRET"}}, "a", conf)
    before = copy.deepcopy(dict(message))
    for _time in range(2):
        SSLProvider(conf).encode(message)
    assert dict(message) == before

    def reply(peer: Peer, request: dict[str, t.Any]) -> None:
        answer(peer, request, "a", "SECRET")

    with caplog.at_level(logging.DEBUG), ScriptedBroker(node(reply)) as broker:
        conf = config(broker.port)
        action = SimpleAction(conf, Message({":x": "SECRET"}, "a", conf), "a")
        assert action.call()[0][":body"] == "SECRET"
    assert "SECRET" not in caplog.text
