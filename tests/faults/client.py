# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client, in a process of its own for each call, so that it can be measured and, if it hangs, ended.

``python -m ...client PATH`` listens on a Unix socket. It has imported everything, and forks for each call: that
takes milliseconds, and memory, threads and sockets are those of one call.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.pymco.mcollective.plugins.module_utils._task.base import Task, TaskFailed
from ansible_collections.pymco.mcollective.plugins.module_utils._task.discovery_info import (
    DiscoveryInfoTask,
)
from ansible_collections.pymco.mcollective.plugins.module_utils._task.facts import FactsTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.inventory import InventoryTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.node_info import NodeInfoTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.package import PackageTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.ping import PingTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.puppet import PuppetTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.rpc import RpcTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.service import ServiceTask
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import connector, security
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.security import (
    aes,
    choria_v1,
    psk,
    ssl,
)

PRELOADED = (connector, security, aes, choria_v1, psk, ssl)
TASKS: dict[str, type[Task]] = {
    "rpc": RpcTask,
    "ping": PingTask,
    "find": DiscoveryInfoTask,
    "node_info": NodeInfoTask,
    "inventory": InventoryTask,
    "facts": FactsTask,
    "service": ServiceTask,
    "package": PackageTask,
    "puppet": PuppetTask,
}
MIB = 2**20
HARD_LIMIT = 768 * MIB
"""Bytes that a call may take before the system refuses more, far above what is judged."""


@dataclass
class Seen:
    """The outcome of a call.

    :ivar failed: True if the task failed, with :attr:`msg`.
    :ivar returned: what it returned, also if it failed.
    :ivar crash: an exception that no user should ever see.
    :ivar seconds: how long it took, without the time in which the machine had no processor for it.
    :ivar growth: bytes by which the process grew at the most.
    :ivar threads: those that were left behind.
    :ivar sockets: how many were left behind.
    """

    failed: bool = False
    msg: str = ""
    returned: dict[str, t.Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    crash: str = ""
    seconds: float = 0.0
    growth: int = 0
    threads: list[str] = field(default_factory=list)
    sockets: int = 0

    @property
    def text(self) -> str:
        """All text that the user reads."""
        return "\n".join([self.msg, *self.warnings])


class Hung(Exception):
    """A call did not end, and was killed."""


class Client:
    """Makes calls. A context manager; threads may share one."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "client.sock"
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(self._path)],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @staticmethod
    def environment() -> dict[str, str]:
        """Return the environment of a process that finds this collection."""
        return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[5])}

    def __enter__(self) -> Client:
        assert self._process.stdout is not None and self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()

    def call(self, task: str, options: t.Mapping[str, t.Any], most: float) -> Seen:
        """Run a task with these options.

        :param most: seconds after which it counts as hung.
        :raises Hung: it was killed.
        """
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rwb") as file:
            sock.connect(str(self._path))
            file.write(json.dumps([task, options]).encode() + b"\n")
            file.flush()
            pid = int(file.readline())
            sock.settimeout(most)
            try:
                return Seen(**json.loads(file.readline()))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise Hung(f"it had not ended after {most:.1f} s") from None


def perform(name: str, options: dict[str, t.Any]) -> Seen:
    """Run a task in this process, and check what it leaves behind."""
    seen = Seen()
    before, sockets = _memory("VmRSS"), _sockets()
    start = time.monotonic() - _starved()
    try:
        seen.returned = _run(name, options, seen.warnings)
    except TaskFailed as failure:
        seen.failed, seen.msg, seen.returned = True, str(failure), failure.result
    except BaseException as error:  # told to the test
        seen.crash = f"{type(error).__name__}: {error}"
    seen.seconds = time.monotonic() - _starved() - start
    seen.growth = _memory("VmHWM") - before
    seen.threads = [each.name for each in threading.enumerate()[1:]]
    seen.sockets = len(_sockets() - sockets)
    return seen


def _run(name: str, options: dict[str, t.Any], warnings: list[str]) -> dict[str, t.Any]:
    kind = TASKS[name]
    checked = ArgumentSpecValidator(kind.options).validate(options)
    assert checked.error_messages == []
    task = kind(checked.validated_parameters, warnings.append, environ={})
    if isinstance(task, InventoryTask):
        return t.cast("dict[str, t.Any]", task.collect())
    return task.run(False)


def _memory(what: str) -> int:
    """Return bytes: VmRSS is the current memory, VmHWM the most so far, VmSize the address space."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024


def _starved() -> float:
    """Return the seconds that this process waited for a processor, or 0 if Linux does not tell."""
    path = Path("/proc/self/schedstat")
    return int(path.read_text().split()[1]) / 1e9 if path.exists() else 0.0


def _sockets() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the directory's own is closed by now
            found.add(os.readlink(f"/proc/self/fd/{name}"))
    return {name for name in found if name.startswith("socket:")}


def _serve(connection: socket.socket) -> None:
    """Handle one call in a process that ends with the call."""
    limit = _memory("VmSize") + HARD_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with connection, connection.makefile("rwb") as file:
        name, options = json.loads(file.readline())
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        file.write(json.dumps(asdict(perform(name, options)), default=str).encode() + b"\n")


def main(path: str) -> None:
    """Serve until the standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            connection, _address = server.accept()
            if os.fork() == 0:
                server.close()
                try:
                    _serve(connection)
                finally:
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
