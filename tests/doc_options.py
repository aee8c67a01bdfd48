# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what argument specifications say into the documentation: ``python tests/doc_options.py``.

People write the name of an option and its description. Its type, default, choices and suboptions, its
environment variable and its key in ansible.cfg come from ``plugins/module_utils/_task``. A test checks
that they are up to date. The program does not change options without a specification, such as Ansible's.
"""

from __future__ import annotations

import importlib
import pathlib
import re
import sys
import tempfile
import typing as t

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"
TABLES = {
    "batches": "BATCHES",
    "client": "CLIENT",
    "desired": "DESIRED",
    "per_host": "PER_HOST",
    "progress": "PROGRESS",
    "targets": "TARGETS",
}
"""Which table of ``_task/options.py`` a doc fragment describes."""
KINDS = ("inventory", "lookup")
"""Kinds of plugins that have a task of their own. Each has one plugin."""
MADE = "# Generated from _task/options.py by tests/doc_options.py.\n"
FACTS = ("type", "elements", "required", "choices", "default", "aliases")
"""The fields of an option that its documentation shares with its specification."""
_TASK = "ansible_collections.pymco.mcollective.plugins.module_utils._task"
_SENTENCE = "- The environment variable E({}) sets this option too."
_OLD_SENTENCE = re.compile(r" *- The environment variable E\(\w+\) sets this option too\.\n")

Spec = t.Mapping[str, t.Any]


class Undescribed(Exception):
    """An option has no description."""


def files() -> list[pathlib.Path]:
    """Return every file that documents options of tasks. The action gather_facts has none of its own."""
    fragments = [PLUGINS / "doc_fragments" / f"{name}.py" for name in sorted(TABLES)]
    modules = sorted((PLUGINS / "modules").glob("mcollective_*.py"))
    plugins = [PLUGINS / kind / "mcollective.py" for kind in KINDS]
    return [*fragments, *modules, *plugins]


def written(path: pathlib.Path) -> str:
    """Return the text that a file should have.

    :raises Undescribed: an option is in no documentation.
    """
    text = path.read_text(encoding="utf-8")
    options = importlib.import_module(f"{_TASK}.options")
    if path.parent.name == "doc_fragments":
        table = getattr(options, TABLES[path.stem])
        text = _replaced(text, "PLUGINS", lambda _old: found_elsewhere(table))
        return _replaced(
            text, "DOCUMENTATION", lambda old: documentation(old, options.specs(table))
        )
    spec = task_of(path).options
    shared = {**options.CLIENT_OPTIONS, **options.TARGET_OPTIONS, **options.PROGRESS_OPTIONS}
    for name, more in {
        "desired": options.DESIRED_OPTIONS,
        "batches": options.BATCH_OPTIONS,
    }.items():
        if f"- pymco.mcollective.{name}\n" in text:
            shared.update(more)
    return _replaced(text, "DOCUMENTATION", lambda old: documentation(old, spec, shared))


def task_of(path: pathlib.Path) -> t.Any:
    """Return the class of the task that a module, the inventory plugin or the lookup plugin runs."""
    name = path.stem.removeprefix("mcollective_")
    if path.parent.name in KINDS:
        name = path.parent.name
    found = importlib.import_module(f"{_TASK}.{name}")
    (task,) = (each for each in vars(found).values() if _is_task(each, found.__name__))
    return task


def _is_task(found: t.Any, module: str) -> bool:
    return isinstance(found, type) and found.__module__ == module and hasattr(found, "options")


def _replaced(text: str, name: str, made: t.Callable[[str], str]) -> str:
    """Return a file's text with a new value of one of its constants."""
    constant = re.compile(rf'(^ *{name} = r"""\n)(.*?)(^""")', re.DOTALL | re.MULTILINE)
    return constant.sub(lambda match: f"{match[1]}{made(match[2])}{match[3]}", text)


def found_elsewhere(table: t.Mapping[str, t.Any]) -> str:
    """Return the documentation of environment variables and of keys in ansible.cfg."""
    options = importlib.import_module(f"{_TASK}.options")
    lines = [f"{MADE}options:\n"]
    for name, option in table.items():
        if option.elsewhere:
            # Of several variables, Ansible takes the last one for plugins, and the first one for modules.
            env = [f"{{name: {each}}}" for each in reversed(options.variables(name))]
            lines.append(
                f"  {name}:\n    env: [{', '.join(env)}]\n"
                f"    ini: [{{section: {options.SECTION}, key: {name}}}]\n"
            )
    return "".join(lines)


def documentation(text: str, spec: Spec, shared: Spec | None = None) -> str:
    """Return documentation with the fields that a specification has for its options.

    :param shared: options that fragments document. They need no description here, and may have one.
    :raises Undescribed: an option is missing.
    """
    lines = text.splitlines(keepends=True)
    described = _Described(lines, shared or {})
    for key, value in yaml.compose(text).value:
        if key.value == "options":
            first, last = key.start_mark.line + 1, value.end_mark.line
            return "".join([*lines[:first], *described.options(value, spec), *lines[last:]])
    described.check((), spec)
    return text


class _Described:
    """Documentation as people have written it."""

    def __init__(self, lines: list[str], shared: Spec) -> None:
        self._lines = lines
        self._shared = shared

    def check(self, names: t.Collection[str], spec: Spec) -> None:
        """Raise :class:`Undescribed` if an option is neither among these names nor in a fragment."""
        for name, option in spec.items():
            if name not in names and option != self._shared.get(name):
                raise Undescribed(f"the option {name} has no description")

    def options(self, node: yaml.MappingNode, spec: Spec) -> t.Iterator[str]:
        """Yield the lines of options, in the order that they are in."""
        self.check([key.value for key, _value in node.value], spec)
        for (key, value), (first, last) in zip(node.value, _extents(node)):
            if key.value in spec:
                yield self._lines[first]
                yield from self._option(value, spec[key.value], key.value)
            else:
                yield from self._lines[first:last]

    def _option(self, node: yaml.MappingNode, spec: Spec, name: str) -> t.Iterator[str]:
        fields = {
            key.value: (value, extent) for (key, value), extent in zip(node.value, _extents(node))
        }
        if "description" not in fields:
            raise Undescribed(f"the option {name} has no description")
        indent = " " * node.start_mark.column
        words, (first, last) = fields.pop("description")
        yield from self._description(words, self._lines[first:last], spec, indent)
        for key, (_value, (first, last)) in fields.items():
            if key not in (*FACTS, "suboptions"):
                yield from self._lines[first:last]
        if spec == self._shared.get(name):
            return
        yield from (f"{indent}{key}: {_flow(value)}\n" for key, value in facts(spec))
        if "options" in spec:
            if "suboptions" not in fields:
                raise Undescribed(f"the suboptions of {name} have no description")
            yield f"{indent}suboptions:\n"
            yield from self.options(fields["suboptions"][0], spec["options"])

    def _description(
        self, words: yaml.Node, lines: list[str], spec: Spec, indent: str
    ) -> t.Iterator[str]:
        yield from (line for line in lines if not _OLD_SENTENCE.fullmatch(line))
        if "fallback" in spec:
            if not isinstance(words, yaml.SequenceNode):
                raise Undescribed(f"this description must be a list: {words.value}")
            # A note tells of the others.
            _strategy, (variable, *_others) = spec["fallback"]
            yield f"{indent}  {_SENTENCE.format(variable)}\n"


def _extents(node: yaml.MappingNode) -> list[tuple[int, int]]:
    """Return the numbers of the first line of each entry, and of the one after its last."""
    firsts = [key.start_mark.line for key, _value in node.value]
    return list(zip(firsts, [*firsts[1:], node.end_mark.line]))


def facts(spec: Spec) -> t.Iterator[tuple[str, t.Any]]:
    """Yield the fields of an option's documentation, without its description and its suboptions."""
    known = {"type": "str", **spec}
    for name in FACTS:
        if name in known:
            yield name, known[name]


def _flow(value: t.Any) -> str:
    """Return a value in YAML on one line."""
    text: str = yaml.safe_dump([value], default_flow_style=True, width=float("inf"))
    return text.strip()[1:-1]


def main() -> None:
    """Update all files."""
    with tempfile.TemporaryDirectory(prefix="mcollective-docs-") as scratch:
        place = pathlib.Path(scratch, "ansible_collections", "pymco")
        place.mkdir(parents=True)
        (place / "mcollective").symlink_to(ROOT)
        sys.path.insert(0, scratch)
        for path in files():
            try:
                text = written(path)
            except Undescribed as error:
                sys.exit(f"{path.relative_to(ROOT)}: {error}")
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
