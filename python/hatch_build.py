# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: BSD-2-Clause

"""Tells hatchling where the package is in the repository. In an sdist, hatchling finds it by itself."""

from __future__ import annotations

import pathlib
import typing as t

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Hook(BuildHookInterface[t.Any]):
    """Adds the package to a wheel, with the mark that it has types. Ansible ships no such file."""

    def initialize(self, version: str, build_data: dict[str, t.Any]) -> None:
        """Select the files. An editable wheel only refers to them.

        :param version: ``standard`` or ``editable``.
        """
        if version == "editable":
            return
        root = pathlib.Path(self.root)
        if not (root / "pymco").is_dir():
            package = root.parent / "plugins" / "module_utils" / "pymco"
            build_data["force_include"][str(package)] = "pymco"
        build_data["force_include"][str(root / "py.typed")] = "pymco/py.typed"
