# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the targets, a few at a time, and collects their results."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

from .journal import Journal

ROOT = Path(__file__).resolve().parents[2]
FINDINGS = ROOT / "tests" / "output" / "fuzz"
HANG = 60.0
"""Seconds in which a worker must have come to its next input, on a slow machine too."""
SHOWN = 1500
"""Characters of Base64 that are printed; the file has all."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    seconds: float
    seed: int
    target: list[str] | None
    jobs: int
    replay: Path | None
    findings: Path | None
    junit: Path | None


@dataclasses.dataclass
class Report:
    """The result of one target."""

    name: str
    seconds: float = 0
    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    kinds: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)

    def line(self) -> str:
        """The report in one line."""
        rate = self.inputs / self.seconds if self.seconds else 0
        verdict = f"{len(self.failures)} FAILURES" if self.failures else "no failure"
        return (
            f"{self.name}: {verdict}; {self.inputs} inputs in {self.seconds:.0f} s ({rate:.0f}/s),"
            f" {self.accepted} accepted, {self.refused} refused, {self.kinds} kinds of outcome"
        )


def run(plan: Plan) -> int:
    """Carry out a plan. Return the exit code, which is 0 if nothing failed."""
    with tempfile.TemporaryDirectory(prefix="mcollective-fuzz-") as scratch:
        place = Path(scratch, "ansible_collections", "pymco")
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        sys.path.insert(0, scratch)
        from .target import names

        chosen = plan.target or names()
        unknown = set(plan.target or ()) - set(names())
        if unknown:
            print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
            return 2
        if plan.replay:
            return _replay(chosen[0], plan.replay)
        return _fuzz(plan, chosen, Path(scratch))


def _replay(name: str, path: Path) -> int:
    from . import worker
    from .target import target_named

    outcome = worker.examine(target_named(name), path.read_bytes())
    if isinstance(outcome, worker.Failure):
        print(f"FAILED: {outcome.kind}\n{outcome.text}")
        return 1
    print(outcome)
    return 0


def _fuzz(plan: Plan, chosen: list[str], scratch: Path) -> int:
    print(f"seed {plan.seed}; the same again: --seed {plan.seed} --seconds {plan.seconds:g}")
    if not shutil.which("ruby"):
        print("no ruby on the PATH: the inputs to begin with are our own")
    stopped = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(plan.jobs) as pool:
        try:
            reports = list(
                pool.map(lambda name: _Watch(plan, name, scratch, stopped).run(), chosen)
            )
        finally:
            stopped.set()  # the workers of an interrupted run have got the signal too
    if plan.junit:
        _write_junit(plan.junit, reports)
    failed = sum(bool(report.failures) for report in reports)
    inputs = sum(report.inputs for report in reports)
    print(f"{inputs} inputs; {len(reports) - failed} targets passed, {failed} failed")
    return int(failed > 0)


class _Watch:
    """Watches the worker of one target, and starts another one when it has died."""

    def __init__(self, plan: Plan, name: str, scratch: Path, stopped: threading.Event) -> None:
        from .target import share

        self.plan, self.scratch, self.stopped = plan, scratch, stopped
        self.seconds = plan.seconds * share(name)
        self.report = Report(name)
        self.journal_path = scratch / f"{name}.journal"

    def run(self) -> Report:
        start = time.monotonic()
        lives = 0
        while lives < 3 and (left := self.seconds - (time.monotonic() - start)) > 0:
            if self.one_life(left, self.plan.seed + lives) or self.stopped.is_set():
                break
            lives += 1
        self.report.seconds = time.monotonic() - start
        print(self.report.line(), flush=True)
        return self.report

    def one_life(self, seconds: float, seed: int) -> bool:
        """Run one worker. Return True if it ended by itself."""
        self.journal_path.unlink(missing_ok=True)
        with (
            Journal(self.journal_path) as journal,
            subprocess.Popen(
                self._command(seconds, seed),
                env={**os.environ, "PYTHONPATH": str(self.scratch)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            hung = threading.Event()
            watchdog = threading.Thread(target=self._guard, args=[process, journal, hung])
            watchdog.start()
            # Findings come on stdout and a dying interpreter's words on stderr; neither is much.
            out, err = process.communicate()
            watchdog.join()
            self._take(out)
            if process.returncode == 0 or self.stopped.is_set():
                return True
            count, payload = journal.read()
            self.report.inputs += count
            what = "it hangs" if hung.is_set() else f"its process ended with {process.returncode}"
            self._found(what, err[-3000:], payload)
            return False

    def _command(self, seconds: float, seed: int) -> list[str]:
        command = [sys.executable, str(ROOT / "tests" / "fuzz"), "--target", self.report.name]
        command += ["--seed", str(seed), "--seconds", str(seconds)]
        return [*command, "--worker", str(self.journal_path)]

    def _guard(
        self, process: subprocess.Popen[str], journal: Journal, hung: threading.Event
    ) -> None:
        seen, since = -1, time.monotonic()
        while process.poll() is None:
            count, _payload = journal.read()
            if count != seen:
                seen, since = count, time.monotonic()
            elif time.monotonic() - since > HANG:
                hung.set()
                process.kill()
                return
            time.sleep(0.2)

    def _take(self, said: str) -> None:
        for line in said.splitlines():
            what = json.loads(line)
            if "failure" in what:
                self._found(what["failure"], what["text"], base64.b64decode(what["input"]))
            else:
                self.report.inputs += what["inputs"]
                self.report.kinds += what["kinds"]
                self.report.accepted += what["accepted"]
                self.report.refused += what["refused"]

    def _found(self, kind: str, text: str, payload: bytes) -> None:
        """Keep an input that failed, and show it."""
        directory = self.plan.findings or FINDINGS
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.report.name}-{hashlib.sha256(payload).hexdigest()[:12]}.bin"
        path.write_bytes(payload)
        encoded = base64.b64encode(payload).decode()
        shown = encoded if len(encoded) <= SHOWN else f"{encoded[:SHOWN]}... (see the file)"
        self.report.failures.append(kind)
        print(
            f"{self.report.name}: FAILED: {kind}\n{text.rstrip()}",
            f"input of {len(payload)} bytes: {path}",
            f"in Base64: {shown}",
            f"again: python tests/fuzz --target {self.report.name} --replay {path}",
            sep="\n",
            flush=True,
        )


def _write_junit(path: Path, reports: t.Sequence[Report]) -> None:
    """The results in the form that tests/run.py counts."""
    suite = ET.Element("testsuite", name="fuzz")
    for report in reports:
        case = ET.SubElement(suite, "testcase", classname="fuzz", name=report.name)
        if report.failures:
            ET.SubElement(case, "failure", message="; ".join(report.failures))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suite).write(path)
