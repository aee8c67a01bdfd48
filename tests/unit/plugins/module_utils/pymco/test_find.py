# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a request is for, and how it gets there."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.find import (
    find,
    named,
    read_flatfile,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import (
    Prepared,
    Request,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.rpc import Client, Result
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settle import settle
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

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.conversation import Line

pytestmark = pytest.mark.usefixtures("nothing_left")

Seen = list[tuple[str, dict[str, t.Any]]]


def identities(*names: str) -> Filter:
    """A filter for identities alone."""
    found = Filter()
    for name in names:
        found.add_identity(name)
    return found


def names_of(tmp_path: pathlib.Path, *lines: str) -> dict[str, t.Any]:
    """The options for a file with these lines."""
    path = tmp_path / "nodes.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return {"discovery_method": "flatfile", "discovery_options": [str(path)]}


# -- nodes of Choria ------------------------------------------------------------------------------


def test_nodes_of_choria_are_addressed_singly_and_no_filter_can_leave_one_out() -> None:
    settings = {"connector": "nats", "securityprovider": "choria"}
    names = [f"n{number}" for number in range(200)]
    request = Request("rpcutil", "ping", nodes=names, filter=identities("/^n/"), limit=150)
    settled = settle(request, config(1, **settings))
    envelope = Envelope("me", "rpcutil", settled.collective, settled.filter, 60, {})
    filter_ = settled.filter.copy().add_agent("rpcutil")
    prepared = Prepared(settled, envelope, filter_, named(settled), True, None)
    targets = find(t.cast("Line", None), prepared)
    assert (targets.nodes, targets.direct, targets.found) == (names[:150], True, 200)
    assert dict(targets.filter) == {
        **{"fact": [], "cf_class": [], "agent": ["rpcutil"], "identity": [], "compound": []}
    }
    assert targets.filter.dialect == "choria"


# -- the file ------------------------------------------------------------------------------------


def test_a_file_of_identities(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "nodes.txt"
    path.write_bytes(b"web1\n\n# a comment\r\n  db-1.example.com \r\n#web2\n\tweb_3\nweb1")
    assert read_flatfile(str(path)) == ["web1", "db-1.example.com", "web_3", "web1"]


@pytest.mark.parametrize(
    "content,why",
    [
        (b"web1\nSECRET 2\n", r"nodes\.txt, line 2: there is no identity in this line"),
        (b"web1 # SECRET\n", r"nodes\.txt, line 1: there is no identity in this line"),
        (b"{{ SECRET }}\n", r"line 1: there is no identity in this line"),
        (b"/SECRET/\n", "line 1: there is no identity in this line"),
        (b"SECRET\xff\n", r"cannot read the file of identities .*nodes\.txt: it is not in UTF-8$"),
    ],
)
def test_a_file_that_is_no_list_of_identities(
    tmp_path: pathlib.Path, content: bytes, why: str
) -> None:
    path = tmp_path / "nodes.txt"
    path.write_bytes(content)
    with pytest.raises(exc.BadRequest, match=why) as caught:
        read_flatfile(str(path))
    assert "SECRET" not in str(caught.value) and "0xff" not in str(caught.value)


@pytest.mark.parametrize("path", ["/no/such/file", "/"])
def test_a_file_that_cannot_be_read_is_refused_without_a_connection(path: str) -> None:
    request = Request("rpcutil", "ping", discovery_method="flatfile", discovery_options=[path])
    with pytest.raises(exc.BadRequest, match=f"cannot read the file of identities {path}: "):
        Client(config(1)).prepare(request)


# -- who is known by name ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted,fields,known",
    [
        ((), {}, None),
        (("a", "b"), {}, ["a", "b"]),
        # A regular expression among them has to be looked for.
        (("a", "/b/"), {}, None),
        ((), {"nodes": ["b", "a", "b"]}, ["b", "a"]),
        (("a", "c"), {"nodes": ["b", "a"]}, ["a"]),
        (("/^web/", "b"), {"nodes": ["b", "a", "web1", "cobweb"]}, ["b", "web1"]),
        (("/WEB/",), {"nodes": ["web1"]}, []),
        (("/(?i)WEB[12]$/",), {"nodes": ["web1", "web12", "Web2"]}, ["web1", "Web2"]),
        (("a", "b"), {"discovery_method": "none"}, None),
    ],
)
def test_who_is_known_by_name(
    wanted: tuple[str, ...], fields: dict[str, t.Any], known: list[str] | None
) -> None:
    request = Request("rpcutil", "ping", filter=identities(*wanted), **fields)
    assert named(settle(request, config(1))) == known


def test_a_file_names_them_too_as_far_as_they_fit(tmp_path: pathlib.Path) -> None:
    given = names_of(tmp_path, "web1", "db1", "web2", "web1")

    def found(*wanted: str) -> list[str] | None:
        request = Request("rpcutil", "ping", filter=identities(*wanted), **given)
        return named(settle(request, config(1)))

    assert found() == ["web1", "db1", "web2"]
    # The reference would forget db1 over the regular expression that comes later.
    assert found("db1", "/^web/") == ["web1", "db1", "web2"]
    assert found("web2", "db2") == ["web2"]


def test_a_pattern_that_only_nodes_understand_is_refused_for_a_list() -> None:
    request = Request("rpcutil", "ping", filter=identities(r"/\p{Han}/"), nodes=["a"])
    with pytest.raises(exc.BadFilter, match="cannot be applied to a list of nodes here: .*; leave"):
        Client(config(1)).prepare(request)


def test_a_file_is_read_once_and_what_was_checked_is_what_is_sent(tmp_path: pathlib.Path) -> None:
    """A file that changes between the check and the call addresses nobody who was not checked."""
    request = Request("rpcutil", "ping", **names_of(tmp_path, "web1"))
    seen: Seen = []

    def script(peer: Peer) -> None:
        peer.log_in()
        frame = peer.expect("SEND")
        seen.append((frame.headers["destination"], read(frame)))
        answer(peer, seen[0][1], "web1", done())
        peer.log_out()

    with ScriptedBroker(script) as broker:
        client = Client(config(broker.port))
        prepared = client.prepare(request)
        names_of(tmp_path, "web2")
        with client:
            result = client.call(prepared)
    assert (result.nodes, where(seen)) == (["web1"], [f"{DIRECTED}/web1"])


def test_a_request_that_is_prepared_once_may_be_called_again_as_another_request() -> None:
    """A late reply to the first call must not be taken for one to the second."""
    seen: Seen = []

    def script(peer: Peer) -> None:
        peer.log_in()
        for _call in range(2):
            frame = peer.expect("SEND")
            seen.append((frame.headers["destination"], read(frame)))
            answer(peer, seen[-1][1], "web1", done())
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        prepared = client.prepare(Request("rpcutil", "ping", nodes=["web1"]))
        results = [client.call(prepared), client.call(prepared)]
    assert [result.no_response for result in results] == [[], []]
    assert results[0].requestid != results[1].requestid


# -- how it gets there ---------------------------------------------------------------------------


def played(
    request: Request,
    answers: t.Sequence[t.Sequence[str]],
    settings: dict[str, str] | None = None,
    frames: t.Sequence[int] | None = None,
) -> tuple[Result, Seen]:
    """Make a call. Who answers stands in `answers`, one list for each request that is made, which
    travels in as many frames as `frames` says, or in one."""
    seen: Seen = []

    def script(peer: Peer) -> None:
        peer.log_in()
        for number, senders in enumerate(answers):
            got: list[Frame] = []
            for _frame in range(frames[number] if frames else 1):
                got.append(peer.expect("SEND"))
                seen.append((got[-1].headers["destination"], read(got[-1])))
            envelope = read(got[0])
            body = "pong" if envelope[":agent"] == "discovery" else done()
            for sender in senders:
                answer(peer, envelope, sender, body)
        peer.log_out()

    with (
        ScriptedBroker(script) as broker,
        Client(config(broker.port, **(settings or {}))) as client,
    ):
        return client.call(request), seen


DIRECTED = "/exchange/mcollective_directed"
BROADCAST = "/exchange/mcollective_broadcast"
NOT_DIRECT = {"direct_addressing": "no"}


def where(seen: Seen) -> list[str]:
    """The destinations."""
    return [destination for destination, _envelope in seen]


def test_an_identity_and_another_filter_are_both_obeyed() -> None:
    filter_ = identities("a", "b").add_fact("os", "Debian")
    result, seen = played(Request("rpcutil", "ping", filter=filter_), [["b"], ["b"]], frames=[2, 1])
    assert where(seen) == [f"{DIRECTED}/a", f"{DIRECTED}/b", f"{DIRECTED}/b"]
    facts = [envelope[":filter"]["fact"] for _where, envelope in seen]
    assert facts == [[{":fact": "os", ":value": "Debian", ":operator": "=="}]] * 3
    assert (result.nodes, result.found) == (["b"], 1)


def test_an_identity_alone_is_asked_without_being_looked_for() -> None:
    result, seen = played(Request("rpcutil", "ping", filter=identities("a")), [["a"]])
    assert where(seen) == [f"{DIRECTED}/a"]
    # Its address tells who it is.
    assert seen[0][1][":filter"]["identity"] == []
    assert result.nodes == ["a"]


def test_without_direct_addressing_names_are_filters_of_a_broadcast() -> None:
    request = Request("rpcutil", "ping", nodes=["a", "b"])
    result, seen = played(request, [["a", "b"]], NOT_DIRECT)
    assert where(seen) == [f"{BROADCAST}/rpcutil"]
    assert seen[0][1][":filter"]["identity"] == ["a", "b"]
    assert len(result.replies) == 2


def test_without_direct_addressing_names_are_looked_for_in_a_broadcast() -> None:
    filter_ = Filter().add_cfclass("web")
    request = Request("rpcutil", "ping", nodes=["a", "b"], filter=filter_)
    result, seen = played(request, [["a"], ["a"]], {**NOT_DIRECT, "discovery_timeout": "0.2"})
    assert where(seen) == [f"{BROADCAST}/discovery", f"{BROADCAST}/rpcutil"]
    assert [envelope[":filter"]["identity"] for _where, envelope in seen] == [["a", "b"], ["a"]]
    assert [envelope[":filter"]["cf_class"] for _where, envelope in seen] == [["web"], ["web"]]
    assert result.nodes == ["a"]


def test_without_direct_addressing_a_limit_is_a_filter_too() -> None:
    request = Request("rpcutil", "ping", limit=2)
    result, seen = played(request, [["c", "b", "a"], ["c", "b"]], NOT_DIRECT)
    assert where(seen) == [f"{BROADCAST}/discovery", f"{BROADCAST}/rpcutil"]
    assert seen[1][1][":filter"]["identity"] == ["c", "b"]
    assert result.nodes == ["b", "c"]


def test_a_limit_is_direct_however_many_there_are() -> None:
    settings = {"direct_addressing_threshold": "0"}
    request = Request("rpcutil", "ping", limit="50%")
    result, seen = played(request, [["d", "c", "b", "a"], ["d", "c"]], settings, [1, 2])
    assert where(seen)[1:] == [f"{DIRECTED}/d", f"{DIRECTED}/c"]
    assert (result.found, result.nodes) == (4, ["c", "d"])


def test_the_first_so_many_answers_end_discovery() -> None:
    # The window would let the call run into the broker's patience.
    request = Request("rpcutil", "ping", limit=2, discovery_timeout=30)
    result, seen = played(request, [["z", "a"], ["z", "a"]], frames=[1, 2])
    assert where(seen)[1:] == [f"{DIRECTED}/z", f"{DIRECTED}/a"]
    assert result.seconds["discovery"] < 5


def test_a_limit_does_not_end_discovery_before_the_expected_are_there() -> None:
    request = Request("rpcutil", "ping", limit=1, expected_nodes=3, discovery_timeout=30)
    result, _seen = played(request, [["c", "b", "a"], ["c"]])
    assert (result.found, result.nodes) == (3, ["c"])


def test_a_limit_of_named_nodes_keeps_their_order() -> None:
    request = Request("rpcutil", "ping", nodes=["c", "a", "b"], limit=2)
    _result, seen = played(request, [["c", "a"]], frames=[2])
    assert where(seen) == [f"{DIRECTED}/c", f"{DIRECTED}/a"]


def test_nothing_is_sent_to_fewer_than_there_must_be() -> None:
    request = Request("rpcutil", "ping", expected_nodes=3, minimum_nodes=3)
    result, seen = played(request, [["a", "b"]])
    assert where(seen) == [f"{BROADCAST}/discovery"]
    assert (result.found, result.requestid, result.batches) == (2, None, 0)
    assert (result.unsent, result.no_response) == (["a", "b"], [])
    assert result.stopped == "2 nodes were found, but at least 3 are needed"


def test_fewer_than_expected_are_asked_all_the_same() -> None:
    request = Request("rpcutil", "ping", expected_nodes=3)
    result, _seen = played(request, [["a"], ["a"]])
    assert (result.found, len(result.replies)) == (1, 1)


# -- no discovery --------------------------------------------------------------------------------


def test_whoever_fits_is_asked_and_it_is_over_when_answers_stop() -> None:
    filter_ = Filter().add_cfclass("web")
    request = Request(
        "rpcutil",
        "ping",
        filter=filter_,
        discovery_method="none",
        timeout=30,
        discovery_timeout=0.2,
    )
    result, seen = played(request, [["b", "a"]])
    assert where(seen) == [f"{BROADCAST}/rpcutil"]
    assert seen[0][1][":filter"]["cf_class"] == ["web"]
    assert (result.nodes, result.known, result.found) == (["a", "b"], False, 2)
    assert result.no_response == []
    assert 0.2 <= result.seconds["call"] < 5


def test_it_is_over_at_once_when_as_many_have_answered_as_are_expected() -> None:
    request = Request(
        "rpcutil",
        "ping",
        discovery_method="none",
        expected_nodes=2,
        discovery_timeout=30,
        timeout=30,
    )
    result, _seen = played(request, [["b", "a"]])
    assert (len(result.replies), result.seconds["call"] < 5) == (2, True)


def test_nobody_answers_within_the_timeout() -> None:
    request = Request(
        "rpcutil", "ping", discovery_method="none", discovery_timeout=0.1, timeout=0.4
    )
    result, _seen = played(request, [[]])
    assert (result.nodes, result.replies) == ([], [])
    assert result.requestid
    assert 0.4 <= result.seconds["call"] < 5


def test_each_result_has_the_seconds_of_its_own_call() -> None:
    def script(peer: Peer) -> None:
        peer.log_in()
        answer(peer, read(peer.expect("SEND")), "a", "pong")
        for _call in range(2):
            answer(peer, read(peer.expect("SEND")), "a", done())
        peer.log_out()

    with ScriptedBroker(script) as broker, Client(config(broker.port)) as client:
        first = client.call(Request("rpcutil", "ping", limit=1))
        seconds = dict(first.seconds)
        second = client.call(Request("rpcutil", "ping", nodes=["a"]))
    assert set(seconds) == {"connect", "discovery", "call"}
    assert first.seconds == seconds
    assert set(second.seconds) == {"connect", "call"}
