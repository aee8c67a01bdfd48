# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that speaks version 1 of Choria's protocol, and a request of it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.choria import ChoriaOptions
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.envelope import Envelope
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security.choria_v1 import (
    ChoriaV1Provider,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.serializers import Symbol
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_nodes import (
    REQUESTID,
)

NAME = "alice.mcollective"


def made(pair: tuple[str, str], name: str = NAME, **options: str) -> ChoriaV1Provider:
    """Return the security provider of a client.

    :param pair: the files of its certificate and key.
    """
    config = Config({"identity": "ctl.example", "securityprovider": "choria", **options})
    return ChoriaV1Provider(config, ChoriaOptions(1, (), cert=pair[0], key=pair[1], certname=name))


def envelope(**changes: t.Any) -> Envelope:
    """Return a request. Its fields can be others."""
    body = {
        Symbol("agent"): "rpcutil",
        Symbol("action"): "get_fact",
        Symbol("caller"): "choria=alice.mcollective",
        Symbol("data"): {Symbol("fact"): "mem", Symbol("process_results"): True},
    }
    usual = Envelope(
        identity="ctl.example",
        agent="rpcutil",
        collective="mcollective",
        filter=Filter().add_fact("cluster", "n1").add_agent("rpcutil"),
        ttl=60,
        body=body,
        requestid=REQUESTID,
        time=1795931274,
    )
    return dataclasses.replace(usual, **changes)
