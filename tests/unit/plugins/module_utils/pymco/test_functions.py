# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data functions of compound filters against DDLs."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.ddl import Library
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.functions import (
    check_functions,
)

LOAD = """
metadata :name => "Load", :description => "Load", :author => "us", :license => "none",
         :version => "1", :url => "https://example.com/", :timeout => 7
dataquery :description => "The load over some minutes" do
  input :query, :prompt => "Minutes", :description => "Minutes", :type => :integer, :optional => true
  output :average, :description => "Processes that wanted to run", :display_as => "Average"
end
"""


@pytest.fixture
def library(tmp_path: pathlib.Path) -> Library:
    """The built-in DDLs, one for the function demand, and one that cannot be read."""
    (tmp_path / "demand_data.ddl").write_text(LOAD)
    (tmp_path / "broken_data.ddl").write_text("metadata :name =>")
    return Library(paths=[str(tmp_path)])


def test_arguments_get_the_types_that_the_ddl_declares(library: Library) -> None:
    filter_ = (
        Filter()
        .add_compound("demand('15').average>2 and apache")
        .add_compound("demand().average<1")
    )
    assert check_functions(filter_, library.data) == []
    first, second = filter_["compound"]
    assert [call["fstatement"]["params"] for call in (first[0], second[0])] == [15, None]
    assert first[1:] == [{"and": "and"}, {"statement": "apache"}]
    assert list(first[0]["fstatement"]) == ["r_compare", "operator", "value", "name", "params"]


def test_the_plugins_timeouts_add_up(library: Library) -> None:
    filter_ = Filter().add_compound("demand('15').average>2 or fstat('/x').size>1 or new().x=1")
    check_functions(filter_, library.data)
    assert filter_.seconds == filter_.copy().seconds == 7 + 1 + 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("demand('x').average>2", "DDL of demand_data, input query refuses this"),
        ("agent('no name').version=1", "DDL of agent_data, input query refuses this"),
        ("fstat('/x').inode=1", "it does not return 'inode', only name, output, present"),
    ],
)
def test_what_the_ddl_does_not_allow_is_refused(library: Library, text: str, why: str) -> None:
    with pytest.raises(exc.InvalidArgument) as caught:
        check_functions(Filter().add_compound(text), library.data)
    assert why in str(caught.value)


def test_a_function_without_ddl_is_sent_and_told_of_once(library: Library) -> None:
    filter_ = Filter().add_compound("new('a').x=1 or new('b').y=2")
    before = filter_["compound"]
    assert check_functions(filter_, library.data) == [
        "the data function new is sent unchecked, since its DDL is missing: there is none here;"
        " nodes that lack its plugin do not answer"
    ]
    assert filter_["compound"] == before


def test_of_a_ddl_that_is_read_in_part_the_time_serves(tmp_path: pathlib.Path) -> None:
    (tmp_path / "demand_data.ddl").write_text(LOAD.replace("output :average,", "output average,"))
    filter_ = Filter().add_compound("demand('x').other=1")
    before = filter_["compound"]
    (doubt,) = check_functions(filter_, Library(paths=[str(tmp_path)]).data)
    assert "the data function demand is sent unchecked: the DDL can be read in part only" in doubt
    assert (filter_["compound"], filter_.seconds) == (before, 7)


def test_a_ddl_that_cannot_be_read_is_told_of(library: Library) -> None:
    (doubt,) = check_functions(Filter().add_compound("broken('a').x=1"), library.data)
    assert "the data function broken is sent unchecked" in doubt
    assert "broken_data.ddl" in doubt


def test_an_argument_that_cannot_be_checked_is_told_of(tmp_path: pathlib.Path) -> None:
    rule = ", :validation => '^(?<word>a)\\k<word>$', :maxlength => 9"
    text = LOAD.replace(":type => :integer", ":type => :string" + rule)
    (tmp_path / "demand_data.ddl").write_text(text)
    filter_ = Filter().add_compound("demand('aa').average>2")
    (doubt,) = check_functions(filter_, Library(paths=[str(tmp_path)]).data)
    assert doubt.startswith("the argument of the data function demand is sent unchecked")
