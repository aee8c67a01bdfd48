# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the program ``choria`` is, and the environment in which it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Mapping

_BUILT = Path(__file__).resolve().parents[3] / ".build" / "bin"


def find() -> Path | None:
    """Return the program on PATH, or the one that ``tests/run.py`` has built in this tree."""
    path = f"{os.environ.get('PATH', '')}:{_BUILT}"
    found = shutil.which("choria", path=path)
    return Path(found) if found else None


def require() -> Path:
    """Return the program as `find` does, for callers that cannot go on without it."""
    found = find()
    if found is None:
        raise RuntimeError(missing())
    return found


def missing() -> str | None:
    """Return None if the program is there. Otherwise say what makes it."""
    if find() is not None:
        return None
    return "choria is not installed; `python3 tests/run_go.py` builds it, or says why it cannot"


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return a whole environment, so that nothing of the caller's can change what it does.

    Without USER, a client ends with an error, even if it gets its name from a token.
    """
    path = os.environ.get("PATH", os.defpath)
    return {"HOME": str(home), "PATH": path, "TZ": "UTC", "USER": "operator", **more}


def run(
    home: Path, config: Path, *arguments: str, timeout: float = 60, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the client and return what it prints.

    :param home: a directory for what it writes.
    :param timeout: seconds after which it is killed; then subprocess.TimeoutExpired is raised.
    """
    return subprocess.run(
        [str(require()), *arguments, "--config", str(config)],
        env=environment(home, **environ),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def write_config(path: Path, settings: Mapping[str, str]) -> Path:
    """Write a configuration file that only its owner can read, and return its path."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    lines = (f"{key} = {value}\n" for key, value in settings.items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file into a directory that is made if need be."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
