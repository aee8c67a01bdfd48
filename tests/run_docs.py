# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stage docs of tests/run.py: antsibull-docs and Sphinx build the site from the plugins, the guides and docs/site."""

from __future__ import annotations

import pathlib
import re
import shutil
import tempfile
import typing as t

import run_prepare as prepare
from run_process import BESIDE, BUILD, CHECKED, ROOT, VENV, environment, execute, say

COLLECTION = "pymco.mcollective"
SITE = CHECKED / "docs" / "site"
PLACE = BUILD / "docs"
PAGES = PLACE / "rst"
HTML = PLACE / "html"
TOOLS = VENV / "docs"

# Sphinx says this if it cannot read which pages another site has.
OFFLINE = "failed to reach any of the inventories"
# What the pages of plugins say of ansible-core, which has a site of its own.
FOREIGN = re.compile(
    r"undefined label: '(?:ansible_collections\.ansible\.builtin\.\w+"
    r"|action_plugins|ansible_configuration_settings|common_return_values)'"
    r"|'envvar' reference target not found: ANSIBLE_(?!MCOLLECTIVE_)\w+"
    rf"|{OFFLINE}"
)


def build() -> dict[str, str]:
    """Build the site. Return what is wrong with each step: an empty text if nothing is."""
    prepare.prepare_environment(TOOLS, SITE / "requirements.txt")
    shutil.rmtree(PLACE, ignore_errors=True)
    # antsibull-docs wants a directory to which only its owner can write.
    PAGES.mkdir(parents=True, mode=0o755)
    wrong = {"the pages, by antsibull-docs": pages()}
    images = CHECKED / "docs" / "docsite" / "rst" / "images"
    shutil.copytree(images, PAGES / "docsite" / "images", dirs_exist_ok=True)
    wrong["the site, by Sphinx"] = site()
    say(f"The site begins at {(HTML / 'index.html').relative_to(ROOT)}", "docs")
    return wrong


def pages() -> str:
    """Write a page in reStructuredText for each plugin and role, and copy the guides."""
    command = [TOOLS / "bin" / "antsibull-docs", "--config-file", SITE / "antsibull-docs.cfg"]
    command += ["collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    command += ["--cleanup", "everything", "--dest-dir", PAGES, COLLECTION]
    return failure(command)


def site() -> str:
    """Make HTML of the pages. A warning is an error."""
    log = PLACE / "warnings.txt"
    command = [TOOLS / "bin" / "sphinx-build", "-q", "-j", "2", "-b", "html", "-c", SITE]
    command += ["-d", PLACE / "doctrees", "-w", log, PAGES, HTML]
    wrong = failure(command)
    return wrong or "\n".join(warnings(log.read_text(encoding="utf-8")))


def warnings(text: str) -> list[str]:
    """Return the warnings of Sphinx that count. Offline, Sphinx does not know the pages of another site."""
    found = re.findall(r"^.*\b(?:WARNING|ERROR|CRITICAL|SEVERE): .*$", text, re.MULTILINE)
    if OFFLINE not in text:
        return found
    return [line for line in found if not FOREIGN.search(line)]


def failure(command: list[t.Any]) -> str:
    """Run a command. Return what it printed if it has failed."""
    env = environment()
    env |= {"VIRTUAL_ENV": str(TOOLS), "PATH": f"{TOOLS / 'bin'}:{env['PATH']}", "NO_COLOR": "1"}
    del env["PYTHONPATH"]
    with tempfile.TemporaryDirectory(prefix="mcollective-docs-") as directory:
        # ansible-doc finds no roles below two directories of the name ansible_collections, as a clone may have them.
        link = pathlib.Path(directory, "ansible_collections", *COLLECTION.split("."))
        link.parent.mkdir(parents=True)
        link.symlink_to(CHECKED)
        env["ANSIBLE_COLLECTIONS_PATH"] = directory
        finished = execute([*BESIDE, *command], stage="docs", env=env, show=False)
    return "" if finished.code == 0 else f"{finished.output}\n{finished.ending}"
