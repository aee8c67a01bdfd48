# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short forms for calls through the client."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.real.collective import Collective

PATIENCE = {"discovery_timeout": "1.5"}


def config_of(
    collective: Collective,
    changes: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a collective's client, with little patience in discovery."""
    path = collective.write_client_cfg("test.cfg", {**PATIENCE, **(changes or {})})
    return Config.from_configfile(str(path), environ=environ or {})


def call(config: Config, agent: str, action: str, **request: t.Any) -> rpc.Result:
    """One call on a connection of its own."""
    with rpc.Client(config) as client:
        return client.call(rpc.Request(agent, action, **request))


def senders(result: rpc.Result) -> list[str]:
    """Return the nodes that answered."""
    return [reply.sender for reply in result.replies]


def task(collective: Collective, agent: str, action: str, **options: t.Any) -> dict[str, t.Any]:
    """Return what the module mcollective_rpc returns, from its own code without Ansible.

    :raises TaskFailed: it fails, for whatever reason.
    """
    defaults = {name: spec.get("default") for name, spec in RpcTask.options.items()}
    given = {"config_file": str(collective.client_cfg), "config": dict(PATIENCE), **options}
    params = {**defaults, "agent": agent, "action": action, **given}
    return RpcTask(params, lambda warning: None, environ={}).run(check_mode=False)
