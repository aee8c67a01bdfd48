# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests/run.py needs before it can test: .venv, Debian packages, a copy of the tree, what ansible-test looks for."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

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
    execute,
    say,
)

REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt")
MINIMUM_PYTHON = (3, 11)
INSTALL_TIMEOUT = 15 * 60

# program: Debian package
PROGRAMS = {
    "shellcheck": "shellcheck",
    "rabbitmq-server": "rabbitmq-server",
    # Brings Java.
    "activemq": "activemq",
    "mcollectived": "mcollective",
    "mco": "mcollective-client",
}
# What ansible-test runs as get-pip.py in the environments that it makes. The real one is a download from a host of
# its own and brings the pip of its version; the one that Python carries does as well, and needs no network.
GET_PIP = "import ensurepip\n\nensurepip.bootstrap()\n"


def prepare_venv() -> None:
    """Make .venv and install the requirements, unless that has been done for these very requirements."""
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()
    # The scripts in an environment know its path: one that was moved is of no use.
    wanted = [str(VENV), digest]
    stamp = VENV / "requirements.stamp"
    found = stamp.read_text().splitlines() if stamp.exists() else []
    works = found[:1] in ([], wanted[:1]) and venv_works()
    if works and found == wanted:
        return
    if not works:
        make_venv()
    say("Installing Python requirements into .venv ...")
    requirements = [word for path in REQUIREMENTS for word in ("-r", path)]
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "install", "--upgrade", *requirements]
    finished = execute(
        command, stage="venv", env=dict(os.environ), cwd=ROOT, show=False, timeout=INSTALL_TIMEOUT
    )
    if finished.code != 0:
        raise Fatal(f"{finished.output}\npip {finished.ending}; see above")
    stamp.write_text("\n".join(wanted))


def venv_works() -> bool:
    check = f"import sys, pip; sys.exit(sys.version_info < {MINIMUM_PYTHON})"
    try:
        run = subprocess.run([PYTHON, "-c", check], capture_output=True, check=False)
    except OSError:
        return False
    return run.returncode == 0


def make_venv() -> None:
    version = "{}.{}".format(*sys.version_info)
    if sys.version_info < MINIMUM_PYTHON:
        raise Fatal(f"Python 3.11 or newer is needed, this is {version} ({sys.executable})")
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps it in a package of its own.
        if not is_debian_root():
            advice = f"On Debian or Ubuntu: apt install python{version}-venv"
            raise Fatal(f"{sys.executable} cannot make virtual environments. {advice}")
        install_packages([f"python{version}-venv"])
    say(f"Making .venv with Python {version} ...")
    shutil.rmtree(VENV, ignore_errors=True)
    command = [sys.executable, "-m", "venv", VENV]
    finished = execute(command, stage="venv", env=dict(os.environ), cwd=ROOT, show=False)
    if finished.code != 0:
        raise Fatal(f"{finished.output}\n{sys.executable} could not make .venv; see above")


def is_debian_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def missing_programs(names: t.Iterable[str]) -> list[str]:
    path = environment()["PATH"]
    return [name for name in names if not shutil.which(name, path=path)]


def install_packages(packages: t.Sequence[str]) -> None:
    """Install Debian packages; services that they bring are not started."""
    say(f"Installing {' '.join(packages)} with apt-get ...")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-y"]
    with services_held():
        for command in ([*apt, "update"], [*apt, "install", "--no-install-recommends", *packages]):
            finished = execute(
                command, stage="apt", env=env, cwd=ROOT, show=False, timeout=INSTALL_TIMEOUT
            )
            if finished.code != 0:
                raise Fatal(f"{finished.output}\n{' '.join(command)} {finished.ending}; see above")


@contextlib.contextmanager
def services_held() -> t.Iterator[None]:
    """Debian starts a service when its package is installed, unless this file says that it is not allowed."""
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


def copy_tree() -> None:
    """Bring the copy up to date: changed files are copied, vanished ones removed, the output of tests is kept.

    The copy is a git repository of its own, since ansible-test and reuse ask git what there is; around a copy in an
    ignored directory they would find the outer repository and hear that there is nothing.
    """
    COPY.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", work_tree=COPY)
    names = tree_files()
    remove_stale({pathlib.Path(name) for name in names})
    for name in sorted(names):
        copy_file(ROOT / name, COPY / name)
    git("add", "--all", work_tree=COPY)
    # reuse asks git for ignored directories once, before it looks; sanity, beside it, makes this one.
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "ignored").touch()


def tree_files() -> set[str]:
    """All files of the tree, committed or not, that .gitignore lets through: git with an empty index calls them new."""
    listed = git(
        "ls-files", "-z", "--others", "--exclude-standard", work_tree=ROOT, index=BUILD / "no-index"
    )
    # A name that ends in a slash is a git repository inside this one.
    return {name for name in listed.split("\0") if name and not name.endswith("/")}


def git(*arguments: str, work_tree: pathlib.Path, index: pathlib.Path | None = None) -> str:
    """Run git with the repository of the copy; that of the tree, if it has one, is never touched."""
    env = environment()
    if index:
        env["GIT_INDEX_FILE"] = str(index)
    command = ["git", f"--git-dir={COPY / '.git'}", f"--work-tree={work_tree}", *arguments]
    finished = subprocess.run(command, cwd=work_tree, env=env, capture_output=True, check=False)
    if finished.returncode != 0:
        raise Fatal(f"{os.fsdecode(finished.stderr)}\n{' '.join(command)} failed; see above")
    return os.fsdecode(finished.stdout)


def remove_stale(wanted: set[pathlib.Path]) -> None:
    directories = {parent for path in wanted for parent in path.parents}
    kept = {".git", "output", ".hypothesis", ".mypy_cache", ".ruff_cache", "__pycache__"}
    for here, subdirectories, files in os.walk(COPY):
        relative = pathlib.Path(here).relative_to(COPY)
        for name in [n for n in subdirectories if n not in kept]:
            path = COPY / relative / name
            if relative / name not in directories or path.is_symlink():
                path.unlink() if path.is_symlink() else shutil.rmtree(path)
                subdirectories.remove(name)
        subdirectories[:] = [name for name in subdirectories if name not in kept]
        for name in files:
            if relative / name not in wanted:
                (COPY / relative / name).unlink()


def copy_file(source: pathlib.Path, target: pathlib.Path) -> None:
    try:
        new = source.lstat()
    except FileNotFoundError:
        return
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    with contextlib.suppress(FileNotFoundError):
        old = target.lstat()
        same = ("st_mtime_ns", "st_size", "st_mode")
        if all(getattr(old, name) == getattr(new, name) for name in same):
            return
        target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


PIP_VERSIONS = """
import inspect, re
from ansible_test._internal import python_requirements
print(*re.findall(r"pip='([0-9.]+)'", inspect.getsource(python_requirements.get_venv_packages)))
"""
PYTHON_VERSIONS = """
from ansible_test._util.target.common import constants
print(*constants.REMOTE_ONLY_PYTHON_VERSIONS, *constants.CONTROLLER_PYTHON_VERSIONS)
"""


def prepare_ansible_test() -> None:
    """Give ansible-test what it would download, under the names that this version of it asks for."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ask_venv(PIP_VERSIONS):
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    for name in (".pip/pip.conf", ".config/pip/pip.conf"):
        adopt_user_file(name)


def sanity_pythons() -> list[str]:
    """The Python versions that this ansible-test knows and that are here."""
    known = ask_venv(PYTHON_VERSIONS)
    return [version for version in known if offer_python(version)]


def venv_version() -> str:
    return ask_venv("import sys; print('{}.{}'.format(*sys.version_info))")[0]


def ask_venv(code: str) -> list[str]:
    """The words that this code prints in .venv."""
    command = [str(PYTHON), "-c", code]
    finished = subprocess.run(
        command, capture_output=True, text=True, env=ansible_test_environment(), check=True
    )
    return finished.stdout.split()


def adopt_user_file(name: str) -> None:
    """Where packages come from is the user's to say, also in the home of the tests."""
    source, target = pathlib.Path.home() / name, HOME / name
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)


def offer_python(version: str) -> bool:
    """Whether that Python runs and can make environments; if so, its name in front of the path leads to it alone.

    A name on the path is no proof: version managers put names there for what is not chosen, and choose by variables
    that ansible-test clears.
    """
    wrapper = BUILD / "bin" / f"python{version}"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.unlink(missing_ok=True)
    python = PYTHON if version == venv_version() else f"python{version}"
    command = [python, "-c", "import ensurepip, sys, venv; print(sys.executable)"]
    try:
        found = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return False
    wrapper.write_text(f'#!/bin/sh\nexec "{found}" "$@"\n')
    wrapper.chmod(0o755)
    return True
