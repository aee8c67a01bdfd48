# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the inventory plugin: where they come from, and which are refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)

from .conftest import Source, hosts

WEB = ["web1", "web2", "web3"]
ALL = ["db1", *WEB]


@pytest.mark.parametrize(
    "options,message",
    [
        ({"fact_filter": ["site=zurich"]}, "there is no such option: fact_filter"),
        ({"security_provider": "rot13"}, "the value of securityprovider is not supported"),
        ({"fact_filters": ["nonsense"]}, "fact filter 'nonsense' does not parse"),
        ({"brokers": [{"port": 5}]}, "missing required arguments: host found in brokers"),
        ({"gather": ["everything"]}, "gather"),
        ({"gather": ["classes"], "fact_names": ["os"]}, "facts are named, but"),
        ({"config_file": "/no/such/file"}, "/no/such/file"),
        (
            {"config_file": "{{ no_such_variable }}"},
            "the templates of the option config_file cannot",
        ),
        ({"timeout": "soon"}, "timeout"),
    ],
)
def test_a_wrong_option_is_refused(
    source: Source, collective: EmbeddedCollective, options: dict[str, t.Any], message: str
) -> None:
    before = [node.requests for node in collective.nodes]
    with pytest.raises(AnsibleError, match=message):
        source.write(collective, **options).parse()
    assert [node.requests for node in collective.nodes] == before


def test_options_may_have_templates(
    source: Source, collective: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PSK", collective.psk)
    path = source.path.with_name("elsewhere.cfg")
    lines = collective.client_cfg.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "psk =" not in line))
    source.write(
        collective,
        config_file=f"{{{{ '{path.parent}' }}}}/elsewhere.cfg",
        psk="{{ lookup('ansible.builtin.env', 'TEST_PSK') }}",
        expected_nodes="{{ 2 + 2 }}",
        class_filters=["role::{{ 'web' }}"],
        minimum_nodes="{{ 3 }}",
    )
    assert hosts(source.parse()) == WEB


def test_options_come_from_the_environment_too(
    source: Source, collective: EmbeddedCollective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_MCOLLECTIVE_CONFIG_FILE", str(collective.client_cfg))
    assert hosts(source.write(collective, config_file=None).parse()) == ALL


# -- options that are misspelt or empty ----------------------------------------------------------


@pytest.mark.parametrize(
    "options,message",
    [
        ({"fact_filter": ["a=b"]}, "no such option: fact_filter; is fact_filters meant?"),
        (
            {"keyed_groups": [{"key": "x", "perfix": "y"}]},
            "no such option: perfix in keyed_groups; is prefix meant?",
        ),
        ({"group_by": ["clas"]}, "and fact:NAME; is class meant?"),
        ({"keyed_groups": ["x"]}, "keyed_groups: 'x' is not a dictionary with a key"),
        (
            {"keyed_groups": [{"key": "x", "default_value": "y", "trailing_separator": False}]},
            "keyed_groups: an entry has default_value or trailing_separator, not both",
        ),
    ],
)
def test_a_misspelt_option_is_refused_with_the_nearest(
    source: Source, collective: EmbeddedCollective, options: dict[str, t.Any], message: str
) -> None:
    source.write(collective, **options)
    with pytest.raises(AnsibleError) as caught:
        source.parse()
    assert message in str(caught.value)


EMPTY_FILE = """
plugin: pymco.mcollective.mcollective
config_file: "{client_cfg}"
{name}: {value}
"""


@pytest.mark.parametrize(
    "value", ["", "[]", "null", "''", "['']", "[null]", '"{{ none }}"', "[a, '']"]
)
@pytest.mark.parametrize(
    "name",
    [
        *("nodes", "fact_filters", "class_filters", "agent_filters", "identity_filters"),
        *("discovery_options", "compound_filter", "limit", "collective"),
    ],
)
def test_an_option_that_is_there_and_empty_is_an_error_and_nobody_is_asked(
    source: Source, collective: EmbeddedCollective, name: str, value: str
) -> None:
    if name in ("compound_filter", "limit", "collective") and value.startswith("["):
        return  # They are no lists.
    before = [node.requests for node in collective.nodes]
    text = EMPTY_FILE.format(client_cfg=collective.client_cfg, name=name, value=value)
    source.path.write_text(text)
    with pytest.raises(AnsibleError, match=f"{name} is empty, or has an empty entry"):
        source.parse()
    assert [node.requests for node in collective.nodes] == before


def test_what_old_files_have_is_told_to_those_who_want_to_know(
    source: Source, collective: EmbeddedCollective
) -> None:
    source.write(collective, config={"topicprefix": "/topic/"}).parse()
    assert source.screen.warnings == []
    assert [words for words in source.screen.noted if "topicprefix is ignored" in words]
