# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What an option can name: parts of the client that are imported when they are asked for.

A process uses one middleware and one security provider. The libraries of the others take longer to load than a call.
"""

from __future__ import annotations

import importlib
import typing as t

T = t.TypeVar("T")


class Choices(t.Mapping[str, T]):
    """The parts of a package by their names.

    Ansible ships the files that import statements name, wherever they stand. So the package also imports its modules
    under ``if t.TYPE_CHECKING:``.

    :param package: the package's ``__name__``.
    :param places: the module of each part, and its name in it.
    """

    def __init__(self, package: str, places: t.Mapping[str, tuple[str, str]]) -> None:
        self._package, self._places = package, places

    def __getitem__(self, name: str) -> T:
        module, attribute = self._places[name]
        found: T = getattr(importlib.import_module(f".{module}", self._package), attribute)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._places  # and nothing is imported

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
