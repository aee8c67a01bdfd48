# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are, and how tests/run.py starts processes, shows what they print and ends them."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BUILD = ROOT / ".build"
COPY = BUILD / "ansible_collections" / "pymco" / "mcollective"
OUTPUT = COPY / "tests" / "output"
# The tests never see the caller's home: no ~/.mcollective, no ~/.ansible.cfg, and ansible-test's cache is ours.
HOME = VENV / "home"
PYTHON = VENV / "bin" / "python"

STAGE_TIMEOUT = 30 * 60
# What a process has to clean up in, once it has been told to end.
GRACE = 15

# What pip and ansible-test say when all is well. It goes to the log only.
NOISE = re.compile(
    r"\s*(Collecting|Downloading|Using cached|Looking in|Processing|Installing (collected|requirements)|Successfully|"
    r"Found existing|Uninstalling|Obtaining|Requirement already|\u2501|WARNING: Location|\[notice\]|DEPRECATION|"
    r"WARNING: (Using locale|Reviewing previous))|\s*$"
)


class Fatal(Exception):
    """The run cannot go on; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A process that has ended: its exit code (None when it was killed for taking too long) and all it printed."""

    code: int | None
    output: str

    @property
    def ending(self) -> str:
        return "took too long" if self.code is None else f"ended with code {self.code}"


print_lock = threading.Lock()
running: set[subprocess.Popen[str]] = set()
interrupted = threading.Event()


def say(text: str, stage: str = "") -> None:
    prefix = f"[{stage}] " if stage else ""
    with print_lock:
        print("\n".join(prefix + line for line in text.splitlines() or [""]), flush=True)


def execute(
    command: t.Sequence[object],
    *,
    stage: str,
    env: dict[str, str] | None = None,
    cwd: pathlib.Path = COPY,
    show: bool = True,
    timeout: float = STAGE_TIMEOUT,
) -> Finished:
    """Run a command, stream what it prints (unless `show` is false) and keep it all in the stage's log."""
    if interrupted.is_set():
        raise Fatal("interrupted")
    lines: list[str] = []
    with log_of(stage) as log, started(command, env or environment(), cwd) as process:

        def read() -> None:
            for line in process.stdout or ():
                lines.append(line)
                log.write(line)
                if show and not NOISE.match(line):
                    say(line.rstrip(), stage)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        code: int | None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
            end(process)
        # A daemon that a test has left behind may hold the pipe open for ever.
        reader.join(GRACE)
    return Finished(code, "".join(lines))


def log_of(stage: str) -> t.TextIO:
    path = BUILD / "logs" / f"{stage}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")


@contextlib.contextmanager
def started(
    command: t.Sequence[object], env: dict[str, str], cwd: pathlib.Path
) -> t.Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, so that all that it starts can be ended with it."""
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    running.add(process)
    try:
        yield process
    finally:
        end(process)
        running.discard(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and what is left of its group; pytest and Ansible take the first signal as the wish to clean up."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)


def interrupt(signum: int, frame: object) -> None:
    """Handle a signal: end what runs, start nothing more."""
    interrupted.set()
    for process in tuple(running):
        threading.Thread(target=end, args=[process]).start()
    raise KeyboardInterrupt


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """Two runs in one tree take turns: they share .venv and .build."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is going on in this tree; waiting for it to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment() -> dict[str, str]:
    """The environment of every test: nothing of the caller's Python, Ansible or home gets in."""
    foreign = ("ANSIBLE_", "GIT_", "MCOLLECTIVE_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = [BUILD / "bin", VENV / "bin", env.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    env |= {
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(HOME),
        "PATH": os.pathsep.join(map(str, path)),
        "PYTHONPATH": str(BUILD),
        "VIRTUAL_ENV": str(VENV),
    }
    if sys.platform.startswith("linux"):
        env["LC_ALL"] = "C.UTF-8"
    return env


def ansible_test_environment() -> dict[str, str]:
    """ansible-test arranges the import and collection paths itself."""
    env = environment()
    del env["ANSIBLE_COLLECTIONS_PATH"], env["PYTHONPATH"]
    return env
