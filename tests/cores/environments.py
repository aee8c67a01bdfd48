# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments of Python with an empty home, as users make them."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

FOREIGN = ("ANSIBLE_", "MCOLLECTIVE_", "PYMCO_", "PYTEST_", "PYTHON", "STOMP_", "VIRTUAL_ENV")


class Environment:
    """A virtual environment.

    :ivar home: the home of its user.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.home = directory / "home"
        self.home.mkdir(parents=True)
        self.python = directory / "venv" / "bin" / "python"
        # The real path, or the new environment would be one of the environment that runs this.
        base = os.path.realpath(sys.executable)
        subprocess.run([base, "-m", "venv", str(directory / "venv")], check=True)

    def pip(self, *words: str) -> None:
        """Install packages."""
        done = self.run(str(self.python), "-m", "pip", "install", "--quiet", *words)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(
        self, *command: str, cwd: Path | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with the programs of this environment and of the system."""
        return subprocess.run(
            command,
            cwd=cwd or self.home,
            env=self._variables(),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )

    def _variables(self) -> dict[str, str]:
        """Return the environment variables. Where packages come from, and where pip keeps them, is up to the caller."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
        path = [str(self.python.parent), os.defpath]
        own: dict[str, t.Any] = {"HOME": self.home, "PATH": os.pathsep.join(path)}
        caller = Path.home()
        own["PIP_CACHE_DIR"] = caller / ".cache" / "pip"
        for name in (".config/pip/pip.conf", ".pip/pip.conf"):
            if (caller / name).is_file():
                own["PIP_CONFIG_FILE"] = caller / name
        return {**kept, "LC_ALL": "C.UTF-8", **{name: str(value) for name, value in own.items()}}


def environment_with(factory: pytest.TempPathFactory, *packages: str) -> Environment:
    """Return a new environment that has these packages and what they need. Skips the test where pip gets none."""
    if reason := _unreachable(factory.mktemp("download")):
        pytest.skip(reason)
    made = Environment(factory.mktemp("environment"))
    made.pip(*packages)
    return made


def _unreachable(directory: Path) -> str:
    """Return why pip gets no packages here, or an empty text."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "hatchling"]
    done = subprocess.run(
        [*command, "--dest", str(directory)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"pip gets no packages: {done.stderr.strip()[-200:]}"
