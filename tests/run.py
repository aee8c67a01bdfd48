# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests of this collection: ``python3 tests/run.py [stage ...]``, by default all stages in order.

Needs Python 3.11 and git. Everything else is installed into ``.venv`` and, on Debian as root, from the distribution.
The tests run on a copy of the tree in ``.build/ansible_collections/pymco/mcollective``, because ansible-test works
nowhere else. The last line counts the tests of all stages; the exit code is 0 if none failed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
import typing as t

import run_cores
import run_docs
import run_go
import run_matrix
import run_prepare as prepare
import tested
from run_process import (
    BESIDE,
    BUILD,
    CHECKED,
    COPY,
    OUTPUT,
    VENV,
    Fatal,
    environment,
    execute,
    interrupt,
    locked,
    say,
)
from run_results import Outcome, Result, conclude, count, forget, read_junit, report

# The programs that a stage uses, and the stages that are skipped without them.
WANTS = {
    "sanity": ("shellcheck",),
    "integration": ("rabbitmq-server", "mcollectived", "mco"),
    "interop": ("rabbitmq-server", "activemq", "nats-server", "mcollectived", "mco"),
}
NEEDING = ("interop",)
NOX = VENV / "bin" / "nox"


def lint() -> list[Result]:
    """Let nox run the checks that need no peer: noxfile.py and antsibull-nox.toml list them."""
    missing = run_go.ACTIONLINT.prepare()
    environments = prepare_nox()
    forget("junit", "lint.xml", copy=CHECKED)
    forget("data", "lint.json", copy=CHECKED)
    report = CHECKED / OUTPUT / "data" / "lint.json"
    report.parent.mkdir(exist_ok=True)
    env = environment() | {
        # In CI, formatters check and change nothing.
        "CI": "true",
        "NO_COLOR": "1",
        # It has a session of its own, which is stricter.
        "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false",
        "ANTSIBULL_NOX_OUTPUT_JUNIT_XML_PATH": str(CHECKED / OUTPUT / "junit" / "lint.xml"),
    }
    # -R takes the environments as they are.
    command = [*BESIDE, NOX, "-R", "--envdir", environments, "--report", report]
    if missing:
        command += ["-k", "not actionlint"]
    finished = execute(command, stage="lint", env=env, cwd=CHECKED, show=False)
    if finished.code != 0:
        say(finished.output, "lint")
    sessions = json.loads(report.read_text())["sessions"] if report.exists() else []
    checks = read_junit("lint", "lint.xml", copy=CHECKED)
    results = nox_results(sessions, checks, output=finished.output)
    if missing:
        results.append(Result("lint", "actionlint", "skipped", missing))
    return conclude("lint", finished, results)


def prepare_nox() -> pathlib.Path:
    """Lead each session of nox to .venv, which has everything that the sessions would install.

    Only galaxy-importer gets an environment of its own: it demands an attrs that nox cannot use.
    """
    command = [NOX, "--list", "--json"]
    listed = subprocess.run(
        command, cwd=CHECKED, env=environment(), stdout=subprocess.PIPE, check=True
    )
    environments = VENV / "nox"
    environments.mkdir(exist_ok=True)
    for session in json.loads(listed.stdout):
        place = environments / session["name"]
        if session["name"] == "build-import-check":
            prepare.prepare_environment(place, "galaxy-importer>=0.4.44,<0.5")
        elif not place.is_symlink():
            place.symlink_to(VENV)
    return environments


def nox_results(
    sessions: t.Iterable[dict[str, t.Any]], checks: t.Sequence[Result], *, output: str
) -> list[Result]:
    """Return a result for each check, and for each session that does not tell its checks apart.

    :param sessions: what nox reports.
    :param checks: what antsibull-nox reports; their names are ``session::check``.
    :param output: its warnings tell of checks that did not run and of errors that antsibull-nox lets pass.
    """
    results = list(checks)
    # The session `lint` only requires others.
    told = {"lint", *(check.name.partition("::")[0] for check in checks)}
    for session in sessions:
        if session["name"] not in told:
            outcome: Outcome = "passed" if session["result"] == "success" else "failed"
            results.append(Result("lint", session["name"], outcome, session["reason"] or ""))
    for warning in re.findall(r"^nox > ((?:Skip|Galaxy importer emitted).*)", output, re.M):
        results.append(Result("lint", warning, "failed"))
    return results


def sanity() -> list[Result]:
    """Run the sanity tests with the oldest and the newest ansible-core that is supported."""
    return run_matrix.sanity("sanity", run_cores.FEW, everywhere=False)


def unit() -> list[Result]:
    """Run the unit tests with the oldest and the newest ansible-core, Python and libraries that are supported."""
    return run_matrix.units("unit", run_cores.FEW, run_cores.FEW_HOSTS)


def integration() -> list[Result]:
    forget("data", "integration-*.json")
    options = ["--python", prepare.version_of(VENV), "--continue-on-error"]
    options += ["--allow-destructive", "--allow-unstable", "--allow-unsupported"]
    venv = run_matrix.Controller(run_cores.base(), VENV)
    finished = venv.ansible_test("integration", "integration", *options)
    return conclude("integration", finished, integration_results(finished.output))


def integration_results(output: str) -> list[Result]:
    """Return a result for each target. ansible-test writes down which passed, and prints why it left out others."""
    passed: set[str] = set()
    for path in (COPY / OUTPUT).glob("data/integration-*.json"):
        passed |= set(json.loads(path.read_text())["targets"])
    excluded: dict[str, str] = {}
    exclusion = re.compile(r"^WARNING: Excluding (?:\w+ )?tests (.*?): (.*)$", re.M)
    for reason, names in exclusion.findall(output):
        excluded |= {name.strip(): reason for name in names.split(",")}
    results = []
    for target in sorted(path.name for path in COPY.glob("tests/integration/targets/*")):
        outcome: Outcome = "skipped" if target in excluded else "failed"
        if target in passed:
            outcome = "passed"
        results.append(Result("integration", target, outcome, excluded.get(target, "")))
    return results


def interop() -> list[Result]:
    # The tests wait most of the time, for nodes and for silence. tests/interop/together.py says which share a process.
    options = ["--continue-on-collection-errors", "-n", "4", "--no-loadscope-reorder"]
    return with_pytest("interop", [*options, "tests/interop"], environment())


def docs() -> list[Result]:
    results = []
    for name, wrong in run_docs.build().items():
        if wrong:
            say(wrong, "docs")
        results.append(Result("docs", name, "failed" if wrong else "passed"))
    return results


def faults() -> list[Result]:
    return with_pytest("faults", ["-n", "2", "tests/faults"], environment())


def with_pytest(stage: str, options: t.Sequence[str], env: dict[str, str]) -> list[Result]:
    forget("junit", f"{stage}.xml")
    junit = COPY / OUTPUT / "junit" / f"{stage}.xml"
    command = [VENV / "bin" / "pytest", "-p", "no:cacheprovider", f"--junit-xml={junit}", *options]
    finished = execute(command, stage=stage, env=env)
    return conclude(stage, finished, read_junit(stage, f"{stage}.xml"))


def fuzz() -> list[Result]:
    """Fuzz the decoders. The seed follows from the code: the same code gets the same inputs again, so that a run
    can be repeated, and every change gets other ones."""
    forget("junit", "fuzz.xml")
    seed = prepare.fingerprint("plugins", "tests/fuzz")
    command = [
        # Half of the usual time: all tests together are to take half an hour.
        *(VENV / "bin" / "python", "tests/fuzz", "--seed", str(seed), "--seconds", "30"),
        *("--junit", COPY / OUTPUT / "junit" / "fuzz.xml"),
    ]
    finished = execute(command, stage="fuzz")
    return conclude("fuzz", finished, read_junit("fuzz", "fuzz.xml"))


def cores() -> list[Result]:
    """Test the inventory and plays with the oldest and the newest ansible-core, and with the one that is refused."""
    return with_cores("cores", run_cores.FEW)


def matrix() -> list[Result]:
    """Do what sanity, unit and cores do, with everything that is supported, and write down what was tested."""
    results = run_matrix.sanity("matrix", run_cores.ALL, everywhere=True)
    results += run_matrix.units("matrix", run_cores.ALL, run_cores.ALL_HOSTS)
    results += with_cores("matrix", run_cores.ALL)
    if not any(result.outcome == "failed" for result in results):
        tested.record(run_matrix.tested_controllers(), run_matrix.tested_hosts())
    return results


def with_cores(stage: str, wanted: t.Sequence[run_cores.Core]) -> list[Result]:
    found = json.dumps({core.name: core.prepare() for core in wanted})
    options = ["-n", "4", "--dist", "loadfile", "tests/cores"]
    return with_pytest(stage, options, environment() | {"TEST_CORES": found})


STAGES: dict[str, t.Callable[[], list[Result]]] = {
    "lint": lint,
    "docs": docs,
    "sanity": sanity,
    "unit": unit,
    "fuzz": fuzz,
    "faults": faults,
    "integration": integration,
    "interop": interop,
    "cores": cores,
    "matrix": matrix,
}
# The matrix does more of the same.
USUAL = [stage for stage in STAGES if stage != "matrix"]
# Stages that do not look at the clock run beside the others, which wait much of the time.
UNTIMED = ("lint", "docs", "sanity")


def run_stage(stage: str) -> list[Result]:
    start = time.monotonic()
    missing = prepare.missing_programs(WANTS[stage] if stage in NEEDING else ())
    if missing and not prepare.is_debian_root():
        packages = " ".join(prepare.PROGRAMS[name] for name in missing)
        reason = f"not installed: {', '.join(missing)} (Debian: apt install {packages})"
        results = [Result(stage, f"{stage} as a whole", "skipped", reason)]
    else:
        try:
            results = STAGES[stage]()
        except Exception as exc:  # the other stages run in any case
            say(traceback.format_exc(), stage)
            reason = f"{type(exc).__name__}: {exc}"
            results = [Result(stage, f"{stage} as a whole", "failed", reason)]
    say(f"{count(results)} ({time.monotonic() - start:.0f} s)", stage)
    return results


def run_stages(stages: t.Sequence[str]) -> list[Result]:
    results: list[Result] = []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        building = pool.submit(run_go.CHORIA.prepare) if "interop" in stages else None
        beside = [pool.submit(run_stage, stage) for stage in stages if stage in UNTIMED]
        for stage in stages:
            if stage == "interop" and building and (reason := building.result()):
                results.append(Result(stage, "the tests on the real choria", "skipped", reason))
            if stage not in UNTIMED:
                results += run_stage(stage)
        return [result for done in beside for result in done.result()] + results


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
    """Install the programs that the stages use, on Debian as root. A failure is a result: the other stages run."""
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
    for copy in (COPY, CHECKED):
        prepare.copy_tree(copy)
    prepare.prepare_ansible_test()
    prepare.offer_pythons()
    return results + run_stages(stages)


if __name__ == "__main__":
    sys.exit(main())
