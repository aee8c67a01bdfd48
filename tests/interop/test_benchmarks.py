# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks at the smallest size: each row appears, and a lost reply makes them fail. The figures do not count."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from benchmarks.choria import unavailable
from benchmarks.framework import Bench, Incomplete, Line, Pair, Target, in_turns, table
from benchmarks.rows import ROWS
from benchmarks.rows.adhoc import WAYS
from benchmarks.rows.scale import Model, Point, sizes
from testbed.fleet.fleet import Behaviour

if t.TYPE_CHECKING:
    from testbed.real.rabbitmq import RabbitMQ

MAIN = Path(__file__).resolve().parents[1] / "benchmarks"
COUNTS = {
    "lossless": r"30 of 30 replies",
    "discovery": r"3 in \d.* 3 in \d",
    "mco": r"all answered .*, 3 of 3",
    "choria_v1": r"3 in \d.* 3 in \d",
    "choria_v2": r"3 in \d.* 3 in \d",
}
LINES = {
    "fanout": [f"replies of all nodes, {name}" for name in ("psk", "ssl-marshal", "ssl-yaml")],
    "mco": ["find and call, ssl-yaml, here", "find and call, ssl-yaml, new process"] * 2,
    "lossless": ["10 calls in a row, ssl-yaml"],
    "discovery": ["nodes found of 1, ssl-yaml", "nodes found of 3, ssl-yaml"],
    "large": ["replies of 15 nodes, ssl-yaml"],
    "memory": ["memory of a held reply, psk", "memory of a held reply, ssl-yaml"],
    "requests": [
        f"a call to a real node, {security}, {how}"
        for security in ("psk", "ssl-yaml")
        for how in ("connected", "and connecting", "and connecting")
    ],
    "inventory": [f"inventory of 3, ssl-yaml, {ours}" for ours in ("ours", "cached", "ours")],
    "adhoc": [f"ansible localhost -m {way}, 3 nodes, ssl-yaml" for way in WAYS],
    "facts": [f"facts of 2 hosts, {ours}" for ours in ("ours", "ours, as a task")],
    "task": [
        *("2 tasks, 10 forks, ssl-yaml", "", "", "2 tasks, 10 forks, ssl-yaml"),
        "2 tasks, 10 forks, ssl-yaml, nodes from a template",
    ],
    **{
        f"choria_{version}": [
            *(
                f"replies of all nodes, choria {version}, asked {how}"
                for how in ("at once", "singly")
            ),
            *(
                f"{what}, choria {version}, new process"
                for what in ("find and call", "call by name")
            ),
            f"nodes found of 3, choria {version}",
        ]
        for version in ("v1", "v2")
    },
    "choria_inventory": ["inventory of 3, choria v1, ours"],
    "choria_requests": [
        f"a call to a real node, choria {version}, {how}"
        for version in ("v1", "v2")
        for how in ("connected", "and connecting")
    ],
    "scale": [
        *(
            f"{what}, {point}"
            for what in (
                "find and call, ssl-yaml",
                "inventory, ssl-yaml",
                "find and call, choria v1",
            )
            for point in ("one node", "each 10000 more", "3 nodes", "4 nodes")
        ),
        "a node's connection to RabbitMQ",
    ],
}
ALONE = {"lossless", "scale"}
"""The rows with lines that are compared with nothing."""


@pytest.fixture
def bench(rabbitmq: RabbitMQ) -> Bench:
    """The smallest bench. The last node ends it, and not a time."""
    return Bench(
        rabbitmq,
        nodes=3,
        rounds=1,
        hosts=2,
        calls=2,
        timeout=60,
        quiet=60,
        counted=True,
        listening=8,
    )


SLOW = {"discovery": Behaviour(spread=2)}
"""The row whose nodes take their time, as on a busy machine: two thirds of a second pass between two answers."""


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_its_lines(bench: Bench, name: str) -> None:
    if name.startswith(("choria", "scale")) and unavailable():
        pytest.skip(str(unavailable()))
    lines = ROWS[name](dataclasses.replace(bench, behaviour=SLOW.get(name, Behaviour())))
    assert [line.what.partition("  ")[0] for line in lines] == LINES[name]
    for line in lines:
        assert re.search(r"\d", line.ours)
        assert not line.failed
        assert name in ALONE or (re.search(r"\d", line.other) and line.ratio)
    assert re.search(COUNTS.get(name, ""), f"{lines[-1].ours} {lines[-1].other}")


LOSSLESS = ["fanout", "mco", "lossless", "large", "memory", "choria_v1", "scale"]


@pytest.mark.parametrize("name", LOSSLESS)
def test_a_lost_reply_makes_a_row_fail(bench: Bench, name: str) -> None:
    if name.startswith("choria") and unavailable():
        pytest.skip(str(unavailable()))
    lossy = dataclasses.replace(bench, behaviour=Behaviour(silent=1), timeout=0.5)
    # The others may be late as well.
    with pytest.raises(Incomplete, match=r"\d+ are missing"):
        ROWS[name](lossy)


def test_a_task_without_a_reply_makes_a_row_fail(bench: Bench) -> None:
    lossy = dataclasses.replace(bench, behaviour=Behaviour(silent=2), timeout=0.5)
    with pytest.raises(Incomplete, match="0 of 2 hosts had their task"):
        ROWS["task"](lossy)


def test_nodes_that_are_not_found_make_a_row_fail(bench: Bench) -> None:
    lossy = dataclasses.replace(bench, behaviour=Behaviour(spread=300), quiet=0.5)
    with pytest.raises(Incomplete, match="are missing"):
        ROWS["discovery"](lossy)


def test_the_command_line_prints_one_table(tmp_path: Path) -> None:
    (before := tmp_path / "before.json").write_text('{"large": [4.567]}')
    after = tmp_path / "after.json"
    files = ("--before", str(before), "--save", str(after))
    done = _run("--only", "large", "--nodes", "2", "--rounds", "1", *files)
    assert done.returncode == 0, done.stderr
    head, columns, line = done.stdout.splitlines()
    assert head.startswith("2 nodes, ")
    assert columns.split() == ["ours", "the", "other's", "ratio", "target"]
    assert line.startswith("replies of 10 nodes, ssl-yaml  ")
    (ratio,) = json.loads(after.read_text())["large"]
    assert line.endswith(f"  {ratio:.2f} (was 4.57)")


def test_targets_are_told_beside_ratios() -> None:
    pair, most, least = Pair(2.0, 5.0), Target(0.5), Target(20, at_least=True)
    text = table([pair.times_slower("one", "x", most), pair.times_faster("two", "y", least)], 1, 2)
    one, two = text.splitlines()[2:]
    assert re.split(" {2,}", one) == ["one", "2.000 s", "5.000 s x", "0.40", "at most 0.5", "met"]
    assert re.split(" {2,}", two)[3:] == ["2.50", "at least 20", "missed"]
    assert table([Line("three", failed="it broke")], 1, 2).endswith("FAILED: it broke")


def test_a_model_is_a_straight_line_and_tells_who_is_above_it() -> None:
    model = Model(Point(1, 1.0, 100.0, 10.0), Point(1001, 3.0, 1100.0, 1010.0, 2.0))
    assert model.predict(10_001) == Point(10_001, 21.0, 10_100.0, 10_010.0, 20.0)
    _one, _each, fits, slow, fat = model.lines(
        "x", [Point(2001, 5.0, 2100.0), Point(2001, 10.0, 2100.0), Point(2001, 5.0, 4200.0)]
    )
    assert [(line.ratio, line.verdict) for line in (fits, slow, fat)] == [
        (1.0, "met"),
        (2.0, "missed"),
        (2.0, "missed"),
    ]


def test_a_model_has_two_points_and_predicts_two_others() -> None:
    assert sizes(50_000) == [1, 10_000, 20_000, 50_000]
    assert sizes(3) == [1, 2, 3, 4]


def test_pairs_are_measured_in_turns() -> None:
    called: list[str] = []
    ours, other = iter([1.0, 9.0, 3.0]), iter([5.0, 6.0, 7.0])

    def measured(name: str, figures: t.Iterator[float]) -> float:
        called.append(name)
        return next(figures)

    pair = in_turns(3, lambda: measured("ours", ours), lambda: measured("other", other))
    assert called == ["ours", "other", "other", "ours", "ours", "other"]
    assert pair == Pair(3.0, 6.0)


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), *options],
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
