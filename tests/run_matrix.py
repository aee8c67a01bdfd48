# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-test's sanity and unit tests, with several versions of ansible-core, of Python and of the libraries."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import typing as t

import run_cores
import run_prepare as prepare
from run_process import (
    BESIDE,
    BUILD,
    CHECKED,
    COPY,
    OUTPUT,
    VENV,
    Finished,
    ansible_test_environment,
    environment,
    execute,
)
from run_results import Result, conclude, forget, read_junit

# Tests of what runs on managed hosts, which have no ansible-core.
REMOTE = ("tests/unit/plugins/modules/", "tests/unit/plugins/module_utils/")
# The part of its usual examples that a generated test tries again on every other host.
EXAMPLES = "0.05"
# Processes of unit tests. The tests wait half of the time, for brokers that are silent on purpose.
WORKERS = "4"


@dataclasses.dataclass(frozen=True)
class Controller:
    """An environment that has an ansible-core.

    :ivar label: what stands before the names of its results; "" is for that of .venv.
    """

    core: str
    venv: pathlib.Path
    label: str = ""

    def ansible_test(
        self, stage: str, command: str, *options: object, copy: pathlib.Path = COPY
    ) -> Finished:
        program = self.venv / "bin" / "ansible-test"
        env = ansible_test_environment(self.venv)
        words = [*(BESIDE if copy == CHECKED else ()), program, command, "--color", "no", *options]
        return execute(words, stage=stage, env=env, cwd=copy)

    def pythons(self) -> list[str]:
        """Return the versions of Python that its ansible-test knows."""
        return prepare.known_pythons(self.venv)


def controllers(
    stage: str, cores: t.Iterable[run_cores.Core]
) -> tuple[list[Controller], list[Result]]:
    """Prepare .venv, and an environment for each other supported core.

    :returns: the environments, that of .venv first, and a result for each that cannot be.
    """
    base = run_cores.base()
    found, missing = [Controller(base, VENV)], []
    for core in cores:
        if core.name not in (base, run_cores.REFUSED.name):
            place = core.prepare()
            if place.startswith("!"):
                missing.append(
                    Result(stage, f"with ansible-core {core.name}", "skipped", place[1:])
                )
            else:
                prepare.prepare_ansible_test(pathlib.Path(place))
                found.append(
                    Controller(core.name, pathlib.Path(place), f"ansible-core {core.name}: ")
                )
    return found, missing


def labelled(label: str, results: t.Iterable[Result]) -> list[Result]:
    return [dataclasses.replace(result, name=label + result.name) for result in results]


def sanity(stage: str, cores: t.Iterable[run_cores.Core], *, everywhere: bool) -> list[Result]:
    """Run the sanity tests with these cores.

    :param everywhere: let each core import and compile with each Python. Otherwise only that of .venv does, and each
        other one uses its own Python.
    """
    found, results = controllers(stage, cores)
    for controller in found:
        versions = [prepare.version_of(controller.venv)]
        if everywhere or controller.venv == VENV:
            known = controller.pythons()
            versions = [
                version for version in known if (BUILD / "bin" / f"python{version}").exists()
            ]
        results += sanity_with(stage, controller, versions)
    return results


def sanity_with(stage: str, controller: Controller, pythons: t.Iterable[str]) -> list[Result]:
    forget("junit", "ansible-test-sanity-*.xml", copy=CHECKED)
    options = [word for version in pythons for word in ("--target-python", version)]
    ask_for_releases(controller.venv)
    finished = controller.ansible_test(stage, "sanity", "--junit", *options, copy=CHECKED)
    results = read_junit("sanity", "ansible-test-sanity-*.xml", copy=CHECKED)
    kept = [
        dataclasses.replace(result, stage=stage) for result in true_skips(results, finished.output)
    ]
    return labelled(controller.label, conclude(stage, finished, kept))


def ask_for_releases(venv: pathlib.Path) -> None:
    """Let ansible-test's requirements ask for releases only.

    That of a release candidate may ask for a commit on a forge, which no package index has.
    """
    requirements = "lib/python3.*/site-packages/ansible_test/_data/requirements/sanity.*.txt"
    for path in venv.glob(requirements):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"^([\w-]+) @ \S+", r"\1", text, flags=re.M), encoding="utf-8")


def true_skips(results: t.Iterable[Result], output: str) -> t.Iterator[Result]:
    """Drop each test that found no files of its kind. ansible-test reports a missing program as if it were one."""
    warnings = dict(re.findall(r'^Running sanity test "([^"]+)".*\nWARNING: (.*)$', output, re.M))
    for result in results:
        if result.reason != "No tests applicable.":
            yield result
        elif warning := warnings.get(result.name.partition("-python-")[0]):
            yield dataclasses.replace(result, reason=warning)


def units(
    stage: str, cores: t.Iterable[run_cores.Core], hosts: t.Iterable[run_cores.Host]
) -> list[Result]:
    """Run all unit tests in .venv, those of plugins with each other core, and those of modules on these hosts."""
    found, results = controllers(stage, cores)
    for controller in found:
        results += units_with(stage, controller)
    for host in hosts:
        results += units_on(stage, host, found)
    return results


def units_with(stage: str, controller: Controller) -> list[Result]:
    """Run the tests of modules and module_utils with what a managed host has of Ansible, the others with all of it.

    ansible-test itself would stop after the first of the three that fails.
    """
    selections = [[word for path in REMOTE for word in ("--exclude", path)]]
    if controller.venv == VENV:
        selections += [[path] for path in REMOTE]
    results = []
    for selection in selections:
        forget("junit", "*-units.xml")
        python = ("--python", prepare.version_of(controller.venv))
        options = (*python, "--num-workers", WORKERS, *selection)
        finished = controller.ansible_test(stage, "units", *options)
        results += conclude(stage, finished, read_junit(stage, "*-units.xml"))
    return labelled(controller.label, results)


def units_on(stage: str, host: run_cores.Host, found: t.Sequence[Controller]) -> list[Result]:
    """Run the tests of modules and module_utils on a host, with what the newest possible core brings there."""
    if reason := host.prepare():
        return [Result(stage, f"with {host.name}", "skipped", reason)]
    able = [each for each in found if f"3.{host.minor}" in each.pythons()]
    core = max(able, key=lambda each: tuple(map(int, each.core.split("."))))
    forget("junit", "units-of-host.xml")
    env = environment(host.directory)
    env["PYTHONPATH"] = os.pathsep.join(map(str, (module_utils_of(core), BUILD)))
    env["TEST_EXAMPLES"] = EXAMPLES
    command = [host.directory / "bin" / "python", "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-n", WORKERS]
    command += [f"--junit-xml={COPY / OUTPUT / 'junit' / 'units-of-host.xml'}", *REMOTE]
    finished = execute(command, stage=stage, env=env)
    results = conclude(stage, finished, read_junit(stage, "units-of-host.xml"))
    return labelled(f"{host.name}: ", [*results, libraries_of(stage, host)])


def module_utils_of(core: Controller) -> pathlib.Path:
    """Return a directory that contains the part of this core that Ansible copies to managed hosts."""
    place = BUILD / "hosts" / f"ansible-{core.core}"
    shutil.rmtree(place, ignore_errors=True)
    (place / "ansible").mkdir(parents=True)
    (place / "ansible" / "__init__.py").touch()
    (source,) = core.venv.glob("lib/python3.*/site-packages/ansible/module_utils")
    (place / "ansible" / "module_utils").symlink_to(source)
    return place


def libraries_of(stage: str, host: run_cores.Host) -> Result:
    """Return whether the host has the libraries that it is there for."""
    found = run_cores.versions(host.directory)
    wanted = host.libraries != "newest libraries without libyaml"
    if found["libyaml"] != wanted:
        return Result(stage, "libyaml", "failed", f"libyaml: {found['libyaml']}")
    return Result(stage, "libyaml", "passed")


def tested_controllers() -> list[dict[str, str]]:
    """Return the versions of each supported core that the matrix has found, and of its Python."""
    found, _missing = controllers("matrix", run_cores.SUPPORTED)
    rows = [run_cores.versions(each.venv, "ansible-core") for each in found]
    rows.sort(key=lambda row: [int(digits) for digits in re.findall(r"\d+", row["ansible-core"])])
    return [{name: row[name] for name in ("ansible-core", "Python")} for row in rows]


def tested_hosts() -> list[dict[str, t.Any]]:
    """Return the versions of Python and of the libraries of each host that the matrix has found."""
    return [
        run_cores.versions(host.directory) for host in run_cores.ALL_HOSTS if not host.prepare()
    ]
