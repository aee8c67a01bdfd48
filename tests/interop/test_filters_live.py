# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compound filters on a real collective: we find the nodes that ``mco find`` finds."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from calling import call, senders
from conftest import FEW

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import message

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

pytestmark = pytest.mark.parametrize("collective", FEW[1:], indirect=True, scope="session")

# Their names up to the domain.
EXPRESSIONS = {
    "role::web": "web1 web2",
    "/^role::(web|db)$/ and not processorcount<8": "db1 web2",
    "role::db or role=legacy and is_virtual=false": "db1 old1",
    'site="Zürich ☃" and !(role::web)': "db1",
    "interfaces=eth1 or not common": "web2",
    "agent('sleeper').version=/^[0-9]/": "web1 web2",
    "agent('sleeper').timeout>1 and processorcount<=4": "web1",
    "fact('os.release.major').value=/^1/": "db1 web1 web2",
    "fact('retired').exists=true": "old1",
    "fact('load').value=0.25": "db1",
    "fact('site').value!=/Zürich/ and processorcount>1": "web2",
    "fstat('/nonexistent').present=0 and not fstat('/etc/passwd').type!=/^file$/": "all",
    "collective('elsewhere').member=false and role=legacy": "old1",
}
ALL = "db1 old1 web1 web2"


def found(config: Config, filter_: message.Filter) -> str:
    """Return the nodes that a call with this filter reaches."""
    reached = senders(call(config, "rpcutil", "ping", filter=filter_, discovery_timeout=1.5))
    return " ".join(name.partition(".")[0] for name in reached)


def found_by_mco(collective: Collective, expression: str) -> str:
    names = collective.mco("find", "--dt", "2", "-S", expression).stdout.split()
    return " ".join(sorted(name.partition(".")[0] for name in names))


def test_compound_filters_find_whom_mco_finds(collective: Collective, config: Config) -> None:
    with ThreadPoolExecutor(4) as pool:
        theirs = list(pool.map(lambda text: found_by_mco(collective, text), EXPRESSIONS))
    ours = [found(config, message.Filter().add_compound(text)) for text in EXPRESSIONS]
    expected = [ALL if nodes == "all" else nodes for nodes in EXPRESSIONS.values()]
    assert list(zip(EXPRESSIONS, ours)) == list(zip(EXPRESSIONS, expected))
    assert list(zip(EXPRESSIONS, theirs)) == list(zip(EXPRESSIONS, expected))


@pytest.mark.parametrize(
    ("expression", "nodes"),
    [
        ("role==web", "web1 web2"),
        ("processorcount=>8", "db1 web2"),
        ("role=~^w", "web1 web2"),
        ("not role=web", "db1 old1"),
        ("fact('os.family').value==Debian and (/db/)", "db1"),
    ],
)
def test_what_mco_says_so_that_nobody_fits_finds_them(
    config: Config, expression: str, nodes: str
) -> None:
    assert found(config, message.Filter().add_compound(expression)) == nodes


def test_every_kind_of_filter_must_fit(config: Config) -> None:
    def filter_() -> message.Filter:
        return message.Filter().add_compound("common").add_compound("processorcount<=8")

    assert found(config, filter_()) == "old1 web1 web2"
    assert found(config, filter_().add_fact("role", "web")) == "web1 web2"
    assert found(config, filter_().add_cfclass("/^role/")) == "web1 web2"
    assert found(config, filter_().add_agent("sleeper")) == "web1 web2"
    assert found(config, filter_().add_identity("/1/")) == "old1 web1"
    everything = filter_().add_fact("role", "web").add_cfclass("/^role/").add_agent("sleeper")
    assert found(config, everything.add_identity("web2.example.com")) == "web2"


def test_a_task_takes_a_compound_filter(ansible: Ansible, collective: Collective) -> None:
    result = ansible.rpc(
        **{"agent": "rpcutil", "action": "ping", "config_file": str(collective.client_cfg)},
        **{"compound_filter": "role::web and not\n  processorcount < 8\n", "read_only": True},
    )
    assert result["nodes"] == ["web2.example.com"]


def test_a_task_tells_where_a_compound_filter_is_wrong(
    ansible: Ansible, collective: Collective
) -> None:
    result = ansible.failure(collective, compound_filter="role::web and os!=Debian")
    assert "is wrong at column 15 (at 'os!=Debian'): " in result["msg"]
    assert "write: not os=Debian" in result["msg"]
