# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball has what it should, and README's first commands work after it is installed, with nothing else done."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from environments import Environment, environment_with
from testbed.embedded.collective import EmbeddedCollective
from testbed.embedded.nodes import Node

EXAMPLES = ROOT / "docs" / "examples" / "ee"
README = (ROOT / "README.md").read_text(encoding="utf-8")
ASKING = ("ansible ", "ansible-inventory ")
"""What begins so talks to the collective, and prints the names of nodes."""
IGNORED = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["build_ignore"]
NEEDED = ["README.md", "meta/runtime.yml", "meta/execution-environment.yml", "COPYING"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """ansible-core, and nothing else."""
    return environment_with(tmp_path_factory, "ansible-core>=2.19")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows, as a clone has them."""
    directory = tmp_path_factory.mktemp("clone") / "mcollective"
    for name in tracked():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes((ROOT / name).read_bytes())
    return directory


def tracked() -> list[str]:
    """Return the files of the repository."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
    return [name for name in names.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def tarball(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built where tools have left their files."""
    directory = tmp_path_factory.mktemp("tarball")
    build = ("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(directory))
    done = environment.run(*build)
    assert done.returncode == 0, done.stderr
    (found,) = directory.iterdir()
    return found


def ignored(name: str) -> bool:
    """Return True if the collection's configuration leaves out a file, or a directory above it."""
    parts = name.split("/")
    above = ["/".join(parts[:number]) for number in range(1, len(parts) + 1)]
    return any(fnmatch.fnmatch(each, pattern) for each in above for pattern in IGNORED)


def test_the_tarball_has_the_files_of_the_repository_and_no_others(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    assert all(member.isfile() for member in members)
    names = {member.name for member in members} - {"MANIFEST.json", "FILES.json"}
    assert names == {name for name in tracked() if not ignored(name)} - {"galaxy.yml"}
    assert names.issuperset(NEEDED)
    assert not [name for name in names if name.startswith((".git", "python/"))]


@pytest.mark.parametrize("kept", [None, "MANIFEST.json meta plugins roles playbooks"])
def test_ansible_builder_finds_the_libraries(
    environment: Environment, tarball: Path, tmp_path: Path, kept: str | None
) -> None:
    """In the collection as it is installed, and in the part of it that the Ansible community package has."""
    done = environment.run(
        *("ansible-galaxy", "collection", "install", str(tarball), "-p", str(tmp_path))
    )
    assert done.returncode == 0, done.stderr
    place = tmp_path / "ansible_collections" / "pymco" / "mcollective"
    for path in place.iterdir():
        if kept and path.name not in kept.split():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = builder("introspect", str(tmp_path))
    found = yaml.safe_load(done.stdout)
    listed = (ROOT / "meta" / "ee-requirements.txt").read_text().splitlines()
    required = [line for line in listed if line and not line.startswith("#")]
    # ansible-core itself needs PyYAML, so ansible-builder leaves it out.
    required.remove("PyYAML>=5.4")
    assert [entry.partition("  #")[0].strip() for entry in found["python"]] == required
    assert found["system"] == []


def test_the_example_of_an_execution_environment_can_be_built(
    tarball: Path, tmp_path: Path
) -> None:
    """Up to the container's context, which has the tarball, and the file that builds an image of it."""
    definition = EXAMPLES / "execution-environment.yml"
    shutil.copy(definition, tmp_path)
    shutil.copy(tarball, tmp_path / "pymco-mcollective.tar.gz")
    builder("create", "--output-filename", "Containerfile", cwd=tmp_path)
    build = tmp_path / "context" / "_build"
    (wanted,) = yaml.safe_load((build / "requirements.yml").read_text())["collections"]
    assert wanted["type"] == "file"
    # The container file copies _build to /build.
    assert (build / wanted["name"].removeprefix("/build/")).read_bytes() == tarball.read_bytes()
    lines = (tmp_path / "context" / "Containerfile").read_text().splitlines()
    assert "COPY _build /build" in lines
    assert any("ansible-galaxy collection install" in line for line in lines)


def builder(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ansible-builder, which must succeed."""
    command = [str(Path(sys.executable).with_name("ansible-builder")), *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def commands(section: str) -> list[str]:
    """Return the commands that a section of README shows."""
    text = README.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line[2:] for line in "".join(blocks).splitlines() if line.startswith("$ ")]


def test_the_first_commands_of_the_readme_work(environment: Environment, clone: Path) -> None:
    """In an environment that has only ansible-core, and a home that has only a client.cfg."""
    install, start = commands("Installation"), commands("Start")
    assert any(line.startswith("ansible-galaxy collection install ") for line in install)
    assert sum(line.startswith(ASKING) for line in start) >= 4
    nodes = [Node(f"web{number}.example.com", classes=["role::web"]) for number in (1, 2, 3)]
    with EmbeddedCollective(nodes) as collective:
        (environment.home / ".mcollective").write_bytes(collective.client_cfg.read_bytes())
        (environment.home / ".mcollective").chmod(0o600)
        for command in install + start:
            done = environment.run("bash", "-c", command, cwd=clone)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            if command.startswith(ASKING):
                assert all(node.identity in done.stdout for node in nodes), done.stdout
