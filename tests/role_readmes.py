# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the tables of variables in the READMEs of roles: ``python tests/role_readmes.py``.

The tables come from ``meta/argument_specs.yml``. A test checks that they are up to date.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

import yaml

ROLES = pathlib.Path(__file__).resolve().parent.parent / "roles"
BEGIN = "<!-- Generated from meta/argument_specs.yml by tests/role_readmes.py. -->\n"
END = "<!-- End of the generated part. -->\n"
_MARKUP = re.compile(r"\b([BCEIMOPRV])\(([^()]*)\)")


def roles() -> list[str]:
    """Return the names of all roles."""
    return sorted(path.parent.parent.name for path in ROLES.glob("*/meta/argument_specs.yml"))


def options(role: str) -> dict[str, t.Any]:
    """Return the variables of a role, from its argument specification."""
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: dict[str, t.Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def defaults(role: str) -> dict[str, t.Any]:
    """Return the variables of a role that have defaults."""
    text = (ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8")
    found: dict[str, t.Any] = yaml.safe_load(text)
    return found


def table(role: str) -> str:
    """Return the variables of a role as a table in Markdown."""
    lines = ["| Variable | Type | Default | Description |", "|---|---|---|---|"]
    for name, option in options(role).items():
        lines.append(_row(name, option))
        for inner, suboption in option.get("options", {}).items():
            lines.append(_row(f"{name}[].{inner}", suboption))
    return "\n".join(lines) + "\n"


def readme(role: str) -> pathlib.Path:
    """Return the file that contains the table."""
    return ROLES / role / "README.md"


def written(text: str, role: str) -> str:
    """Return a README with the current table."""
    before, _mark, rest = text.partition(BEGIN)
    _old, _mark, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(role)}\n{END}{after}"


def _row(name: str, option: dict[str, t.Any]) -> str:
    kind = option["type"]
    if "elements" in option:
        kind = f"list of {option['elements']}"
    if option.get("required"):
        default = "*required*"
    elif "default" in option:
        default = f"`{_value(option['default'])}`"
    else:
        default = ""
    words = option["description"]
    text = " ".join([words] if isinstance(words, str) else words)
    if "choices" in option:
        text += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
    return f"| `{name}` | {kind} | {default} | {_plain(text)} |"


def _value(value: t.Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def _plain(text: str) -> str:
    """Return semantic markup as Markdown. A reference to another plugin becomes the name of its target."""

    def replaced(match: re.Match[str]) -> str:
        kind, content = match.groups()
        name = content.rpartition(":")[2] if "#" in content else content
        return name if kind in "BI" else f"`{name.removesuffix('#role')}`"

    plain = _MARKUP.sub(replaced, text)
    return re.sub(r"`([\w.]+)#\w+`", r"`\1`", plain).replace("|", "\\|")


def main() -> None:
    """Update all READMEs."""
    for role in roles():
        path = readme(role)
        path.write_text(written(path.read_text(encoding="utf-8"), role), encoding="utf-8")


if __name__ == "__main__":
    main()
