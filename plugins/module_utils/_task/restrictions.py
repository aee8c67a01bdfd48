# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Refuses empty options that say which nodes a task is for, and lists where a text is wanted.

``identity_filters: "{{ found }}"`` after a search that found nothing, or ``nodes: "{{ x | default(None) }}"``, selects no
node. Once Ansible has validated the options, an absent option and a null one look the same, and a list has become
a text. So this looks at the options as they were given.
"""

from __future__ import annotations

import typing as t

from .options import RESTRICTING

if t.TYPE_CHECKING:
    from .options import Spec

NAMES = ("node", *RESTRICTING, "tags")
"""Options that leave nodes out, or parts of what nodes do. An absent one, or one with the value omit, leaves none out."""


def refusal(given: t.Mapping[str, t.Any], spec: Spec) -> str | None:
    """Return why options of a task, as they were given, cannot be used, or None.

    :param given: the options that are present, with any value.
    :param spec: the argument specification of the task.
    """
    return complaint(given, spec) or _no_text(given, spec)


def _no_text(given: t.Mapping[str, t.Any], spec: Spec) -> str | None:
    for name, value in given.items():
        if spec.get(name, {}).get("type") == "str" and isinstance(value, (list, tuple, dict)):
            what = "a dictionary" if isinstance(value, dict) else "a list"
            return f"{name} is {what}, and must be one text. Loop over the task for several"
    return None


def complaint(given: t.Mapping[str, t.Any], options: t.Container[str]) -> str | None:
    """Return why options as they were given cannot be used, or None.

    :param given: the options that are present, with any value.
    :param options: the options that the task has.
    """
    if "nodes" not in options and "node" not in options:
        return None
    known = [name for name in NAMES if name in options]
    empty = [name for name in known if name in given and _is_empty(given[name])]
    if not empty:
        return None
    are = "is empty, or has" if len(empty) == 1 else "are empty, or have"
    return (
        f"{' and '.join(empty)} {are} an empty entry, which would select nothing. Leave an option out, or give it the"
        " value omit, if it should not restrict anything"
    )


def _is_empty(value: t.Any) -> bool:
    """Return True for null, a text without content, an empty list, and a list with one of these in it."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip(" ,")
    if isinstance(value, (list, tuple)):
        return not value or any(map(_is_empty, value))
    return False
