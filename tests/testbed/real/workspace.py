# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private directory and the processes that run in it. Both end together."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from contextlib import suppress
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Reads the process groups to watch from its standard input, whose end means that we are gone,
#: however that came about. It is a process and not PR_SET_PDEATHSIG, since that signal is sent
#: when the *thread* that started a child ends, and sessions are started in threads for speed.
_GUARD = r"""
trap '' HUP INT TERM
groups=
while read -r what group; do
    case $what in
        watch) groups="$groups $group " ;;
        forget) groups="${groups%% $group *} ${groups#* $group }" ;;
        release) exit 0 ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
[ -z "$1" ] || { sleep 0.2; rm -rf -- "$1"; }
"""


class Workspace:
    """A directory with processes in it. None of them outlives this process.

    A directory that the caller names stays, with its logs. A temporary directory is removed.
    """

    def __init__(self, prefix: str, directory: Path | None = None) -> None:
        self._temporary = directory is None
        self.path = Path(tempfile.mkdtemp(prefix=prefix)) if directory is None else directory
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = self.path.resolve()
        self._running: list[subprocess.Popen[bytes]] = []
        self._guard = self._start_guard()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        doomed = str(self.path) if self._temporary else ""
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", doomed],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def spawn(self, argv: Sequence[str], log: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own, and append its output to ``log``."""
        with log.open("ab") as stream:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.path,
                start_new_session=True,
            )
        self._tell_guard("watch", process.pid)
        self._running.append(process)
        return process

    def _tell_guard(self, what: str, group: int) -> None:
        if self._guard.stdin is not None:
            with suppress(BrokenPipeError):
                self._guard.stdin.write(f"{what} {group}\n".encode())
                self._guard.stdin.flush()

    def end(
        self,
        processes: Iterable[subprocess.Popen[bytes]],
        *,
        first: signal.Signals = signal.SIGKILL,
        patience: float = 10.0,
    ) -> None:
        """End process groups and reap their leaders. If a milder signal has no effect, kill them."""
        ending = list(processes)
        for process in ending:
            _signal_group(process, first)
        deadline = time.monotonic() + patience
        for process in ending:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in ending:
            self._finish(process)

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of a group whose leader has ended, and remove it from the list."""
        _signal_group(process, signal.SIGKILL)
        process.wait()
        self._running.remove(process)
        self._tell_guard("forget", process.pid)

    def close(self) -> None:
        """End everything that still runs, and remove the directory if it is temporary."""
        self.end(tuple(self._running))
        if self._temporary:
            _remove(self.path)
        self._tell_guard("release", 0)
        self._guard.communicate()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _remove(path: Path) -> None:
    """Remove a tree into which a dying process may still write."""
    for _attempt in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(0.05)
    shutil.rmtree(path)


def tail(path: Path, lines: int = 30) -> str:
    """Return the end of a log for an error message, or "" if there is no log."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
