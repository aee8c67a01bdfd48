# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that the roles write: their owner, their permissions, and that they follow no links."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / "roles"
WRITERS = tuple(f"ansible.builtin.{name}" for name in ("copy", "template"))
FILE = "ansible.builtin.file"
Task = dict[str, t.Any]


def tasks(*modules: str) -> list[tuple[str, Task, Task]]:
    """Return a name for each task, the task, and the options of its module."""
    found = []
    for path in sorted(ROLES.glob("*/tasks/*.yml")):
        for task in yaml.safe_load(path.read_text(encoding="utf-8")) or ():
            for module in modules:
                if module in task:
                    name = f"{path.parent.parent.name}: {task['name']}"
                    found.append((name, task, task[module]))
    return found


def named(found: list[tuple[str, Task, Task]]) -> t.Any:
    """As parameters of a test."""
    assert found
    return pytest.mark.parametrize(
        "task,options", [pytest.param(task, options, id=name) for name, task, options in found]
    )


DIRECTORIES = [entry for entry in tasks(FILE) if entry[2]["state"] == "directory"]


@named(DIRECTORIES)
def test_a_directory_is_no_link_to_another(task: Task, options: Task) -> None:
    """By default, the module gives a link's target to the owner that the task names."""
    assert options.get("follow") is False


@named([*DIRECTORIES, *tasks(*WRITERS)])
def test_owner_group_and_mode_are_given(task: Task, options: Task) -> None:
    assert {"owner", "group", "mode"} <= options.keys()
    assert not int(options["mode"], 8) & 0o022, "others can write it"


@named(tasks(*WRITERS))
def test_a_link_is_replaced_and_not_followed(task: Task, options: Task) -> None:
    assert options.get("follow", False) is False


@named([entry for entry in tasks(*WRITERS) if entry[1].get("no_log")])
def test_a_secret_is_for_its_owner_alone(task: Task, options: Task) -> None:
    assert options["mode"] == "0600" and task["diff"] is False
