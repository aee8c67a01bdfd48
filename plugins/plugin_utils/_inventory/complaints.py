# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with values of nodes. Each kind makes one warning, of however many nodes and values."""

from __future__ import annotations

import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._task.words import NAMED, named


class Complaints:
    """Collects complaints, and warns once of those that differ in their example only.

    :param warn: is called with each warning.
    """

    def __init__(self, warn: t.Callable[[str], None]) -> None:
        self._warn = warn
        self._found: dict[tuple[str, str], list[str]] = {}

    def add(self, before: str, example: str, after: str = "") -> None:
        """Add a complaint.

        :param example: a foreign text. The warning has the first few, between the two others.
        """
        examples = self._found.setdefault((before, after), [])
        examples.append(example if len(examples) < NAMED else "")  # only counted

    def tell(self) -> None:
        """Warn of what has been added since the last time."""
        for (before, after), examples in self._found.items():
            self._warn(f"{before}{named(examples)}{after}")
        self._found.clear()
