# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is supported, each in an environment of its own below ``.build``: versions of ansible-core, and Pythons with
libraries as managed hosts have them."""

from __future__ import annotations

import dataclasses
import glob
import json
import os
import pathlib
import re
import typing as t

import run_prepare as prepare
from run_process import BUILD, VENV


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
            directory, self.wanted, prepare.LIBRARIES, prepare.PYTEST, python=python
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


Libraries = t.Literal["oldest libraries", "newest libraries", "newest libraries without libyaml"]


@dataclasses.dataclass(frozen=True)
class Host:
    """What a managed host has: a Python 3 of a minor version, and libraries. It has no ansible-core."""

    minor: int
    libraries: Libraries = "newest libraries"

    @property
    def name(self) -> str:
        return f"Python 3.{self.minor}, {self.libraries}"

    @property
    def directory(self) -> pathlib.Path:
        return BUILD / "hosts" / f"3.{self.minor}-{self.libraries.replace(' ', '-')}"

    def prepare(self) -> str:
        """Make its environment. Return "", or the reason if there can be no environment."""
        python = find_python([self.minor])
        if python is None:
            return f"no Python 3.{self.minor} runs here"
        env = dict(os.environ)
        wanted: list[str | pathlib.Path] = [prepare.LIBRARIES, prepare.PYTEST]
        if self.libraries == "oldest libraries":
            wanted[:1] = oldest(prepare.LIBRARIES.read_text(encoding="utf-8"))
        elif self.libraries == "newest libraries without libyaml":
            # What this builds is for no other environment.
            wanted += ["--no-cache-dir", "--no-binary=PyYAML"]
            env["PYYAML_FORCE_LIBYAML"] = "0"
        prepare.prepare_environment(self.directory, *wanted, python=python, env=env)
        return ""


# The environment of the runner itself has the newest libraries, with libyaml.
FEW_HOSTS = (Host(9, "oldest libraries"), Host(13, "newest libraries without libyaml"))
ALL_HOSTS = (*FEW_HOSTS, *(Host(minor) for minor in (9, 10, 11, 12, 13, 14)))


def oldest(requirements: str) -> list[str]:
    """Return the lowest versions that a file of requirements allows, as pip names them."""
    return re.sub(r"#.*", "", requirements).replace(">=", "==").split()


VERSIONS = """
import importlib.metadata, json, sys, yaml
names = {names!r}
# By themselves: Python 3.9 does not find the metadata of a package that has a dot in its name.
known = {{d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}}
found = {{name: known[name.lower()] for name in names}}
found["Python"] = "%d.%d.%d" % sys.version_info[:3]
found["libyaml"] = yaml.__with_libyaml__
print(json.dumps(found))
"""


def versions(directory: pathlib.Path, *more: str) -> dict[str, t.Any]:
    """Return the versions of Python, of the libraries and of these packages in an environment."""
    names = ["stomp.py", "cryptography", "PyYAML", *more]
    words = prepare.ask(directory, VERSIONS.format(names=names))
    return t.cast("dict[str, t.Any]", json.loads(" ".join(words)))


def base() -> str:
    """Return the minor version of ansible-core that .venv has."""
    return str(versions(VENV, "ansible-core")["ansible-core"]).rpartition(".")[0]


def find_python(minors: t.Sequence[int]) -> str | None:
    """Find the first of these minor versions of Python 3, on the path or among those that pyenv keeps."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    for minor in minors:
        kept = sorted(glob.glob(f"{root}/versions/3.{minor}.*/bin/python3"))
        for candidate in (f"python3.{minor}", *reversed(kept)):
            if found := prepare.usable_python(candidate):
                return found
    return None
