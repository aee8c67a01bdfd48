# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every ansible-core that is supported, each in an environment of its own with a Python that it supports.

They are in ``.build/cores``. Where no fitting Python runs here, the core is left out, and that is told.
"""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import typing as t

from run_process import BUILD, ROOT, Fatal, execute, say

CORES = BUILD / "cores"
REQUIREMENTS = ROOT / "requirements.txt"
INSTALL_TIMEOUT = 10 * 60


@dataclasses.dataclass(frozen=True)
class Core:
    """A minor version of ansible-core.

    :ivar wanted: what pip is asked for; a pre-release only where it says so.
    :ivar pythons: the minor versions of Python 3 that its controller runs with, the one to take first in front.
    """

    name: str
    wanted: str
    pythons: tuple[int, ...]

    @property
    def directory(self) -> pathlib.Path:
        """Its environment."""
        return CORES / self.name


# The one before the oldest that is supported: the inventory plugin must refuse it.
REFUSED = Core("2.18", "ansible-core~=2.18.0", (11, 12, 13))
SUPPORTED = (
    Core("2.19", "ansible-core~=2.19.0", (11, 12, 13)),
    Core("2.20", "ansible-core~=2.20.0", (12, 13, 14)),
    Core("2.21", "ansible-core~=2.21.0", (13, 12, 14)),
    # The newest, also while it is a release candidate.
    Core("2.22", "ansible-core>=2.22.0rc1,<2.23", (13, 14, 15)),
)
FEW = (REFUSED, SUPPORTED[0], SUPPORTED[-1])
ALL = (REFUSED, *SUPPORTED)


def prepare_cores(cores: t.Iterable[Core]) -> dict[str, str]:
    """Make the environments of these cores. Returns why some cannot be had, by their names."""
    missing = {}
    for core in cores:
        reason = prepare_core(core)
        if reason:
            missing[core.name] = reason
    return missing


def prepare_core(core: Core) -> str | None:
    """Make the environment of a core, unless it is there. Returns why that cannot be, if it cannot."""
    python = find_python(core.pythons)
    if python is None:
        names = ", ".join(f"3.{minor}" for minor in core.pythons)
        return f"no Python of {names} runs here"
    digest = hashlib.sha256(core.wanted.encode() + REQUIREMENTS.read_bytes()).hexdigest()
    stamp = core.directory / "stamp"
    wanted = f"{core.directory} {python} {digest}"
    if stamp.exists() and stamp.read_text() == wanted:
        return None
    say(f"Making .build/cores/{core.name} with {python} ...")
    shutil.rmtree(core.directory, ignore_errors=True)
    pip = [core.directory / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    for command in (
        [python, "-m", "venv", core.directory],
        [*pip, core.wanted, "-r", REQUIREMENTS],
    ):
        finished = execute(
            command,
            stage="cores",
            env=dict(os.environ),
            cwd=ROOT,
            show=False,
            timeout=INSTALL_TIMEOUT,
        )
        if finished.code != 0:
            raise Fatal(
                f"{finished.output}\nthe environment of ansible-core {core.name} cannot be made"
            )
    stamp.write_text(wanted)
    return None


def find_python(minors: t.Sequence[int]) -> str | None:
    """The first of these minor versions of Python 3 that runs here and can make environments.

    On the path, or where pyenv keeps those that are not chosen.
    """
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for minor in minors:
        kept = sorted(glob.glob(f"{root}/versions/3.{minor}.*/bin/python3"))
        for candidate in (f"python3.{minor}", *reversed(kept)):
            if found := usable(candidate):
                return found
    return None


def usable(python: str) -> str | None:
    """The program that this name leads to, if it runs and can make environments."""
    command = [python, "-c", "import ensurepip, sys, venv; print(sys.executable)"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
