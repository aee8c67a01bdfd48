# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real brokers and real nodes, started once for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "interop")]

from testbed.real import missing  # noqa: E402
from testbed.real.broker import Broker  # noqa: E402
from testbed.real.collective import SECURITIES, Collective  # noqa: E402
from testbed.real.definitions import Vhost  # noqa: E402

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import (  # noqa: E402
    Config,
)

BOUND = 20
"""Seconds, far more than any task here may take, that tell "slow machine" from "for ever"."""


@pytest.fixture(scope="session")
def broker() -> t.Iterator[Broker]:
    """A private RabbitMQ, with a virtual host for each way to sign, and an empty one."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Broker([*SECURITIES, Vhost("bare", collectives=())]) as running:
        yield running


@pytest.fixture(scope="session", params=SECURITIES)
def collective(request: pytest.FixtureRequest, broker: Broker) -> t.Iterator[Collective]:
    """Four mcollectived daemons; every test runs once with each security setting."""
    with Collective(broker, request.param, request.param) as running:
        yield running


@pytest.fixture
def config(collective: Collective) -> Config:
    """The configuration of the collective's client, with little patience in discovery."""
    path = collective.write_client_cfg("test.cfg", {"discovery_timeout": "0.7"})
    return Config.from_configfile(str(path), environ={})


class Ansible:
    """Runs ansible's programs on this collection."""

    def __init__(self, directory: Path) -> None:
        place = directory / "ansible_collections" / "pymco"
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        (directory / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE")},
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(directory),
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }

    def run(
        self, program: str, *arguments: str, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program; what it prints is in stdout and stderr."""
        return subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env={**self._environment, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )

    def failure(self, collective: Collective, **options: t.Any) -> dict[str, t.Any]:
        """The result of a task that must fail, within the time it has, and keep its secrets."""
        task: dict[str, t.Any] = {"agent": "rpcutil", "action": "ping", "discovery_timeout": 1}
        task.update({"config_file": str(collective.client_cfg), **options})
        start = time.monotonic()
        result = self.rpc(**task)
        assert time.monotonic() - start < BOUND
        assert result["failed"], result
        assert "SECRET" not in str(result)
        assert "Traceback" not in str(result)
        return result

    def rpc(self, *verbosity: str, **options: t.Any) -> dict[str, t.Any]:
        """One task on localhost, ad hoc; its result."""
        arguments = ("-m", "pymco.mcollective.mcollective_rpc", "-a", json.dumps(options))
        # The callback prints "localhost | STATUS => {...}" and the result as JSON.
        done = self.run("ansible", "localhost", *arguments, *verbosity)
        start, end = done.stdout.find("=> {"), done.stdout.rfind("}")
        assert start >= 0, done.stdout + done.stderr
        result: dict[str, t.Any] = json.loads(done.stdout[start + 3 : end + 1])
        result["failed"] = "localhost | FAILED!" in done.stdout
        return result


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    """Ansible's programs with this collection and nothing else."""
    return Ansible(tmp_path / "ansible")
