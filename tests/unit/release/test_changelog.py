# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changelog has what the collection has, and says since when."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
KINDS = ("filter", "inventory", "lookup", "modules")


def loaded(path: str) -> t.Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


GALAXY = loaded("galaxy.yml")
RELEASES: dict[str, t.Any] = loaded("changelogs/changelog.yaml")["releases"]
ADDED = r"^(?: {4})?version_added: ['\"]?([\w.]+)['\"]?$"


def contents() -> dict[str, str | None]:
    """Return the version that each plugin, module and role was added in; None for playbooks, which do not tell."""
    files = {f"{kind}/{path.stem}": path for kind in KINDS for path in plugins(kind)}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        files[f"role/{path.parents[1].name}"] = path
    found: dict[str, str | None] = {}
    for name, path in files.items():
        versions = re.findall(ADDED, path.read_text(encoding="utf-8"), re.MULTILINE)
        assert versions, f"{name} does not say in which version it was added"
        found[name] = versions[0]
    for path in ROOT.glob("playbooks/*.yml"):
        found[f"playbook/{path.stem}"] = None
    return found


def plugins(kind: str) -> list[pathlib.Path]:
    return [path for path in (ROOT / "plugins" / kind).glob("*.py") if path.stem != "__init__"]


def listed() -> dict[str, str]:
    """Return the release in which the changelog lists each plugin, module, role and playbook."""
    found = {}
    for version, release in RELEASES.items():
        groups = {"modules": release.get("modules", [])}
        groups.update(release.get("plugins", {}))
        groups.update(release.get("objects", {}))
        for kind, entries in groups.items():
            found.update({f"{kind}/{entry['name']}": version for entry in entries})
    return found


def key(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


CONTENTS, LISTED = contents(), listed()


def test_something_is_looked_at() -> None:
    assert {name.partition("/")[0] for name in CONTENTS} == {*KINDS, "role", "playbook"}


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_the_changelog_lists_it_in_the_release_that_added_it(name: str) -> None:
    """What the version of galaxy.yml adds is not listed before this version is released."""
    added = CONTENTS[name]
    if added is None:
        assert name in LISTED
    elif added in RELEASES:
        assert LISTED[name] == added
    else:
        assert added == GALAXY["version"]


def test_the_changelog_lists_nothing_else() -> None:
    assert set(LISTED) - set(CONTENTS) == set()


def test_the_version_is_that_of_the_latest_release_or_the_next_one() -> None:
    assert re.fullmatch(r"[1-9]\d*\.\d+\.\d+", GALAXY["version"])
    assert key(GALAXY["version"]) >= max(map(key, RELEASES))


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CHANGELOG.rst"])
def test_the_files_have_each_release(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\", "")
    for version in RELEASES:
        assert re.search(rf"^(## )?v{re.escape(version)}$", text, re.MULTILINE), version
    for listed_name in LISTED:
        assert f"pymco.mcollective.{listed_name.partition('/')[2]} " in text


@pytest.mark.parametrize("version", RELEASES)
def test_each_release_has_a_summary(version: str) -> None:
    assert RELEASES[version]["changes"]["release_summary"].strip()
