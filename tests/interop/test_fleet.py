# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hundreds of emulated nodes on a real broker: nobody is lost. Size is for the benchmarks."""

from __future__ import annotations

import typing as t

import pytest
from calling import PATIENCE, call, senders
from testbed.fleet.fleet import Fleet

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from testbed.real.rabbitmq import RabbitMQ
    from testbed.real.security import Security

COUNT = 300


@pytest.mark.parametrize("security", ["psk", "ssl-marshal", "ssl-yaml"])
def test_everybody_is_found_and_answers(rabbitmq: RabbitMQ, security: Security) -> None:
    with Fleet(rabbitmq, "fleet", COUNT, security, directed=1) as fleet:
        config = Config.from_configfile(str(fleet.client_cfg), {}, PATIENCE)
        result = call(config, "rpcutil", "get_facts", arguments={"facts": "role,os"})
        alone = call(config, "rpcutil", "ping", nodes=fleet.identities[:1])
    assert senders(result) == result.nodes == fleet.identities
    assert not result.rejected
    assert {reply.data[":values"]["os"]["family"] for reply in result.replies} == {"Debian"}
    assert senders(alone) == fleet.identities[:1]
