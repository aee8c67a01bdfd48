# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file imports only lower files, and no imports form a circle. Annotations count too."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

PACKAGE = pathlib.Path(exc.__file__).parent

FLOORS = [
    *(
        "printable",
        "exc",
        "choices",
        "nearest",
        "ranges",
        "logs",
        "options",
        "files",
        "permissions",
    ),
    *(
        "utils",
        "ruby_methods",
        "serializers",
        "ruby_values",
        "ruby_patterns",
        "compound",
        "expression",
    ),
    *("dialects", "config_file", "settings", "srv", "choria", "json_text", "tokens", "pool"),
    *("filters", "picking", "ddl", "functions", "envelope", "request", "settle"),
    *("described", "security", "wire", "intake", "middleware", "conversation", "find", "result"),
    *(
        "client",
        "subscription",
        "gathering",
        "diagnosis",
        "message",
        "connector",
        "config",
        "rpc",
        "listener",
        "test",
    ),
]
"""The files and packages of the client, from the lowest to the highest. Each may import those before it."""

PYTHON_MCOLLECTIVE = {"message", "connector", "config", "rpc", "listener", "test"}
"""The rooms with python-mcollective's classes, which no other room knows."""

Import = tuple[str, str]


def module_of(path: pathlib.Path, root: pathlib.Path) -> list[str]:
    """Return the parts of a module's name below the package. The package itself has no parts."""
    parts = list(path.relative_to(root).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def modules(root: pathlib.Path) -> dict[str, pathlib.Path]:
    found = {".".join(module_of(path, root)): path for path in root.rglob("*.py")}
    return {name: path for name, path in found.items() if name}


def imports(root: pathlib.Path) -> set[Import]:
    """Return which module imports which. Imports in functions and for annotations count too."""
    known = modules(root)
    return {
        (name, target)
        for name, path in known.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
        for target in _targets(node, path, root)
        if target in known and target != name
    }


def _targets(node: ast.ImportFrom, path: pathlib.Path, root: pathlib.Path) -> t.Iterator[str]:
    package = list(path.relative_to(root).parts[:-1])
    base = package[: len(package) - node.level + 1] + (node.module or "").split(".")
    base = [part for part in base if part]
    for alias in node.names:
        inner = root.joinpath(*base, alias.name)
        is_module = inner.with_suffix(".py").exists() or (inner / "__init__.py").exists()
        yield ".".join([*base, alias.name] if is_module else base)


def upward(found: t.Iterable[Import], floors: list[str]) -> set[Import]:
    """Return the imports of higher files and packages."""
    rank = {room: number for number, room in enumerate(floors)}

    def height(module: str) -> int:
        return rank[module.partition(".")[0]]

    return {(above, below) for above, below in found if height(above) < height(below)}


def circle(found: t.Iterable[Import]) -> list[str]:
    """The modules that know each other in circles, or through such: what is left when all are taken
    away that import none of the others, or that none imports."""
    left = set(found)
    while True:
        importing, imported = {a for a, _b in left}, {b for _a, b in left}
        rest = {(a, b) for a, b in left if a in imported and b in importing}
        if rest == left:
            return sorted(importing | imported)
        left = rest


def test_every_file_has_its_floor() -> None:
    assert {name.partition(".")[0] for name in modules(PACKAGE)} == set(FLOORS)


def test_no_import_goes_up() -> None:
    unknown = upward(imports(PACKAGE), FLOORS)
    assert not unknown, f"import what is lower, or move the name down: {sorted(unknown)}"


def test_no_files_know_each_other_in_a_circle() -> None:
    assert circle(imports(PACKAGE)) == []


def test_only_the_layer_of_python_mcollective_knows_its_classes() -> None:
    rooms = {
        (above.partition(".")[0], below.partition(".")[0]) for above, below in imports(PACKAGE)
    }
    assert not {
        (above, below)
        for above, below in rooms
        if below in PYTHON_MCOLLECTIVE and above not in PYTHON_MCOLLECTIVE
    }


def test_the_bridge_does_not_know_the_classes_of_python_mcollective() -> None:
    layer = re.compile(r"\.pymco(\.| import )(config|connector)\b")
    plugins = PACKAGE.parents[1]
    others = [path for path in plugins.rglob("*.py") if PACKAGE not in path.parents]
    assert not [path for path in others if layer.search(path.read_text())]


MOST_LINES, MOST_OF_A_FUNCTION = 400, 60


def functions(tree: ast.AST) -> t.Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def too_long(root: pathlib.Path) -> list[str]:
    """The files and functions that are two."""
    found = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text()
        if len(text.splitlines()) > MOST_LINES:
            found.append(path.name)
        found += [
            f"{path.name}: {function.name}"
            for function in functions(ast.parse(text))
            if t.cast(int, function.end_lineno) - function.lineno >= MOST_OF_A_FUNCTION
        ]
    return found


def test_no_file_and_no_function_is_too_long() -> None:
    assert too_long(PACKAGE.parents[1]) == []


# -- that it sees what it has to see ---------------------------------------------------------------

LOW = """
import typing as t

if t.TYPE_CHECKING:
    from .high import Thing


def later() -> None:
    from .package import inner, name
    from .package.other import x
"""


def test_imports_are_seen_wherever_they_stand(tmp_path: pathlib.Path) -> None:
    (tmp_path / "package").mkdir()
    for name, text in {
        "__init__": "from . import low",
        "low": LOW,
        "high": "import os\nfrom . import low\n",
        "package/__init__": "from .inner import y\nname = 1\n",
        "package/inner": "from ..low import later\n",
        "package/other": "from . import inner\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    found = imports(tmp_path)
    assert found == {
        ("low", "high"),
        ("low", "package"),
        ("low", "package.inner"),
        ("low", "package.other"),
        ("high", "low"),
        ("package", "package.inner"),
        ("package.inner", "low"),
        ("package.other", "package.inner"),
    }
    rising = {edge for edge in found if edge[0] == "low"}
    assert upward(found, ["low", "package", "high"]) == rising
    assert circle(found) == ["high", "low", "package", "package.inner", "package.other"]
    assert circle(found - rising) == []


def test_what_is_too_long_is_seen(tmp_path: pathlib.Path) -> None:
    body = "    pass\n" * (MOST_OF_A_FUNCTION - 1)
    (tmp_path / "short.py").write_text(f"def f():\n{body}")
    (tmp_path / "long.py").write_text(f"def g():\n{body}    pass\n" + "\n" * MOST_LINES)
    assert too_long(tmp_path) == ["long.py", "long.py: g"]
