# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The quick way for plain paths gives the same result as Jinja, or is not used."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.pymco.mcollective.plugins.plugin_utils._inventory import constructing

FACTS = {
    **{"os": {"family": "Debian", "release": {"major": "12"}}, "role": "web", "empty": ""},
    **{"list": ["a", "b"], "none": None, "number": 5, "true": True, "hash": {}, "a b": "blank"},
    **{"items": "hidden", "keys": {"x": 1}, "_private": "p", "__class__": "c", "copy": "d"},
    **{"template": "{{ 1 + 1 }}", "or": "keyword", "is": "keyword", "a.b": "dotted"},
}
VARIABLES = {"mcollective_facts": FACTS, "mcollective_identity": "web1", "other": {"x": "y"}}
PLAIN = [
    *("mcollective_identity", " mcollective_facts.role ", "mcollective_facts.os.family"),
    *("mcollective_facts['os'].release", 'mcollective_facts["os"]["release"]["major"]'),
    *("mcollective_facts.list", "mcollective_facts.none", "mcollective_facts.number"),
    *("mcollective_facts.true", "mcollective_facts.hash", "mcollective_facts['a b']"),
    *("mcollective_facts.template", "mcollective_facts['a.b']", "mcollective_facts.empty"),
]
MISSING = [
    *("mcollective_facts.nothing", "mcollective_facts.role.x", "mcollective_facts.list.x"),
    *("mcollective_facts.none.x", "mcollective_version", "mcollective_facts.os.nothing.x"),
]
OTHER = [
    *("mcollective_facts.items", "mcollective_facts['items']", "mcollective_facts.keys.x"),
    *("mcollective_facts._private", "mcollective_facts.__class__", "mcollective_facts.copy"),
    *(
        "mcollective_facts.list[0]",
        "mcollective_facts.role | upper",
        "other.x",
        "inventory_hostname",
    ),
    *("'mcollective_facts'", "mcollective_facts.role ~ 'x'", "mcollective_facts .role", ""),
    *(
        "mcollective_facts.get('role')",
        "mcollective_facts.os .family",
        "true",
        "mcollective_facts.",
    ),
    *(
        "mcollective_facts['x\\n']",
        "{{ mcollective_identity }}",
        "mcollective_facts[mcollective_identity]",
    ),
]


def by_jinja(expression: str) -> t.Any:
    """Return Ansible's result, or the type of its error."""
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    try:
        return templar.evaluate_expression(trust_as_template(expression))
    except AnsibleError as error:
        return type(error)


@pytest.mark.parametrize("expression", PLAIN)
def test_a_plain_path_is_what_jinja_says(expression: str) -> None:
    path = constructing.plain_path(expression)
    assert path is not None
    value = constructing.follow(path, VARIABLES)
    expected = by_jinja(expression)
    assert value == expected and type(value) is type(expected)


@pytest.mark.parametrize("expression", MISSING)
def test_what_is_missing_is_left_to_jinja(expression: str) -> None:
    path = constructing.plain_path(expression)
    assert path is not None
    assert constructing.follow(path, VARIABLES) is constructing._MISSING
    assert issubclass(by_jinja(expression), AnsibleError)


@pytest.mark.parametrize("expression", OTHER)
def test_everything_else_is_left_to_jinja(expression: str) -> None:
    assert constructing.plain_path(expression) is None


@pytest.mark.parametrize("name", ["or", "is"])
def test_words_of_jinja_are_no_names_after_a_dot(name: str) -> None:
    """Whatever Jinja makes of them, the short way makes the same."""
    expression = f"mcollective_facts.{name}"
    assert constructing.follow(constructing.plain_path(expression) or (), VARIABLES) == by_jinja(
        expression
    )
