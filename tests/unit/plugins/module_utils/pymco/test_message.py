# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Envelopes and filters in their form on the wire."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.message import Filter, Message
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

CONFIG = Config({"identity": "me.example.com", "main_collective": "fleet", "ttl": "30"})


def types(value: t.Any) -> t.Any:
    """A value with the types that tell Symbols from Strings."""
    if isinstance(value, dict):
        return {(type(key), str(key)): types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [types(item) for item in value]
    return type(value), value


def test_an_empty_filter_has_all_kinds_with_string_keys() -> None:
    empty: dict[str, t.Any] = {
        **{"fact": [], "cf_class": [], "agent": [], "identity": [], "compound": []}
    }
    assert types(dict(Filter())) == types(empty)


def test_a_filter_goes_on_the_wire_as_nodes_want_it() -> None:
    filter_ = Filter().add_cfclass("apache").add_cfclass("/^role::/").add_agent("puppet")
    filter_.add_identity("web1").add_fact("os", "Debian").add_fact("cpus", 4, ">=")
    fact, value, operator = Symbol("fact"), Symbol("value"), Symbol("operator")
    assert types(dict(filter_)) == types(
        {
            "fact": [
                {fact: "os", value: "Debian", operator: "=="},
                {fact: "cpus", value: "4", operator: ">="},
            ],
            "cf_class": ["apache", "/^role::/"],
            "agent": ["puppet"],
            "identity": ["web1"],
            "compound": [],
        }
    )


@pytest.mark.parametrize(
    "value,text", [(True, "true"), (False, "false"), (None, ""), (4, "4"), (1.5, "1.5"), ("x", "x")]
)
def test_a_fact_value_is_text_as_nodes_hold_it(value: t.Any, text: str) -> None:
    assert Filter().add_fact("a", value)["fact"][0][Symbol("value")] == text


@pytest.mark.parametrize(
    "given,sent",
    [
        *(("==", "=="), ("=~", "=~"), ("<=", "<="), ("=<", "<="), (">=", ">="), ("=>", ">=")),
        *(("<", "<"), (">", ">"), ("!=", "!="), (None, "==")),
    ],
)
def test_each_operator_is_sent_in_the_one_spelling_of_nodes(given: str | None, sent: str) -> None:
    assert Filter().add_fact("a", "b", given)["fact"][0][Symbol("operator")] == sent


@pytest.mark.parametrize("operator", ["=", "===", "~", "!~", "<>", "!=~", " ==", "in"])
def test_other_operators_are_refused_with_those_that_are(operator: str) -> None:
    with pytest.raises(exc.BadFilterFactOperator) as caught:
        Filter().add_fact("a", "b", operator)
    assert repr(operator) in str(caught.value)
    assert "== =~ <= => >= =< < > !=" in str(caught.value)


def test_what_is_added_twice_is_sent_once() -> None:
    filter_ = Filter()
    for _time in range(2):
        filter_.add_cfclass("a").add_agent("b").add_identity("c").add_fact("d", 1).add_fact(
            "d", "1"
        )
    assert [len(filter_[kind]) for kind in ("cf_class", "agent", "identity", "fact")] == [1] * 4


def test_a_copy_is_a_filter_of_its_own() -> None:
    original = Filter().add_agent("a").add_cfclass("b").add_identity("c").add_fact("d", "e")
    copy = original.copy()
    assert dict(copy) == dict(original)
    copy.add_agent("x").add_cfclass("x").add_identity("x").add_fact("x", "x")
    assert [len(original[kind]) for kind in ("cf_class", "agent", "identity", "fact")] == [1] * 4


@pytest.mark.parametrize(
    "filter_,narrows",
    [
        (Filter(), False),
        (Filter().add_agent("rpcutil"), False),
        (Filter().add_agent("other"), True),
        (Filter().add_agent("rpcutil").add_agent("other"), True),
        (Filter().add_cfclass("a"), True),
        (Filter().add_identity("a"), False),
        (Filter().add_fact("a", "b"), True),
    ],
)
def test_a_filter_tells_whether_it_narrows(filter_: Filter, narrows: bool) -> None:
    assert filter_.narrows_beyond("rpcutil") is narrows


def test_identities_by_name_stay_a_list() -> None:
    assert Filter().add_identity("a").add_identity("b.c")["identity"] == ["a", "b.c"]


def test_a_single_pattern_stays_as_it_is() -> None:
    assert Filter().add_identity("/^a/")["identity"] == ["/^a/"]


# What a node does (MC:util.rb, has_identity?; MC:security/base.rb, validate_filter?).
NODE = r"""
identity, *entries = ARGV
matched = entries.count do |entry|
  entry =~ /^\// ? identity.match(Regexp.new(entry.gsub("/", ""))) : identity == entry
end
print matched == 1
"""


@pytest.mark.skipif(shutil.which("ruby") is None, reason="no ruby on the PATH to match with")
@pytest.mark.parametrize(
    "entries,fitting,others",
    [
        (
            ["web1.example.com", "/^db/"],
            ["web1.example.com", "db1", "db.example.com"],
            ["web1xexample.com", "xweb1.example.com", "web1.example.com.org", "web10", "adb"],
        ),
        (["/web/", "/1$/"], ["web1", "web2", "db1"], ["db2"]),
        (["/a|b/", "c"], ["a", "xbx", "c"], ["cc", "d"]),
        (["/^WEB(?i)x/", "/(?i)db/"], ["WEBX", "DB", "dB"], ["webx"]),
        (["a-b_c.d", "/z/"], ["a-b_c.d", "z"], ["a-b_cxd"]),
    ],
)
def test_identities_with_patterns_fit_each_node_once(
    entries: list[str], fitting: list[str], others: list[str]
) -> None:
    filter_ = Filter()
    for entry in entries:
        filter_.add_identity(entry)
    for identity in fitting + others:
        command = ["ruby", "-e", NODE, identity, *filter_["identity"]]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        expected = "true" if identity in fitting else "false"
        assert answer == expected, (identity, filter_["identity"])


# -- envelopes -----------------------------------------------------------------------------------


def test_an_envelope_has_the_keys_of_the_reference() -> None:
    message = Message("ping", "discovery", CONFIG, now=lambda: 1395419893.9)
    requestid = message[":requestid"]
    assert types(dict(message)) == types(
        {
            Symbol("senderid"): "me.example.com",
            Symbol("requestid"): requestid,
            Symbol("filter"): dict(Filter().add_agent("discovery")),
            Symbol("collective"): "fleet",
            Symbol("agent"): "discovery",
            Symbol("ttl"): 30,
            Symbol("msgtime"): 1395419893,
            Symbol("body"): "ping",
        }
    )


def test_request_ids_are_32_hexadecimal_digits_and_never_the_same() -> None:
    requestids = [Message("", "a", CONFIG, now=lambda: 0.0)[":requestid"] for _time in range(500)]
    assert len(set(requestids)) == 500
    assert all(re.fullmatch("[0-9a-f]{32}", requestid) for requestid in requestids)


def test_collective_ttl_and_filter_may_be_given() -> None:
    filter_ = Filter().add_cfclass("x")
    message = Message("", "a", CONFIG, filter_, collective="other", ttl=1)
    assert (message[":collective"], message[":ttl"]) == ("other", 1)
    assert message[":filter"] == dict(filter_)


def test_an_envelope_does_not_change_with_the_filter_it_was_made_of() -> None:
    filter_ = Filter().add_agent("a")
    message = Message("", "a", CONFIG, filter_)
    filter_.add_agent("b")
    assert message[":filter"]["agent"] == ["a"]


def test_an_envelope_reads_and_writes_with_and_without_the_colon() -> None:
    message = Message("", "a", CONFIG)
    message["agent"] = "b"
    assert message[":agent"] == message["agent"] == "b"
    message[":agent"] = "c"
    assert len(message) == 8
    del message["agent"]
    assert ":agent" not in message
    assert all(isinstance(key, Symbol) for key in message)


@pytest.mark.parametrize(
    "add",
    [
        lambda filter_: filter_.add_cfclass(""),
        lambda filter_: filter_.add_agent(""),
        lambda filter_: filter_.add_identity(""),
        lambda filter_: filter_.add_identity(None),
        lambda filter_: filter_.add_fact("", "x"),
        lambda filter_: filter_.add_compound([]),
    ],
)
def test_an_empty_entry_of_a_filter_is_refused(add: t.Callable[[Filter], Filter]) -> None:
    with pytest.raises(exc.BadFilter, match="filter is empty, which addresses nobody"):
        add(Filter())


def test_a_message_has_its_filter_in_the_dialect_of_its_configuration() -> None:
    choria = Config({"identity": "me", "connector": "nats", "securityprovider": "choria"})
    filter_ = Filter().add_compound("with('a=b')").add_identity("/a/").add_identity("/b/")
    msg = Message("ping", "discovery", choria, filter_)
    assert msg["filter"]["compound"] == [[{"expr": "with('a=b')"}]]
    assert msg["filter"]["identity"] == ["/a/", "/b/"]
    with pytest.raises(exc.BadCompoundFilter):
        Message("ping", "discovery", CONFIG, filter_)
