# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls from end to end, against a scripted broker behind which a node answers."""

from __future__ import annotations

import copy
import time
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, ruby_values
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter, Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ranges import LONGEST
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.result import reply_of
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import (
    Client,
    Request,
    SimpleAction,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.broker import (
    Frame,
    Peer,
    ScriptedBroker,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.node import (
    answer,
    config,
    done,
    read,
)

pytestmark = pytest.mark.usefixtures("nothing_left")


def test_nodes_by_name_are_asked_directly_without_discovery() -> None:
    seen: list[t.Any] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        for _node in range(2):
            frame = peer.expect("SEND")
            seen.append((frame.headers["destination"], read(frame)))
        for node in ("b", "a"):
            answer(peer, seen[0][1], node, done())
        peer.log_out()

    request = Request("rpcutil", "ping", {"port": 80, "name": "1,000"}, nodes=["b", "a", "b"])
    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(request)
    assert [destination for destination, _request in seen] == [
        "/exchange/mcollective_directed/b",
        "/exchange/mcollective_directed/a",
    ]
    assert result.requestid == seen[0][1][":requestid"] == seen[1][1][":requestid"]
    body = seen[0][1][":body"]
    assert body == {
        ":agent": "rpcutil",
        ":action": "ping",
        ":caller": client.security.callerid,
        ":data": {":port": 80, ":name": "1,000", ":process_results": True},
    }
    assert all(isinstance(key, Symbol) for key in [*body, *body[":data"]])
    assert [reply.sender for reply in result.replies] == ["a", "b"]
    assert (result.nodes, result.no_response, result.failed) == (["a", "b"], [], [])
    assert result.broker == f"127.0.0.1:{broker.port}"


def test_nodes_get_the_time_that_data_functions_take() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        time.sleep(0.4)
        answer(peer, ping, "web1", "pong")
        request = read(peer.expect("SEND"))
        time.sleep(0.4)
        answer(peer, request, "web1", done())
        peer.log_out()

    filter_ = Filter().add_compound("slow('x').y=1")
    filter_.seconds = 0.7
    request = Request("rpcutil", "ping", filter=filter_, timeout=0.1, discovery_timeout=0.1)
    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        assert [reply.sender for reply in client.call(request).replies] == ["web1"]


def test_filters_are_discovered_first_and_sent_with_both_requests() -> None:
    seen: list[t.Any] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        for node in ("web2", "web1"):
            answer(peer, ping, node, "pong")
        frames = [peer.expect("SEND") for _node in range(2)]
        seen.extend([ping, *map(read, frames)])
        answer(peer, seen[1], "web1", done())
        answer(peer, seen[1], "web2", done(1, "no"))
        peer.log_out()

    filter_ = Filter().add_cfclass("web")
    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("rpcutil", "ping", filter=filter_))
    ping, first, second = seen
    assert (ping[":agent"], ping[":body"]) == ("discovery", "ping")
    assert first[":filter"] == dict(filter_.copy().add_agent("rpcutil"))
    assert ping[":filter"] == {**first[":filter"], "collective": "mcollective"}
    assert ping[":requestid"] != first[":requestid"] == second[":requestid"]
    assert [(reply.sender, reply.ok) for reply in result.replies] == [
        ("web1", True),
        ("web2", False),
    ]
    assert [reply.statusmsg for reply in result.failed] == ["no"]
    assert filter_["agent"] == []


def test_many_nodes_get_one_broadcast() -> None:
    seen: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        ping = read(peer.expect("SEND"))
        for node in ("a", "b", "c"):
            answer(peer, ping, node, "pong")
        seen.append(peer.expect("SEND"))
        for node in ("a", "b", "c"):
            answer(peer, read(seen[0]), node, done())
        peer.log_out()

    with (
        ScriptedBroker(script) as broker,
        Client(config(broker.port, direct_addressing_threshold="2")) as client,
    ):
        result = client.call(Request("rpcutil", "ping"))
    assert seen[0].headers["destination"] == "/exchange/mcollective_broadcast/rpcutil"
    assert len(result.replies) == 3


def test_nobody_discovered_is_no_call() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("rpcutil", "ping"))
    assert (result.nodes, result.requestid, result.replies) == ([], None, [])


def test_silent_nodes_are_named() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        frames = [peer.expect("SEND") for _node in range(2)]
        answer(peer, read(frames[0]), "a", done())
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("rpcutil", "ping", nodes=["a", "b"], timeout=3))
    assert (result.no_response, len(result.replies)) == (["b"], 1)


def test_a_broker_lost_after_a_reply_leaves_the_reply_and_the_reason() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        frames = [peer.expect("SEND") for _node in range(2)]
        answer(peer, read(frames[0]), "a", done())

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("rpcutil", "ping", nodes=["a", "b"], timeout=5))
    assert isinstance(result.lost, exc.ConnectionLost)
    assert str(result.lost) == f"127.0.0.1:{broker.port} closed the connection"
    assert (result.no_response, len(result.replies)) == (["b"], 1)


def test_a_broker_lost_before_any_reply_is_told_with_all_nodes_silent() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.send("ERROR", b"no exchange", message="not_found")

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        result = client.call(Request("rpcutil", "ping", nodes=["a"], timeout=5))
    assert isinstance(result.lost, exc.BrokerError)
    assert str(result.lost).endswith("not_found: no exchange")
    assert (result.no_response, result.replies) == (["a"], [])
    assert result.requestid


def test_a_good_call_lost_nothing() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", done())
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        assert client.call(Request("rpcutil", "ping", nodes=["a"])).lost is None


@pytest.mark.parametrize("method", ["call", "targets"])
def test_a_broker_lost_during_discovery_is_an_error(method: str) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", "pong")

    with (
        ScriptedBroker(script) as broker,
        Client(config(broker.port)) as client,
        pytest.raises(exc.ConnectionLost),
    ):
        getattr(client, method)(Request("rpcutil", "ping", discovery_timeout=5))


@pytest.mark.parametrize(
    "body",
    [
        *("pong", None, [], 5, {}, {"statusmsg": "OK"}, {":": 0}, {0: 0}),
        *(done("0"), done(True), done(None), {"statuscode": True}, {"statuscode": 1.0}),
    ],
)
def test_a_reply_that_is_no_rpc_reply_fails_as_such(body: t.Any) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", body)
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        (reply,) = client.call(Request("rpcutil", "ping", nodes=["a"])).replies
    assert (reply.statuscode, reply.statusmsg) == (5, "the node sent no SimpleRPC reply")
    assert not reply.ok
    assert reply.data == {"body": body}


@pytest.mark.parametrize("kind", [Symbol, str])
def test_a_reply_may_have_symbols_or_strings_as_keys(kind: t.Callable[[str], str]) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        body = {kind("statuscode"): 1, kind("statusmsg"): "no", kind("data"): {kind("a"): 2}}
        answer(peer, read(peer.expect("SEND")), "a", body)
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        (reply,) = client.call(Request("rpcutil", "ping", nodes=["a"])).replies
    assert (reply.statuscode, reply.statusmsg, reply.data) == (1, "no", {kind("a"): 2})
    assert [type(key) for key in reply.data] == [type(kind("a"))]


def test_a_statusmsg_that_is_no_text_is_shown_in_part() -> None:
    reply = reply_of("a", done(1, ["x" * 1000] * 1000), Request("rpcutil", "ping"))
    assert reply.statusmsg.startswith('["xxx') and reply.statusmsg.endswith("...")
    assert len(reply.statusmsg) == ruby_values.LONGEST


@pytest.mark.parametrize(
    "data,kept",
    [
        *((None, {}), ({}, {}), ([], {"data": []}), ([1], {"data": [1]})),
        *(("", {"data": ""}), ("x", {"data": "x"}), (5, {"data": 5}), (False, {"data": False})),
    ],
)
def test_data_that_are_no_hash_are_kept_as_the_one_value_data(data: t.Any, kept: t.Any) -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        body = {**done(0, ["no text"]), Symbol("data"): data}
        answer(peer, read(peer.expect("SEND")), "a", body)
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        (reply,) = client.call(Request("rpcutil", "ping", nodes=["a"])).replies
    assert (reply.ok, reply.statusmsg, reply.data) == (True, '["no text"]', kept)


def test_a_message_that_is_none_is_empty() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", done(0, None))
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        (reply,) = client.call(Request("rpcutil", "ping", nodes=["a"])).replies
    assert (reply.ok, reply.statusmsg) == (True, "")


@pytest.mark.parametrize(
    "request_,why",
    [
        (Request("rpc util", "ping"), "'rpc util' is not the name of an agent"),
        (Request("", "ping"), "'' is not the name of an agent"),
        (Request("rpcutil", "ping/x"), "'ping/x' is not the name of an action"),
        (Request("rpcutil\n", "ping"), r"'rpcutil\\n' is not the name of an agent"),
        (Request("rpcutil", "ping", collective="a/b"), "'a/b' is not the name of a collective"),
        (Request("rpcutil", "ping", nodes=["a b"]), "'a b' is not an identity"),
        (Request("rpcutil", "ping", {"process_results": False}), "process_results is"),
        (Request("rpcutil", "ping", {":process_results": False}), "process_results is"),
        (Request("rpcutil", "ping", {Symbol("process_results"): 1}), "process_results is"),
        (Request("rpcutil", "ping", {"a": 1, ":a": 2}), "argument a is there twice"),
        (Request("rpcutil", "ping", {Symbol("a"): 1, "a": 2}), "argument a is there twice"),
        (
            Request("rpcutil", "ping", collective="fleet"),
            "'fleet' is not among the collectives of the given options, which are mcollective$",
        ),
        (Request("rpcutil", "ping", collective="MCOLLECTIVE"), "'MCOLLECTIVE' is not among"),
        (Request("rpcutil", "ping", timeout=0), "timeout must be more than 0 and .*, not 0"),
        (Request("rpcutil", "ping", timeout=-0.5), "timeout must be more than 0 and .*, not -0.5"),
        (Request("rpcutil", "ping", timeout=LONGEST), "timeout must be .* less than 2592000 sec"),
        (Request("rpcutil", "ping", ttl=-1), "ttl must be more than 0 and .*, not -1"),
        (Request("rpcutil", "ping", ttl=0), "ttl must be more than 0"),
        (Request("rpcutil", "ping", ttl=LONGEST), "ttl must be more than 0"),
        (Request("rpcutil", "ping", discovery_timeout=LONGEST), "discovery_timeout must be"),
        (Request("rpcutil", "ping", discovery_timeout=float("nan")), "discovery_timeout must be"),
        (Request("rpcutil", "ping", timeout=float("-inf")), "timeout must be"),
        (Request("rpcutil", "ping", discovery_timeout=0), "discovery_timeout must be more than 0"),
        (Request("rpcutil", "ping", timeout=float("nan")), "timeout must be"),
        (Request("rpcutil", "ping", timeout=float("inf")), "timeout must be"),
        (Request("rpcutil", "ping", {"a": object()}), "a object has no form in Marshal"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_a_connection(request_: Request, why: str) -> None:
    with pytest.raises(exc.BadRequest, match=why):
        Client(config(1)).prepare(request_)


@pytest.mark.parametrize("collective", [None, "fleet", "a", "b"])
def test_the_collectives_of_the_configuration_may_be_addressed(collective: str | None) -> None:
    options = {"collectives": "a, b", "main_collective": "fleet"}
    Client(config(1, **options)).prepare(Request("rpcutil", "ping", collective=collective))


def test_arguments_with_a_colon_and_without_are_the_same_to_a_node() -> None:
    seen: list[t.Any] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(read(peer.expect("SEND")))
        answer(peer, seen[0], "a", done())
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        client.call(Request("rpcutil", "ping", {"a": 1, ":b": 2}, nodes=["a"]))
    data = seen[0][":body"][":data"]
    assert data == {":a": 1, ":b": 2, ":process_results": True}
    assert {type(key) for key in data} == {Symbol}


@pytest.mark.parametrize("option", ["connection_timeout", "discovery_timeout"])
@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "2592000"])
def test_a_configured_time_that_is_none_is_refused_before_connecting(
    option: str, seconds: str
) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=rf"{option}( = {seconds})? is not"):
        Client(config(1, **{option: seconds}))


def test_the_ping_of_python_mcollective_works_as_it_is_documented() -> None:
    seen: list[dict[str, t.Any]] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        frame = peer.expect("SEND")
        assert frame.headers["destination"] == "/exchange/mcollective_broadcast/discovery"
        seen.append(read(frame))
        assert seen[-1][":body"] == "ping"
        for node in ("mco1", "mco2"):
            answer(peer, seen[-1], node, "pong")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        conf = config(broker.port)
        msg = Message(body="ping", agent="discovery", config=conf)
        replies = SimpleAction(config=conf, msg=msg, agent="discovery").call(timeout=2)
    assert replies == [
        {
            ":body": "pong",
            ":msgtime": 1395419893,
            ":requestid": seen[0][":requestid"],
            ":senderagent": "discovery",
            ":senderid": node,
        }
        for node in ("mco1", "mco2")
    ]


def test_each_call_of_python_mcollective_is_a_request_of_its_own() -> None:
    seen: list[dict[str, t.Any]] = []

    def script(peer: Peer) -> None:
        peer.log_in()
        seen.append(read(peer.expect("SEND")))
        answer(peer, seen[-1], "mco1", "pong")
        peer.log_out()

    with ScriptedBroker(script, script) as broker:
        conf = config(broker.port, collectives="mcollective,fleet,elsewhere")
        body = {":a": {":b": [{":c": 1}]}, "d": ":e"}
        filter_ = Filter().add_identity("mco1")
        msg = Message(body, "discovery", conf, filter_, "fleet", ttl=17)
        before = copy.deepcopy(dict(msg))
        action = SimpleAction(config=conf, msg=msg, agent="helloworld", collective="elsewhere")
        for _call in range(2):
            assert len(action.call(timeout=5)) == 1
    assert dict(msg) == before
    assert repr(dict(msg)) == repr(before)
    assert msg[":requestid"] == seen[0][":requestid"] != seen[1][":requestid"]
    for request in seen:
        assert (request[":agent"], request[":collective"]) == ("helloworld", "elsewhere")
        assert (request[":ttl"], request[":filter"]) == (17, dict(filter_))
        assert request[":body"] == body
        inner = request[":body"][":a"]
        assert {type(key) for key in (*inner, *inner[":b"][0])} == {Symbol}
        assert [type(key) for key in request[":body"]] == [Symbol, str]


def test_the_ping_of_python_mcollective_tells_of_a_lost_connection() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")

    with ScriptedBroker(script) as broker:
        conf = config(broker.port)
        msg = Message(body="ping", agent="discovery", config=conf)
        with pytest.raises(exc.ConnectionLost, match="closed the connection"):
            SimpleAction(config=conf, msg=msg, agent="discovery").call(timeout=5)


def test_the_ping_of_python_mcollective_keeps_replies_when_the_connection_is_lost() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "mco1", "pong")

    with ScriptedBroker(script) as broker:
        conf = config(broker.port)
        msg = Message(body="ping", agent="discovery", config=conf)
        replies = SimpleAction(config=conf, msg=msg, agent="discovery").call(timeout=5)
    assert [reply[":senderid"] for reply in replies] == ["mco1"]


def test_the_ping_of_python_mcollective_times_out() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        peer.expect("SEND")
        peer.log_out()

    with ScriptedBroker(script) as broker:
        conf = config(broker.port)
        msg = Message(body={":a": {":b": 1}}, agent="discovery", config=conf)
        with pytest.raises(exc.TimeoutError, match="nobody answered within 0.2 s"):
            SimpleAction(config=conf, msg=msg, agent="discovery").call(timeout=0.2)
