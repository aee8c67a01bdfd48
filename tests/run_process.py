# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places of tests/run.py, and how it starts processes, shows what they print and ends them."""

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
# That of lint and sanity, which run beside the tests and see each file that appears.
CHECKED = BUILD / "checked" / "ansible_collections" / "pymco" / "mcollective"
OUTPUT = pathlib.PurePath("tests", "output")
# Tests never see the caller's home: no ~/.mcollective, no ~/.ansible.cfg, and a cache of ansible-test that is ours.
HOME = VENV / "home"
PYTHON = VENV / "bin" / "python"

# Before the command of a process that takes what others leave of the machine.
BESIDE = ("nice", "-n", "5")
STAGE_TIMEOUT = 50 * 60
# Seconds that a process has to clean up after it was told to end.
GRACE = 15

# What pip and ansible-test print when all is well. Only the log keeps it.
NOISE = re.compile(
    r"\s*(Collecting|Downloading|Using cached|Looking in|Processing|Installing (collected|requirements)|Successfully|"
    r"Found existing|Uninstalling|Obtaining|Requirement already|\u2501|WARNING: Location|\[notice\]|DEPRECATION|"
    r"WARNING: (Using locale|Reviewing previous))|\s*$"
)


class Fatal(Exception):
    """The run cannot go on; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """A process that has ended: all that it printed, and its exit code (None when it took too long and was killed)."""

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
    """Run a command and keep what it prints in the stage's log; print it at once unless `show` is false."""
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


def install(command: t.Sequence[object], env: dict[str, str] | None = None) -> None:
    """Run a command that installs something, in the caller's environment.

    :raises Fatal: it failed; the error contains all that it printed.
    """
    env = env or dict(os.environ)
    finished = execute(command, stage="install", env=env, cwd=ROOT, show=False)
    if finished.code != 0:
        text = " ".join(map(str, command))
        raise Fatal(f"{finished.output}\n{text} {finished.ending}; see above")


def log_of(stage: str) -> t.TextIO:
    path = BUILD / "logs" / f"{stage}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")


@contextlib.contextmanager
def started(
    command: t.Sequence[object], env: dict[str, str], cwd: pathlib.Path
) -> t.Iterator[subprocess.Popen[str]]:
    """Start a process in a group of its own, so that everything it starts ends with it."""
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
    """End a process and the rest of its group. pytest and Ansible clean up at the first signal; the second one kills."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        os.killpg(process.pid, signal.SIGKILL)


def interrupt(signum: int, frame: object) -> None:
    """Handle a signal: end every process and start no other."""
    interrupted.set()
    for process in tuple(running):
        threading.Thread(target=end, args=[process]).start()
    raise KeyboardInterrupt


@contextlib.contextmanager
def locked(name: str) -> t.Iterator[None]:
    """Let runs in one tree take turns: they share .venv and .build."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is using this tree; waiting for it to end ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(venv: pathlib.Path = VENV) -> dict[str, str]:
    """The environment of every test. It contains nothing of the caller's Python, Ansible or home."""
    foreign = ("ANSIBLE_", "GIT_", "MCOLLECTIVE_", "NOX", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = [BUILD / "bin", venv / "bin", env.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    env |= {
        "ANSIBLE_COLLECTIONS_PATH": str(BUILD),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(HOME),
        "PATH": os.pathsep.join(map(str, path)),
        "PYTHONPATH": str(BUILD),
        "VIRTUAL_ENV": str(venv),
    }
    if sys.platform.startswith("linux"):
        env["LC_ALL"] = "C.UTF-8"
    return env


def ansible_test_environment(venv: pathlib.Path = VENV) -> dict[str, str]:
    """The environment of ansible-test, which arranges the paths of imports and collections itself."""
    env = environment(venv)
    del env["ANSIBLE_COLLECTIONS_PATH"], env["PYTHONPATH"]
    return env
