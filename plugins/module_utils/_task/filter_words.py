# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Tells a filter in words, in results and in messages."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.compound import (
        Compound,
        Token,
    )
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.filters import Filter

_COMPARES = re.compile("[=<>]")


def in_words(filter_: Filter) -> list[str]:
    """Return what a node must have to fit a filter, an entry each, with facts as options and ``mco`` write them.

    A node must fit all entries, but only one of the identities, which are one entry here. A compound filter of
    MCollective is told as nodes read it.
    """
    from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.diagnosis import (
        entries_of,
    )

    found = [
        f"{entry.kind} {entry.text}" for entry in entries_of(filter_) if entry.kind != "compound"
    ]
    choria = filter_.dialect == "choria"
    for compound in filter_.compounds:
        found.append(f"compound {compound.text if choria else _instructions(compound)}")
    return found


def _instructions(compound: Compound) -> str:
    """Return what nodes of MCollective do with a compound filter."""
    text = " ".join(_instruction(token) for token in compound.tokens)
    return text.replace("( ", "(").replace(" )", ")")


def _instruction(token: Token) -> str:
    ((kind, value),) = token.items()
    if kind == "fstatement":
        query = f"{value['name']}({value['params'] or ''}).{value['value']}"
        return f"data {query} {value['operator']} {value['r_compare']}"
    if kind == "statement":
        is_fact = not value.startswith("/") and _COMPARES.search(value)
        return f"{'fact' if is_fact else 'class'} {value}"
    return kind
