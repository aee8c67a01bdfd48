# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public API is what the guide lists: each name is there, and takes the arguments that are listed."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pathlib
import re
import textwrap
import typing as t

import pytest

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc, rpc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco import (
    test_python_mcollective as former,
)

PACKAGE = rpc.__name__.rpartition(".")[0]
GUIDE = pathlib.Path(__file__).resolve().parents[5] / "docs/docsite/rst/python_api.rst"
VALUES = {
    "configdict": {
        "connector": "rabbitmq",
        "plugin.rabbitmq.pool.size": "1",
        "plugin.rabbitmq.pool.1.host": "h.example.com",
        "plugin.rabbitmq.pool.1.user": "me",
        "plugin.rabbitmq.pool.1.password": "x",
    },
    "count": 1,
    "position": 0,
}
"""What the constructors below want, if a text does not do."""


class Entry(t.NamedTuple):
    """One line of the list.

    :ivar name: with the module, as in ``rpc.Client.call``.
    :ivar parameters: None if the line has none.
    :ivar attributes: of the objects of a class, or of a module.
    """

    name: str
    parameters: list[str] | None
    attributes: list[str]


def entries() -> list[Entry]:
    """Return the lines of the lists in the section of the guide."""
    section = GUIDE.read_text(encoding="utf-8").partition("The public API\n---")[2]
    section = section.partition("\nWhat changed since")[0]
    blocks = re.findall(r"^\.\. code-block:: text\n\n((?: {4}.*\n|\n)+)", section, re.MULTILINE)
    lines = textwrap.dedent("".join(blocks)).replace("\n    ", " ").splitlines()
    return [entry(line) for line in lines if line.strip()]


def entry(line: str) -> Entry:
    match = re.fullmatch(r"([\w.]+)(?:\((.*)\)|: (.*))?", line)
    assert match is not None, line
    name, parameters, attributes = match.groups()
    return Entry(
        name,
        None if parameters is None else [each for each in re.split(r",\s*", parameters) if each],
        [] if attributes is None else re.split(r",\s*", attributes),
    )


ENTRIES = entries()
NAMES = {each.name for each in ENTRIES}


def found(name: str) -> t.Any:
    """Return what has a name, which begins with the name of a module."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join([PACKAGE, *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise AssertionError(f"there is no module for {name}")


def parameters(name: str) -> dict[str, inspect.Parameter]:
    """Return the parameters with which a name is called; a method's first one is not among them."""
    owner = found(name.rpartition(".")[0]) if name.count(".") else None
    taken = list(inspect.signature(found(name)).parameters.values())
    if inspect.isclass(owner):
        static = inspect.getattr_static(owner, name.rpartition(".")[2])
        taken = taken[0 if isinstance(static, (classmethod, staticmethod)) else 1 :]
    return {each.name: each for each in taken}


def made(cls: type) -> t.Any:
    """Return an object of a class, for the attributes that only objects have."""
    needed = {
        name: VALUES.get(name, "x")
        for name, each in inspect.signature(cls).parameters.items()
        if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    }
    if "config" in needed:
        options = {"securityprovider": "none", "identity": "me", **VALUES["configdict"]}
        needed["config"] = Config(options)
    if "settings" in needed:
        options = {"securityprovider": "psk", "plugin.psk": "x", **VALUES["configdict"]}
        needed["settings"] = Config(options)
    return cls(**needed)


def has_attribute(owner: t.Any, name: str) -> bool:
    if hasattr(owner, name) or not inspect.isclass(owner):
        return hasattr(owner, name)
    if dataclasses.is_dataclass(owner):
        return name in {field.name for field in dataclasses.fields(owner)}
    if inspect.isabstract(owner):
        owner = found("security.none.NoneProvider")
    return hasattr(made(owner), name)


def test_the_guide_has_a_list() -> None:
    assert len(ENTRIES) > 100
    assert len(NAMES) > 100


@pytest.mark.parametrize("each", ENTRIES, ids=lambda each: each.name)
def test_a_listed_name_is_there_and_takes_what_is_listed(each: Entry) -> None:
    found(each.name)
    for attribute in each.attributes:
        assert has_attribute(found(each.name), attribute), attribute
    if each.parameters is not None:
        check(each.parameters, parameters(each.name))


def check(listed: list[str], taken: dict[str, inspect.Parameter]) -> None:
    """Check that each call that the list allows is possible."""
    catch_all = any(each.kind is each.VAR_KEYWORD for each in taken.values())
    by_name, place = False, 0
    order = [name for name, each in taken.items() if each.kind is each.POSITIONAL_OR_KEYWORD]
    for item in listed:
        name = item.lstrip("*").removesuffix("=...")
        if item.startswith("*"):
            by_name = True
            assert not name or taken[name].kind in (
                inspect.Parameter.VAR_POSITIONAL,
                inspect.Parameter.VAR_KEYWORD,
            )
        elif name in taken:
            assert (taken[name].default is not inspect.Parameter.empty) == item.endswith("=...")
            assert by_name or order[place] == name
            place += 1
        else:
            assert catch_all, name
    names = {item.lstrip("*").removesuffix("=...") for item in listed}
    needed = {
        name
        for name, each in taken.items()
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    }
    assert needed <= names


def test_all_that_rpc_offers_is_listed() -> None:
    assert {f"rpc.{name}" for name in rpc.__all__} <= NAMES


def test_all_errors_are_listed() -> None:
    errors = {name for name, each in vars(exc).items() if inspect.isclass(each)}
    assert {f"exc.{name}" for name in errors if not name.startswith("_")} == {
        name for name in NAMES if name.startswith("exc.")
    }


def test_all_that_python_mcollective_documents_is_listed() -> None:
    """A class that derives from a listed one has its methods."""
    for module, name, _arguments in former.DOCUMENTED:
        owner, _dot, method = name.rpartition(".")
        classes = inspect.getmro(found(f"{module}.{owner}")) if owner else ()
        places = {f"{module}.{name}"}
        for each in NAMES:
            if owner and each.endswith(f".{method}") and found(each.rpartition(".")[0]) in classes:
                places.add(each)
        assert places & NAMES, f"{module}.{name}"
    assert {f"exc.{name}" for name in former.ERRORS} <= NAMES


@pytest.mark.parametrize("name", ["rpc.Client.clock", "nothing.At", "rpc.Nothing"])
def test_a_name_that_is_not_there_is_noticed(name: str) -> None:
    with pytest.raises((AssertionError, AttributeError)):
        found(name)


@pytest.mark.parametrize(
    "line",
    [
        "rpc.Client(clock, settings)",
        "rpc.Client(settings, progress=...)",
        "rpc.Client(settings, *, nothing=...)",
        "rpc.Client()",
        "rpc.Client.call(request=...)",
        "rpc.Result(*, nodes)",
    ],
)
def test_arguments_that_are_not_taken_are_noticed(line: str) -> None:
    wrong = entry(line)
    assert wrong.parameters is not None
    with pytest.raises((AssertionError, KeyError, IndexError)):
        check(wrong.parameters, parameters(wrong.name))
