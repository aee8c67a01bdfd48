# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client as a package for Python programs: built, installed and used as its README says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import typing as t
import zipfile

import pytest
import yaml
from conftest import ROOT
from environments import Environment, environment_with
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

if t.TYPE_CHECKING:
    from pathlib import Path

PROJECT = ROOT / "python"
SOURCE = ROOT / "plugins" / "module_utils" / "pymco"
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
NODES = ["web1.example.com", "web2.example.com"]
WHERE = """
import importlib.metadata, pathlib, pymco
print(importlib.metadata.version("pymco"), pathlib.Path(pymco.__file__).parent)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """What builds packages, and nothing else."""
    return environment_with(tmp_path_factory, "build")


@pytest.fixture(scope="module")
def built(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An sdist, and the wheel that is made of it."""
    directory = tmp_path_factory.mktemp("dist")
    python = str(environment.python)
    done = environment.run(python, "-m", "build", "--outdir", str(directory), str(PROJECT))
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        "wheel": directory / f"pymco-{VERSION}-py3-none-any.whl",
        "sdist": directory / f"pymco-{VERSION}.tar.gz",
        "repository": PROJECT,
    }


@pytest.fixture(scope="module", params=["sdist", "repository", "wheel"])
def installed(
    request: pytest.FixtureRequest, environment: Environment, built: dict[str, Path]
) -> Environment:
    """An environment with the package, from each of its forms, and with the libraries that it asks for."""
    environment.pip("--force-reinstall", "--no-deps", str(built[request.param]))
    environment.pip("pymco")
    return environment


@pytest.fixture(scope="module")
def collective() -> t.Iterator[EmbeddedCollective]:
    """Two nodes that README's programs find."""
    nodes = [Node(name, facts={"role": "web"}, classes=["common"]) for name in NODES]
    with EmbeddedCollective(nodes) as running:
        yield running


def files(directory: Path) -> dict[str, bytes]:
    """Return the files of the package as Ansible ships them."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*.py")
    }


def test_wheel_and_sdist_have_the_files_that_ansible_ships(built: dict[str, Path]) -> None:
    ours = {f"pymco/{name}": data for name, data in files(SOURCE).items()}
    ours["pymco/py.typed"] = (PROJECT / "py.typed").read_bytes()
    with zipfile.ZipFile(built["wheel"]) as wheel:
        found = {name: wheel.read(name) for name in wheel.namelist()}
    about = f"pymco-{VERSION}.dist-info"
    assert {name: found[name] for name in found if not name.startswith(about)} == ours
    assert found[f"{about}/licenses/LICENSE"] == (ROOT / "LICENSES/BSD-2-Clause.txt").read_bytes()
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    own = {"LICENSE", "README.md", "hatch_build.py", "py.typed", "pyproject.toml"}
    own |= {"PKG-INFO", ".gitignore"}  # hatchling adds them
    assert names == own | ours.keys() - {"pymco/py.typed"}


def test_the_package_asks_for_the_libraries_that_the_collection_asks_for(
    installed: Environment,
) -> None:
    show = "import importlib.metadata as m; print(*m.requires('pymco'), sep='\\n')"
    asked = installed.run(str(installed.python), "-c", show).stdout.lower().splitlines()
    listed = (ROOT / "meta" / "ee-requirements.txt").read_text().lower()
    # In a package, names are normalized.
    required = [line.replace("stomp.py", "stomp-py") for line in listed.splitlines()]
    assert {line for line in required if line and not line.startswith("#")} == {
        each for each in asked if "extra" not in each
    }
    (dns,) = [each for each in asked if "dnspython" in each]
    assert f" {dns.partition(';')[0].strip()}." in listed


def test_the_programs_of_the_readme_work(
    installed: Environment, collective: EmbeddedCollective
) -> None:
    python, directory = str(installed.python), collective.directory
    version, place = installed.run(python, "-c", WHERE).stdout.split()
    assert version == VERSION
    assert place.startswith(str(installed.python.parents[1]))
    ping, call = PROGRAMS
    done = installed.run(python, "-i", "-q", cwd=directory, stdin=ping)
    replies = ast.literal_eval(done.stdout)
    assert sorted(reply[":senderid"] for reply in replies) == NODES
    done = installed.run(python, "-c", call, cwd=directory)
    lines = [f"{name} web" for name in NODES]
    assert sorted(done.stdout.splitlines()) == ["silent: []", *lines], done.stderr


def test_a_program_of_a_user_is_checked_with_the_types_of_the_package(
    installed: Environment, tmp_path: Path
) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(PROGRAMS[1])
    wrong.write_text(PROGRAMS[1].replace('"rpcutil"', "1").replace("no_response", "no_such_thing"))
    checked = [check(installed, path) for path in (right, wrong)]
    assert checked[0].returncode == 0, checked[0].stdout
    assert 'Argument "agent" to "Request" has incompatible type "int"' in checked[1].stdout
    assert '"Result" has no attribute "no_such_thing"' in checked[1].stdout


def check(installed: Environment, path: Path) -> subprocess.CompletedProcess[str]:
    """Run mypy on a program that uses the installed package."""
    own = ["--strict", "--config-file=", "--cache-dir", str(path.parent / "cache")]
    command = [sys.executable, "-m", "mypy", *own, f"--python-executable={installed.python}"]
    return installed.run(*command, str(path), cwd=path.parent)
