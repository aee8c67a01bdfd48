# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/run_go.py builds a program once, and says why it cannot."""

from __future__ import annotations

import os
import pathlib
import sys
import typing as t

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]
NAMES = [path.stem for path in (*TESTS.glob("run*.py"), TESTS / "tested.py")]

GO = """#!/bin/sh
echo "go: downloading example.com/module v1.0.0" >&2
%s
while [ "$1" != -o ]; do shift; done
echo built >> "$2"
"""


@pytest.fixture
def choria(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[t.Any]:
    """The program, on a machine without Go, and with a place of its own."""
    sys.path.insert(0, str(TESTS))
    try:
        import run_go
        import run_process

        monkeypatch.setattr(run_process, "BUILD", tmp_path)
        monkeypatch.setattr(run_go, "BUILD", tmp_path)
        monkeypatch.setattr(run_go, "ELSEWHERE", str(tmp_path / "go"))
        monkeypatch.setenv("PATH", _without(os.environ["PATH"], "go", "choria"))
        yield run_go.CHORIA
    finally:
        sys.path.remove(str(TESTS))
        for name in NAMES:
            sys.modules.pop(name, None)


def _without(path: str, *programs: str) -> str:
    """Return a PATH without the directories of these programs."""
    places = [pathlib.Path(place) for place in path.split(os.pathsep)]
    kept = [p for p in places if not any((p / program).exists() for program in programs)]
    return os.pathsep.join(map(str, kept))


def install_go(choria: t.Any, before: str) -> None:
    """Put a Go into place that does this before it builds."""
    path = choria.place.parents[1] / "go" / "go"
    path.parent.mkdir(exist_ok=True)
    path.write_text(GO % before)
    path.chmod(0o755)


def test_without_go_it_says_so(choria: t.Any) -> None:
    assert "Go is not installed" in choria.prepare()


def test_it_builds_once_for_the_same_source(choria: t.Any) -> None:
    install_go(choria, "")
    assert [choria.prepare(), choria.prepare()] == ["", ""]
    assert choria.place.read_text() == "built\n"
    (choria.place.parents[1] / "choria.stamp").write_text("another source")
    assert choria.prepare() == ""
    assert choria.place.read_text() == "built\nbuilt\n"


def test_what_go_prints_is_the_reason(choria: t.Any) -> None:
    install_go(choria, "echo 'reading module: 403 Forbidden' >&2; exit 1")
    reason = choria.prepare()
    assert reason.endswith("`go build` ended with code 1: reading module: 403 Forbidden")
    install_go(choria, "")
    assert choria.prepare() == "", "a failure must not stay"


def test_the_runner_names_what_is_skipped(choria: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import run

    monkeypatch.setattr(run, "run_stage", lambda stage: [run.Result(stage, "test", "passed")])
    assert run.count(run.run_stages(["lint", "unit"])) == "2 passed, 0 failed"
    skipped, passed = run.run_stages(["interop"])
    assert (skipped.outcome, passed.outcome) == ("skipped", "passed")
    assert "choria" in skipped.name and "Go is not installed" in skipped.reason
