# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is supported is what tests/run.py tests, what workflows run, and what README says."""

from __future__ import annotations

import json
import pathlib
import re
import sys
import threading
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
TESTS = ROOT / "tests"


@pytest.fixture(scope="module")
def runner() -> t.Iterator[t.Any]:
    """The modules of the runner, which are no part of a package."""
    names = [path.stem for path in (*TESTS.glob("run*.py"), TESTS / "tested.py")]
    sys.path.insert(0, str(TESTS))
    try:
        import run_cores
        import run_matrix
        import tested

        yield {"cores": run_cores, "matrix": run_matrix, "tested": tested}
    finally:
        sys.path.remove(str(TESTS))
        for name in names:
            sys.modules.pop(name, None)


def read(path: str) -> t.Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture
def data(runner: t.Any) -> t.Any:
    """What the last ``make matrix`` has tested; nothing before the first one."""
    path = runner["tested"].DATA
    return json.loads(path.read_text()) if path.exists() else {"controllers": [], "hosts": []}


def test_readme_says_what_the_matrix_has_tested(runner: t.Any) -> None:
    readme = runner["tested"].README.read_text(encoding="utf-8")
    assert readme == runner["tested"].written(), "run: python3 tests/tested.py"


def test_readme_has_the_tables_of_the_matrix(
    runner: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = runner["tested"]
    readme = tested.README.read_text(encoding="utf-8")
    monkeypatch.setattr(tested, "README", tmp_path / "README.md")
    monkeypatch.setattr(tested, "DATA", tmp_path / "tested.json")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
    host = {"Python": "3.9.1", "stomp.py": "4.2", "cryptography": "5", "PyYAML": "6.1"}
    hosts = [{**host, "libyaml": True}, {**host, "libyaml": False}]
    tested.record([{"ansible-core": "2.19.1", "Python": "3.11.2"}], hosts)
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    before, after = tested.BLOCK.split(written)
    assert readme.startswith(before) and readme.endswith(after)
    assert "| 2.19.1 | 3.11.2 |\n" in written
    assert "| 3.9.1 | 4.2 | 5 | 6.1 |\n| 3.9.1 | 4.2 | 5 | 6.1 without libyaml |\n" in written
    assert written == tested.written()


def test_the_matrix_has_tested_every_supported_core(runner: t.Any, data: t.Any) -> None:
    found = [each["ansible-core"].rpartition(".")[0] for each in data["controllers"]]
    assert found in ([], [core.name for core in runner["cores"].SUPPORTED])


def test_the_matrix_has_tested_the_oldest_libraries(runner: t.Any, data: t.Any) -> None:
    requirements = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    oldest = dict(line.split("==") for line in runner["cores"].oldest(requirements))
    assert len(oldest) == 3
    if data["hosts"]:
        assert oldest in [{name: host[name] for name in oldest} for host in data["hosts"]]
        assert False in [host["libyaml"] for host in data["hosts"]]


def test_the_oldest_core_is_the_one_that_the_collection_requires(runner: t.Any) -> None:
    oldest = runner["cores"].SUPPORTED[0]
    assert read("meta/runtime.yml")["requires_ansible"] == f">={oldest.name}.0"


def test_a_plain_bound_is_the_oldest_version(runner: t.Any) -> None:
    text = "# a >=1 comment\n\nstomp.py>=4.1.24  # why\nPyYAML>=5.4\n"
    assert runner["cores"].oldest(text) == ["stomp.py==4.1.24", "PyYAML==5.4"]


def test_the_newest_core_that_knows_a_python_brings_module_utils(
    runner: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = runner["matrix"]
    monkeypatch.setattr(matrix, "BUILD", tmp_path)
    source = tmp_path / "core" / "lib" / "python3.13" / "site-packages" / "ansible" / "module_utils"
    source.mkdir(parents=True)
    (source / "basic.py").touch()
    place = matrix.module_utils_of(matrix.Controller("2.22", tmp_path / "core"))
    assert sorted(path.name for path in (place / "ansible").iterdir()) == [
        "__init__.py",
        "module_utils",
    ]
    assert (place / "ansible" / "module_utils" / "basic.py").exists()


def test_workflows_run_the_stages_of_make_test() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (stages,) = re.findall(r"^STAGES := (.*)$", makefile, re.M)
    workflow = read(".github/workflows/tests.yml")
    assert workflow["jobs"]["stage"]["strategy"]["matrix"]["stage"] == stages.split()
    assert "exec make test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name
)
def test_actions_are_pinned_by_commit(path: pathlib.Path) -> None:
    uses = re.findall(r"^ *(?:- )?uses: (.*)$", path.read_text(encoding="utf-8"), re.M)
    assert uses
    for used in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v?[\d.]+", used)


def test_pre_commit_has_the_versions_of_make_lint() -> None:
    lint = (TESTS / "requirements.txt").read_text(encoding="utf-8").splitlines()
    module = (TESTS / "actionlint" / "go.mod").read_text(encoding="utf-8")
    for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"]:
        (dependency,) = hook["additional_dependencies"]
        if hook["language"] == "golang":
            name, version = dependency.split("@")
            assert f"{name.partition('/cmd/')[0]} {version}" in module
        else:
            assert dependency in lint


def test_a_copy_has_the_files_of_the_tree_and_no_others(
    runner: t.Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = runner["matrix"].prepare
    tree = tmp_path / "tree"
    (tree / "tests").mkdir(parents=True)
    (tree / ".gitignore").write_text("*.pyc\n")
    (tree / "galaxy.yml").touch()
    (tree / "left.pyc").touch()
    monkeypatch.setattr(prepare, "ROOT", tree)
    for copy in (tmp_path / "tests", tmp_path / "checked"):
        (copy / "stray").mkdir(parents=True)
        (copy / "tests" / "output").mkdir(parents=True)
        (copy / "tests" / "output" / "kept").touch()
        prepare.copy_tree(copy)
        found = {
            str(path.relative_to(copy)) for path in copy.rglob("*") if ".git/" not in str(path)
        }
        wanted = {"galaxy.yml", ".gitignore", "tests/output/kept", "tests/output/ignored"}
        assert found == wanted | {".git", "tests", "tests/output"}
    assert not (tree / ".git").exists()


def test_lint_and_sanity_run_beside_the_others(
    runner: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import run

    ended = threading.Event()

    def stage(name: str) -> list[t.Any]:
        if name in ("lint", "sanity"):
            assert ended.wait(60)
        if name == "cores":
            ended.set()
        return [run.Result(name, "test", "passed")]

    monkeypatch.setattr(run, "run_stage", stage)
    results = run.run_stages(["lint", "sanity", "unit", "cores"])
    assert [result.stage for result in results] == ["lint", "sanity", "unit", "cores"]


def test_sanity_tests_ask_for_releases_of_their_libraries(
    runner: t.Any, tmp_path: pathlib.Path
) -> None:
    place = tmp_path / "lib" / "python3.13" / "site-packages" / "ansible_test" / "_data"
    (place / "requirements").mkdir(parents=True)
    file = place / "requirements" / "sanity.pylint.txt"
    file.write_text("# pylint\na==1\ndill @ https://example.com/d.zip#sha256=1\nb==2\n")
    runner["matrix"].ask_for_releases(tmp_path)
    assert file.read_text() == "# pylint\na==1\ndill\nb==2\n"
