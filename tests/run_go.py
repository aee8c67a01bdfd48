# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the programs of the tests that are written in Go: ``python3 tests/run_go.py [choria|actionlint]``.

Distributions do not have them. The sources are Go modules, which the module proxy serves. The build of ``choria``
takes some minutes of one core, once, and 1 GB below the caller's ~/go and ~/.cache.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import sys

from run_process import BESIDE, BUILD, ROOT, Fatal, execute, say

#: Where the Go of golang.org is, which is not always on PATH.
ELSEWHERE = "/usr/local/go/bin"


@dataclasses.dataclass(frozen=True)
class Program:
    """A program, and the directory with go.mod and go.sum that says which versions make it."""

    name: str
    source: pathlib.Path
    package: str = "."

    def prepare(self) -> str:
        """Build the program unless it is there. Return "", or the reason why there is none."""
        stamp = BUILD / f"{self.name}.stamp"
        wanted = self.fingerprint()
        if self.place.exists() and stamp.exists() and stamp.read_text() == wanted:
            return ""
        if shutil.which(self.name):
            return ""
        go = shutil.which("go", path=f"{os.environ.get('PATH', os.defpath)}:{ELSEWHERE}")
        if go is None:
            return f"Go is not installed, which builds the program {self.name} (https://go.dev/dl/)"
        stamp.unlink(missing_ok=True)
        self.place.parent.mkdir(parents=True, exist_ok=True)
        reason = self.build(go)
        if not reason:
            stamp.write_text(wanted)
        return reason

    @property
    def place(self) -> pathlib.Path:
        return BUILD / "bin" / self.name

    def build(self, go: str) -> str:
        """Return "", or what Go printed when it failed."""
        say(f"Building {self.name} with {go} in the background ...")
        # Only versions and checksums that the source has; no other Go than this one.
        env = os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        command = [*BESIDE, go, "build", "-trimpath", "-o", self.place, self.package]
        try:
            done = execute(command, stage=self.name, env=env, cwd=self.source, show=False)
        except Fatal as exc:
            return str(exc)
        if done.code == 0:
            return ""
        lines = [
            line for line in done.output.splitlines() if not line.startswith("go: downloading")
        ]
        said = re.sub(r"\s+", " ", " ".join(lines))[-500:]
        return f"the program {self.name} could not be built, `go build` {done.ending}: {said}"

    def fingerprint(self) -> str:
        """Return the mark of a program that was built from the source as it is now."""
        digest = hashlib.sha256()
        for path in sorted(self.source.iterdir()):
            digest.update(path.read_bytes())
        return digest.hexdigest()


# The judge of the tests of Choria.
CHORIA = Program("choria", ROOT / "tests" / "testbed" / "choria" / "source")
# Checks the workflows. Its package on PyPI downloads it from elsewhere.
ACTIONLINT = Program(
    "actionlint", ROOT / "tests" / "actionlint", "github.com/rhysd/actionlint/cmd/actionlint"
)
PROGRAMS = {program.name: program for program in (CHORIA, ACTIONLINT)}


if __name__ == "__main__":
    chosen = PROGRAMS[sys.argv[1] if len(sys.argv) > 1 else "choria"]
    sys.exit(chosen.prepare() or print(chosen.place))
