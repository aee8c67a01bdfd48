# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests of this collection: ``python3 tests/run.py [stage ...]``, by default all stages in order.

Needs Python 3.11 and git; everything else is fetched into ``.venv`` and, on Debian as root, from the distribution.
The tests run on a copy of the tree, committed or not, in ``.build/ansible_collections/pymco/mcollective``, because
ansible-test works nowhere else. The last line counts the tests of all stages; the exit code is 0 when none failed.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import re
import shutil
import signal
import sys
import time
import traceback
import typing as t
import xml.etree.ElementTree

import run_cores
import run_prepare as prepare
from run_process import (
    BUILD,
    COPY,
    OUTPUT,
    VENV,
    Fatal,
    Finished,
    ansible_test_environment,
    environment,
    execute,
    interrupt,
    locked,
    say,
)

# What a stage wants; without what it needs it is skipped.
WANTS = {
    "sanity": ("shellcheck",),
    "integration": ("rabbitmq-server", "mcollectived", "mco"),
    "interop": ("rabbitmq-server", "activemq", "mcollectived", "mco"),
}
NEEDS = {"interop": WANTS["interop"]}
ROLES = ("roles", "playbooks")


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of one test."""

    stage: str
    name: str
    outcome: t.Literal["passed", "failed", "skipped"]
    reason: str = ""


def lint() -> list[Result]:
    package = "ansible_collections.pymco.mcollective.plugins"
    tools = {
        "black": ["black", "--check", "--diff", "--quiet", "."],
        "ruff": ["ruff", "check", "--no-cache", "--output-format=concise", "."],
        "mypy": ["mypy", "-p", package],
        "reuse": ["reuse", "lint", "--lines"],
        "antsibull-changelog": ["antsibull-changelog", "lint"],
        "antsibull-docs": ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."],
        # Offline, since it would look on Galaxy for what roles and playbooks use, all of which is here.
        "ansible-lint": ["ansible-lint", "--profile=production", "--offline", *ROLES],
    }
    return [lint_with(name, command) for name, command in tools.items()]


def lint_with(tool: str, command: t.Sequence[str]) -> Result:
    finished = execute([VENV / "bin" / command[0], *command[1:]], stage="lint", show=False)
    if finished.code == 0:
        say(f"{tool}: passed", "lint")
        return Result("lint", tool, "passed")
    say(f"{tool}: FAILED\n{finished.output}", "lint")
    return Result("lint", tool, "failed", finished.ending)


def sanity() -> list[Result]:
    forget("junit", "ansible-test-sanity-*.xml")
    command: list[object] = [*ansible_test("sanity"), "--junit"]
    for version in prepare.sanity_pythons():
        command += ["--target-python", version]
    finished = execute(command, stage="sanity", env=ansible_test_environment())
    results = read_junit("sanity", "ansible-test-sanity-*.xml")
    return conclude("sanity", finished, list(true_skips(results, finished.output)))


def true_skips(results: t.Iterable[Result], output: str) -> t.Iterator[Result]:
    """Drop the skips of tests that found no files of their kind; ansible-test writes the same for a missing program."""
    warnings = dict(re.findall(r'^Running sanity test "([^"]+)".*\nWARNING: (.*)$', output, re.M))
    for result in results:
        if result.reason != "No tests applicable.":
            yield result
        elif warning := warnings.get(result.name.partition("-python-")[0]):
            yield dataclasses.replace(result, reason=warning)


def unit() -> list[Result]:
    """Tests of modules and module_utils see no more of Ansible than a managed host does, the others all of it.

    ansible-test would not start the next of the three when one has failed.
    """
    command = [*ansible_test("units"), "--python", prepare.venv_version()]
    tests = [str(path.relative_to(COPY)) for path in COPY.glob("tests/unit/**/test_*.py")]
    contexts = ("tests/unit/plugins/modules/", "tests/unit/plugins/module_utils/")
    remote = tuple(path for path in contexts if any(test.startswith(path) for test in tests))
    selections = [[path] for path in remote]
    if not all(test.startswith(remote) for test in tests):
        selections.append([word for path in remote for word in ("--exclude", path)])
    results = []
    for selection in selections:
        forget("junit", "*-units.xml")
        finished = execute([*command, *selection], stage="unit", env=ansible_test_environment())
        results += conclude("unit", finished, read_junit("unit", "*-units.xml"))
    return results or conclude("unit", Finished(0, ""), [])


def integration() -> list[Result]:
    forget("data", "integration-*.json")
    env = ansible_test_environment()
    command = [*ansible_test("integration"), "--python", prepare.venv_version()]
    command += ["--allow-destructive", "--allow-unstable", "--allow-unsupported"]
    everything = [*command, "--allow-disabled", "--allow-root", "--list-targets"]
    listed = execute(everything, stage="integration", env=env, show=False)
    if listed.code != 0:
        say(listed.output, "integration")
        return conclude("integration", listed, [])
    finished = execute([*command, "--continue-on-error"], stage="integration", env=env)
    return conclude("integration", finished, integration_results(listed.output, finished))


def integration_results(listed: str, finished: Finished) -> list[Result]:
    """ansible-test writes down which targets passed and prints which failed; the rest it left out, and said why."""
    passed: set[str] = set()
    for path in OUTPUT.glob("data/integration-*.json"):
        passed |= set(json.loads(path.read_text())["targets"])
    failed = finished.output.partition("integration test(s) listed below")[2].splitlines()
    excluded: dict[str, str] = {}
    exclusion = re.compile(r"^WARNING: Excluding target tests (.*?): (.*)$", re.M)
    for reason, names in exclusion.findall(finished.output):
        excluded |= {name.strip(): reason for name in names.split(",")}
    results = []
    for target in listed.splitlines():
        if not (COPY / "tests/integration/targets" / target).is_dir():
            continue  # a warning between the names
        if target in passed:
            results.append(Result("integration", target, "passed"))
        elif target in excluded and target not in failed:
            results.append(Result("integration", target, "skipped", excluded[target]))
        else:
            results.append(Result("integration", target, "failed"))
    return results


def interop() -> list[Result]:
    # Most of the time they wait, for nodes and for silence. The tests of a file share what they start.
    options = ["--continue-on-collection-errors", "-n", "2", "--dist", "loadfile"]
    return with_pytest("interop", [*options, "tests/interop"], environment())


def faults() -> list[Result]:
    return with_pytest("faults", ["-n", "2", "tests/faults"], environment())


def with_pytest(stage: str, options: t.Sequence[str], env: dict[str, str]) -> list[Result]:
    forget("junit", f"{stage}.xml")
    junit = OUTPUT / "junit" / f"{stage}.xml"
    command = [VENV / "bin" / "pytest", "-p", "no:cacheprovider", f"--junit-xml={junit}", *options]
    finished = execute(command, stage=stage, env=env)
    return conclude(stage, finished, read_junit(stage, f"{stage}.xml"))


def fuzz() -> list[Result]:
    forget("junit", "fuzz.xml")
    command = [VENV / "bin" / "python", "tests/fuzz", "--junit", OUTPUT / "junit" / "fuzz.xml"]
    finished = execute(command, stage="fuzz")
    return conclude("fuzz", finished, read_junit("fuzz", "fuzz.xml"))


def cores() -> list[Result]:
    """The oldest and the newest ansible-core that is supported, and the one that is refused."""
    return with_cores("cores", run_cores.FEW)


def matrix() -> list[Result]:
    """Every ansible-core that is supported; takes longer than the stage cores, and replaces it."""
    return with_cores("matrix", run_cores.ALL)


def with_cores(stage: str, wanted: t.Sequence[run_cores.Core]) -> list[Result]:
    missing = run_cores.prepare_cores(wanted)
    found = {
        core.name: f"!{missing[core.name]}" if core.name in missing else str(core.directory)
        for core in wanted
    }
    return with_pytest(stage, ["tests/cores"], environment() | {"TEST_CORES": json.dumps(found)})


STAGES: dict[str, t.Callable[[], list[Result]]] = {
    "lint": lint,
    "sanity": sanity,
    "unit": unit,
    "fuzz": fuzz,
    "faults": faults,
    "integration": integration,
    "interop": interop,
    "cores": cores,
    "matrix": matrix,
}
# What the matrix does is more of the same.
USUAL = [stage for stage in STAGES if stage != "matrix"]
# Stages that do not look at the clock may share the machine.
TOGETHER = ("lint", "sanity")


def ansible_test(command: str) -> list[object]:
    return [VENV / "bin" / "ansible-test", command, "--color", "no"]


def forget(kind: str, pattern: str) -> None:
    """Remove the results of an earlier run."""
    for path in (OUTPUT / kind).glob(pattern):
        path.unlink()


def read_junit(stage: str, pattern: str) -> list[Result]:
    results = []
    for path in sorted((OUTPUT / "junit").glob(pattern)):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            results.append(junit_result(stage, case))
    return results


def junit_result(stage: str, case: xml.etree.ElementTree.Element) -> Result:
    name = case.get("name", "?")
    if stage != "sanity":
        name = f"{case.get('classname')}::{name}".removeprefix("::")
    if case.find("failure") is not None or case.find("error") is not None:
        return Result(stage, name, "failed")
    skipped = case.find("skipped")
    if skipped is not None:
        reason = skipped.get("message") or skipped.text or "no reason given"
        return Result(stage, name, "skipped", reason.strip())
    return Result(stage, name, "passed")


def conclude(stage: str, finished: Finished, results: list[Result]) -> list[Result]:
    """A process that failed without a failed test, and a stage that ran nothing, are failures."""
    if finished.code != 0 and not any(result.outcome == "failed" for result in results):
        return [*results, Result(stage, f"{stage} as a whole", "failed", finished.ending)]
    if not results:
        return [Result(stage, f"{stage} as a whole", "failed", "no test ran")]
    return results


def run_stage(stage: str) -> list[Result]:
    start = time.monotonic()
    missing = prepare.missing_programs(NEEDS.get(stage, ()))
    if missing and not prepare.is_debian_root():
        packages = " ".join(prepare.PROGRAMS[name] for name in missing)
        reason = f"not installed: {', '.join(missing)} (Debian: apt install {packages})"
        results = [Result(stage, f"{stage} as a whole", "skipped", reason)]
    else:
        try:
            results = STAGES[stage]()
        except Exception as exc:  # whatever it is, the other stages run
            say(traceback.format_exc(), stage)
            reason = f"{type(exc).__name__}: {exc}"
            results = [Result(stage, f"{stage} as a whole", "failed", reason)]
    say(f"{count(results)} ({time.monotonic() - start:.0f} s)", stage)
    return results


def run_stages(stages: t.Sequence[str]) -> list[Result]:
    results: list[Result] = []
    together = [stage for stage in stages if stage in TOGETHER]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for part in pool.map(run_stage, together):
            results += part
    for stage in stages:
        if stage not in TOGETHER:
            results += run_stage(stage)
    return results


def count(results: t.Sequence[Result]) -> str:
    outcomes = collections.Counter(result.outcome for result in results)
    text = f"{outcomes['passed']} passed, {outcomes['failed']} failed"
    return f"{text}, {outcomes['skipped']} skipped" if outcomes["skipped"] else text


def report(results: t.Sequence[Result]) -> None:
    say("")
    for outcome in ("failed", "skipped"):
        for result in results:
            if result.outcome == outcome:
                reason = f" ({result.reason})" if result.reason else ""
                say(f"{outcome.upper()}: {result.stage}: {result.name}{reason}")
    say(count(results))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    stage_help = f"of: {' '.join(STAGES)}; or `venv`, which only prepares .venv"
    parser.add_argument("stages", nargs="*", metavar="stage", help=stage_help)
    arguments = parser.parse_args()
    stages = arguments.stages or USUAL
    unknown = [stage for stage in stages if stage not in STAGES and stages != ["venv"]]
    if unknown:
        parser.error(f"no such stage: {' '.join(unknown)}")
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        with locked("venv"):
            prepare.prepare_venv()
        if stages == ["venv"]:
            return 0
        with locked("test"):
            results = prepare_and_run(stages)
    except Fatal as exc:
        say(str(exc))
        results = [Result("preparation", str(exc).splitlines()[-1], "failed")]
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    report(results)
    return 1 if any(result.outcome == "failed" for result in results) else 0


def install_programs(stages: t.Sequence[str]) -> list[Result]:
    """Install what the stages want, where that is possible. A failure is a result, so that the other stages run."""
    wanted = {name for stage in stages for name in WANTS.get(stage, ())}
    missing = prepare.missing_programs(sorted(wanted))
    if not missing or not prepare.is_debian_root():
        return []
    try:
        prepare.install_packages([prepare.PROGRAMS[name] for name in missing])
    except Fatal as exc:
        say(str(exc))
        return [Result("packages", " ".join(missing), "failed", "apt-get could not install them")]
    return []


def prepare_and_run(stages: t.Sequence[str]) -> list[Result]:
    shutil.rmtree(BUILD / "logs", ignore_errors=True)
    results = install_programs(stages)
    prepare.copy_tree()
    prepare.prepare_ansible_test()
    return results + run_stages(stages)


if __name__ == "__main__":
    sys.exit(main())
