# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of roles are the same in the documentation, in the specification and in the defaults."""

from __future__ import annotations

import importlib.util
import pathlib
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def load() -> t.Any:
    """The program that writes the tables; it is no part of a package."""
    spec = importlib.util.spec_from_file_location("readmes", ROOT / "tests" / "role_readmes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READMES = load()
ROLES = ["broker", "client", "keys", "server"]


def test_all_roles_are_looked_at() -> None:
    assert READMES.roles() == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_has_every_variable(role: str) -> None:
    text = READMES.readme(role).read_text(encoding="utf-8")
    assert READMES.BEGIN in text
    assert READMES.written(text, role) == text, "run python tests/role_readmes.py"


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_checked(role: str) -> None:
    """A variable with a default is not required. A variable with neither would be undefined."""
    options, defaults = READMES.options(role), READMES.defaults(role)
    required = {name for name, option in options.items() if option.get("required")}
    assert set(defaults) | required == set(options)
    assert not set(defaults) & required


@pytest.mark.parametrize("role", ROLES)
def test_documented_defaults_are_the_real_ones(role: str) -> None:
    """The documentation describes a computed default in words instead."""
    options = READMES.options(role)
    for name, value in READMES.defaults(role).items():
        if "{{" in str(value):
            assert "default" not in options[name], name
        else:
            assert options[name]["default"] == value, name


@pytest.mark.parametrize("role", ROLES)
def test_variables_have_the_prefix_of_their_role(role: str) -> None:
    assert [name for name in READMES.options(role) if not name.startswith(f"{role}_")] == []
