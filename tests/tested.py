# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write into README what ``make matrix`` has tested: ``python3 tests/tested.py``.

``make matrix`` keeps the versions in tests/tested.json when no test has failed, and runs this. A test checks that both
files agree and that no supported ansible-core is missing.
"""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "tested.json"
README = ROOT / "README.md"
BLOCK = re.compile(r"(?<=<!-- tests/tested.py writes this -->\n).*?(?=<!-- until here -->)", re.S)
LIBRARIES = ("stomp.py", "cryptography", "PyYAML")


def record(controllers: list[dict[str, str]], hosts: list[dict[str, t.Any]]) -> None:
    """Keep the versions that were tested, and show them in README."""
    data = {"controllers": controllers, "hosts": hosts}
    DATA.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    README.write_text(written(), encoding="utf-8")


def written() -> str:
    """Return README as it should be."""
    block = shown(json.loads(DATA.read_text(encoding="utf-8"))) if DATA.exists() else ""
    return BLOCK.sub(lambda match: block, README.read_text(encoding="utf-8"))


def shown(data: dict[str, t.Any]) -> str:
    """Return the versions as tables of Markdown."""
    controllers = [[each["ansible-core"], each["Python"]] for each in data["controllers"]]
    hosts = [[each["Python"], *map(each.get, LIBRARIES)] for each in data["hosts"]]
    for row, each in zip(hosts, data["hosts"]):
        row[-1] += "" if each["libyaml"] else " without libyaml"
    return (
        "\n`make matrix` has run the sanity tests, the unit tests, and tests of the inventory and of plays with\n\n"
        f"{table(['ansible-core', 'on Python'], controllers)}\n"
        "and the unit tests of the modules and of the client, which run on managed hosts too, with\n\n"
        f"{table(['Python', *LIBRARIES], hosts)}\n"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    README.write_text(written(), encoding="utf-8")
