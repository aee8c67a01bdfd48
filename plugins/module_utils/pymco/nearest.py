# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Finds the name that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
import typing as t


def suggestion(name: str, names: t.Iterable[str]) -> str:
    """Return the end of a message about a name that is not among names, or "" if no name is near.

    >>> suggestion("nooop", ["noop", "tags"])
    '; is noop meant?'
    """
    close = difflib.get_close_matches(name, names, n=1)
    return f"; is {close[0]} meant?" if close else ""
