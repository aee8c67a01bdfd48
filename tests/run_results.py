# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of tests: how tests/run.py reads, counts and reports them."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import typing as t
import xml.etree.ElementTree

from run_process import COPY, OUTPUT, Finished, say

Outcome = t.Literal["passed", "failed", "skipped"]


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of one test."""

    stage: str
    name: str
    outcome: Outcome
    reason: str = ""


def forget(kind: str, pattern: str, *, copy: pathlib.Path = COPY) -> None:
    """Remove the results of an earlier run."""
    for path in (copy / OUTPUT / kind).glob(pattern):
        path.unlink()


def read_junit(stage: str, pattern: str, *, copy: pathlib.Path = COPY) -> list[Result]:
    results = []
    for path in sorted((copy / OUTPUT / "junit").glob(pattern)):
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            results.append(junit_result(stage, case))
    return results


def junit_result(stage: str, case: xml.etree.ElementTree.Element) -> Result:
    name = case.get("name", "?")
    if stage != "sanity":
        name = f"{case.get('classname')}::{name}".removeprefix("::")
    fault = case.find("failure")
    fault = case.find("error") if fault is None else fault
    if fault is not None:
        return Result(stage, name, "failed", first_line(fault.get("message") or fault.text or ""))
    skipped = case.find("skipped")
    if skipped is not None:
        reason = skipped.get("message") or skipped.text or "no reason given"
        return Result(stage, name, "skipped", reason.strip())
    return Result(stage, name, "passed")


def first_line(text: str) -> str:
    """Return the first line that says something, cut at 200 characters."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= 200 else f"{line[:200]} ..."


def conclude(stage: str, finished: Finished, results: list[Result]) -> list[Result]:
    """Add a failure if the process failed although no test did, or if no test ran."""
    if finished.code != 0 and not any(result.outcome == "failed" for result in results):
        return [*results, Result(stage, f"{stage} as a whole", "failed", finished.ending)]
    if not results:
        return [Result(stage, f"{stage} as a whole", "failed", "no test ran")]
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
