# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that do not fit: nodes drop our requests silently, and we report the replies that we drop."""

from __future__ import annotations

import typing as t

import pytest
from conftest import FEW

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.real.collective import Collective


SSL = ["rabbitmq-ssl-yaml", "activemq-ssl-marshal"]


@pytest.mark.parametrize("collective", FEW, indirect=True, scope="session")
def test_keys_that_the_nodes_do_not_know(ansible: Ansible, collective: Collective) -> None:
    """Nodes are silent, so the message lists the likely causes."""
    changes = collective.secrets.client(collective.keys.rogue) or {"plugin.psk": "SECRET-of-others"}
    result = ansible.failure(collective, config=changes)
    assert "no node answered the discovery for agent rpcutil" in result["msg"]
    assert "do not know our key" in result["msg"]


@pytest.mark.parametrize("collective", SSL, indirect=True, scope="session")
def test_a_server_key_that_is_not_the_nodes(ansible: Ansible, collective: Collective) -> None:
    """The nodes answer, but their signatures are wrong to us. The message says how often."""
    key = str(collective.keys.rogue.public)
    result = ansible.failure(collective, config={"plugin.ssl_server_public": key})
    assert "replies that were rejected: 4 forged" in result["msg"]
