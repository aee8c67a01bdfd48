# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The versions of ansible-core that are supported, each in an environment of its own in ``.build/cores``."""

from __future__ import annotations

import dataclasses
import glob
import os
import typing as t

import run_prepare as prepare
from run_process import BUILD, ROOT


@dataclasses.dataclass(frozen=True)
class Core:
    """A minor version of ansible-core.

    :ivar wanted: what pip installs; it asks for a pre-release only where it names one.
    :ivar pythons: the minor versions of Python 3 that its controller runs with, the preferred one first.
    """

    name: str
    wanted: str
    pythons: tuple[int, ...]

    def prepare(self) -> str:
        """Make its environment. Return the directory, or "!" and the reason if there can be no environment."""
        python = find_python(self.pythons)
        if python is None:
            names = ", ".join(f"3.{minor}" for minor in self.pythons)
            return f"!no Python of {names} runs here"
        directory = BUILD / "cores" / self.name
        prepare.prepare_environment(
            directory, self.wanted, ROOT / "meta" / "ee-requirements.txt", python=python
        )
        return str(directory)


# The last version before the oldest that is supported: the inventory plugin must refuse it.
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


def find_python(minors: t.Sequence[int]) -> str | None:
    """Find the first of these minor versions of Python 3, on the path or among those that pyenv keeps."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for minor in minors:
        kept = sorted(glob.glob(f"{root}/versions/3.{minor}.*/bin/python3"))
        for candidate in (f"python3.{minor}", *reversed(kept)):
            if found := prepare.usable_python(candidate):
                return found
    return None
