# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of the page that puts our commands beside those of mco and choria, and how to run ours."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
import typing as t

from conftest import ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ansible

PAGE = (ROOT / "docs" / "docsite" / "rst" / "side_by_side.rst").read_text()
PLAYS = [
    textwrap.dedent(block)
    for block in re.findall(r"^\.\. code-block:: yaml\n\n((?: {4}.*\n|\n)+)", PAGE, re.MULTILINE)
]

Result = dict[str, t.Any]


class Row(t.NamedTuple):
    """A line of a table: three commands. One that does not exist is empty."""

    mco: str
    choria: str
    ours: str


def _literal(cell: str) -> str:
    found = re.search(r"``(.+?)``", " ".join(cell.split()))
    return found[1] if found else ""


def _rows() -> t.Iterator[Row]:
    for text in re.split(r"^  \* - ", PAGE, flags=re.MULTILINE)[1:]:
        cells = re.split(r"^    - ", text.split("\n\n")[0], flags=re.MULTILINE)
        if len(cells) == 3 and _literal(cells[0]) != "mco":
            yield Row(*map(_literal, cells))


ROWS = list(_rows())


def named(text: str) -> list[str]:
    """The nodes that occur in a text."""
    return sorted(set(re.findall(r"\b(?:web|db|old)\d\.example\.com\b", text)))


def answered(ours: Result) -> list[str]:
    """The nodes that a result of ours is about, or those that have replied."""
    nodes = [reply["sender"] for reply in ours["replies"]] if "replies" in ours else ours["nodes"]
    return sorted(node["identity"] if isinstance(node, dict) else node for node in nodes)


def here(ansible: Ansible, config_file: Path, command: str) -> Result:
    """Run a command of ours. Return the result of its task, or what it prints."""
    program, *arguments = shlex.split(command)
    environment = {"ANSIBLE_MCOLLECTIVE_CONFIG_FILE": str(config_file)}
    done = ansible.run(program, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    if program != "ansible":
        return {"output": done.stdout}
    start, end = done.stdout.find("=> {"), done.stdout.rfind("}")
    assert start >= 0, done.stdout + done.stderr
    return t.cast("Result", json.loads(done.stdout[start + 3 : end + 1]))
