# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What we send to Choria's nodes is what ``choria req`` sends, field by field, captured at the broker."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t
from dataclasses import dataclass, replace

import choria_documents
import pytest
from calling import call, choria_config, run
from testbed.choria import missing
from testbed.choria.broker import NatsServer
from testbed.choria.collective import ChoriaCollective, Options
from testbed.real.default_nodes import DEFAULT_NODES
from testbed.real.programs import find as find_program

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from choria_documents import Seen
    from testbed.certificates import Authority
    from testbed.choria.nats import Connection, Message
    from testbed.choria.tokens import Issuer

WEB = "web1.example.com"


@dataclass
class Line:
    """A collective, and a session that hears all that goes over its broker."""

    collective: ChoriaCollective
    session: Connection

    def messages(self, action: Callable[[], object]) -> list[Message]:
        """Return all that went over the broker while this was done."""
        self.session.flush()
        self.session.take(0)
        action()
        self.session.flush()
        return self.session.take(0)

    def requests(self, action: Callable[[], object]) -> list[Seen]:
        """Return the requests of those."""
        kinds = (".node.", ".broadcast.")
        found = self.messages(action)
        return [choria_documents.read(m) for m in found if any(kind in m.subject for kind in kinds)]

    def ours(self, agent: str, action: str, **request: t.Any) -> list[Seen]:
        """Return what we send for a call."""
        config = choria_config(self.collective)
        return self.requests(lambda: call(config, agent, action, **request))

    def theirs(self, *arguments: str) -> list[Seen]:
        """Return what the program sends for a command."""
        return self.requests(lambda: self.collective.choria(*arguments))


@pytest.fixture(scope="module", params=["v1", "v2"])
def line(request: pytest.FixtureRequest, authority: Authority, issuer: Issuer) -> Iterator[Line]:
    """Two nodes on a nats-server, where everybody may subscribe to everything."""
    reason = missing()
    if reason or not find_program("nats-server"):
        pytest.skip(reason or "not installed: nats-server (Debian: apt install nats-server)")
    organisation = issuer if request.param == "v2" else None
    options = Options(collectives=("choria",))
    nodes = DEFAULT_NODES[:2]
    with (
        NatsServer(authority, organisation) as broker,
        ChoriaCollective(broker, authority, organisation, nodes=nodes, options=options) as running,
        broker.connect() as session,
    ):
        session.subscribe(">")
        yield Line(running, session)


def comparable(seen: Seen) -> Seen:
    """Return a request without what differs from one request to the next."""
    request = json.loads(json.dumps(seen.request))
    envelope = request.get("envelope", request)
    number = envelope.pop("requestid" if "requestid" in envelope else "id")
    assert re.fullmatch(r"[0-9a-zA-Z]{27}|[0-9a-f]{32}", number)
    # Seconds in version 1, nanoseconds in version 2, integers in both.
    assert isinstance(envelope["time"], int)
    envelope["time"] = len(str(envelope["time"]))
    headers = {key: value for key, value in seen.headers.items() if key not in ("seen-by", "trace")}
    for name in ("reply-to", "reply"):
        if name in headers:
            headers[name] = headers[name].rpartition(".")[0]
    return replace(seen, headers=headers, request=request)


def without_caller(seen: Seen) -> Seen:
    """Leave out what only nodes of Ruby read, and Go's client does not send."""
    body = dict(seen.body)
    assert re.match(r"choria=operator\.|up=operator", body.pop("caller"))
    return replace(seen, body=body)


CALLS: list[tuple[str, str, dict[str, t.Any]]] = [
    ("rpcutil", "ping", {}),
    ("rpcutil", "get_fact", {"fact": "os.family"}),
    ("probe", "echo", {"string": 'Zürich ☃ "\\/\n<&>', "int": 5, "float": 2.5, "bool": True}),
    ("probe", "echo", {"value": {"a": [1, None, {"b": "ü"}]}, "list": [1, "2"], "number": 7}),
]


@pytest.mark.parametrize("agent,action,arguments", CALLS)
def test_a_call_of_a_node_is_the_same(
    line: Line, agent: str, action: str, arguments: dict[str, t.Any]
) -> None:
    words = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in arguments.items()
    ]
    (theirs,) = line.theirs("req", agent, action, *words, "-I", WEB, "--np")
    (ours,) = line.ours(agent, action, arguments=arguments, nodes=[WEB])
    assert without_caller(comparable(ours)) == comparable(theirs)
    assert ours.subject == f"choria.node.{WEB}"


COMPOUND = "with('role=web') && !with('/^db/')"
FILTERS: list[tuple[dict[str, t.Any], list[str]]] = [
    (
        {
            "fact_filters": ["role=web", "processorcount>=8", "site=~/^G/"],
            "class_filters": ["role::web", "/common/"],
            "identity_filters": ["/^web/", "/nosuch/"],
            "agent_filters": ["probe"],
        },
        [
            *("-F", "role=web", "-F", "processorcount>=8", "-F", "site=~/^G/"),
            *("-C", "role::web", "-C", "/common/", "-I", "/^web/", "-I", "/nosuch/"),
            *("-A", "probe"),
        ],
    ),
    ({"compound_filter": COMPOUND}, ["-S", COMPOUND]),
]


@pytest.mark.parametrize("given,words", FILTERS)
def test_discovery_asks_the_same_and_the_call_is_the_same(
    line: Line, given: dict[str, t.Any], words: list[str]
) -> None:
    conf = line.collective.client_conf
    given = {"agent": "rpcutil", "action": "ping", **given}
    theirs = line.theirs("req", "rpcutil", "ping", "--np", *words)
    ours = line.requests(lambda: run(RpcTask, conf, **given))
    assert (ours[0].body, theirs[0].body) == ("ping", "cGluZw==")
    asked = [comparable(replace(seen[0], body=None)) for seen in (ours, theirs)]
    for one in asked:
        # All must hold, in whatever order.
        envelope = one.request.get("envelope", one.request)
        envelope["filter"]["agent"].sort()
    assert asked[0] == asked[1]
    calls = [sorted((comparable(one) for one in seen[1:]), key=subject) for seen in (ours, theirs)]
    assert calls[0], "no node was found"
    assert [without_caller(one) for one in calls[0]] == calls[1]


def subject(seen: Seen) -> str:
    return seen.subject


def test_all_nodes_get_the_same_bytes(line: Line) -> None:
    config = choria_config(line.collective)
    nodes = [node.identity for node in DEFAULT_NODES[:2]]
    seen = line.messages(lambda: call(config, "rpcutil", "ping", nodes=nodes))
    sent = [message for message in seen if ".node." in message.subject]
    assert [message.subject for message in sent] == [f"choria.node.{node}" for node in nodes]
    assert len({message.payload for message in sent}) == 1


def test_replies_come_to_a_place_that_nobody_can_guess(line: Line) -> None:
    (first,) = line.ours("rpcutil", "ping", nodes=[WEB])
    (second,) = line.ours("rpcutil", "ping", nodes=[WEB])
    inboxes = [seen.headers.get("reply-to") or seen.headers["reply"] for seen in (first, second)]
    envelope = first.request.get("envelope", first.request)
    caller = envelope.get("callerid") or envelope["caller"]
    digest = hashlib.md5(caller.encode()).hexdigest()
    assert all(re.fullmatch(rf"choria\.reply\.{digest}\.\w{{20,}}", inbox) for inbox in inboxes)
    assert inboxes[0] != inboxes[1]


def test_nodes_take_the_same_bytes_twice(line: Line) -> None:
    """They have no protection against replay, so that a client may never publish a request again."""
    config = choria_config(line.collective)
    seen = line.messages(lambda: call(config, "rpcutil", "ping", nodes=[WEB]))
    (request,) = [message for message in seen if ".node." in message.subject]
    (reply,) = [message for message in seen if ".reply." in message.subject]
    line.session.publish(request.subject, request.payload)
    subjects = [line.session.poll(20) for _expected in (request, reply)]
    assert [one and one.subject for one in subjects] == [request.subject, reply.subject]
