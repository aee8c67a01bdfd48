# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that our documentation shows for Python, run as they are printed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
import typing as t

import pytest
from conftest import FEW, ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

    from testbed.real.collective import Collective

pytestmark = pytest.mark.parametrize("collective", FEW, indirect=True, scope="session")

NODES = ["db1.example.com", "old1.example.com", "web1.example.com", "web2.example.com"]
PAGE = (ROOT / "docs" / "docsite" / "rst" / "python_api.rst").read_text()
PROGRAMS = [
    textwrap.dedent(block)
    for block in re.findall(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", PAGE, re.MULTILINE)
]
FACTS = "web1.example.com web\nweb2.example.com web\n"


def run(directory: Path, *arguments: str, stdin: str = "") -> str:
    """What Python prints in a directory, with the client on its path."""
    path = str(ROOT / "plugins" / "module_utils")
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error"},
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("relative", [True, False], ids=["relative", "absolute"])
def test_the_ping_of_the_readme(collective: Collective, relative: bool, tmp_path: Path) -> None:
    """A session in which the last line's value is shown."""
    text = (ROOT / "README.md").read_text()
    (program,) = re.findall(r"```python\n(from pymco import .*?)```", text, re.DOTALL)
    if not relative:
        program = program.replace("client.cfg", str(collective.client_cfg))
    directory = collective.directory if relative else tmp_path
    replies = ast.literal_eval(run(directory, "-i", "-q", stdin=program))
    assert sorted(reply[":senderid"] for reply in replies) == NODES
    keys = {":body", ":msgtime", ":requestid", ":senderagent", ":senderid"}
    assert all(set(reply) == keys for reply in replies)
    assert {(reply[":body"], reply[":senderagent"]) for reply in replies} == {("pong", "discovery")}


def test_the_ping_of_the_page(collective: Collective) -> None:
    replies = ast.literal_eval(run(collective.directory, "-c", PROGRAMS[0]))
    assert sorted(reply[":senderid"] for reply in replies) == NODES


def test_the_client_of_the_page(collective: Collective) -> None:
    assert run(collective.directory, "-c", PROGRAMS[1]) == FACTS + "silent: []\n"


def test_the_action_of_the_page(collective: Collective) -> None:
    lines = run(collective.directory, "-c", PROGRAMS[2]).splitlines(keepends=True)
    assert "".join(sorted(lines)) == FACTS


def test_the_steps_of_the_page(collective: Collective) -> None:
    assert len(PROGRAMS) == 4
    lines = run(collective.directory, "-c", PROGRAMS[3]).splitlines()
    assert sorted(lines) == [f"{node} pong" for node in NODES]
