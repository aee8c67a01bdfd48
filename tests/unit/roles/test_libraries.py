# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which versions of libraries are required, and how the role client looks for them."""

from __future__ import annotations

import ast
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
CLIENT = ROOT / "roles" / "client"
CHECK = yaml.safe_load((CLIENT / "vars/main.yml").read_text(encoding="utf-8"))[
    "client_python_check"
]
DISTRIBUTIONS = {"stomp": "stomp.py", "cryptography": "cryptography", "yaml": "PyYAML"}


def bounds(text: str) -> dict[str, str]:
    """Libraries and the lowest version that is asked for."""
    return dict(re.findall(r"([\w.]+) ?>= ?([\d.]*\d)", text))


LINES = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
REQUIRED = bounds("\n".join(line for line in LINES if not line.startswith("#")))
PYTHON = {
    "python": yaml.safe_load((ROOT / "tests/config.yml").read_text(encoding="utf-8"))["modules"][
        "python_requires"
    ].removeprefix(">=")
}
#: What a comment names is needed for something that few use.
KNOWN = {**bounds("\n".join(LINES)), **PYTHON}
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))


@pytest.mark.parametrize("file", ["defaults/main.yml", "meta/argument_specs.yml", "README.md"])
def test_the_role_asks_for_what_the_collection_needs(file: str) -> None:
    found = bounds((CLIENT / file).read_text(encoding="utf-8"))
    assert {name: found.get(name) for name in REQUIRED} == REQUIRED


@pytest.mark.parametrize(
    "file", ["plugins/doc_fragments/client.py", "plugins/modules/mcollective_keys.py"]
)
def test_so_do_the_modules(file: str) -> None:
    requirements = (ROOT / file).read_text(encoding="utf-8").partition("requirements:")[2]
    found = bounds(requirements.partition('"""')[0])
    assert PYTHON.items() < found.items() <= KNOWN.items()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_module_has_them_from_there(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "- pymco.mcollective.client\n" in text or "- python >= 3.9\n" in text


def test_so_does_the_check() -> None:
    match = re.search(r"wanted = (\{.*\})", CHECK)
    assert match is not None
    wanted = ast.literal_eval(match[1])
    assert {name: ".".join(map(str, version)) for name, version in wanted.items()} == REQUIRED


def check(path: pathlib.Path, versions: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the check in a place that contains only libraries of these versions."""
    for module, name in DISTRIBUTIONS.items():
        (path / f"{module}.py").touch()
        folder = path / f"{name}-{versions[name]}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {name}\nVersion: {versions[name]}\n")
    environ = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, "-c", CHECK], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "versions",
    [
        REQUIRED,
        # Those of Debian 12, whose stomp.py 8.0.0 calls itself so.
        {"stomp.py": "7.0.0", "cryptography": "38.0.4", "PyYAML": "6.0"},
        {"stomp.py": "9.0.0", "cryptography": "50.0.2", "PyYAML": "6.0.4"},
        {"stomp.py": "10.0rc1", "cryptography": "3.4.8", "PyYAML": "5.4.1"},
    ],
)
def test_what_is_new_enough(tmp_path: pathlib.Path, versions: dict[str, str]) -> None:
    done = check(tmp_path, versions)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name,version", [("stomp.py", "4.1.23"), ("cryptography", "3.3.2"), ("PyYAML", "5.3.1")]
)
def test_what_is_too_old_is_named(tmp_path: pathlib.Path, name: str, version: str) -> None:
    done = check(tmp_path, {**REQUIRED, name: version})
    assert (done.returncode, done.stderr) == (1, f"too old: {name} {version}\n")
