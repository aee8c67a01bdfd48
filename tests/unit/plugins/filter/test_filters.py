# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters for results of modules, and for the output of mco and choria."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pymco.mcollective.plugins.filter.by_sender import by_sender
from ansible_collections.pymco.mcollective.plugins.filter.fact_report import fact_report
from ansible_collections.pymco.mcollective.plugins.filter.from_mco import from_mco


def reply(sender: str, **data: t.Any) -> dict[str, t.Any]:
    """A reply as mcollective_rpc returns it and mco prints it."""
    six = {"agent": "service", "action": "status", "statuscode": 0, "statusmsg": "OK"}
    return {**six, "sender": sender, "data": data}


WEB, DB = reply("web1", status="running", os={"family": "x"}), reply("db1", **{"os.family": "y"})


@pytest.mark.parametrize(
    "value,expected",
    [
        ([WEB, DB], {"db1": DB, "web1": WEB}),
        ({"replies": [WEB], "nodes": ["web1"]}, {"web1": WEB}),
        ({"reply": WEB, "nodes": ["web1"]}, {"web1": WEB}),
        ({"outcomes": [{"sender": "a"}], "outcome": {"sender": "a"}}, {"a": {"sender": "a"}}),
        ({"times": [{"identity": "a", "seconds": 0.1}]}, {"a": {"identity": "a", "seconds": 0.1}}),
        ({"no_response": ["a"], "nodes": ["a"]}, {}),
        ([], {}),
    ],
)
def test_entries_are_found_by_their_nodes(value: t.Any, expected: dict[str, t.Any]) -> None:
    assert by_sender(value) == expected
    assert list(by_sender(value)) == sorted(expected)


@pytest.mark.parametrize(
    "path,expected",
    [
        ("data.status", {"db1": None, "web1": "running"}),
        ("data.os.family", {"db1": "y", "web1": "x"}),
        ("statuscode", {"db1": 0, "web1": 0}),
        ("statuscode.x", {"db1": None, "web1": None}),
    ],
)
def test_a_part_of_each_entry_is_found(path: str, expected: dict[str, t.Any]) -> None:
    assert by_sender([WEB, DB], path) == expected


@pytest.mark.parametrize(
    "value,words",
    [
        ("text", "the input must be a list of replies, outcomes"),
        ({"stdout": ""}, "the input must be a list of replies, outcomes"),
        ([1], "an entry of the list has neither sender nor identity"),
        ([{"sender": 1}], "an entry of the list has neither sender nor identity"),
        ([WEB, WEB], "the list has two entries of web1"),
    ],
)
def test_other_input_is_refused(value: t.Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"pymco.mcollective.by_sender: {words}"):
        by_sender(value)


def test_a_node_cannot_write_to_the_terminal() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        by_sender([reply("\x1b[31m"), reply("\x1b[31m")])
    assert "\x1b" not in str(caught.value)


def test_no_identity_becomes_a_key_of_ansibles_own() -> None:
    """It would make the cache of facts unreadable, or a text of a node a template."""
    replies = [reply("__ansible_type", v="TrustedAsTemplate"), WEB]
    assert list(by_sender(replies)) == ['"__ansible_type"', "web1"]
    assert by_sender(replies, "data.v") == {'"__ansible_type"': "TrustedAsTemplate", "web1": None}


def test_a_fact_is_reported_by_its_values() -> None:
    facts = {
        "c": {"os": {"family": "b"}},
        "a": {"os.family": "b"},
        "d": {"x": 1},
        "b": {"os": {"family": "a"}},
    }
    info = [{"identity": name, "facts": each} for name, each in facts.items()]
    expected = [
        {"value": "a", "count": 1, "nodes": ["b"]},
        {"value": "b", "count": 2, "nodes": ["a", "c"]},
        {"value": None, "count": 1, "nodes": ["d"]},
    ]
    assert fact_report(info, "os.family") == expected
    assert fact_report({"node_info": info, "nodes": []}, "os.family") == expected
    whole, *_others = fact_report(info, "os")
    assert whole == {"value": {"family": "a"}, "count": 1, "nodes": ["b"]}
    assert fact_report([], "os") == []


@pytest.mark.parametrize("path", [5, ["role"], {}])
def test_a_path_that_is_no_text_is_refused(path: t.Any) -> None:
    info = [{"identity": "a", "facts": {"role": "x"}}]
    for name, called in (("by_sender", by_sender), ("fact_report", fact_report)):
        with pytest.raises(AnsibleFilterError, match=f"{name}: it takes a name with dots, such as"):
            called(info, path)


@pytest.mark.parametrize("value", [[WEB], {"replies": [DB], "nodes": []}, [{"identity": "a"}]])
def test_a_report_of_entries_without_facts_is_refused(value: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="has no facts; the input must be the result of"):
        fact_report(value, "role")


def test_facts_may_have_keys_of_any_type() -> None:
    value = {1: "a", "b": None, "1": 2}
    info = [{"identity": "a", "facts": {"x": value}}]
    assert fact_report(info, "x") == [{"value": value, "count": 1, "nodes": ["a"]}]


def test_values_with_too_many_levels_are_refused() -> None:
    deep: list[t.Any] = []
    for _level in range(5000):
        deep = [deep]
    info = [{"identity": "a", "facts": {"x": deep}}]
    for called in (by_sender, fact_report):
        with pytest.raises(AnsibleFilterError, match="a value has too many levels"):
            called(info, "facts.x" if called is by_sender else "x")


def test_what_mco_and_choria_print_are_replies() -> None:
    assert from_mco(json.dumps([WEB, DB])) == [DB, WEB]
    once = {"agent": "service", "action": "status"}
    short = [{key: value for key, value in each.items() if key not in once} for each in (WEB, DB)]
    printed = {**once, "replies": short, "request_stats": {"ok": 2}, "summaries": None}
    assert from_mco(json.dumps(printed)) == [DB, WEB]
    assert list(from_mco(json.dumps(printed))[0]) == [
        *("agent", "action", "sender", "statuscode", "statusmsg", "data")
    ]
    assert from_mco(json.dumps([{**WEB, "data": None}]))[0]["data"] == {}
    assert from_mco("[]\n") == []


def test_nothing_that_nodes_say_means_something_to_ansible() -> None:
    tagged = {"__ansible_type": "_AnsibleTaggedStr", "value": "{{ 1 }}", "tags": []}
    numbers = {"a": float("nan"), "b": [float("-inf")], "\ud800": "\udfff"}
    replies = [reply("web1", v=tagged, **numbers), reply("__ansible_vault")]
    for ascii_only in (True, False):
        other, web = from_mco(json.dumps(replies, ensure_ascii=ascii_only))
        assert other["sender"] == "__ansible_vault"
        assert web["data"] == {
            "v": {'"__ansible_type"': "_AnsibleTaggedStr", "value": "{{ 1 }}", "tags": []},
            **{"a": "NaN", "b": ["-Infinity"], "\ufffd": "\ufffd"},
        }


@pytest.mark.parametrize(
    "text,words",
    [
        ("", "the input is not JSON"),
        (None, "the input is not JSON"),
        ("Request sent with id: 5", "the input is not JSON"),
        ("[" * 100_000, "the input is not JSON, or has too many levels"),
        ("[" * 5000 + "]" * 5000, "the input is not JSON, or has too many levels"),
        ("{}", "the input is not what mco rpc -j or choria req --json prints"),
        ("5", "the input is not what mco rpc -j or choria req --json prints"),
        ('[{"sender": "a"}]', "a reply has no agent"),
    ],
)
def test_other_output_is_refused(text: t.Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"pymco.mcollective.from_mco: {words}"):
        from_mco(text)
