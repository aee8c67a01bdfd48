# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that puts our commands beside those of choria: each line is run, and choria is the judge."""

from __future__ import annotations

import shlex
import typing as t

import pytest
from side_by_side import ROWS, Row, answered, here, named

if t.TYPE_CHECKING:
    from conftest import Ansible
    from testbed.choria.collective import ChoriaCollective

pytestmark = pytest.mark.parametrize(
    "choria", ["v1"], indirect=True, ids=["choria-v1"], scope="session"
)

NOT_HERE = ("choria --help", "choria req service ")
"""The beginnings of commands that tell nothing of nodes, or need an agent that these nodes need not have."""
LINES = [row for row in ROWS if row.choria and not row.choria.startswith(NOT_HERE)]
NO_NODES = ("inventory --collectives", "facts", "plugin doc")
"""The beginnings of commands that do not name the nodes that have answered."""


@pytest.mark.parametrize("row", LINES, ids=[row.choria for row in LINES])
def test_a_line_does_what_choria_does(ansible: Ansible, choria: ChoriaCollective, row: Row) -> None:
    program, *arguments = shlex.split(row.choria)
    assert program == "choria"
    theirs = choria.choria(*arguments)
    assert theirs.returncode == 0, theirs.stdout + theirs.stderr
    ours = row.ours
    if "-S" in arguments:
        # The line has an expression of MCollective's language.
        words = shlex.split(ours)
        words[-1] = f"compound_filter={shlex.quote(arguments[-1])}"
        ours = shlex.join(words)
    result = here(ansible, choria.client_conf, ours)
    command = row.choria.removeprefix("choria ")
    if "--limit" in arguments:
        assert len(named(theirs.stdout)) == len(answered(result)) == 2
    elif not command.startswith(NO_NODES):
        assert named(theirs.stdout) == answered(result) != []
