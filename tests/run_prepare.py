# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests/run.py prepares: environments of Python, Debian packages, a copy of the tree, the needs of ansible-test."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import typing as t
import zlib

from run_process import (
    BUILD,
    COPY,
    HOME,
    OUTPUT,
    PYTHON,
    ROOT,
    VENV,
    Fatal,
    ansible_test_environment,
    environment,
    install,
    say,
)

LIBRARIES = ROOT / "meta" / "ee-requirements.txt"
PYTEST = ROOT / "tests" / "pytest-requirements.txt"
REQUIREMENTS = (LIBRARIES, PYTEST, ROOT / "tests" / "requirements.txt")
MINIMUM_PYTHON = (3, 11)

# program: Debian package
PROGRAMS = {
    "shellcheck": "shellcheck",
    "rabbitmq-server": "rabbitmq-server",
    # Brings Java.
    "activemq": "activemq",
    "nats-server": "nats-server",
    "mcollectived": "mcollective",
    "mco": "mcollective-client",
}
# Stages that run beside each other want the same environments.
making = threading.Lock()
# ansible-test runs this as get-pip.py in the environments that it makes. The real script is a download; the pip that
# Python carries does as well and needs no network.
GET_PIP = "import ensurepip\n\nensurepip.bootstrap()\n"


def prepare_venv() -> None:
    """Make .venv, unless it has what the requirements ask for."""
    if is_prepared(VENV, *REQUIREMENTS):
        return
    version = "{}.{}".format(*sys.version_info)
    if sys.version_info < MINIMUM_PYTHON:
        raise Fatal(f"Python 3.11 or newer is needed, this is {version} ({sys.executable})")
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps it in a package of its own.
        if not is_debian_root():
            advice = f"On Debian or Ubuntu: apt install python{version}-venv"
            raise Fatal(f"{sys.executable} cannot make virtual environments. {advice}")
        install_packages([f"python{version}-venv"])
    prepare_environment(VENV, *REQUIREMENTS)


def prepare_environment(
    directory: pathlib.Path,
    *requirements: str | pathlib.Path,
    python: str | None = None,
    env: dict[str, str] | None = None,
) -> None:
    """Make an environment of Python, unless it is there.

    :param requirements: packages as pip names them, and files that list such packages.
    :param python: the one to make it with, by default the one that runs this.
    :param env: the environment of pip, by default the caller's.
    """
    with making:
        if not is_prepared(directory, *requirements):
            make_environment(directory, *requirements, python=python, env=env)


def make_environment(
    directory: pathlib.Path,
    *requirements: str | pathlib.Path,
    python: str | None,
    env: dict[str, str] | None,
) -> None:
    # This Python may be that of the very environment; its real path is outside.
    python = python or os.path.realpath(sys.executable)
    say(f"Making {directory.relative_to(ROOT)} with {python} ...")
    shutil.rmtree(directory, ignore_errors=True)
    install([python, "-m", "venv", directory])
    pip = [directory / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    for requirement in requirements:
        pip += ["-r", requirement] if isinstance(requirement, pathlib.Path) else [requirement]
    install(pip, env)
    (directory / "stamp").write_text(stamp(directory, *requirements))


def is_prepared(directory: pathlib.Path, *requirements: str | pathlib.Path) -> bool:
    """Return True if that environment was made here, for these very requirements, and its Python still runs."""
    found = directory / "stamp"
    if not found.exists() or found.read_text() != stamp(directory, *requirements):
        return False
    return usable_python(str(directory / "bin" / "python")) is not None


def stamp(directory: pathlib.Path, *requirements: str | pathlib.Path) -> str:
    """The mark of an environment. The scripts in it know its path: one that was moved is of no use."""
    texts = [r.read_text() if isinstance(r, pathlib.Path) else r for r in requirements]
    return "\n".join([str(directory), *texts])


def is_debian_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def missing_programs(names: t.Iterable[str]) -> list[str]:
    path = environment()["PATH"]
    return [name for name in names if not shutil.which(name, path=path)]


def install_packages(packages: t.Sequence[str]) -> None:
    """Install Debian packages without starting the services in them."""
    say(f"Installing {' '.join(packages)} with apt-get ...")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y"]
    with services_held():
        install([*apt, "update"], env)
        install([*apt, "install", "--no-install-recommends", *packages], env)


@contextlib.contextmanager
def services_held() -> t.Iterator[None]:
    """Keep Debian from starting a service when its package is installed."""
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def copy_tree(copy: pathlib.Path = COPY) -> None:
    """Bring a copy up to date with all files of the tree, committed or not, that .gitignore lets through.

    The copy is a git repository of its own, since ansible-test and others ask git for the files; around a copy in an
    ignored directory they would find the outer repository, which has none of them.
    """

    def git(*arguments: str, work_tree: pathlib.Path = copy) -> str:
        return run_git(copy / ".git", work_tree, *arguments)

    copy.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet")
    git("add", "--all", work_tree=ROOT)
    tree = git("write-tree", work_tree=ROOT).strip()
    git("read-tree", "--reset", "-u", tree)
    kept = ("/tests/output", ".hypothesis", ".mypy_cache", ".ruff_cache")
    git("clean", "-ffdxq", *(f"--exclude={name}" for name in kept))
    # reuse asks git for ignored directories once, before it looks; sanity, which runs beside it, makes this one.
    (copy / OUTPUT).mkdir(parents=True, exist_ok=True)
    (copy / OUTPUT / "ignored").touch()


def run_git(repository: pathlib.Path, work_tree: pathlib.Path, *arguments: str) -> str:
    """Run git with the repository of a copy. It never touches the repository of the tree, if there is one."""
    env = environment()
    if work_tree == ROOT:
        env["GIT_INDEX_FILE"] = str(repository / "tree-index")
    command = ["git", f"--git-dir={repository}", f"--work-tree={work_tree}", *arguments]
    finished = subprocess.run(command, cwd=work_tree, env=env, capture_output=True, check=False)
    if finished.returncode != 0:
        raise Fatal(f"{os.fsdecode(finished.stderr)}\n{' '.join(command)} failed; see above")
    return os.fsdecode(finished.stdout)


def fingerprint(*directories: str, copy: pathlib.Path = COPY) -> int:
    """Return a number below 2**32 that the files in these directories of a copy decide."""
    listing = run_git(copy / ".git", copy, "ls-files", "--stage", "--", *directories)
    return zlib.crc32(listing.encode())


PIP_VERSIONS = """
import inspect, re
from ansible_test._internal import python_requirements
print(*re.findall(r"pip='([0-9.]+)'", inspect.getsource(python_requirements.get_venv_packages)))
"""
PYTHON_VERSIONS = """
from ansible_test._util.target.common import constants
print(*constants.REMOTE_ONLY_PYTHON_VERSIONS, *constants.CONTROLLER_PYTHON_VERSIONS)
"""


def prepare_ansible_test(venv: pathlib.Path = VENV) -> None:
    """Give ansible-test the files that it would download, under the names that its version asks for."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ask(venv, PIP_VERSIONS):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    for name in (".pip/pip.conf", ".config/pip/pip.conf"):
        adopt_user_file(name)


def known_pythons(venv: pathlib.Path = VENV) -> list[str]:
    """The Python versions that this ansible-test knows."""
    return ask(venv, PYTHON_VERSIONS)


def version_of(venv: pathlib.Path) -> str:
    return ask(venv, "import sys; print('{}.{}'.format(*sys.version_info))")[0]


def ask(venv: pathlib.Path, code: str) -> list[str]:
    """Return the words that this code prints in an environment."""
    command = [str(venv / "bin" / "python"), "-c", code]
    env = ansible_test_environment(venv)
    return subprocess.run(
        command, stdout=subprocess.PIPE, text=True, env=env, check=True
    ).stdout.split()


def adopt_user_file(name: str) -> None:
    """Use the user's file in the home of the tests, too: where packages come from is the user's decision."""
    source, target = pathlib.Path.home() / name, HOME / name
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)


def offer_pythons() -> None:
    """Put a wrapper of each Python that runs here in front of the path."""
    (BUILD / "bin").mkdir(parents=True, exist_ok=True)
    own = version_of(VENV)
    for version in (f"3.{minor}" for minor in range(8, 20)):
        wrapper = BUILD / "bin" / f"python{version}"
        wrapper.unlink(missing_ok=True)
        if found := usable_python(str(PYTHON) if version == own else f"python{version}"):
            wrapper.write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
            wrapper.chmod(0o755)


def usable_python(name: str) -> str | None:
    """Return the program behind this name, if it runs and can make environments.

    A name on the path is no proof: version managers put names there for Pythons that are not chosen, and choose by
    variables that ansible-test clears.
    """
    command = [name, "-c", "import ensurepip, sys, venv; print(sys.executable)"]
    try:
        return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
