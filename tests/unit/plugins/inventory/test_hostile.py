# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile data of nodes: nothing runs, nothing breaks, and a warning tells of it."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, is_trusted_as_template

from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

from .conftest import Raw, Source, groups, hosts, web

TEMPLATE = "{{ 'EVAL' ~ 'UATED' }}"
BARE = "'EVAL' ~ 'UATED'"
HUGE = "x" * 5_000_000


def texts(value: t.Any) -> t.Iterator[str]:
    """All texts in a value, those of keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def evil(**said: t.Any) -> Raw:
    """A node that says this."""
    return Raw("evil.example.com", said=said)


OPTIONS: dict[str, t.Any] = {
    "group_by": ["class", "agent", "fact:role", "fact:os.family"],
    "keyed_groups": [{"key": "mcollective_facts.role", "prefix": "keyed"}],
    "compose": {"composed": "mcollective_facts.role"},
    "groups": {"has_role": "mcollective_facts.role is defined"},
}


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("text", [TEMPLATE, BARE, "{% raw %}", "{{", "}}"])
def test_no_template_is_trusted_anywhere(source: Source, text: str, cached: bool) -> None:
    facts = {"role": text, text: text, "os": {"family": [text], text: text}}
    options = dict(OPTIONS)
    if cached:
        options |= {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}
        options["cache_connection"] = str(source.path.parent / "cache")
    with EmbeddedCollective([evil(facts=facts, classes=[text]), web(1)], "psk") as collective:
        source.write(collective, **options).parse()
        inventory = source.parse()
    variables = inventory.hosts["evil.example.com"].vars
    assert variables["composed"] == text
    found = [*texts(variables), *inventory.groups, *inventory.hosts]
    assert found.count(text) >= 8
    assert not [one for one in found if is_trusted_as_template(one)]
    assert not [one for one in found if "EVALUATED" in one]
    templar = Templar(loader=DataLoader(), variables=dict(variables))
    rendered = templar.template({"all": variables})
    assert "EVALUATED" not in str(rendered)


def test_no_node_names_a_variable(source: Source) -> None:
    names = [
        "ansible_connection",
        "ansible_host",
        "ansible_python_interpreter",
        "inventory_hostname",
    ]
    facts = {name: "evil" for name in names}
    with EmbeddedCollective([evil(facts=facts, **facts)], "psk") as collective:
        inventory = source.write(collective).parse()
    host = inventory.hosts["evil.example.com"]
    assert not [name for name in host.vars if name.startswith("ansible_")]
    assert host.get_vars()["inventory_hostname"] == "evil.example.com"
    assert host.vars["mcollective_facts"] == facts


def test_keys_that_are_no_texts(source: Source) -> None:
    facts = {2: "two", None: "nil", True: "yes", "role": {3: [{None: 4}]}}
    with EmbeddedCollective([evil(facts=facts), web(1)], "ssl-yaml") as collective:
        inventory = source.write(collective, **OPTIONS).parse()
    found = inventory.hosts["evil.example.com"].vars["mcollective_facts"]
    assert found == {"2": "two", "": "nil", "true": "yes", "role": {"3": [{"": 4}]}}
    assert groups(inventory)["role_web"] == ["web1"]
    assert "fact:role of evil.example.com" in source.screen.warnings[0]


def test_huge_values_are_kept_and_make_no_group(source: Source) -> None:
    node = evil(facts={"role": HUGE, "os": {"family": ["a", HUGE]}}, classes=[HUGE, "fine"])
    with EmbeddedCollective([node, web(1)], "psk") as collective:
        inventory = source.write(collective, group_by=OPTIONS["group_by"], timeout=60).parse()
    variables = inventory.hosts["evil.example.com"].vars
    assert variables["mcollective_facts"]["role"] == HUGE
    assert max(map(len, inventory.groups)) < 200
    assert groups(inventory)["class_fine"] == groups(inventory)["os_family_a"] == ["evil"]
    assert len(source.screen.warnings) == 3
    assert all("5000000 characters" in warning for warning in source.screen.warnings)
    assert max(map(len, source.screen.warnings)) < 400


@pytest.mark.parametrize(
    "identity", ["x\nweb2.example.com", "-oProxyCommand=x", "a/../b", TEMPLATE]
)
def test_an_identity_that_is_none_is_named(source: Source, identity: str) -> None:
    with EmbeddedCollective([web(1), Node(identity)], "psk") as collective:
        assert hosts(source.write(collective).parse()) == ["web1"]
    assert any(repr(identity) in warning for warning in source.screen.warnings)
    assert any("1 malformed" in warning for warning in source.screen.warnings)


CONTROL = "\x1b]0;mine\x07\x1b[2J\x9b31m\u202eevil\u2066\r\n"
"""What a terminal obeys."""


def test_no_terminal_obeys_a_node(source: Source) -> None:
    """Warnings contain nothing of it. Variables contain all of it."""
    broken = Node("broken", failing={"rpcutil.inventory": CONTROL * 100_000})
    values = {"role": CONTROL, "os": {"family": CONTROL * 100}, "deep": [{CONTROL: CONTROL}]}
    nodes = [evil(facts=values, classes=[CONTROL, CONTROL + "x"]), broken, Node(f"n{CONTROL}")]
    keys = ["fact:role", "fact:os.family", "fact:deep", {"key": "class", "prefix": ""}]
    with EmbeddedCollective(nodes, "psk") as collective:
        inventory = source.write(collective, group_by=keys).parse()
    assert inventory.hosts["evil.example.com"].vars["mcollective_facts"] == values
    assert len(source.screen.warnings) >= 4
    for line in (*source.screen.warnings, *source.screen.told):
        assert line.isprintable()
        assert len(line) < 1000


@pytest.mark.parametrize(
    "options",
    [
        {"compose": {"x": "{}[mcollective_facts.role]"}},
        {"groups": {"x": "{}[mcollective_facts.role]"}},
        {"keyed_groups": [{"key": "{}[mcollective_facts.role]"}]},
        {"include": ["{}[mcollective_facts.role]"]},
        {"hostnames": ["{}[mcollective_facts.role]"]},
    ],
)
def test_no_terminal_obeys_a_node_in_the_error_of_an_expression(
    source: Source, options: dict[str, t.Any]
) -> None:
    with EmbeddedCollective([evil(facts={"role": CONTROL}), web(1)], "psk") as collective:
        source.write(collective, strict=True, **options)
        if "hostnames" in options:
            source.parse()
            (said,) = source.screen.warnings
        else:
            with pytest.raises(AnsibleParserError) as caught:
                source.parse()
            said = str(caught.value)
            # Ansible shows the errors that an error comes from, too.
            assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert "evil" in said
    assert said.isprintable()


@pytest.mark.parametrize("identity", ["all", "ungrouped", "_meta", "localhost", "127.0.0.1"])
def test_an_identity_that_means_something_to_ansible_is_named(
    source: Source, identity: str
) -> None:
    with EmbeddedCollective([web(1), Node(identity)], "psk") as collective:
        assert hosts(source.write(collective).parse()) == ["web1"]
    assert source.screen.warnings[0].startswith(f"{identity} (")


def test_an_identity_that_comes_twice_is_named(source: Source) -> None:
    """The second answer changes nothing. But nobody can know which one is genuine."""
    liar = web(1, lie="duplicate")
    with EmbeddedCollective([web(2), liar], "psk") as collective:
        assert hosts(source.write(collective, expected_nodes=None).parse()) == ["web1", "web2"]
    assert source.screen.warnings == [
        "replies that were rejected: 1 duplicate, in the name of web1.example.com"
    ]


@pytest.mark.parametrize("lie,reason", [("forged", "forged"), ("garbage", "undecodable")])
def test_lies_are_told(source: Source, lie: str, reason: str) -> None:
    with EmbeddedCollective([web(1), web(2, lie=lie)], "ssl-yaml") as collective:
        assert hosts(source.write(collective, expected_nodes=None).parse()) == ["web1"]
    assert any(reason in warning for warning in source.screen.warnings)


@pytest.mark.parametrize("name", ["all", "ungrouped", "_meta", "localhost", "plain"])
def test_a_fact_makes_no_group_that_is_not_its_own(source: Source, name: str) -> None:
    """With an empty prefix; "plain" is the other host's name."""
    key = {"key": "fact:role", "prefix": ""}
    nodes = [evil(facts={"role": name}), Raw("plain", said={"facts": {"role": "web"}})]
    with EmbeddedCollective(nodes, "psk") as collective:
        inventory = source.write(collective, group_by=[key]).parse()
    assert groups(inventory) == {"web": ["plain"]}
    assert "mcollective_identity" in inventory.hosts["plain"].vars
    assert "makes no group with the name of a host" in source.screen.warnings[0]
    assert source.screen.warnings[0].endswith(f": {name} of evil.example.com")


def test_plays_for_localhost_run_on_no_node_that_says_it_has_such_a_class(source: Source) -> None:
    nodes = [evil(facts={"role": "web"}, classes=["localhost", "127.0.0.1", "::1"])]
    with EmbeddedCollective(nodes, "psk") as collective:
        source.write(collective, group_by=[{"key": "class", "prefix": ""}])
        inventory = source.managed()
    for pattern in ("localhost", "127.0.0.1", "::1"):
        assert [host.name for host in inventory.get_hosts(pattern)] in (
            [],
            ["localhost"],
            [pattern],
        )
    assert "localhost" not in inventory.groups


def test_values_that_share_a_group_are_named(source: Source) -> None:
    nodes = [Raw("n1", said={"facts": {"role": "a-b"}}), Raw("n2", said={"facts": {"role": "a.b"}})]
    with EmbeddedCollective(nodes, "psk") as collective:
        inventory = source.write(collective, group_by=["fact:role"]).parse()
    assert groups(inventory) == {"role_a_b": ["n1", "n2"]}
    assert source.screen.warnings == [
        "group_by: fact:role has values that share a group: role_a_b stands for 'a-b' and 'a.b'"
    ]


def test_no_fact_puts_groups_below_themselves(source: Source) -> None:
    inventory = InventoryData()
    for name in ("top", "sites"):
        inventory.add_group(name)
    inventory.add_child("top", "sites")
    keys = [
        {"key": "fact:a", "prefix": "", "parent_group": "sites"},
        {"key": "fact:b", "prefix": "", "parent_group": "roles"},
    ]
    nodes: list[Node] = [
        Raw("n1", said={"facts": {"a": "roles", "b": "sites"}}),
        Raw("n2", said={"facts": {"a": "top", "b": "roles"}}),
        Raw("n3", said={"facts": {"a": "zurich", "b": "web"}}),
    ]
    with EmbeddedCollective(nodes, "psk") as collective:
        source.write(collective, group_by=keys).parse(inventory)
    assert hosts(inventory) == ["n1", "n2", "n3"]
    found = groups(inventory)
    assert found["zurich"] == found["web"] == ["n3"]
    assert found["top"] == [] and found["sites"] == []
    assert ["roles of n1, top of n2" in words for words in source.screen.warnings] == [True, False]


def test_an_inventory_of_the_wrong_shape_is_named(source: Source) -> None:
    nodes = [evil(facts=["a"], classes="b"), web(1)]
    with EmbeddedCollective(nodes, "psk") as collective:
        assert hosts(source.write(collective).parse()) == ["web1"]
    assert "evil.example.com (its inventory has no facts)" in source.screen.warnings[0]


@pytest.mark.parametrize(
    "keyed,said",
    [
        ([{"key": "mcollective_facts.role", "parent_group": "roles"}], {"role": "roles"}),
        (
            [
                {"key": "mcollective_facts.role", "parent_group": "tiers"},
                {"key": "mcollective_facts.tier", "parent_group": "roles"},
            ],
            {"role": "roles", "tier": "tiers"},
        ),
        # The static inventory has it the other way round.
        ([{"key": "mcollective_facts.role", "parent_group": "below"}], {"role": "above"}),
        (
            [
                {
                    "key": "mcollective_facts.role",
                    "parent_group": "{{ mcollective_facts.x | default('p') }}",
                }
            ],
            {"x": {"a": 1}},
        ),
        ([{"key": "mcollective_facts.role"}], {"role": "x" * 1000}),
        *(([{"key": "mcollective_facts.role"}], {"role": odd}) for odd in (5, True, 1.5, [""])),
    ],
)
def test_no_node_keeps_others_out_by_the_name_of_its_group(
    source: Source, keyed: list[dict[str, str]], said: dict[str, t.Any]
) -> None:
    inventory = InventoryData()
    for name in ("above", "below"):
        inventory.add_group(name)
    inventory.add_child("above", "below")
    options = [{"prefix": "", "separator": "", **entry} for entry in keyed]
    with EmbeddedCollective([evil(facts={"role": "r", **said}), web(1)], "psk") as collective:
        source.write(collective, keyed_groups=options).parse(inventory)
    assert hosts(inventory) == ["evil", "web1"]
    assert groups(inventory)["web"] == ["web1"]
    assert max(map(len, inventory.groups)) < 200
    assert len(source.screen.warnings) == 1


def test_many_nodes_with_a_fact_of_the_wrong_kind_make_one_warning(source: Source) -> None:
    nodes = [Raw(f"n{n}", said={"facts": {"role": n, "site": "x"}}) for n in range(1, 7)]
    keyed = [{"key": f"mcollective_facts.{name}", "prefix": "a"} for name in ("role", "site")]
    with EmbeddedCollective(nodes, "psk") as collective:
        inventory = source.write(collective, keyed_groups=keyed).parse()
        assert groups(inventory) == {"a_x": [f"n{n}" for n in range(1, 7)]}
        (warning,) = source.screen.warnings
        assert warning.startswith("keyed_groups: mcollective_facts.role cannot use what some nodes")
        assert warning.count("<class 'int'>") == 3 and warning.endswith(" and 3 more")
        source.write(collective, keyed_groups=keyed, strict=True)
        with pytest.raises(AnsibleParserError, match="mcollective_facts.role cannot use what n1"):
            source.parse()


MANY = [f"c{number:06}" for number in range(100_000)]
"""Ansible would need minutes to put a host into so many groups."""


@pytest.mark.parametrize(
    "options,words",
    [
        ({"group_by": ["class"]}, "group_by: class makes only 2000 groups of evil"),
        (
            {"keyed_groups": [{"key": "mcollective_classes", "prefix": "class"}]},
            "keyed_groups: mcollective_classes makes only 2000 groups of evil",
        ),
        (
            {"keyed_groups": [{"key": "dict.fromkeys(mcollective_classes, 'x')", "prefix": "a"}]},
            "makes only 2000 groups of evil",
        ),
    ],
)
def test_a_node_makes_no_flood_of_groups(
    source: Source, options: dict[str, t.Any], words: str
) -> None:
    with EmbeddedCollective([evil(classes=MANY), web(1)], "psk") as collective:
        inventory = source.write(collective, **options).parse()
    assert hosts(inventory) == ["evil", "web1"]
    assert 2000 < len(inventory.groups) < 2010
    (warning,) = source.screen.warnings
    assert words in warning


@pytest.mark.parametrize(
    "make",
    [
        lambda number: f"{number:06}" + "x" * 300,
        lambda number: "".join("-+"[number >> bit & 1] for bit in range(11)),
    ],
)
@pytest.mark.parametrize("option", ["group_by", "keyed_groups"])
def test_a_node_makes_no_flood_of_warnings(
    source: Source, option: str, make: t.Callable[[int], str]
) -> None:
    """Its values are too long, or all become the same name."""
    entry = {"group_by": "class", "keyed_groups": {"key": "mcollective_classes", "prefix": "c"}}
    node = evil(classes=list(map(make, range(1500))))
    with EmbeddedCollective([node, web(1)], "psk") as collective:
        inventory = source.write(collective, **{option: [entry[option]]}).parse()
    assert hosts(inventory) == ["evil", "web1"]
    assert len(source.screen.warnings) <= 1
    for warning in source.screen.warnings:
        assert warning.endswith(("and 1497 more", "and 1496 more")) or "1497 more, since" in warning
        assert len(warning) < 1000


def test_a_parent_group_is_what_the_same_node_says(
    source: Source, collective: EmbeddedCollective
) -> None:
    """Ansible evaluates it with the variables that the key has left behind, also where that needed no Jinja."""
    entry = {
        "key": "mcollective_facts.role",
        "parent_group": "{{ mcollective_facts.os.family | lower }}",
    }
    inventory = source.write(collective, keyed_groups=[{"prefix": "", **entry}]).parse()
    below = {
        name: sorted(group.name for group in inventory.groups[name].child_groups)
        for name in ("debian", "redhat")
    }
    assert below == {"debian": ["_web"], "redhat": ["_db"]}
    assert source.screen.warnings == []
