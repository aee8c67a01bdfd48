# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request with a DDL, and without one."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.described import (
    Description,
    describe,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.request import Request
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol

META = """
metadata :name => "shop", :description => "d", :author => "a", :license => "l", :version => "1",
         :url => "https://example.com/", :timeout => {timeout}
"""
SELL = """
action "sell", :description => "Sells" do
  input :count, :prompt => "p", :description => "d", :type => :integer, :optional => true
  input :price, :prompt => "p", :description => "d", :type => :number, :optional => true
  input :gift, :prompt => "p", :description => "d", :type => :boolean, :optional => false,
        :default => false
  input :what, :prompt => "p", :description => "d", :type => :string, :validation => '^[a-z]+$',
        :maxlength => 5, :optional => false
  output :sold, :description => "d", :display_as => "Sold"
end
"""


def library(tmp_path: pathlib.Path, timeout: int = 33, more: str = SELL) -> Library:
    """A library with one DDL."""
    (tmp_path / "shop.ddl").write_text(META.format(timeout=timeout) + more)
    return Library([], [str(tmp_path)])


def described(tmp_path: pathlib.Path, strict: bool = False, **arguments: t.Any) -> Description:
    """What the DDL makes of a sale."""
    return describe(Request("shop", "sell", arguments), library(tmp_path), strict=strict)


def test_the_ddl_gives_time_defaults_and_keys(tmp_path: pathlib.Path) -> None:
    found = described(tmp_path, what="tea")
    assert found.request.arguments == {Symbol("what"): "tea", Symbol("gift"): False}
    assert found.request.agent_timeout == 33
    assert found.request.described
    assert found.action is not None and found.action.name == "sell"
    assert found.doubts == []
    assert found.request.data() == {
        ":what": "tea",
        ":gift": False,
        ":process_results": True,
    }


@pytest.mark.parametrize(
    "given,sent",
    [
        ({"count": "7"}, 7),
        ({"count": 7}, 7),
        ({"price": "2.5"}, 2.5),
        ({"price": "2"}, 2),
        ({"gift": "yes"}, True),
        ({"gift": "0"}, False),
        ({"gift": True}, True),
    ],
)
def test_text_becomes_what_the_ddl_says_it_is(
    tmp_path: pathlib.Path, given: dict[str, t.Any], sent: t.Any
) -> None:
    found = described(tmp_path, what="tea", **given)
    (name,) = given
    value = found.request.arguments[f":{name}"]
    assert (value, type(value)) == (sent, type(sent))


def test_text_that_is_to_be_text_stays_it(tmp_path: pathlib.Path) -> None:
    more = SELL.replace("'^[a-z]+$'", "'.'")
    found = describe(Request("shop", "sell", {"what": "1"}), library(tmp_path, more=more))
    assert found.request.arguments[":what"] == "1"


@pytest.mark.parametrize(
    "arguments,rule",
    [
        ({}, "what"),
        ({"what": "TEA"}, "input what"),
        ({"what": "coffee"}, "input what"),
        ({"what": "tea", "count": "many"}, "input count"),
        ({"what": "tea", "gift": 2}, "input gift"),
        ({"what": 5}, "input what"),
    ],
)
def test_what_the_ddl_forbids_is_refused_with_its_rule(
    tmp_path: pathlib.Path, arguments: dict[str, t.Any], rule: str
) -> None:
    with pytest.raises(exc.InvalidArgument, match="^the DDL of shop, action sell.* refuses") as why:
        described(tmp_path, **arguments)
    assert rule in str(why.value)


def test_an_action_that_the_ddl_does_not_know_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exc.InvalidArgument, match="the DDL of shop, action buy refuses this"):
        describe(Request("shop", "buy"), library(tmp_path))


def test_an_action_that_is_misspelt_is_refused_with_the_nearest(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exc.InvalidArgument, match="it declares sell; is sell meant"):
        describe(Request("shop", "sel"), library(tmp_path))


@pytest.mark.parametrize("name", ["counts", ":counts", Symbol("counts")])
def test_an_input_that_is_not_declared_is_sent_with_a_warning(
    tmp_path: pathlib.Path, name: str
) -> None:
    request = Request("shop", "sell", {"what": "tea", name: 1, "zzz": None})
    found = describe(request, library(tmp_path))
    assert found.request.arguments[":counts"] == 1
    assert found.doubts == [
        "shop is sent the input counts, which its DDL does not declare for the action sell; is count"
        " meant?",
        "shop is sent the input zzz, which its DDL does not declare for the action sell",
    ]


@pytest.mark.parametrize("name", ["counts", ":counts", Symbol("counts")])
def test_strictly_every_input_must_be_declared(tmp_path: pathlib.Path, name: str) -> None:
    why = "action sell, input counts refuses this: no such input; is count meant"
    # Before a required one is found missing, which it is by the same mistake.
    for arguments in ({"what": "tea", name: 1}, {name: 1}):
        with pytest.raises(exc.InvalidArgument, match=why):
            describe(Request("shop", "sell", arguments), library(tmp_path), strict=True)


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_ddl_that_gives_no_time_leaves_the_usual(tmp_path: pathlib.Path, timeout: int) -> None:
    found = describe(Request("shop", "sell", {"what": "tea"}), library(tmp_path, timeout))
    assert found.request.agent_timeout == 10


def test_without_a_ddl_a_request_stays_as_it_is() -> None:
    request = Request("nosuch", "sell", {"count": "7"})
    assert describe(request, Library()) == Description(request)


def test_an_unreadable_ddl_is_a_doubt(tmp_path: pathlib.Path) -> None:
    request = Request("shop", "sell", {"count": "7"})
    (tmp_path / "shop.ddl").write_text("exit!")
    found = describe(request, Library([], [str(tmp_path)]))
    assert found.request is request
    (doubt,) = found.doubts
    assert doubt.startswith("the arguments are sent unchecked: the DDL cannot be read: ")


PARTLY = """
usage `date`
action "other", :description => "x" do
  input :never, none
end
"""


def test_what_could_be_read_of_a_ddl_serves(tmp_path: pathlib.Path) -> None:
    more = SELL.replace("integer", "integer.of(1)", 1) + PARTLY
    request = Request("shop", "sell", {"what": "tea", "price": "2", "count": "7"})
    found = describe(request, library(tmp_path, more=more))
    assert found.request.agent_timeout == 33
    assert found.request.arguments == {":what": "tea", ":price": 2, ":gift": False, ":count": "7"}
    assert found.doubts == [
        f"the DDL can be read in part only: {tmp_path / 'shop.ddl'}, line {line}: {why};"
        " what it says there is not checked, the rest is"
        for line, why in (
            (6, "the method 'of' of a value (Symbol) is not known"),
            (15, "` is unexpected"),
        )
    ]
    with pytest.raises(exc.InvalidArgument, match="longer than 5"):
        describe(
            dataclasses.replace(request, arguments={"what": "coffee"}), library(tmp_path, more=more)
        )
    with pytest.raises(exc.UnreadableDDL, match=r"can be read in part only: .*, line 6: "):
        describe(request, library(tmp_path, more=more), strict=True)


def test_an_action_that_was_not_read_is_sent_with_the_ddls_time(tmp_path: pathlib.Path) -> None:
    request = Request("shop", "steal", {"count": "7"})
    found = describe(request, library(tmp_path, more=SELL + "unknown 'steal'"))
    assert found.request == dataclasses.replace(request, agent_timeout=33.0)
    assert (found.action, len(found.doubts)) == (None, 1)


def test_an_action_is_never_sent_unchecked_without_a_word(tmp_path: pathlib.Path) -> None:
    # The gap is within the other action, but may have swallowed this one.
    request = Request("shop", "steal", {"count": "7"})
    found = describe(request, library(tmp_path, more=SELL + PARTLY.replace("usage `date`", "")))
    (doubt,) = found.doubts
    assert "can be read in part only" in doubt


def test_strictly_there_must_be_a_ddl() -> None:
    with pytest.raises(exc.BadRequest, match="there is no DDL of the agent nosuch, which validate"):
        describe(Request("nosuch", "sell"), Library(), strict=True)


def test_strictly_it_must_be_readable(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exc.UnreadableDDL, match="the DDL can be read in part only: "):
        describe(Request("shop", "sell"), library(tmp_path, more="exit!"), strict=True)


def test_a_rule_that_only_nodes_know_is_a_doubt_or_strictly_a_refusal(
    tmp_path: pathlib.Path,
) -> None:
    more = SELL.replace("'^[a-z]+$'", ":our_own_rule")
    request = Request("shop", "sell", {"what": "tea"})
    (doubt,) = describe(request, library(tmp_path, more=more)).doubts
    assert doubt.startswith("the input what of shop is sent unchecked: ")
    with pytest.raises(exc.BadRequest, match=r"sent unchecked: .*; validate = strict does not"):
        describe(request, library(tmp_path, more=more), strict=True)


def test_what_is_no_call_at_all_is_refused_first() -> None:
    with pytest.raises(exc.BadRequest, match="'a b' is not the name of an agent"):
        describe(Request("a b", "sell"), Library())


def test_a_path_that_is_not_there_is_a_doubt_and_named() -> None:
    (doubt,) = describe(Request("shop", "sell"), Library([], ["/no/such/place"])).doubts
    assert "/no/such/place: no such file or directory" in doubt
