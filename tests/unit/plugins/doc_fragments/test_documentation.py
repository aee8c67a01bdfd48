# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plugins document exactly the options that their tasks take. These tests run only under ansible-test."""

from __future__ import annotations

import importlib.util
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.pymco.mcollective.plugins.module_utils._task.options import (
    CLIENT,
    TARGETS,
    Option,
    specs,
)

ROOT = pathlib.Path(__file__).resolve().parents[4]
INVENTORY = "inventory/mcollective"
LOOKUP = "lookup/mcollective"
NAMES = "agent_info discovery_info facts keys node_info package ping puppet rpc service"
PLUGINS = [*(f"modules/mcollective_{name}" for name in NAMES.split()), INVENTORY, LOOKUP]
INVENTORY_ONLY = {"plugin", "hostnames", "group_by", "include", "exclude"}
VARIABLE = re.compile(r"E\((ANSIBLE_MCOLLECTIVE_\w+)\)")


def load() -> t.Any:
    """The program that writes the documentation; it is no part of a package."""
    spec = importlib.util.spec_from_file_location("doc_options", ROOT / "tests" / "doc_options.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = load()
FILES = DOCS.files()


def task(plugin: str) -> t.Any:
    """The class of the task that a plugin runs."""
    return DOCS.task_of(ROOT / "plugins" / f"{plugin}.py")


def documented(plugin: str) -> dict[str, t.Any]:
    """The options that Ansible shows for a plugin, those of its fragments included."""
    path = ROOT / "plugins" / f"{plugin}.py"
    kind = plugin.partition("/")[0].removesuffix("s")
    doc, *_others = get_docstring(
        str(path), fragment_loader, collection_name="pymco.mcollective", plugin_type=kind
    )
    options: dict[str, t.Any] = doc["options"]
    return options


def shape(option: dict[str, t.Any], suboptions: str) -> dict[str, t.Any]:
    """What documentation and specification both say of an option."""
    inner = option.get(suboptions) or {}
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "required": option.get("required", False),
        "choices": option.get("choices"),
        "default": option.get("default"),
        "aliases": option.get("aliases", []),
        "suboptions": {name: shape(each, suboptions) for name, each in inner.items()},
    }


def shapes(options: t.Mapping[str, t.Any], suboptions: str) -> dict[str, t.Any]:
    """The shapes of options, by name."""
    return {name: shape(option, suboptions) for name, option in options.items()}


def test_all_plugins_are_looked_at() -> None:
    found = [str(path.relative_to(ROOT / "plugins").with_suffix("")) for path in FILES]
    fragments = [f"doc_fragments/{name}" for name in sorted(DOCS.TABLES)]
    assert found == [*fragments, *PLUGINS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_documentation_is_what_the_tables_make_it(path: pathlib.Path) -> None:
    assert DOCS.written(path) == path.read_text(encoding="utf-8"), "run python tests/doc_options.py"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_documentation_fits_the_specification(plugin: str) -> None:
    spec, options = task(plugin).options, documented(plugin)
    if plugin in (INVENTORY, LOOKUP):
        options = {name: option for name, option in options.items() if name in spec}
    assert shapes(options, "suboptions") == shapes(spec, "options")


def test_no_other_option_of_the_inventory_is_documented() -> None:
    """Ansible takes whatever is documented, also an option that nothing looks at."""
    theirs = [fragment_loader.get(name) for name in ("constructed", "inventory_cache")]
    names = {name for each in theirs for name in yaml.safe_load(each.DOCUMENTATION)["options"]}
    expected = names | INVENTORY_ONLY | set(task(INVENTORY).options)
    assert set(documented(INVENTORY)) == expected


@pytest.mark.parametrize("plugin", [INVENTORY, LOOKUP])
def test_plugins_look_elsewhere_for_what_the_tables_say(plugin: str) -> None:
    table = {**CLIENT, **TARGETS}
    options = documented(plugin)
    for name in task(plugin).options:
        option = options[name]
        found = option.get("env"), option.get("ini")
        if name not in table or not table[name].elsewhere:
            assert found == (None, None), name
        else:
            prefixes = ("PYMCO", "ANSIBLE_MCOLLECTIVE")
            env = [{"name": f"{prefix}_{name.upper()}"} for prefix in prefixes]
            ini = [{"section": "mcollective_collection", "key": name}]
            assert found == (env, ini), name


@pytest.mark.parametrize("plugin", PLUGINS)
def test_environment_variables_are_told_where_tasks_look_at_them(plugin: str) -> None:
    options = documented(plugin)
    for name, spec in task(plugin).options.items():
        told = VARIABLE.findall(str(options[name]["description"]))
        assert told == (spec["fallback"][1][:1] if "fallback" in spec else []), name


TEXT = """\
options:
  old:
    description: An option that is as it was.
    type: int
    default: 4
  new:
    default: 7
    description:
      - What it is for.
    version_added: 2.0.0
  foreign:
    description: Of somebody else.
    version_added: 1.0.0
notes:
  - The end.
"""
TABLE = {
    "old": Option({"type": "int", "default": 5}),
    "new": Option({"type": "str", "choices": ["on", "x"]}, elsewhere=True),
}


def test_a_row_and_a_description_are_enough() -> None:
    made = DOCS.documentation(TEXT, specs(TABLE))
    assert made == TEXT.replace("default: 4", "default: 5").replace("    default: 7\n", "").replace(
        "    version_added: 2.0.0\n",
        "      - The environment variable E(ANSIBLE_MCOLLECTIVE_NEW) sets this option too.\n"
        "    version_added: 2.0.0\n"
        "    type: str\n"
        "    choices: ['on', x]\n",
    )
    assert DOCS.documentation(made, specs(TABLE)) == made
    assert list(yaml.safe_load(DOCS.found_elsewhere(TABLE))["options"]) == ["new"]


def test_a_module_may_have_shared_options_only() -> None:
    text = "module: shared\n"
    assert DOCS.documentation(text, specs(TABLE), specs(TABLE)) == text
    with pytest.raises(DOCS.Undescribed, match="^the option new has no description$"):
        DOCS.documentation(text, specs(TABLE), specs({"old": TABLE["old"]}))


@pytest.mark.parametrize(
    "text,name",
    [
        (TEXT.replace("new:", "other:"), "new"),
        (TEXT.replace("description: An option that is as it was.", "x: y"), "old"),
    ],
)
def test_an_option_without_a_description_is_named(text: str, name: str) -> None:
    with pytest.raises(DOCS.Undescribed, match=f"^the option {name} has no description$"):
        DOCS.documentation(text, specs(TABLE))
