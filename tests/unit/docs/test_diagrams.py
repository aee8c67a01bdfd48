# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures of the guides are those of their sources."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import shutil
import typing as t
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def load() -> t.Any:
    """Return the program, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("diagrams", ROOT / "tests" / "diagrams.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DIAGRAMS = load()
SOURCES = DIAGRAMS.sources()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_picture_is_of_its_source(source: pathlib.Path) -> None:
    assert DIAGRAMS.agrees(source), "run python tests/diagrams.py"


def test_guides_show_all_pictures_and_no_others() -> None:
    shown: set[str] = set()
    for guide in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"):
        found = re.findall(r"^\.\. image:: images/(\S+)\n  :alt: \S", guide.read_text(), re.M)
        shown |= set(found)
    assert shown == {DIAGRAMS.picture(source).name for source in SOURCES}
    assert shown == {path.name for path in DIAGRAMS.PICTURES.iterdir()}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_picture_is_light_or_dark(source: pathlib.Path) -> None:
    """A colour in the picture itself would be the same in both."""
    text = DIAGRAMS.picture(source).read_text()
    tree = xml.etree.ElementTree.fromstring(text)
    colours = {each.get(key) for each in tree.iter() for key in ("fill", "stroke")}
    assert colours <= {None, "none"}
    assert "prefers-color-scheme: dark" in text
    classes = {word for each in tree.iter() for word in each.get("class", "").split()}
    style = DIAGRAMS.STYLE
    assert {word for word in classes if f".{word} " not in style} == set()


@pytest.mark.parametrize("change", ["source", "picture"])
def test_a_change_is_noticed(
    change: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = pathlib.Path(shutil.copy(SOURCES[0], tmp_path))
    shutil.copy(DIAGRAMS.picture(SOURCES[0]), tmp_path)
    monkeypatch.setattr(DIAGRAMS, "PICTURES", tmp_path)
    assert DIAGRAMS.agrees(source)
    path = source if change == "source" else DIAGRAMS.picture(source)
    path.write_text(path.read_text().replace("node", "mode", 1))
    assert not DIAGRAMS.agrees(source)
