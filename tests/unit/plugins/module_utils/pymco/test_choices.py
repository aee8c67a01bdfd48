# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is loaded, and when. Each question is asked of a new process."""

from __future__ import annotations

import ast
import json
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import (
    middleware,
    security,
    serializers,
)

PACKAGE = "ansible_collections.pymco.mcollective.plugins.module_utils.pymco"
CHOICES = {
    middleware: middleware.MIDDLEWARE,
    security: security.PROVIDERS,
    serializers: serializers.SERIALIZERS,
}
LIBRARIES = {"stomp", "yaml", "cryptography"}
PARTS = {"serializers.yaml", "serializers.marshal", "json_text", "wire.nats", "wire.stomp"}


def loaded(*names: str) -> set[str]:
    """Return which libraries and parts a process has after it has imported these parts."""
    program = (
        f"import importlib, json, sys\nsys.path[:] = {sys.path!r}\n"
        f"for name in {names!r}: importlib.import_module('{PACKAGE}.' + name)\n"
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    every = {name.removeprefix(f"{PACKAGE}.") for name in json.loads(done.stdout)}
    return every & (LIBRARIES | PARTS)


@pytest.mark.parametrize(
    "names,expected",
    [
        (("client", "config", "rpc"), set()),
        (
            ("rpc", "middleware.nats", "security.choria_v1"),
            {"cryptography", "json_text", "wire.nats"},
        ),
        (
            ("rpc", "middleware.rabbitmq", "security.psk"),
            {"stomp", "serializers.marshal", "wire.stomp"},
        ),
    ],
    ids=["none", "choria", "mcollective"],
)
def test_only_what_is_needed_is_loaded(names: tuple[str, ...], expected: set[str]) -> None:
    assert loaded(*names) == expected


@pytest.mark.parametrize("package", CHOICES, ids=lambda package: package.__name__.split(".")[-1])
def test_every_choice_is_there_and_is_shipped(package: t.Any) -> None:
    """Ansible ships what import statements name."""
    choices = CHOICES[package]
    assert all(callable(choices[name]) for name in choices)
    tree = ast.parse(pathlib.Path(package.__file__).read_text())
    named = {
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for word in (node.module, *(alias.name for alias in node.names))
    }
    assert {module for module, _name in choices._places.values()} <= named


def test_what_is_no_choice() -> None:
    assert "foo" not in serializers.SERIALIZERS
    assert sorted(serializers.SERIALIZERS) == ["marshal", "yaml"]
    assert len(serializers.SERIALIZERS) == 2
    with pytest.raises(KeyError):
        serializers.SERIALIZERS["foo"]


def test_the_classes_of_serializers_by_their_names() -> None:
    assert serializers.YamlSerializer is serializers.SERIALIZERS["yaml"]
    assert serializers.MarshalSerializer is serializers.SERIALIZERS["marshal"]
    with pytest.raises(AttributeError, match="has no attribute 'FooSerializer'"):
        serializers.FooSerializer  # noqa: B018
