# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the program ``choria``, the judge of the tests of Choria: ``python3 tests/run_choria.py``.

No distribution has it. Its source is a Go module, which the module proxy serves; the build takes some
minutes of one core, once. It needs 1 GB below the caller's ~/go and ~/.cache.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import shutil
import sys

from run_process import BUILD, ROOT, Fatal, execute, say

SOURCE = ROOT / "tests" / "testbed" / "choria" / "source"
PROGRAM = BUILD / "bin" / "choria"
#: Where the Go of golang.org is, which is not always on PATH.
ELSEWHERE = "/usr/local/go/bin"


def prepare() -> str:
    """Build the program unless it is there. Return "", or the reason why there is none."""
    stamp = BUILD / "choria.stamp"
    wanted = fingerprint()
    if PROGRAM.exists() and stamp.exists() and stamp.read_text() == wanted:
        return ""
    if shutil.which("choria"):
        return ""
    go = shutil.which("go", path=f"{os.environ.get('PATH', os.defpath)}:{ELSEWHERE}")
    if go is None:
        return "Go is not installed, which builds the program choria (https://go.dev/dl/)"
    stamp.unlink(missing_ok=True)
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    reason = build(go)
    if not reason:
        stamp.write_text(wanted)
    return reason


def build(go: str) -> str:
    """Return "", or what Go printed when it failed."""
    say(f"Building choria with {go} in the background ...")
    # Only versions and checksums that SOURCE has; no other Go than this one.
    env = os.environ | {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    command = ["nice", "-n", "5", go, "build", "-trimpath", "-o", PROGRAM, "."]
    try:
        done = execute(command, stage="choria", env=env, cwd=SOURCE, show=False)
    except Fatal as exc:
        return str(exc)
    if done.code == 0:
        return ""
    lines = [line for line in done.output.splitlines() if not line.startswith("go: downloading")]
    said = re.sub(r"\s+", " ", " ".join(lines))[-500:]
    return f"the program choria could not be built, `go build` {done.ending}: {said}"


def fingerprint() -> str:
    """Return the mark of a program that was built from SOURCE as it is now."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(SOURCE).iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(prepare() or print(PROGRAM))
