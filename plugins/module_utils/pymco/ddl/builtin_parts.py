# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""What tables of DDLs are made of: short texts become inputs, outputs and actions."""

from __future__ import annotations

import re

from ..serializers import Symbol
from . import model


def metadata(name: str, about: str, version: str, url: str, timeout: float) -> model.Metadata:
    """Return the metadata of a DDL of ours.

    :param version: of the plugin that it describes.
    """
    author = "the pymco.mcollective authors"
    return model.Metadata(name, about, author, "BSD-2-Clause", version, url, timeout)


def string(name: str, about: str, rule: str, most: int, *, optional: bool = False) -> model.Input:
    """Return an input that is a text."""
    key, kind, shown = Symbol(name), Symbol("string"), titled(name)
    return model.Input(key, shown, about, kind, optional, None, rule, most)


def outputs(text: str) -> dict[str, model.Output]:
    """Return outputs that are written as names with their descriptions."""
    pairs = re.findall(r"(\w+): ([^;]+)", text)
    return {name: model.Output(Symbol(name), about, titled(name)) for name, about in pairs}


def action(
    name: str, about: str, out: str, *inputs: model.Input, sums: str = "", display: str = "always"
) -> model.Action:
    """Return an action.

    :param out: its outputs; see :func:`outputs`.
    :param sums: the outputs of which replies are counted.
    """
    aggregates = [model.Aggregate("summary", [Symbol(output)]) for output in sums.split()]
    given = {input_.name: input_ for input_ in inputs}
    return model.Action(name, about, display, given, outputs(out), aggregates)


def titled(name: str) -> str:
    return name.replace("_", " ").capitalize()
