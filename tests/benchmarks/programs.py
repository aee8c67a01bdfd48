# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Ansible's programs on this collection and on nothing else."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from .framework import ROOT


class Finished(t.NamedTuple):
    """What a program has done.

    :ivar seconds: from its start to its end.
    :ivar processor: seconds of processor time that it and its own processes have used.
    """

    seconds: float
    processor: float
    code: int
    stdout: str
    stderr: str


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Ansible:
    """Ansible's programs with a configuration of their own, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "ansible.cfg").write_text("[defaults]\nlocalhost_warning = false\n")
        link(directory / "whole")

    def run(self, program: str, *arguments: str, collections: str = "whole") -> Finished:
        """Run a program to its end.

        :param collections: the directory with the collection; see :func:`link`.
        """
        start, spent = time.perf_counter(), _processor_time()
        done = subprocess.run(
            [str(Path(sys.executable).with_name(program)), *arguments],
            env=self._environment(collections),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=600,
            check=False,
        )
        return Finished(
            seconds=time.perf_counter() - start,
            processor=_processor_time() - spent,
            code=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
        )

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
