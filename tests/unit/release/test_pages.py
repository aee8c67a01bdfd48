# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages beside the code: their links lead somewhere, and nothing invites to install from a place that nobody owns."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("roles/*/*.md")])
GUIDES = sorted(ROOT.glob("docs/docsite/rst/*.rst"))
HOME = "github.com/pymco/mcollective"
"""Where the repository is to be. Remove the tests that name it when it is there."""


def read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: pathlib.Path) -> set[str]:
    """Return what a forge makes of the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_pages_that_people_look_for_are_there() -> None:
    names = {path.name for path in ROOT.glob("*.md")}
    expected = {"CHANGELOG", "CODE_OF_CONDUCT", "CONTRIBUTING", "README", "SECURITY"}
    assert {f"{name}.md" for name in expected} <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_of_a_release(page: pathlib.Path) -> None:
    if page.name == "CHANGELOG.md":
        return
    for link in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if link.startswith(("https://", "http://")):
            continue
        name, _hash, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert "fragments" not in target.parts, link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", [*PAGES, *GUIDES], ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_invites_to_install_from_an_address_that_nobody_owns(page: pathlib.Path) -> None:
    text = read(page)
    assert not re.search(r"git\+|(?<!scm_)type: git\b|git clone \S+://", text)
    assert text.count(HOME) == (page == ROOT / "README.md")


def test_only_the_address_that_galaxy_demands_is_told_to_galaxy() -> None:
    galaxy = yaml.safe_load(read(ROOT / "galaxy.yml"))
    assert [name for name, value in galaxy.items() if HOME in str(value)] == ["repository"]


def test_the_requirements_of_the_readme_take_this_version() -> None:
    (block,) = re.findall(r"```yaml\n(collections:.*?)```", read(ROOT / "README.md"), re.DOTALL)
    (entry,) = yaml.safe_load(block)["collections"]
    major = int(yaml.safe_load(read(ROOT / "galaxy.yml"))["version"].partition(".")[0])
    assert entry == {"name": "pymco.mcollective", "version": f">={major}.0.0,<{major + 1}.0.0"}


def test_the_libraries_of_the_readme_are_those_that_are_required() -> None:
    needs = yaml.safe_load(read(ROOT / "meta" / "execution-environment.yml"))["dependencies"]
    required = re.findall(r"^[\w.-]+>=[\d.]+$", read(ROOT / needs["python"]), re.MULTILINE)
    command = next(
        line for line in read(ROOT / "README.md").splitlines() if "pip install '" in line
    )
    assert sorted(re.findall(r"'([^']+)'", command)) == sorted(required)
