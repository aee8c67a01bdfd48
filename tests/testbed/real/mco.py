# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reference client."""

from __future__ import annotations

import subprocess
import typing as t

from . import programs

if t.TYPE_CHECKING:
    from pathlib import Path


def run_mco(
    config: Path, home: Path, application: str, *arguments: str, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``mco`` and return what it prints.

    :param config: its client.cfg.
    :param home: a directory for what it writes.
    :param timeout: seconds after which it is killed; then subprocess.TimeoutExpired is raised.
    """
    return subprocess.run(
        [
            *(str(programs.require("ruby")), "-W0", "-r", str(programs.SHIM)),
            *(str(programs.require("mco")), application, "-c", str(config), *arguments),
        ],
        env=programs.environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )
