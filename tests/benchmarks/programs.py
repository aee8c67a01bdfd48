# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Ansible's programs on this collection and on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from .framework import ROOT


class Ansible:
    """Ansible's programs with a configuration of their own, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
        link(directory / "whole")

    def run(
        self, program: str, *arguments: str, collections: str = "whole"
    ) -> tuple[float, subprocess.CompletedProcess[str]]:
        """Return how many seconds a program takes, and what it prints.

        :param collections: the directory with the collection; see :func:`link`.
        """
        start = time.perf_counter()
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env=self._environment(collections),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        return time.perf_counter() - start, done

    def _environment(self, collections: str) -> dict[str, str]:
        foreign = ("ANSIBLE", "MCOLLECTIVE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **kept,
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.directory / collections),
            "ANSIBLE_HOME": str(self.directory / "home"),
        }


def link(place: Path, without: str = "") -> None:
    """Make the collection appear at a place, without one kind of its plugins."""
    home = place / "ansible_collections" / "pymco" / "mcollective"
    plugins = home / "plugins"
    plugins.mkdir(parents=True)
    for name in ("galaxy.yml", "meta"):
        (home / name).symlink_to(ROOT / name)
    for path in (ROOT / "plugins").iterdir():
        if path.name != without:
            (plugins / path.name).symlink_to(path)
