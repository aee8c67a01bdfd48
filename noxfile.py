# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks that need no peer: `make lint` runs them and counts them, and so does `nox`."""

from __future__ import annotations

import antsibull_nox
import nox

antsibull_nox.load_antsibull_nox_toml()


@nox.session
def changelog(session: nox.Session) -> None:
    """Lint the changelog and its fragments."""
    session.install("antsibull-changelog")
    session.run("antsibull-changelog", "lint")


@nox.session
def actionlint(session: nox.Session) -> None:
    """Check the syntax of the workflows, and their scripts. tests/run_go.py builds the program."""
    session.run("actionlint", "-color", external=True)


@nox.session
def zizmor(session: nox.Session) -> None:
    """Look for weaknesses of the workflows."""
    session.install("zizmor")
    session.run("zizmor", "--offline", "--quiet", ".github")
