# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/run.py counts no test as passed that failed or did not run."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def run() -> t.Iterator[t.Any]:
    """The runner, which is no part of a package."""
    names = [path.stem for path in (*TESTS.glob("run*.py"), TESTS / "tested.py")]
    sys.path.insert(0, str(TESTS))
    try:
        import run as module

        yield module
    finally:
        sys.path.remove(str(TESTS))
        for name in names:
            sys.modules.pop(name, None)


JUNIT = """<testsuites><testsuite>
<testcase classname="yamllint" name="files"/>
<testcase classname="yamllint" name="plugins"><failure>line too long</failure></testcase>
<testcase classname="typing" name="mypy"><error>aborted</error></testcase>
<testcase classname="docs-check" name="antsibull-docs"><skipped/></testcase>
</testsuite></testsuites>"""
SESSIONS = [
    {"name": "lint", "result": "aborted", "reason": "a prerequisite failed"},
    {"name": "yamllint", "result": "failed", "reason": None},
    {"name": "typing", "result": "aborted", "reason": None},
    {"name": "docs-check", "result": "skipped", "reason": None},
    {"name": "config", "result": "success", "reason": None},
    {"name": "changelog", "result": "failed", "reason": None},
    {"name": "license-check", "result": "skipped", "reason": "no time"},
]
OUTPUT = """nox > Running session formatters
nox > Skipping black (no files to process)
nox > Skip antsibull-docs lint-collection-docs (no files to process)
nox > Galaxy importer emitted the following non-fatal error:
"""


def test_each_check_of_nox_counts_once(
    run: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "junit").mkdir()
    (tmp_path / "junit" / "lint.xml").write_text(JUNIT)
    monkeypatch.setattr(sys.modules["run_results"], "OUTPUT", tmp_path)
    checks = run.read_junit("lint", "lint.xml")
    results = run.nox_results(SESSIONS, checks, output=OUTPUT)
    assert [(result.name, result.outcome, result.reason) for result in results] == [
        ("yamllint::files", "passed", ""),
        ("yamllint::plugins", "failed", "line too long"),
        ("typing::mypy", "failed", "aborted"),
        ("docs-check::antsibull-docs", "skipped", "no reason given"),
        ("config", "passed", ""),
        ("changelog", "failed", ""),
        ("license-check", "failed", "no time"),
        ("Skipping black (no files to process)", "failed", ""),
        ("Skip antsibull-docs lint-collection-docs (no files to process)", "failed", ""),
        ("Galaxy importer emitted the following non-fatal error:", "failed", ""),
    ]
    assert run.count(results) == "2 passed, 7 failed, 1 skipped"


@pytest.mark.parametrize(
    ("code", "outcomes", "counted"),
    [
        (0, ["passed"], "1 passed, 0 failed"),
        (1, ["passed", "failed"], "1 passed, 1 failed"),
        (1, ["passed"], "1 passed, 1 failed"),
        (None, ["passed"], "1 passed, 1 failed"),
        (0, [], "0 passed, 1 failed"),
        (0, ["skipped"], "0 passed, 0 failed, 1 skipped"),
    ],
)
def test_a_stage_that_fails_has_a_failure(
    run: t.Any, code: int | None, outcomes: list[str], counted: str
) -> None:
    results = [run.Result("unit", "test", outcome) for outcome in outcomes]
    assert (
        run.count(run.conclude("unit", sys.modules["run_process"].Finished(code, ""), results))
        == counted
    )


def test_a_target_passes_only_if_ansible_test_says_so(
    run: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("excluded", "failed", "passed"):
        (tmp_path / "tests" / "integration" / "targets" / name).mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "integration-1.json").write_text(json.dumps({"targets": {"passed": {}}}))
    monkeypatch.setattr(run, "COPY", tmp_path)
    monkeypatch.setattr(run, "OUTPUT", tmp_path)
    output = "Running passed\nWARNING: Excluding target tests which need root: excluded, other\n"
    results = run.integration_results(output)
    assert [(result.name, result.outcome, result.reason) for result in results] == [
        ("excluded", "skipped", "which need root"),
        ("failed", "failed", ""),
        ("passed", "passed", ""),
    ]


def test_sanity_tests_without_files_are_no_tests_and_missing_programs_are_skips(run: t.Any) -> None:
    results = [
        run.Result("sanity", name, "skipped", "No tests applicable.")
        for name in ("pslint", "shellcheck", "import-python-3.9")
    ]
    output = 'Running sanity test "pslint"\nRunning sanity test "shellcheck"\nWARNING: No shellcheck here.\n'
    assert list(run.run_matrix.true_skips(results, output)) == [
        run.Result("sanity", "shellcheck", "skipped", "No shellcheck here.")
    ]
