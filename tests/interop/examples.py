# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All that the documentation shows for copying: of plugins, guides and READMEs."""

from __future__ import annotations

import ast
import re
import textwrap
import typing as t
from dataclasses import dataclass

import yaml
from conftest import ROOT

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUIDES = ROOT / "docs" / "docsite" / "rst"
PLUGINS = ("modules", "inventory", "lookup", "filter")
_RST = re.compile(r"^( *)\.\. code-block:: (\S+)\n\n((?:\1 {4}.*\n|\n)+)", re.MULTILINE)
_MARKDOWN = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SAID = re.compile(r"^# (?:Try: )?(ansible.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One thing to copy: a document in YAML, a command, a program or a file.

    :ivar source: the file that shows it, from the root of the collection.
    :ivar number: of the examples of this source, from 1.
    :ivar kind: the language, such as ``yaml``. A block with several commands is several examples.
    """

    source: str
    number: int
    kind: str
    text: str

    @property
    def name(self) -> str:
        """Return a short name, for the ids of tests."""
        parts = self.source.removesuffix("/README.md").split("/")
        kept = parts[-2:] if parts[0] in ("plugins", "roles") else parts[-1:]
        return f"{'/'.join(kept).rpartition('.')[0] or '/'.join(kept)}-{self.number}"

    @property
    def first_line(self) -> str:
        """Return what tells it from the others of its source: its first line that is no comment."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        return next((line for line in lines if not line.startswith("# ")), lines[0])

    @property
    def data(self) -> t.Any:
        """Return what a document in YAML has."""
        return yaml.safe_load(self.text)


def _split(shown: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Return languages and texts: commands one by one, documents one by one."""
    for kind, text in shown:
        if kind in ("console", "shell", "bash"):
            for line in re.findall(r"^\s*\$ (.+)$", text, re.MULTILINE):
                yield "command", re.sub(r"\s{2,}#.*", "", line)
        elif kind == "yaml":
            for document in re.split(r"^---\n", text, flags=re.MULTILINE):
                if document.strip():
                    yield kind, document
        else:
            yield kind, text


def blocks(path: Path) -> list[tuple[str, str]]:
    """Return the language and the text of each block that a file shows, in their order."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        shown = _variable(text, "EXAMPLES")
        said = "".join(f"$ {command}\n" for command in _SAID.findall(shown))
        return [("console", said), ("yaml", shown)]
    pattern = _RST if path.suffix == ".rst" else _MARKDOWN
    return [(kind, textwrap.dedent(block)) for _indent, kind, block in pattern.findall(text)]


def _variable(program: str, name: str) -> str:
    """Return the text that a program assigns to a variable."""
    for statement in ast.parse(program).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            (target,) = statement.targets
            if isinstance(target, ast.Name) and target.id == name:
                return str(statement.value.value)
    raise ValueError(f"there is no {name}")


def sources() -> list[Path]:
    """Return the files that show something for copying."""
    plugins = [
        path
        for kind in PLUGINS
        for path in sorted((ROOT / "plugins" / kind).glob("*.py"))
        if path.stem != "__init__"
    ]
    readmes = [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]
    return [*plugins, *readmes, *sorted(GUIDES.glob("*.rst"))]


def examples() -> list[Example]:
    """Return all examples, in the order of :func:`sources`."""
    found = []
    for path in sources():
        source = path.relative_to(ROOT).as_posix()
        for number, (kind, text) in enumerate(_split(blocks(path)), 1):
            found.append(Example(source, number, kind, text))
    return found
