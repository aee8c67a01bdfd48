# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agents for machines: service, package and puppet, with the interface of the public agents.

As theirs, the actions fail that have nothing to do: starting a service that runs, installing what is installed.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from pymco.serializers import Symbol

if t.TYPE_CHECKING:
    from .nodes import Node

    Answer = tuple[int, str, dict[str, t.Any]]
    Data = dict[str, t.Any]


# -- service ---------------------------------------------------------------------------------------


def _service_status(node: Node, data: Data) -> Answer:
    name = str(data.get("service"))
    return 0, "OK", {"service": name, "status": node.services.get(name, "unknown")}


def _service(node: Node, data: Data, status: str, *, always: bool = False) -> Answer:
    name = str(data.get("service"))
    if name not in node.services:
        return 1, f"there is no service {name}", {"service": name, "status": "unknown"}
    if node.services[name] == status and not always:
        return 1, f"{name} is {status} already", {"service": name, "status": status}
    node.services[name] = "stopped" if name in node.broken else status
    return 0, "OK", {"service": name, "status": node.services[name]}


def _service_start(node: Node, data: Data) -> Answer:
    return _service(node, data, "running")


def _service_stop(node: Node, data: Data) -> Answer:
    return _service(node, data, "stopped")


def _service_restart(node: Node, data: Data) -> Answer:
    return _service(node, data, "running", always=True)


# -- package ---------------------------------------------------------------------------------------


def _state(node: Node, name: str) -> dict[str, t.Any]:
    return {"name": name, "ensure": node.packages.get(name, "absent"), "provider": "emulated"}


def _package_status(node: Node, data: Data) -> Answer:
    return 0, "OK", _state(node, str(data.get("package")))


def _package_install(node: Node, data: Data) -> Answer:
    name, version = str(data.get("package")), data.get("version")
    if name in node.packages and version is None:
        return 5, "Package is already installed", _state(node, name)
    if name in node.broken:
        return 5, f"{name} has unmet dependencies", _state(node, name)
    before = _state(node, name)  # as with Puppet's providers, which remember it
    node.packages[name] = str(version or node.updates.get(name, "1.0-1"))
    return 0, "OK", {**before, "output": "done"}


def _package_update(node: Node, data: Data) -> Answer:
    name = str(data.get("package"))
    if name not in node.packages:
        return 5, "Package is not present on the system", _state(node, name)
    node.packages[name] = node.updates.get(name, node.packages[name])
    return 0, "OK", _state(node, name)


def _package_uninstall(node: Node, data: Data) -> Answer:
    name = str(data.get("package"))
    before = _state(node, name)
    if node.packages.pop(name, None) is None:
        return 5, "Package is not present on the system", before
    return 0, "OK", before


def _package_checkupdates(node: Node, _data: Data) -> Answer:
    outdated = [
        {Symbol("package"): name, Symbol("version"): version, Symbol("repo"): "main"}
        for name, version in node.updates.items()
        if node.packages.get(name, version) != version
    ]
    told = {"package_manager": "emulated", "output": "", "exitcode": 0}
    return 0, "OK", {**told, "outdated_packages": outdated}


# -- puppet ----------------------------------------------------------------------------------------


@dataclass
class Puppet:
    """Puppet on a node.

    :ivar seconds: how long a run takes.
    :ivar resources: how many resources the next runs have: all, changed, failed, out of sync.
    :ivar runs: the inputs of each run, and when it began and ends.
    :ivar lock: the message with which it is disabled; None: it is enabled.
    """

    seconds: float = 0.2
    resources: tuple[int, int, int, int] = (20, 0, 0, 0)
    runs: list[tuple[Data, float, float]] = field(default_factory=list)
    lock: str | None = None
    lastrun: int = 1000

    @property
    def applying(self) -> bool:
        """True if a run is in progress."""
        return bool(self.runs) and time.time() < self.runs[-1][2]

    def begin(self, inputs: Data) -> None:
        """Begin a run."""
        now = time.time()
        self.runs.append((inputs, now, now + self.seconds))

    @property
    def last(self) -> int:
        """When the last run ended."""
        ends = [end for _inputs, _begin, end in self.runs if end <= time.time()]
        return int(ends[-1]) if ends else self.lastrun


def _puppet_status(node: Node, _data: Data) -> Answer:
    puppet = node.puppet
    enabled, applying = puppet.lock is None, puppet.applying
    word = "disabled" if not enabled else "applying a catalog" if applying else "stopped"
    told = {"applying": applying, "idling": False, "enabled": enabled, "daemon_present": False}
    times = {"lastrun": puppet.last, "since_lastrun": int(time.time()) - puppet.last}
    return 0, "OK", {**told, **times, "status": word, "disable_message": puppet.lock or ""}


def _puppet_runonce(node: Node, data: Data) -> Answer:
    puppet = node.puppet
    if puppet.lock is not None:
        return 1, f"Puppet is disabled: '{puppet.lock}'", {}
    if puppet.applying:
        return 1, "Puppet is currently applying a catalog, cannot run now", {}
    puppet.begin({key: value for key, value in data.items() if key != "process_results"})
    return 0, "OK", {"summary": "Started a Puppet run", "initiated_at": int(time.time())}


def _puppet_enable(node: Node, _data: Data) -> Answer:
    if node.puppet.lock is None:
        return 1, "Could not enable Puppet: Already enabled", {"enabled": True}
    node.puppet.lock = None
    return 0, "OK", {"status": "enabled", "enabled": True}


def _puppet_disable(node: Node, data: Data) -> Answer:
    if node.puppet.lock is not None:
        return 1, "Could not disable Puppet: Already disabled", {"enabled": False}
    node.puppet.lock = str(data.get("message", "Disabled via MCollective"))
    return 0, "OK", {"status": "locked", "enabled": False}


def _puppet_summary(node: Node, _data: Data) -> Answer:
    names = ("total", "changed", "failed", "out_of_sync")
    told = {f"{name}_resources": count for name, count in zip(names, node.puppet.resources)}
    return 0, "OK", {**told, "lastrun": node.puppet.last, "total_time": 1.5, "config_version": "7"}


ACTIONS: dict[str, t.Callable[[t.Any, dict[str, t.Any]], t.Any]] = {
    "service.status": _service_status,
    "service.start": _service_start,
    "service.stop": _service_stop,
    "service.restart": _service_restart,
    "package.status": _package_status,
    "package.install": _package_install,
    "package.update": _package_update,
    "package.uninstall": _package_uninstall,
    "package.checkupdates": _package_checkupdates,
    "puppet.status": _puppet_status,
    "puppet.runonce": _puppet_runonce,
    "puppet.enable": _puppet_enable,
    "puppet.disable": _puppet_disable,
    "puppet.last_run_summary": _puppet_summary,
}
