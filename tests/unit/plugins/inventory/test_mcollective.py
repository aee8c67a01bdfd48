# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin on an embedded collective."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData

from ansible_collections.pymco.mcollective.tests.testbed.embedded.collective import (
    EmbeddedCollective,
)
from ansible_collections.pymco.mcollective.tests.testbed.embedded.nodes import Node

from .conftest import Source, groups, hosts, web

WEB = ["web1", "web2", "web3"]
ALL = ["db1", *WEB]


def test_hosts_have_what_their_nodes_say_and_nothing_else(
    source: Source, collective: EmbeddedCollective
) -> None:
    inventory = source.write(collective).parse()
    assert hosts(inventory) == ALL
    assert groups(inventory) == {}
    variables = dict(inventory.hosts["db1.example.com"].vars)
    assert variables.pop("inventory_file") is variables.pop("inventory_dir") is None
    assert variables == {
        "mcollective_identity": "db1.example.com",
        "mcollective_version": "2.12.5",
        "mcollective_facts": {
            **{"role": "db", "site": "Zürich", "processorcount": "16"},
            "os": {"family": "RedHat"},
        },
        "mcollective_classes": ["common", "role::db"],
        "mcollective_agents": ["discovery", "rpcutil", "service", "postgresql"],
        "mcollective_collectives": ["mcollective"],
    }
    assert source.screen.warnings == []


def test_one_broadcast_is_all_it_takes(source: Source, collective: EmbeddedCollective) -> None:
    before = [node.requests for node in collective.nodes]
    source.write(collective, expected_nodes=None).parse()
    assert [node.requests for node in collective.nodes] == [count + 1 for count in before]


# -- what is gathered ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,variables",
    [
        ({"gather": ["classes"]}, {"identity", "classes", "version"}),
        ({"gather": []}, {"identity", "version"}),
        ({"gather": ["facts", "agents"]}, {"identity", "facts", "agents", "version"}),
        ({"gather": ["facts"], "fact_names": ["role"]}, {"identity", "facts"}),
    ],
)
def test_only_what_is_wanted_is_there(
    source: Source,
    collective: EmbeddedCollective,
    options: dict[str, t.Any],
    variables: set[str],
) -> None:
    inventory = source.write(collective, **options).parse()
    found = {name for name in inventory.hosts["web1.example.com"].vars if "inventory" not in name}
    assert found == {f"mcollective_{name}" for name in variables}


@pytest.mark.parametrize("gather", [["facts"], ["facts", "classes"]])
def test_named_facts_are_all_the_facts(
    source: Source, collective: EmbeddedCollective, gather: list[str]
) -> None:
    inventory = source.write(collective, gather=gather, fact_names=["os", "none"]).parse()
    facts = inventory.hosts["web1.example.com"].vars["mcollective_facts"]
    assert facts == {"os": {"family": "Debian", "release": {"major": "12"}}}


@pytest.mark.parametrize(
    "options,names",
    [
        ({"fact_filters": ["processorcount>=2"]}, ["db1", "web2", "web3"]),
        ({"class_filters": ["/^role::d/"]}, ["db1"]),
        ({"agent_filters": ["postgresql"]}, ["db1"]),
        ({"identity_filters": ["/^web[12]/"]}, ["web1", "web2"]),
        ({"identity_filters": ["web1.example.com"]}, ["web1"]),
        ({"compound_filter": "role::web and not processorcount=1"}, ["web2", "web3"]),
        ({"nodes": ["web3.example.com", "db1.example.com"]}, ["db1", "web3"]),
        ({"nodes": ["web3.example.com"], "class_filters": ["role::db"]}, None),
        ({"discovery_method": "mc"}, ALL),
        ({"discovery_method": "mc", "class_filters": ["role::web"]}, WEB),
    ],
)
def test_filters_narrow(
    source: Source,
    collective: EmbeddedCollective,
    options: dict[str, t.Any],
    names: list[str] | None,
) -> None:
    source.write(collective, expected_nodes=len(names or [""]), **options)
    if names is None:
        with pytest.raises(AnsibleError, match="no node answered"):
            source.parse()
    else:
        assert hosts(source.parse()) == names
    assert source.screen.warnings == []


def test_a_limit_takes_some(source: Source, collective: EmbeddedCollective) -> None:
    assert len(source.write(collective, limit=2).parse().hosts) == 2


def test_a_file_of_nodes(source: Source, collective: EmbeddedCollective) -> None:
    path = source.path.with_name("nodes.txt")
    path.write_text("web1.example.com\n# web2.example.com\nweb3.example.com\n")
    options = {"discovery_method": "flatfile", "discovery_options": [str(path)]}
    assert hosts(source.write(collective, **options).parse()) == ["web1", "web3"]


# -- group_by ------------------------------------------------------------------------------------


def test_groups_by_every_kind_of_key(source: Source, collective: EmbeddedCollective) -> None:
    keys = ["class", "agent", "collective", "fact:site", "fact:os.release.major", "fact:interfaces"]
    found = groups(source.write(collective, group_by=keys).parse())
    assert found == {
        "class_common": ALL,
        "class_role__web": WEB,
        "class_role__db": ["db1"],
        "agent_discovery": ALL,
        "agent_rpcutil": ALL,
        "agent_service": ALL,
        "agent_postgresql": ["db1"],
        "collective_mcollective": ALL,
        "site_Zürich": ["db1", "web1", "web3"],
        "site_Genève": ["web2"],
        "os_release_major_11": ["web2"],
        "os_release_major_12": ["web1", "web3"],
        "interfaces_eth0": WEB,
        "interfaces_lo": WEB,
    }
    assert source.screen.warnings == []


def test_groups_are_called_as_wanted(source: Source, collective: EmbeddedCollective) -> None:
    keys = [
        {"key": "fact:role", "prefix": ""},
        {"key": "fact:os.family", "prefix": "on", "separator": "__", "parent_group": "on systems"},
        {"key": "fact:site", "separator": "", "parent_group": "sites"},
    ]
    inventory = source.write(collective, group_by=keys).parse()
    assert groups(inventory) == {
        "web": WEB,
        "db": ["db1"],
        "on__Debian": WEB,
        "on__RedHat": ["db1"],
        "on_systems": [],
        "siteZürich": ["db1", "web1", "web3"],
        "siteGenève": ["web2"],
        "sites": [],
    }
    below = {group.name for group in inventory.groups["on_systems"].child_groups}
    assert below == {"on__Debian", "on__RedHat"}


@pytest.mark.parametrize(
    "entry,message",
    [
        ("facts", "there is no key 'facts'; there are class, agent, collective and fact:NAME"),
        ("fact:", "there is no key"),
        ("class:x", "there is no key"),
        (5, "neither a key nor a dictionary"),
        ({"prefix": "x"}, "neither a key nor a dictionary"),
        ({"key": "class", "perfix": "x"}, "may only have key, parent_group"),
        ({"key": "class", "prefix": 5}, "may only have"),
        ("agent", "agent needs agents, which the option gather leaves out"),
        ("fact:site", "fact:site needs a fact that the option fact_names leaves"),
    ],
)
def test_a_wrong_key_is_refused_before_anything_is_sent(
    source: Source, collective: EmbeddedCollective, entry: t.Any, message: str
) -> None:
    before = [node.requests for node in collective.nodes]
    source.write(
        collective, gather=["facts", "classes"], fact_names=["os"], group_by=["fact:os.x", entry]
    )
    with pytest.raises(AnsibleError, match=message):
        source.parse()
    assert [node.requests for node in collective.nodes] == before


# -- names ---------------------------------------------------------------------------------------


def test_the_first_expression_that_gives_a_name_is_used(
    source: Source, collective: EmbeddedCollective
) -> None:
    expressions = [
        "mcollective_facts.none",
        "mcollective_facts.interfaces",
        "'db of ' ~ mcollective_facts.site",
        "mcollective_identity.split('.')[0] if mcollective_facts.role == 'web'",
        "mcollective_facts.role",
    ]
    inventory = source.write(collective, hostnames=expressions).parse()
    assert sorted(inventory.hosts) == ["db", *WEB]
    assert source.screen.warnings == []


def test_who_has_no_name_or_the_same_is_left_out(
    source: Source, collective: EmbeddedCollective
) -> None:
    source.write(collective, hostnames=["'same' if mcollective_facts.role == 'web' else '-x'"])
    assert not source.parse().hosts
    first, second = source.screen.warnings
    assert first.startswith("db1.example.com (")
    assert "'-x' cannot be the name of a host) have no name that a host can have" in first
    assert "same (web1.example.com, web2.example.com, web3.example.com) are names that" in second


@pytest.mark.parametrize(
    "name",
    [
        *(
            "all",
            "ungrouped",
            "_meta",
            "localhost",
            "127.0.0.1",
            "::1",
            "a b",
            "",
            "x:1",
            "-x",
            "*",
        ),
        *("!web1", "&web1", "~web", "web[1]", "web1,web2", "web*", "@web"),
    ],
)
def test_a_name_that_means_something_to_ansible_is_none(
    source: Source, collective: EmbeddedCollective, name: str
) -> None:
    source.write(collective, nodes=["web1.example.com"], hostnames=[f"{name!r}"])
    assert not source.parse().hosts
    assert "cannot be the name of a host" in source.screen.warnings[0]


def test_a_host_is_no_group_of_others(source: Source, collective: EmbeddedCollective) -> None:
    inventory = InventoryData()
    inventory.add_group("web1.example.com")
    source.write(collective)
    assert hosts(source.parse(inventory)) == ["db1", "web2", "web3"]
    assert "web1.example.com is a group" in source.screen.warnings[0]


# -- expressions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options,names",
    [
        ({"include": ["mcollective_facts.site == 'Zürich'"]}, ["db1", "web1", "web3"]),
        ({"include": ["false", "'role::db' in mcollective_classes"]}, ["db1"]),
        ({"exclude": ["'role::db' in mcollective_classes"]}, WEB),
        ({"include": ["true"], "exclude": ["mcollective_facts.processorcount | int > 2"]}, WEB[:2]),
        ({"include": ["mcollective_facts.interfaces | length == 2"]}, WEB),
    ],
)
def test_conditions_choose(
    source: Source, collective: EmbeddedCollective, options: dict[str, t.Any], names: list[str]
) -> None:
    assert hosts(source.write(collective, **options).parse()) == names


def test_constructed_groups_and_variables(source: Source, collective: EmbeddedCollective) -> None:
    source.write(
        collective,
        compose={
            "ansible_host": "mcollective_identity ~ '.lan'",
            "site": "mcollective_facts.site",
            "deep": "mcollective_facts.os.release.major",
        },
        groups={"big": "mcollective_facts.processorcount | int > 2", "here": "site is defined"},
        keyed_groups=[
            {"key": "mcollective_facts.os.family", "prefix": "os", "parent_group": "systems"},
            {"key": "mcollective_classes", "separator": ""},
            {"key": "mcollective_facts.interfaces", "prefix": "if", "default_value": "none"},
            {"key": "site", "prefix": "at"},
        ],
        group_by=["fact:role"],
    )
    inventory = source.parse()
    assert groups(inventory) == {
        **{"role_web": WEB, "role_db": ["db1"], "big": ["db1", "web3"], "here": ALL},
        **{"os_Debian": WEB, "os_RedHat": ["db1"], "systems": [], "common": ALL},
        **{"role__web": WEB, "role__db": ["db1"], "if_eth0": WEB, "if_lo": WEB},
        **{"at_Zürich": ["db1", "web1", "web3"], "at_Genève": ["web2"]},
    }
    below = {group.name for group in inventory.groups["systems"].child_groups}
    assert below == {"os_Debian", "os_RedHat"}
    variables = inventory.hosts["web1.example.com"].vars
    assert variables["ansible_host"] == "web1.example.com.lan"
    assert variables["deep"] == "12"
    assert "deep" not in inventory.hosts["db1.example.com"].vars


@pytest.mark.parametrize(
    "options,message",
    [
        ({"compose": {"x": "mcollective_facts.interfaces"}}, "Could not set x for host db1"),
        ({"groups": {"x": "mcollective_facts.interfaces"}}, "Could not add host"),
        ({"keyed_groups": [{"key": "mcollective_facts.none"}]}, "Could not generate group"),
        ({"include": ["mcollective_facts.none"]}, "'mcollective_facts.none' for db1.example.com"),
    ],
)
def test_a_strict_failure_leaves_nothing_behind(
    source: Source, collective: EmbeddedCollective, options: dict[str, t.Any], message: str
) -> None:
    inventory = InventoryData()
    source.write(collective, strict=True, group_by=["class"], **options)
    with pytest.raises(AnsibleError, match=message):
        source.parse(inventory)
    assert not inventory.hosts
    assert set(inventory.groups) == {"all", "ungrouped"}


def test_what_other_sources_say_of_a_host_can_be_used_and_is_kept(
    source: Source, collective: EmbeddedCollective
) -> None:
    inventory = InventoryData()
    inventory.add_host("web1.example.com")
    inventory.set_variable("web1.example.com", "rack", "r7")
    keyed = [{"key": "rack", "prefix": "rack"}]
    source.write(collective, keyed_groups=keyed).parse(inventory)
    assert groups(inventory) == {"rack_r7": ["web1"]}
    assert inventory.hosts["web1.example.com"].vars["rack"] == "r7"


def test_a_group_with_the_name_of_a_host_takes_nothing_from_it(
    source: Source, collective: EmbeddedCollective
) -> None:
    names = ["mcollective_identity.split('.')[0]"]
    keyed = [{"key": "hostname", "separator": ""}]
    compose = {"hostname": "mcollective_identity.split('.')[0]", "late": "1"}
    options = {"hostnames": names, "compose": compose, "keyed_groups": keyed}
    inventory = source.write(collective, **options).parse()
    assert groups(inventory) == {}
    assert inventory.hosts["web1"].vars["mcollective_identity"] == "web1.example.com"
    assert [inventory.hosts[name].vars["late"] for name in ALL] == [1] * 4
    assert "there can be no group db1, web" in source.screen.warnings[0]


RESERVED = ["all", "ungrouped", "_meta", "localhost", "web1.example.com"]


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize(
    "options",
    [
        {"keyed_groups": [{"key": "chosen", "separator": ""}]},
        {"keyed_groups": [{"key": "'below'", "separator": "", "parent_group": "{{ chosen }}"}]},
        {"keyed_groups": [{"key": "chosen", "separator": "", "parent_group": "top"}]},
    ],
)
def test_no_expression_makes_a_group_of_a_name_that_means_something(
    source: Source, collective: EmbeddedCollective, name: str, options: dict[str, t.Any]
) -> None:
    # A name with dots would become another one.
    hostnames = ["mcollective_identity.replace('.', '_')"]
    safe = name.replace(".", "_")
    source.write(collective, compose={"chosen": repr(safe)}, hostnames=hostnames, **options)
    inventory = source.parse()
    found = groups(inventory)
    assert safe not in found
    assert found.get("top", []) == []
    assert len(inventory.hosts) == 4
    assert {group.name for group in inventory.groups["all"].child_groups} <= {
        *("ungrouped", "top", "below"),
    }
    if name not in ("all", "ungrouped") or "parent_group" not in options["keyed_groups"][0]:
        assert f"there can be no group {safe}, since" in " ".join(source.screen.warnings)


@pytest.mark.parametrize("name", ["localhost", "_meta"])
def test_no_group_of_the_user_has_a_name_that_means_something(
    source: Source, collective: EmbeddedCollective, name: str
) -> None:
    assert groups(source.write(collective, groups={name: "true"}).parse()) == {}
    assert f"there can be no group {name}, since" in source.screen.warnings[0]
    source.write(collective, group_by=[{"key": "class", "parent_group": name}])
    with pytest.raises(AnsibleError, match=f"{name} cannot be a parent_group, since"):
        source.parse()


# -- nodes that are missing ----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["mc", None])
@pytest.mark.parametrize("policy", ["warn", "fail", "ignore", None])
def test_nodes_that_do_not_answer(source: Source, method: str | None, policy: str | None) -> None:
    silent = web(2, silent={"rpcutil.inventory"})
    options: dict[str, t.Any] = {"discovery_method": method, "on_no_response": policy, "timeout": 1}
    with EmbeddedCollective([web(1), silent, web(3)], "psk") as collective:
        source.write(collective, **options)
        if policy == "fail":
            with pytest.raises(AnsibleError, match="did not answer|but 3 were expected"):
                source.parse()
            return
        assert hosts(source.parse()) == ["web1", "web3"]
    warned = {
        "mc": "1 of 3 nodes did not answer, or not every request, and are left out: web2",
        None: "2 nodes answered, but 3 were expected",
    }
    warnings = " ".join(source.screen.warnings)
    assert (warned[method] in warnings) == (policy != "ignore")


def test_nodes_whose_answer_cannot_be_used(source: Source) -> None:
    broken = web(2, failing={"rpcutil.inventory": "no facts today"})
    with EmbeddedCollective([web(1), broken], "psk") as collective:
        assert hosts(source.write(collective).parse()) == ["web1"]
    (warning,) = source.screen.warnings
    assert "1 nodes gave an answer that cannot be used" in warning
    assert "web2.example.com (1: no facts today)" in warning


def test_too_few_nodes_are_a_failure(source: Source, collective: EmbeddedCollective) -> None:
    with pytest.raises(
        AnsibleError, match="4 nodes told everything that was asked for.*minimum_nodes = 5"
    ):
        source.write(collective, minimum_nodes=5).parse()
    with pytest.raises(AnsibleError, match="^(?!.*do not know our key).*4 nodes were found, but 5"):
        source.write(collective, minimum_nodes=5, discovery_method="mc").parse()
    assert hosts(source.write(collective, minimum_nodes=4).parse()) == ALL


@pytest.mark.parametrize("method", ["mc", None])
def test_nobody_is_a_failure_unless_that_is_allowed(
    source: Source, collective: EmbeddedCollective, method: str | None
) -> None:
    options = {"class_filters": ["none"], "discovery_method": method, "timeout": 0.5}
    source.write(collective, expected_nodes=None, **options)
    # With "mc", discovery leaves time to look why. Without, the only request has used all of it.
    why = "clock" if method is None else "4 nodes are there"
    with pytest.raises(AnsibleError, match=f"no node answered.*for agent rpcutil.*{why}"):
        source.parse()
    source.write(collective, expected_nodes=None, minimum_nodes=0, **options)
    assert not source.parse().hosts


def test_a_broker_that_is_down_leaves_nothing(
    source: Source, collective: EmbeddedCollective
) -> None:
    inventory = InventoryData()
    config = {"plugin.rabbitmq.pool.1.port": 1, "connection_timeout": 1}
    source.write(collective, config=config)
    with pytest.raises(AnsibleError, match="127.0.0.1:1"):
        source.parse(inventory)
    assert not inventory.hosts


# -- the file and the process ----------------------------------------------------------------------


def test_the_name_of_the_file_tells_that_it_is_ours(
    source: Source, collective: EmbeddedCollective
) -> None:
    source.write(collective)
    source.path = source.path.rename(source.path.with_name("mcollective.yaml"))
    assert source.managed().hosts.keys() == source.parse().hosts.keys()
    source.path = source.path.rename(source.path.with_name("other.yaml"))
    assert not source.managed().hosts


def test_no_thread_and_no_node_is_left_waiting(
    source: Source, collective: EmbeddedCollective
) -> None:
    """Ansible forks after this. A lock that a thread holds would never be released."""
    import threading

    before = set(threading.enumerate())
    source.write(collective).parse()
    assert set(threading.enumerate()) == before


def test_a_node_is_what_the_testbed_says() -> None:
    """Facts are text on nodes. So the tests above compare the right values."""
    assert Node("x", facts={"a": 1}).facts == {"a": "1"}
