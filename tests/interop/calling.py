# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short forms for calls through the client."""

from __future__ import annotations

import json
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from testbed.choria.collective import ChoriaCollective
    from testbed.real.collective import Collective

    from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task

PATIENCE = {"discovery_timeout": "1.5"}


def config_of(
    collective: Collective,
    changes: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration of a collective's client, with little patience in discovery."""
    path = collective.write_client_cfg("test.cfg", {**PATIENCE, **(changes or {})})
    return Config.from_configfile(str(path), environ=environ or {})


def choria_config(
    collective: ChoriaCollective, changes: Mapping[str, str | None] | None = None
) -> Config:
    """The configuration of a client of Choria, with little patience in discovery."""
    path = collective.write_client_conf("test.conf", {**PATIENCE, **(changes or {})})
    return Config.from_configfile(str(path), environ={})


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


def run(kind: type[Task], config_file: Path, **given: t.Any) -> dict[str, t.Any]:
    """Return what a task returns that warns of nothing, with little patience in discovery."""
    given = {"config_file": str(config_file), **given}
    if "discovery_timeout" in kind.options:
        given.setdefault("discovery_timeout", 1.5)
    checked = ArgumentSpecValidator(kind.options).validate(given)
    assert checked.error_messages == []
    warnings: list[str] = []
    returned = kind(checked.validated_parameters, warnings.append, environ={}).run(check_mode=False)
    assert warnings == []
    json.dumps(returned)
    return returned
