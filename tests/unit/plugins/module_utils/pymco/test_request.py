# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the client decides if a request leaves it open, and what it refuses before it opens anything."""

from __future__ import annotations

import math
import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import (
    Amount,
    Request,
    Settled,
    batches,
    part,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.settle import (
    MAX_SEED,
    settle,
)

NODES = [f"n{number}" for number in range(10)]


def planned(settings: dict[str, str] | None = None, **fields: t.Any) -> Settled:
    """A request settled by a configuration that says little else."""
    config = Config({"connector": "rabbitmq", "identity": "me", **(settings or {})})
    return settle(Request("rpcutil", "ping", **fields), config)


def slow_filter(seconds: float) -> Filter:
    """A filter for whose data functions nodes take some seconds."""
    found = Filter().add_compound("slow('x').y=1")
    found.seconds = seconds
    return found


# -- times ---------------------------------------------------------------------------------------

FLATFILE = {"discovery_method": "flatfile", "discovery_options": ["/list"]}


@pytest.mark.parametrize(
    "settings,fields,timeout,window",
    [
        # The agent's time, and that of discovery on top.
        ({}, {}, 12, 2),
        ({}, {"agent_timeout": 30}, 32, 2),
        ({"discovery_timeout": "5"}, {}, 15, 5),
        ({"discovery_timeout": "5"}, {"discovery_timeout": 1}, 11, 1),
        ({}, {"nodes": ["a"]}, 12, 2),
        ({}, {"discovery_method": "none"}, 12, 2),
        # Reading a file takes no time, unless somebody says that discovery does.
        ({}, FLATFILE, 10, 2),
        ({"discovery_timeout": "5"}, FLATFILE, 15, 5),
        ({}, {**FLATFILE, "discovery_timeout": 3}, 13, 3),
        # What is said is what holds, a timeout of 5 as any other.
        ({"discovery_timeout": "7"}, {"timeout": 5}, 5, 7),
        ({}, {"timeout": 0.5, "agent_timeout": 30}, 0.5, 2),
        # Nodes take their time for data functions in discovery and in the call.
        ({}, {"filter": slow_filter(3)}, 15, 5),
        ({}, {"filter": slow_filter(3), "timeout": 1, "discovery_timeout": 1}, 4, 4),
    ],
)
def test_times_that_are_not_given_are_the_references(
    settings: dict[str, str], fields: dict[str, t.Any], timeout: float, window: float
) -> None:
    found = planned(settings, **fields)
    assert (found.timeout, found.discovery_timeout) == (timeout, window)


@pytest.mark.parametrize(
    "settings,fields,seconds",
    [
        ({}, {}, 12),
        ({}, {"timeout": 60}, 60),
        ({"publish_timeout": "3"}, {"timeout": 60}, 3),
        ({"publish_timeout": "3"}, {"publish_timeout": 0.5}, 0.5),
    ],
)
def test_sending_may_take_as_long_as_waiting_unless_it_is_given(
    settings: dict[str, str], fields: dict[str, t.Any], seconds: float
) -> None:
    assert planned(settings, **fields).publish_timeout == seconds


# -- what the configuration gives ----------------------------------------------------------------


def test_what_a_request_leaves_open_the_configuration_decides() -> None:
    settings = {
        "default_batch_size": "3",
        "default_batch_sleep_time": "0",
        "rpclimitmethod": "random",
        "default_discovery_method": "flatfile",
        "default_discovery_options": "/first\n/second",
        "collectives": "a,b",
        "main_collective": "b",
    }
    found = planned(settings)
    assert (found.batch_size, found.batch_sleep) == (Amount(3), 0)
    assert (found.limit_method, found.discovery_method) == ("random", "flatfile")
    assert found.discovery_options == ["/first"]
    assert found.collective == "b"


def test_what_a_request_says_wins() -> None:
    settings = {"default_batch_size": "3", "rpclimitmethod": "random", "collectives": "a,b"}
    found = planned(
        settings, batch_size="50%", batch_sleep=0.5, limit_method="first", collective="a"
    )
    assert (found.batch_size, found.batch_sleep) == (Amount(50, percent=True), 0.5)
    assert (found.limit_method, found.collective) == ("first", "a")


def test_a_batch_size_of_zero_turns_that_of_the_configuration_off() -> None:
    assert planned({"default_batch_size": "3"}, batch_size=0).batch_size is None


@pytest.mark.parametrize(
    "fields",
    [{"process_results": False}, {"reply_to": "/queue/x"}, {"discovery_method": "none"}],
)
def test_the_configurations_batches_are_for_calls_that_can_have_them(
    fields: dict[str, t.Any],
) -> None:
    assert planned({"default_batch_size": "3"}, **fields).batch_size is None


def test_a_named_list_needs_no_discovery_method() -> None:
    settings = {"default_discovery_method": "puppetdb"}
    assert planned(settings, nodes=["a"]).discovery_method == "mc"


@pytest.mark.parametrize("given,meant", [("broadcast", "mc"), ("file", "flatfile")])
def test_choria_has_further_names_of_discovery_methods(given: str, meant: str) -> None:
    fields = {"discovery_options": ["/list"]} if meant == "flatfile" else {}
    assert planned(discovery_method=given, **fields).discovery_method == meant
    assert planned({"default_discovery_method": given}, **fields).discovery_method == meant


CHORIA = {"connector": "nats", "securityprovider": "choria"}


def test_the_options_of_discovery_have_names_in_choria() -> None:
    for given in ("file=/list", "file = /list", "/list"):
        fields = {"discovery_method": "file", "discovery_options": [given]}
        assert planned(CHORIA, **fields).discovery_options == ["/list"]
        settings = {**CHORIA, "default_discovery_options": given}
        assert planned(settings, discovery_method="file").discovery_options == ["/list"]
    # In MCollective this is the name of a file.
    fields = {"discovery_method": "file", "discovery_options": ["file=/list"]}
    assert planned(**fields).discovery_options == ["file=/list"]
    with pytest.raises(exc.BadRequest, match="needs the path of a file"):
        planned(CHORIA, discovery_method="file", discovery_options=["file="])


def test_a_filter_is_settled_in_the_language_of_the_nodes() -> None:
    of_choria, old = "with('a=b') && with('c')", "a=b and c"
    found = planned(CHORIA, filter=Filter().add_compound(of_choria)).filter
    assert found["compound"] == [[{"expr": of_choria}]]
    with pytest.raises(exc.BadCompoundFilter, match="this is MCollective's language"):
        planned(CHORIA, filter=Filter().add_compound(old))
    found = planned(filter=Filter().add_compound(old)).filter
    assert found["compound"] == [[{"statement": "a=b"}, {"and": "and"}, {"statement": "c"}]]
    with pytest.raises(exc.BadCompoundFilter, match="this looks like Choria's language"):
        planned(filter=Filter().add_compound(of_choria))


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings,fields,why",
    [
        ({}, {"limit": "few"}, "limit must be a number of nodes or a percentage .*, not 'few'"),
        ({}, {"limit": "-1"}, "limit must be a number of nodes"),
        ({}, {"limit": "1.5"}, "limit must be a number of nodes"),
        ({}, {"limit": "١"}, "limit must be a number of nodes"),
        ({}, {"limit": "9" * 10}, "limit must be a number of nodes"),
        ({}, {"limit": 0}, "limit must be at least 1, not 0"),
        ({}, {"limit": "0%"}, "limit must be at least 1, not 0%"),
        ({}, {"limit_method": "last"}, "limit_method must be one of first, random, not last"),
        ({"rpclimitmethod": "last"}, {}, "limit_method must be one of first, random, not last"),
        ({}, {"limit_seed": -1}, "limit_seed must be from 0 to 4294967295"),
        ({}, {"limit_seed": MAX_SEED}, "limit_seed must be from 0 to 4294967295"),
        ({}, {"batch_size": "a"}, "batch_size must be a number of nodes or a percentage"),
        ({}, {"batch_size": "0%"}, "batch_size must be more than 0%; 0 means that all are asked"),
        ({}, {"batch_size": 2, "process_results": False}, "a call in batches waits"),
        ({}, {"batch_size": 2, "reply_to": "/queue/x"}, "a call in batches waits"),
        ({}, {"batch_sleep": -1}, "batch_sleep must be from 0 to 2592000 seconds, not -1"),
        ({}, {"batch_sleep": math.nan}, "batch_sleep must be"),
        ({}, {"max_fail_percentage": 10}, "max_fail_percentage needs a batch_size"),
        ({}, {"batch_size": 2, "max_fail_percentage": 101}, "must be from 0 to 100, not 101"),
        ({}, {"batch_size": 2, "max_fail_percentage": -1}, "must be from 0 to 100, not -1"),
        ({}, {"expected_nodes": 0}, "expected_nodes must be at least 1, not 0"),
        ({}, {"publish_timeout": 0}, "publish_timeout must be more than 0"),
        ({}, {"agent_timeout": 0}, "agent_timeout must be more than 0"),
        ({}, {"reply_to": " "}, "reply_to is empty"),
        ({}, {"arguments": {1: 2}}, "the argument 1 has a name that is not a text"),
        ({}, {"discovery_method": "puppet"}, "the value of discovery_method is not supported"),
        *(
            (
                {},
                {"discovery_method": name},
                f"discovery_method = {name}, which {what}, is not supported",
            )
            for name, what in (
                ("choria", "asks PuppetDB"),
                ("puppetdb", "asks PuppetDB"),
                ("inventory", "reads a file of Choria's"),
                ("external", "runs a command"),
            )
        ),
        (
            {"default_discovery_method": "choria"},
            {},
            "the given options: default_discovery_method = choria, .* Use mc to ask the nodes, or flatfile",
        ),
        (
            {"default_discovery_method": "stdin"},
            {},
            "the given options: the value of default_discovery_method is not supported; there are mc,"
            " broadcast, flatfile, file, none, and explicit nodes",
        ),
        ({}, {"discovery_method": "flatfile"}, "flatfile needs the path of a file"),
        (
            {},
            {"discovery_method": "flatfile", "discovery_options": []},
            "discovery_options is empty",
        ),
        (
            {},
            {"discovery_method": "flatfile", "discovery_options": [""]},
            "discovery_options is empty",
        ),
        (
            {},
            {"discovery_method": "flatfile", "discovery_options": ["/a", "/b"]},
            "reads one file, and discovery_options has 2",
        ),
        ({}, {"discovery_options": ["/a"]}, "the discovery method mc takes none"),
        ({}, {"nodes": []}, "nodes is empty, or has an empty entry, which addresses nobody"),
        ({}, {"nodes": ["a", ""]}, "nodes is empty, or has an empty entry"),
        ({}, {"nodes": [None]}, "nodes is empty, or has an empty entry"),
        ({}, {"nodes": "web1"}, "nodes must be a list, not a str"),
        ({}, {"nodes": b"web1"}, "nodes must be a list, not a bytes"),
        ({}, {"nodes": iter(["web1"])}, "nodes must be a list, not a list_iterator"),
        ({}, {"discovery_options": "/a"}, "discovery_options must be a list, not a str"),
        ({}, {"collective": ""}, "collective is an empty text"),
        ({}, {"limit": " "}, "limit is an empty text"),
        ({}, {"discovery_method": "none", "limit": 1}, "limit needs to know the nodes before"),
        ({}, {"discovery_method": "none", "batch_size": 1}, "batch_size needs to know the nodes"),
        (
            {},
            {"discovery_method": "none", "expected_nodes": 1, "process_results": False},
            "expected_nodes cannot be counted: discovery_method = none",
        ),
        (
            {},
            {"discovery_method": "none", "expected_nodes": 1, "reply_to": "/queue/x"},
            "expected_nodes cannot be counted: discovery_method = none",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(
    settings: dict[str, str], fields: dict[str, t.Any], why: str
) -> None:
    with pytest.raises(exc.BadRequest, match=why):
        planned(settings, **fields)


@pytest.mark.parametrize(
    "key,value",
    [
        ("publish_timeout", "0"),
        ("default_batch_sleep_time", "-1"),
        ("direct_addressing", "perhaps"),
        ("default_batch_size", "10%"),
    ],
)
def test_an_option_that_it_needs_and_that_is_wrong_is_named(key: str, value: str) -> None:
    with pytest.raises(exc.ImproperlyConfigured, match=rf"{key}( = {value})? is not"):
        planned({key: value})


# -- amounts, limits and batches -----------------------------------------------------------------


@pytest.mark.parametrize(
    "value,count,left",
    [
        *((1, 10, 1), ("3", 10, 3), (10, 10, 10), (99, 10, 10), (" 2 ", 10, 2)),
        # A fraction of a node is none, but one there always is.
        *(("25%", 10, 2), ("29%", 10, 2), ("30%", 10, 3), ("1%", 10, 1), ("100%", 10, 10)),
        *(("150%", 10, 10), ("99%", 1, 1), ("58%", 50, 29), ("57%", 100, 57)),
    ],
)
def test_how_many_nodes_a_limit_leaves(value: int | str, count: int, left: int) -> None:
    nodes = [f"n{number}" for number in range(count)]
    limit = planned(limit=value).limit
    assert limit is not None
    assert part(nodes, limit, "first", None) == nodes[:left]
    chosen = part(nodes, limit, "random", 1)
    assert len(chosen) == len(set(chosen)) == left
    assert set(chosen) <= set(nodes)


def test_the_first_are_those_that_were_found_first() -> None:
    assert part(["z", "a", "m"], Amount(2), "first", 7) == ["z", "a"]


def test_a_seed_chooses_the_same_of_the_same_in_any_order() -> None:
    one = part(NODES, Amount(4), "random", 42)
    assert part(NODES[::-1], Amount(4), "random", 42) == one
    assert part(NODES, Amount(4), "random", 43) != one


def test_without_a_seed_anybody_is_chosen() -> None:
    assert len({tuple(part(NODES, Amount(4), "random", None)) for _try in range(20)}) > 1


@pytest.mark.parametrize(
    "value,sizes",
    [
        *((0, [10]), (1, [1] * 10), (3, [3, 3, 3, 1]), ("5", [5, 5]), (10, [10]), (11, [10])),
        # A fraction of a node is a whole one.
        *(
            ("25%", [3, 3, 3, 1]),
            ("50%", [5, 5]),
            ("1%", [1] * 10),
            ("100%", [10]),
            ("7%", [1] * 10),
        ),
    ],
)
def test_how_nodes_are_asked_in_batches(value: int | str, sizes: list[int]) -> None:
    groups = batches(NODES, planned(batch_size=value).batch_size)
    assert [len(group) for group in groups] == sizes
    assert [node for group in groups for node in group] == NODES


def test_nobody_is_one_empty_batch() -> None:
    assert batches([], Amount(3)) == batches([], None) == [[]]


def test_data_functions_have_their_time_in_every_wait() -> None:
    filter_ = slow_filter(7)
    request = planned(filter=filter_, timeout=30, first_reply=12, discovery_timeout=2)
    assert (request.timeout, request.first_reply, request.discovery_timeout) == (37, 19, 9)
    assert planned(filter=filter_).first_reply is None


# -- what goes on the wire -----------------------------------------------------------------------


def test_whether_nodes_are_to_answer_stands_among_the_arguments() -> None:
    def data(**fields: t.Any) -> dict[str, t.Any]:
        return Request("rpcutil", "ping", {"a": 1}, **fields).data()

    assert data() == {":a": 1, ":process_results": True}
    assert data(process_results=False) == {":a": 1, ":process_results": False}
    # Nodes answer, though not to us.
    assert data(reply_to="/queue/x") == {":a": 1, ":process_results": True}


def test_a_file_of_the_configuration_is_named_in_the_refusal(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "client.cfg"
    path.write_text("connector = rabbitmq\ndefault_discovery_method = stdin\n")
    config = Config.from_configfile(str(path), {})
    with pytest.raises(exc.BadRequest, match=rf"^{path}:2: the value of default_discovery_method"):
        settle(Request("rpcutil", "ping"), config)
